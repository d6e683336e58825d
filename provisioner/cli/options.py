"""Options that several commands share, so that they are called and explained the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Access = Annotated[Path, typer.Option("--access", metavar="DIR", help="The folder of the access files.")]
TargetName = Annotated[
    str | None,
    typer.Option("--target", metavar="T", help="Only this target, or all instances of it."),
]
PersonName = Annotated[
    str | None,
    typer.Option("--person", metavar="P", help="Only this person or service, declared or gone."),
]
BaseRevision = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="REV",
        help="What judges the change: in a pull request its merge base, whose targets are then called; on a merge the "
        "branch before it.",
    ),
]
ChangeRevision = Annotated[
    str | None,
    typer.Option(
        "--change",
        metavar="REV",
        help="Not the files at hand, but those that a merge of REV onto the base (or else HEAD) would make; read from "
        "git, never checked out.",
    ),
]
DEFAULT_ACCESS = Path("access")


def check_said(**options: str | None) -> None:
    """That none of these is given and empty: that is a variable which is not set, and not a name."""
    for name, said in options.items():
        if said is not None and not said.strip():
            raise typer.BadParameter(f"--{name.replace('_', '-')} is empty")


class ProblemFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class CheckFormat(StrEnum):
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    CODE_QUALITY = "codequality"


class PlanFormat(StrEnum):
    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    CODE_QUALITY = "codequality"
