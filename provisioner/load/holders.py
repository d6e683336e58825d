"""Whether people and services may hold what their lines say: the role exists, the environment is named where it must
be, a reason and an end are given where the environment asks for them.

`max_duration` and `needs_reason` bind people. A service is a standing identity with owners of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.load.display import several, show
from provisioner.load.places import At
from provisioner.load.world import World
from provisioner.model.assignment import Assignment
from provisioner.model.environment import Environment
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant, format_duration
from provisioner.model.role import Role


class Holders:
    """Checks every assignment. Plain ones of one role are alike, so a role is judged once for all of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fine: dict[IdentityKind, set[str]] = {kind: set() for kind in IdentityKind}

    def check(self) -> None:
        for identity in self.world.identities.values():
            fine = self.fine[identity.kind]
            plain_end = identity.until is None and identity.starts is None
            for index, held in enumerate(identity.roles):
                simple = held.environments is None and held.until is None and held.starts is None
                if simple and held.role in fine:
                    continue
                found = list(self._assignment(identity, index, held))
                self.world.problems.extend(found)
                if simple and plain_end and not found and held.reason is None and held.role in self.world.roles:
                    fine.add(held.role)
            if len(identity.roles) > 1:
                self._twice(identity)
            if identity.until is not None and identity.starts is not None and identity.until <= identity.starts:
                self.world.problems.append(_backwards(self.world.of(identity)))

    def _assignment(self, identity: Identity, index: int, held: Assignment) -> Iterator[Diagnostic]:
        world = self.world
        at = world.of(identity, "roles", index)
        role = world.roles.get(held.role)
        if held.until is not None and held.starts is not None and held.until <= held.starts:
            yield _backwards(at)
        if role is None:
            if not world.exists("roles", held.role):
                world.unknown(
                    "unknown-role",
                    "role",
                    held.role,
                    at,
                    ("role",),
                    ("roles",),
                    why="an assignment may only name a role declared under `roles:`",
                )
            return
        reach = role.environments
        if held.environments is not None:
            yield from self._named(at, held, role, reach)
        elif reach and (protected := self._all_protected(reach)):
            yield at.problem(
                "protected-not-named",
                f"{show(role.id)} gives nothing here: all its environments are protected",
                ("role",),
                why=f"a protected environment is always named where a role is held: {several(protected)}",
                fix=f"write {{role: {role.id}, environments: [{protected[0]}]}}",
            )
        if identity.kind is IdentityKind.PERSON:
            yield from self._rules(identity, at, held, reach)

    def _named(self, at: At, held: Assignment, role: Role, reach: tuple[str, ...]) -> Iterator[Diagnostic]:
        if not held.environments:
            yield at.problem(
                "empty-value",
                f"{show(role.id)} is held in no environment",
                ("environments",),
                why="without the key it is for all environments of the role that are not protected; `[]` is for none",
                fix="name the environments, or take the key out",
            )
        for index, name in enumerate(held.environments or ()):
            if name in reach:
                continue
            if not self.world.exists("environments", name):
                self.world.unknown(
                    "unknown-environment",
                    "environment",
                    name,
                    at,
                    ("environments", index),
                    ("environments",),
                    why="an assignment may only name an environment declared under `environments:`",
                )
                continue
            yield at.problem(
                "environment-not-of-role",
                f"{show(role.id)} is not held in {show(name)}",
                ("environments", index),
                why=f"the environments of this role are {several(reach)}" if reach else "this role has no environments",
                fix=f"name one of them, or add {show(name)} to the role ({role.location})",
            )

    def _all_protected(self, reach: tuple[str, ...]) -> tuple[str, ...]:
        known = [self.world.environments.get(name) for name in reach]
        return reach if all(e is not None and e.protected for e in known) else ()

    def _held_in(self, held: Assignment, reach: tuple[str, ...]) -> Iterable[Environment]:
        for name in reach if held.environments is None else held.environments:
            environment = self.world.environments.get(name)
            if environment is not None and not (held.environments is None and environment.protected):
                yield environment

    def _rules(self, identity: Identity, at: At, held: Assignment, reach: tuple[str, ...]) -> Iterator[Diagnostic]:
        for environment in self._held_in(held, reach):
            if environment.needs_reason and not held.reason:
                yield at.problem(
                    "missing-reason",
                    f"{show(held.role)} in {show(environment.id)} is held without a reason",
                    ("role",),
                    why=f"{show(environment.id)} asks for one ({environment.location})",
                    fix='add `reason: "CHG-1042"`, or what it is for',
                )
            if environment.max_duration is not None and held.role not in environment.standing:
                yield from self._duration(identity, at, held, environment, environment.max_duration)

    def _duration(
        self, identity: Identity, at: At, held: Assignment, environment: Environment, longest: timedelta
    ) -> Iterator[Diagnostic]:
        end = _least(held.until, identity.until)
        start = held.starts or identity.starts
        limit = f"{show(environment.id)} allows at most {format_duration(longest)} at a time ({environment.location})"
        if end is None:
            yield at.problem(
                "missing-end",
                f"{show(held.role)} in {show(environment.id)} is held without an end",
                ("role",),
                why=limit,
                fix=f"add `from:` and `until:`, or name the role under `standing` of {show(environment.id)}",
            )
        elif start is None:
            yield at.problem(
                "missing-start",
                f"{show(held.role)} in {show(environment.id)} has an end but no start",
                ("until",),
                on_key=True,
                why=f"{limit}, which is counted from `from:`",
                fix="add `from:`",
            )
        elif end - start > longest:
            yield at.problem(
                "too-long",
                f"{show(held.role)} in {show(environment.id)} is held for {format_duration(end - start)}",
                ("until",),
                why=limit,
                fix="end it earlier; it can be renewed by another change",
            )

    def _twice(self, identity: Identity) -> None:
        seen: set[tuple[object, ...]] = set()
        for index, held in enumerate(identity.roles):
            key = (held.role, held.environments, held.starts, held.until)
            if key in seen:
                self.world.problems.append(
                    self.world.of(identity, "roles").problem(
                        "listed-twice",
                        f"{show(held.role)} is listed twice",
                        (index,),
                        severity=Severity.WARNING,
                        why="it is held once",
                        fix="take one of the two out",
                    )
                )
            seen.add(key)


def _least(one: Instant | None, other: Instant | None) -> Instant | None:
    return min(one, other) if one is not None and other is not None else one or other


def _backwards(at: At) -> Diagnostic:
    return at.problem(
        "end-before-start",
        "`until` is not after `from`",
        ("until",),
        why="access that ends before it begins is never given",
        fix="correct one of the two times",
    )
