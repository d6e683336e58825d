"""64 canary secrets in environment, settings, directory attributes and keys, through every command and every kind of
trouble, at the highest verbosity: none may be found in what is said, journalled, planned, written or traced back."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests import canaries
from tests.faults.script import Drawn, Kind, Script
from tests.faults.stage import Play, Stage
from tests.faults.story import Story
from tests.faults.systems import TOGETHER, made

STORY = Story(1, stay=2)
_DEBUG = {"PROVISION_DEBUG": "1"}
_LOOKING = (
    ("validate",),
    ("validate", "--format", "json"),
    ("plan",),
    ("plan", "--format", "json"),
    ("plan", "--format", "markdown"),
    ("status",),
    ("explain", "mover00"),
    ("who",),
    ("receipt", "leaver00"),
    ("schema",),
)
_TROUBLE = {
    Kind.ERROR: 2, Kind.BUSY: 1, Kind.UNAVAILABLE: 1, Kind.REFUSE: 2, Kind.LOSE: 2, Kind.CUT: 3, Kind.SPOIL: 8,
}  # fmt: skip


@dataclass(slots=True)
class Report:
    """`runs` of the command line, `by_status` how they ended, `files` and characters looked through."""

    planted: int = 0
    runs: int = 0
    files: int = 0
    characters: int = 0
    by_status: dict[int, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def session(folder: Path, seeds: int = 3, systems: Sequence[str] = TOGETHER[0]) -> Report:
    """The whole story; `seeds` is how many times every command meets random trouble: none is the short story."""
    secrets = (canaries.secret(n) for n in itertools.count(16))
    stage = Stage(folder, STORY, made(systems))
    with stage:
        planted = [canaries.secret(n) for n in range(16)]
        return stage.case(lambda play: _play(play, folder, planted, secrets, seeds))


def _play(play: Play, folder: Path, planted: list[str], secrets: Iterator[str], seeds: int) -> Report:
    for system in play.systems:
        planted += system.plant(secrets, play.story.logins)
    wrong_password = canaries.secret(canaries.COUNT - 1)
    planted.append(wrong_password)
    report = Report()
    temporary = folder / "tmp"
    temporary.mkdir()
    for system in play.systems:
        play.environment |= system.environment(play.proxies[system.name].port)
    play.environment |= {**canaries.in_the_environment(), **_DEBUG, "TMPDIR": str(temporary)}
    made = [s for s in planted if not s.startswith(canaries.secret(0)[:6])]

    def run(*arguments: str, **more: object) -> None:
        ended = play.run(*arguments, **more).ended  # type: ignore[arg-type]
        report.runs += 1
        report.characters += len(ended.out) + len(ended.err)
        report.by_status[ended.status] = report.by_status.get(ended.status, 0) + 1
        told = " ".join(arguments)
        found = canaries.in_texts({f"stdout of `{told}`": ended.out, f"stderr of `{told}`": ended.err}, made)
        report.failed += found

    looking = (*_LOOKING, *(("adopt", system.name, "--diff") for system in play.systems))
    for arguments in looking:
        run(*arguments)
    planted += _in_files(run, folder / "wrong")
    report.planted = len(set(planted))
    _refused(run, play, wrong_password, (*looking[2:5], looking[-1]) if seeds else looking[2:3])
    _out_of_files(run, (3, 4, 5, 6, 7, 8, 10, 12) if seeds else (4, 7))
    _troubled(run, play, seeds, (*looking[2:9], *looking[10:]))
    run("plan", "--out", "last.plan")
    run("apply", "last.plan")
    run("apply")
    run("expire")
    paths = [*canaries.left_behind(play.root), *canaries.left_behind(temporary)]
    report.files = len(paths)
    report.failed += canaries.in_files(paths, made)
    return report


def _in_files(run: Callable[..., None], folder: Path) -> list[str]:
    """Two secrets that somebody wrote into the files: a mistake that is told, with its line. And which they are."""
    written = [canaries.secret(n) for n in (canaries.COUNT - 3, canaries.COUNT - 2)]
    password, in_url = (json.dumps(s) for s in written)
    folder.mkdir()
    (folder / "targets.yaml").write_text(
        f"records: {{owner: 5f1c0a2b}}\ntargets:\n  corp:\n    provider: ldap\n    password: {password}\n"
        f"    url: ldap://admin:{in_url[1:-1]}@ldap.example.com\n    bind_dn: [wrong, {{password: {password}}}]\n",
        encoding="utf-8",
    )
    for more in ((), ("--format", "json")):
        run("validate", "--access", str(folder), *more)
        run("plan", "--access", str(folder), *more)
    return written


def _refused(run: Callable[..., None], play: Play, wrong: str, looking: tuple[tuple[str, ...], ...]) -> None:
    """Connections that nobody takes, and credentials that nobody knows: then they are what the trouble is about."""
    for proxy in play.proxies.values():
        proxy.down = True
    for arguments in (*looking, ("apply",)):
        run(*arguments, environment={"AWS_MAX_ATTEMPTS": "1"})
    for proxy in play.proxies.values():
        proxy.down = False
    for broken in (each for system in play.systems for each in system.broken(wrong)):
        for arguments in (*looking, ("apply",)):
            run(*arguments, environment={"AWS_MAX_ATTEMPTS": "1", **broken})


def _out_of_files(run: Callable[..., None], limits: tuple[int, ...]) -> None:
    """What nobody is prepared for: the traceback is shown, or written to a file."""
    for files in limits:
        run("plan", files=files)
        run("plan", files=files, environment={"PROVISION_DEBUG": ""})


def _troubled(run: Callable[..., None], play: Play, seeds: int, looking: tuple[tuple[str, ...], ...]) -> None:
    for seed in range(seeds):
        rate = Random(seed).choice((0.1, 0.4, 1.0))
        for arguments in (*looking, ("apply",)):
            scripts: dict[str, Script] = {
                s.name: Drawn(seed, rate, _TROUBLE, _TROUBLE, spoils={s.name: (*s.wire.spoils, *s.silent)})
                for s in play.systems
            }
            run(*arguments, scripts=scripts, environment={"AWS_MAX_ATTEMPTS": "1"})
