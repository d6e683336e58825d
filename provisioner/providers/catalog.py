"""The table of providers: every kind of system that can be managed, by the name that `provider:` takes.

A provider is imported when it is asked for, and loads its SDK only when a reader or writer is opened. Only `cli` (and
tests) may import this; everything else is handed providers.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from provisioner.contract import Holds, Provider

_TABLE = {
    "aws-iam": "provisioner.providers.aws_iam:PROVIDER",
    "circleci": "provisioner.providers.circleci:PROVIDER",
    "github": "provisioner.providers.github:PROVIDER",
    "ldap": "provisioner.providers.ldap:PROVIDER",
    "postgresql": "provisioner.providers.postgresql:PROVIDER",
}

_STORES = {
    "aws-iam": "provisioner.providers.aws_iam:PROVIDER",
    "circleci": "provisioner.providers.circleci:PROVIDER",
    "file": "provisioner.providers.file:PROVIDER",
    "github": "provisioner.providers.github:PROVIDER",
    "openbao": "provisioner.providers.openbao:PROVIDER",
}
"""What can keep secrets: as an entry of `stores:`, or as a part of a target."""

PLANNED = (
    "active-directory",
    "aws-identity-center",
    "bamboo",
    "cloudbees",
    "entra",
    "gcp-iam",
    "gitlab",
    "jenkins",
)
"""Names that are taken for providers to come, so that whoever writes one is told so and not that it is misspelled."""


def names() -> tuple[str, ...]:
    """Every provider's name, sorted; imports nothing."""
    return tuple(sorted(_TABLE))


def load(name: str) -> Provider:
    """The provider of that name. Raises KeyError where there is none."""
    return cast(Provider, _loaded(_TABLE[name]))


def all_providers() -> dict[str, Provider]:
    """Every provider by name."""
    return {name: load(name) for name in names()}


def all_stores() -> dict[str, Holds]:
    """Every provider that keeps secrets, by name."""
    return {name: cast(Holds, _loaded(where)) for name, where in sorted(_STORES.items())}


def _loaded(where: str) -> object:
    module, _, attribute = where.partition(":")
    return getattr(import_module(module), attribute)
