"""All files put together: what exists where, for the checks that look across files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from provisioner.contract.protocols import Provider
from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.load.display import show
from provisioner.load.entries import FileEntries
from provisioner.load.places import At, Source
from provisioner.load.rules import rules_of
from provisioner.load.schema import CI_SYSTEMS
from provisioner.load.suggest import did_you_mean
from provisioner.load.targets import TargetEntry
from provisioner.model.access import DeclaredAccess, Records
from provisioner.model.block import Block, Path
from provisioner.model.environment import Environment
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.role import Role
from provisioner.model.rules import Rules
from provisioner.model.source import Source as DirectorySource
from provisioner.model.target import EMPTY, Target

ROLE_PREFIX = "role:"
_SUGGESTED = 200
"""After so many problems nobody reads suggestions, and each costs a look at every name."""
_PRESENT = ("people", "services")
_SECTION_OF_KIND = {IdentityKind.PERSON: "people", IdentityKind.SERVICE: "services"}


class World:
    """Everything declared, by id. `homes[section][id]` is the file that declares it, also where the entry is wrong."""

    def __init__(self, files: Iterable[FileEntries], unread: Iterable[str] = ()) -> None:
        self.files = list(files)
        self.identities: dict[str, Identity] = {}
        self.roles: dict[str, Role] = {}
        self.environments: dict[str, Environment] = {}
        self.entries: dict[str, TargetEntry] = {}
        self.targets: dict[str, Target] = {}
        self.homes: dict[str, dict[str, Source]] = {}
        self.models: dict[str, Any] = {}
        self.guardrails: tuple[Source, Any] | None = None
        self.records: Records | None = None
        self.sources: dict[str, DirectorySource] = {}
        self.carried: dict[str, dict[str, Any]] = {}
        self.problems: list[Diagnostic] = []
        self._unread = "\n".join([*(f.source.text for f in self.files if f.unread), *(f"{path}:" for path in unread)])
        for file in self.files:
            self._add(file)

    def at(self, section: str, name: str, *more: str | int) -> At:
        return At(self.homes[section][name], (section, name, *more))

    def of(self, identity: Identity, *more: str | int) -> At:
        return self.at(_SECTION_OF_KIND[identity.kind], identity.id, *more)

    def place(self, section: str, name: str) -> Location | None:
        source = self.homes.get(section, {}).get(name)
        return source.place((section, name), False) if source is not None else None

    def exists(self, section: str, name: str) -> bool:
        return name in self.homes.get(section, ())

    def target_known(self, name: str) -> bool:
        """Whether `name` is a target, or an instance of one."""
        if name in self.targets or self.exists("targets", name):
            return True
        family = self.entries.get(name.partition("/")[0])
        return family is not None and not family.targets  # it is wrong itself, and that is told

    def ci_known(self, name: str) -> bool:
        """Whether `name` is a CI system that some pipeline is run by, and under which accounts may stand."""
        return name in CI_SYSTEMS and any(name in said for said in self.carried.get("pipelines", {}).values())

    def may_be_unread(self, name: str) -> bool:
        """Whether a file that could not be read seems to declare `name`: then its absence is not told as well."""
        if not self._unread:
            return False
        word = re.escape(name)
        return re.search(rf"(?m)(?:^|[\s{{,/\"']){word}(?:\.yaml)?[\"']?\s*:", self._unread) is not None

    def unknown(
        self,
        code: str,
        what: str,
        name: str,
        at: At,
        path: Path,
        sections: tuple[str, ...],
        *,
        why: str,
        departed: Collection[str] = (),
        on_key: bool = False,
        fix: str = "",
    ) -> None:
        """Tells that `name` is declared in none of `sections`; only as a warning where it is somebody who has left."""
        if self.may_be_unread(name):
            return
        if name in departed and not any(self.exists(section, name) for section in _PRESENT):
            self.problems.append(
                at.problem(
                    "departed",
                    f"{show(name)} is no longer declared",
                    path,
                    on_key=on_key,
                    severity=Severity.WARNING,
                    why="references to somebody who has left never block; what was theirs falls to the others named",
                    fix="name somebody else",
                )
            )
            return
        near = ""
        if len(self.problems) < _SUGGESTED:
            homes = {n: section for section in reversed(sections) for n in self.homes.get(section, ())}
            near = did_you_mean(name, homes, lambda n: self.place(homes[n], n))
        self.problems.append(
            at.problem(
                code,
                f"no {what} named {show(name)}",
                path,
                on_key=on_key,
                why=why,
                fix=near or fix or f"declare it under `{sections[0]}:`, or correct the name",
            )
        )

    def declared(self, tree: str) -> DeclaredAccess:
        """The values that the other rooms use."""
        return DeclaredAccess(
            self.identities,
            self.roles,
            self.environments,
            self.targets,
            self.records or Records(),
            self._block("stores"),
            self._block("pipelines"),
            self.sources,
            tree,
            rules_of(*self.guardrails) if self.guardrails else Rules(),
        )

    def _block(self, section: str) -> Block:
        homes = self.homes.get(section, {})

        def locate(path: Path) -> Location:
            source = homes.get(str(path[0])) if path else next(iter(homes.values()), None)
            return source.place((section, *path), False) if source is not None else Location("-")

        data = self.carried.get(section)
        return Block(data, locate) if data else EMPTY

    def _add(self, file: FileEntries) -> None:
        if file.only_people and len(file.named) == 1:
            name = file.named[0][1]
            people = self.homes.setdefault("people", {})
            if name not in people and name not in self.homes.get("services", ()):
                people[name] = file.source
                self.identities.update(file.identities)
                return
        for section, name in file.named:
            if self._is_new(section, name, file.source):
                self._take(section, name, file)

    def _is_new(self, section: str, name: str, source: Source) -> bool:
        home = self.homes.get(section)
        if home is None:
            home = self.homes[section] = {}
        other = {"people": "services", "services": "people"}.get(section)
        first = home.get(name)
        first_section = section
        if first is None and other is not None and other in self.homes:
            first, first_section = self.homes[other].get(name), other
        if first is None:
            home[name] = source
            return True
        path: Path = (section, name) if name else (section,)
        before = first.place((first_section, name) if name else (first_section,), False)
        at = At(source)
        what = show(name) if name else f"`{section}`"
        self.problems.append(
            at.problem(
                "duplicate-definition",
                f"{what} is declared twice, first at {before}",
                path,
                on_key=True,
                why="`guardrails` and `records` stand once in the whole tree"
                if not name
                else "people and services share one set of ids"
                if section != first_section
                else "an id is declared once in the whole tree; which of the two is meant?",
                fix="put the two together" if section == first_section else "give one of them another id",
            )
        )
        return False

    def _take(self, section: str, name: str, file: FileEntries) -> None:
        if section in ("people", "services"):
            if (identity := file.identities.get(name)) is not None:
                self.identities[name] = identity
                if name in file.models:
                    self.models[name] = file.models[name]
        elif section == "roles":
            if name in file.roles:
                self.roles[name] = file.roles[name]
        elif section == "environments":
            if name in file.environments:
                self.environments[name] = file.environments[name]
        elif section == "targets":
            entry = file.targets[name]
            self.entries[name] = entry
            for target in entry.targets:
                self.targets[target.name] = target
        elif section == "guardrails":
            if "guardrails" in file.models:
                self.guardrails = (file.source, file.models["guardrails"])
        elif section == "records":
            self.records = file.records
        elif section == "sources":
            if name in file.sources:
                self.sources[name] = file.sources[name]
        elif name in file.carried.get(section, ()):
            self.carried.setdefault(section, {})[name] = file.carried[section][name]


def providers_of(world: World, providers: Mapping[str, Provider]) -> dict[str, Provider]:
    """The provider of each target family that has one."""
    return {name: providers[e.provider] for name, e in world.entries.items() if e.provider in providers}
