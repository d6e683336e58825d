"""What is gone and what is left of somebody, from live readings alone.

What they had is known from the files' history and the journal, and is only ever looked for: nothing is called gone
because a run said so. A reading that is not whole gives no "nothing left".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as changed

from provisioner.ask.holdings import account_found
from provisioner.contract import Reading
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.answer import Item, Receipt, TargetReceipt, Verdict
from provisioner.model.change import Action
from provisioner.model.coverage import Coverage, ScopeCoverage
from provisioner.model.coverage import Verdict as Read
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant, format_instant
from provisioner.model.match import Matched
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.slot import Slot
from provisioner.model.state import State
from provisioner.model.target import AccountsPolicy, Mode
from provisioner.model.way import Ownership, Way
from provisioner.observe.matching import match_accounts
from provisioner.observe.relabel import relabel
from provisioner.plan.copied import copied_on, group_of, kept_by
from provisioner.plan.readable import opened
from provisioner.plan.side import Side, gaps_of


@dataclass(frozen=True, slots=True)
class Done:
    """A change of theirs that the journal has as done. `invited`: it ended what they had not accepted yet."""

    address: Address
    action: Action
    at: Instant
    invited: bool = False


@dataclass(frozen=True, slots=True)
class Sought:
    """Whom the receipt is for. `revision` is what last declared them, None where none is known. `had` are addresses
    that the files once gave them, by target, and `held` the same with how it was given; `done` what the journal has of
    them. `slots` are the credentials of services, with the time of the newest.
    """

    identity: Identity
    revision: str | None = None
    had: Mapping[str, frozenset[Address]] = field(default_factory=dict)
    done: tuple[Done, ...] = ()
    notes: tuple[str, ...] = ()
    held: tuple[Resource, ...] = ()
    slots: tuple[tuple[Slot, Instant | None], ...] = ()


def match_of(sought: Sought, declared: DeclaredAccess, side: Side, owner: str | None) -> Matched:
    """Which live accounts are theirs, by the very rules that take access away; also long after they left."""
    who = sought.identity
    if who.id in side.matched.by_identity or who.id in side.matched.blocked:
        return side.matched
    return match_accounts(
        side.target,
        side.reading.state,
        {},
        {i.id: i for i in declared.identities.values() if i.id != who.id},
        {who.id: (who, sought.revision or "")},
        owner,
        folds_case=side.declare.capabilities.folds_case,
    )


def receipt(
    sought: Sought,
    declared: DeclaredAccess,
    sides: Mapping[str, Side],
    unread: Mapping[str, str],
    *,
    owner: str | None,
    now: Instant,
    remains: Mapping[str, tuple[str, ...]] | None = None,
) -> Receipt:
    """`sides` hold what was just read, with the credentials of the accounts that `match_of` finds; `unread` are targets
    of which nothing was read, and why; `remains` what they made there that works on without them.
    """
    here = declared.identities.get(sought.identity.id)
    targets = [
        _Target(sought, side, match_of(sought, declared, side, owner)).tell() for _, side in sorted(sides.items())
    ]
    targets = [changed(t, remains=(remains or {}).get(t.target, ())) for t in targets]
    targets += [TargetReceipt(name, Verdict.UNSURE, unsure=(why,)) for name, why in unread.items()]
    return Receipt(
        sought.identity,
        here is not None and not here.departed_at(now),
        sought.revision,
        now,
        tuple(sorted(targets, key=lambda t: t.target)),
        (*sought.notes, *_copied(sought, sides, now), *_readable(sought, here, sides, now)),
    )


def _readable(sought: Sought, here: Identity | None, sides: Mapping[str, Side], now: Instant) -> Iterable[str]:
    """Credentials of services that they could have used, and that were not made anew since what opened them ended."""
    if here is not None and not here.departed_at(now):
        return
    ended = {_plain(d.address): d.at for d in sought.done if d.action in (Action.REVOKE, Action.DELETE)}
    known = {_plain(r.address): r for r in sought.held}
    had = [*known.values(), *(Resource(a) for a in ended if a not in known)]
    for slot, made in sought.slots:
        for held in had:
            left = ended.get(_plain(held.address))
            if made is None or (left is not None and made.replace(microsecond=0) > left):  # `left` is in whole seconds
                continue
            found = opened(slot, held, sides)
            if found is not None:
                yield (
                    f"they may have used the {slot.kind} of {slot.service} on {slot.target}, which lies in {found[0]} "
                    f"({found[1]}): run `provision rotate {slot.service}`. Who reads stores that are no targets is not "
                    "known here."
                )
                break


def _copied(sought: Sought, sides: Mapping[str, Side], now: Instant) -> Iterable[str]:
    """Where they are let in by a copy of a group that they are no longer in, until it is copied again."""
    copies = copied_on(sides)
    if not copies:
        return
    ended = [d for d in sought.done if d.action in (Action.REVOKE, Action.DELETE)]
    left = {_plain(d.address): d.at for d in ended if not d.invited}
    had = {_plain(a) for of in sought.had.values() for a in of} - {_plain(d.address) for d in ended} | left.keys()
    groups: dict[Address, Instant | None] = {}
    for address in had:
        side = sides.get(address.target)
        if address.kind is Kind.MEMBERSHIP and side is not None and address not in side.reading.state:
            groups[group_of(address)] = left.get(address)
    fresh = {
        group: [c for c in found if groups[group] is None or now < (groups[group] or now) + c.within]
        for group, found in copies.items()
        if group in groups
    }
    for kept in kept_by(fresh, fresh):
        yield (
            f"{kept.target} copies groups of {kept.source} by itself, every few hours: until it has copied "
            f"{', '.join(kept.groups)} they may still use {', '.join(kept.things)}. Renew what they could read there."
        )


class _Target:
    """The receipt of one target, put together from what was read of it."""

    def __init__(self, sought: Sought, side: Side, matched: Matched) -> None:
        self.who = sought.identity.id
        self.side = side
        self.matched = matched
        self.name = side.target.name
        self.match = matched.by_identity.get(self.who)
        self.had = sought.had.get(self.name, frozenset())
        self.done = [d for d in sought.done if d.address.target == self.name]
        self.logins = {self.match.login} if self.match is not None else set()

    def tell(self) -> TargetReceipt:
        unsure = self._unsure()
        left, kept = self._account()
        for login in sorted(self.logins):
            for resource in self._on(login):
                if resource.gives_access:
                    left.append(Item(resource.address, self._why_left(resource)))
                else:
                    kept.append(Item(resource.address, "inactive: it gives no access"))
        left += [Item(a, "the account is gone, and this reference to it is not") for a in self._orphans()]
        gone, doubts = self._gone({i.address for i in (*left, *kept)})
        unsure = [*unsure, *doubts]
        likes = (*self.matched.look_alikes.get(self.who, ()), *self._traces(self.logins))
        verdict = Verdict.NOTHING if self.match is not None or gone else Verdict.ABSENT
        if left:
            verdict = Verdict.LEFT
        elif unsure:
            verdict = Verdict.UNSURE
        return TargetReceipt(
            self.name,
            verdict,
            (account_found(self.match),) if self.match is not None else (),
            gone,
            tuple(sorted(left, key=lambda i: str(i.address))),
            tuple(sorted(kept, key=lambda i: str(i.address))),
            tuple(unsure),
            tuple(dict.fromkeys(likes)),
        )

    def _unsure(self) -> list[str]:
        """Everything that "nothing left" would rest on and that was not read."""
        reading = self.side.reading
        told = [_in_words(gap) for gap in gaps_of(reading.coverage) if _counts(gap, self.logins)]
        if not reading.coverage.is_complete(Kind.ACCOUNT) and not told:
            told.append("accounts: not read")
        for login in sorted(self.logins):
            scope = reading.coverage.of(Kind.CREDENTIAL, login)
            if not reading.coverage.is_complete(Kind.CREDENTIAL, login) and _in_words(scope) not in told:
                told.append(f"credentials of {login}: {scope.proof}")
        if self.who in self.matched.blocked:
            about = [p.message for p in self.matched.problems if self.who in p.message]
            told += about or [f"which account is {self.who}'s cannot be told: see `provision plan`"]
        return told

    def _account(self) -> tuple[list[Item], list[Item]]:
        match = self.match
        if match is None:
            return [], []
        address = match.account.address
        if self.side.target.accounts is AccountsPolicy.EXISTING:
            return [], [Item(address, "`accounts: existing`: others lock and remove it")]
        have = self.side.reading.state.get(address) or match.account
        locked = next((w.locked_by for w in have.ways if w.locked_by and w.gives_access), None)
        if locked is not None:
            return [Item(address, f"it comes from {locked} and cannot be changed here: end it there")], []
        enabled = match.account.attributes.get("enabled")
        if enabled is not False:
            why = self._outstanding(address) or self._asked_for(address)
            return [Item(address, why or "the account is enabled")], []
        since = account_found(match).disabled_since
        if since is None:
            return [], [Item(address, "locked; since when cannot be seen, so it is not deleted yet")]
        asked = self._asked_for(address)
        due = since + self.side.target.retention
        why = f"locked since {since:%Y-%m-%d}"
        return [], [Item(address, asked or why, None if asked else due)]

    def _on(self, login: str) -> Iterable[Resource]:
        kinds = (PrincipalKind.PERSON, PrincipalKind.SERVICE)
        for kind in kinds:
            yield from self.side.reading.state.held_by(Principal(self.name, kind, login))

    def _orphans(self) -> Iterable[Address]:
        """What still names a login of theirs that has no account any more: a new account of that name would have it."""
        theirs = {a.object for a in self.had if a.kind is Kind.ACCOUNT}
        theirs |= {d.address.object for d in self.done if d.address.kind is Kind.ACCOUNT}
        state = self.side.reading.state
        gone = {login for login in theirs if Address(self.name, Kind.ACCOUNT, login) not in state}
        for login in sorted(gone):
            yield from (r.address for r in self._on(login))
        yield from self._traces(gone)

    def _why_left(self, resource: Resource) -> str:
        address = resource.address
        ways = [w for w in resource.ways if w.gives_access]
        locked = next((w.locked_by for w in ways if w.locked_by), None)
        if locked is not None:
            return f"it comes from {locked} and cannot be changed here: end it there"
        told = self._outstanding(address) or self._asked_for(address)
        if told:
            return told
        if all(w.via is not None for w in ways):
            return f"through {', '.join(sorted({str(w.via) for w in ways}))}"
        if all(_foreign(w) for w in ways):
            return "it carries the mark of another owner"
        if self.side.target.mode is Mode.REPORT:
            return "mode `report`: nothing is written there"
        return "not removed yet"

    def _outstanding(self, address: Address) -> str:
        found = next((o for o in self.side.outstanding if _plain(o.address) == _plain(address)), None)
        return f"outstanding since {format_instant(found.since)}: {found.reason}" if found is not None else ""

    def _asked_for(self, address: Address) -> str:
        wanted = self.side.desired.state.resources
        for kind in (PrincipalKind.PERSON, PrincipalKind.SERVICE):
            want = wanted.get(_plain(address, kind))
            if want is not None and want.sources:
                return f"the files ask for it ({want.sources[0]})"
        return ""

    def _gone(self, there: set[Address]) -> tuple[tuple[Item, ...], list[str]]:
        """What they had and the reading proves to be absent; what it cannot prove, in words."""
        when: dict[Address, Instant] = {}
        for done in self.done:
            if done.action in (Action.REVOKE, Action.DELETE):
                when[_plain(done.address)] = done.at
        candidates = {_plain(a) for a in self.had} | {_plain(d.address) for d in self.done if _of_person(d)}
        gone: list[Item] = []
        doubts: list[str] = []
        for address in sorted(candidates - there, key=str):
            if address in self.side.reading.state:
                continue  # somebody else's now: a login that was given again
            scope = self.side.reading.coverage.at(address)
            if address.kind is Kind.CREDENTIAL and self.match is None:
                scope = self.side.reading.coverage.of(Kind.ACCOUNT)  # a credential goes with its account
            if scope.verdict is not Read.COMPLETE:
                doubts.append(f"{address}: {scope.proof}")
            elif address in when or address in {_plain(a) for a in self.had}:
                gone.append(Item(address, at=when.get(address)))
        known = {_in_words(g) for g in gaps_of(self.side.reading.coverage)}
        return tuple(gone), [d for d in doubts if not known]

    def _traces(self, logins: set[str]) -> list[Address]:
        """References that the system resolves to nobody, and that name one of `logins`: a directory that does not clean
        up keeps them in its groups."""
        found = []
        for address in self.side.reading.state.resources:
            principal = address.principal
            if principal is not None and principal.kind is PrincipalKind.UNKNOWN:
                words = set(principal.id.replace("=", ",").replace("/", ",").split(","))
                if words & logins:
                    found.append(address)
        return found


def _foreign(way: Way) -> bool:
    return way.ownership is Ownership.FOREIGN


def _of_person(done: Done) -> bool:
    return done.address.kind is Kind.ACCOUNT or done.address.principal is not None


def _counts(gap: ScopeCoverage, logins: set[str]) -> bool:
    return gap.scope.kind is not Kind.CREDENTIAL or gap.scope.of is None or gap.scope.of in logins


def _in_words(gap: ScopeCoverage) -> str:
    return f"{gap.scope}: {gap.proof}"


def _plain(address: Address, kind: PrincipalKind = PrincipalKind.PERSON) -> Address:
    """As a reader writes it: every account's principal is a person."""
    who = address.principal
    if who is None or who.kind not in (PrincipalKind.PERSON, PrincipalKind.SERVICE):
        return address
    return address._replace(principal=who._replace(kind=kind))


def with_credentials(side: Side, read: Reading) -> Side:
    """`side` with what was read of somebody's credentials added to its reading."""
    whole = changed(
        side.reading,
        state=State.from_mapping({**side.reading.state.resources, **read.state.resources}),
        coverage=Coverage((*side.reading.coverage.scopes(), *read.coverage.scopes())),
    )
    live = relabel(side.target.name, whole.state, side.matched, side.desired.logins)
    return changed(side, reading=whole, live=live)
