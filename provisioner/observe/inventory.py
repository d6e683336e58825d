"""Reads every target side by side. One broken target does not hide the others, and none is taken for empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from provisioner.contract import Connection, Me, ProviderError, Reader, Reading, Trouble
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.address import Kind
from provisioner.model.coverage import Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.target import AccountsPolicy, Mode, Target

PARALLEL = 16
"""Targets read at a time."""

Told = Callable[[str, str], None]
"""Called with a target's name and what is happening to it."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What came of reading one target: a reading, or why there is none. `was`: the system that it was pinned as, where
    it is another one now; then nothing more was asked of it."""

    reading: Reading | None = None
    system: str | None = None
    me: Me | None = None
    error: ProviderError | None = None
    was: str | None = None


@dataclass(frozen=True, slots=True)
class Pinned:
    """The system that a target was when it was last applied to; `may_be` says whether it may be another one by now."""

    system: str
    may_be: Callable[[str], bool]


def open_readers(connections: Mapping[str, Connection]) -> tuple[dict[str, Reader], dict[str, Observed]]:
    """On the calling thread, because SDKs are imported here. What cannot be opened is told like a failed read."""
    readers: dict[str, Reader] = {}
    failed: dict[str, Observed] = {}
    for name, connection in connections.items():
        try:
            readers[name] = connection.reader()
        except ProviderError as error:
            failed[name] = Observed(error=error)
    return readers, failed


class Observing:
    """One bulk read of each target that `want` names, begun at once and side by side; leaving it waits for them,
    unless it is interrupted."""

    def __init__(
        self,
        readers: Mapping[str, Reader],
        want: Mapping[str, frozenset[Scope]],
        told: Told | None = None,
        pinned: Mapping[str, Pinned] | None = None,
    ) -> None:
        self._told = told
        self._pinned = pinned or {}
        self._pool = ThreadPoolExecutor(max_workers=max(1, min(PARALLEL, len(want))))
        self._reads = {name: self._pool.submit(self._one, name, readers[name], want[name]) for name in sorted(want)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # Who is interrupted does not wait for a server that hangs.
        self._pool.shutdown(wait=kind is not KeyboardInterrupt, cancel_futures=True)

    def all(self) -> dict[str, Observed]:
        """What came of them, once every one is through."""
        return {name: read.result() for name, read in self._reads.items()}

    def _one(self, name: str, reader: Reader, want: frozenset[Scope]) -> Observed:
        try:
            system = reader.system()
            pinned = self._pinned.get(name)
            if pinned is not None and system != pinned.system and not pinned.may_be(system):
                self._tell(name, "it is another system than before, and is not read")
                told = f"it is {system}, and was {pinned.system} when it was last applied to"
                return Observed(None, system, None, ProviderError(Trouble.INVALID, told, call="system"), pinned.system)
            reading = reader.read(want)
            me = reader.me()  # last: a reader may know it by then
        except ProviderError as error:
            self._tell(name, f"could not be read: {error}")
            return Observed(error=error)
        self._tell(name, f"read {_many(len(reading.state), 'thing')} in {_many(reading.calls, 'call')}")
        return Observed(reading, system, me)

    def _tell(self, name: str, words: str) -> None:
        if self._told is not None:
            self._told(name, words)


def observe(
    readers: Mapping[str, Reader], want: Mapping[str, frozenset[Scope]], told: Told | None = None
) -> dict[str, Observed]:
    """One bulk read of each target that `want` names."""
    with Observing(readers, want, told) as reads:
        return reads.all()


def doubt_marks(reading: Reading, target: Target) -> Reading:
    """Where the credential cannot see marks, an account without one may be another owner's, or ours: that cannot be
    told, so nothing is taken from it or created beside it. Where nothing is written, or accounts are somebody else's
    job, marks decide nothing."""
    accounts = reading.coverage.of(Kind.ACCOUNT)
    if "mark" not in accounts.hides or target.mode is Mode.REPORT or target.accounts is AccountsPolicy.EXISTING:
        return reading
    if accounts.verdict is not Verdict.COMPLETE:
        return reading
    doubted = replace(accounts, verdict=Verdict.PARTIAL, proof=f"{accounts.proof}, but their marks cannot be seen")
    return replace(reading, coverage=Coverage([*reading.coverage.scopes(), doubted]))


def doubt_emptiness(reading: Reading, last: Mapping[str, int] | None) -> Reading:
    """Where nothing of a kind is left and the journal knows of many, the answer is not believed: it is partial."""
    if not last:
        return reading
    counts = reading.state.counts()
    doubted: list[ScopeCoverage] = []
    for scope in reading.coverage.scopes():
        before = last.get(scope.scope.kind.value, 0)
        empty = scope.scope.of is None and not counts.get(scope.scope.kind.value, 0)
        if empty and before >= 4 and scope.verdict is Verdict.COMPLETE and scope.scope.kind is not Kind.CREDENTIAL:
            doubted.append(
                replace(scope, verdict=Verdict.PARTIAL, proof=f"empty, where the last converged run read {before}")
            )
    if not doubted:
        return reading
    scopes = {s.scope: s for s in reading.coverage.scopes()} | {s.scope: s for s in doubted}
    return replace(reading, coverage=Coverage(scopes.values()))


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def unreadable(target: str, error: ProviderError | None) -> Diagnostic:
    """A target of which nothing could be read."""
    return Diagnostic(
        "target-unreadable",
        f"{target} could not be read: {error}",
        severity=Severity.WARNING,
        target=target,
        why="what cannot be read is not taken for empty: nothing is planned there",
        fix="mend the connection or the credential, and run again",
    )
