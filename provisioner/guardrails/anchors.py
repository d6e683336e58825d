"""What is never narrowed, whatever the files say: our own access with all that it hangs on, and break-glass.

No acknowledgement opens these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provisioner.diagnostics import Diagnostic
from provisioner.guardrails.case import Case, Held, people_called
from provisioner.guardrails.wording import count, names
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.plan.side import Side


def own_access(case: Case) -> tuple[dict[str, Held], list[Diagnostic]]:
    """Changes that would take our own account, or what gives it its rights."""
    relevant = [c for c in case.changes if c.narrows or c.action is Action.RENAME]
    if not relevant or not case.anchors:
        return {}, []
    ours = _Ours(case)
    held: dict[str, Held] = {}
    told: list[Diagnostic] = []
    by_target: dict[str, list[Change]] = {}
    for change in relevant:
        if ours.hangs_on(change):
            by_target.setdefault(change.address.target, []).append(change)
    for target, changes in by_target.items():
        me = case.names.get(target, "we")
        why = f"our own access hangs on it ({me})"
        held |= {c.id: Held("own-access", why) for c in changes}
        told.append(
            Diagnostic(
                "own-access",
                f"{count(len(changes), 'change')} would take our own access to {target} away and "
                f"{'is' if len(changes) == 1 else 'are'} not made: {names((c.words for c in changes), 3)}",
                target=target,
                why=f"provision is {me} there, and could not undo it, nor do anything else, afterwards",
                fix="leave our own account, its groups and their rights alone; change them by hand",
            )
        )
    return held, told


class _Ours:
    """Our accounts, the groups that they are in, and whatever else the anchors name."""

    def __init__(self, case: Case) -> None:
        self._anchors = case.anchors
        self._holders: set[tuple[str, str]] = set()
        self._groups: set[tuple[str, str]] = set()
        exact: set[Principal] = set()
        for address in case.anchors:
            side = case.sides.get(address.target)
            if address.kind is Kind.ACCOUNT:
                self._holders |= {(address.target, login) for login in _logins(side, address.object)}
            elif address.kind is Kind.GROUP:
                self._groups.add((address.target, address.object))
            elif address.principal is not None:
                exact.add(address.principal)
                if address.kind is Kind.MEMBERSHIP:
                    self._groups.add((address.target, address.object))
                if address.principal.is_account:
                    self._holders |= {(address.target, login) for login in _logins(side, address.principal.id)}
        for name, side in case.sides.items():
            logins = {login for target, login in self._holders if target == name}
            kinds = (PrincipalKind.PERSON, PrincipalKind.SERVICE)
            waiting = [Principal(name, kind, login) for login in logins for kind in kinds]
            waiting += [who for who in exact if who.realm == name]
            waiting += [Principal(name, PrincipalKind.GROUP, group) for target, group in self._groups if target == name]
            self._climb(side, waiting)

    def _climb(self, side: Side, waiting: list[Principal]) -> None:
        """Every group that one of these is in, directly or by another group."""
        seen = set(waiting)
        while waiting:
            for resource in side.live.held_by(waiting.pop()):
                address = resource.address
                if address.kind is not Kind.MEMBERSHIP or not resource.gives_access:
                    continue
                self._groups.add((address.target, address.object))
                group = Principal(address.target, PrincipalKind.GROUP, address.object)
                if group not in seen:
                    seen.add(group)
                    waiting.append(group)

    def hangs_on(self, change: Change) -> bool:
        address, who = change.address, change.address.principal
        if address in self._anchors:
            return True
        if address.kind is Kind.ACCOUNT:
            before = (change.before or {}).get("login") if change.action is Action.RENAME else None
            return any((address.target, login) in self._holders for login in (address.object, before) if login)
        if change.action is Action.RENAME:
            return False
        if address.kind is Kind.GROUP:
            return (address.target, address.object) in self._groups
        if who is None:
            return False
        if who.is_account:
            return (address.target, who.id) in self._holders
        if who.kind is PrincipalKind.GROUP:
            return (who.realm, who.id) in self._groups
        return any(who == anchor.principal for anchor in self._anchors)


def _logins(side: Side | None, login: str) -> Iterator[str]:
    """An account's login as it is, and the one under which the live state has what hangs on it."""
    yield login
    match = side.matched.by_login.get(login) if side is not None else None
    if side is not None and match is not None:
        yield from (wanted for wanted, identity in side.desired.logins.items() if identity.id == match.identity.id)


def break_glass(case: Case) -> tuple[dict[str, Held], list[Diagnostic]]:
    """Changes that would narrow what is kept for the day when nothing else works."""
    kept = case.rules.break_glass
    narrowing = [c for c in case.changes if c.narrows] if kept else []
    held: dict[str, Held] = {}
    by_person: dict[str, list[Change]] = {}
    for change in narrowing:
        for name in sorted(kept):
            if not case.touched(change).isdisjoint(people_called(case, change.address.target, name)):
                by_person.setdefault(name, []).append(change)
                held.setdefault(change.id, Held("break-glass", f"{name} is break-glass: nothing of theirs is taken"))
    told = [
        Diagnostic(
            "break-glass",
            f"{count(len(changes), 'change')} would narrow the access of {name} and "
            f"{'is' if len(changes) == 1 else 'are'} not made: {names((c.words for c in changes), 3)}",
            location=case.place(kept[name]),
            target=_only(c.address for c in changes),
            why=f"{name} is break-glass ({case.said(kept[name])}), for the day on which nobody else gets in",
            fix=f"to take it after all, first take {name} out of `break_glass`, in a change of its own",
        )
        for name, changes in sorted(by_person.items())
    ]
    return held, told


def _only(addresses: Iterable[Address]) -> str | None:
    """The one target that these are on, if it is one."""
    targets = {a.target for a in addresses}
    return targets.pop() if len(targets) == 1 else None
