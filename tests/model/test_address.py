"""Addresses and marks: text and back, whatever a system allows in a name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.address import Address, Kind
from provisioner.model.mark import Mark, looks_like_mark
from provisioner.model.principal import ANYWHERE, NAMELESS, Principal, PrincipalKind

names = st.text(min_size=1, max_size=20)
targets = st.from_regex(r"[a-z][a-z0-9-]{0,8}(/[a-z][a-z0-9.-]{0,8})?", fullmatch=True)
named = [k for k in PrincipalKind if k not in NAMELESS]


@given(targets, st.sampled_from(list(Kind)), names, st.sampled_from(named), names, st.one_of(st.none(), names), targets)
def test_address_is_parsed_back_from_its_text(
    target: str, kind: Kind, thing: str, who: PrincipalKind, name: str, slot: str | None, realm: str
) -> None:
    for principal in (None, Principal(target, who, name), Principal(realm, who, name)):
        address = Address(target, kind, thing, principal, slot)
        assert Address.parse(str(address)) == address


@pytest.mark.parametrize("kind", sorted(NAMELESS))
def test_nobodys_principals_have_no_realm(kind: PrincipalKind) -> None:
    address = Address("corp", Kind.GRANT, "db", Principal(ANYWHERE, kind))
    assert str(address) == f"corp:grant/db/{kind}" and Address.parse(str(address)) == address


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address("corp-ldap", Kind.ACCOUNT, "ada"), "corp-ldap:account/ada"),
        (
            Address("corp-ldap", Kind.MEMBERSHIP, "developers", Principal("corp-ldap", PrincipalKind.PERSON, "ada")),
            "corp-ldap:membership/developers/ada",
        ),
        (
            Address("aws/pay", Kind.GRANT, "ReadOnlyAccess", Principal("aws/pay", PrincipalKind.GROUP, "Developers")),
            "aws/pay:grant/ReadOnlyAccess/group:Developers",
        ),
        (
            Address("ci", Kind.CONTROL, "prod", Principal("github", PrincipalKind.GROUP, "leads")),
            "ci:control/prod/group:github.leads",
        ),
    ],
)
def test_address_reads_as_documented(address: Address, text: str) -> None:
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "corp", "corp:", ":account/ada", "corp:account", "corp:nothing/x", "a:b/c/d/e"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        Address.parse(text)


@given(
    st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True),
    st.one_of(st.none(), st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)),
    st.one_of(st.none(), st.datetimes(timezones=st.just(UTC), allow_imaginary=False)),
)
def test_mark_is_parsed_back_and_short_enough(key: str, owner: str | None, since: datetime | None) -> None:
    mark = Mark(key, owner, since.replace(microsecond=0) if since else None)
    assert Mark.parse(str(mark)) == mark and looks_like_mark(str(mark)) and len(str(mark)) <= 120


@pytest.mark.parametrize("text", ["provision/2 k=ada", "provision/1", "provision/1 k=ADA", "provision/1 k=ada x=1"])
def test_mark_of_another_shape_is_seen_but_not_read(text: str) -> None:
    assert Mark.parse(text) is None and looks_like_mark(text)


def test_mark_with_an_impossible_date_has_none() -> None:
    assert Mark.parse("provision/1 k=ada d=2026-13-45") == Mark("ada")
