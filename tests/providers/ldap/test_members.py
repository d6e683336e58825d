"""Putting people into groups and taking them out: only the values that are meant, of every kind of group."""

from __future__ import annotations

import pytest

from provisioner.contract import AlreadySo, Done, Failed, Trouble
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.way import Way
from tests.providers.ldap.rig import NAME, Rig, change, membership, person, unknown


def put(group: str, login: str) -> Change:
    return change(Action.CREATE, membership(group, login), after={}, who=login)


def take(group: str, login: str, *natives: str) -> Change:
    ways = tuple(Way(native) for native in natives)
    return change(Action.REVOKE, membership(group, login), before={}, who=login, ways=ways)


def test_all_additions_of_a_group_are_one_request(rig: Rig) -> None:
    people = [rig.add_person(f"p{n}") for n in range(5)]
    rig.add_group("devs", people[0])
    writer = rig.writer()
    changes = [put("devs", f"p{n}") for n in range(5)]

    outcomes = rig.write(writer, *changes)

    assert isinstance(outcomes[0], AlreadySo)
    assert all(isinstance(o, Done) for o in outcomes[1:])
    assert set(rig.values(rig.cn("devs"), "member")) == set(people)
    assert writer._site.calls.count == 4  # bind, the people, the group, the change


def test_each_kind_of_group_keeps_its_members_its_own_way(rig: Rig) -> None:
    ada, bob = rig.add_person("ada"), rig.add_person("bob")
    rig.add_group("names", bob)
    rig.add(rig.cn("unique"), "groupOfUniqueNames", cn="unique", uniqueMember=[bob])
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7")
    rig.add(rig.cn("role"), "organizationalRole", cn="role")

    for name in ("names", "unique", "posix", "role"):
        assert isinstance(rig.do(put(name, "ada"))[0], Done)

    assert rig.values(rig.cn("names"), "member") == [bob, ada]
    assert rig.values(rig.cn("unique"), "uniqueMember") == [bob, ada]
    assert rig.values(rig.cn("posix"), "memberUid") == ["ada"]
    assert rig.values(rig.cn("role"), "roleOccupant") == [ada]
    assert {m.address for m in rig.read().state.of_kind(Kind.MEMBERSHIP)} >= {
        membership(name, "ada") for name in ("names", "unique", "posix", "role")
    }


@pytest.mark.parametrize(("classes", "attribute"), [("groupOfNames", "member"), ("groupOfUniqueNames", "uniqueMember")])
def test_the_last_member_goes_and_the_group_stays(rig: Rig, classes: str, attribute: str) -> None:
    ada = rig.add_person("ada")
    rig.add(rig.cn("devs"), classes, cn="devs", **{attribute: [ada]})

    assert isinstance(rig.do(take("devs", "ada"))[0], Done)

    assert rig.values(rig.cn("devs"), attribute) == [rig.cn("devs")]
    assert rig.read().state.of_kind(Kind.MEMBERSHIP) == []


def test_the_stand_in_goes_when_a_real_member_comes(rig: Rig) -> None:
    ada = rig.add_person("ada")
    rig.add_group("devs")

    assert isinstance(rig.do(put("devs", "ada"))[0], Done)

    assert rig.values(rig.cn("devs"), "member") == [ada]


def test_all_members_leaving_at_once_leave_the_group(rig: Rig) -> None:
    people = [rig.add_person(f"p{n}") for n in range(3)]
    rig.add_group("devs", *people)

    outcomes = rig.do(*[take("devs", f"p{n}") for n in range(3)])

    assert all(isinstance(o, Done) for o in outcomes)
    assert rig.values(rig.cn("devs"), "member") == [rig.cn("devs")]


def test_a_removal_takes_every_spelling_and_nothing_else(rig: Rig) -> None:
    rig.add_person("ada")
    adam = rig.add_person("adam")
    spelled = f"UID=ADA,{rig.people}"
    rig.add(
        rig.cn("devs"),
        "groupOfUniqueNames",
        cn="devs",
        uniqueMember=[spelled, f"uid=ada,{rig.people}#'0101'B", adam, rig.admin_dn],
    )

    assert isinstance(rig.do(take("devs", "ada", f"uniqueMember:{spelled}"))[0], Done)

    assert set(rig.values(rig.cn("devs"), "uniqueMember")) == {adam, rig.admin_dn}


