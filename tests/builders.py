"""Short builders for tests: a plan, its changes and what stands beside them, each in a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from provisioner.diagnostics import Diagnostic, Location
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.assignment import Assignment
from provisioner.model.change import Action, Cause, Change
from provisioner.model.coverage import Scope, ScopeCoverage, Verdict
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant, parse_instant
from provisioner.model.outstanding import Outstanding
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.way import Evidence, Way
from provisioner.plan.plan import Plan, Stray, TargetView, Waiting

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
"""The time at which the plans of tests are made."""
TREE = "9f2d1c0b5a6e7f8091a2b3c4d5e6f708192a3b4c"
REVISION = "1f7c9e2a4b6d8f00112233445566778899aabbcc"

_NARROWS = {Action.REVOKE, Action.DISABLE, Action.DELETE}
_NEUTRAL = {Action.RENAME, Action.ADOPT, Action.RELEASE, Action.UPDATE}


def at(text: str) -> Address:
    """An address from its text: `corp-ldap:membership/developers/ada`."""
    return Address.parse(text)


def line(text: str) -> Location:
    """A place from its text: `access/people/ada.yaml:4:3`."""
    file, number, column = text.rsplit(":", 2)
    return Location(file, int(number), int(column))


def day(text: str) -> Instant:
    """An instant from a date (midnight, UTC) or a full time."""
    return parse_instant(text if "T" in text else text + "T00:00:00Z")


def effect(action: Action, level: Level = Level.ORDINARY) -> Effect:
    """The usual direction of an action on access: what is taken narrows, what is given widens."""
    if action in _NARROWS:
        return Effect(Direction.NARROWS, level)
    return Effect(Direction.NEUTRAL if action in _NEUTRAL else Direction.WIDENS, level)


def change(
    action: str,
    address: str,
    words: str = "",
    *,
    who: str | None = None,
    why: str = "",
    source: str | Iterable[str] = (),
    cause: str = "declared",
    level: str = "ordinary",
    evidence: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    direction: str | None = None,
    ends: str | None = None,
    reversible: bool = True,
    ways: tuple[Way, ...] = (),
    needs: tuple[str, ...] = (),
) -> Change:
    """`change("revoke", "corp-ldap:membership/developers/ada", "remove ada from group developers")`.

    Whose it is defaults to the address's principal, or to the account itself; before and after to what the action
    means.
    """
    place, act = at(address), Action(action)
    if who is None:
        who = (
            place.principal.id if place.principal is not None else place.object if place.kind is Kind.ACCOUNT else None
        )
    if before is None and after is None:
        before, after = (None, {}) if act is Action.CREATE else ({}, None if act in _NARROWS else {})
    made = effect(act, Level(level))
    return Change(
        act,
        place,
        before,
        after,
        Cause(cause),
        made if direction is None else made._replace(direction=Direction(direction)),
        identity=who,
        evidence=None if evidence is None else Evidence(evidence),
        why=why,
        words=words or f"{action} {place.object}",
        sources=tuple(line(s) for s in ([source] if isinstance(source, str) else source)),
        ends=None if ends is None else day(ends),
        reversible=reversible,
        ways=ways,
        needs=needs,
    )


def view(
    complete: bool = True,
    mode: str = "add",
    *,
    failed: str | None = None,
    gaps: Mapping[str, str] | None = None,
    **read: int,
) -> TargetView:
    """What was read of a target: `view(account=210, membership=900)`; `gaps` has what was cut short, by kind."""
    coverage = tuple(ScopeCoverage(Scope(Kind(k)), Verdict.PARTIAL, proof) for k, proof in (gaps or {}).items())
    return TargetView(complete and not coverage and failed is None, mode, coverage, read, calls=3, failed=failed)


def plan(
    *changes: Change,
    targets: Mapping[str, TargetView] | None = None,
    waiting: Iterable[Waiting] = (),
    strays: Iterable[str | Stray] = (),
    outstanding: Iterable[Outstanding] = (),
    diagnostics: Iterable[Diagnostic] = (),
    revision: str | None = REVISION,
    uncommitted: bool = False,
) -> Plan:
    """A plan of `changes`, on targets that were all read completely unless `targets` says otherwise."""
    if targets is None:
        targets = {
            name: view(account=210, group=14, membership=900) for name in sorted({c.address.target for c in changes})
        }
    return Plan(
        engine="0.1.0",
        as_of=NOW,
        tree=TREE,
        judged_by=TREE,
        revision=revision,
        uncommitted=uncommitted,
        targets=targets,
        changes=changes,
        waiting=tuple(waiting),
        strays=tuple(s if isinstance(s, Stray) else Stray(at(s)) for s in strays),
        outstanding=tuple(outstanding),
        diagnostics=tuple(diagnostics),
    )


def waiting(action: str, address: str, not_before: str, *, who: str | None = None, why: str = "") -> Waiting:
    return Waiting(at(address), Action(action), day(not_before), who, why)


def outstanding(
    action: str, address: str, since: str, reason: str, *, who: str | None = None, run: str = "r1"
) -> Outstanding:
    return Outstanding(at(address), Action(action), day(since), reason, who, run)


def person(name: str, *roles: str | Assignment, kind: IdentityKind = IdentityKind.PERSON, **more: Any) -> Identity:
    """A declared person who holds `roles`."""
    return Identity(
        kind,
        name,
        name=more.pop("name", name.replace("-", " ").title()),
        roles=tuple(r if isinstance(r, Assignment) else Assignment(r) for r in roles),
        **more,
    )


def service(name: str, *roles: str | Assignment, **more: Any) -> Identity:
    """A declared service that holds `roles`."""
    return person(name, *roles, kind=IdentityKind.SERVICE, **more)


def declared(*identities: Identity, **more: Any) -> DeclaredAccess:
    """Access files that declare these identities."""
    return DeclaredAccess(identities={i.id: i for i in identities}, **more)


def account_of(login: str, target: str = "corp-ldap") -> Principal:
    """The principal that addresses on `target` use for the account `login`."""
    return Principal(target, PrincipalKind.PERSON, login)
