"""The life of an account: what each step writes, what it leaves alone, and that a disabled account cannot bind."""

from __future__ import annotations

import time

import pytest

from provisioner.contract import AlreadySo, Done, Failed, Refused, Trouble
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.mark import Mark
from provisioner.model.resource import Facts, Resource
from provisioner.sandbox.ldap import LdapServer
from tests.providers.ldap.conftest import rig_of_embedded
from tests.providers.ldap.rig import NAME, OWNER, Rig, account, change, membership, person

MARK = f"provision/1 o={OWNER[:8]} k=ada-byron"


def create(login: str = "ada", **after: object) -> Change:
    values = {"enabled": True, "name": "Ada Byron", "email": "ada@example.test", **after}
    return change(Action.CREATE, account(login), after=values, who="ada-byron")


def disable(login: str = "ada") -> Change:
    return change(Action.DISABLE, account(login), before={"enabled": True}, after={"enabled": False}, who="ada-byron")


def enable(login: str = "ada") -> Change:
    return change(Action.ENABLE, account(login), before={"enabled": False}, after={"enabled": True}, who="ada-byron")


def delete(login: str = "ada") -> Change:
    return change(Action.DELETE, account(login), before={"enabled": False}, who="ada-byron")


def test_a_new_account_carries_our_mark_from_the_start(rig: Rig) -> None:
    assert isinstance(rig.do(create())[0], Done)

    entry = rig.entry(rig.who("ada"), "*")
    assert entry is not None
    assert {n: [v.decode() for v in entry[n]] for n in ("uid", "cn", "sn", "mail", "description")} == {
        "uid": ["ada"],
        "cn": ["Ada Byron"],
        "sn": ["Byron"],
        "mail": ["ada@example.test"],
        "description": [MARK],
    }
    assert b"inetOrgPerson" in entry["objectClass"]
    assert "userPassword" not in entry


def test_what_was_made_is_what_is_read(rig: Rig) -> None:
    rig.do(create())

    found = rig.read().state.get(account("ada"))

    assert found is not None
    assert found.attributes == {"enabled": True, "name": "Ada Byron", "email": "ada@example.test"}
    assert found.mark == Mark("ada-byron", OWNER[:8])


def test_creating_what_we_made_before_is_fine_and_what_others_made_is_a_conflict(rig: Rig) -> None:
    rig.do(create())
    rig.add_person("bob")
    before = rig.dump()

    assert isinstance(rig.do(create())[0], AlreadySo)
    taken = rig.do(create("bob"))[0]

    assert isinstance(taken, Failed)
    assert taken.error.trouble is Trouble.CONFLICT
    assert rig.dump() == before


def test_a_suspended_person_gets_a_disabled_account(rig: Rig) -> None:
    assert isinstance(rig.do(create(enabled=False))[0], Done)

    found = rig.read().state.get(account("ada"))

    assert found is not None
    assert found.attributes["enabled"] is False


def test_a_disabled_account_cannot_bind(rig: Rig) -> None:
    ada = rig.add_person("ada", description=["Analyst", MARK])
    assert rig.can_bind(ada, "ada-password")

    assert isinstance(rig.do(disable())[0], Done)

    assert not rig.can_bind(ada, "ada-password")
    assert rig.values(ada, "pwdAccountLockedTime") == ["000001010000Z"]
    assert rig.values(ada, "pwdEndTime") != []
    found = rig.read().state.get(account("ada"))
    assert found is not None
    assert found.attributes["enabled"] is False
    assert found.mark is not None
    assert found.mark.disabled_since is not None
    assert "Analyst" in rig.values(ada, "description")


def test_a_password_reset_by_the_helpdesk_does_not_let_a_leaver_in(rig: Rig) -> None:
    ada = rig.add_person("ada", description=[MARK])
    rig.do(disable())

    rig.modify(ada, {"userPassword": [("MODIFY_REPLACE", ["Helpdesk-1234"])]})

    assert not rig.can_bind(ada, "Helpdesk-1234")
    found = rig.read().state.get(account("ada"))
    assert found is not None
    assert found.attributes["enabled"] is False


def test_disabling_takes_shell_shadow_and_keys(new_rig: object) -> None:
    rig = new_rig(lpk=True)  # type: ignore[operator]
    rig.add(
        rig.who("ada"),
        "inetOrgPerson posixAccount shadowAccount ldapPublicKey",
        uid="ada",
        cn="Ada",
        sn="Ada",
        uidNumber="1",
        gidNumber="1",
        homeDirectory="/home/ada",
        loginShell="/bin/zsh",
        sshPublicKey=["ssh-ed25519 AAAA one", "ssh-ed25519 AAAA two"],
        description=[MARK],
    )

    assert isinstance(rig.do(disable())[0], Done)

    assert rig.values(rig.who("ada"), "loginShell") == ["/usr/sbin/nologin"]
    assert rig.values(rig.who("ada"), "shadowExpire") == ["1"]
    assert rig.values(rig.who("ada"), "sshPublicKey") == []

    assert isinstance(rig.do(enable())[0], Done)

    assert rig.values(rig.who("ada"), "loginShell") == ["/bin/zsh"]
    assert rig.values(rig.who("ada"), "shadowExpire") == []
    assert rig.values(rig.who("ada"), "description") == [MARK]


