"""The embedded directory takes and refuses changes as the real OpenLDAP does."""

from __future__ import annotations

from typing import Any

from tests.sandbox.ldap.client import (
    GROUPS,
    LOCKED_FOR_EVER,
    PEOPLE,
    PERMISSIVE,
    SUFFIX,
    group,
    person,
)
from tests.sandbox.ldap.twins import Step, World, a_person, run, same


def test_additions_are_refused_alike(worlds: tuple[World, World]) -> None:
    def add(
        values: dict[str, Any], classes: Any = "inetOrgPerson", dn: str = person("new"), who: str = "service"
    ) -> Step:
        return lambda world: getattr(world, who).add(dn, classes, values)

    posix = ["inetOrgPerson", "posixAccount"]
    steps: dict[str, Step] = {
        "nobody": add(a_person(), who="nobody"),
        "nobody, bad class": add(a_person(), "nope", who="nobody"),
        "missing parent": add(a_person(), dn=f"uid=new,ou=no,ou=where,{SUFFIX}"),
        "outside": add(a_person(), dn="uid=new,dc=other"),
        "no name": add(a_person(), dn=f"uid,{PEOPLE}"),
        "unknown naming attribute": add(a_person(), dn=f"foo=new,{PEOPLE}"),
        "auxiliary only": add(a_person(), "posixAccount"),
        "abstract only": add(a_person(), "top"),
        "two structural": add(a_person(), ["inetOrgPerson", "device"]),
        "unknown class": add(a_person(), ["inetOrgPerson", "nope"]),
        "unknown attribute": add(a_person(nope="x")),
        "attribute not allowed": add(a_person(gecos="x")),
        "attribute missing": add({"uid": "new", "cn": "New"}),
        "value twice": add(a_person(mail=["a@b", "A@B"])),
        "single value twice": add(a_person(displayName=["a", "b"])),
        "empty value": add(a_person(description="")),
        "no integer": add(a_person(uidNumber="x", gidNumber="1", homeDirectory="/"), posix),
        "no name as value": add(a_person(manager="x")),
        "no telephone number": add(a_person(telephoneNumber="ä")),
        "no ASCII": add(a_person(mail="ä@example.test")),
        "no boolean": add(a_person(pwdReset="yes")),
        "no time": add(a_person(pwdEndTime="2020")),
        "read only": add(a_person(memberOf=GROUPS)),
        "read only and invalid": add(a_person(entryUUID="x")),
        "short password": add(a_person(userPassword="short")),
        "group without members": add({"cn": "new"}, "groupOfNames", group("new")),
        "fine": add(a_person(userPassword="long-enough", pwdAccountLockedTime=LOCKED_FOR_EVER)),
        "again": add(a_person()),
        "again in another spelling": add(a_person(), dn=f"UID=NEW , OU=People,{SUFFIX}"),
        "naming attribute filled in": add({"cn": "Other", "sn": "O"}, dn=person("other")),
        "two naming attributes": add({"sn": "O"}, "person", f"SN=b+CN=Up,{PEOPLE}"),
    }
    run(worlds, steps)
    same(worlds)


