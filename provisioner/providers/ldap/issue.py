"""Passwords of services in a directory: two values of `userPassword` for as long as both are to work, or, where the
server allows one, set by Password Modify (RFC 3062).

Of two, each is a salted hash made here whose salt holds the password's public id, so that it can be told from what
others set, which is never touched. The one that the server hashed is told by a note in `description`: with the time at
which it was set, and once there is another beside it, with a digest of its value. What was made while the target said
`one` is known and ended when it says `two`, and the other way round. Nothing is sent over a connection that others can
read. Refuses to leave a value behind that it could not find again, and to end one that may be somebody else's by now.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.contract import Issued, Key, ProviderError, Trouble
from provisioner.credentials import Secret, draw, id_of
from provisioner.model.instant import Instant
from provisioner.providers.ldap import convert, dn
from provisioner.providers.ldap.connection import LdapResultError
from provisioner.providers.ldap.convert import Entry
from provisioner.providers.ldap.names import is_private
from provisioner.providers.ldap.site import Site

PASSWORD, CHANGED = "userPassword", "pwdChangedTime"
_ATTRIBUTES = (PASSWORD, CHANGED, "description", "entryUUID", "uid")
_SSHA = b"{SSHA}"
_OURS = b"pvp1"
_NOTE = "provision-password/1 "
_PENDING = "pending"
_VALUE = "="
_HIDDEN = (
    "what is in `userPassword` is not shown as it was written, so that it could never be taken away again: "
    "let the name that applies read it, or write `passwords: one`"
)


@dataclass(frozen=True, slots=True)
class _Noted:
    """The password that the note is about. `value` is its value, as far as that is sure; `timed`: the server told when
    it was set."""

    key: Key
    value: bytes | None
    timed: bool


class Passwords:
    """`provisioner.contract.Issuer` for one directory. `single`: the account has one password at a time."""

    def __init__(self, site: Site, *, single: bool) -> None:
        self._site, self._calls = site, site.calls
        self._single = single
        self.most = 1 if single else 2
        self.replaces = single
        self._dn = ""

    def close(self) -> None:
        self._calls.close()

    def keys(self, login: str) -> tuple[Key, ...]:
        """Ours by their ids; of others only how many there are: a digest would help whoever guesses."""
        entry = self._entry(login)
        (ours, others), noted = _parted(entry), _noted(entry)
        found = [Key(known, True) for known in ours]
        if noted is not None:
            found.append(noted.key)
            others = [v for v in others if v != noted.value]
        if not self._single:
            found += [Key(f"password-{n}-of-others", True, apart=True) for n in range(1, len(others) + 1)]
        return tuple(found)

    def issue(self, login: str, deadline: float) -> Issued:
        self._must_be_private("issue")
        entry, password = self._entry(login), draw()
        (self._set if self._single else self._add)(entry, password, deadline)
        return self._issued(password)

    def again(self, found: Mapping[str, Secret]) -> Issued | None:
        """`whole` is the password alone: the name to bind with does not change."""
        password = found.get("whole") or found.get("secret")
        return self._issued(password) if password is not None and id_of(password) is not None else None

    def use(self, issued: Issued, login: str) -> None:
        """Binds with it, and asks who that is."""
        self._must_be_private("bind")
        who = self._calls.sign_in(issued.user, issued.secret.reveal())
        if who is not None and dn.key(who) != dn.key(self._entry(login).dn):
            told = f"{issued.public_id} binds as {who}"
            raise ProviderError(Trouble.INVALID, told, call="Who am I?")

    def last_used(self, login: str, public_id: str) -> Instant | None:
        """A directory keeps no such time for each password."""
        return None

    def deactivate(self, login: str, public_id: str, deadline: float) -> None:
        """A value cannot be switched off and kept: it goes. Where there is one, another takes its place that nobody is
        told."""
        entry = self._entry(login)
        noted = _noted(entry)
        if self._single and noted is not None and noted.key.public_id == public_id:
            if not noted.timed:
                raise _unsure(entry, public_id)
            self._must_be_private("end")
            self._calls.scramble_password(entry.dn, deadline)
        self.delete(login, public_id, deadline)

    def delete(self, login: str, public_id: str, deadline: float) -> None:
        entry = self._entry(login)
        (ours, _), noted = _parted(entry), _noted(entry)
        if public_id in ours:
            self._modify(entry, {PASSWORD: [("DELETE", [ours[public_id]])]}, deadline)
        if noted is None or noted.key.public_id != public_id:
            return
        if self._single:  # it goes when the next one comes; until then it is known to nobody, or in use
            self._describe(entry, _PENDING, deadline)
        elif noted.value is None or not noted.timed:
            raise _unsure(entry, public_id)
        else:
            steps = {PASSWORD: [("DELETE", [noted.value])], "description": [("DELETE", _notes(entry))]}
            self._modify(entry, steps, deadline)

    # Two values

    def _add(self, entry: Entry, password: Secret, deadline: float) -> None:
        value, steps, noted = _hashed(password), {}, _noted(entry)
        if noted is not None and noted.timed:
            if noted.value is None:
                raise ProviderError(Trouble.INVALID, _HIDDEN, call=f"read {entry.dn}")
            steps = _renoted(entry, f"{noted.key.public_id} {_VALUE}{_digest(noted.value)}")
        try:
            self._modify(entry, {PASSWORD: [("ADD", [value])], **steps}, deadline)
        except LdapResultError as refusal:
            if refusal.result != 19:
                raise
            told = f"the server's password policy does not take it ({refusal.message}): write `passwords: one`"
            raise ProviderError(Trouble.INVALID, told, call=f"set password of {entry.dn}", code="19") from refusal
        if value in self._read(entry.dn).values.get(PASSWORD.lower(), ()):
            return
        self._modify(entry, {PASSWORD: [("DELETE", [value])]}, deadline)
        raise ProviderError(Trouble.INVALID, _HIDDEN, call=f"read {entry.dn}")

    # One

    def _set(self, entry: Entry, password: Secret, deadline: float) -> None:
        """Before it is set the note says that nobody knows which one holds: a run that dies makes another."""
        self._describe(entry, _PENDING, deadline)
        self._calls.set_password(entry.dn, password.reveal(), deadline)
        entry = self._read(entry.dn)
        self._describe(entry, f"{id_of(password)} {entry.first(CHANGED) or '-'}", deadline)

    def _describe(self, entry: Entry, text: str, deadline: float) -> None:
        steps = _renoted(entry, text)
        if steps:
            self._modify(entry, steps, deadline)

    # Parts

    def _entry(self, login: str) -> Entry:
        found = self._site.account(login)
        foreign = self._site.why_foreign(found)
        if foreign is not None:
            raise ProviderError(Trouble.CONFLICT, foreign, call=f"read {found.dn}")
        self._dn = found.dn
        return self._read(found.dn)

    def _read(self, where: str) -> Entry:
        entry = self._calls.entry(where, _ATTRIBUTES)
        if entry is None:
            raise ProviderError(Trouble.GONE, f"{where} is not there", call=f"read {where}")
        return entry

    def _modify(self, entry: Entry, steps: Mapping[str, list[tuple[str, list[bytes]]]], deadline: float) -> None:
        uuid = entry.first("entryUUID")
        only_if = f"(entryUUID={dn.escape_filter(uuid)})" if uuid else None
        self._calls.modify(entry.dn, steps, deadline, only_if=only_if)

    def _issued(self, password: Secret) -> Issued:
        known = id_of(password)
        assert known is not None
        return Issued(known, self._dn, password, password)

    def _must_be_private(self, call: str) -> None:
        link = self._calls.link
        if not is_private(link.host, encrypted=link.encrypted or link.start_tls):
            told = "a password is not sent over a connection that others can read: use ldaps://, or `start_tls: true`"
            raise ProviderError(Trouble.INVALID, told, call=call)


def _hashed(password: Secret) -> bytes:
    """As every OpenLDAP takes it. Of 256 random bits SHA-1 gives nothing away; of people's passwords it would."""
    known = id_of(password)
    assert known is not None
    salt = _OURS + bytes.fromhex(known)
    digest = hashlib.sha1(password.reveal().encode() + salt).digest()  # noqa: S324 - see above
    return _SSHA + base64.b64encode(digest + salt)


