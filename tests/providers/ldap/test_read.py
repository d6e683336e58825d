"""What a bulk read finds, and whose it says it is."""

from __future__ import annotations

from datetime import UTC, datetime

from provisioner.contract import Me
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import EVERYTHING, Scope, Verdict
from provisioner.model.mark import Mark
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.providers.ldap import dn
from tests.providers.ldap.rig import NAME, Rig, account, group, membership, unknown


def test_people_and_groups_are_found_by_looking(rig: Rig) -> None:
    ada = rig.add_person("ada", mail="ada@example.test")
    rig.add(rig.who("bob"), "account simpleSecurityObject", uid="bob", userPassword="x")
    rig.add(
        f"cn=Cy,{rig.people}",
        "inetOrgPerson posixAccount",
        cn="Cy",
        sn="Cy",
        uid="cy",
        uidNumber="1",
        gidNumber="1",
        homeDirectory="/h",
    )
    rig.add_group("names", ada)
    rig.add(rig.cn("unique"), "groupOfUniqueNames", cn="unique", uniqueMember=[ada, f"cn=Cy,{rig.people}"])
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7", memberUid=["ada", "cy"])
    rig.add(rig.cn("role"), "organizationalRole", cn="role", roleOccupant=[ada])

    state = rig.read().state

    assert {a.address.object for a in state.of_kind(Kind.ACCOUNT)} >= {"ada", "bob", "cy"}
    assert {g.address.object for g in state.of_kind(Kind.GROUP)} == {"names", "unique", "posix", "role"}
    assert {m.address for m in state.of_kind(Kind.MEMBERSHIP)} == {
        membership("names", "ada"),
        membership("unique", "ada"),
        membership("unique", "cy"),
        membership("posix", "ada"),
        membership("posix", "cy"),
        membership("role", "ada"),
    }


def test_an_account_tells_what_it_holds(rig: Rig) -> None:
    rig.add_person("ada", cn=["Ada Byron", "countess"], mail=["ada@example.test", "a@example.test"])

    found = rig.read().state.get(account("ada"))

    assert found is not None
    assert found.facts is not None
    assert found.attributes == {"enabled": True, "name": "Ada Byron", "email": "ada@example.test"}
    assert found.facts.email == "ada@example.test"
    assert found.facts.native_id == rig.values(rig.who("ada"), "entryUUID")[0]
    assert found.facts.more["dn"] == rig.who("ada")
    assert found.mark is None


def test_a_complete_read_says_how_it_knows(rig: Rig) -> None:
    rig.add_person("ada")

    reading = rig.read()

    assert reading.coverage.complete
    assert {s.scope for s in reading.coverage.scopes()} == EVERYTHING
    assert "result 0" in reading.coverage.of(Kind.ACCOUNT).proof


def test_an_empty_directory_is_complete_and_empty(rig: Rig) -> None:
    reading = rig.read()

    assert reading.coverage.complete
    assert reading.state.of_kind(Kind.GROUP) == []
    assert reading.state.of_kind(Kind.MEMBERSHIP) == []


def test_only_what_is_asked_for_is_read(rig: Rig) -> None:
    rig.add_person("ada")
    reader = rig.reader()

    reading = reader.read(frozenset({Scope(Kind.ACCOUNT)}))

    assert [s.scope for s in reading.coverage.scopes()] == [Scope(Kind.ACCOUNT)]
    assert reading.coverage.of(Kind.MEMBERSHIP).verdict is Verdict.UNREAD


def test_the_same_member_in_several_spellings_is_one_membership_with_several_ways(rig: Rig) -> None:
    rig.add_person("ada")
    rig.add(
        rig.cn("both"),
        "groupOfUniqueNames",
        cn="both",
        uniqueMember=[f"UID=ADA,{rig.people}", f"uid=ada,{rig.people}#'0101'B"],
    )

    found = rig.read().state.get(membership("both", "ada"))

    assert found is not None
    assert len(found.ways) == 2
    assert {w.native_id.partition(":")[0] for w in found.ways} == {"uniqueMember"}


