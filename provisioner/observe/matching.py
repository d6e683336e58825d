"""Which live account is whose. By immutable id where one is pinned, then by mark, then by login; never by likeness.

An account that merely looks like somebody's is named, not touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from provisioner.diagnostics import Diagnostic
from provisioner.model.address import Kind
from provisioner.model.identity import Identity, is_keyless
from provisioner.model.match import How, Match, Matched
from provisioner.model.ownership import ownership
from provisioner.model.resource import NO_FACTS, Resource
from provisioner.model.state import State
from provisioner.model.target import AccountsPolicy, Target
from provisioner.model.way import Ownership


def match_accounts(
    target: Target,
    live: State,
    wanted: Mapping[str, Identity],
    declared: Mapping[str, Identity],
    departed: Mapping[str, tuple[Identity, str]],
    owner: str | None,
    *,
    folds_case: bool = False,
    renames: bool = True,
) -> Matched:
    """`wanted` are the identities that should have an account here, by id; `declared` all that are declared and
    present; `departed` those who left, with the revision that last had them, also those known only from a mark.
    """
    return _Matcher(target, live, wanted, declared, departed, owner, folds_case, renames).run()


class _Matcher:
    def __init__(
        self,
        target: Target,
        live: State,
        wanted: Mapping[str, Identity],
        declared: Mapping[str, Identity],
        departed: Mapping[str, tuple[Identity, str]],
        owner: str | None,
        folds_case: bool,
        renames: bool,
    ) -> None:
        self._target = target
        self._wanted = wanted
        self._declared = declared
        self._departed = departed
        self._owner = owner
        self._fold = str.casefold if folds_case else str
        self._renames = renames
        self._out = Matched()
        self._accounts = live.of_kind(Kind.ACCOUNT)
        self._by_login = {self._fold(a.address.object): a for a in self._accounts}
        self._by_native = {a.facts.native_id: a for a in self._accounts if a.facts and a.facts.native_id}
        self._by_key: dict[str, list[Resource]] = {}
        for account in self._accounts:
            if account.mark is not None and ownership(account, owner) is Ownership.OWNED:
                self._by_key.setdefault(account.mark.key, []).append(account)

    def run(self) -> Matched:
        for identity in self._declared.values():
            self._one(identity, wanted=identity.id in self._wanted)
        for identity, revision in self._departed.values():
            self._one_departed(identity, revision)
        for identity, _ in self._departed.values():
            self._look_for_likes(identity)
        return self._out

    def _one(self, identity: Identity, *, wanted: bool) -> None:
        name = identity.account_on(self._target.name) if identity.accounts else None
        login = (name.login if name else None) or identity.id
        pinned = name.id if name else None
        marked = self._marked(identity)
        if marked is False:
            return
        holder = self._by_login.get(self._fold(login))
        if pinned is not None and isinstance(marked, Resource) and _native(marked) != pinned:
            self._block(
                identity,
                "account-id-differs",
                f"account `{marked.address.object}` on {self._target.name} carries the mark of {identity.id} and has "
                f"the id {_native(marked)}, the files pin {pinned}: it is a different account",
                why="everything that was given to the marked account would stay there, with nobody to answer for it",
                fix="correct the pinned id; or remove what the marked account holds and its mark, if it is not theirs",
            )
            return
        if pinned is not None:
            account = self._by_native.get(pinned)
            invited = self._invited(identity)
            if account is None and holder is None and invited is not None:
                self._take(identity, invited, How.EMAIL)
            elif account is None and holder is not None:
                self._block(
                    identity,
                    "account-id-differs",
                    f"account `{login}` on {self._target.name} has the id {_native(holder)}, the files pin {pinned}: "
                    "it is a different account",
                    why="a login can be given to somebody else; the pinned id says who is meant",
                    fix="find out whose account it is, then correct `accounts:` in a change of its own",
                )
            elif account is not None:
                self._take(identity, account, How.PINNED)
                self._check_free(identity, account, login, holder, wanted)
            return
        if isinstance(marked, Resource):
            self._take(identity, marked, How.MARK)
            self._check_free(identity, marked, login, holder, wanted)
            return
        holder = holder or self._invited(identity)
        if holder is not None:
            self._claim(identity, holder, login, wanted)

    def _invited(self, identity: Identity) -> Resource | None:
        """An invitation that the system knows by their e-mail alone."""
        if self._renames or not identity.email:
            return None
        found = self._by_login.get(self._fold(identity.email))
        return found if found is not None and found.facts is not None and found.facts.email else None

    def _check_free(
        self, identity: Identity, account: Resource, login: str, holder: Resource | None, wanted: bool
    ) -> None:
        if not wanted:
            return
        is_called = account.address.object
        differs = self._fold(is_called) != self._fold(login)
        if differs and (is_keyless(is_called) or is_keyless(login)):
            self._block(
                identity,
                "another-account",
                f"{identity.id} has account `{is_called}` on {self._target.name}, and is to have `{login}`: nothing of "
                "either is changed",
                why="a user cannot become a role, nor one role another: what uses the old one would stand still",
                fix=f"declare a service of its own for `{login}`, let its pipelines change over, then take the old one "
                "out",
            )
        elif self._target.accounts is AccountsPolicy.EXISTING and differs:
            self._block(
                identity,
                "login-differs",
                f"the account of {identity.id} on {self._target.name} is called `{account.address.object}` there, not "
                f"`{login}`",
                why="with `accounts: existing` nobody here renames it, and another login is another account",
                fix=f"write `login: {account.address.object}` under `accounts:`",
            )
        elif holder is not None and holder is not account:
            self._block(
                identity,
                "login-in-use",
                f"account `{account.address.object}` of {identity.id} cannot become `{login}` on "
                f"{self._target.name}: that login has another account",
                why="two accounts cannot share a login",
                fix="choose another login under `accounts:`",
            )

    def _marked(self, identity: Identity) -> Resource | bool | None:
        """The account with this identity's mark; False where there are two, which nobody can tell apart."""
        found = [a for key in (identity.id, *identity.was) for a in self._by_key.get(key, ())]
        if len(found) > 1:
            names = ", ".join(f"`{a.address.object}`" for a in found)
            self._block(
                identity,
                "marked-twice",
                f"accounts {names} on {self._target.name} both carry the mark of {identity.id}",
                why="a mark names one account; a copied entry copies its mark too",
                fix="remove the mark from the account that is not theirs",
            )
            return False
        return found[0] if found else None

    def _claim(self, identity: Identity, holder: Resource, login: str, wanted: bool) -> None:
        whose = ownership(holder, self._owner)
        existing = self._target.accounts is AccountsPolicy.EXISTING
        facts = holder.facts or NO_FACTS
        other = holder.mark is not None and holder.mark.key not in (identity.id, *identity.was)
        if whose is Ownership.FOREIGN:
            if wanted:
                self._block(
                    identity,
                    "account-foreign",
                    f"account `{login}` on {self._target.name} carries the mark of another owner",
                    why="another repository manages it, or a version of this tool that this one cannot read",
                    fix=f"give {identity.id} another login there, or release the account where it is managed",
                )
            return
        if other and whose is Ownership.OWNED:
            if wanted:
                self._block(
                    identity,
                    "account-taken",
                    f"account `{login}` on {self._target.name} belongs to {holder.mark.key if holder.mark else '?'}",
                    why="an id is never given to someone else, and neither is a login that still has its account",
                    fix=f"give {identity.id} another login under `accounts:`",
                )
            return
        same_mail = bool(identity.email and facts.email and identity.email.casefold() == facts.email.casefold())
        if same_mail:
            self._take(identity, holder, How.EMAIL)
        elif existing:
            self._take(identity, holder, How.LOGIN)
        elif wanted:
            told = f"its e-mail is {facts.email}" if facts.email else "it tells no e-mail"
            self._block(
                identity,
                "account-taken",
                f"account `{login}` on {self._target.name} exists and is not known to be {identity.id}'s: {told}",
                why="an account is only adopted where its e-mail matches or its immutable id is pinned",
                fix=f"if it is theirs, add `accounts: {{{self._target.family}: {{id: {_native(holder)}}}}}`; "
                "if not, give another login there",
            )

    def _one_departed(self, identity: Identity, revision: str) -> None:
        marked = self._marked(identity)
        if marked is False or identity.id in self._out.by_identity:
            return
        if isinstance(marked, Resource):
            self._take(identity, marked, How.MARK, departed=True, revision=revision)
            return
        name = identity.account_on(self._target.name)
        if name.id is not None:
            account = self._by_native.get(name.id) or self._invited(identity)
            if account is not None and ownership(account, self._owner) is not Ownership.FOREIGN:
                self._take(identity, account, How.PINNED, departed=True, revision=revision)
            return
        account = self._by_login.get(self._fold(name.login or identity.id)) or self._invited(identity)
        if account is None or ownership(account, self._owner) is not Ownership.UNCLAIMED:
            return
        facts = account.facts or NO_FACTS
        if account.mark is not None and account.mark.key != identity.id:
            return
        if identity.email and facts.email and identity.email.casefold() == facts.email.casefold():
            self._take(identity, account, How.EMAIL, departed=True, revision=revision)
        elif self._target.accounts is AccountsPolicy.EXISTING and not (identity.email and facts.email):
            self._take(identity, account, How.LOGIN, departed=True, revision=revision)

    def _take(
        self, identity: Identity, account: Resource, how: How, *, departed: bool = False, revision: str = ""
    ) -> None:
        login = account.address.object
        rival = self._out.by_login.get(login)
        if rival is not None:
            self._block(
                identity,
                "account-shared",
                f"account `{login}` on {self._target.name} is claimed by both {rival.identity.id} and {identity.id}",
                why="one account belongs to one identity",
                fix="correct `accounts:` of one of them; if it is the same person under a new id, say `was`",
            )
            self._out.blocked.add(rival.identity.id)
            return
        whose = ownership(account, self._owner)
        if whose is Ownership.FOREIGN:
            self._block(
                identity,
                "account-foreign",
                f"account `{login}` on {self._target.name} carries the mark of another owner",
                why="another repository manages it, or a version of this tool that this one cannot read",
                fix="release the account where it is managed",
            )
            return
        found = Match(identity, account, how, whose, departed, revision)
        self._out.by_login[login] = found
        self._out.by_identity[identity.id] = found

    def _block(self, identity: Identity, code: str, message: str, *, why: str, fix: str) -> None:
        place = identity.account_on(self._target.name).location
        self._out.blocked.add(identity.id)
        self._out.problems.append(Diagnostic(code, message, location=place, why=why, fix=fix, target=self._target.name))

    def _look_for_likes(self, identity: Identity) -> None:
        """Accounts that share a leaver's name, e-mail or the stem of their login, and belong to nobody known."""
        stem = re.escape(identity.login_on(self._target.name))
        like = re.compile(rf"(?:.+[._-])?{stem}(?:[._-].+|[0-9]+)?\Z", re.IGNORECASE)
        mail = (identity.email or "").casefold()
        full_name = identity.name.casefold()
        for account in self._accounts:
            login = account.address.object
            if login in self._out.by_login:
                continue
            facts = account.facts or NO_FACTS
            if (
                like.match(login)
                or (mail and facts.email and facts.email.casefold() == mail)
                or (full_name and facts.name and facts.name.casefold() == full_name)
            ):
                self._out.look_alikes.setdefault(identity.id, []).append(account.address)


def _native(account: Resource) -> str:
    return (account.facts.native_id if account.facts else None) or "unknown"
