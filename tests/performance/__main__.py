"""All figures of docs/performance.md in one go, as a table.

    python -m tests.performance [--people 10000] [--repeat 5] [--only help,validate,plan,calls]

Takes a few minutes and needs slapd. It builds the wheel of this checkout and runs what is in it, with compiled bytecode
and through its entry point, as an installation would. Nothing here judges: it prints what was measured beside the aim.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.performance.company import Company
from tests.performance.figures import Command, Figure, in_turns, run
from tests.performance.systems import PAGE, Calls, Systems
from tests.rigs.slapd import slapd_missing_reason

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("help", "validate", "plan", "calls")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--people", type=int, default=10_000)
    options.add_argument("--repeat", type=int, default=5)
    options.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    chosen = options.parse_args()
    parts = chosen.only.split(",")
    if (reason := slapd_missing_reason()) is not None and {"plan", "calls"} & set(parts):
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench.of_wheel(Path(scratch), chosen.people, chosen.repeat)
        rows = [row for part in PARTS if part in parts for row in getattr(bench, part)()]
    print(table(chosen.people, chosen.repeat, rows))  # noqa: T201 - a script


Row = tuple[str, str, str, str, str]
"""What, ours, beside what, the ratio, the aim."""


def table(people: int, repeat: int, rows: list[Row]) -> str:
    head = ("what", "ours", "beside", "ratio or more", "aim")
    told = [f"{people:,} people; medians of {repeat}, taken in turns; Python {sys.version.split()[0]}", ""]
    told += ["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)]
    return "\n".join(told)


class Bench:
    """Each method takes one part of the figures. All share one company and one installation: `provision` is the
    command, `path` where Python finds the package."""

    def __init__(self, scratch: Path, people: int, repeat: int, provision: Sequence[str], path: Path) -> None:
        self._scratch, self._people, self._repeat, self._command, self._path = scratch, people, repeat, provision, path
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(scratch), "PYTHONPATH": str(path)}

    @classmethod
    def of_wheel(cls, scratch: Path, people: int, repeat: int) -> Bench:
        """Of what is installed from this checkout's wheel: compiled, with its entry point."""
        site = _installed(scratch / "site")
        return cls(scratch, people, repeat, [str(site / "bin" / "provision")], site)

    def help(self) -> Iterator[Row]:
        """The entry point beside an interpreter that does nothing."""
        commands = {
            "ours": Command(self._provision("--help"), self._scratch, self._environ, says="Usage: provision"),
            "pass": Command([sys.executable, "-c", "pass"], self._scratch, self._environ),
        }
        found = in_turns(commands, 4 * self._repeat)
        yield _row("`provision --help`", found["ours"], "`python -c pass`", found["pass"], "at most 6.5")

    def validate(self) -> Iterator[Row]:
        """The command beside CSafeLoader and pydantic."""
        repository = self._repository(Company(self._people))
        bare = "import sys, pathlib, tests.performance.bench_validate as b; b.reference(pathlib.Path(sys.argv[1]))"
        environ = {**self._environ, "PYTHONPATH": os.pathsep.join((str(self._path), str(ROOT)))}
        commands = {
            "ours": Command(self._provision("validate"), repository, self._environ),
            "bare": Command([sys.executable, "-c", bare, str(repository)], repository, environ),
        }
        found = in_turns(commands, self._repeat)
        yield _row("`provision validate`", found["ours"], "CSafeLoader + pydantic", found["bare"], "at most 0.75")
        yield _memory("peak memory of `validate`", found)

    def plan(self) -> Iterator[Row]:
        """A plan without changes beside bare bulk reads of the same servers."""
        company = Company(self._people)
        repository = self._repository(company)
        with Systems.of(company, self._scratch / "systems", ROOT) as systems:
            environ = {**self._environ, **systems.environ}
            self._converge(repository, environ)
            ours = Command(self._provision("plan", "--detailed-exitcode"), repository, environ, says="Nothing to do.")
            bare = Command(systems.bare(), repository, {**self._environ, **systems.member})
            for delay in (0.0, 0.1):
                systems.delay(delay)
                found = in_turns({"ours": ours, "bare": bare}, self._repeat)
                slow = f", {delay * 1000:.0f} ms a call of AWS" if delay else ""
                what = f"`provision plan`, nothing to do{slow}"
                yield _row(what, found["ours"], "bare reads by ldap3 and botocore", found["bare"], "at most 1.25")
                if not delay:
                    yield _memory("peak memory of `plan`", found)

    def calls(self) -> Iterator[Row]:
        """What a plan asks of the servers, beside the least that has every entry; and beside that of half as many."""
        ours, least = self.count(self._people)
        for name in ("LDAP", "AWS"):
            told = ", ".join(f"{number} {kind}" for kind, number in sorted(ours.of(name).items()))
            spent, needed = ours.total(name), least.total(name)
            yield f"requests of `plan`, {name}", f"{spent} ({told})", str(needed), f"{spent - needed:+d}", "at most +2"
        few, twice = PAGE // 3, PAGE // 3 * 2
        small, double = self.count(few)[0], self.count(twice)[0]
        more = {name: double.total(name) - small.total(name) for name in ("LDAP", "AWS")}
        what = f"requests of `plan`, {twice} people instead of {few}"
        yield what, f"{more['LDAP']:+d} LDAP, {more['AWS']:+d} AWS", "0", f"{sum(more.values()):+d}", "+0"

    def count(self, people: int) -> tuple[Calls, Calls]:
        """The requests of a plan with nothing to do, and the least."""
        company = Company(people)
        repository = self._repository(company)
        with Systems.of(company, self._scratch / f"counted-{people}", ROOT) as systems:
            environ = {**self._environ, **systems.environ}
            self._converge(repository, environ)
            systems.calls()
            run(Command(self._provision("plan", "--detailed-exitcode"), repository, environ, says="Nothing to do."))
            return systems.calls(), systems.least()

    # What they stand on

    def _provision(self, *arguments: str) -> list[str]:
        return [*self._command, *arguments]

    def _repository(self, company: Company) -> Path:
        """The company's access files, committed; the journal lies beside the repository."""
        top = self._scratch / f"repository-{company.people}"
        if not top.exists():
            top.mkdir()
            company.write(top, str(self._scratch / f"journal-{company.people}"))
            for words in ("init -q", "add access", "-c user.name=x -c user.email=x@example.com commit -q -m access"):
                subprocess.run(["git", *words.split()], cwd=top, env=self._environ, check=True)
        return top

    def _converge(self, repository: Path, environ: dict[str, str]) -> None:
        """One apply, which finds nothing to do and says so in the journal."""
        run(Command(self._provision("apply"), repository, environ, says="Nothing to do."))


def _installed(site: Path) -> Path:
    """This checkout's wheel in a folder of its own, as pip installs it: compiled, with its entry point."""
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
        wheel = next(Path(folder).glob("*.whl"))
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
        subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    return site


def _row(what: str, ours: Figure, beside: str, bare: Figure, aim: str) -> Row:
    ratio = f"{ours.wall / bare.wall:.2f} (CPU {ours.cpu / bare.cpu:.2f})"
    return what, _seconds(ours), f"{_seconds(bare)} {beside}", ratio, aim


def _seconds(figure: Figure) -> str:
    if figure.wall < 1:
        return f"{figure.wall * 1000:.0f} ms"
    return f"{figure.wall:.2f} s"


def _memory(what: str, found: dict[str, Figure]) -> Row:
    ours, bare = found["ours"].peak, found["bare"].peak
    return what, f"{ours:.0f} MiB", f"{bare:.0f} MiB", f"{ours / bare:.2f}", ""


if __name__ == "__main__":
    main()
