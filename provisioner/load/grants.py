"""What roles give on each target: the target exists, its provider takes the block, and nothing labelled with an
environment is given by a role that is not held in that environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.contract.protocols import Declare, Provider
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.load.checked import checked
from provisioner.load.display import several, show
from provisioner.load.places import At
from provisioner.load.targets import TargetEntry
from provisioner.load.world import World, providers_of
from provisioner.model.role import GrantBlock, Role
from provisioner.model.target import Target

_PLACEHOLDER = "{environment}"


class Grants:
    def __init__(self, world: World, providers: Mapping[str, Provider], declares: Mapping[str, Declare]) -> None:
        self.world = world
        self.providers = providers_of(world, providers)
        self.declares = declares

    def check(self) -> None:
        for role in self.world.roles.values():
            for grant in role.grants:
                self.world.problems.extend(self._grant(role, grant))

    def _grant(self, role: Role, grant: GrantBlock) -> Iterator[Diagnostic]:
        world = self.world
        at = world.at("roles", role.id, "grants", grant.target)
        entry = world.entries.get(grant.target)
        if entry is None:
            if world.exists("targets", grant.target):
                return
            family = grant.target.partition("/")[0]
            world.unknown(
                "unknown-target",
                "target",
                grant.target,
                world.at("roles", role.id, "grants"),
                (grant.target,),
                ("targets",),
                on_key=True,
                why="a role's grants are by target",
                fix=f"write {show(family)}, and pick the instance by `where:`"
                if world.exists("targets", family)
                else "",
            )
            return
        instances = [t for t in entry.targets if _matches(t, grant.where)]
        if not instances and grant.where:
            yield at.problem(
                "where-matches-nothing",
                f"no instance of {show(grant.target)} has these labels",
                ("where",),
                on_key=True,
                severity=Severity.WARNING,
                why="the role gives nothing there",
                fix="compare the labels with those of the target",
            )
        yield from self._target_environment(role, grant, entry, instances, at)
        provider = self.providers.get(grant.target)
        if provider is None:
            return
        problems: list[Diagnostic] = []
        checked(
            at,
            provider.grants,
            f"a grant on {show(grant.target)}",
            problems,
            lambda: {k: v for k, v in (at.source.below(at.base) or {}).items() if k != "where"},
        )
        yield from problems
        yield from _listed_twice(at, grant.block.data)
        if not problems and (declare := self.declares.get(grant.target)) is not None:
            found = list(declare.check_grants(grant.block))
            yield from found
            if not any(d.is_error for d in found):
                yield from self._object_environments(role, grant, instances, declare, at)

    def _target_environment(
        self, role: Role, grant: GrantBlock, entry: TargetEntry, instances: list[Target], at: At
    ) -> Iterator[Diagnostic]:
        """A labelled target that the role cannot reach in any environment of its own."""
        labels = [t.environment for t in instances]
        if not labels or any(label is None or label in role.environments for label in labels):
            return
        names = list(dict.fromkeys(label for label in labels if label is not None))
        if any(self.world.may_be_unread(name) for name in names):
            return
        what = (
            f"every instance of {show(grant.target)} that it could mean" if entry.has_instances else show(grant.target)
        )
        yield _outside(role, what, names, at, (), instances[0])

    def _object_environments(
        self, role: Role, grant: GrantBlock, instances: list[Target], declare: Declare, at: At
    ) -> Iterator[Diagnostic]:
        told: set[tuple[str, str]] = set()
        for section, name, path in declare.names(grant.block):
            if _PLACEHOLDER in name and not role.environments:
                yield at.problem(
                    "no-environments",
                    f"{show(name)} needs an environment, and {show(role.id)} has none",
                    path,
                    why="`{environment}` stands for each environment that the role is held in",
                    fix="add `environments:` to the role, or write the name out",
                )
                continue
            for real in [name.replace(_PLACEHOLDER, e) for e in role.environments] if _PLACEHOLDER in name else [name]:
                for target in instances:
                    label = target.object_environments.get((section, real))
                    if label is None or label in role.environments or (section, real) in told:
                        continue
                    told.add((section, real))
                    yield _outside(role, show(real), [label], at, path, target)


def _outside(
    role: Role, what: str, labels: list[str], at: At, path: tuple[str | int, ...], target: Target
) -> Diagnostic:
    held = f"its environments are {several(role.environments)}" if role.environments else "it has no environments"
    return at.problem(
        "outside-environment",
        f"{show(role.id)} gives {what}, which belongs to {several(labels)}",
        path,
        on_key=not path,
        why=f"what is labelled with an environment is given only by roles held in it ({target.location}); {held}",
        fix=f"add {show(labels[0])} to the role's `environments`, or give something else",
    )


def _matches(target: Target, where: Mapping[str, str]) -> bool:
    return all(target.labels.get(key) == value for key, value in where.items())


def _listed_twice(at: At, data: Any, path: tuple[str | int, ...] = ()) -> Iterator[Diagnostic]:
    """Names that a list holds more than once, at any depth."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _listed_twice(at, value, (*path, key))
    elif isinstance(data, list):
        seen: set[str] = set()
        for index, value in enumerate(data):
            if not isinstance(value, str):
                continue
            if value in seen:
                yield at.problem(
                    "listed-twice",
                    f"{show(value)} is listed twice",
                    (*path, index),
                    severity=Severity.WARNING,
                    why="it counts once",
                    fix="take one of the two out",
                )
            seen.add(value)
