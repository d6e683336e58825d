"""The embedded directory reads and spells names as the real OpenLDAP does."""

from __future__ import annotations

from typing import Any

from tests.sandbox.ldap.client import (
    HOSTILE_NAMES,
    PEOPLE,
    escaped,
    group,
)
from tests.sandbox.ldap.twins import Step, World, run


def test_names_are_spelled_alike(worlds: tuple[World, World]) -> None:
    for name in HOSTILE_NAMES:
        run(worlds, _life_of(name))


def _life_of(name: str) -> dict[str, Step]:
    rdn = f"cn={escaped(name)}"
    dn = f"{rdn},{PEOPLE}"
    nameless = "(&(objectClass=person)(!(uid=*)))"
    steps: dict[str, Step] = {
        "add": lambda world: world.service.add(dn, "person", {"cn": name, "sn": name}),
        "found": lambda world: world.service.search(PEOPLE, nameless, ["cn", "sn", "entryDN"]),
        "group": lambda world: world.service.add_group("g", dn),
        "members": lambda world: world.service.values(group("g"), "member"),
        "no group": lambda world: world.service.delete(group("g")),
        "rename": lambda world: world.service.rename(dn, "cn=plain"),
        "and back": lambda world: world.service.rename(f"cn=plain,{PEOPLE}", rdn),
        "delete": lambda world: world.service.delete(dn),
    }
    return {f"{step} {name!r}": what for step, what in steps.items()}


SPELLINGS = (
    "cn=a\\,b",
    "cn=a\\2Cb",
    "cn=a\\2cb",
    "CN = a ",
    "cn=\\C3\\BC",
    "cn=u\u0308",
    "cn=\\ x\\ ",
    "cn=\\20x\\20",
    "cn=\\#x",
    "cn=C# x",
    "cn=a=b",
    'cn="a,b"',
    "2.5.4.3=x",
    "commonName=x",
    "cn=x+sn=y",
    "sn=y+cn=x",
    "cn=a;b",
    "cn=a\\",
    "cn=a\\zz",
    "cn=a\\C3",
    "cn=",
    "cn",
    "=x",
    "cn=<x>",
    'cn=a"b',
    "cn=x+",
    "cn=x,,sn=y",
    "cn=x+cn=y",
)


def test_spellings_of_names_are_read_alike(worlds: tuple[World, World]) -> None:
    for spelling in SPELLINGS:
        run(worlds, {f"add {spelling}": _add_spelled(spelling), f"found {spelling}": _delete_found})


def _add_spelled(spelling: str) -> Step:
    from ldap3.core.exceptions import LDAPInvalidDnError

    def step(world: World) -> Any:
        try:
            return world.service.add(f"{spelling},{PEOPLE}", "person", {"sn": "y"})
        except LDAPInvalidDnError:
            return "ldap3 does not send it"

    return step


def _delete_found(world: World) -> Any:
    found = world.service.search(PEOPLE, "(&(objectClass=person)(!(uid=*)))", ["cn", "sn"])
    return found, [world.service.delete(each) for each in found]