def test_modifications_are_refused_alike(worlds: tuple[World, World]) -> None:
    ada, gone = person("ada"), person("gone")

    def modify(*changes: tuple[str, str, Any], dn: str = ada, who: str = "service", controls: Any = None) -> Step:
        return lambda world: getattr(world, who).modify(dn, *changes, controls=controls)

    steps: dict[str, Step] = {
        "person": lambda world: world.service.add_person("ada", mail="a@b.test"),
        "nobody": modify(("sn", "replace", "x"), who="nobody"),
        "no entry": modify(("sn", "replace", "x"), dn=gone),
        "no parent": modify(("sn", "replace", "x"), dn=f"uid=x,ou=none,{PEOPLE}"),
        "present value": modify(("cn", "add", "c ADA")),
        "absent value": modify(("cn", "delete", "zz")),
        "absent attribute": modify(("title", "delete", [])),
        "absent attribute's value": modify(("title", "delete", "x")),
        "replace absent with nothing": modify(("title", "replace", [])),
        "replace with twice the same": modify(("mail", "replace", ["a@b", "A@b"])),
        "unknown attribute": modify(("nope", "delete", [])),
        "not allowed": modify(("gecos", "add", "x")),
        "required": modify(("sn", "delete", [])),
        "name": modify(("uid", "delete", "ada")),
        "name replaced": modify(("uid", "replace", "other")),
        "name kept": modify(("uid", "replace", ["other", "ADA"])),
        "another structural class": modify(("objectClass", "add", "device")),
        "structural class changed": modify(("objectClass", "replace", "person")),
        "no class": modify(("objectClass", "delete", [])),
        "auxiliary class alone": modify(("objectClass", "add", "posixAccount")),
        "unknown class": modify(("objectClass", "add", "nope")),
        "two at once for single": modify(("displayName", "add", ["a", "b"])),
        "first for single": modify(("displayName", "add", "a")),
        "second for single": modify(("displayName", "add", "b")),
        "read only": modify(("memberOf", "add", GROUPS)),
        "read only time": modify(("pwdChangedTime", "replace", "20200101000000Z")),
        "invalid to delete": modify(("manager", "delete", "x")),
        "add nothing": modify(("cn", "add", [])),
        "increment text": modify(("cn", "increment", "1")),
        "increment absent": modify(("uidNumber", "increment", "1")),
        "posix": modify(
            ("objectClass", "add", "posixAccount"),
            ("uidNumber", "add", "7"),
            ("gidNumber", "add", "7"),
            ("homeDirectory", "add", "/h"),
        ),
        "increment": modify(("uidNumber", "increment", "3")),
        "increment by two values": modify(("uidNumber", "increment", ["3", "4"])),
        "no equality rule, first": modify(("audio", "add", "abc")),
        "no equality rule, delete": modify(("audio", "delete", "abc")),
        "half of it fails": modify(("title", "add", "t"), ("cn", "delete", "zzz")),
        "order counts": modify(("title", "add", "t"), ("title", "delete", "t")),
        "forgiven addition": modify(("cn", "add", ["c ada", "New"]), controls=[PERMISSIVE]),
        "forgiven deletion of an attribute": modify(("title", "delete", []), controls=[PERMISSIVE]),
        "2.5: last absent value is not forgiven": modify(("cn", "delete", ["New", "zz"]), controls=[PERMISSIVE]),
        "2.5: first absent value is forgiven": modify(("cn", "delete", ["zz", "New"]), controls=[PERMISSIVE]),
        "names with odd spelling": modify(("manager", "add", f"UID=Gone\\2C x , OU=People,{SUFFIX}")),
        "same name, other spelling": modify(("manager", "add", f"uid=gone\\, x,ou=people,{SUFFIX}")),
    }
    run(worlds, steps)
    same(worlds)


def test_groups_and_references_behave_alike(worlds: tuple[World, World]) -> None:
    ada, bob, admins = person("ada"), person("bob"), group("admins")
    unique = group("unique")
    steps: dict[str, Step] = {
        "ada": lambda world: world.service.add_person("ada"),
        "bob": lambda world: world.service.add_person("bob", manager=ada),
        "admins": lambda world: world.service.add_group("admins", ada.upper(), f"uid=bob , ou=people,{SUFFIX}"),
        "unique": lambda world: world.service.add(
            unique, "groupOfUniqueNames", {"cn": "unique", "uniqueMember": [ada, bob]}
        ),
        "memberOf": lambda world: world.service.values(ada, "memberOf"),
        "by memberOf": lambda world: world.service.uids(f"(memberOf=CN=Admins,{GROUPS})"),
        "by member": lambda world: list(world.service.search(GROUPS, f"(member=UID=ADA,{PEOPLE})")),
        "there already": lambda world: world.service.modify(admins, ("member", "add", ada)),
        "not there": lambda world: world.service.modify(admins, ("member", "delete", person("eve"))),
        "dangling": lambda world: world.service.modify(admins, ("member", "add", person("eve"))),
        "two, one there": lambda world: world.service.modify(admins, ("member", "add", [person("x"), ada])),
    }
    run(worlds, steps)
    same(worlds, "memberOf")
    run(worlds, {"rename": lambda world: world.service.rename(ada, "uid=ada2")})
    same(worlds, "memberOf")
    run(worlds, {"rename group": lambda world: world.service.rename(admins, "cn=bosses")})
    same(worlds, "memberOf")
    run(worlds, {"delete": lambda world: world.service.delete(person("ada2"))})
    same(worlds, "memberOf")
    bosses = group("bosses")
    members = ("member", "replace", [bob])
    run(worlds, {"one is left": lambda world: world.service.modify(bosses, members)})
    run(worlds, {"last member": lambda world: world.service.modify(bosses, ("member", "delete", bob))})
    run(worlds, {"the last member goes": lambda world: world.service.delete(bob)})
    same(worlds, "memberOf")


