"""`provision init`: a starter `access/` and the CI workflows. It overwrites nothing and calls no system."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access

if TYPE_CHECKING:
    from provisioner.files.starter import Beginner

_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_FOLDER = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._/-]*")
_IGNORED = ".provision/"


class Pipeline(StrEnum):
    GITHUB = "github"
    CIRCLECI = "circleci"
    NONE = "none"


def init(
    access: Access = DEFAULT_ACCESS,
    ci: Annotated[
        Pipeline | None,
        typer.Option(
            "--ci",
            help="Whose workflows are written: by default CircleCI's where there is a .circleci folder and no .github, "
            "else GitHub's.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Write a starter access folder and the CI workflows. Overwrites nothing."""
    import secrets

    from provisioner import __version__
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.output import show
    from provisioner.files.starter import starter
    from provisioner.load.editor_schema import editor_schema
    from provisioner.load.files import find_top
    from provisioner.providers.catalog import all_providers
    from provisioner.report.machine import json_text

    top = find_top(access)
    folder = _folder(access, top)
    chosen = ci or _found(top)
    branch = _git(top, "symbolic-ref", "--short", "HEAD")
    made = starter(
        _whoever_runs_this(top),
        owner=secrets.token_hex(8),
        access=folder,
        schema=json_text(editor_schema(all_providers())),
        branch=branch if _BRANCH.fullmatch(branch) else "main",
        version=__version__,
        ci=None if chosen is Pipeline.NONE else chosen.value,
    )
    _refuse_to_overwrite(top, access, made)
    for name, text in made.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    written = [*sorted(made), *_ignore(top)]
    option = "" if folder == "access" else f" --access {folder}"
    show("".join(f"wrote {name}\n" for name in written))
    show(f"\nNext: look at {folder}/targets.yaml, then `provision validate{option}` and `provision plan{option}`.\n")
    return Exit.DONE


def _found(top: Path) -> Pipeline:
    """The CI system that the repository uses already, as far as its folders say."""
    uses_circleci = (top / ".circleci").is_dir() and not (top / ".github").is_dir()
    return Pipeline.CIRCLECI if uses_circleci else Pipeline.GITHUB


def _whoever_runs_this(top: Path) -> Beginner:
    import getpass

    from provisioner.files.starter import beginner

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        user = ""
    return beginner(_git(top, "config", "user.name"), _git(top, "config", "user.email"), user)


def _git(folder: Path, *arguments: str) -> str:
    """What git says, or nothing where it has nothing to say."""
    from provisioner.load import git

    return (git.run(folder, *arguments) or "").strip()


def _folder(access: Path, top: Path) -> str:
    """The access folder as the repository calls it."""
    import os

    from provisioner.diagnostics import Diagnostic, ProvisionError

    folder = Path(os.path.relpath(access.absolute(), top)).as_posix()
    if not _FOLDER.fullmatch(folder) or folder.startswith("..") or folder == ".":
        raise ProvisionError(
            Diagnostic(
                "option-value",
                f"the access files cannot be begun in {access}",
                why="they lie in a folder of their own inside the repository, of plain letters: it stands in commands",
                fix="leave --access out, or name such a folder",
            )
        )
    return folder


def _refuse_to_overwrite(top: Path, access: Path, made: dict[str, str]) -> None:
    from provisioner.diagnostics import Diagnostic, ProvisionError

    there = [name for name in sorted(made) if (top / name).exists()]
    if access.is_dir() and any(access.rglob("*.yaml")):
        there.append(f"{access}/")
    if there:
        raise ProvisionError(
            Diagnostic(
                "file-exists",
                f"there is something already: {', '.join(there)}",
                why="`init` begins from nothing, and overwrites nothing",
                fix="move it away, or go on with what is there",
            )
        )


def _ignore(top: Path) -> list[str]:
    """Keeps local records out of git. What stands in .gitignore stays."""
    path = top / ".gitignore"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if any(line.strip().strip("/") == _IGNORED.strip("/") for line in before.splitlines()):
        return []
    gap = "" if not before or before.endswith("\n") else "\n"
    path.write_text(f"{before}{gap}{_IGNORED}\n", encoding="utf-8")
    return [".gitignore"]
