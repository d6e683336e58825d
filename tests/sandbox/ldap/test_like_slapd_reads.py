"""The embedded directory answers searches, pages and controls as the real OpenLDAP does."""

from __future__ import annotations

from typing import Any

from tests.sandbox.ldap.client import (
    ALL,
    LOCKED_FOR_EVER,
    PEOPLE,
    PERMISSIVE,
    SUFFIX,
    Client,
    assertion,
    cookie,
    page,
    person,
    post_read,
    pre_read,
)
from tests.sandbox.ldap.twins import Step, World, a_person, run

FILTERS = (
    ALL,
    "(objectClass=person)",
    "(objectClass=INETORGPERSON)",
    "(objectClass=2.5.6.6)",
    "(objectClass=nope)",
    "(uid=ADA)",
    "(userid=ada)",
    "(nope=x)",
    "(!(nope=x))",
    "(|(nope=x)(uid=bob))",
    "(&(nope=x)(uid=bob))",
    "(nope=*)",
    "(mail=*)",
    "(!(mail=*))",
    "(name=c ada)",
    "(cn=  C   Ada )",
    "(cn=C*)",
    "(cn=*  A*)",
    "(cn=c*d*a)",
    "(cn=*ada)",
    "(cn=*\\2a*)",
    "(uidNumber>=8)",
    "(uidNumber<=8)",
    "(uidNumber=07)",
    "(uidNumber=7)",
    "(cn>=c)",
    "(entryUUID=x)",
    "(manager=x)",
    "(!(manager=x))",
    f"(manager=UID=Ada,{PEOPLE})",
    f"(manager=uid=\\41da, {PEOPLE})",
    "(manager=*)",
    "(uid:caseExactMatch:=ADA)",
    "(uid:caseExactMatch:=ada)",
    "(ou:dn:=people)",
    "(:caseIgnoreMatch:=c ada)",
    "(&(objectClass=inetOrgPerson)(|(uid=ada)(uid=bob))(!(uid=bob)))",
    "(pwdAccountLockedTime=*)",
    "(pwdEndTime<=20300101000000Z)",
    "(pwdEndTime>=20300101000000Z)",
    "(hasSubordinates=TRUE)",
    f"(entryDN=uid=ada,{PEOPLE})",
    "(telephoneNumber=+49-30 123)",
    "(homeDirectory=/H)",
)


def test_searches_find_alike(worlds: tuple[World, World]) -> None:
    posix = {"uidNumber": "7", "gidNumber": "7", "homeDirectory": "/h"}
    classes = ["inetOrgPerson", "posixAccount"]
    ada = {"uid": "ada", "cn": ["C Ada", "Ä*b"], "sn": "Z", "telephoneNumber": "+49 30 1-23", **posix}
    steps: dict[str, Step] = {
        "ada": lambda world: world.service.add(person("ada"), classes, ada),
        "bob": lambda world: world.service.add_person("bob", manager=person("ada"), mail="bob@x.test"),
        "locked": lambda world: world.service.modify(
            person("bob"), ("pwdAccountLockedTime", "add", LOCKED_FOR_EVER), ("pwdEndTime", "add", "20200101000000Z")
        ),
        "base missing": lambda world: world.service.search(person("no")),
        "base outside": lambda world: world.service.search("dc=other"),
        "base no name": lambda world: world.service.search("x"),
        "the empty name, subtree": lambda world: world.service.search(""),
        "nobody": lambda world: world.nobody.search(SUFFIX),
    }
    steps |= {f"filter {each}": _found(PEOPLE, each) for each in FILTERS}
    steps |= {f"scope {each}": _found(SUFFIX, ALL, scope=each) for each in ("base", "one", "sub")}
    selections: tuple[list[str], ...] = (
        ["*"],
        ["SN", "mail", "nope"],
        ["name"],
        ["1.1"],
        ["1.1", "sn"],
        ["userPassword"],
        ["manager", "+"],
        [],
    )
    for chosen in selections:
        steps[f"attributes {chosen}"] = _names_of(person("bob"), chosen)
    steps["types only"] = lambda world: (
        world.service.search(person("bob"), ALL, ["*"], types_only=True),
        sorted(world.service.connection.response[0]["raw_attributes"]),
    )
    run(worlds, steps)


def _found(base: str, filter_: str, **more: Any) -> Step:
    def step(world: World) -> Any:
        found = sorted(world.service.search(base, filter_, **more))
        return world.service.result["result"], found

    return step


def _names_of(dn: str, chosen: list[str]) -> Step:
    def step(world: World) -> Any:
        found = world.service.search(dn, ALL, chosen, "base")
        varying = ("entryUUID", "entryCSN", "createTimestamp", "modifyTimestamp", "pwdChangedTime")
        return {name: "varies" if name in varying else sorted(value) for name, value in found[dn].items()}

    return step


