"""Reading a directory: in bulk by pages, and single things by name. Writes nothing: its connection refuses to.

A read that broke off anywhere says so for the scopes it concerns. What a broken read did not show is never taken for
absent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from provisioner.contract import Me, ProviderError, Reading, Trouble
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.instant import Instant
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.providers.ldap import convert, dn, memberships
from provisioner.providers.ldap.calls import PPOLICY, ReadCalls, ShortEntryError
from provisioner.providers.ldap.convert import Entry, Named, Switches
from provisioner.providers.ldap.look import Found, Looking

_FROM_PEOPLE = frozenset({Kind.ACCOUNT, Kind.CREDENTIAL, Kind.MEMBERSHIP, Kind.GRANT})
_FROM_GROUPS = frozenset({Kind.GROUP, Kind.MEMBERSHIP, Kind.GRANT})
_SWITCHES = frozenset({"pwdAccountLockedTime", "pwdEndTime"})
# What an access rule can hide without a trace, and the name of what then cannot be compared.
_HIDEABLE = {
    "description": "mark",
    "mail": "email",
    "pwdAccountLockedTime": "enabled",
    "pwdEndTime": "enabled",
}


@dataclass
class Gathered:
    """What came of one bulk search."""

    entries: list[Entry] = field(default_factory=list)
    verdict: Verdict = Verdict.UNREAD
    proof: str = "not asked for"
    hides: frozenset[str] = frozenset()
    error: ProviderError | None = None

    @property
    def complete(self) -> bool:
        return self.verdict is Verdict.COMPLETE


class LdapReader:
    """`provisioner.contract.Reader` for one directory."""

    def __init__(
        self, target: str, people: str, groups: str, calls: ReadCalls, clock: Callable[[], Instant] | None = None
    ):
        self._target = target
        self._people_base, self._groups_base = people, groups
        self._calls = calls
        self._now = clock or (lambda: datetime.now(UTC))
        self._hides: frozenset[str] | None = None
        self._ends: bool | None = None
        self._locks: bool | None = None
        self._bulk_calls = 0
        self._whole_state: State | None = None

    def close(self) -> None:
        self._calls.close()

    def system(self) -> str:
        """entryUUID of the entry that the `dc` part of the people's base names, nearly always the suffix; where
        there is none, of the suffix as the root DSE tells it."""
        guess = dn.domain(self._people_base)
        found = self._calls.entry(guess, ("entryUUID",)) if guess is not None else None
        suffix = guess
        if found is None:
            inner = [c for c in self._calls.root().contexts if dn.is_within(self._people_base, c)]
            suffix = max(inner, key=lambda c: len(dn.parse(c)), default=None)
            if suffix is None:
                told = f"no naming context of {self._calls.link.url} holds {self._people_base}"
                raise ProviderError(Trouble.GONE, told, call="read the root DSE")
            found = self._calls.entry(suffix, ("entryUUID",))
        uuid = found.first("entryUUID") if found else None
        if uuid is None:
            raise ProviderError(Trouble.DENIED, f"entryUUID of {suffix} cannot be read", call=f"read {suffix}")
        return uuid

    def me(self) -> Me:
        """The name we are bound as; our account and the groups that it is in. After a whole bulk read it is told from
        that, without a call."""
        name = self._calls.who()
        own = dn.loose_key(name)
        login, resources = self._own(name) if self._whole_state is None else self._own_read(own, self._whole_state)
        anchors = {a for a in resources if a.principal is not None and _is_ours(a.principal, login, own)}
        if login is not None:
            anchors.add(Address(self._target, Kind.ACCOUNT, login))
        return Me(name, frozenset(anchors))

    def _own(self, name: str) -> tuple[str | None, Collection[Address]]:
        entry = None
        if dn.is_within(name, self._people_base):
            entry = self._calls.entry(name, convert.ACCOUNT_ATTRIBUTES)
        login = convert.label_of(entry, "uid") if entry is not None else None
        people = memberships.People(
            self._target, [Named(login, entry)] if entry is not None and login is not None else []
        )
        filter_ = memberships.holds_filter(name, entry.texts("uid") if entry is not None else ())
        found = self._calls.search(self._groups_base, filter_, convert.GROUP_ATTRIBUTES)
        resources: dict[Address, Resource] = {}
        memberships.Members(self._target, people, convert.named(found, "cn", self._groups_base)[0], False).into(
            resources
        )
        return login, resources

    @staticmethod
    def _own_read(own: str, state: State) -> tuple[str | None, Collection[Address]]:
        named = ((a.address.object, a.facts.more.get("dn")) for a in state.of_kind(Kind.ACCOUNT) if a.facts)
        login = next((login for login, name in named if name is not None and dn.loose_key(name) == own), None)
        # Only what may be ours is looked at closely: there are a hundred thousand memberships where thousands work.
        held = [r.address for kind in (Kind.MEMBERSHIP, Kind.GRANT) for r in state.of_kind(kind)]
        unknown = PrincipalKind.UNKNOWN
        return login, [a for a in held if (who := a.principal) is not None and (who.id == login or who.kind is unknown)]

    # In bulk

    def read(self, want: frozenset[Scope]) -> Reading:
        before = self._calls.count
        kinds = {scope.kind for scope in want}
        warnings: list[Diagnostic] = []
        people, groups = Gathered(), Gathered()
        if kinds & _FROM_PEOPLE:
            people = self._gather(self._people_base, convert.ACCOUNT_FILTER, convert.ACCOUNT_ATTRIBUTES)
            if people.complete:
                self._check_own_entry(people)
        if kinds & _FROM_GROUPS:
            if people.error is not None and people.error.trouble in (Trouble.UNREACHABLE, Trouble.UNKNOWN):
                groups = Gathered(verdict=Verdict.UNREAD, proof="the connection was lost before")
            else:
                groups = self._gather(self._groups_base, convert.GROUP_FILTER, convert.GROUP_ATTRIBUTES)
        lost = groups.error or people.error
        if lost is not None and lost.trouble is Trouble.UNREACHABLE and not people.entries and not groups.entries:
            raise lost
        scopes: list[ScopeCoverage] = []
        resources = self._resources(people, groups, scopes, warnings)
        scopes += self._scopes(kinds, people, groups)
        self._bulk_calls = self._calls.count - before
        state = State.from_mapping(resources)
        self._whole_state = state if people.complete and groups.complete else None
        return Reading(state, Coverage(scopes), calls=self._bulk_calls, warnings=tuple(warnings))

    def _gather(self, base: str, filter_: str, attributes: Sequence[str]) -> Gathered:
        found, pages = Gathered(verdict=Verdict.COMPLETE), 0
        try:
            for page in self._calls.pages(base, filter_, attributes):
                found.entries += page
                pages += 1
        except ProviderError as error:
            if not self._calls.bound_once:
                raise
            found.error = error
            refused = error.trouble in (Trouble.DENIED, Trouble.GONE, Trouble.CREDENTIAL)
            found.verdict = Verdict.DENIED if refused else Verdict.PARTIAL
            found.proof = f"{error.message} after {len(found.entries)} entries under {base}"
        else:
            found.proof = f"result 0 after {pages} {'page' if pages == 1 else 'pages'}, {len(found.entries)} entries"
        return found

    def _check_own_entry(self, people: Gathered) -> None:
        """Our own account must be among those shown; if it is not, an access rule hides entries from us."""
        me = self._calls.link.bind_dn
        try:
            named_by_uid = any(name == "uid" for name, _ in dn.parse(me)[0])
        except (ValueError, IndexError):
            return
        if named_by_uid and dn.is_within(me, self._people_base):
            own = dn.key(me)
            if all(dn.loose_key(entry.dn) != own for entry in people.entries):
                people.verdict = Verdict.PARTIAL
                people.proof = f"{people.proof}, but our own ({me}) is not among them: an access rule hides entries"

    def _resources(
        self, people: Gathered, groups: Gathered, scopes: list[ScopeCoverage], warnings: list[Diagnostic]
    ) -> dict[Address, Resource]:
        resources: dict[Address, Resource] = {}
        accounts, shared = convert.named(people.entries, "uid", self._people_base)
        self._stand_ins(Kind.ACCOUNT, shared, resources, warnings)
        if people.error is None and groups.error is None:
            self._probe(people, groups, accounts, scopes, warnings)
        for resource in self._accounts(accounts, warnings).values():
            resources[resource.address] = resource
        for found in accounts:
            for credential in convert.credentials(self._target, found):
                resources[credential.address] = credential
        known, shared = convert.named(groups.entries, "cn", self._groups_base)
        self._stand_ins(Kind.GROUP, shared, resources, warnings)
        whole = [Named(found.name, self._whole(found, scopes)) for found in known]
        for found in whole:
            resource = convert.group(self._target, found)
            resources[resource.address] = resource
            if convert.hides_members(found.entry) and Scope(Kind.MEMBERSHIP, found.name) not in {
                s.scope for s in scopes
            }:
                proof = "it must have a member and shows none: an access rule hides them"
                scopes.append(ScopeCoverage(Scope(Kind.MEMBERSHIP, found.name), Verdict.DENIED, proof))
        roster = memberships.People(self._target, accounts)
        memberships.Members(self._target, roster, whole, people.complete).into(resources)
        return resources

    def _accounts(self, accounts: Sequence[Named], warnings: list[Diagnostic]) -> dict[str, Resource]:
        now = self._now()
        switches = self._switches(accounts, now, warnings)
        return {found.name: convert.account(self._target, found, now, switches) for found in accounts}

    def _stand_ins(
        self, kind: Kind, shared: dict[str, list[str]], resources: dict[Address, Resource], warnings: list[Diagnostic]
    ) -> None:
        for name, holders in shared.items():
            resource = convert.stand_in(self._target, kind, name, holders)
            resources[resource.address] = resource
            warnings.append(
                Diagnostic(
                    "ldap-shared-name",
                    f"on {self._target} {len(holders)} entries are called `{name}`: {'; '.join(holders[:3])}",
                    Severity.WARNING,
                    why="nobody can tell which one is meant, so that name is not used; each is listed by where it lies",
                    fix="rename all but one, or narrow `base`",
                    target=self._target,
                )
            )

    def _whole(self, found: Named, scopes: list[ScopeCoverage]) -> Entry:
        try:
            return self._calls.whole(found.entry)
        except ProviderError as error:
            scopes.append(ScopeCoverage(Scope(Kind.MEMBERSHIP, found.name), Verdict.PARTIAL, error.message))
            return error.entry if isinstance(error, ShortEntryError) else found.entry

    @staticmethod
    def _scopes(kinds: Iterable[Kind], people: Gathered, groups: Gathered) -> list[ScopeCoverage]:
        result = []
        for kind in kinds:
            if kind is Kind.CONTROL:
                result.append(ScopeCoverage(Scope(kind), Verdict.COMPLETE, "a directory holds none"))
                continue
            rests_on = people if kind in (Kind.ACCOUNT, Kind.CREDENTIAL) else groups
            hides = people.hides if kind is Kind.ACCOUNT else groups.hides
            result.append(ScopeCoverage(Scope(kind), rests_on.verdict, rests_on.proof, hides))
        return result

    # What the server can do, and what it hides

    def _probe(
        self,
        people: Gathered,
        groups: Gathered,
        accounts: Sequence[Named],
        scopes: list[ScopeCoverage],
        warnings: list[Diagnostic],
    ) -> None:
        """Tells what this credential cannot see. An attribute that an access rule hides and one that an entry does not
        have look alike, so it is asked for, on entries that stand for all."""
        try:
            if accounts:
                invisible = self._hidden(accounts)
                people.hides = self._hides or frozenset()
                if "description" in invisible:
                    groups.hides = frozenset({"mark", "description"})
                self._tell_hidden(invisible, warnings)
            posix = [e for e in groups.entries if "posixgroup" in e.classes]
            if posix and not any("memberuid" in e.values for e in posix) and self._invisible([posix[0]], ["memberUid"]):
                proof = "memberUid of POSIX groups is hidden by an access rule"
                names = [convert.label_of(e, "cn") or e.dn for e in posix]
                scopes += [ScopeCoverage(Scope(Kind.MEMBERSHIP, name), Verdict.DENIED, proof) for name in names]
                self._tell_hidden({"memberUid"}, warnings)
        except ProviderError as error:
            self._tell_hidden(set(), warnings, f"what this credential can see could not be checked: {error.message}")

    def _hidden(self, accounts: Sequence[Named]) -> set[str]:
        unseen = [a for a in _HIDEABLE if not any(a.lower() in found.entry.values for found in accounts)]
        invisible = self._invisible([found.entry for found in accounts[: len(_HIDEABLE)]], unseen)
        self._ends = "pwdEndTime" not in invisible
        if invisible & _SWITCHES and PPOLICY not in self._calls.root().controls:
            invisible -= _SWITCHES  # not hidden: a server without password policy does not know them
            self._locks = False
        self._hides = frozenset(_HIDEABLE[a] for a in invisible) | ({"ends"} if "pwdEndTime" in invisible else set())
        return invisible

    def _tell_hidden(self, invisible: Collection[str], warnings: list[Diagnostic], other: str | None = None) -> None:
        if invisible or other:
            told = other or f"this credential cannot see {', '.join(sorted(invisible))}"
            warnings.append(
                Diagnostic(
                    "ldap-hidden",
                    f"on {self._target} {told}",
                    Severity.WARNING,
                    why="an access rule of the directory hides them, so nothing is concluded from their absence",
                    fix="give it read access to them (docs/providers/ldap.md)",
                    target=self._target,
                )
            )

    def _invisible(self, samples: Sequence[Entry], attributes: Sequence[str]) -> set[str]:
        """Those attributes about which a filter says neither yes nor no: unknown to the server, or hidden by a rule.
        One search, in which each attribute is asked of an entry of its own; where those are too few, one by one.
        """
        tests = {a: f"(|({a}=*)(!({a}=*)))" for a in attributes}
        if not tests:
            return set()
        if len(samples) >= len(tests) and all(e.values.get("uid") for e in samples[: len(tests)]):
            asked = dict(zip(tests, samples, strict=False))
            parts = [f"(&(uid={dn.escape_filter(asked[a].values['uid'][0])}){test})" for a, test in tests.items()]
            found = {
                dn.loose_key(e.dn) for e in self._calls.search(self._people_base, f"(|{''.join(parts)})", ("1.1",))
            }
            return {a for a in tests if dn.loose_key(asked[a].dn) not in found}
        sample = samples[0].dn
        if self._calls.entry(sample, ("1.1",), f"(&{''.join(tests.values())})") is not None:
            return set()
        return {a for a, test in tests.items() if self._calls.entry(sample, ("1.1",), test) is None}

    def _switches(self, accounts: Sequence[Named], now: Instant, warnings: list[Diagnostic]) -> Switches:
        """What switches an account off here. Only asked where an account rests on a lock, or on our mark alone."""
        on_lock, in_question = [], []
        for found in accounts:
            entry = found.entry
            if convert.end_of(entry, now) is None:
                if convert.is_locked(entry):
                    on_lock.append(entry)
                elif convert.is_marked_off(entry):
                    in_question.append(entry)
        try:
            if on_lock and self._locks is None:
                self._locks = self._locks_hold(on_lock, warnings)
            if in_question and self._ends is None:
                self._ends = not self._invisible(in_question[:1], ["pwdEndTime"])
            if in_question and self._ends is False and self._locks is None:
                self._locks = PPOLICY in self._calls.root().controls and self._locks_hold(in_question, [])
        except ProviderError as error:
            self._tell_hidden((), warnings, f"whether locks hold could not be checked: {error.message}")
            return Switches(locks=False)  # so that no leaver is taken for locked out
        return Switches(self._ends is not False, self._locks is not False)

    def _locks_hold(self, entries: Sequence[Entry], warnings: list[Diagnostic]) -> bool:
        """Whether locks bite here: pwdLockout of the policies that can be read. A lock that does not is no lock."""
        policies: list[Entry] = []
        for context in self._calls.root().contexts:
            if dn.is_within(self._people_base, context):
                policies += self._calls.search(context, "(objectClass=pwdPolicy)", ("pwdLockout",))
        void = [p for p in policies if p.first("pwdLockout") != "TRUE"]
        if policies and not void:
            return True
        told = f"pwdLockout is not TRUE in {void[0].dn}" if void else "no password policy can be read"
        warnings.append(
            Diagnostic(
                "ldap-lock-void",
                f"on {self._target} {len(entries)} accounts are locked ({', '.join(e.dn for e in entries[:3])}), and "
                f"the lock may not hold: {told}",
                Severity.WARNING,
                why="the server stores pwdAccountLockedTime under any policy and only obeys it under pwdLockout TRUE",
                fix="set pwdLockout TRUE; an account that we disable also gets pwdEndTime, which holds regardless",
                target=self._target,
            )
        )
        return not void

    # Single things

    def look(self, these: Collection[Address]) -> Reading:
        before = self._calls.count
        looking = Looking(self._target, self._people_base, self._groups_base, self._calls, these)
        warnings: list[Diagnostic] = []
        if self._bulk_calls and looking.searches > self._bulk_calls:
            people, groups = self._everything()
        else:
            people, groups = looking.by_name()
        if self._hides is None and people.by_name and any(a.kind is Kind.ACCOUNT for a in these):
            self._tell_hidden(self._hidden(list(people.by_name.values())), warnings)
        accounts = self._accounts(list(people.by_name.values()), warnings)
        found = looking.settle(people, groups, accounts, self._hides or frozenset())
        return replace(found, calls=self._calls.count - before, warnings=tuple(warnings))

    def _everything(self) -> tuple[Found, Found]:
        """The same as looking up by name, where that would be more calls."""
        people = self._gather(self._people_base, convert.ACCOUNT_FILTER, convert.ACCOUNT_LOOK)
        groups = self._gather(self._groups_base, convert.GROUP_FILTER, convert.GROUP_ATTRIBUTES)
        return (
            Found.of(people.entries, "uid", self._people_base, None if people.complete else people.proof),
            Found.of(groups.entries, "cn", self._groups_base, None if groups.complete else groups.proof),
        )


def _is_ours(who: Principal, login: str | None, own: str) -> bool:
    """Whether this is the account `login`, or the entry whose name has the key `own`."""
    if who.id == login:
        return who.kind is PrincipalKind.PERSON
    return who.kind is PrincipalKind.UNKNOWN and dn.loose_key(who.id) == own
