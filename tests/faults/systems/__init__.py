"""Every kind of server that the faults are tried on. A new one is one file here (its server, its wire, its part of the
story) and a line in this table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.faults.systems.aws import AwsSystem
from tests.faults.systems.base import System
from tests.faults.systems.circleci import CircleSystem
from tests.faults.systems.github import GithubSystem
from tests.faults.systems.postgres import PostgresSystem
from tests.faults.systems.slapd import SlapdSystem

SYSTEMS: Mapping[str, Callable[[], System]] = {
    "ldap": SlapdSystem,
    "aws": AwsSystem,
    "github": GithubSystem,
    "circleci": CircleSystem,
    "postgresql": PostgresSystem,
}
TOGETHER: tuple[tuple[str, ...], ...] = (("ldap", "aws"), ("github", "circleci"))
"""Which of them stand in one story where nothing else is asked for."""

FORGES = ("github", "circleci")
"""Those that say how fast they may be asked."""


TRUTHFUL = ("postgresql",)
"""Where no server is played that says what is not so: that it committed, or that an old snapshot is of today."""


def made(names: Sequence[str], *, small_pages: bool = False) -> tuple[System, ...]:
    """Systems by name, not started. `small_pages`: no page of an answer is long."""
    found: list[System] = []
    for name in names:
        system = SlapdSystem(size_pr=100) if name == "ldap" and small_pages else SYSTEMS[name]()
        if isinstance(system, CircleSystem) and "github" in names:
            system.forge = GithubSystem.name
        if small_pages:
            system.small_pages()
        found.append(system)
    return tuple(found)


__all__ = ["FORGES", "SYSTEMS", "TOGETHER", "TRUTHFUL", "System", "made"]
