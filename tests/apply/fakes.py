"""A system in this process that speaks the contract, does what it is told, and fails as it is told to.

It keeps its own truth and its own log, so that no test has to ask the engine what happened.
"""

# ruff: noqa: ARG005 - a protocol's arguments are taken whether this system needs them or not

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from provisioner.apply import Applied, Progress, Settled, Waits, apply_plan
from provisioner.contract import (
    Accepted,
    Capabilities,
    Connection,
    Done,
    Failed,
    Me,
    Outcome,
    ProviderError,
    Reading,
    Refused,
    Trouble,
    Unknown,
    Waiting,
)
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.coverage import EVERYTHING, Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.mark import Mark
from provisioner.model.principal import PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.target import Mode, Target
from provisioner.model.unit import Unit, UnitMode
from provisioner.model.way import Phase, Way
from provisioner.plan.plan import Plan
from provisioner.providers.memory import MemoryProvider
from provisioner.providers.memory.declare import MemoryDeclare
from provisioner.records.folder import FolderStore
from provisioner.records.journal import Journal
from provisioner.records.run import RunInfo
from tests.builders import NOW, REVISION, TREE, at

T = "corp-ldap"
CAPABILITIES = Capabilities(marks=frozenset({Kind.ACCOUNT, Kind.GROUP}))
NO_SESSIONS = Refused("not possible here: nobody is signed in")


class Killed(BaseException):
    """The process ends here, as far as the engine is concerned."""


@dataclass
class Clock:
    """Time that passes only where somebody sleeps."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Call:
    """One call that could have changed something, with how many records the target's chain had then."""

    verb: str
    addresses: tuple[str, ...]
    records: int