def test_a_rename_to_a_name_that_is_referred_to_already_ends_alike(worlds: tuple[World, World]) -> None:
    ada, eve, admins = person("ada"), person("eve"), group("admins")
    unique = {"cn": "unique", "uniqueMember": [ada, eve]}
    steps: dict[str, Step] = {
        "ada": lambda world: world.service.add_person("ada"),
        "bob": lambda world: world.service.add_person("bob", manager=[ada, eve]),
        "admins": lambda world: world.service.add_group("admins", ada, person("bob"), eve),
        "unique": lambda world: world.service.add(group("unique"), "groupOfUniqueNames", unique),
        "rename": lambda world: world.service.rename(ada, "uid=eve"),
    }
    run(worlds, steps)
    same(worlds, "memberOf")
    assert worlds[0].service.values(admins, "member") == [person("bob"), eve]


def test_renames_and_deletions_are_refused_alike(worlds: tuple[World, World]) -> None:
    ada = person("ada")
    steps: dict[str, Step] = {
        "ada": lambda world: world.service.add_person("ada"),
        "bob": lambda world: world.service.add_person("bob"),
        "onto another": lambda world: world.service.rename(ada, "uid=bob"),
        "missing": lambda world: world.service.rename(person("no"), "uid=x"),
        "unknown attribute": lambda world: world.service.rename(ada, "foo=x"),
        "not allowed attribute": lambda world: world.service.rename(ada, "gecos=x"),
        "keep the old": lambda world: world.service.rename(ada, "cn=Ada", keep=True),
        "drop the old": lambda world: world.service.rename(f"cn=Ada,{PEOPLE}", "uid=ada"),
        "case only": lambda world: world.service.rename(ada, "uid=ADA"),
        "move": lambda world: world.service.rename(ada, "uid=ada", above=GROUPS),
        "move back": lambda world: world.service.rename(f"uid=ada,{GROUPS}", "uid=ada", above=PEOPLE),
        "to nowhere": lambda world: world.service.rename(ada, "uid=ada", above=f"ou=none,{SUFFIX}"),
        "outside": lambda world: world.service.rename(ada, "uid=ada", above="dc=other"),
        "below itself": lambda world: world.service.rename(PEOPLE, "ou=people", above=PEOPLE),
        "the suffix": lambda world: world.service.rename(SUFFIX, "dc=other"),
        "a branch": lambda world: world.service.rename(GROUPS, "ou=teams"),
        "a branch back": lambda world: world.service.rename(f"ou=teams,{SUFFIX}", "ou=groups"),
        "delete a branch": lambda world: world.service.delete(PEOPLE),
        "delete no name": lambda world: world.service.delete(f"uid,{PEOPLE}"),
        "delete outside": lambda world: world.service.delete("dc=other"),
        "delete missing": lambda world: world.service.delete(person("no")),
        "delete the root DSE": lambda world: world.service.delete(""),
        "delete as nobody": lambda world: world.nobody.delete(ada),
        "delete": lambda world: world.service.delete(ada),
        "compare true": lambda world: world.service.compare(person("bob"), "sn", "s"),
        "compare false": lambda world: world.service.compare(person("bob"), "sn", "x"),
        "compare absent": lambda world: world.service.compare(person("bob"), "mail", "x"),
        "compare unknown": lambda world: world.service.compare(person("bob"), "nope", "x"),
        "compare missing": lambda world: world.service.compare(person("no"), "sn", "x"),
        "compare invalid": lambda world: world.service.compare(person("bob"), "memberOf", "x"),
        "compare as nobody": lambda world: world.nobody.compare(person("bob"), "sn", "x"),
    }
    run(worlds, steps)
    same(worlds)
