"""What of our own environment a command that we start does not get: whatever can make credentials, or reach the
journal. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner.model.access import DeclaredAccess

PREFIXES = ("AWS_", "PG", "PROVISION_", "ACTIONS_", "VAULT_", "BAO_", "AZURE_", "ARM_", "GOOGLE_", "CLOUDSDK_",
            "KRB5", "bamboo_")  # fmt: skip
"""Of SDKs and tools that find a credential, or a place to get one from, by themselves. `ACTIONS_` has the address and
token by which a job of GitHub Actions asks for a signed token, and the runner's own."""
NAMES = frozenset(
    {
        "GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN",
        "CI_JOB_TOKEN", "CI_JOB_JWT", "CI_JOB_JWT_V1", "CI_JOB_JWT_V2", "CI_REGISTRY_PASSWORD", "CI_DEPLOY_PASSWORD",
        "CI_REPOSITORY_URL", "CI_DEPENDENCY_PROXY_PASSWORD", "GITLAB_TOKEN",
        "CIRCLE_TOKEN", "CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2",
        "JENKINS_USER", "JENKINS_API_TOKEN", "BAMBOO_TOKEN", "COMMANDER_SESSIONID",
        "SYSTEM_ACCESSTOKEN", "BITBUCKET_STEP_OIDC_TOKEN", "LDAPBINDDN", "LDAPTLS_KEY", "KUBECONFIG",
        "SSH_AUTH_SOCK", "DOCKER_AUTH_CONFIG",
    }
)  # fmt: skip
"""Tokens of CI systems, and what leads to an agent that holds keys."""


def without_minting(environ: Mapping[str, str], trees: Iterable[DeclaredAccess]) -> dict[str, str]:
    """`environ` without all that, and without every variable that a target, store or source of the files reads."""
    named = {name for declared in trees for name in _read_by(declared)}
    return {
        name: value
        for name, value in environ.items()
        if name not in named and name not in NAMES and not name.startswith(PREFIXES)
    }


def _read_by(declared: DeclaredAccess) -> Iterator[str]:
    for target in declared.targets.values():
        yield from _variables(target.settings.data)
    yield from _variables(declared.stores.data)


def _variables(value: Any) -> Iterator[str]:
    """The NAME of every `{env: NAME}` in a piece of the files."""
    if isinstance(value, Mapping):
        name = value.get("env")
        if len(value) == 1 and isinstance(name, str):
            yield name
        for part in value.values():
            yield from _variables(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _variables(part)
