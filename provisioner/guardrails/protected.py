"""How many people one plan may bring into an environment that is protected.

Somebody is new there who has nothing live that is labelled with it: an account or what hangs on one, on any target.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provisioner.diagnostics import Diagnostic
from provisioner.guardrails.acknowledge import Acknowledged
from provisioner.guardrails.case import Case, Held, Who, widens
from provisioner.guardrails.wording import count, let_in, names
from provisioner.model.address import Address, Kind
from provisioner.model.change import Change
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.target import GROUP_SECTIONS, Target
from provisioner.plan.side import Side


def newcomers(case: Case, changes: Iterable[Change], said: Acknowledged) -> tuple[dict[str, Held], list[Diagnostic]]:
    """What would bring more new people into an environment than it takes at a time."""
    limits = {e.id: most for e in case.judging.environments.values() if (most := e.most_newcomers) is not None}
    if not limits:
        return {}, []
    giving: dict[str, list[Change]] = {}
    for change in changes:
        if widens(change) and change.address.kind is not Kind.GROUP:
            for label in labels(case, change.address) & limits.keys():
                giving.setdefault(label, []).append(change)
    held: dict[str, Held] = {}
    told: list[Diagnostic] = []
    for environment, given in sorted(giving.items()):
        by_person: dict[Who, list[Change]] = {}
        for change in given:
            for who in case.touched(change):
                by_person.setdefault(who, []).append(change)
        new = {w: cs for w, cs in by_person.items() if not _inside(case, w, environment) and not _let_in(said, cs)}
        most = limits[environment]
        if len(new) <= most:
            continue
        held |= _held(new, environment, most)
        told.append(_refusal(case, environment, most, new))
    return held, told


def _held(new: Mapping[Who, list[Change]], environment: str, most: int) -> dict[str, Held]:
    why = f"{len(new)} people would be new in {environment}, which takes {most} at a time"
    return {c.id: Held("protected-newcomers", why) for changes in new.values() for c in changes}


def _refusal(case: Case, environment: str, most: int, new: Mapping[Who, list[Change]]) -> Diagnostic:
    rule = case.judging.environments[environment]
    known = {w.name for w in new if w.known}
    return Diagnostic(
        "protected-newcomers",
        f"{count(len(new), 'person', 'people')} would be new in {environment}, and one plan brings in at most {most}: "
        f"{names(new)}",
        location=case.place(rule.location),
        why=f"it is protected ({case.said(rule.location)}); `newcomers` says how many are usual",
        fix=let_in(case, known),
    )


def _let_in(said: Acknowledged, changes: list[Change]) -> bool:
    """Whether somebody has said that they may come in: what hangs on the account is what counts, if there is any."""
    hanging = [c for c in changes if c.address.kind is not Kind.ACCOUNT]
    return all(said.lets_in(c) for c in hanging or changes)


def labels(case: Case, address: Address) -> frozenset[str]:
    """The environments that a thing is labelled with, by the files or by the base: taking a label off in the same
    change does not help."""
    targets = (tree.targets.get(address.target) for tree in (case.declared, case.judging))
    return frozenset(label for target in targets if target is not None for label in labels_on(target, address))


def labels_on(target: Target, address: Address) -> Iterable[str]:
    """The environments that one declaration of a target labels a thing with."""
    if target.environment is not None:
        yield target.environment
        return
    for (section, name), label in target.object_environments.items():
        if name == address.object and (section in GROUP_SECTIONS) == (address.kind in (Kind.GROUP, Kind.MEMBERSHIP)):
            yield label


def _inside(case: Case, who: Who, environment: str) -> bool:
    """Whether they have anything there now."""
    return any(_has(case, side, who, environment) for side in case.sides.values())


def _has(case: Case, side: Side, who: Who, environment: str) -> bool:
    target = side.target.name
    if not who.known:
        logins = {who.name} if who.target == target else set()
    else:
        match = side.matched.by_identity.get(who.name)
        logins = {login for login, identity in side.desired.logins.items() if identity.id == who.name}
        if match is not None:
            logins.add(match.login)
            account = match.account
            if account.attributes.get("enabled") is not False and environment in labels(case, account.address):
                return True
        logins = {login for login in logins if case.who(target, login) == who}
    held = (
        resource
        for login in logins
        for kind in (PrincipalKind.PERSON, PrincipalKind.SERVICE)
        for resource in side.live.held_by(Principal(target, kind, login))
    )
    return any(r.gives_access and environment in labels(case, r.address) for r in held)
