"""Point reads: what is there, what is proven absent, and what they cannot tell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioner.model.address import Address, Kind
from provisioner.model.coverage import EVERYTHING, Verdict
from provisioner.model.principal import Principal, PrincipalKind
from tests.providers.ldap.conftest import rig_of_slapd
from tests.providers.ldap.rig import NAME, Rig, account, group, membership, person, unknown
from tests.rigs.ldif import bulk, group_name, user_name
from tests.rigs.slapd import Slapd


def grant(name: str, login: str) -> Address:
    return Address(NAME, Kind.GRANT, f"owner.{name}", person(login))


def test_what_is_there_is_found_and_what_is_not_is_proven_absent(rig: Rig) -> None:
    ada = rig.add_person("ada")
    rig.add_group("devs", ada, owner=ada)
    rig.add_person("bob")
    there = {account("ada"), group("devs"), membership("devs", "ada"), grant("devs", "ada")}
    absent = {
        account("eve"),
        group("ops"),
        membership("devs", "bob"),
        membership("devs", "eve"),
        membership("ops", "ada"),
        grant("devs", "bob"),
        grant("ops", "ada"),
    }

    reading = rig.look(*there, *absent)

    assert {r.address for r in reading.state} == there
    assert reading.looked == there | absent
    assert all(s.verdict is Verdict.COMPLETE for s in reading.coverage.scopes())


def test_a_point_read_and_a_bulk_read_say_the_same(rig: Rig) -> None:
    ada = rig.add_person(
        "ada", mail="ada@example.test", description="provision/1 o=5f1c0a9e k=ada", pwdEndTime="20200101000000Z"
    )
    rig.add_group("devs", f"UID=Ada, {rig.people}", description="x")
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7", memberUid=["ada"])
    rig.add_group("outer", rig.cn("devs"), f"cn=stranger,{rig.suffix}", owner=ada)
    bulk_read = rig.read().state

    looked = rig.look(*bulk_read.resources).state

    for address, resource in bulk_read.resources.items():
        other = looked.get(address)
        assert other is not None
        assert (other.attributes, other.ways, other.mark) == (resource.attributes, resource.ways, resource.mark)
        if resource.facts is not None:
            assert other.facts is not None
            assert other.facts.native_id == resource.facts.native_id
            assert other.facts.disabled_since == resource.facts.disabled_since


def test_a_service_is_found_under_the_name_it_is_asked_for(rig: Rig) -> None:
    rig.add_group("bots", rig.add_person("deploy-bot"))
    address = membership("bots", Principal(NAME, PrincipalKind.SERVICE, "deploy-bot"))

    assert rig.look(address).state.get(address) is not None


def test_another_spelling_of_a_name_is_the_same_name(rig: Rig) -> None:
    rig.add_group("Devs", rig.add_person("Ada"))

    reading = rig.look(account("ADA"), group("devs"), membership("DEVS", "ada"))

    assert len(reading.state) == 3


def test_what_a_deleted_account_left_in_groups_is_still_seen(rig: Rig) -> None:
    rig.add_group("devs", rig.who("ada"))
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7", memberUid=["ada"])

    reading = rig.look(account("ada"), membership("devs", "ada"), membership("posix", "ada"))

    assert reading.state.get(account("ada")) is None
    assert reading.state.get(membership("devs", "ada")) is not None
    assert reading.state.get(membership("posix", "ada")) is not None


def test_a_name_that_several_entries_share_settles_nothing_below_it(rig: Rig) -> None:
    for unit in ("north", "south"):
        rig.add(f"ou={unit},{rig.people}", "organizationalUnit", ou=unit)
        rig.add(f"uid=ada,ou={unit},{rig.people}", "inetOrgPerson", uid="ada", cn="Ada", sn="Ada")
    rig.add_group("devs", f"uid=ada,ou=north,{rig.people}")

    reading = rig.look(account("ada"), membership("devs", "ada"), membership("devs", "uid=ada,ou=north"))

    stand_in = reading.state.get(account("ada"))
    assert stand_in is not None
    assert stand_in.ways[0].locked_by is not None
    assert membership("devs", "ada") not in reading.looked
    assert reading.state.get(membership("devs", "uid=ada,ou=north")) is not None


def test_unknown_members_and_groups_in_groups_are_found_by_what_they_are(rig: Rig) -> None:
    stranger = f"cn=stranger,{rig.suffix}"
    rig.add_group("inner")
    rig.add_group("outer", rig.cn("inner"), stranger)
    inner = membership("outer", Principal(NAME, PrincipalKind.GROUP, "inner"))
    nobody = membership("outer", unknown(f"cn=nobody,{rig.suffix}"))

    reading = rig.look(inner, membership("outer", unknown(stranger)), nobody)

    assert {r.address for r in reading.state} == {inner, membership("outer", unknown(stranger))}
    assert nobody in reading.looked


def test_keys_and_certificates_are_credentials(new_rig: Callable[..., Rig]) -> None:
    rig = new_rig(lpk=True)
    rig.add(
        rig.who("ada"),
        "inetOrgPerson ldapPublicKey",
        uid="ada",
        cn="Ada",
        sn="Ada",
        sshPublicKey=["ssh-ed25519 AAAA one", "ssh-ed25519 AAAA two"],
    )
    found = rig.read().state.of_kind(Kind.CREDENTIAL)
    assert len(found) == 2
    assert all(c.address.object.startswith("ssh-key.") for c in found)

    reading = rig.look(found[0].address, Address(NAME, Kind.CREDENTIAL, "ssh-key.0000", person("ada")))

    assert [r.address for r in reading.state] == [found[0].address]
    assert len(reading.looked) == 2


@pytest.fixture
def big(slapd: Slapd) -> Rig:
    slapd.stop()
    slapd.load(bulk(1500, 20))
    return rig_of_slapd(slapd.start())


def test_few_names_are_two_searches(big: Rig) -> None:
    reader = big.reader()

    reading = reader.look([membership(group_name(n), user_name(n)) for n in range(20)])

    assert reading.calls == 3  # bind, accounts, groups
    assert len(reading.looked) == 20


def test_many_names_are_read_in_bulk_where_that_is_fewer_calls(big: Rig) -> None:
    reader = big.reader()
    first = reader.read(EVERYTHING)
    wanted = [a.address for a in first.state.of_kind(Kind.ACCOUNT)] + [
        m.address for m in first.state.of_kind(Kind.MEMBERSHIP)
    ]

    reading = reader.look(wanted)

    assert reading.calls == 3  # two pages of accounts, one of groups; by name it would be sixteen
    assert reading.looked == set(wanted)
    assert len(reading.state) == len(wanted)
