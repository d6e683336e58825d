"""Things that hold secrets and stand open to too many: what would make or widen one is not done, and one that is there
is told each time.

Open is what the provider calls so (a CircleCI context for every member; one labelled with a protected environment that
names no group). Nothing is shut because of it: that is for the files to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from provisioner.contract import Declare, Exposes, Exposure
from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.guardrails.acknowledge import Acknowledged
from provisioner.guardrails.case import Case, Held, widens
from provisioner.guardrails.lockout import after
from provisioner.guardrails.protected import labels, labels_on
from provisioner.guardrails.wording import let_addresses, names
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.model.instant import format_instant
from provisioner.model.resource import Resource
from provisioner.plan.side import Side

_SHOWN = 10


def exposed(case: Case, changes: Iterable[Change], said: Acknowledged) -> tuple[dict[str, Held], list[Diagnostic]]:
    """What would open such a thing, or one that is open already further; and all that stand open once it is done."""
    held: dict[str, Held] = {}
    told: list[Diagnostic] = []
    protected = {e.id for tree in (case.declared, case.judging) for e in tree.environments.values() if e.protected}
    changes = list(changes)
    for name, side in sorted(case.sides.items()):
        declare = side.declare
        if not isinstance(declare, Exposes):
            continue
        ours = {c.address: c for c in changes if c.address.target == name}
        nobodys: list[Exposure] = []
        for address, resource in sorted(after(side, ours.values()).resources.items(), key=lambda item: str(item[0])):
            found = declare.exposure(resource, _guarded(labels(case, address), protected))
            if found is None:
                continue
            if address not in side.desired.state and address not in ours:
                nobodys.append(found)
                continue
            change = ours.get(address)
            opens = change is not None and (change.action is Action.CREATE or widens(change))
            live = side.live.get(address)
            more = declare.secrets_to_come(live) if live is not None else ()
            one = _Finding(case, side, address, found)
            by = said.of(address)
            if by is not None:
                until = f"let through until {format_instant(by.until)}: {by.reason}"
                told.append(one.standing(Severity.NOTE, until))
            elif change is not None and opens:
                held[change.id] = Held(found.code, f"{found.thing} would be {found.how}")
                told.append(one.refused("would be"))
            elif more:
                told.append(one.refused("is", f", and is to hold {names(more, _SHOWN)} too"))
            else:
                told.append(one.standing(Severity.WARNING, found.why))
        told += _of_nobody(name, nobodys)
    return held, told


class _Finding:
    """One thing that the files name, and where they do."""

    def __init__(self, case: Case, side: Side, address: Address, found: Exposure) -> None:
        want = side.desired.state.get(address)
        self._case, self._address, self._found = case, address, found
        self._place: Location | None = want.sources[0] if want is not None and want.sources else None

    def refused(self, now: str, more: str = "") -> Diagnostic:
        found = self._found
        way = let_addresses(self._case, [self._address])
        return self._told(Severity.ERROR, f"{now} {found.how}{more}", found.why, f"{found.fix}; {way}")

    def standing(self, severity: Severity, why: str) -> Diagnostic:
        return self._told(severity, f"is {self._found.how}", why, self._found.fix)

    def _told(self, severity: Severity, how: str, why: str, fix: str) -> Diagnostic:
        found = self._found
        message = f"{found.thing} {how}"
        return Diagnostic(found.code, message, severity, self._place, why=why, fix=fix, target=self._address.target)


def _of_nobody(target: str, found: Iterable[Exposure]) -> Iterator[Diagnostic]:
    """What no file names, all of a kind in one."""
    kinds: dict[tuple[str, str], list[Exposure]] = {}
    for one in found:
        kinds.setdefault((one.code, one.how), []).append(one)
    for (code, how), alike in kinds.items():
        shown = names((one.thing for one in alike), _SHOWN)
        message = f"nobody declares {shown}, {'each ' if len(alike) > 1 else ''}{how}"
        fix = f"declare what is to stay, and say who it is for: {alike[0].fix}"
        yield Diagnostic(code, message, Severity.WARNING, why=alike[0].why, fix=fix, target=target)


def _guarded(found: Iterable[str], protected: set[str]) -> str | None:
    return min((label for label in found if label in protected), default=None)


def declared_exposures(declared: DeclaredAccess, declares: Mapping[str, Declare]) -> Iterator[Diagnostic]:
    """What the files alone open. For `validate`, which reads no system."""
    protected = {e.id for e in declared.environments.values() if e.protected}
    for name, declare in declares.items():
        if not isinstance(declare, Exposes):
            continue
        for resource in declare.declared():
            found = declare.exposure(resource, _guarded(labels_on(declared.targets[name], resource.address), protected))
            if found is not None:
                yield _stands(name, resource, found)


def _stands(target: str, resource: Resource, found: Exposure) -> Diagnostic:
    place = resource.sources[0] if resource.sources else None
    message = f"{found.thing} is {found.how}"
    return Diagnostic(found.code, message, Severity.WARNING, place, why=found.why, fix=found.fix, target=target)
