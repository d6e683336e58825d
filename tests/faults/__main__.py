"""`python -m tests.faults`: the faults by hand, a slice or a whole night of them, with figures.

Ends with 1 where anything did not hold, and says with which seed it can be seen again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

from tests.faults import applies, kills, leaks, limits, reads
from tests.faults.story import Story
from tests.faults.systems import FORGES, SYSTEMS, TOGETHER

_CHUNK = 250


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for, and gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--full", action="store_true", help="a night's worth instead of a slice")
    parser.add_argument("--only", choices=sorted(_PARTS), help="one part; all without it")
    parser.add_argument(
        "--systems",
        action="append",
        type=_systems,
        help=f"which stand in one story, of {', '.join(SYSTEMS)}, parted by commas; may be given again for another "
        f"story; without it: {' and '.join(','.join(t) for t in TOGETHER)}",
    )
    parser.add_argument("--seed", type=int, default=2026, help="another seed gives other faults at other places")
    parser.add_argument("--count", type=int, help="so many points or seeds of each part, instead of the usual number")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2, help="processes side by side")
    parser.add_argument("--minutes", type=float, help="begin nothing new after so long, for each part")
    asked = parser.parse_args(arguments)
    wrong = 0
    stories = list(product([asked.only] if asked.only else list(_PARTS), asked.systems or TOGETHER))
    for name, systems in stories:
        folder = Path(tempfile.mkdtemp(prefix="faults-", dir=_quick_place()))
        began = time.monotonic()
        until = None if asked.minutes is None else began + asked.minutes * 60
        _say(f"{', '.join(systems)}:")
        try:
            wrong += _PARTS[name](folder, argparse.Namespace(**{**vars(asked), "systems": systems}), until)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        _say(f"  {time.monotonic() - began:.0f} s, {asked.workers} workers")
    return 1 if wrong else 0


def _systems(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    if unknown := [name for name in names if name not in SYSTEMS]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there are {', '.join(SYSTEMS)}")
    return names


def _quick_place() -> str | None:
    """In memory where there is such a place: nothing here outlives the machine, and every record is synced to disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) and "TMPDIR" not in os.environ else None


def _side_by_side(workers: int, work: Callable[..., Any], each: Sequence[tuple[Any, ...]]) -> list[Any]:
    """`work` for each of the argument lists, in processes of their own (forked, and nothing here has threads)."""
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), max_tasks_per_child=None) as pool:
        return [f.result() for f in [pool.submit(work, *arguments) for arguments in each]]


def _kills(folder: Path, asked: argparse.Namespace, until: float | None) -> int:
    size, count = (8, asked.count) if asked.full else (1, asked.count or 6)
    shares = [
        (folder / str(i), Story(size), asked.seed, count, (i, asked.workers), until, asked.systems)
        for i in range(asked.workers)
    ]
    total = kills.Report()
    for part in _side_by_side(asked.workers, kills.session, shares):
        total.add(part)
    _say(
        f"kills: {total.points} of {total.of} boundaries of an apply with {total.changes} changes ({total.calls} "
        f"calls); {total.kills} times a process was ended by SIGKILL ({total.fresh} of them started anew, the others "
        f"forked from one that has the command line loaded), 0 in process; {total.missed} runs were over before their "
        f"point; {len(total.failed)} points failed"
    )
    for label, number in sorted(total.by_kind.items()):
        _say(f"    {number:6} {label}")
    for case in total.failed[:20]:
        _say(*(f"  FAILED (seed {asked.seed}): {w}" for w in case.wrong[:5]))
    return len(total.failed)