def _id_of_value(value: bytes) -> str | None:
    """The public id that a value of ours has in its salt."""
    if not value.upper().startswith(_SSHA):
        return None
    try:
        salt = base64.b64decode(value[len(_SSHA) :], validate=True)[20:]
    except ValueError:
        return None
    return salt[len(_OURS) :].hex() if salt.startswith(_OURS) and len(salt) == len(_OURS) + 8 else None


def _parted(entry: Entry) -> tuple[dict[str, bytes], list[bytes]]:
    """Our values by their ids, and those of others."""
    ours: dict[str, bytes] = {}
    others = []
    for value in entry.values.get(PASSWORD.lower(), ()):
        known = _id_of_value(value)
        if known is not None:
            ours[known] = value
        else:
            others.append(value)
    return ours, others


def _noted(entry: Entry) -> _Noted | None:
    """What the note says, as long as nobody has set another password since."""
    _, others = _parted(entry)
    for note in entry.texts("description"):
        words = note.removeprefix(_NOTE).split(" ")
        if not note.startswith(_NOTE) or len(words) != 2:
            continue
        changed = entry.first(CHANGED) or "-"
        if words[1].startswith(_VALUE):
            value = next((v for v in others if _digest(v) == words[1].removeprefix(_VALUE)), None)
            if value is not None:
                return _Noted(Key(words[0], True), value, timed=True)
        elif changed == words[1]:
            value = others[0] if len(others) == 1 else None
            return _Noted(Key(words[0], True, convert.generalized_time(changed)), value, timed=changed != "-")
    return None


def _digest(value: bytes) -> str:
    """Of a salted hash of 256 random bits: it says nothing of the password."""
    return hashlib.sha256(value).hexdigest()


def _notes(entry: Entry) -> list[bytes]:
    return [v for v in entry.values.get("description", ()) if v.startswith(_NOTE.encode())]


def _renoted(entry: Entry, text: str) -> dict[str, list[tuple[str, list[bytes]]]]:
    """The steps after which the note says that, and no other is there."""
    old, new = _notes(entry), (_NOTE + text).encode()
    steps = [("DELETE", [v for v in old if v != new]), ("ADD", [] if new in old else [new])]
    steps = [(how, values) for how, values in steps if values]
    return {"description": steps} if steps else {}


def _unsure(entry: Entry, public_id: str) -> ProviderError:
    told = (
        f"nothing shows that the password that is set is still {public_id}, so it may be somebody else's by now: set "
        f"another by hand, and take the value `{_NOTE}{public_id} ...` out of `description`"
    )
    return ProviderError(Trouble.INVALID, told, call=f"set password of {entry.dn}")
