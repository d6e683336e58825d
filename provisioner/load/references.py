"""Names across files: what one entry names, another declares.

Owners, includes, environments, targets and stores; who holds what is in `holders`, what roles give in `grants`, who is
who on a target in `accounts`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from provisioner.contract.protocols import Declare, Provider
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.load.accounts import Accounts
from provisioner.load.checked import checked
from provisioner.load.display import show
from provisioner.load.grants import Grants
from provisioner.load.holders import Holders
from provisioner.load.keyless import Keyless
from provisioner.load.places import At
from provisioner.load.rules import rules_of
from provisioner.load.schema import CI_SYSTEMS, GuardrailsModel, ServiceModel
from provisioner.load.source_checks import Sources
from provisioner.load.world import ROLE_PREFIX, World, providers_of
from provisioner.model.address import Address
from provisioner.model.block import Path
from provisioner.model.identity import IdentityKind
from provisioner.model.rules import Acknowledgement


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

    def check(self) -> None:
        self._services()
        self._roles()
        self._cycles()
        self._environments()
        self._targets()
        self._pipelines()
        self._sources()
        self._guardrails()
        told = any(p.code == "bad-owner-id" for file in self.world.files for p in file.problems)
        if self.world.files and not told and (self.world.records is None or self.world.records.owner is None):
            self._no_owner_id()

    # -- sections

    def _services(self) -> None:
        for identity in self.world.identities.values():
            if identity.kind is not IdentityKind.SERVICE:
                continue
            at = self.world.of(identity)
            self._owners(identity.owners, at, ("owners",))
            model: ServiceModel = self.world.models[identity.id]
            for key, targets in (("identity", model.identity), ("credentials", model.credentials)):
                for target in targets:
                    self._target(target, at, (key, target), why=f"`{key}:` is keyed by target, or by target/instance")
            for target, slots in model.credentials.items():
                for slot, credential in slots.items():
                    for index, delivery in enumerate(credential.deliver_to):
                        self._store(delivery.to, at, ("credentials", target, slot, "deliver_to", index, "to"))

    def _roles(self) -> None:
        for role in self.world.roles.values():
            at = self.world.at("roles", role.id)
            self._owners(role.owners, at, ("owners",))
            self._names(role.includes, "roles", "unknown-role", "role", at, "includes")
            self._names(role.environments, "environments", "unknown-environment", "environment", at, "environments")
            for key, names in (
                ("owners", role.owners),
                ("includes", role.includes),
                ("environments", role.environments),
            ):
                self._twice(names, at, key)

    def _environments(self) -> None:
        for environment in self.world.environments.values():
            at = self.world.at("environments", environment.id)
            self._owners(environment.owners, at, ("owners",))
            self._names(environment.standing, "roles", "unknown-role", "role", at, "standing")
            self._twice(environment.owners, at, "owners")
            self._twice(environment.standing, at, "standing")

    def _targets(self) -> None:
        for entry in self.world.entries.values():
            for target in entry.targets:
                at = entry.places[target.name]
                self._owners(target.owners, at, ("owners",))
                if target.environment is not None:
                    self._environment(target.environment, at, ("environment",))
                for (section, name), label in target.object_environments.items():
                    self._environment(label, at, (section, name, "environment"))
                for index, ignored in enumerate(target.ignore):
                    path: Path = ("ignore", index)
                    self._owners((ignored.owner,), at, (*path, "owner"), single=True)
                    self._address(ignored.address, target.name, at, (*path, "address"))

    def _pipelines(self) -> None:
        for name, pipeline in self.world.carried.get("pipelines", {}).items():
            at = self.world.at("pipelines", name)
            self._owners(pipeline.get("owners", ()), at, ("owners",))
            for key in ("circleci", "github"):
                if key in pipeline:
                    self._target(pipeline[key], at, (key,), why=f"`{key}:` names the target that it uses", on_key=False)
            for key in CI_SYSTEMS:
                if "people" in pipeline.get(key, ()):
                    why = "the CI's users have the logins that people have on that target"
                    self._target(pipeline[key]["people"], at, (key, "people"), why=why, on_key=False)
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
                )
            self._names(pipeline.get("scope", ()), "roles", "unknown-role", "role", at, "scope")
            self._twice(pipeline.get("scope", ()), at, "scope")
            for target in pipeline.get("assume", ()):
                self._target(target, at, ("assume", target), why="it is the pipeline's role on that target")
            for environment in pipeline.get("deploys", ()):
                self._environment(
                    environment, at, ("deploys", environment), why="`deploys:` is keyed by environment", on_key=True
                )

    def _sources(self) -> None:
        for source in self.world.sources.values():
            at = self.world.at("sources", source.id)
            self._owners(source.owners, at, ("owners",))
            self._target(source.target, at, ("target",), why="people are read over its connection", on_key=False)
            for target in source.attributes.accounts:
                path: Path = ("attributes", "accounts", target)
                self._target(target, at, path, why="it tells the logins of people there")

    def _guardrails(self) -> None:
        if self.world.guardrails is None:
            return
        source, model = self.world.guardrails
        rails: GuardrailsModel = model
        at = At(source, ("guardrails",))
        self._owners(rails.owners, at, ("owners",))
        for target, administrators in rails.administrators.items():
            self._target(target, at, ("administrators", target), why="administrators are counted by target")
            for index, name in enumerate(administrators.required):
                self._identity(name, at, ("administrators", target, "required", index))
        for index, name in enumerate(rails.break_glass):
            self._identity(name, at, ("break_glass", index))
        for number, rule in enumerate(rails.separate):
            for side, blocks in enumerate(rule.not_both):
                for target in blocks:
                    self._separate(at, ("separate", number, "not_both", side, target), target)
        for number, said in enumerate(rules_of(source, rails).acknowledgements):
            self._acknowledgement(said, at, ("acknowledgements", number))

    def _acknowledgement(self, said: Acknowledgement, at: At, path: Path) -> None:
        """What it lets through; people and roles may be gone by then, and are not looked up."""
        if said.target is not None:
            self._target(
                said.target, at, (*path, "target"), why="it lets something through on that target", on_key=False
            )
        for index, text in enumerate(said.addresses):
            self._acknowledged_address(text, at, (*path, "addresses", index))
        told = _what_is_wrong(said)
        if told is not None:
            message, fix = told
            self.world.problems.append(
                at.problem(
                    "bad-acknowledgement",
                    message,
                    path,
                    why="it names people, a role, or addresses; or a target with kind and count; or a target and the "
                    "system that it is now",
                    fix=fix,
                )
            )

    def _acknowledged_address(self, text: str, at: At, path: Path) -> None:
        try:
            target = Address.parse(text).target
        except ValueError:
            why = "an address is target:kind/name, such as corp-ldap:membership/developers/ada"
        else:
            if self.world.target_known(target):
                return
            why = f"there is no target {show(target)}"
        self.world.problems.append(
            at.problem(
                "bad-address",
                f"{show(text)} is no address",
                path,
                why=why,
                fix="copy the address from the plan; without its last part it means everything that hangs on it",
            )
        )

    def _separate(self, at: At, path: Path, target: str) -> None:
        if not self.world.target_known(target):
            self._target(target, at, path, why="what must not be held together is given on a target")
        elif (provider := self.providers.get(target.partition("/")[0])) is not None:
            checked(At(at.source, at.base + path), provider.grants, f"a grant on {show(target)}", self.world.problems)

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

    # -- single names

    def _owners(self, names: Sequence[str], at: At, path: Path, *, single: bool = False) -> None:
        for index, name in enumerate(names):
            here = path if single else (*path, index)
            if name.startswith(ROLE_PREFIX):
                role = name.removeprefix(ROLE_PREFIX)
                if not self.world.exists("roles", role):
                    self.world.unknown(
                        "unknown-role",
                        "role",
                        role,
                        at,
                        here,
                        ("roles",),
                        why="`role:NAME` means all holders of a role",
                    )
            elif self.world.exists("services", name):
                self.world.problems.append(
                    at.problem(
                        "unknown-owner",
                        f"{show(name)} is a service, and cannot be an owner",
                        here,
                        why="owners approve changes: they are people, or all holders of a role (`role:NAME`)",
                        fix="name a person",
                    )
                )
            elif not self.world.exists("people", name):
                self.world.unknown(
                    "unknown-owner",
                    "person",
                    name,
                    at,
                    here,
                    ("people",),
                    departed=self.departed,
                    why="owners are people, or all holders of a role (`role:NAME`)",
                )

    def _identity(self, name: str, at: At, path: Path) -> None:
        if not self.world.exists("people", name) and not self.world.exists("services", name):
            self.world.unknown(
                "unknown-person",
                "person or service",
                name,
                at,
                path,
                ("people", "services"),
                departed=self.departed,
                why="it protects somebody, who must exist",
            )

    def _names(self, names: Sequence[str], section: str, code: str, what: str, at: At, key: str) -> None:
        for index, name in enumerate(names):
            if not self.world.exists(section, name):
                self.world.unknown(
                    code, what, name, at, (key, index), (section,), why=f"`{key}:` names what `{section}:` declares"
                )

    def _environment(
        self,
        name: str,
        at: At,
        path: Path,
        *,
        why: str = "things are labelled with an environment that is declared under `environments:`",
        on_key: bool = False,
    ) -> None:
        if not self.world.exists("environments", name):
            self.world.unknown(
                "unknown-environment",
                "environment",
                name,
                at,
                path,
                ("environments",),
                why=why,
                on_key=on_key,
            )

    def _target(self, name: str, at: At, path: Path, *, why: str, on_key: bool = True) -> None:
        if not self.world.target_known(name):
            self.world.unknown("unknown-target", "target", name, at, path, ("targets",), why=why, on_key=on_key)

    def _store(self, to: str, at: At, path: Path) -> None:
        first = to.partition("/")[0]
        known = self.world.exists("stores", first) or self.world.exists("targets", first)
        if not known:
            self.world.unknown(
                "unknown-store",
                "store or target",
                first,
                at,
                path,
                ("stores", "targets"),
                why="a secret is delivered to a store, or to a part of a target that can hold one",
            )

    def _address(self, text: str, target: str, at: At, path: Path) -> None:
        try:
            address = Address.parse(text)
        except ValueError:
            why = "an address is target:kind/name, such as corp-ldap:membership/developers/ada"
        else:
            if (
                address.target == target
                or target.startswith(address.target + "/")
                or address.target in self.world.targets
            ):
                return
            why = f"it is about the target {show(address.target)}, and this is {show(target)}"
        self.world.problems.append(
            at.problem(
                "bad-address",
                f"{show(text)} is no address on this target",
                path,
                why=why,
                fix="copy the address from the plan, where it is listed as a stray",
            )
        )

    def _twice(self, names: Sequence[str], at: At, key: str) -> None:
        for index, name in enumerate(names):
            if name in names[:index]:
                self.world.problems.append(
                    at.problem(
                        "listed-twice",
                        f"{show(name)} is listed twice",
                        (key, index),
                        severity=Severity.WARNING,
                        why="it counts once",
                        fix="take one of the two out",
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


def _what_is_wrong(said: Acknowledgement) -> tuple[str, str] | None:
    """What an acknowledgement says too little or too much of, and how to mend it."""
    named = bool(said.people or said.role or said.addresses)
    if not named and said.target is None:
        return "the acknowledgement names nothing that it lets through", "add for example `people: [linus]`"
    if said.system is not None:
        if named or said.kind is not None or said.count is not None:
            return (
                "the acknowledgement of another system names more than that",
                "say the rest in an entry of its own",
            )
        return None if said.target is not None else ("`system` is of a target", "add `target:`")
    if said.journal_lost:
        if named or said.kind is not None or said.count is not None or said.removals:
            return "the acknowledgement of a lost journal names more than that", "say the rest in an entry of its own"
        return None if said.target is not None else ("`journal` is of a target", "add `target:`")
    if said.count is None and said.kind is None:
        return None if named else ("the acknowledgement does not say how much", "add `kind:` and `count:`")
    if said.count is None or said.kind is None or said.target is None:
        return "`target`, `kind` and `count` belong together", "say all three of them"
    return ("a counted acknowledgement names nothing else", "say it in an entry of its own") if named else None
