"""What a change of an account writes, attribute by attribute, and the note of what it took away. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.model.instant import parse_instant
from provisioner.providers.ldap import convert, dn
from provisioner.providers.ldap.convert import Entry

Steps = dict[str, list[tuple[str, list[bytes]]]]
"""By attribute, as ldap3 takes the changes of an entry."""
NO_LOGIN = "/usr/sbin/nologin"


def end_values(ends: object) -> list[bytes]:
    """The value of pwdEndTime for an end, none for none."""
    return [convert.to_generalized_time(parse_instant(ends)).encode()] if isinstance(ends, str) else []


def surname(name: str) -> str:
    """The last word of a name: the schema demands one."""
    words = name.split()
    return words[-1] if words else name


def in_front(entry: Entry, attribute: str, value: str) -> list[tuple[str, list[bytes]]]:
    """The value first, because the first one is what we read; the one it replaces goes, others stay. A value that is
    part of the entry's own name cannot go."""
    present = list(entry.values.get(attribute, ()))
    own = {dn.fold(v) for n, v in dn.parse(entry.dn)[0] if n == attribute}
    rest = [v for v in present[1:] if dn.fold(convert.text(v)) != dn.fold(value)]
    if present and dn.fold(convert.text(present[0])) in own - {dn.fold(value)}:
        rest.insert(0, present[0])
    wanted = [value.encode(), *rest]
    return [] if wanted == present else [("REPLACE", wanted)]


def credentials_of(entry: Entry) -> list[str]:
    """The attributes in which it has keys or certificates."""
    return [name for name in convert.CREDENTIAL_ATTRIBUTES if entry.values.get(name)]


def no_login(entry: Entry) -> Steps:
    """No shell and an expired shadow entry: logins by key do not ask for the password."""
    steps: Steps = {}
    if "posixaccount" in entry.classes and entry.first("loginShell") != NO_LOGIN:
        steps["loginShell"] = [("REPLACE", [NO_LOGIN.encode()])]
    if "shadowaccount" in entry.classes and entry.first("shadowExpire") != "1":
        steps["shadowExpire"] = [("REPLACE", [b"1"])]
    return steps


def kept_note(entry: Entry) -> str | None:
    """The note beside the mark, where there is one."""
    return next((t for t in entry.texts("description") if t.startswith(convert.KEPT)), None)


def note_to_keep(entry: Entry, steps: Mapping[str, object]) -> str | None:
    """What ENABLE shall put back, as a value of `description`."""
    if "loginShell" not in steps and "shadowExpire" not in steps:
        return None
    kept = [f"{n}={told}" for n in ("loginShell", "shadowExpire") if n in steps and (told := entry.first(n))]
    return convert.KEPT + (" ".join(kept) or "-")
