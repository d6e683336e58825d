"""What the tests of the embedded directory have in common: a client that tells result codes, and hostile names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ldap3
from ldap3.operation.search import compile_filter, parse_filter
from ldap3.protocol.controls import build_control
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.protocol.rfc4527 import post_read_control, pre_read_control

SUFFIX = "dc=example,dc=test"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
ROOT = f"cn=admin,{SUFFIX}"
SERVICE = f"uid=svc,{PEOPLE}"
PAGED = "1.2.840.113556.1.4.319"
PERMISSIVE = ("1.2.840.113556.1.4.1413", True, None)
LOCKED_FOR_EVER = "000001010000Z"
ALL = "(objectClass=*)"

HOSTILE_NAMES = (
    "comma, inside",
    "plus+plus",
    'quo"te',
    "st*r",
    "par(en)s",
    "back\\slash",
    "#leading hash",
    "in # side",
    " leading space",
    "trailing space ",
    " ",
    "a=b",
    "semi;colon",
    "<angle>",
    "two  spaces",
    "Zoë Müller",
    "😀 emoji",
    "tab\there",
    "\\2C is no comma",
    "ou=people",
)


def escaped(name: str) -> str:
    """A value for a DN that every reader of RFC 4514 takes alike: all but letters and digits in hexadecimal.

    Not ldap3's `escape_rdn`, which makes a backslash of the name that is one space.
    """
    return "".join(
        each if each.isascii() and each.isalnum() else "".join(f"\\{o:02x}" for o in each.encode()) for each in name
    )


def person(uid: str) -> str:
    """The DN of a person with a plain id."""
    return f"uid={uid},{PEOPLE}"


def group(name: str) -> str:
    """The DN of a group with a plain name."""
    return f"cn={name},{GROUPS}"


class Client:
    """An ldap3 connection whose calls return result codes; `result` has the rest."""

    def __init__(self, url: str, dn: str | None = None, password: str | None = None) -> None:
        server = ldap3.Server(url, get_info=ldap3.NONE, connect_timeout=10)
        self.connection: Any = ldap3.Connection(
            server, dn, password, check_names=False, auto_range=False, receive_timeout=10
        )
        self.connection.bind()
        self.bound: int = self.connection.result["result"]

    @property
    def result(self) -> Any:
        """The last result: `result`, `description`, `dn` (matched), `message`, `controls`."""
        return self.connection.result

    def close(self) -> None:
        self.connection.unbind()

    def add(self, dn: str, classes: str | Sequence[str], values: Mapping[str, Any], controls: Any = None) -> int:
        self.connection.add(dn, classes, dict(values), controls)
        return self._code()

    def add_person(self, uid: str, **values: Any) -> int:
        return self.add(person(uid), "inetOrgPerson", {"uid": uid, "cn": f"C {uid}", "sn": "S", **values})

    def add_group(self, name: str, *members: str) -> int:
        return self.add(group(name), "groupOfNames", {"cn": name, "member": list(members)})

    def modify(self, dn: str, *changes: tuple[str, str, Any], controls: Any = None) -> int:
        """Changes as (attribute, how, value or values), `how` one of `add`, `delete`, `replace`, `increment`."""
        hows = {
            "add": ldap3.MODIFY_ADD,
            "delete": ldap3.MODIFY_DELETE,
            "replace": ldap3.MODIFY_REPLACE,
            "increment": ldap3.MODIFY_INCREMENT,
        }
        asked: dict[str, list[tuple[str, list[Any]]]] = {}
        for attribute, how, values in changes:
            listed = [values] if isinstance(values, str | bytes) else list(values)
            asked.setdefault(attribute, []).append((hows[how], listed))
        self.connection.modify(dn, asked, controls)
        return self._code()

    def delete(self, dn: str, controls: Any = None) -> int:
        self.connection.delete(dn, controls)
        return self._code()

    def rename(self, dn: str, rdn: str, *, keep: bool = False, above: str | None = None, controls: Any = None) -> int:
        self.connection.modify_dn(dn, rdn, delete_old_dn=not keep, new_superior=above, controls=controls)
        return self._code()

    def compare(self, dn: str, attribute: str, value: str, controls: Any = None) -> int:
        self.connection.compare(dn, attribute, value, controls)
        return self._code()

    def search(
        self, base: str, filter_: str = ALL, attributes: Iterable[str] = ("1.1",), scope: str = "sub", **more: Any
    ) -> dict[str, dict[str, list[bytes]]]:
        """Entries by DN, with raw values; attributes without values are left out."""
        scopes: dict[str, Any] = {"base": ldap3.BASE, "one": ldap3.LEVEL, "sub": ldap3.SUBTREE}
        self.connection.search(base, filter_, scopes[scope], attributes=list(attributes), **more)
        return {
            each["dn"]: {name: values for name, values in each["raw_attributes"].items() if values}
            for each in self.connection.response or ()
            if each["type"] == "searchResEntry"
        }

    def uids(self, filter_: str, base: str = PEOPLE, **more: Any) -> list[str]:
        """The sorted uids of what a filter finds."""
        found = self.search(base, filter_, ["uid"], **more)
        return sorted(value.decode() for entry in found.values() for value in entry.get("uid", ()))

    def read(self, dn: str, *attributes: str) -> dict[str, list[bytes]]:
        """One entry, which must be there."""
        return self.search(dn, ALL, attributes or ("*",), "base")[next(iter(self._last()))]

    def values(self, dn: str, attribute: str) -> list[str]:
        """The values of one attribute of an entry."""
        return [value.decode() for value in self.read(dn, attribute).get(attribute, [])]

    def set_password(self, dn: str | None, old: str | None, new: str | None) -> Any:
        """The password modify operation: what ldap3 returns (True, False, or the password made by the server)."""
        return self.connection.extend.standard.modify_password(dn, old, new)

    def who_am_i(self) -> Any:
        return self.connection.extend.standard.who_am_i()

    def _last(self) -> list[str]:
        return [each["dn"] for each in self.connection.response or () if each["type"] == "searchResEntry"]

    def _code(self) -> int:
        return int(self.connection.result["result"])


def page(size: int, cookie: bytes | None = None) -> Any:
    """The paged results control, critical."""
    return paged_search_control(True, size, cookie)


def cookie(client: Client) -> bytes:
    """The cookie in the last answer."""
    return bytes(client.result["controls"][PAGED]["value"]["cookie"])


def assertion(filter_: str) -> Any:
    """The assertion control (RFC 4528), critical."""
    parsed = parse_filter(filter_, None, True, None, None, False)  # type: ignore[no-untyped-call]
    return build_control("1.3.6.1.1.12", True, compile_filter(parsed.elements[0]))  # type: ignore[no-untyped-call]


def pre_read(*attributes: str) -> Any:
    return pre_read_control(list(attributes), True)


def post_read(*attributes: str) -> Any:
    return post_read_control(list(attributes), True)
