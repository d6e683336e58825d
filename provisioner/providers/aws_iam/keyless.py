"""The pure side of a service without keys: its role, and whom that trusts, out of `identity:` of the access files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.diagnostics import Diagnostic
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block
from provisioner.model.identity import Identity
from provisioner.model.principal import Principal
from provisioner.model.resource import Resource
from provisioner.model.target import Target
from provisioner.providers.aws_iam import names, trust

_CLAIMS = {"repository": trust.why_not_repository, "environment": trust.why_not_environment}
_EXAMPLE = "{github: {repository: OWNER/NAME, environment: NAME}}"


def check(key: str, block: Block, target: Target) -> Iterator[Diagnostic]:
    """As `Trusts.check_trust`."""
    body = block.data[key]
    role = body.get("role")
    if isinstance(role, str) and (why := names.why_not("role", role)) is not None:
        yield Diagnostic(
            "aws-name",
            f"`{role}` cannot name an IAM role",
            location=block.at(key, "role"),
            length=len(role),
            why=why,
            fix="write the role's name as IAM shows it, without path or ARN",
            target=target.name,
        )
    trusted = body.get("trust")
    if not isinstance(trusted, Mapping) or not trusted:
        yield _told(block, (key,), "the role trusts nobody", "without `trust:` no job could ever take it on", _EXAMPLE)
        return
    for system, claims in trusted.items():
        path = (key, "trust", system)
        if system != "github":
            yield _told(
                block,
                path,
                f"AWS cannot be told to trust one pipeline of `{system}`",
                "of the tokens that AWS can compare only that of GitHub Actions names one repository and one "
                "environment; by CircleCI's project or GitLab's branch, every job of it would be let in",
                "`github`, or a key under `credentials:`",
            )
            continue
        yield from _claims(block, path, claims if isinstance(claims, Mapping) else {})


def _claims(block: Block, path: tuple[str, ...], claims: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for name in claims:
        if name not in _CLAIMS:
            yield _told(
                block,
                (*path, name),
                f"`{name}` is no claim that can be trusted by here",
                "a job is told by its repository and its environment, both exactly",
                "`repository` and `environment` alone",
            )
    for name, why_not in _CLAIMS.items():
        if name not in claims:
            yield _told(
                block,
                path,
                f"any job of GitHub Actions that gives another {name} would be trusted as well: `{name}` is missing",
                "a role is for one repository and one environment of it, whose own protection says who may deploy",
                f"`{name}:` too",
            )
        elif (why := why_not(claims[name])) is not None:
            yield _told(block, (*path, name), f"`{claims[name]}` cannot be its {name}", why, "it as GitHub shows it")


def _told(block: Block, path: tuple[str, ...], message: str, why: str, write: str) -> Diagnostic:
    return Diagnostic("keyless-trust", message, location=block.at(*path), why=why, fix=f"write {write}")


def check_grants(block: Block) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """As `Trusts.check_keyless`."""
    groups = block.data.get("groups")
    for index, name in enumerate(groups if isinstance(groups, list | tuple) else ()):
        yield f"a role cannot be in an IAM group (`{name}`)", ("groups", index)


def trusts(identity: Identity, who: Principal, target: Target) -> Iterator[Resource]:
    """As `Trusts.trusts`."""
    found = identity.trust_on(target.name)
    if found is None or identity.keyless is None:
        return
    key, by_system = found
    claims = by_system.get("github")
    if isinstance(claims, Mapping) and set(claims) == set(_CLAIMS):
        address = Address(target.name, Kind.CONTROL, names.TRUST, who)
        place = identity.keyless.at(key, "trust", "github")
        yield Resource(address, {trust.TRUSTS: [trust.github(claims)]}, sources=(place,))


def instead_of_a_key(place: Mapping[str, Any]) -> dict[str, Any] | None:
    """As `Trusts.keyless_for`."""
    if place.get("system") != "github":
        return None
    return {"github": {"repository": place["repository"], "environment": place.get("environment", "ENVIRONMENT")}}
