"""Names (DNs): every spelling of RFC 4514 is read, hostile values survive, equal names are equal."""

from __future__ import annotations

import pytest

from provisioner.sandbox.ldap import Code, Refused, names
from provisioner.sandbox.ldap.schema import Schema
from tests.sandbox.ldap.client import HOSTILE_NAMES, PEOPLE, Client, escaped, group

SCHEMA = Schema()

READ = {
    "": (),
    "cn=a": (("cn", "a"),),
    " cn = a ": (("cn", "a"),),
    "cn=a\\,b": (("cn", "a,b"),),
    "cn=a\\2Cb": (("cn", "a,b"),),
    "cn=a\\2cb": (("cn", "a,b"),),
    "cn=\\C3\\BC": (("cn", "ü"),),
    "cn=\\c3\\bc\\20": (("cn", "ü "),),
    "cn=a\\ ": (("cn", "a "),),
    "cn=\\ a": (("cn", " a"),),
    "cn=\\#a": (("cn", "#a"),),
    "cn=a#b": (("cn", "a#b"),),
    "cn=a=b": (("cn", "a=b"),),
    "cn=a\\\\": (("cn", "a\\"),),
    'cn="a,b + c"': (("cn", "a,b + c"),),
    "cn=a+sn=b": (("cn", "a"), ("sn", "b")),
    "2.5.4.3=a": (("2.5.4.3", "a"),),
    "cn=😀*(": (("cn", "😀*("),),
}


@pytest.mark.parametrize("text", READ)
def test_a_relative_name_is_read(text: str) -> None:
    assert names.parse(text) == ((READ[text],) if text else ())


def test_a_name_is_read_leaf_first_over_commas_and_semicolons() -> None:
    expected = ((("uid", "u1"),), (("ou", "people"),), (("dc", "x"),))
    assert names.parse("uid=u1 , ou=people;dc=x") == expected


NO_NAMES = (
    *("cn", "=a", "cn=", "cn=a,", "cn=a,,dc=b", "cn=a+", "cn=a<b", 'cn=a"b', 'cn="a', 'cn="a" b', "cn=#61"),
    *("cn=a\\", "cn=\\zz", "cn=\\C3"),
)


@pytest.mark.parametrize("text", NO_NAMES)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(names.BadName):
        names.parse(text)
    with pytest.raises(Refused) as refused:
        SCHEMA.dn(text)
    assert refused.value.code is Code.INVALID_DN_SYNTAX


@pytest.mark.parametrize("value", [*HOSTILE_NAMES, "\0", "a\0b"])
def test_any_value_survives_being_printed_and_read(value: str) -> None:
    printed = names.print_name((("cn", value), ("sn", value)))
    assert names.parse(f"{printed},dc=x")[0] == (("cn", value), ("sn", value))


EQUAL = (
    ("uid=u1,ou=people", "UID=U1 , OU=People"),
    ("cn=a b", "CN=A   B"),
    ("cn=x+sn=y", "SN=Y+CN=X"),
    ("cn=\\C3\\BC", "commonName=Ü"),
    ("cn=u\u0308", "cn=ü"),
    ("uid=a\\,b", "userid=a\\2cb"),
)


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_names_have_equal_keys(one: str, other: str) -> None:
    assert SCHEMA.dn(one).key == SCHEMA.dn(other).key


DIFFERENT = (
    ("cn=a\\,cn=b", "cn=a,cn=b"),
    ("cn=a\\+sn=b", "cn=a+sn=b"),
    ("cn=ß", "cn=ss"),
    ("cn=ab", "cn=a b"),
)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert SCHEMA.dn(one).key != SCHEMA.dn(other).key


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_survive_a_life_over_the_wire(service: Client, name: str) -> None:
    dn = f"cn={escaped(name)},{PEOPLE}"
    assert service.add(dn, "person", {"cn": name, "sn": name, "description": name}) == 0
    (found,) = service.search(PEOPLE, f"(description={_in_filter(name)})", ["cn", "sn", "description"]).values()
    assert found == {each: [name.encode()] for each in ("cn", "sn", "description")}
    assert service.add_group("g", dn) == 0
    (spelled,) = service.values(group("g"), "member")
    assert service.values(spelled, "memberOf") == [group("g")]
    assert list(service.search(PEOPLE, f"(entryDN={_in_filter(spelled)})")) == [spelled]
    assert service.rename(spelled, "cn=plain") == service.rename(f"cn=plain,{PEOPLE}", f"cn={escaped(name)}") == 0
    assert service.values(group("g"), "member") == [spelled]
    assert service.delete(spelled) == 0


def _in_filter(value: str) -> str:
    """RFC 4515: every octet in hexadecimal."""
    return "".join(f"\\{octet:02x}" for octet in value.encode())
