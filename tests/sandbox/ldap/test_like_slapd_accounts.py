"""The embedded directory lets in and keeps out whom the real OpenLDAP does."""

from __future__ import annotations

from typing import Any

from tests.sandbox.ldap.client import (
    LOCKED_FOR_EVER,
    PEOPLE,
    ROOT,
    SERVICE,
    SUFFIX,
    person,
)
from tests.sandbox.ldap.twins import Step, World, run, same


def test_locks_and_passwords_are_alike(worlds: tuple[World, World]) -> None:
    ada, bob = person("ada"), person("bob")
    lock = ("pwdAccountLockedTime", "replace", LOCKED_FOR_EVER)

    def password(new: str) -> tuple[str, str, Any]:
        return ("userPassword", "replace", new)

    def by_exop(who: str, dn: str | None, old: str | None, new: str) -> Step:
        return lambda world: (getattr(world, who).set_password(dn, old, new), getattr(world, who).result["result"])

    def modify(*changes: tuple[str, str, Any], who: str = "service") -> Step:
        return lambda world: getattr(world, who).modify(ada, *changes)

    def bind(given: str, dn: str = ada) -> Step:
        return lambda world: world.bind(dn, given)

    def restricted(world: World) -> Any:
        user = world.connect(ada, "password-10")
        tried = (
            user.bound,
            user.search(PEOPLE),
            user.result["result"],
            user.compare(ada, "sn", "S"),
            user.modify(ada, ("sn", "replace", "x")),
            user.delete(ada),
            user.add_person("x"),
            user.who_am_i(),
            user.modify(ada, password("password-11")),
        )
        return *tried, user.uids("(uid=ada)"), user.values(ada, "userPassword") != []

    steps: dict[str, Step] = {
        "ada": lambda world: world.service.add_person("ada", userPassword="password-1"),
        "bob": lambda world: world.service.add_person("bob"),
        "bind": bind("password-1"),
        "wrong password": bind("password-x"),
        "nobody of that name": bind("password-1", person("no")),
        "outside": bind("password-1", "dc=other"),
        "without a password": bind("password-1", bob),
        "bad name": bind("password-1", "nope"),
        "wrong root password": bind("x", ROOT),
        "lock": modify(lock),
        "locked": bind("password-1"),
        "unlock": modify(("pwdAccountLockedTime", "delete", [])),
        "unlocked": bind("password-1"),
        "password and lock at once": modify(password("password-2"), lock),
        "locked by that": bind("password-2"),
        "2.5: password and lock on a locked one": modify(password("password-3"), lock),
        "2.5: which unlocks it": bind("password-3"),
        "lock again": modify(lock),
        "taking the password away": modify(("userPassword", "delete", [])),
        "leaves the lock": lambda world: world.service.values(ada, "pwdAccountLockedTime"),
        "a new password by operation": by_exop("service", ada, None, "password-4"),
        "ends the lock": bind("password-4"),
        "end in the past": modify(("pwdEndTime", "replace", "20200101000000Z")),
        "ended": bind("password-4"),
        "a new password does not help": modify(password("password-5")),
        "still ended": bind("password-5"),
        "end in the future": modify(("pwdEndTime", "replace", "20990101000000Z")),
        "not yet ended": bind("password-5"),
        "start in the future": modify(("pwdStartTime", "replace", "20990101000000Z")),
        "not yet begun": bind("password-5"),
        "no start": modify(("pwdStartTime", "delete", [])),
        "five failures": lambda world: [world.bind(ada, "wrong-password") for _ in range(5)],
        "lock it": bind("password-5"),
        "unlock that": modify(("pwdAccountLockedTime", "delete", [])),
        "in again": bind("password-5"),
        "too short": modify(password("short")),
        "two": modify(("userPassword", "replace", ["password-6", "password-7"])),
        "too short by operation": by_exop("service", ada, None, "short"),
        "wrong old password": by_exop("service", ada, "nope", "password-8"),
        "of nobody": by_exop("service", person("no"), None, "password-8"),
        "by nobody": by_exop("nobody", ada, None, "password-8"),
        "hashed already": modify(password("{SSHA}R9DoJFD460OTLOmlBEnBzL8Rq6ilk5IN")),
        "hash of the other server": bind("User-pw-1"),
        "short by root": by_exop("root", ada, None, "short"),
        "reset by root": modify(password("password-10"), who="root"),
        "must be changed": restricted,
        "who": lambda world: (world.root.who_am_i(), world.service.who_am_i(), world.nobody.who_am_i()),
        "others' passwords": lambda world: world.connect(ada, "password-11").modify(bob, password("password-12")),
        "others' passwords unread": lambda world: world.connect(ada, "password-11").values(SERVICE, "userPassword"),
        "no policy": lambda world: world.root.modify(
            f"cn=default,ou=policies,{SUFFIX}", ("pwdLockout", "replace", "FALSE")
        ),
        "lock without lockout": modify(lock),
        "does not bite": bind("password-11"),
    }
    run(worlds, steps)
    same(worlds)
