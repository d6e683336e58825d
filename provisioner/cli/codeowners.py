"""`provision codeowners`: the owners of access files, as far as paths can say, for GitHub's CODEOWNERS file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access

if TYPE_CHECKING:
    from provisioner.diagnostics import Diagnostic
    from provisioner.model.access import DeclaredAccess
    from provisioner.model.target import Target


def codeowners(
    access: Access = DEFAULT_ACCESS,
    target: Annotated[
        str | None, typer.Option("--target", metavar="T", help="The GitHub target whose logins and teams are meant.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare with the file; 1 if it says something else.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Put the lines into the file, keeping its others.")] = False,
) -> int:
    """Print who owns which access file, as lines of a CODEOWNERS file."""
    from provisioner.ask.codeowners import codeowners as answer
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.files import blocking, read_files
    from provisioner.cli.output import show, tell
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import now
    from provisioner.load.contents import contents
    from provisioner.load.files import find_top
    from provisioner.report import diagnostics as report
    from provisioner.report.colour import palette

    loaded = read_files(access)
    if blocking(loaded):
        return tell_invalid(loaded)
    entries = contents(loaded.files, loaded.folder)
    found = answer(loaded.declared, entries, loaded.folder, _forge(loaded.declared, target), now())
    sources = report.Sources(loaded.files, loaded.folder)
    tell(report.text(found.notes, sources, colours=palette(sys.stderr, os.environ)))
    if not check and not write:
        show(found.text())
        return Exit.DONE
    top = find_top(access)
    if write:
        tell(f"wrote {_write(top, found.text())}\n")
        return Exit.DONE
    wrong = _differences(top, found.text())
    show(report.text(wrong, colours=palette(sys.stdout, os.environ)))
    tell(f"{report.count(wrong)}\n")
    return Exit.FILES if wrong else Exit.DONE


def _forge(declared: DeclaredAccess, name: str | None) -> Target:
    from provisioner.diagnostics import Diagnostic, ProvisionError
    from provisioner.load.display import several

    known = {t.name: t for t in declared.targets.values() if t.provider == "github"}
    found = [t for t in known.values() if name in (None, t.name, t.family)]
    if len(found) == 1:
        return found[0]
    raise ProvisionError(
        Diagnostic(
            "which-forge",
            f"{several(sorted(known))} are targets of GitHub, and it is not said which one is meant"
            if len(known) > 1
            else "no target of the provider `github` is declared"
            if not known
            else f"no GitHub target is named `{name}`",
            why="CODEOWNERS names logins and teams, and these are known by a target",
            fix=f"say it: `--target {sorted(known)[0]}`" if known else "declare the organization as a target",
        )
    )


def _found(top: Path) -> Path | None:
    from provisioner.files.codeowners import PLACES

    return next((top / place for place in PLACES if os.path.lexists(top / place)), None)


def _read(path: Path) -> str:
    from provisioner.diagnostics import Diagnostic, Location, ProvisionError

    if path.is_symlink() or not path.is_file():
        raise ProvisionError(
            Diagnostic(
                "not-a-file",
                "the path is not a regular file",
                location=Location(path.name),
                why="GitHub follows no link, and nothing is written through one",
                fix="put the file itself there",
            )
        )
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def _write(top: Path, lines: str) -> str:
    """Writes our lines, at the end of the file that counts, and gives its path."""
    from provisioner.files.codeowners import PLACES, with_block

    path = _found(top) or top / PLACES[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = with_block(_read(path) if os.path.lexists(path) else "", lines)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return path.relative_to(top).as_posix()


def _differences(top: Path, lines: str) -> list[Diagnostic]:
    from provisioner.diagnostics import Diagnostic, Location
    from provisioner.files.codeowners import PLACES, block_of, overrides

    path = _found(top)
    text = _read(path) if path is not None else ""
    shown = path.relative_to(top).as_posix() if path is not None else PLACES[0]
    fix = "run `provision codeowners --write`"
    if block_of(text) != lines:
        return [
            Diagnostic(
                "codeowners-differ",
                f"{shown} does not say what the access files say about owners",
                location=Location(shown, _line(text, lines)),
                why="GitHub asks those whom the file names, and not those whom the access files name",
                fix=fix,
            )
        ]
    return [
        Diagnostic(
            "codeowners-overridden",
            "a line behind those of provision counts instead of them",
            location=Location(shown, number),
            why="of a CODEOWNERS file the last line that fits a path counts",
            fix=f"move it above them, or {fix}",
        )
        for number in overrides(text)
    ]


def _line(text: str, lines: str) -> int:
    """The first line of ours that differs."""
    from provisioner.files.codeowners import BEGIN, END, block_of

    block = block_of(text)
    if block is None:
        return max(len(text.splitlines()), 1)
    begins = next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith(BEGIN.partition(" (")[0]))
    have, want = [*block.splitlines(), END], [*lines.splitlines(), END]
    return begins + 1 + next((n for n, (a, b) in enumerate(zip(have, want, strict=False)) if a != b), 0)
