"""What the files said since a target last converged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from provisioner.diagnostics import Location
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.identity import Identity
from provisioner.model.principal import Principal
from provisioner.model.resource import Resource
from provisioner.model.target import Mode


@dataclass(frozen=True, slots=True)
class PastDeclared:
    """One earlier state of the files: `name` for people (a short commit), `targets` that it counts for."""

    name: str
    declared: DeclaredAccess
    targets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Once:
    """An address that the files once asked for, and for whom."""

    identity: str | None
    sources: tuple[Location, ...]
    revision: str


@dataclass(slots=True)
class Past:
    """`departed` are identities that were declared and are not now, as last declared; `wanted` (worked out when asked)
    the addresses once asked for; `logins` the logins that an identity ever had; `given_to` the addresses
    that were once asked for under a login.

    The rest is empty where the target never converged, because nothing was in force then. `managed` is what was managed
    at the *oldest* revision looked at (the one the target converged on), if it was in mode `full` then, so that what
    comes under full management in between is known as newly managed. `once` is what was managed at any revision since,
    in whatever mode, and `complete` whose grants of a kind were declared completely; `mode` that of the oldest one, and
    `settled` (worked out when asked) everything that it asked for: what was in order then.
    """

    departed: dict[str, tuple[Identity, str]] = field(default_factory=dict)
    wanted: Mapping[Address, Once] = field(default_factory=dict)
    managed: set[tuple[Kind, str]] = field(default_factory=set)
    once: set[tuple[Kind, str]] = field(default_factory=set)
    complete: set[tuple[Kind, Principal]] = field(default_factory=set)
    mode: Mode | None = None
    settled: Mapping[Address, Resource] = field(default_factory=dict)
    logins: Mapping[str, frozenset[str]] = field(default_factory=dict)
    given_to: Callable[[str], Collection[Address]] = lambda _login: ()
