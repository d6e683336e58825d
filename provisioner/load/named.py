"""Single names in an entry: what each may name, and the problem that is told where nothing of that name is declared."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from provisioner.diagnostics import Severity
from provisioner.load.display import show
from provisioner.load.places import At
from provisioner.load.world import ROLE_PREFIX, World
from provisioner.model.address import Address
from provisioner.model.block import Path


@dataclass(frozen=True, slots=True)
class Named:
    """What names are looked up in. `departed` are people who were declared once: it is told that they are gone."""

    world: World
    departed: Collection[str]

    def owners(self, names: Sequence[str], at: At, path: Path, *, single: bool = False) -> None:
        """People, or all holders of a role."""
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

    def identity(self, name: str, at: At, path: Path) -> None:
        """A person or a service."""
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

    def names(self, names: Sequence[str], section: str, code: str, what: str, at: At, key: str) -> None:
        """Entries of one section."""
        for index, name in enumerate(names):
            if not self.world.exists(section, name):
                self.world.unknown(
                    code, what, name, at, (key, index), (section,), why=f"`{key}:` names what `{section}:` declares"
                )

    def environment(
        self,
        name: str,
        at: At,
        path: Path,
        *,
        why: str = "things are labelled with an environment that is declared under `environments:`",
        on_key: bool = False,
    ) -> None:
        """A label of a thing."""
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

    def target(self, name: str, at: At, path: Path, *, why: str, on_key: bool = True) -> None:
        """A target, or one of its instances."""
        if not self.world.target_known(name):
            self.world.unknown("unknown-target", "target", name, at, path, ("targets",), why=why, on_key=on_key)

    def store(self, to: str, at: At, path: Path) -> None:
        """Where a secret goes."""
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

    def address(self, text: str, target: str, at: At, path: Path) -> None:
        """Something on this target, or on its family."""
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

    def twice(self, names: Sequence[str], at: At, key: str) -> None:
        """Nothing is listed twice."""
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
