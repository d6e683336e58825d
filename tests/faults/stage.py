"""Where the story is played: servers in their saved state, proxies before them, a repository, and the engine.

A case runs in a process forked from the stage, so that the embedded servers begin each case with what was saved, byte
for byte; a real server is set back before.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from tests.faults.engine import AtRecord, Ended, Engine
from tests.faults.proxy import Log, Proxy
from tests.faults.script import Script, nothing
from tests.faults.story import Story
from tests.faults.systems import TOGETHER, System, made
from tests.faults.wire import Call

T = TypeVar("T")
APPLY = ("apply",)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command line: how it ended, what came over the wire meanwhile, which journal records it wrote."""

    arguments: tuple[str, ...]
    ended: Ended
    calls: tuple[Call, ...]
    records: Mapping[str, tuple[int, int]]
    """By target: the newest record's number before, and after."""


@dataclass
class Play:
    """One case, in its own process: servers that serve, proxies, and all runs so far."""

    systems: tuple[System, ...]
    proxies: dict[str, Proxy]
    root: Path
    engine: Engine
    story: Story
    environment: dict[str, str]
    before: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def run(
        self,
        *arguments: str,
        scripts: Mapping[str, Script] | None = None,
        die: AtRecord | None = None,
        files: int | None = None,
        fresh: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Run the command line once; `scripts` by system."""
        log = next(iter(self.proxies.values())).log
        begun, heights = len(log.calls), self.heights()
        for name, proxy in self.proxies.items():
            proxy.begin((scripts or {}).get(name, nothing), process=len(self.runs) + 1)
            proxy.kill = self.engine.kill
        self.engine.start(
            arguments, self.root, {**self.environment, **(environment or {})}, die=die, files=files, fresh=fresh
        )
        ended = self.engine.wait()
        for proxy in self.proxies.values():
            proxy.settle()
        after = self.heights()
        made = Run(arguments, ended, tuple(log.calls[begun:]), {t: (heights[t], after[t]) for t in after})
        self.runs.append(made)
        return made

    def heights(self) -> dict[str, int]:
        return {s.name: height(self.root, s.name) for s in self.systems}

    @property
    def calls(self) -> list[Call]:
        return [c for run in self.runs for c in run.calls]


def height(root: Path, target: str) -> int:
    """How many records the target's chain has on disk."""
    try:
        names = os.listdir(chain_folder(root, target))  # noqa: PTH208 - called for each request
    except FileNotFoundError:
        return 0
    return max((int(n[:8]) for n in names if n[:8].isdigit() and n.endswith(".json")), default=0)


def chain_folder(root: Path, target: str) -> Path:
    return root / ".provision" / "journal" / quote(target, safe="").replace(".", "%2E")


class Stage:
    """Servers, repository and story in their saved state. `records` is added to the files' `records:`."""

    def __init__(
        self,
        folder: Path,
        story: Story,
        systems: Iterable[System] | None = None,
        *,
        records: str = "",
        clock: float = 1.0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.story, self.records = folder, story, records
        self.root = folder / "repository"
        self.systems = made(TOGETHER[0]) if systems is None else tuple(systems)
        self.engine = Engine(folder / "said", [s.name for s in self.systems], clock=clock)

    def __enter__(self) -> Stage:
        for system in self.systems:
            system.start(self.folder)
            system.seed(self.story)
        self._begin()
        for system in self.systems:
            system.save()
        self.story.write(self.root, self.systems, after=True, records=self.records)
        self._commit("what is to be applied")
        shutil.copytree(self.root / ".provision", self.folder / "kept-journal")
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.stop()
        for system in self.systems:
            system.stop()

    def _begin(self) -> None:
        """What the servers hold is what the files of the beginning say: an apply has nothing to do, and says so."""
        self.root.mkdir()
        self._git("init", "--quiet", "--initial-branch=main")
        self.story.write(self.root, self.systems, after=False, records=self.records)
        self._commit("the beginning")
        environment: dict[str, str] = dict(self._base())
        for system in self.systems:
            environment |= system.environment(system.upstream[1])
        self.engine.start(APPLY, self.root, environment)
        ended = self.engine.wait()
        if ended.status != 0 or any(height(self.root, s.name) != 1 for s in self.systems):
            raise RuntimeError(f"the beginning is not as the files say ({ended.status}):\n{ended.out}\n{ended.err}")

    def case(self, play: Callable[[Play], T]) -> T:
        """What `play` returns, of a case in a process of its own that began with the saved state."""
        for system in self.systems:
            system.restore()
        shutil.rmtree(self.root / ".provision", ignore_errors=True)
        shutil.copytree(self.folder / "kept-journal", self.root / ".provision")
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            self._child(play, writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read()
        _, status = os.waitpid(child, 0)
        if not told:
            raise RuntimeError(f"the case ended without a word ({os.waitstatus_to_exitcode(status)})")
        ok, found = pickle.loads(told)  # noqa: S301 - of our own child
        if not ok:
            raise AssertionError(found)
        result: T = found
        return result

    def _child(self, play: Callable[[Play], Any], writing: int) -> None:
        try:
            try:
                with ExitStack() as stack:
                    told = (True, play(self._play(stack)))
            except BaseException:  # noqa: BLE001 - told to the parent, which raises
                told = (False, traceback.format_exc())
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(told, pipe)
        finally:
            os._exit(0)

    def _play(self, stack: ExitStack) -> Play:
        log, proxies = Log(), {}
        environment = self._base()
        for system in self.systems:
            system.serve()
            proxy = stack.enter_context(Proxy(system.name, system.wire, system.upstream, log))
            proxy.records = lambda name=system.name: height(self.root, name)  # type: ignore[misc]
            proxies[system.name] = proxy
            environment |= system.environment(proxy.port)
        play = Play(self.systems, proxies, self.root, self.engine, self.story, environment)
        play.before = {s.name: s.foreign(self.story.logins) for s in self.systems}
        return play

    def _base(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", "TZ": "UTC"}

    def _commit(self, words: str) -> None:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", words)

    def _git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True)


def waited(since: float) -> float:
    return time.monotonic() - since


def parsed(run: Run) -> Any:
    """The JSON that a run printed."""
    return json.loads(run.ended.out)
