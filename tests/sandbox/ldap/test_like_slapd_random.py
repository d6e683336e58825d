"""After any sequence of changes the embedded directory holds what the real OpenLDAP holds."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.sandbox.ldap.client import (
    LOCKED_FOR_EVER,
    SUFFIX,
    assertion,
    group,
    person,
)
from tests.sandbox.ldap.twins import Step, World, run, same


def _rename_to_a_free_name(world: World, who: str, to: str) -> Any:
    """Not to one that is referred to: what slapd makes of that depends on which of them came first."""
    references = f"(|(member={to})(uniqueMember={to})(manager={to}))"
    return bool(world.service.search(SUFFIX, references)) or world.service.rename(who, to.partition(",")[0])


def _random_operation(chance: random.Random) -> Step:
    """One of what the product does to a directory, on few enough things that they get in each other's way."""
    people = [person(name) for name in ("a", "b", "c", "d")]
    groups = [group(name) for name in ("g", "h", "i")]
    who, other, which = chance.choice(people), chance.choice(people), chance.choice(groups)
    some = chance.sample(people, chance.randint(1, 3))
    rdn = who.partition(",")[0].removeprefix("uid=")
    how = chance.choice(["add", "delete", "replace"])
    text = chance.choice(["x", "y", "X"])
    moves: list[Step] = [
        lambda world: world.service.add_person(rdn),
        lambda world: world.service.add_person(rdn, manager=other),
        lambda world: world.service.delete(who),
        lambda world: _rename_to_a_free_name(world, who, other),
        lambda world: world.service.rename(which, chance_rdn),
        lambda world: world.service.add(which, "groupOfNames", {"cn": which[3:4], "member": some}),
        lambda world: world.service.add(which, "groupOfUniqueNames", {"cn": which[3:4], "uniqueMember": some}),
        lambda world: world.service.delete(which),
        lambda world: world.service.modify(which, ("member", how, some)),
        lambda world: world.service.modify(which, ("member", how, some[:1])),
        lambda world: world.service.modify(which, ("uniqueMember", how, some)),
        lambda world: world.service.modify(who, ("manager", how, other)),
        lambda world: world.service.modify(who, ("description", how, text), ("title", "replace", text)),
        lambda world: world.service.modify(who, ("title", how, []), ("description", "add", text)),
        lambda world: world.service.modify(who, ("pwdAccountLockedTime", "replace", LOCKED_FOR_EVER)),
        lambda world: world.service.modify(who, ("userPassword", "replace", "password-1")),
        lambda world: world.bind(who, "password-1"),
        lambda world: world.service.modify(who, ("sn", "replace", text), controls=[assertion(f"(sn={text})")]),
        lambda world: world.service.compare(which, "member", who),
        lambda world: sorted(world.service.search(SUFFIX, f"(|(member={who})(manager={other})(uid={rdn}))")),
    ]
    chance_rdn = chance.choice(groups).partition(",")[0]
    return chance.choice(moves)


@pytest.mark.parametrize("seed", range(3))
def test_any_sequence_of_changes_ends_alike(worlds: tuple[World, World], seed: int) -> None:
    chance = random.Random(seed)
    for number in range(250):
        before = len(worlds[0].root.search(SUFFIX))
        run(worlds, {f"operation {number}": _random_operation(chance)})
        if len(worlds[0].root.search(SUFFIX)) <= before and number % 2:
            same(worlds)  # refint is done before the next change builds on it
    same(worlds)
