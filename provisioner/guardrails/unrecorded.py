"""A journal that is lost: things carry our marks, and no record says what was done there.

A hold (`offboard --now`) is in the journal alone, so whoever was cut off looks like somebody who is declared and has
lost their access. Nothing is given back to them until somebody has said that it may be; everything else goes on. Where
nothing can be marked nothing shows that a journal is lost: there it is believed of the other targets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.guardrails.acknowledge import Acknowledged
from provisioner.guardrails.case import Case, Held, widens
from provisioner.guardrails.wording import meant, names, text
from provisioner.model.access import DeclaredAccess
from provisioner.model.change import Change
from provisioner.model.instant import format_instant
from provisioner.model.ownership import ownership
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.target import AccountsPolicy, Mode
from provisioner.model.way import Ownership
from provisioner.plan.side import Side

RULE = "journal-missing"


@dataclass
class Unrecorded:
    """`targets` has how many things carry our mark on each target whose journal is lost and of whom nobody has said
    so; `held` what is not given back meanwhile, by change."""

    targets: dict[str, int] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    told: list[Diagnostic] = field(default_factory=list)


def unrecorded(case: Case, said: Acknowledged) -> Unrecorded:
    """What is missing of the journal, and what must wait for an answer."""
    marked = {name: _marked(case, side) for name, side in case.sides.items() if _began_here(case, name)}
    lost = {name: found for name, found in marked.items() if found or case.known[name].gap is not None}
    if not lost and not any(_unread(case)):
        return Unrecorded()
    lost |= {name: Counter() for name in marked if name not in lost and _cannot_tell(case, name)}
    out = Unrecorded()
    cut: dict[str, str] = {}
    for name, found in sorted(lost.items()):
        if said.journal_lost(name):
            out.told.append(replace(_told(case, name, found, []), severity=Severity.NOTE))
            continue
        out.targets[name] = found.total()
        cut |= dict.fromkeys(_maybe_cut_off(case, case.sides[name]), name)
    waiting = [c for c in case.changes if widens(c) and c.identity in cut and not said.lets_in(c)]
    for change in waiting:
        lost_on = cut[change.identity or ""]
        why = f"{change.identity} may have been cut off, and the journal of {lost_on} that would say so is missing"
        out.held[change.id] = Held(RULE, why)
    for name in out.targets:
        mine = [c for c in waiting if cut[c.identity or ""] == name or c.address.target == name]
        out.told.append(_told(case, name, lost[name], mine))
    return out


def _began_here(case: Case, name: str) -> bool:
    """Whether the journal has nothing of a target that is written to, or nothing from before its chain began anew."""
    known = case.known.get(name)
    if known is None or case.sides[name].target.mode is Mode.REPORT:
        return False
    return known.records == 0 or known.gap is not None


def _unread(case: Case) -> Iterator[str]:
    """Targets that the files had before, of which there is no record, and which cannot be asked for marks now."""
    unread = (name for name, known in case.known.items() if known.records == 0 and name not in case.sides)
    yield from (name for name in unread if _declared_before(case, name))


def _cannot_tell(case: Case, name: str) -> bool:
    """Whether nothing, or no account, carries marks there, so that the loss need not show."""
    side = case.sides[name]
    unmarked = not side.declare.capabilities.marks or side.target.accounts is AccountsPolicy.EXISTING
    return unmarked and _declared_before(case, name)


def _declared_before(case: Case, name: str) -> bool:
    return any(name in tree.targets for tree in _earlier(case))


def _earlier(case: Case) -> Iterator[DeclaredAccess]:
    yield from (p.declared for p in case.past if p.declared.tree != case.declared.tree)


def _marked(case: Case, side: Side) -> Counter[str]:
    """What carries our mark, by kind."""
    owner = case.declared.records.owner if side.owner is None else side.owner
    return Counter(
        r.address.kind.value
        for r in side.live
        if (r.mark is not None and ownership(r, owner) is Ownership.OWNED)
        or any(w.ownership is Ownership.OWNED for w in r.ways)
    )


def _maybe_cut_off(case: Case, side: Side) -> Iterator[str]:
    """Those whom the files give something there, and who look as `offboard --now` leaves somebody: disabled by us; or,
    where nobody can be, without anything although the files gave it before."""
    bare = side.target.accounts is AccountsPolicy.EXISTING or not side.declare.capabilities.disables
    before = {who for tree in _earlier(case) for who in tree.identities} if bare else set()
    for identity in side.desired.logins.values():
        match = side.matched.by_identity.get(identity.id)
        if bare:
            known = identity.id in before or any(old in before for old in identity.was)
            if known and (match is None or not _holds_anything(side, match.login)):
                yield identity.id
        elif match is not None and identity.suspended is None:
            mark = match.account.mark
            off = match.account.attributes.get("enabled") is False
            if off and mark is not None and mark.disabled_since is not None and match.ownership is Ownership.OWNED:
                yield identity.id


def _holds_anything(side: Side, login: str) -> bool:
    if side.target.accounts is not AccountsPolicy.EXISTING:
        return True  # the account is what they would have lost
    kinds = (PrincipalKind.PERSON, PrincipalKind.SERVICE)
    return any(r.gives_access for k in kinds for r in side.live.held_by(Principal(side.target.name, k, login)))


def _told(case: Case, name: str, marked: Mapping[str, int], waiting: Iterable[Change]) -> Diagnostic:
    gap = case.known[name].gap
    carry = " and ".join(f"{n:,} {kind}{'' if n == 1 else 's'}" for kind, n in sorted(marked.items()))
    carry = f"{carry} there carry our mark" if carry else "nothing there carries a mark"
    if gap is None:
        message = f"the journal of {name} is missing: {carry}, and there is no record of it in {case.journal}"
    else:
        message = f"the journal of {name} was lost: {carry}, and its records in {case.journal} begin "
        message += format_instant(gap)
    people = sorted({c.identity for c in waiting if c.identity is not None})
    if people:
        message += f"; nothing is given back to {names(people)}, who may have been cut off"
    return Diagnostic(
        RULE,
        message,
        Severity.ERROR if people else Severity.WARNING,
        location=case.sides[name].target.location,
        target=name,
        why="forgotten with it are who was cut off by `offboard --now`, what earlier runs left outstanding, which "
        "system this is, and what was done before; who has left is told by marks and by the files' history alone",
        fix="restore the journal from a copy, or correct `records.journal`; "
        + meant(
            case.now, [f"target: {text(name)}, journal: lost"], when="if it is lost, and whoever is named may come in,"
        ),
    )
