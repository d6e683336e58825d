"""The story that every system is put through: people who leave, come, move and stay, and what they should hold.

The oracle's own arithmetic: it knows roles and people, and nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

OWNER = "5f1c0a9b7e3d"
ROLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "developer": {"groups": ("developers",), "policies": ()},
    "operator": {"groups": ("operators",), "policies": ("SecurityAudit",)},
    "web": {"groups": ("web",), "policies": ("ReadOnlyAccess",)},
    "everyone": {"groups": ("everyone",), "policies": ()},
}
"""What a role gives, in words that each system takes what it knows of."""


@dataclass(frozen=True, slots=True)
class Person:
    """`before` and `after` are roles; None: not declared."""

    name: str
    before: tuple[str, ...] | None
    after: tuple[str, ...] | None

    @property
    def leaves(self) -> bool:
        return self.before is not None and self.after is None


class Speaks(Protocol):
    """What the story asks of a system: its part of the files, and which things a person should hold there."""

    name: str

    def target(self, *, after: bool) -> str: ...

    def grants(self, role: Mapping[str, tuple[str, ...]]) -> str: ...

    def account(self, login: str) -> str:
        """How the files say which account there is theirs; empty: they need not."""
        ...

    def wanted(self, login: str, roles: Iterable[Mapping[str, tuple[str, ...]]]) -> frozenset[str]: ...

    def standing(self, *, after: bool) -> frozenset[str]:
        """What the target itself declares, before or after, in words of its own that end like the address that it
        hangs on: `parent.developers/web` of `group/web`."""
        ...


@dataclass(frozen=True)
class Story:
    """`size` people leave, as many come, as many move, and `stay` stay."""

    size: int
    stay: int = 3

    @property
    def people(self) -> tuple[Person, ...]:
        found = []
        for i in range(self.size):
            found += [
                Person(f"leaver{i:02}", ("developer", "operator", "everyone"), None),
                Person(f"joiner{i:02}", None, ("developer", "web", "everyone")),
                Person(f"mover{i:02}", ("developer", "operator", "everyone"), ("developer", "web", "everyone")),
            ]
        found += [Person(f"stayer{i:02}", ("web", "everyone"), ("web", "everyone")) for i in range(self.stay)]
        return tuple(found)

    @property
    def logins(self) -> frozenset[str]:
        return frozenset(p.name for p in self.people)

    def names(self, what: str) -> tuple[str, ...]:
        """All groups or policies that the roles give."""
        return tuple(sorted({name for role in ROLES.values() for name in role[what]}))

    def things(self, system: Speaks, *, after: bool) -> frozenset[str]:
        """What the story's people should hold there, before or after, and what the target itself declares."""
        found = set(system.standing(after=after))
        for person in self.people:
            roles = person.after if after else person.before
            if roles is not None:
                found |= system.wanted(person.name, [ROLES[r] for r in roles])
        return frozenset(found)

    def write(self, root: Path, systems: Iterable[Speaks], *, after: bool, records: str = "") -> None:
        """The access files, as they are before or after."""
        systems = list(systems)
        # A third of everybody leaves, which the guardrails would rightly refuse.
        lines = ["guardrails:", "  removals: {group: 100, target: 100}"]
        if not after:
            # The servers are seeded with our marks, and no journal was ever there.
            until = f"{datetime.now(UTC) + timedelta(days=7):%Y-%m-%d}"
            lost = (f"{{target: {s.name}, journal: lost, reason: seeded, until: {until}}}" for s in systems)
            lines.append(f"  acknowledgements: [{', '.join(lost)}]")
        lines += [f"records: {{owner: {OWNER}{records}}}", "targets:"]
        for system in systems:
            lines += [f"  {line}" for line in system.target(after=after).splitlines()]
        lines.append("roles:")
        for name, gives in ROLES.items():
            lines += [
                f"  {name}:",
                "    owners: [stayer00]",
                "    grants:" if _given(systems, gives) else "    grants: {}",
            ]
            lines += [f"      {s.name}: {given}" for s in systems if (given := s.grants(gives))]
        lines.append("people:")
        for person in self.people:
            roles = person.after if after else person.before
            if roles is not None:
                lines += [
                    f"  {person.name}:",
                    f"    name: {person.name.title()} Example",
                    f"    email: {person.name}@example.com",
                    f"    roles: [{', '.join(roles)}]",
                ]
                accounts = [f"{s.name}: {account}" for s in systems if (account := s.account(person.name))]
                lines += [f"    accounts: {{{', '.join(accounts)}}}"] if accounts else []
        folder = root / "access"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "all.yaml").write_text("\n".join([*lines, ""]), encoding="utf-8")


def _given(systems: Iterable[Speaks], gives: Mapping[str, tuple[str, ...]]) -> bool:
    return any(system.grants(gives) for system in systems)
