"""One CircleCI organization on the embedded server, and files about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from provisioner.apply import Applied
from provisioner.contract import Connection, Provider, Reader
from provisioner.diagnostics import Location
from provisioner.engine import Known, Planned, Situation, make_plan
from provisioner.model.access import DeclaredAccess, Records
from provisioner.model.environment import Environment
from provisioner.model.rules import Acknowledgement, Rules
from provisioner.model.target import Mode, Target
from provisioner.providers.circleci import CircleCi
from provisioner.sandbox.circleci import CircleCiServer
from tests.builders import NOW
from tests.runs import run
from tests.worlds import OWNER, block

TARGET = "ci"


@dataclass
class Circle:
    """`gh/acme` with an administrator, whose tokens we use, a member `ada`, two groups and a project."""

    server: CircleCiServer
    contexts: Mapping[str, Any] = field(default_factory=dict)
    projects: Mapping[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    opened: list[Reader] = field(default_factory=list)
    labels: dict[tuple[str, str], str] = field(default_factory=dict)
    acknowledged: tuple[Acknowledgement, ...] = ()

    def __post_init__(self) -> None:
        state = self.server.state
        self.server.manners.github_groups = True  # no document speaks of it; one test does without
        self.boss, self.ada = state.create_person("boss"), state.create_person("ada")
        self.org = state.create_org("acme", self.boss)
        self.org.members[self.ada.id] = "contributor"
        self.leads = state.create_group(self.org, "leads")
        self.managers = state.create_group(self.org, "delivery-managers", [self.ada])
        self.site = state.create_project(self.org, "site")
        self.settings = {
            "organization": "gh/acme",
            "api_url": {"env": "CIRCLECI_API_URL"},
            "token": {"plan": {"env": "CIRCLE_READ"}, "apply": {"env": "CIRCLE_WRITE"}},
        }
        self.environ = {
            **self.server.exports(),
            "CIRCLE_READ": self.server.token(self.boss),
            "CIRCLE_WRITE": self.server.token(self.boss),
        }
        self.provider: Provider = CircleCi()

    def move_elsewhere(self) -> None:
        """To an organization without groups for contexts, of the type `circleci`, with projects `site` and `docs`."""
        state = self.server.state
        self.org = state.create_org("acme", self.boss, "circleci")
        self.site, docs = (state.create_project(self.org, name) for name in ("site", "docs"))
        self.settings["organization"] = self.org.slug
        self.settings["project_ids"] = {"site": self.site.id, "docs": docs.id}

    def restrictions(self, context: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = self.server.truth(self.org)["contexts"][context]["restrictions"]
        return found

    def target(self) -> Target:
        objects = {"contexts": self.contexts, "projects": self.projects}
        return Target(
            TARGET,
            TARGET,
            "circleci",
            Mode.ADD,
            settings=block(self.settings, "access/targets.yaml"),
            objects=block(objects, "access/targets.yaml"),
            object_environments=self.labels,
            location=Location("access/targets.yaml", 2, 3),
        )

    def connection(self) -> Connection:
        target = self.target()
        return Connection(target, self.provider, self.provider.declare(target), self.environ, OWNER)

    def let(self, *contexts: str, until: timedelta = timedelta(days=10)) -> None:
        """A reviewed entry lets these stand open."""
        addresses = tuple(f"{TARGET}:control/{name}" for name in contexts)
        self.acknowledged = (Acknowledgement("a demo for customers", NOW + until, addresses=addresses),)

    def reader(self) -> Reader:
        """One that is closed when the test is over."""
        self.opened.append(self.connection().reader())
        return self.opened[-1]

    def close(self) -> None:
        for reader in self.opened:
            reader.close()

    def situation(self) -> Situation:
        environments = {"production": Environment("production", True), "test": Environment("test")}
        rules = Rules(acknowledgements=self.acknowledged)
        declared = DeclaredAccess({}, {}, environments, {TARGET: self.target()}, Records(OWNER), tree="t1", rules=rules)
        return Situation(declared, {TARGET: self.connection()}, NOW, (), {TARGET: Known()})

    def plan(self) -> Planned:
        return make_plan(self.situation())

    def apply(self, folder: Path) -> tuple[Planned, Applied]:
        return run(self.situation(), folder)