def test_an_account_that_is_gone_can_still_be_taken_out(rig: Rig) -> None:
    bob = rig.add_person("bob")
    rig.add_group("devs", bob, rig.who("ada"))
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7", memberUid=["ada", "bob"])

    assert isinstance(rig.do(take("devs", "ada", f"member:{rig.who('ada')}"))[0], Done)
    assert isinstance(rig.do(take("posix", "ada"))[0], Done)

    assert rig.values(rig.cn("devs"), "member") == [bob]
    assert rig.values(rig.cn("posix"), "memberUid") == ["bob"]


def test_what_is_nobodys_goes_by_the_value_it_is_stored_as(rig: Rig) -> None:
    bob = rig.add_person("bob")
    stranger = f"cn=Stranger,{rig.suffix}"
    rig.add_group("devs", bob, stranger)
    address = membership("devs", unknown(stranger))

    done = rig.do(change(Action.REVOKE, address, before={}, ways=(Way(f"member:{stranger}"),)))

    assert isinstance(done[0], Done)
    assert rig.values(rig.cn("devs"), "member") == [bob]


def test_doing_it_twice_is_fine(rig: Rig) -> None:
    rig.add_person("ada")
    rig.add_group("devs", rig.add_person("bob"))

    assert [type(rig.do(put("devs", "ada"))[0]) for _ in range(2)] == [Done, AlreadySo]
    assert [type(rig.do(take("devs", "ada"))[0]) for _ in range(2)] == [Done, AlreadySo]


def test_somebody_without_an_account_does_not_hold_up_the_others(rig: Rig) -> None:
    ada = rig.add_person("ada")
    rig.add_group("devs")

    missing, done = rig.do(put("devs", "ghost"), put("devs", "ada"))

    assert isinstance(missing, Failed)
    assert missing.error.trouble is Trouble.GONE
    assert isinstance(done, Done)
    assert rig.values(rig.cn("devs"), "member") == [ada]


def test_a_value_that_the_server_refuses_does_not_hold_up_the_others(rig: Rig) -> None:
    rig.add(f"cn=odd,{rig.people}", "inetOrgPerson", cn="odd", sn="x", uid="ödd")
    rig.add_person("ada")
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7")  # memberUid holds ASCII

    odd, done = rig.do(put("posix", "ödd"), put("posix", "ada"))

    assert isinstance(odd, Failed)
    assert odd.error.trouble is Trouble.INVALID
    assert isinstance(done, Done)
    assert rig.values(rig.cn("posix"), "memberUid") == ["ada"]


def test_a_group_that_is_not_there(rig: Rig) -> None:
    rig.add_person("ada")

    assert isinstance(rig.do(take("devs", "ada"))[0], AlreadySo)
    failed = rig.do(put("devs", "ada"))[0]
    assert isinstance(failed, Failed)
    assert failed.error.trouble is Trouble.GONE


def test_an_owner_is_taken_from_the_group(rig: Rig) -> None:
    ada = rig.add_person("ada")
    rig.add_group("devs", ada, owner=[ada, rig.admin_dn])
    address = Address(NAME, Kind.GRANT, "owner.devs", person("ada"))

    assert isinstance(rig.do(change(Action.REVOKE, address, before={}))[0], Done)

    assert rig.values(rig.cn("devs"), "owner") == [rig.admin_dn]
    assert rig.values(rig.cn("devs"), "member") == [ada]


def test_two_groups_of_one_name_are_not_written_to(rig: Rig) -> None:
    ada = rig.add_person("ada")
    for unit in ("north", "south"):
        rig.add(f"ou={unit},{rig.groups}", "organizationalUnit", ou=unit)
        rig.add(f"cn=admins,ou={unit},{rig.groups}", "groupOfNames", cn="admins", member=[ada])
    before = rig.dump()

    shared = rig.do(put("admins", "ada"))[0]
    assert isinstance(shared, Failed)
    assert shared.error.trouble is Trouble.CONFLICT
    assert rig.dump() == before

    assert isinstance(rig.do(take("cn=admins,ou=north", "ada"))[0], Done)
    assert rig.values(f"cn=admins,ou=south,{rig.groups}", "member") == [ada]
