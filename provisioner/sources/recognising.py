"""Whether somebody of a source is somebody of the files: by immutable id, e-mail, then login; never by likeness.

Where two things contradict, or an id would be given a second time, nothing is written, and it is listed with why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from provisioner.files.names import folded, id_from, looks_like_machine, sayable
from provisioner.model.identity import Identity, IdentityKind
from provisioner.sources.leavers import Found
from provisioner.sources.roster import Listed, Roster

Departed = Callable[[], Mapping[str, Identity]]
"""Gives everybody who was declared once, as last declared."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Somebody of the source of whom something is not written, and why."""

    login: str
    native: str
    why: str


@dataclass
class Recognised:
    """`people` are those that join, each with the id and the entry that they have, if any."""

    people: list[tuple[Listed, str, Identity | None]] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


class Recognising:
    """`known` are the people known from the source, by their immutable ids there; `departed` who was declared once."""

    def __init__(self, roster: Roster, found: Found, known: Mapping[str, Identity], departed: Departed) -> None:
        self.source, self.roster, self._departed = roster.source, roster, departed
        here = found.declared.identities
        bound = {identity.id for identity in known.values()}
        self.ids = set(here)
        self.former = {old: i.id for i in here.values() for old in i.was}
        self.bound = bound
        target = self.source.target
        self.by_pin = {pin: i for i in here.values() if (pin := i.account_on(target).id) is not None}
        self.by_mail = {i.email.casefold(): i for i in here.values() if i.email}
        self.by_login = {i.login_on(target).casefold(): i for i in here.values()}
        self.by_name: dict[str, list[Identity]] = {}
        for identity in here.values():
            if identity.name and identity.id not in bound:
                self.by_name.setdefault(folded(identity.name), []).append(identity)
        self.mails = Counter(p.email.casefold() for p in roster.people.values() if p.email)

    def run(self, joining: Iterable[Listed]) -> Recognised:
        """Of those who join. Two who would be one person are both doubtful."""
        out = Recognised()
        claims: list[tuple[Listed, str, Identity | None]] = []
        for listed in joining:
            who, identity, why = self._whose(listed)
            if why:
                out.doubts.append(Doubt(listed.login, listed.id, why))
            else:
                claims.append((listed, who, identity))
        times = Counter(who for _, who, _ in claims)
        for listed, who, identity in claims:
            if times[who] > 1:
                out.doubts.append(Doubt(listed.login, listed.id, f"{times[who]} entries would all be `{who}`"))
            else:
                out.people.append((listed, who, identity))
        return out

    def _whose(self, listed: Listed) -> tuple[str, Identity | None, str]:
        """The id, and the entry that it has already; or why that is not known."""
        if "=" in listed.login or not sayable(listed.login, is_name=True):
            return "", None, "its login cannot be told: several entries have it, or it cannot stand in a file"
        pinned = self.by_pin.get(listed.id)
        if pinned is not None:
            return (pinned.id, pinned, "") if self._is_person(pinned) else ("", None, self._service(pinned))
        mail = listed.email.casefold() if listed.email else ""
        by_mail, by_login = self.by_mail.get(mail), self.by_login.get(listed.login.casefold())
        if mail and self.mails[mail] > 1:
            return "", None, f"its e-mail {listed.email} is that of another entry, too"
        if by_mail is not None:
            return self._declared(by_mail, self._against_mail(by_mail, by_login))
        if by_login is not None:
            return self._declared(by_login, self._against_login(listed, by_login, mail))
        return self._new(listed, mail)

    def _declared(self, who: Identity, why: str) -> tuple[str, Identity | None, str]:
        if not self._is_person(who):
            return "", None, self._service(who)
        if not why and (who.id in self.bound or who.account_on(self.source.target).id is not None):
            why = f"{who.id} has another account's id on {self.source.target} in the files"
        return ("", None, why) if why else (who.id, who, "")

    @staticmethod
    def _against_mail(who: Identity, by_login: Identity | None) -> str:
        if by_login is None or by_login is who:
            return ""
        return f"its e-mail is {who.id}'s, its login {by_login.id}'s"

    @staticmethod
    def _against_login(listed: Listed, who: Identity, mail: str) -> str:
        if who.email and mail:
            return f"its login is {who.id}'s, its e-mail {listed.email} is not"
        if who.name and listed.name and folded(who.name) != folded(listed.name):
            return f"its login is {who.id}'s, its name {listed.name} is not"
        return ""

    def _new(self, listed: Listed, mail: str) -> tuple[str, Identity | None, str]:
        alike = self.by_name.get(folded(listed.name), []) if listed.name else []
        alike = [i for i in alike if not (mail and i.email)]
        who = id_from(listed.login)
        if alike:
            return "", None, f"its name, {listed.name}, is that of {alike[0].id}; e-mail and login are not"
        if looks_like_machine(listed.login, listed.name):
            return "", None, "it looks like a machine's: declare it under `services:`, with its owners"
        if not who:
            return "", None, "no id can be made of its login"
        again = self._again.get(listed.id)
        if again is not None and again not in self.ids and again not in self.former:
            return again, None, ""
        if who in self.ids or who in self.former:
            return "", None, f"its login would make the id `{who}`, which is somebody else's"
        last = self.departed.get(who)
        if last is not None and not self._same(last, listed, mail):
            return "", None, f"`{who}` was the id of somebody who is gone, and an id is never given again"
        return who, None, ""

    @cached_property
    def departed(self) -> Mapping[str, Identity]:
        """Looked up only where somebody is new: it means reading the whole history."""
        return self._departed()

    @cached_property
    def _again(self) -> dict[str, str]:
        """The ids of those who left, by the immutable ids that they had there."""
        target = self.source.target
        return {pin: who for who, i in self.departed.items() if (pin := i.account_on(target).id) is not None}

    def _same(self, last: Identity, listed: Listed, mail: str) -> bool:
        """Whether somebody who left is the one who is there again."""
        pin = last.account_on(self.source.target).id
        if pin is not None:
            return pin == listed.id
        return bool(mail) and last.email is not None and last.email.casefold() == mail

    @staticmethod
    def _is_person(who: Identity) -> bool:
        return who.kind is IdentityKind.PERSON

    @staticmethod
    def _service(who: Identity) -> str:
        return f"it is that of the service {who.id}, and services come from no source"