def test_enabling_lifts_lock_and_end_and_keeps_the_rest(rig: Rig) -> None:
    ada = rig.add_person("ada", description=["Analyst", MARK])
    rig.do(disable())

    assert isinstance(rig.do(enable())[0], Done)

    assert rig.values(ada, "pwdAccountLockedTime") == []
    assert rig.values(ada, "pwdEndTime") == []
    assert sorted(rig.values(ada, "description")) == sorted(["Analyst", MARK])
    rig.modify(ada, {"userPassword": [("MODIFY_REPLACE", ["Welcome-back-1"])]})
    assert rig.can_bind(ada, "Welcome-back-1")


def test_disabling_twice_is_fine_and_a_missing_account_is_already_so(rig: Rig) -> None:
    rig.add_person("ada", description=[MARK])

    assert [type(rig.do(disable())[0]) for _ in range(2)] == [Done, AlreadySo]
    assert isinstance(rig.do(disable("ghost"))[0], AlreadySo)


def test_a_change_leaves_other_values_alone(rig: Rig) -> None:
    ada = rig.add_person(
        "ada", cn=["Ada", "countess"], sn="Ada", mail=["old@example.test", "alias@example.test"], title="x"
    )
    before = rig.entry(ada, "title", "userPassword", "uid")

    after = {"name": "Ada Byron", "email": "new@example.test"}
    assert isinstance(rig.do(change(Action.UPDATE, account("ada"), before={}, after=after, who="ada-byron"))[0], Done)

    assert rig.values(ada, "cn") == ["Ada Byron", "countess"]
    assert rig.values(ada, "sn") == ["Byron"]
    assert rig.values(ada, "mail") == ["new@example.test", "alias@example.test"]
    assert rig.entry(ada, "title", "userPassword", "uid") == before
    found = rig.read().state.get(account("ada"))
    assert found is not None
    assert found.attributes == {"enabled": True, **after}
    again = rig.do(change(Action.UPDATE, account("ada"), before={}, after=after, who="ada-byron"))[0]
    assert isinstance(again, AlreadySo)


def test_adopting_adds_one_value(rig: Rig) -> None:
    ada = rig.add_person("ada", description="Analyst")
    adopt = change(Action.ADOPT, account("ada"), before={"mark": None}, after={"mark": "ada-byron"}, who="ada-byron")

    assert isinstance(rig.do(adopt)[0], Done)
    assert rig.values(ada, "description") == ["Analyst", MARK]
    assert isinstance(rig.do(adopt)[0], AlreadySo)

    assert isinstance(rig.do(change(Action.RELEASE, account("ada"), who="ada-byron"))[0], Done)
    assert rig.values(ada, "description") == ["Analyst"]


@pytest.mark.parametrize("make", [disable, enable, delete])
@pytest.mark.parametrize("mark", ["provision/1 o=otherone k=ada-byron", "provision/9 o=5f1c0a9e k=ada-byron"])
def test_an_account_with_another_owners_mark_is_never_touched(rig: Rig, make: object, mark: str) -> None:
    rig.add_person("ada", description=[mark])
    before = rig.dump()

    assert isinstance(rig.do(make())[0], Refused)  # type: ignore[operator]
    assert rig.dump() == before


def test_an_account_that_became_another_is_not_touched(rig: Rig) -> None:
    rig.add_person("ada", description=[MARK])
    before = rig.dump()
    expect = {account("ada"): Resource(account("ada"), facts=Facts(native_id="00000000-0000-1000-8000-000000000000"))}

    for one in (disable(), delete(), enable()):
        failed = rig.do(one, expect=expect)[0]
        assert isinstance(failed, Failed)
        assert failed.error.trouble is Trouble.CONFLICT
    assert rig.dump() == before


def test_deleting_takes_the_account_out_of_every_group_first(rig: Rig) -> None:
    ada, bob = rig.add_person("ada", description=[MARK]), rig.add_person("bob")
    rig.add_group("devs", ada, bob, owner=ada)
    rig.add_group("alone", ada)
    rig.add(rig.cn("unique"), "groupOfUniqueNames", cn="unique", uniqueMember=[ada])
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7", memberUid=["ada", "adam"])

    assert isinstance(rig.do(delete())[0], Done)

    assert rig.entry(ada) is None
    assert rig.values(rig.cn("devs"), "member") == [bob]
    assert rig.values(rig.cn("devs"), "owner") == []
    assert rig.values(rig.cn("alone"), "member") == [rig.cn("alone")]
    assert rig.values(rig.cn("unique"), "uniqueMember") == [rig.cn("unique")]
    assert rig.values(rig.cn("posix"), "memberUid") == ["adam"]
    assert isinstance(rig.do(delete())[0], AlreadySo)