def test_the_same_uid_elsewhere_in_the_tree_is_not_that_account(rig: Rig) -> None:
    rig.add(f"ou=partners,{rig.suffix}", "organizationalUnit", ou="partners")
    stranger = f"uid=ada,ou=partners,{rig.suffix}"
    rig.add(stranger, "inetOrgPerson", uid="ada", cn="Other Ada", sn="Ada")
    rig.add_person("ada")
    rig.add_group("devs", stranger)

    state = rig.read().state

    assert state.get(membership("devs", "ada")) is None
    assert state.get(membership("devs", unknown(stranger))) is not None


def test_a_member_that_is_gone_is_kept_as_unknown(rig: Rig) -> None:
    rig.add_group("devs", rig.who("ghost"))
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7", memberUid=["ghost"])

    state = rig.read().state

    assert state.get(membership("devs", unknown(rig.who("ghost")))) is not None
    assert state.get(membership("posix", unknown("ghost"))) is not None


def test_a_group_in_a_group_is_a_group(rig: Rig) -> None:
    inner = rig.add_group("inner")
    rig.add_group("outer", inner)

    found = rig.read().state.get(membership("outer", Principal(NAME, PrincipalKind.GROUP, "inner")))

    assert found is not None


def test_a_group_that_holds_only_itself_is_empty(rig: Rig) -> None:
    rig.add_group("empty")
    rig.add(rig.cn("empty2"), "groupOfUniqueNames", cn="empty2", uniqueMember=[f"CN=Empty2, {rig.groups}"])

    assert rig.read().state.of_kind(Kind.MEMBERSHIP) == []


def test_who_owns_a_group_is_a_grant(rig: Rig) -> None:
    ada = rig.add_person("ada")
    rig.add_group("devs", ada, owner=[ada, rig.admin_dn])

    grants = rig.read().state.of_kind(Kind.GRANT)

    assert [g.address for g in grants] == [Address(NAME, Kind.GRANT, "owner.devs", membership("x", "ada").principal)]


def test_two_entries_of_one_name_are_told_apart_and_neither_is_used(rig: Rig) -> None:
    for unit in ("north", "south"):
        rig.add(f"ou={unit},{rig.groups}", "organizationalUnit", ou=unit)
        rig.add(f"ou={unit},{rig.people}", "organizationalUnit", ou=unit)
        rig.add(f"uid=ada,ou={unit},{rig.people}", "inetOrgPerson", uid="ada", cn=f"Ada {unit}", sn="Ada")
        rig.add(
            f"cn=admins,ou={unit},{rig.groups}",
            "groupOfNames",
            cn="admins",
            member=[f"uid=ada,ou={unit},{rig.people}"],
        )

    reading = rig.read()

    here = membership("cn=admins,ou=north", "uid=ada,ou=north")
    assert reading.state.get(here) is not None
    assert reading.state.get(account("uid=ada,ou=south")) is not None
    for shared in (account("ada"), group("admins")):
        stand_in = reading.state.get(shared)
        assert stand_in is not None
        assert stand_in.ways[0].locked_by is not None
        assert stand_in.facts is not None
        assert stand_in.facts.foreign_mark is not None
    assert [w.code for w in reading.warnings].count("ldap-shared-name") == 2


def test_marks_are_read_from_among_the_descriptions(rig: Rig) -> None:
    rig.add_person("ada", description=["Analyst", "provision/1 o=5f1c0a9e k=ada-byron"])
    rig.add_group("devs", description=["The developers", "provision/1 o=5f1c0a9e k=devs"])

    state = rig.read().state
    ada, devs = state.get(account("ada")), state.get(group("devs"))

    assert ada is not None
    assert devs is not None
    assert ada.mark == Mark("ada-byron", "5f1c0a9e")
    assert devs.mark == Mark("devs", "5f1c0a9e")
    assert devs.attributes == {"description": "The developers"}


def test_a_mark_that_cannot_be_read_or_contradicts_another_is_somebody_elses(rig: Rig) -> None:
    rig.add_person("new", description="provision/9 whatever=1")
    rig.add_person("two", description=["provision/1 o=aaaaaaaa k=two", "provision/1 o=bbbbbbbb k=two"])

    state = rig.read().state

    for login in ("new", "two"):
        found = state.get(account(login))
        assert found is not None
        assert found.mark is None
        assert found.facts is not None
        assert found.facts.foreign_mark is not None


def test_our_own_account_and_groups_are_our_anchors(rig: Rig) -> None:
    rig.add_group("operators", rig.service_dn)
    rig.add_group("others", rig.add_person("ada"))

    me = rig.reader().me()

    assert me.name == rig.service_dn
    assert me.anchors == {account("svc"), membership("operators", "svc")}