@dataclass
class System:
    """`faults` has for an address what its next writes do, first to last: `busy`, `unreachable`, `denied`, `drop` (says
    done and does nothing), `promise` (says that it waits for bob, and does nothing), `unknown` (done, and no answer),
    `lost` (not done, and no answer), `later` (accepted), `later-fails`, `later-never`. `stale` looks show an address as
    it was before it was written. It may only invite (`invites`), and only suspend what is revoked (`suspends`). `steps`
    is called at every boundary."""

    name: str = T
    live: dict[Address, Resource] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    capabilities: Capabilities = CAPABILITIES
    units: Callable[[Address], Unit] = lambda a: Unit(str(a))
    stale: int = 0
    invites: bool = False
    suspends: bool = False
    down: bool = False
    unseen: set[str] = field(default_factory=set)
    hides: frozenset[str] = frozenset()
    cut: Outcome = NO_SESSIONS
    system: str = "sys-1"
    mode: Mode = Mode.ADD
    owner: str | None = "own"
    steps: Callable[[str], None] = lambda step: None
    log: list[Call] = field(default_factory=list)
    looks: list[frozenset[Address]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    journal: FolderStore | None = None
    expected: list[Mapping[Address, Resource]] = field(default_factory=list)
    _old: dict[Address, tuple[Resource | None, int]] = field(default_factory=dict)
    _jobs: dict[str, Change] = field(default_factory=dict)

    def have(self, *texts: str, **attributes: Any) -> None:
        """Things that are live: accounts are enabled, and marked for whose login it is."""
        for text in texts:
            address = at(text)
            if address.kind is Kind.ACCOUNT:
                mark = Mark(address.object, self.owner)
                self.live[address] = Resource(address, {"enabled": True, **attributes}, mark=mark)
            else:
                self.live[address] = Resource(address, attributes)

    def has(self, text: str) -> bool:
        return at(text) in self.live

    def writes(self) -> list[str]:
        return [a for c in self.log if c.verb == "write" for a in c.addresses]

    def note(self, verb: str, changes: Sequence[Address]) -> None:
        records = 0
        if self.journal is not None:
            names = self.journal.names("journal/" + self.name.replace("/", "%2F"))
            records = sum(n.endswith(".json") for n in names)
        self.log.append(Call(verb, tuple(str(a) for a in changes), records))

    def become(self, change: Change) -> None:
        address = as_account(change.address)
        before = self.live.get(address)
        if self.stale:
            self._old[address] = (before, self.stale)
        self.order.append(str(change.address))
        key = change.identity or address.object
        match change.action:
            case Action.CREATE:
                mark = Mark(key, self.owner) if address.kind in (Kind.ACCOUNT, Kind.GROUP) else None
                way = Way(phase=Phase.PENDING) if self.invites else Way()
                self.live[address] = Resource(address, dict(change.after or {}), (way,), mark=mark)
            case Action.REVOKE if self.suspends and before is not None:
                self.live[address] = replace(before, ways=(Way(phase=Phase.SUSPENDED),))
            case Action.DELETE:
                self.live.pop(address, None)
            case Action.REVOKE:
                ended = {w.native_id for w in change.ways}
                left = tuple(w for w in before.ways if w.native_id not in ended) if before and ended else ()
                if before is not None and left:
                    self.live[address] = replace(before, ways=left)
                else:
                    self.live.pop(address, None)
            case Action.RENAME:
                old = address._replace(object=str((change.before or {})["login"]))
                held = self.live.pop(old)
                self.live[address] = replace(held, address=address, mark=Mark(key, self.owner))
            case _ if before is not None:
                since = NOW if change.action is Action.DISABLE else None
                marked = before.mark if change.action is Action.UPDATE else Mark(key, self.owner, since)
                values = {k: v for k, v in (change.after or {}).items() if k != "mark"}
                self.live[address] = replace(before, attributes={**before.attributes, **values}, mark=marked)

    def shown(self, address: Address) -> Resource | None:
        old = self._old.get(address)
        if old is None or old[1] == 0:
            return self.live.get(address)
        self._old[address] = (old[0], old[1] - 1)
        return old[0]

    def target(self) -> Target:
        return Target(self.name, self.name.partition("/")[0], "fake", mode=self.mode)


class FakeReader:
    def __init__(self, system: System) -> None:
        self._system = system

    def system(self) -> str:
        self._system.steps("system")
        return self._system.system

    def me(self) -> Me:
        return Me("fake")

    def read(self, want: frozenset[Scope]) -> Reading:
        scopes = [ScopeCoverage(s, Verdict.COMPLETE, "all of it", self._system.hides) for s in want]
        return Reading(State(self._system.live.values()), Coverage(scopes), calls=1)

    def look(self, these: Collection[Address]) -> Reading:
        system = self._system
        system.steps("look")
        if system.down:
            raise ProviderError(Trouble.UNREACHABLE, "connection refused", call="look")
        system.looks.append(frozenset(these))
        asked = [a for a in these if str(a) not in system.unseen]
        found = [r for a in asked if (r := system.shown(a)) is not None]
        hidden = [
            replace(r, attributes={k: v for k, v in r.attributes.items() if k not in system.hides}) for r in found
        ]
        scopes = [ScopeCoverage(s, Verdict.COMPLETE, "point reads", system.hides) for s in EVERYTHING]
        return Reading(State(hidden), Coverage(scopes), looked=frozenset(asked), calls=1)

    def close(self) -> None:
        self._system.opened.append("reader closed")


class FakeWriter:
    def __init__(self, system: System) -> None:
        self._system = system

    def write(
        self,
        unit: Unit,
        changes: Sequence[Change],
        *,
        expect: Mapping[Address, Resource],
        token: str,
        deadline: float,
    ) -> Sequence[Outcome]:
        system = self._system
        system.steps("write: not sent")
        system.note("write", [c.address for c in changes])
        system.expected.append(expect)
        outcomes = [self._one(c) for c in changes]
        system.steps("write: answered")
        return outcomes

    def _one(self, change: Change) -> Outcome:
        system = self._system
        if system.down:
            return Failed(ProviderError(Trouble.UNREACHABLE, "connection refused", call="modify"))
        waiting = system.faults.get(str(change.address))
        fault = waiting.pop(0) if waiting else ""
        if fault in ("busy", "denied", "unreachable", "gone", "conflict", "invalid"):
            return Failed(ProviderError(Trouble(fault), f"{fault} today", call="modify", request_id="r-1"))
        if fault == "lost":
            return Unknown()
        if fault.startswith("later"):
            receipt = f"{fault}-{len(system._jobs) + 1}"
            system._jobs[receipt] = change
            return Accepted(receipt, NOW + timedelta(hours=1))
        if fault == "bug":
            raise TypeError("the provider has a bug")
        if fault == "promise":
            return Waiting("bob")
        if fault != "drop":
            system.become(change)
        if fault == "unknown-raised":
            raise ProviderError(Trouble.UNKNOWN, "timed out", call="modify")
        return Unknown() if fault == "unknown" else Done("200")

    def cut(self, account: Address, deadline: float) -> Outcome:
        self._system.steps("cut")
        self._system.note("cut", [account])
        waiting = self._system.faults.get(f"cut {account}")
        if waiting:
            fault = waiting.pop(0)
            error = ProviderError(Trouble(fault), f"{fault} today", call="cut")
            return Unknown(error=error) if fault == "unknown" else Failed(error)
        return self._system.cut

    def settle(self, receipt: str, deadline: float) -> Outcome:
        self._system.steps("settle")
        change = self._system._jobs[receipt]
        if receipt.startswith("later-never"):
            return Accepted(receipt, NOW + timedelta(hours=1))
        if receipt.startswith("later-fails"):
            return Failed(ProviderError(Trouble.INVALID, "the job ended FAILED", call="poll"))
        self._system.become(change)
        return Done("job ended")

    def close(self) -> None:
        self._system.opened.append("writer closed")


class FakeDeclare(MemoryDeclare):
    """Planning is not what is tested here: only units and capabilities count."""

    def __init__(self, system: System) -> None:
        super().__init__(system.target())
        self.capabilities = system.capabilities
        self._units = system.units

    def unit(self, address: Address) -> Unit:
        return self._units(address)


class FakeProvider(MemoryProvider):
    name = "fake"

    def __init__(self, system: System) -> None:
        self._system = system
        self.capabilities = system.capabilities

    def open_reader(self, target: Target, environ: Mapping[str, str]) -> FakeReader:  # type: ignore[override]
        self._system.opened.append("reader")
        assert threading.current_thread() is threading.main_thread()
        if "no-reader" in self._system.faults:
            raise ProviderError(Trouble.CREDENTIAL, "the environment variable PASSWORD is not set", call="settings")
        return FakeReader(self._system)

    def open_writer(self, target: Target, environ: Mapping[str, str], owner: str | None) -> FakeWriter:  # type: ignore[override]
        self._system.opened.append("writer")
        assert threading.current_thread() is threading.main_thread()
        return FakeWriter(self._system)


class Rig:
    """Systems, their journal, and an apply of a plan on them."""

    def __init__(self, path: Path, *systems: System) -> None:
        self.systems = systems or (System(),)
        self.store = FolderStore(path / "journal")
        self.clock = Clock()
        self.runs = 0
        self.told: list[Progress] = []
        self.progress: Callable[[Progress], None] = self.told.append
        self.waits = Waits(sleep=self.clock.sleep, monotonic=self.clock.monotonic, patience=30.0)
        for system in self.systems:
            system.journal = self.store

    @property
    def system(self) -> System:
        return self.systems[0]

    @property
    def journal(self) -> Journal:
        return Journal(self.store)

    def apply(
        self, plan: Plan, *, whole: bool = True, settled: Sequence[Settled] = (), saved: bool = False, **more: Any
    ) -> Applied:
        """A plan made just now; or one that was `saved`, of the time that it says."""
        self.runs += 1
        self.clock.seconds += 60
        plan = plan if saved else replace(plan, as_of=self.clock.now())
        connections = {
            s.name: Connection(s.target(), FakeProvider(s), FakeDeclare(s), {}, s.owner) for s in self.systems
        }
        info = RunInfo(f"run{self.runs}", "ada", plan.revision, plan.tree, f"sha256:{self.runs}")
        return apply_plan(
            plan,
            connections,
            self.journal,
            run=info,
            clock=self.clock.now,
            whole=whole,
            settled=settled,
            progress=self.progress,
            waits=self.waits,
            **more,
        )

    def left(self, target: str = T) -> list[tuple[str, str]]:
        return [(str(o.address), o.action.value) for o in self.journal.chain(target).outstanding(self.clock.now())]

    def records(self, target: str = T) -> list[str]:
        return [r.kind for r in self.journal.chain(target).records()]


def as_account(address: Address) -> Address:
    """A system knows accounts; which of them are services, only the files say."""
    who = address.principal
    if who is None or who.kind is not PrincipalKind.SERVICE:
        return address
    return address._replace(principal=who._replace(kind=PrincipalKind.PERSON))


def document(name: str = "policy") -> Callable[[Address], Unit]:
    return lambda a: Unit(name, UnitMode.DOCUMENT)


def ways(*ids: str) -> tuple[Way, ...]:
    return tuple(Way(i) for i in ids)


__all__ = ["NOW", "REVISION", "TREE", "Clock", "Killed", "Rig", "System", "T", "document", "ways"]