def test_an_account_without_our_mark_is_not_deleted(rig: Rig) -> None:
    rig.add_person("ada")
    before = rig.dump()

    assert isinstance(rig.do(delete())[0], Refused)
    assert rig.dump() == before


def test_what_lies_below_an_account_keeps_it(rig: Rig) -> None:
    ada = rig.add_person("ada", description=[MARK])
    rig.add(f"cn=phone,{ada}", "device", cn="phone")

    failed = rig.do(delete())[0]

    assert isinstance(failed, Failed)
    assert failed.error.trouble is Trouble.CONFLICT
    assert "cn=phone" in failed.error.message
    assert rig.entry(ada) is not None


def rename(old: str, new: str) -> Change:
    return change(Action.RENAME, account(new), before={"login": old}, after={"login": new}, who="ada-byron")


def test_a_renamed_account_keeps_its_id_and_its_groups(rig: Rig) -> None:
    ada = rig.add_person("lovelace", description=[f"provision/1 o={OWNER[:8]} k=lovelace"])
    bob = rig.add_person("bob")
    rig.add_group("devs", ada, bob, owner=ada)
    rig.add(rig.cn("unique"), "groupOfUniqueNames", cn="unique", uniqueMember=[ada])
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7", memberUid=["lovelace", "bob"])
    uuid = rig.values(ada, "entryUUID")

    assert isinstance(rig.do(rename("lovelace", "ada"))[0], Done)

    new = rig.who("ada")
    assert rig.entry(ada) is None
    assert rig.values(new, "entryUUID") == uuid
    assert rig.values(new, "uid") == ["ada"]
    assert rig.values(new, "description") == [MARK]
    state = rig.read().state
    assert {m.address for m in state.of_kind(Kind.MEMBERSHIP)} == {
        membership("devs", "ada"),
        membership("devs", "bob"),
        membership("unique", "ada"),
        membership("posix", "ada"),
        membership("posix", "bob"),
    }
    assert state.get(Address(NAME, Kind.GRANT, "owner.devs", person("ada"))) is not None


def test_a_rename_that_broke_off_is_finished(rig: Rig) -> None:
    rig.add_person("ada", description=[MARK])
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7", memberUid=["lovelace"])
    rig.add_group("devs", rig.who("lovelace"))

    assert isinstance(rig.do(rename("lovelace", "ada"))[0], AlreadySo)

    assert rig.values(rig.cn("posix"), "memberUid") == ["ada"]
    assert rig.values(rig.cn("devs"), "member") == [rig.who("ada")]


def test_a_login_that_is_in_use_is_not_renamed_to(rig: Rig) -> None:
    rig.add_person("lovelace", description=[f"provision/1 o={OWNER[:8]} k=lovelace"])
    rig.add_person("ada")
    before = rig.dump()

    failed = rig.do(rename("lovelace", "ada"))[0]

    assert isinstance(failed, Failed)
    assert failed.error.trouble is Trouble.CONFLICT
    assert rig.dump() == before


def test_an_account_named_by_its_full_name_is_renamed_by_value(rig: Rig) -> None:
    where = f"cn=Ada,{rig.people}"
    rig.add(where, "inetOrgPerson", cn="Ada", sn="B", uid="lovelace", description=MARK)
    rig.add_group("devs", where)
    rig.add(rig.cn("posix"), "posixGroup", cn="posix", gidNumber="7", memberUid=["lovelace"])

    assert isinstance(rig.do(rename("lovelace", "ada"))[0], Done)

    assert rig.values(where, "uid") == ["ada"]
    assert rig.values(rig.cn("devs"), "member") == [where]
    assert rig.values(rig.cn("posix"), "memberUid") == ["ada"]


def test_sessions_cannot_be_cut_and_that_is_said(rig: Rig) -> None:
    refused = rig.writer().cut(account("ada"), 0.0)

    assert isinstance(refused, Refused)
    assert refused.why.startswith("not possible here")


def test_upkeep_that_comes_late_does_not_get_in_the_way() -> None:
    """refint changes names in groups some time after a rename or delete was answered."""
    with LdapServer(refint_delay=0.2) as server:
        rig = rig_of_embedded(server)
        ada, bob = rig.add_person("ada", description=[MARK]), rig.add_person("bob")
        rig.add_group("devs", ada, bob)
        rig.add_group("alone", ada)

        assert isinstance(rig.do(rename("ada", "ada-b"))[0], Done)
        after_rename = [rig.values(rig.cn(name), "member") for name in ("devs", "alone")]
        time.sleep(0.4)
        later = [rig.values(rig.cn(name), "member") for name in ("devs", "alone")]
        assert isinstance(rig.do(delete("ada-b"))[0], Done)
        after_delete = [rig.values(rig.cn(name), "member") for name in ("devs", "alone")]
        for one in rig.open:
            one.close()

    assert [set(values) for values in after_rename] == [{rig.who("ada-b"), bob}, {rig.who("ada-b")}]
    assert later == after_rename
    assert after_delete == [[bob], [rig.cn("alone")]]
