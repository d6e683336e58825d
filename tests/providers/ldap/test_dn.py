"""Names of entries: two spellings of one name are one, two names are never one, and escaping survives the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.providers.ldap import dn

VALUES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uid=ada,ou=people,dc=example,dc=com", "UID=Ada , OU=People, DC=example,DC=COM"),
        ("cn=a\\,b,dc=x", "cn=a\\2cb,dc=x"),
        ("cn=a\\,b,dc=x", 'cn="a,b",dc=x'),
        ("cn=\\ a\\ ,dc=x", "cn=\\20a\\20,dc=x"),
        ("cn=a  b,dc=x", "cn=A b,dc=x"),
        ("cn=M\\C3\\BCller,dc=x", "cn=MÜLLER,dc=x"),
        ("cn=ﬁn,dc=x", "cn=FIN,dc=x"),
        ("commonName=a+uid=b,domainComponent=x", "uid=B+cn=A,dc=x"),
        ("2.5.4.3=a,dc=x", "cn=a,dc=x"),
        ("oid.2.5.4.3=a,dc=x", "cn=a,dc=x"),
        ("cn=a;dc=x", "cn=a,dc=x"),
        ("cn=#04024869,dc=x", "CN=#04024869,DC=X"),
    ],
)
def test_two_spellings_of_one_name_are_equal(one: str, other: str) -> None:
    assert dn.key(one) == dn.key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uid=ada,ou=people,dc=x", "uid=ada,ou=staff,ou=people,dc=x"),
        ("cn=a\\,ou=b,dc=x", "cn=a,ou=b,dc=x"),
        ("cn=a\\+uid=b,dc=x", "cn=a+uid=b,dc=x"),
        ("cn=a\\\\2cb,dc=x", "cn=a\\,b,dc=x"),
        ("cn=straße,dc=x", "cn=strasse,dc=x"),
        ("cn=\\#0402,dc=x", "cn=#0402,dc=x"),
        ("cn=ab,dc=x", "cn=a b,dc=x"),
        ("cn=a,dc=x", "uid=a,dc=x"),
    ],
)
def test_two_names_are_never_one(one: str, other: str) -> None:
    assert dn.key(one) != dn.key(other)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("people,dc=x", "after character 1"),
        ("ou=people,dc", "after character 11"),
        ("ou=a,b,dc=x", "after character 6"),
        ("=a", "character 1"),
        ("cn=a\\", "character 5"),
        ("cn=a\\zz", "character 5"),
        ("cn=#0", "character 4"),
        ('cn="a', "character 4"),
        ('cn="a"b', "character 7"),
        ("cn=\\ff", "UTF-8"),
    ],
)
def test_what_is_no_name_is_told_by_position(text: str, where: str) -> None:
    with pytest.raises(ValueError, match=where):
        dn.parse(text)


@given(VALUES)
def test_an_escaped_value_reads_back_literally(value: str) -> None:
    assert dn.parse(dn.child("cn", value, "ou=groups,dc=x"))[0] == (("cn", value),)


@given(VALUES, VALUES)
def test_a_value_cannot_climb_out_of_its_level(value: str, other: str) -> None:
    name = dn.child("uid", value, dn.child("ou", other, "dc=x"))
    assert len(dn.parse(name)) == 3
    assert dn.is_within(name, dn.child("ou", other, "dc=x"))


@given(VALUES)
def test_a_filter_value_holds_nothing_that_a_filter_reads(value: str) -> None:
    escaped = dn.escape_filter(value)
    assert not set(escaped) & set("()*&|!=<>~: \0")
    assert escaped.isascii()


def test_the_quick_way_and_the_thorough_way_agree() -> None:
    quick = "uid=ada.l-1,ou=The People,dc=example,dc=com"
    assert dn.key(quick) == dn.key(quick.replace("ada", "\\61da"))


@pytest.mark.parametrize(
    ("entry", "base", "inside"),
    [
        ("uid=a,ou=people,dc=x", "OU=people, DC=x", True),
        ("ou=people,dc=x", "ou=people,dc=x", True),
        ("uid=a,ou=people2,dc=x", "ou=people,dc=x", False),
        ("uid=a,dc=x", "ou=people,dc=x", False),
        ("nonsense", "ou=people,dc=x", False),
    ],
)
def test_what_lies_below_a_base(entry: str, base: str, inside: bool) -> None:
    assert dn.is_within(entry, base) is inside


def test_the_part_above_a_base_is_told_in_plain_spelling() -> None:
    assert dn.relative("UID=a\\2cb, OU=Staff ,ou=people,dc=x", "ou=people,dc=x") == "uid=a\\,b,ou=Staff"


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("ou=people,dc=example,dc=com", "dc=example,dc=com"),
        ("OU=People, DC=Example ,DC=com", "dc=Example,dc=com"),
        ("dc=example", "dc=example"),
        ("ou=people,dc=example,o=acme", None),
        ("ou=people,dc=a+l=b", None),
        ("o=acme", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_domain_is_what_a_name_ends_with(name: str, domain: str | None) -> None:
    assert dn.domain(name) == domain


@pytest.mark.parametrize(("text", "is_name"), [("uid=svc,dc=x", True), ("svc@example.com", False), ("", False)])
def test_what_is_a_name(text: str, is_name: bool) -> None:
    assert dn.is_name(text) is is_name
