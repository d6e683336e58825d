"""Names across files: what one entry names, another declares.

Owners, includes, environments, targets and stores; who holds what is in `holders`, what roles give in `grants`, who is
who on a target in `accounts`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from provisioner.contract.protocols import Declare, Provider
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.load.accounts import Accounts
from provisioner.load.grants import Grants
from provisioner.load.guardrail_names import GuardrailNames
from provisioner.load.holders import Holders
from provisioner.load.keyless import Keyless
from provisioner.load.named import Named
from provisioner.load.schema import CI_SYSTEMS, ServiceModel
from provisioner.load.source_checks import Sources
from provisioner.load.world import World, providers_of
from provisioner.model.block import Path
from provisioner.model.identity import IdentityKind


def check(world: World, providers: Mapping[str, Provider], departed: Collection[str] = ()) -> None:
    """All checks across files; what they find is added to the world's problems."""
    declares = _declares(world, providers)
    _References(world, providers, departed).check()
    Holders(world).check()
    Accounts(world, providers, declares).check()
    Grants(world, providers, declares).check()
    Keyless(world, declares).check()
    Sources(world, providers, declares).check()


def _declares(world: World, providers: Mapping[str, Provider]) -> dict[str, Declare]:
    """The pure side of each target family, by one of its instances; every sound target's own checks are told."""
    out: dict[str, Declare] = {}
    of = providers_of(world, providers)
    for target in world.targets.values():
        entry = world.entries[target.family]
        provider = of.get(target.family)
        if provider is None or target.name not in entry.sound:
            continue
        declare = provider.declare(target)
        world.problems.extend(declare.check())
        out.setdefault(target.family, declare)
    return out