def test_pages_and_limits_are_alike(worlds: tuple[World, World]) -> None:
    for world in worlds:
        for number in range(520):
            world.root.add_person(f"n{number:03}")
        world.root.modify(person("n001"), ("userPassword", "replace", "user-password"))
        world.root.modify(person("n001"), ("pwdReset", "delete", []))

    def paged(
        size: int, given: str | None = None, who: str = "service", filter_: str = "(uid=n*)", **more: Any
    ) -> Step:
        def step(world: World) -> Any:
            client: Client = getattr(world, who) if who != "user" else world.kept["user"]
            asked = None if given is None else given.encode() if given != "last" else world.kept["cookie"]
            found = client.search(PEOPLE, filter_, controls=[page(size, asked)], **more)
            controls = client.result.get("controls") or {}
            world.kept["cookie"] = cookie(client) if controls else b""
            return client.result["result"], len(found), bool(world.kept["cookie"]), bool(controls)

        return step

    def plain(who: str = "service", **more: Any) -> Step:
        def step(world: World) -> Any:
            client: Client = getattr(world, who) if who != "user" else world.kept["user"]
            found = client.search(PEOPLE, "(uid=n*)", **more)
            return client.result["result"], len(found)

        return step

    def user(world: World) -> int:
        world.kept["user"] = world.connect(person("n001"), "user-password")
        bound: int = world.kept["user"].bound
        return bound

    steps: dict[str, Step] = {
        "server's limit": plain(),
        "client's limit": plain(size_limit=100),
        "client's limit above the server's": plain(size_limit=510),
        "no limit for root": plain("root"),
        "a page above the limit": paged(510),
        "first": paged(300),
        "second, the last": paged(300, "last"),
        "anew": paged(300, ""),
        "foreign cookie": paged(300, "x"),
        "foreign cookie of the right length": paged(300, "12345678"),
        "again first": paged(300),
        "another search between": plain(size_limit=1),
        "second after that": paged(300, "last"),
        "third time first": paged(100),
        "given up": paged(0, "last"),
        "exactly a page": paged(10, filter_="(uid=n00*)"),
        "nothing": paged(10, filter_="(uid=none)"),
        "client's limit within a page": paged(300, size_limit=100),
        "client's limit over pages, first": paged(100, size_limit=150),
        "client's limit over pages, second": paged(100, "last", size_limit=150),
        "a user": user,
        "user's limit": plain("user"),
        "user's limit over pages, first": paged(300, who="user"),
        "user's limit over pages, second": paged(300, "last", who="user"),
    }
    run(worlds, steps)


def test_controls_are_alike(worlds: tuple[World, World]) -> None:
    ada = person("ada")
    stale, true = [assertion("(sn=X)")], [assertion("(sn=S)")]
    unknown, unknown_but_optional = [("1.2.3.4", True, None)], [("1.2.3.4", False, None)]

    def read(world: World, code: int) -> Any:
        controls = world.service.result.get("controls") or {}
        return code, {oid: each["value"]["result"] for oid, each in controls.items()}

    title = ("title", "replace", "T")
    shown = ("title", "sn", "uid")
    steps: dict[str, Step] = {
        "ada": lambda world: read(
            world, world.service.add(ada, "inetOrgPerson", a_person(uid="ada", sn="S"), [post_read("uid", "sn")])
        ),
        "stale": lambda world: world.service.modify(ada, title, controls=stale),
        "stale and wrong": lambda world: world.service.modify(ada, ("cn", "delete", "zz"), controls=stale),
        "undefined": lambda world: world.service.modify(ada, title, controls=[assertion("(nope=x)")]),
        "true": lambda world: world.service.modify(ada, title, controls=true),
        "stale deletion": lambda world: world.service.delete(ada, stale),
        "stale rename": lambda world: world.service.rename(ada, "uid=x", controls=stale),
        "stale compare": lambda world: world.service.compare(ada, "sn", "S", stale),
        "stale search": lambda world: (world.service.search(ada, controls=stale), world.service.result["result"]),
        "before and after": lambda world: read(
            world, world.service.modify(ada, title, ("sn", "add", "T"), controls=[pre_read(*shown), post_read(*shown)])
        ),
        "renamed": lambda world: read(
            world, world.service.rename(ada, "uid=eve", controls=[pre_read("uid"), post_read("uid", "entryDN")])
        ),
        "nothing after a deletion": lambda world: world.service.delete(person("eve"), [post_read("uid")]),
        "deleted": lambda world: read(world, world.service.delete(person("eve"), [pre_read(*shown)])),
        "unknown": lambda world: world.service.delete(person("x"), unknown),
        "unknown in a search": lambda world: (
            world.service.search(PEOPLE, controls=unknown),
            world.service.result["result"],
        ),
        "unknown but optional": lambda world: world.service.delete(person("x"), unknown_but_optional),
        "known but not here": lambda world: world.service.modify(ada, title, controls=[page(10)]),
        "permissive search": lambda world: (
            world.service.search(PEOPLE, controls=[PERMISSIVE]),
            world.service.result["result"],
        ),
        "manageDsaIT": lambda world: world.service.delete(person("x"), [("2.16.840.1.113730.3.4.2", True, None)]),
    }
    run(worlds, steps)
