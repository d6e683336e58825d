"""How a figure is taken: whole processes, one after the other in turns, their seconds and their peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """What is run. `exit_status` is what it must end with; `says` must stand in what it prints."""

    arguments: Sequence[str]
    folder: Path
    environ: Mapping[str, str]
    exit_status: int = 0
    says: str = ""


@dataclass(frozen=True)
class Run:
    """One process, from its start to its end. `wall` and `cpu` are seconds, `peak` is MiB."""

    wall: float
    cpu: float
    peak: float


@dataclass
class Figure:
    """The runs of one command."""

    runs: list[Run] = field(default_factory=list)

    @property
    def wall(self) -> float:
        """Median, in seconds by the clock."""
        return statistics.median(r.wall for r in self.runs)

    @property
    def cpu(self) -> float:
        """Median, in seconds of CPU, its own and the system's for it."""
        return statistics.median(r.cpu for r in self.runs)

    @property
    def peak(self) -> float:
        """The most memory that any run held at a time (VmHWM), in MiB."""
        return max(r.peak for r in self.runs)


def run(command: Command) -> Run:
    """Raises RuntimeError where it did not do what it should."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            command.arguments, cwd=command.folder, env=dict(command.environ), stdout=out, stderr=errors
        )
        # wait4 tells what this one child took; its peak is at least what this process held when it forked, 40 MiB.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        said, complained = out.read().decode(), errors.read().decode()
    if process.returncode != command.exit_status or command.says not in said:
        told = f"{said[-1000:]}\n{complained[-3000:]}"
        raise RuntimeError(f"{' '.join(command.arguments)}: exit status {process.returncode}\n{told}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def in_turns(commands: Mapping[str, Command], repeat: int) -> dict[str, Figure]:
    """Each command once to warm the caches, then `repeat` times in turns, so that what else the machine does hits all
    alike."""
    figures = {name: Figure() for name in commands}
    for turn in range(repeat + 1):
        for name, command in commands.items():
            taken = run(command)
            if turn:
                figures[name].runs.append(taken)
    return figures
