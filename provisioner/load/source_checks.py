"""Whether people can come from a source as it says, and whether lines that a source wrote name one that there is.

A source whose group gives a role that gives that very group is refused: whoever was once in it would never get out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provisioner.contract.protocols import Declare, Lists, Provider
from provisioner.diagnostics import Severity
from provisioner.load.display import several, show
from provisioner.load.places import At
from provisioner.load.world import World, providers_of
from provisioner.model.assignment import Assignment
from provisioner.model.block import Path
from provisioner.model.identity import Identity
from provisioner.model.role import Role
from provisioner.model.source import Source

_PLACEHOLDER = "{environment}"


class Sources:
    def __init__(self, world: World, providers: Mapping[str, Provider], declares: Mapping[str, Declare]) -> None:
        self.world = world
        self.providers = providers_of(world, providers)
        self.declares = declares

    def check(self) -> None:
        """Tells all that is wrong with sources, and with what says that it came from one."""
        for source in self.world.sources.values():
            at = self.world.at("sources", source.id)
            self._target(source, at)
            for group, meant in source.groups.items():
                for index, given in enumerate(meant.roles):
                    self._role(given, at, ("groups", group, "roles", index))
                self._circle(source, group, at)
        for identity in self.world.identities.values():
            if identity.sources or any(held.source is not None for held in identity.roles):
                self._holder(identity)

    def _target(self, source: Source, at: At) -> None:
        target = self.world.targets.get(source.target)
        if target is None:
            entry = self.world.entries.get(source.target)
            if entry is not None and entry.targets:
                names = [t.name for t in entry.targets]
                self.world.problems.append(
                    at.problem(
                        "bad-source",
                        f"{show(source.target)} has instances, and people come from one directory",
                        ("target",),
                        why="two directories are two sources: each has its own people and its own limits",
                        fix=f"name one of {several(names)}",
                    )
                )
            return
        provider = self.providers.get(target.family)
        if provider is None:
            return
        if not isinstance(provider, Lists):
            why: str | None = f"a target of provider {show(provider.name)} cannot be a source of people"
        else:
            why = provider.check_source(target, source)
        if why is not None:
            path: Path = ("target",) if source.base is None else ("base",)
            self.world.problems.append(
                at.problem(
                    "bad-source",
                    f"people cannot be read from {show(source.target)} so: {why}",
                    path,
                    why="a source is a directory whose people and groups can be read over a target's connection",
                    fix="name a target of provider `ldap`, and a base within its own",
                )
            )

    def _role(self, given: Assignment, at: At, path: Path) -> None:
        role = self.world.roles.get(given.role)
        whole = isinstance(at.source.below(at.base + path), str)
        if role is None:
            if not self.world.exists("roles", given.role):
                here = path if whole else (*path, "role")
                why = "a group of a source gives roles that are declared under `roles:`"
                self.world.unknown("unknown-role", "role", given.role, at, here, ("roles",), why=why)
            return
        for index, name in enumerate(given.environments or ()):
            if name not in role.environments:
                self.world.problems.append(
                    at.problem(
                        "environment-not-of-role",
                        f"{show(role.id)} is not held in {show(name)}",
                        (*path, "environments", index),
                        why=f"its environments are {several(role.environments)}"
                        if role.environments
                        else "it has none",
                        fix=f"name one of them, or add {show(name)} to the role ({role.location})",
                    )
                )

    def _circle(self, source: Source, group: str, at: At) -> None:
        """A role of the group that puts its holders into the very group."""
        family = source.target.partition("/")[0]
        declare = self.declares.get(family)
        if declare is None:
            return
        for given in source.groups[group].roles:
            for role in self._included(given.role):
                for block in role.grants:
                    if block.target != family:
                        continue
                    names = (name for _, name, _ in declare.names(block.block))
                    real = {n.replace(_PLACEHOLDER, e) for n in names for e in (*role.environments, "")}
                    if group.casefold() in {n.casefold() for n in real}:
                        self.world.problems.append(
                            at.problem(
                                "source-circle",
                                f"{show(given.role)} gives the group {show(group)} that it is given for",
                                ("groups", group),
                                on_key=True,
                                why=f"whoever is in it would hold the role, and so stay in it ({block.location})",
                                fix="let people be in it by the directory or by the role, not by both",
                            )
                        )
                        return

    def _included(self, name: str) -> Iterator[Role]:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            found = self.world.roles.get(waiting.pop())
            if found is not None and found.id not in seen:
                seen.add(found.id)
                waiting += found.includes
                yield found

    def _holder(self, identity: Identity) -> None:
        at = self.world.of(identity)
        for index, name in enumerate(identity.sources):
            self._known(name, at, ("sources", index))
        for index, held in enumerate(identity.roles):
            if held.source is None or held.source in identity.sources:
                continue
            self.world.problems.append(
                at.problem(
                    "not-of-source",
                    f"{show(identity.id)} holds {show(held.role)} by {show(held.source)}, and is not known from there",
                    ("roles", index, "source"),
                    why="`source` marks the lines that `pull` wrote for people of that source, and may take out again",
                    fix=f"take `source:` out, so that the line is yours; or add `sources: [{held.source}]`",
                )
            )

    def _known(self, name: str, at: At, path: Path) -> None:
        """A source that is gone keeps nobody from anything: what it wrote stays, and is told."""
        if self.world.exists("sources", name) or self.world.may_be_unread(name):
            return
        self.world.problems.append(
            at.problem(
                "unknown-source",
                f"no source named {show(name)}",
                path,
                severity=Severity.WARNING,
                why="nobody leaves by a source that is not declared, and `pull` does not follow it",
                fix="declare it under `sources:`, or take it out here and at the roles that it gave",
            )
        )
