"""The life of an account: create, change, rename, disable, enable, adopt, release, delete.

What a change rests on is read right before it, and where the server can assert (RFC 4528) the change is only made to
the entry in the state that was read. An entry with another owner's mark is never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from provisioner.contract import AlreadySo, Done, Failed, Outcome, ProviderError, Refused, Trouble
from provisioner.model.change import Action, Change
from provisioner.model.instant import format_instant
from provisioner.model.resource import Resource
from provisioner.providers.ldap import convert, dn
from provisioner.providers.ldap.connection import LdapResultError
from provisioner.providers.ldap.convert import Entry
from provisioner.providers.ldap.members import MemberWriter
from provisioner.providers.ldap.site import ACCOUNT_WRITE, TRIES, Site, outcome_of, third_value, unchanged, why_other
from provisioner.providers.ldap.values import (
    NO_LOGIN,
    Steps,
    credentials_of,
    end_values,
    in_front,
    kept_note,
    no_login,
    note_to_keep,
    surname,
)

Moved = Callable[[Entry], Outcome | None]
CLASSES = ("top", "person", "organizationalPerson", "inetOrgPerson")
LOCK, END = "pwdAccountLockedTime", "pwdEndTime"
SKEW = timedelta(minutes=5)
"""How much earlier than now an account ends, so that a server whose clock is behind refuses it at once too."""


@dataclass
class AccountWriter:
    """`unknown` are the switches that the server turned out not to know."""

    site: Site
    members: MemberWriter
    unknown: set[str] = field(default_factory=set)

    def write(self, change: Change, expect: Resource | None, deadline: float) -> Outcome:
        """Do one change of one account."""
        try:
            if change.action is Action.CREATE:
                return self._create(change, deadline)
            if change.action is Action.RENAME:
                return self._rename(change, deadline)
            try:
                entry = self.site.account(change.address.object)
            except LdapResultError:
                raise
            except ProviderError as error:
                return self._without_account(change, error, deadline)
            other = why_other(entry, expect)
            if other is not None:
                return Failed(other)
            foreign = self.site.why_foreign(entry)
            if foreign is not None:
                return Refused(foreign)
            return self._on(change, expect, entry, deadline)
        except ProviderError as error:
            return outcome_of(error)

    def _on(self, change: Change, expect: Resource | None, entry: Entry, deadline: float) -> Outcome:
        moved = partial(_moved, change, expect)
        match change.action:
            case Action.DISABLE:
                return self._disable(change, entry, deadline)
            case Action.ENABLE:
                return self._settle(entry, deadline, lambda e: self._enabled(change, e), "enabled", moved)
            case Action.UPDATE:
                return self._settle(entry, deadline, lambda e: self._updated(change, e), "changed", moved)
            case Action.ADOPT:
                return self._settle(entry, deadline, lambda e: self._adopted(change, e), "marked", moved)
            case Action.RELEASE:
                return self._settle(entry, deadline, self._released, "released", moved)
            case Action.DELETE:
                return self._delete(change, entry, deadline, moved)
        return Refused(f"an account cannot be the object of `{change.action.value}`")

    def _without_account(self, change: Change, error: ProviderError, deadline: float) -> Outcome:
        if error.trouble is not Trouble.GONE or change.action not in (Action.DISABLE, Action.DELETE, Action.RELEASE):
            return outcome_of(error)
        if change.action is Action.DELETE:  # what it left in groups, the next account of that name would inherit
            login = change.address.object
            self.members.strip(dn.child("uid", login, self.site.people), [login], deadline)
        return AlreadySo("the account is not there")

    def _settle(
        self,
        entry: Entry,
        deadline: float,
        work: Callable[[Entry], Steps],
        done: str,
        moved: Moved = lambda _entry: None,
    ) -> Outcome:
        """Change the entry in one request, on the state it was read in; worked out anew when that moved, unless what
        `moved` tells stands against it."""
        for attempt in range(TRIES):
            third = moved(entry)
            if third is not None:
                return third
            steps = {name: found for name, found in work(entry).items() if found and name not in self.unknown}
            if not steps:
                return AlreadySo(f"{entry.dn} was so already")
            try:
                self.site.calls.modify(entry.dn, steps, deadline, only_if=unchanged(entry, steps))
            except LdapResultError as refusal:
                if refusal.result == 17 and self._learn(refusal, steps):
                    continue
                if refusal.result not in (16, 20, 122) or attempt == TRIES - 1:
                    raise
                entry = self._again(entry)
            else:
                return Done(f"{entry.dn} {done}")
        return Failed(ProviderError(Trouble.CONFLICT, f"{entry.dn} keeps changing", call=f"modify {entry.dn}"))

    def _learn(self, refusal: LdapResultError, steps: Steps) -> bool:
        """A server without password policy, or with an older one, does not know our switches. What it names is left
        out; where it names neither, the newer one first."""
        candidates = [name for name in (END, LOCK) if name in steps]
        named = [name for name in candidates if name.lower() in refusal.message.lower()]
        if not candidates:
            return False
        self.unknown.add((named or candidates)[0])
        return True

    def _again(self, entry: Entry) -> Entry:
        found = self.site.calls.entry(entry.dn, ACCOUNT_WRITE)
        if found is None:
            raise ProviderError(Trouble.GONE, f"{entry.dn} went away meanwhile", call=f"read {entry.dn}")
        if found.first("entryUUID") != entry.first("entryUUID"):
            raise ProviderError(Trouble.CONFLICT, f"{entry.dn} is another entry now", call=f"read {entry.dn}")
        foreign = self.site.why_foreign(found)
        if foreign is not None:
            raise ProviderError(Trouble.CONFLICT, foreign, call=f"read {entry.dn}")
        return found

    # Create and change

    def _create(self, change: Change, deadline: float) -> Outcome:
        login, after = change.address.object, change.after or {}
        name = str(after.get("name") or login)
        values: dict[str, list[bytes]] = {
            "uid": [login.encode()],
            "cn": [name.encode()],
            "sn": [surname(name).encode()],
            "description": [str(self.site.mark(self.site.key(change))).encode()],
        }
        if after.get("email"):
            values["mail"] = [str(after["email"]).encode()]
        where = dn.child("uid", login, self.site.people)
        try:
            self.site.calls.add(where, CLASSES, values, deadline)
        except LdapResultError as refusal:
            if refusal.result != 68:
                raise
            there = self.site.calls.entry(where, ACCOUNT_WRITE)
            mark = convert.marks(there.texts("description"))[0] if there is not None else None
            if there is None or mark is None or not self.site.is_ours(mark) or mark.key != self.site.key(change):
                raise
            outcome: Outcome = AlreadySo(f"{where} is there with our mark")
        else:
            outcome = Done(f"{where} added")
        entry = Entry(where, {"uid": [login.encode()]})
        self.site.remember(login, entry)
        if after.get("enabled") is False:
            return self._disable(change, self._read(where), deadline)
        if isinstance(after.get("ends"), str):
            steps: Steps = {END: [("REPLACE", end_values(after["ends"]))]}
            ended = self._settle(self._read(where), deadline, lambda _: steps, "ends")
            if isinstance(ended, Failed):
                return ended
        return outcome

    def _read(self, where: str) -> Entry:
        entry = self.site.calls.entry(where, ACCOUNT_WRITE)
        if entry is None:
            raise ProviderError(Trouble.GONE, f"{where} is not there", call=f"read {where}")
        return entry

    def _updated(self, change: Change, entry: Entry) -> Steps:
        steps: Steps = {}
        after = change.after or {}
        if isinstance(after.get("name"), str):
            before = entry.first("cn") or ""
            steps["cn"] = in_front(entry, "cn", after["name"])
            if entry.texts("sn") == [surname(before)]:
                steps["sn"] = in_front(entry, "sn", surname(after["name"]))
        if isinstance(after.get("email"), str):
            steps["mail"] = in_front(entry, "mail", after["email"])
        if "ends" in after:
            steps[END] = [("REPLACE", end_values(after["ends"]))]
        return steps

    def _adopted(self, change: Change, entry: Entry) -> Steps:
        present, _ = convert.marks(entry.texts("description"))
        since = present.disabled_since if present else None
        mark = self.site.remarked(entry, self.site.mark(self.site.key(change), since), kept_note(entry))
        return {"description": mark, **(self._updated(change, entry) if change.action is Action.ADOPT else {})}

    def _released(self, entry: Entry) -> Steps:
        return {"description": self.site.remarked(entry, None)}

    # Off and on

    def _disable(self, change: Change, entry: Entry, deadline: float) -> Outcome:
        """A password that nobody knows first: setting one lifts a lock. Then everything else in one request."""
        mark, _ = convert.marks(entry.texts("description"))
        if convert.end_of(entry, self.site.now()) and mark and mark.disabled_since and not credentials_of(entry):
            return AlreadySo(f"{entry.dn} is disabled since {mark.disabled_since:%Y-%m-%d}")
        scrambled, refusal = self._scramble(entry, deadline)
        entry = self._again(entry)
        drop_class = False
        while True:
            try:
                found = self._settle(
                    entry, deadline, partial(self._off, change, drop_class, refusal is None), "disabled"
                )
            except LdapResultError as error:
                if error.result != 65 or drop_class or not entry.values.get("sshpublickey"):
                    raise
                drop_class = True  # some schemas demand a key as long as the class is there
                continue
            break
        if refusal is not None and {LOCK, END} <= self.unknown:
            return Failed(refusal)
        if not isinstance(found, Done):
            return found
        return Done(f"{found.proof}; {scrambled}; {self._how_off()}")

    def _scramble(self, entry: Entry, deadline: float) -> tuple[str, LdapResultError | None]:
        """A refusal does not stop the lock: a policy may forbid the change (pwdMinAge, pwdSafeModify)."""
        try:
            if not self.site.calls.can_set_password():
                self.site.calls.modify(entry.dn, {"userPassword": [("REPLACE", [])]}, deadline)
                return "password removed", None
            self.site.calls.scramble_password(entry.dn, deadline)
        except LdapResultError as refusal:
            if refusal.result == 65:
                return "it cannot have a password", None
            return f"its password could not be changed ({refusal.message})", refusal
        return "password scrambled", None

    def _how_off(self) -> str:
        used = [name for name in (LOCK, END) if name not in self.unknown]
        return " and ".join(used) + " set" if used else "the server has no lock, so only its password is gone"

    def _off(self, change: Change, drop_class: bool, scrambled: bool, entry: Entry) -> Steps:
        now = self.site.now().replace(microsecond=0)
        mark, _ = convert.marks(entry.texts("description"))
        key = self.site.key(change, mark)
        steps: Steps = {
            LOCK: [("REPLACE", [convert.LOCKED_BY_HAND.encode()])],
            END: [("REPLACE", [convert.to_generalized_time(now - SKEW).encode()])],
            **no_login(entry),
            **{name: [("DELETE", [])] for name in credentials_of(entry)},
        }
        if drop_class:
            steps["objectClass"] = [("DELETE", [b"ldapPublicKey"])]
        note = kept_note(entry) or note_to_keep(entry, steps)
        # Where neither switch is known and the password stayed, nothing keeps the person out: then no date says so.
        since = now if scrambled or not {LOCK, END} <= self.unknown else None
        steps["description"] = self.site.remarked(entry, self.site.mark(key, since), note)
        return steps

    def _enabled(self, change: Change, entry: Entry) -> Steps:
        mark, _ = convert.marks(entry.texts("description"))
        key = self.site.key(change, mark)
        steps: Steps = {LOCK: [("REPLACE", [])]}
        if convert.end_of(entry, self.site.now()) is not None:  # one to come may have been written a moment ago
            steps[END] = [("REPLACE", [])]
        words = (kept_note(entry) or "").removeprefix(convert.KEPT).split(" ")
        kept = dict(word.partition("=")[::2] for word in words)
        for name, disabled in (("loginShell", NO_LOGIN), ("shadowExpire", "1")):
            if entry.first(name) == disabled and kept_note(entry) is not None:
                steps[name] = [("REPLACE", [kept[name].encode()] if name in kept else [])]
        steps["description"] = self.site.remarked(entry, self.site.mark(key))
        return steps

    # Another name

    def _rename(self, change: Change, deadline: float) -> Outcome:
        old, new = str((change.before or {}).get("login", "")), change.address.object
        people, _ = self.site.find(logins=[old, new])
        source, there = people.get(old), people.get(new)
        same = dn.fold(old) == dn.fold(new)
        if source is None or (there is not None and not same):
            return self._renamed_before(change, source is not None, there.entry if there else None, old, deadline)
        entry = source.entry
        foreign = self.site.why_foreign(entry)
        if foreign is not None:
            return Refused(foreign)
        where = self._move(entry, old, new, deadline)
        self.site.forget(old)
        moved = self._read(where)
        self._settle(moved, deadline, lambda e: self._adopted(change, e), "marked")
        groups = self.members.follow((entry.dn, old), (where, new), deadline)
        return Done(f"{entry.dn} is {where} now; {groups} groups followed")

    def _renamed_before(self, change: Change, has_old: bool, there: Entry | None, old: str, deadline: float) -> Outcome:
        """An earlier try may have renamed it and broken off: then the rest is done."""
        if there is None:
            raise ProviderError(Trouble.GONE, f"there is no account `{old}`", call=f"rename {old}")
        mark, _ = convert.marks(there.texts("description"))
        keys = (change.identity, old)
        if has_old or not self.site.is_ours(mark) or mark is None or mark.key not in keys:
            told = f"the login `{change.address.object}` has another account: {there.dn}"
            raise ProviderError(Trouble.CONFLICT, told, call=f"rename {old}")
        self._settle(there, deadline, lambda e: self._adopted(change, e), "marked")
        rest = there.dn.partition(",")[2]
        self.members.follow((dn.child("uid", old, rest), old), (there.dn, change.address.object), deadline)
        return AlreadySo(f"{there.dn} has that login")

    def _move(self, entry: Entry, old: str, new: str, deadline: float) -> str:
        """Rename the entry where its name holds the login; elsewhere change the value. The name it has then."""
        rdns = dn.parse(entry.dn)
        if any(name == "uid" and dn.fold(value) == dn.fold(old) for name, value in rdns[0]):
            rdn = dn.unparse(tuple((n, new if n == "uid" and dn.fold(v) == dn.fold(old) else v) for n, v in rdns[0]))
            self.site.calls.rename(entry.dn, rdn, deadline)
            return ",".join([rdn, *(dn.unparse(level) for level in rdns[1:])])
        present = [v for v in entry.values.get("uid", ()) if dn.fold(convert.text(v)) == dn.fold(old)]
        steps = {"uid": [("DELETE", present), ("ADD", [new.encode()])]}
        self.site.calls.modify(entry.dn, steps, deadline, only_if=unchanged(entry))
        return entry.dn

    # The end

    def _delete(self, change: Change, entry: Entry, deadline: float, moved: Moved) -> Outcome:
        """Out of every group first, by looking for its name in them: the server's own upkeep is late, and fails
        silently on a last member. Then the entry, if it is still the one that was read and still carries our mark."""
        if not self.site.is_ours(convert.marks(entry.texts("description"))[0]):
            return Refused(f"{entry.dn} does not carry our mark, so it is not deleted")
        third = moved(entry)
        if third is not None:
            return third
        groups = self.members.strip(entry.dn, entry.texts("uid"), deadline)
        self.site.forget(change.address.object)
        for attempt in range(TRIES):
            entry = self._again(entry)
            if not self.site.is_ours(convert.marks(entry.texts("description"))[0]):
                return Refused(f"{entry.dn} does not carry our mark any more, so it is not deleted")
            third = moved(entry)
            if third is not None:
                return third
            try:
                self.site.calls.delete(entry.dn, deadline, only_if=unchanged(entry))
            except LdapResultError as refusal:
                if refusal.result == 66:
                    raise self._has_children(entry) from refusal
                if refusal.result == 32:
                    return AlreadySo(f"{entry.dn} is not there")
                if refusal.result != 122 or attempt == TRIES - 1:
                    raise
            else:
                return Done(f"{entry.dn} deleted; it was taken out of {groups} groups")
        return Failed(ProviderError(Trouble.CONFLICT, f"{entry.dn} keeps changing", call=f"delete {entry.dn}"))

    def _has_children(self, entry: Entry) -> ProviderError:
        below = [e.dn for e in self.site.calls.search(entry.dn, "(objectClass=*)", ("1.1",)) if e.dn != entry.dn]
        told = f"{entry.dn} has {len(below)} entries below it, which must go first: {'; '.join(below[:3])}"
        return ProviderError(Trouble.CONFLICT, told, call=f"delete {entry.dn}", code="66")


def _moved(change: Change, expect: Resource | None, entry: Entry) -> Outcome | None:
    """What somebody else made of the account since it was looked at, where that is a third value."""
    mark, _ = convert.marks(entry.texts("description"))
    end = convert.own_end(entry, mark)
    ends = None if end is None else format_instant(end)
    found = {"name": entry.first("cn"), "email": entry.first("mail"), "ends": ends}
    return third_value(change, expect, found, mark)
