"""The pure side: what a block asks for, what is refused before any call, and what changes mean and are called."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from provisioner.contract import Declare
from provisioner.diagnostics import Location, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block, Path
from provisioner.model.change import Action
from provisioner.model.effect import Direction, Level
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.model.unit import UnitMode
from provisioner.providers import catalog
from provisioner.providers.ldap import PROVIDER, LdapProvider, names
from tests.providers.ldap.rig import NAME, account, change, group, membership, person

SETTINGS: dict[str, Any] = {
    "url": "ldaps://ldap.example.com",
    "bind_dn": {"env": "LDAP_BIND_DN"},
    "password": {"env": "LDAP_PASSWORD"},
    "base": {"people": "ou=people,dc=example,dc=com", "groups": "ou=groups,dc=example,dc=com"},
}
ADA = Identity(IdentityKind.PERSON, "ada", "Ada Byron", "ada@example.com")


def block(data: dict[str, Any]) -> Block:
    """Lines are the length of the path: enough to tell places apart."""

    def locate(path: Path) -> Location:
        return Location("access/targets.yaml", 1 + len(path), 1)

    return Block(data, locate)


def declare(objects: dict[str, Any] | None = None, **settings: Any) -> Declare:
    return PROVIDER.declare(
        Target(NAME, NAME, "ldap", settings=block({**SETTINGS, **settings}), objects=block(objects or {}))
    )


def codes(one: Declare) -> list[str]:
    return [d.code for d in one.check()]


def test_the_catalogue_has_it() -> None:
    assert isinstance(catalog.load("ldap"), LdapProvider)
    assert "ldap" in catalog.names()


def test_the_settings_of_the_design_are_taken() -> None:
    PROVIDER.settings.model_validate({**SETTINGS, "ca_file": "ca.pem", "start_tls": False})
    PROVIDER.grants.model_validate({"groups": ["developers", "{environment}-readers"]})
    PROVIDER.objects.model_validate(
        {"groups": {"readers": {"environment": "production"}, "devs": {"description": "x"}}}
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "in the file"},
        {"url": ""},
        {"base": {"people": "ou=people"}},
        {"start_tls": "yes"},
        {"verify": False},
    ],
)
def test_settings_that_are_wrong_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PROVIDER.settings.model_validate({**SETTINGS, **wrong})


def test_what_is_right_has_no_problems() -> None:
    assert codes(declare({"groups": {"developers": {"description": "x"}}}, bind_dn="cn=admin,dc=example,dc=com")) == []
    assert codes(declare(url="ldap://ldap.example.com", start_tls=True)) == []


def test_an_unencrypted_connection_is_a_warning() -> None:
    found = list(declare(url="ldap://127.0.0.1:389").check())

    assert [(d.code, d.severity) for d in found] == [("ldap-plain-text", Severity.WARNING)]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"url": "https://ldap.example.com"}, "ldap-url"),
        ({"url": "ldaps://ldap.example.com/dc=example"}, "ldap-url"),
        ({"start_tls": True}, "ldap-start-tls"),
        ({"base": {"people": "people", "groups": "ou=groups,dc=x"}}, "ldap-dn"),
        ({"base": {"people": "ou=people,dc=x", "groups": " "}}, "ldap-dn"),
        ({"bind_dn": "cn=a\\"}, "ldap-dn"),
    ],
)
def test_a_connection_that_cannot_be_is_told_with_its_place(settings: dict[str, Any], code: str) -> None:
    found = list(declare(**settings).check())

    assert [d.code for d in found] == [code]
    assert found[0].is_error
    assert found[0].location is not None
    assert found[0].location.line > 1
    assert found[0].why
    assert found[0].fix


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ({"x" * 300: {}}, "ldap-group-name"),
        ({"a\0b": {}}, "ldap-group-name"),
        ({"Devs": {}, "devs": {}}, "ldap-same-group"),
        ({"a b": {}, "a  b": {}}, "ldap-same-group"),
        ({"devs": {"description": "provision/1 k=devs"}}, "ldap-description"),
    ],
)
def test_groups_that_cannot_be_are_told(groups: dict[str, Any], code: str) -> None:
    assert codes(declare({"groups": groups})) == [code]


def test_a_grants_block_is_checked_by_line() -> None:
    found = list(declare().check_grants(block({"groups": ["fine", "{environment}-readers", "not\nfine"]})))

    assert [(d.code, d.location) for d in found] == [("ldap-group-name", Location("access/targets.yaml", 3, 1))]


def test_a_grants_block_gives_groups_and_memberships() -> None:
    one = declare({"groups": {"devs": {"description": "The developers"}}})

    found = list(one.expand(block({"groups": ["devs", "ops"]}), person("ada")))

    assert [(r.address, dict(r.attributes)) for r in found] == [
        (group("devs"), {"description": "The developers"}),
        (membership("devs", "ada"), {}),
        (group("ops"), {}),
        (membership("ops", "ada"), {}),
    ]
    assert all(r.sources for r in found)
    assert list(one.names(block({"groups": ["devs"]}))) == [("groups", "devs", ("groups", 0))]
    assert [r.address for r in one.declared()] == [group("devs")]


def test_an_account_has_what_the_files_say() -> None:
    assert declare().account(ADA, "ada").attributes == {
        "enabled": True,
        "name": "Ada Byron",
        "email": "ada@example.com",
    }
    bot = Identity(IdentityKind.SERVICE, "bot")
    assert declare().account(bot, "bot").attributes == {"enabled": True}


def test_an_email_address_that_no_directory_holds_is_refused() -> None:
    refused = declare().unsupported(Resource(account("ada"), {"email": "ada@exämple.com"}))

    assert refused is not None
    assert refused.code == "ldap-email"
    assert declare().unsupported(Resource(account("ada"), {"email": "ada@example.com"})) is None


def test_a_membership_needs_its_group_and_its_account() -> None:
    assert set(declare().needs(Resource(membership("devs", "ada")))) == {group("devs"), account("ada")}
    assert set(declare().needs(Resource(group("devs")))) == set()


def test_what_belongs_to_one_group_is_written_at_once() -> None:
    one = declare()
    owner = Address(NAME, Kind.GRANT, "owner.devs", person("ada"))

    assert one.unit(membership("devs", "ada")) == one.unit(membership("Devs", "bob")) == one.unit(owner)
    assert one.unit(membership("devs", "ada")).mode is UnitMode.DOCUMENT
    assert one.unit(membership("devs", "ada")) != one.unit(membership("ops", "ada"))
    assert one.unit(group("devs")) != one.unit(account("devs"))


@pytest.mark.parametrize(
    ("name", "admin"),
    [
        ("admins", True),
        ("Domain-Admins", True),
        ("db_administrators", True),
        ("wheel", True),
        ("sudo", True),
        ("developers", False),
        ("badminton", False),
        ("roots-and-culture", False),
    ],
)
def test_admin_like_groups_are_known_by_their_words(name: str, admin: bool) -> None:
    assert names.is_admin_like(name) is admin
    effect = declare().effect(None, Resource(membership(name, "ada")), State())
    assert effect.level is (Level.ADMIN if admin else Level.ORDINARY)


def test_what_gives_and_takes_access() -> None:
    one = declare()
    on, off = Resource(account("ada"), {"enabled": True}), Resource(account("ada"), {"enabled": False})
    member, made = Resource(membership("devs", "ada")), Resource(group("devs"))

    def direction(before: Resource | None, after: Resource | None) -> Direction:
        return one.effect(before, after, State()).direction

    assert direction(None, on) is Direction.WIDENS
    assert direction(on, None) is Direction.NARROWS
    assert direction(on, off) is Direction.NARROWS
    assert direction(off, on) is Direction.WIDENS
    assert direction(on, Resource(account("ada"), {"enabled": True, "name": "x"})) is Direction.NEUTRAL
    assert direction(None, member) is Direction.WIDENS
    assert direction(member, None) is Direction.NARROWS
    assert direction(None, made) is Direction.NEUTRAL
    assert direction(made, None) is Direction.NARROWS
    assert one.holds_until(member) is None
    assert one.reversible(member)
    assert not one.reversible(Resource(Address(NAME, Kind.CREDENTIAL, "ssh-key.0a1b", person("ada"))))


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (change(Action.CREATE, account("ada")), "create account ada"),
        (change(Action.RENAME, account("ada"), before={"login": "lovelace"}), "rename account lovelace to ada"),
        (change(Action.UPDATE, account("ada"), after={"name": "x", "email": "y"}), "set email and name of account ada"),
        (change(Action.ADOPT, account("ada"), who="ada-byron"), "adopt account ada as ada-byron's"),
        (change(Action.DELETE, account("ada")), "delete account ada"),
        (change(Action.CREATE, membership("devs", "ada")), "add ada to group devs"),
        (change(Action.REVOKE, membership("devs", "ada")), "remove ada from group devs"),
        (change(Action.CREATE, group("devs")), "create group devs"),
        (change(Action.UPDATE, group("devs"), after={"description": "x"}), "set description of group devs"),
        (
            change(Action.REVOKE, Address(NAME, Kind.GRANT, "owner.devs", person("ada"))),
            "remove ada from the owners of group devs",
        ),
        (
            change(Action.REVOKE, Address(NAME, Kind.CREDENTIAL, "ssh-key.0a1b", person("ada"))),
            "remove SSH key 0a1b of ada",
        ),
    ],
)
def test_a_change_is_one_short_line(one: Any, words: str) -> None:
    assert declare().words(one) == words


def test_disabling_says_all_that_it_does() -> None:
    words = declare().words(change(Action.DISABLE, account("ada")))
    assert words.startswith("disable account ada")
    assert "password" in words
