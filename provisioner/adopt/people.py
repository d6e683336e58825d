"""Whose account is whose: by our mark, a pinned id, the map, e-mail, then login. Never by likeness.

Same login with another e-mail, same name, two candidates, one e-mail on two accounts: these are listed as doubtful, and
nothing is written for them until the map says whose they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from provisioner.adopt.found import Doubt, Found, How, Kept, Recognised, Taken
from provisioner.adopt.settled import Settled
from provisioner.files.names import folded, id_from, is_like, looks_like_machine, sayable, second_of, unique
from provisioner.model.address import Kind
from provisioner.model.identity import Identity
from provisioner.model.match import Match
from provisioner.model.ownership import ownership
from provisioner.model.resource import NO_FACTS, Facts, Resource
from provisioner.model.target import AccountsPolicy
from provisioner.model.way import Ownership


def recognise(found: Found, settled: Mapping[str, Settled]) -> Recognised:
    """Every live account of the target, in the order of its logins. `settled` is by login."""
    return _Roll(found, settled).run()


class _Roll:
    def __init__(self, found: Found, settled: Mapping[str, Settled]) -> None:
        self.found, self.settled = found, settled
        self.target = found.target.name
        self.fold = str.casefold if found.declare.capabilities.folds_case else str
        self.accounts = sorted(found.live.of_kind(Kind.ACCOUNT), key=lambda a: a.address.object)
        self.out = Recognised()
        here = [i for i in found.declared.identities.values() if not i.departed_at(found.now)]
        # Those whom no account here is known to be of: only they can be merged with one.
        free = [i for i in here if i.id not in found.matched.by_identity]
        self.by_mail = {i.email.casefold(): i for i in here if i.email}
        self.free = {i.id for i in free}
        self.by_login: dict[str, Identity] = {}
        for identity in here:
            self.by_login.setdefault(self.fold(identity.login_on(self.target)), identity)
        self.by_name: dict[str, list[Identity]] = {}
        for identity in here:
            if identity.name:
                self.by_name.setdefault(folded(identity.name), []).append(identity)
        self.logins = {x.casefold() for x in (*(a.address.object for a in self.accounts), *self.by_login)}
        self.logins |= {i.id for i in here}
        self.mails = Counter(_mail(a) for a in self.accounts if _mail(a))
        self.open: list[Resource] = []

    def run(self) -> Recognised:
        for account in self.accounts:
            self._plain(account)
        claims = [(account, *self._candidate(account)) for account in self.open]
        claimed = Counter(who.id for _, who, _, _ in claims if isinstance(who, Identity))
        claimed.update(t.identity.id for t in self.out.taken if t.identity is not None)
        fresh: list[Resource] = []
        for account, who, how, why in claims:
            if isinstance(who, Identity) and claimed[who.id] > 1:
                self._doubt(account, f"more than one account here may be {who.id}'s", who.id)
            elif isinstance(who, Identity):
                self.out.taken.append(Taken(account, who.id, how, who.kind, who))
            elif why:
                self.out.doubts.append(Doubt(account, why, who))
            else:
                fresh.append(account)
        self._newcomers(fresh)
        self.out.taken.sort(key=lambda t: t.login)
        self.out.doubts.sort(key=lambda d: d.account.address.object)
        return self.out

    # What is plain

    def _plain(self, account: Resource) -> None:
        """What needs no comparing; the rest is left in `open`."""
        found, login, facts = self.found, account.address.object, account.facts or NO_FACTS
        row = self.settled.get(login)
        match = found.matched.by_login.get(login)
        why = self._not_ours(account, facts, match)
        if why is not None:
            if row is not None and not row.leave_alone:
                row.refuse(f"`{login}` cannot be taken over: {why}")
            self._keep(account, why)
        elif row is not None and row.leave_alone:
            self._keep(account, "the map says to leave it alone")
        elif match is not None:
            if row is not None and row.id != match.identity.id:
                row.refuse(f"`{login}` is known to be {match.identity.id}'s already, by {match.how.value}")
            self.out.taken.append(Taken(account, match.identity.id, How.KNOWN, match.identity.kind, match.identity))
        elif row is not None:
            self._mapped(account, row)
        elif account.address in found.anchors:
            self._keep(account, "it is our own: what this command signs in with")
        elif account.attributes.get("enabled") is False:
            self._keep(account, "it is switched off: perhaps of somebody who left")
        elif (told := found.declare.check_login(login)) is not None or not sayable(login, is_name=True):
            self._keep(account, f"the files cannot write its login: {told or 'it holds characters that mislead'}")
        else:
            self.open.append(account)

    def _not_ours(self, account: Resource, facts: Facts, match: Match | None) -> str | None:
        """Why nobody may take the account over, the map neither."""
        if "shared" in facts.more:
            return "several entries have this login, and nobody can tell which one is meant"
        whose = ownership(account, self.found.owner)
        if whose is Ownership.FOREIGN:
            return "it carries the mark of another owner (`records.owner`)"
        if match is not None and match.departed:
            return f"it is that of {match.identity.id}, who has left: the plan takes it away"
        if match is None and whose is Ownership.OWNED:
            key = account.mark.key if account.mark else "?"
            return f"it carries our mark for {key}, and nobody can tell it to be theirs: see the plan"
        return None

    def _mapped(self, account: Resource, row: Settled) -> None:
        identity = self.found.declared.identities.get(row.id)
        if identity is not None and identity.id in self.found.matched.by_identity:
            login = self.found.matched.by_identity[identity.id].login
            row.refuse(f"`{row.id}` has the account `{login}` on {self.target} already, and may have one only")
        twin = next((t.login for t in self.out.taken if t.how is How.MAP and t.id == row.id), None)
        if twin is not None:
            row.refuse(f"`{row.id}` cannot have both `{twin}` and `{row.login}` on {self.target}: one account each")
        kind = identity.kind if identity is not None else row.kind
        self.out.taken.append(Taken(account, row.id, How.MAP, kind, identity, row.owners))

    # Who of the declared it may be

    def _candidate(self, account: Resource) -> tuple[Identity | tuple[str, ...], How, str]:
        """Whose it is, surely; or the ids that it may be of, and why that is doubtful; or nobody, without a doubt."""
        login, facts = account.address.object, account.facts or NO_FACTS
        mail = _mail(account)
        by_mail = self.by_mail.get(mail) if mail else None
        by_login = self.by_login.get(self.fold(login))
        if mail and self.mails[mail] > 1:
            others = [a.address.object for a in self.accounts if _mail(a) == mail and a is not account]
            ids: tuple[str, ...] = (by_mail.id,) if by_mail else ()
            return ids, How.EMAIL, f"its e-mail {facts.email} is that of {_listed(others)}, too"
        if by_mail is not None:
            return self._by_mail(account, by_mail, by_login)
        if by_login is not None:
            return self._by_login(account, by_login)
        alike = [i for i in self.by_name.get(folded(facts.name), ()) if self._may_be(account, i)] if facts.name else []
        if alike:
            ids = tuple(i.id for i in alike)
            return ids, How.NEW, f"its name, {facts.name}, is that of {_listed(ids)}; e-mail and login are not"
        return (), How.NEW, ""

    def _may_be(self, account: Resource, who: Identity) -> bool:
        """Of two of one name: somebody who has an account here, and e-mail and login of their own, is somebody else."""
        if who.id in self.free:
            return True
        return not (_mail(account) and who.email and not is_like(account.address.object, who.login_on(self.target)))

    def _by_mail(
        self, account: Resource, who: Identity, by_login: Identity | None
    ) -> tuple[Identity | tuple[str, ...], How, str]:
        if who.id not in self.free:
            return (who.id,), How.EMAIL, f"its e-mail is {who.id}'s, who has another account here"
        if by_login is not None and by_login is not who:
            return (who.id, by_login.id), How.EMAIL, f"its e-mail is {who.id}'s, its login {by_login.id}'s"
        if (why := self._pinned_otherwise(account, who)) is not None:
            return (who.id,), How.EMAIL, why
        return who, How.EMAIL, ""

    def _by_login(self, account: Resource, who: Identity) -> tuple[Identity | tuple[str, ...], How, str]:
        facts = account.facts or NO_FACTS
        why = self._pinned_otherwise(account, who)
        if who.id not in self.free:
            why = f"its login is that of {who.id}, who has another account here"
        elif who.email and facts.email:
            why = f"its login is {who.id}'s, its e-mail {facts.email} is not"
        elif who.name and facts.name and folded(who.name) != folded(facts.name):
            why = f"its login is {who.id}'s, its name {facts.name} is not"
        return ((who.id,), How.LOGIN, why) if why else (who, How.LOGIN, "")

    def _pinned_otherwise(self, account: Resource, who: Identity) -> str | None:
        pinned = who.account_on(self.target).id
        native = account.facts.native_id if account.facts else None
        if pinned is None or pinned == native:
            return None
        return f"the files pin another account's id for {who.id}"

    # Newcomers

    def _newcomers(self, accounts: list[Resource]) -> None:
        """People of whom the files know nothing."""
        named: dict[str, list[Resource]] = {}
        for account in self.accounts:
            if account.facts is not None and account.facts.name:
                named.setdefault(folded(account.facts.name), []).append(account)
        declared = self.found.declared.identities
        former = {old: i.id for i in declared.values() for old in i.was}
        taken = {*declared, *self.found.once, *former, *(t.id for t in self.out.taken)}
        for account in accounts:
            login, facts = account.address.object, account.facts or NO_FACTS
            who = id_from(login)
            if looks_like_machine(login, facts.name):
                self._doubt(account, "it looks like a machine's: say `service:ID` with its owners, or whose it is")
            elif (other := second_of(login, self.logins)) is not None:
                self._doubt(account, f"it looks like a second account of `{other}`'s", id_from(other))
            elif (twin := self._twin(account, named.get(folded(facts.name), []))) is not None:
                self._doubt(account, f"`{twin}` has the same name, {facts.name}: they may be one person's")
            elif who in self.found.once and who not in declared:
                self._doubt(account, f"`{who}` was the id of somebody who is gone, and an id is never given again")
            elif who in declared:
                self._doubt(account, f"its login would make the id `{who}`, which is somebody else's", who)
            elif not who:
                self._doubt(account, "no id can be made of its login")
            else:
                taken.add(made := unique(who, taken))
                self.out.taken.append(Taken(account, made, How.NEW))

    @staticmethod
    def _twin(account: Resource, named: list[Resource]) -> str | None:
        """Another account of the same name, unless both have e-mails of their own and logins that are not alike."""
        mail, login = _mail(account), account.address.object
        for other in named if account.facts is not None and account.facts.name else ():
            if other is not account and not (mail and _mail(other) and not is_like(login, other.address.object)):
                return other.address.object
        return None

    def _doubt(self, account: Resource, why: str, *candidates: str) -> None:
        self.out.doubts.append(Doubt(account, why, candidates))

    def _keep(self, account: Resource, why: str) -> None:
        self.out.kept.append(Kept(account.address, why))


def needs_pin(taken: Taken, email: str | None, target_accounts: AccountsPolicy) -> bool:
    """Whether only a pinned id lets the plan adopt the account: its e-mail alone does not say whose it is."""
    if taken.how is How.KNOWN or target_accounts is AccountsPolicy.EXISTING:
        return False
    return not (email and taken.facts.email and email.casefold() == taken.facts.email.casefold())


def _mail(account: Resource) -> str:
    facts: Facts = account.facts or NO_FACTS
    return (facts.email or "").casefold()


def _listed(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(f"`{n}`" for n in names[:3]) + more
