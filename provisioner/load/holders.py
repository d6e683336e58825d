"""Whether people and services may hold what their lines say: the role exists, the environment is named where it must
be, a reason and an end are given where the environment asks for them.

`max_duration` and `needs_reason` bind people. A service is a standing identity with owners of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.load.display import several, show
from provisioner.load.places import At
from provisioner.load.world import World
from provisioner.model.assignment import Assignment
from provisioner.model.environment import Environment
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant, format_duration
from provisioner.model.role import Role


class _Rules(NamedTuple):
    """What holding one role in some environments asks of a person: where a reason is needed, where an end."""

    reasons: tuple[Environment, ...]
    limits: tuple[tuple[Environment, timedelta], ...]


class Holders:
    """Checks every assignment. Those of one role in the same environments are alike but for their times."""

    def __init__(self, world: World, now: Instant | None = None) -> None:
        """`now` is where a grant without a start is counted from: what is short enough today will be tomorrow."""
        self.now = now or datetime.now(UTC)
        self.world = world
        self.rules: dict[tuple[str, tuple[str, ...] | None], _Rules] = {}

    def check(self) -> None:
        """Tells every assignment that may not be held."""
        told = self.world.problems
        rules = self.rules
        for identity in self.world.identities.values():
            roles = identity.roles
            for index, held in enumerate(roles):
                rule = rules.get((held.role, held.environments))
                if rule is None and (rule := self._judge(identity, index, held)) is None:
                    continue
                if held.until is not None and held.starts is not None and held.until <= held.starts:
                    told.append(_backwards(self.world.of(identity, "roles", index)))
                if (rule.reasons or rule.limits) and identity.kind is IdentityKind.PERSON:
                    told.extend(self._ruled(identity, index, held, rule))
            if len(roles) > 1 and len({held.role for held in roles}) < len(roles):
                self._twice(identity)
                if identity.kind is IdentityKind.PERSON:
                    self._on_end(identity)
            if identity.until is not None and identity.starts is not None and identity.until <= identity.starts:
                told.append(_backwards(self.world.of(identity)))

    def _judge(self, identity: Identity, index: int, held: Assignment) -> _Rules | None:
        """The rules of a role in these environments; None (and told) where it cannot be held so at all."""
        world = self.world
        role = world.roles.get(held.role)
        if role is None:
            if not world.exists("roles", held.role):
                world.unknown(
                    "unknown-role",
                    "role",
                    held.role,
                    world.of(identity, "roles", index),
                    ("role",),
                    ("roles",),
                    why="an assignment may only name a role declared under `roles:`",
                )
            return None
        at = world.of(identity, "roles", index)
        problems = list(self._places(at, held, role))
        world.problems.extend(problems)
        held_in = [
            environment
            for name in (role.environments if held.environments is None else held.environments)
            if (environment := world.environments.get(name)) is not None
            and not (held.environments is None and environment.protected)
        ]
        rule = _Rules(
            tuple(e for e in held_in if e.needs_reason),
            tuple((e, e.max_duration) for e in held_in if e.max_duration is not None and held.role not in e.standing),
        )
        if not problems:
            self.rules[held.role, held.environments] = rule
        return rule

    def _places(self, at: At, held: Assignment, role: Role) -> Iterator[Diagnostic]:
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

    def _ruled(self, identity: Identity, index: int, held: Assignment, rule: _Rules) -> Iterator[Diagnostic]:
        if rule.reasons and not held.reason:
            at = self.world.of(identity, "roles", index)
            for environment in rule.reasons:
                yield at.problem(
                    "missing-reason",
                    f"{show(held.role)} in {show(environment.id)} is held without a reason",
                    ("role",),
                    why=f"{show(environment.id)} asks for one ({environment.location})",
                    fix='add `reason: "CHG-1042"`, or what it is for',
                )
        if rule.limits:
            start, end = self._span(identity, held)
            for environment, longest in rule.limits:
                if end is None or end - start > longest:
                    at = self.world.of(identity, "roles", index)
                    yield from self._duration(start, end, at, held, environment, longest)

    def _span(self, identity: Identity, held: Assignment) -> tuple[Instant, Instant | None]:
        """From when until when, as far as it is known today."""
        start = held.starts or identity.starts or self.now
        return start, _least(held.until if held.length is None else start + held.length, identity.until)

    def _on_end(self, identity: Identity) -> None:
        """Lines of one role, each short enough, that follow each other without a gap are held at a time. What
        is past does not count: so it can be renewed. Of one that begins with its merge the files do not say when that
        was: it refuses nothing here, or files that were in order would stop being so by time alone."""
        lines: dict[tuple[str, str], list[tuple[Instant, Instant, int, Environment, timedelta]]] = {}
        for index, held in enumerate(identity.roles):
            rule = self.rules.get((held.role, held.environments))
            start, end = self._span(identity, held)
            for environment, longest in rule.limits if rule is not None and end is not None else ():
                if end is not None and self.now < end <= start + longest:
                    found = lines.setdefault((held.role, environment.id), [])
                    found.append((max(start, self.now), end, index, environment, longest))
        for (role, _), found in lines.items():
            fixed = [line for line in found if identity.roles[line[2]].length is None]
            if not self._too_long(identity, role, fixed, Severity.ERROR):
                self._too_long(identity, role, found, Severity.WARNING)

    def _too_long(
        self,
        identity: Identity,
        role: str,
        lines: list[tuple[Instant, Instant, int, Environment, timedelta]],
        severity: Severity,
    ) -> bool:
        since: Instant | None = None
        last = self.now
        for start, end, index, environment, longest in sorted(lines, key=lambda line: line[:3]):
            since, last = (since, max(last, end)) if since is not None and start <= last else (start, end)
            if last - since > longest:
                self.world.problems.append(
                    self.world.of(identity, "roles", index).problem(
                        "too-long",
                        f"{show(role)} in {show(environment.id)} is held for {_about(last - since)} on end",
                        ("until" if identity.roles[index].length is None else "for",),
                        severity=severity,
                        why=f"{_limit(environment, longest)}, and this line goes on where another ends",
                        fix="end it earlier; it can be renewed by another change",
                    )
                )
                return True
        return False

    def _duration(
        self,
        start: Instant,
        end: Instant | None,
        at: At,
        held: Assignment,
        environment: Environment,
        longest: timedelta,
    ) -> Iterator[Diagnostic]:
        limit = _limit(environment, longest)
        if end is None:
            yield at.problem(
                "missing-end",
                f"{show(held.role)} in {show(environment.id)} is held without an end",
                ("role",),
                why=limit,
                fix=f"add `until:`, or name the role under `standing` of {show(environment.id)}",
            )
        else:
            yield at.problem(
                "too-long",
                f"{show(held.role)} in {show(environment.id)} is held for {_about(end - start)}",
                ("until" if held.length is None else "for",),
                why=limit if held.starts or held.length else f"{limit}, counted from now where there is no `from`",
                fix="end it earlier; it can be renewed by another change",
            )

    def _twice(self, identity: Identity) -> None:
        seen: set[tuple[object, ...]] = set()
        for index, held in enumerate(identity.roles):
            times = (held.starts, held.until, held.length, held.length and held.reason)
            key = (held.role, held.environments, *times, held.source)
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


def _limit(environment: Environment, longest: timedelta) -> str:
    return f"{show(environment.id)} allows at most {format_duration(longest)} at a time ({environment.location})"


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


def _about(length: timedelta) -> str:
    """A length in whole days, where it has any."""
    return format_duration(timedelta(days=length.days) if length.days else length)