def _reads(folder: Path, asked: argparse.Namespace, until: float | None) -> int:
    first, count = asked.seed * 100_000, asked.count or (10_000 if asked.full else 200)
    chunk = min(_CHUNK, -(-count // asked.workers))
    starts = range(first, first + count, chunk)
    jobs = [(folder / str(s), range(s, min(s + chunk, first + count)), until, asked.systems) for s in starts]
    total = reads.Report()
    for part in _side_by_side(asked.workers, reads.session, jobs):
        total.add(part)
    failed = {seed for seed, _ in total.failed}
    _say(
        f"reads: {total.seeds} seeds, {total.tampered} answers tampered with; {total.broken} readings broken, "
        f"{total.whole} whole; {total.silent} seeds with answers short without a sign, {total.fooled} of which had a "
        f"needless creation in the plan; {len(failed)} seeds failed"
    )
    for label, number in total.by_fault.most_common():
        _say(f"    {number:6} {label}")
    _say(*(f"  FAILED seed {seed}: {what}" for seed, what in total.failed[:20]))
    return len(failed)


def _applies(folder: Path, asked: argparse.Namespace, until: float | None) -> int:
    first, count = asked.seed * 100_000, asked.count or (2_000 if asked.full else len(applies.WEATHERS))
    chunk = min(90, -(-count // asked.workers))
    starts = range(first, first + count, chunk)
    jobs = [(folder / str(s), range(s, min(s + chunk, first + count)), until, asked.systems) for s in starts]
    total = applies.Report()
    for part in _side_by_side(asked.workers, applies.session, jobs):
        total.add(part)
    failed = {seed for seed, _ in total.failed}
    statuses = ", ".join(f"{number} with {status}" for status, number in sorted(total.by_status.items()))
    _say(
        f"apply: {total.seeds} seeds, {total.faults} faults; {total.right} runs did everything, {total.partial} said "
        f"that they did not (ended {statuses}); {len(failed)} seeds failed"
    )
    for label, number in (*total.by_weather.most_common(), *total.by_fault.most_common()):
        _say(f"    {number:6} {label}")
    _say(*(f"  FAILED seed {seed}: {what}" for seed, what in total.failed[:20]))
    return len(failed)


def _limits(folder: Path, asked: argparse.Namespace, until: float | None) -> int:
    systems = tuple(name for name in asked.systems if name in FORGES)
    if not systems:
        _say("limits: of forges only")
        return 0
    first, count = asked.seed * 100_000, asked.count or (2_000 if asked.full else 24)
    chunk = min(100, -(-count // asked.workers))
    starts = range(first, first + count, chunk)
    jobs = [(folder / str(s), range(s, min(s + chunk, first + count)), until, systems) for s in starts]
    total = limits.Report()
    for part in _side_by_side(asked.workers, limits.session, jobs):
        total.add(part)
    failed = {seed for seed, _ in total.failed}
    _say(
        f"limits: {total.seeds} seeds, {total.calls} calls, {total.hits} answers told of a limit; {total.early} calls "
        f"came before their time ({total.in_hand} were on their way when it was told); {total.waited:,.0f} s were "
        f"waited in virtual time; {total.whole} readings whole, {total.busy} given up as busy; {len(failed)} seeds "
        "failed"
    )
    for label, number in total.by_kind.most_common():
        _say(f"    {number:6} {label}")
    _say(*(f"  FAILED seed {seed}: {what}" for seed, what in total.failed[:20]))
    return len(failed)


def _canaries(folder: Path, asked: argparse.Namespace, until: float | None) -> int:
    report = leaks.session(folder / "story", 8 if asked.full else 0, asked.systems)
    _say(
        f"canaries: {report.planted} secrets, {report.runs} runs of the command line with PROVISION_DEBUG=1 (ended "
        f"{', '.join(f'{n} with {s}' for s, n in sorted(report.by_status.items()))}), {report.characters:,} characters "
        f"and {report.files} files looked through; {len(report.failed)} found"
    )
    _say(*(f"  FOUND: {f}" for f in report.failed[:20]))
    return len(report.failed)


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)  # noqa: T201


_PARTS: dict[str, Callable[[Path, argparse.Namespace, float | None], int]] = {
    "kills": _kills,
    "reads": _reads,
    "apply": _applies,
    "limits": _limits,
    "canaries": _canaries,
}

if __name__ == "__main__":
    sys.exit(main())
