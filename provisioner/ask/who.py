"""Who holds a thing, as the files say and as the systems do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from provisioner.ask.holdings import holding, incomplete
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.answer import Holders, Holding, Incomplete, Live
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.plan.side import Side

_HELD = (Kind.MEMBERSHIP, Kind.GRANT)


@dataclass(frozen=True, slots=True)
class Question:
    """`thing` is the name of a group, policy or the like, `kind/name`, or a whole address; `environment` keeps what is
    labelled with it, `role` what is held because of that role.
    """

    thing: str | None = None
    environment: str | None = None
    role: str | None = None


def who(question: Question, declared: DeclaredAccess, sides: Mapping[str, Side], unread: Mapping[str, str]) -> Holders:
    """The answer over all `sides`; `unread` are targets of which nothing was read, and why."""
    rows = [row for name in sorted(sides) for row in _on(question, sides[name])]
    short = [Incomplete(name, told) for name in sorted(sides) if (told := incomplete(sides[name]))]
    short += [Incomplete(name, (unread[name],)) for name in sorted(unread)]
    known = [declared.identities[i] for i in {r.identity for r in rows} if i is not None and i in declared.identities]
    sources = {i.id: i.sources for i in known if i.sources}
    return Holders(tuple(rows), tuple(short), {i.id: i.name for i in known}, sources)


def things(sides: Mapping[str, Side]) -> set[str]:
    """The names that `Question.thing` may take: for what was mistyped."""
    return {
        address.object
        for side in sides.values()
        for state in (side.desired.state, side.live)
        for address in state.resources
        if address.kind is not Kind.ACCOUNT
    }


def _on(question: Question, side: Side) -> Iterator[Holding]:
    found = {a for state in (side.desired.state, side.live) for a in state.resources if _asked_for(question, side, a)}
    rows = [_row(side, address) for address in found]
    for row in sorted(rows, key=lambda r: (_KINDS.index(r.address.kind), r.address.object, r.login)):
        if not row.asked and row.live is Live.NO:
            continue
        if question.role is None or any(question.role in b.path for b in row.because):
            yield row


_KINDS = tuple(Kind)


def _row(side: Side, address: Address) -> Holding:
    if address.kind is not Kind.ACCOUNT:
        return holding(side, address)
    principal = Principal(side.target.name, PrincipalKind.PERSON, address.object)
    have = side.live.get(address)
    there = Live.YES if have is not None else Live.NO if side.coverage.is_complete(Kind.ACCOUNT) else Live.UNKNOWN
    match = side.match_of(principal)
    declared = side.desired.logins.get(address.object)
    identity = match.identity.id if match is not None else declared.id if declared is not None else None
    locked = have is not None and have.attributes.get("enabled") is False
    note = "locked" if locked else "" if address in side.desired.state else "nobody declares it"
    if match is not None and match.departed:
        note = "locked; they have left" if locked else "they have left: the next apply locks it"
    return Holding(address, address.object, identity, there, address in side.desired.state, note=note)


def _asked_for(question: Question, side: Side, address: Address) -> bool:
    thing = question.thing
    if address.kind in _HELD:
        if address.principal is None:
            return False
    elif address.kind is not Kind.ACCOUNT or question.role is not None:
        return False
    if thing is not None and thing not in (address.object, f"{address.kind.value}/{address.object}"):
        plain = str(address._replace(principal=None, slot=None))
        if thing not in (plain, plain.partition(":")[2], str(address)):
            return False
    if question.environment is None or side.target.environment == question.environment:
        return True
    labels = side.target.object_environments
    return any(name == address.object and label == question.environment for (_, name), label in labels.items())