def test_a_name_of_ours_that_is_no_account_is_anchored_by_its_groups(rig: Rig) -> None:
    rig.add_group("operators", rig.admin_dn, owner=rig.admin_dn)

    me = rig.reader(bind_dn=rig.admin_dn, password={"env": "ADMIN"}).me()

    assert me.anchors == {
        membership("operators", unknown(rig.admin_dn)),
        Address(NAME, Kind.GRANT, "owner.operators", unknown(rig.admin_dn)),
    }


def test_anchors_are_the_same_after_a_bulk_read_and_cost_no_call(rig: Rig) -> None:
    ada = rig.add_person("ada")
    rig.add_group("operators", rig.service_dn, ada, rig.admin_dn, owner=[rig.service_dn, rig.admin_dn])
    for who in ({}, {"bind_dn": rig.admin_dn, "password": {"env": "ADMIN"}}):
        before, reader = rig.reader(**who).me(), rig.reader(**who)
        state = reader.read(EVERYTHING).state
        asked = reader._calls.count

        # An owner that is no account is nothing that a bulk read keeps, nor a plan changes.
        assert reader.me() == Me(before.name, frozenset(a for a in before.anchors if a in state))
        assert membership("operators", unknown(rig.admin_dn) if who else "svc") in reader.me().anchors
        assert reader._calls.count == asked


def test_a_login_beats_somebody_elses_further_uid(rig: Rig) -> None:
    rig.add_person("ada")
    rig.add_person("bob", uid=["bob", "ada", "robert"])
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7", memberUid=["ada", "robert"])

    memberships = {m.address for m in rig.read().state.of_kind(Kind.MEMBERSHIP)}

    assert memberships == {membership("posix", "ada"), membership("posix", "bob")}


def test_the_system_is_the_suffix_entry(rig: Rig) -> None:
    assert rig.reader().system() == rig.values(rig.suffix, "entryUUID")[0]


def test_the_system_is_the_suffix_also_where_the_domain_has_no_entry(rig: Rig) -> None:
    base = {"people": f"ou=people,dc=elsewhere,{rig.suffix}", "groups": rig.groups}
    assert rig.reader(base=base).system() == rig.values(rig.suffix, "entryUUID")[0]


def test_names_that_servers_read_specially_survive(rig: Rig) -> None:
    for name in ('a,b+c"d\\e<f>g;h=i', "#lead", " lead and trail ", "*(wild)*", "ümläut ß", "émoji 🦊"):
        where = dn.child("cn", name, rig.groups)
        ada = dn.child("uid", name, rig.people)
        rig.add(ada, "inetOrgPerson", uid=name, cn=name, sn="x")
        rig.add(where, "groupOfNames", cn=name, member=[ada])
        state = rig.read().state

        assert state.get(group(name)) is not None
        assert state.get(account(name)) is not None
        assert state.get(membership(name, name)) is not None


def test_an_account_is_off_when_it_is_locked_for_good_or_over(rig: Rig) -> None:
    rig.add_person("on")
    rig.add_person("locked", pwdAccountLockedTime="000001010000Z")
    rig.add_person("guessed", pwdAccountLockedTime="20260101000000Z")
    rig.add_person("over", pwdEndTime="20260101000000Z")
    rig.add_person("later", pwdEndTime="20991231235959Z")

    reading = rig.read()
    state = reading.state
    enabled = {a.address.object: a.attributes["enabled"] for a in state.of_kind(Kind.ACCOUNT)}
    over = state.get(account("over"))

    assert enabled["on"]
    assert enabled["guessed"]
    assert enabled["later"]
    assert not enabled["locked"]
    assert not enabled["over"]
    assert over is not None
    assert over.facts is not None
    assert over.facts.disabled_since == datetime(2026, 1, 1, tzinfo=UTC)


def test_calls_are_the_bind_a_page_each_and_one_probe(rig: Rig) -> None:
    rig.add_person("ada")
    rig.add_group("devs", rig.who("ada"))

    assert rig.read().calls == 4


def test_a_whole_run_asks_for_the_system_besides(rig: Rig) -> None:
    reader = rig.reader()
    reader.system()
    reader.read(EVERYTHING)
    reader.me()
    assert reader._calls.count == 5