class _References:
    def __init__(self, world: World, providers: Mapping[str, Provider], departed: Collection[str]) -> None:
        self.world = world
        self.providers = providers_of(world, providers)
        self.departed = departed
        self.named = Named(world, departed)

    def check(self) -> None:
        self._services()
        self._roles()
        self._cycles()
        self._environments()
        self._targets()
        self._pipelines()
        self._sources()
        GuardrailNames(self.world, self.providers, self.named).check()
        told = any(p.code == "bad-owner-id" for file in self.world.files for p in file.problems)
        if self.world.files and not told and (self.world.records is None or self.world.records.owner is None):
            self._no_owner_id()

    # -- sections

    def _services(self) -> None:
        for identity in self.world.identities.values():
            if identity.kind is not IdentityKind.SERVICE:
                continue
            at = self.world.of(identity)
            self.named.owners(identity.owners, at, ("owners",))
            model: ServiceModel = self.world.models[identity.id]
            for key, targets in (("identity", model.identity), ("credentials", model.credentials)):
                for target in targets:
                    self.named.target(
                        target, at, (key, target), why=f"`{key}:` is keyed by target, or by target/instance"
                    )
            for target, slots in model.credentials.items():
                for slot, credential in slots.items():
                    for index, delivery in enumerate(credential.deliver_to):
                        self.named.store(delivery.to, at, ("credentials", target, slot, "deliver_to", index, "to"))

    def _roles(self) -> None:
        for role in self.world.roles.values():
            at = self.world.at("roles", role.id)
            self.named.owners(role.owners, at, ("owners",))
            self.named.names(role.includes, "roles", "unknown-role", "role", at, "includes")
            self.named.names(
                role.environments, "environments", "unknown-environment", "environment", at, "environments"
            )
            for key, names in (
                ("owners", role.owners),
                ("includes", role.includes),
                ("environments", role.environments),
            ):
                self.named.twice(names, at, key)

    def _environments(self) -> None:
        for environment in self.world.environments.values():
            at = self.world.at("environments", environment.id)
            self.named.owners(environment.owners, at, ("owners",))
            self.named.names(environment.standing, "roles", "unknown-role", "role", at, "standing")
            self.named.twice(environment.owners, at, "owners")
            self.named.twice(environment.standing, at, "standing")

    def _targets(self) -> None:
        for entry in self.world.entries.values():
            for target in entry.targets:
                at = entry.places[target.name]
                self.named.owners(target.owners, at, ("owners",))
                if target.environment is not None:
                    self.named.environment(target.environment, at, ("environment",))
                for (section, name), label in target.object_environments.items():
                    self.named.environment(label, at, (section, name, "environment"))
                for index, ignored in enumerate(target.ignore):
                    path: Path = ("ignore", index)
                    self.named.owners((ignored.owner,), at, (*path, "owner"), single=True)
                    self.named.address(ignored.address, target.name, at, (*path, "address"))

    def _pipelines(self) -> None:
        for name, pipeline in self.world.carried.get("pipelines", {}).items():
            at = self.world.at("pipelines", name)
            self.named.owners(pipeline.get("owners", ()), at, ("owners",))
            for key in ("circleci", "github"):
                if key in pipeline:
                    self.named.target(
                        pipeline[key], at, (key,), why=f"`{key}:` names the target that it uses", on_key=False
                    )
            for key in CI_SYSTEMS:
                if "people" in pipeline.get(key, ()):
                    why = "the CI's users have the logins that people have on that target"
                    self.named.target(pipeline[key]["people"], at, (key, "people"), why=why, on_key=False)
            if "schedules" in pipeline and not self.world.exists("services", pipeline["schedules"]):
                self.world.unknown(
                    "unknown-person",
                    "service",
                    pipeline["schedules"],
                    at,
                    ("schedules",),
                    ("services",),
                    departed=self.departed,
                    why="what a schedule starts is nobody's decision: it runs as a service, or not at all",
                    fix=f"{pipeline['schedules']} is a person: name a service"
                    if self.world.exists("people", pipeline["schedules"])
                    else "",
                )
            self.named.names(pipeline.get("scope", ()), "roles", "unknown-role", "role", at, "scope")
            self.named.twice(pipeline.get("scope", ()), at, "scope")
            for target in pipeline.get("assume", ()):
                self.named.target(target, at, ("assume", target), why="it is the pipeline's role on that target")
            for environment in pipeline.get("deploys", ()):
                self.named.environment(
                    environment, at, ("deploys", environment), why="`deploys:` is keyed by environment", on_key=True
                )

    def _sources(self) -> None:
        for source in self.world.sources.values():
            at = self.world.at("sources", source.id)
            self.named.owners(source.owners, at, ("owners",))
            self.named.target(source.target, at, ("target",), why="people are read over its connection", on_key=False)
            for target in source.attributes.accounts:
                path: Path = ("attributes", "accounts", target)
                self.named.target(target, at, path, why="it tells the logins of people there")

    def _no_owner_id(self) -> None:
        self.world.problems.append(
            Diagnostic(
                "no-owner-id",
                "`records.owner` is not set, so marks do not say whose they are",
                Severity.WARNING,
                self.world.place("records", ""),
                why="two repositories that manage one system would both take its accounts for theirs",
                fix="add `records: {owner: …}` with an id of its own for this repository; `provision init` writes one",
            )
        )

    def _cycles(self) -> None:
        """Roles that include themselves, each circle once."""
        done: set[str] = set()
        for start in sorted(self.world.roles):
            if start not in done:
                self._walk(start, done)

    def _walk(self, start: str, done: set[str]) -> None:
        path: list[str] = []
        on_path: set[str] = set()
        waiting: list[tuple[str, bool]] = [(start, False)]
        while waiting:
            name, leaving = waiting.pop()
            if leaving:
                path.pop()
                on_path.discard(name)
                done.add(name)
                continue
            if name in done or name in on_path:
                continue
            path.append(name)
            on_path.add(name)
            waiting.append((name, True))
            for index, included in enumerate(self.world.roles[name].includes):
                if included in on_path:
                    circle = [*path[path.index(included) :], included]
                    self.world.problems.append(
                        self.world.at("roles", name).problem(
                            "role-cycle",
                            f"roles include each other in a circle: {' -> '.join(circle)}",
                            ("includes", index),
                            why="what such a role gives would depend on itself",
                            fix="take one of the lines out",
                        )
                    )
                elif included in self.world.roles:
                    waiting.append((included, False))
