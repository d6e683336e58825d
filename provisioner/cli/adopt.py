"""`provision adopt`: live access -> access files whose plan is empty but for taking over what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access


def adopt(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The target, or one instance of it.")],
    access: Access = DEFAULT_ACCESS,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Whose the doubtful accounts are: target,login,person.")
    ] = None,
    write_map: Annotated[
        Path | None,
        typer.Option("--write-map", metavar="FILE", help="Write the doubtful accounts as a map to fill in."),
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show what would be written, and write nothing.")] = False,
) -> int:
    """Write access files from a live system. Changes nothing there."""
    from provisioner.cli.adopting import run
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import InvalidFilesError

    try:
        return run(target, access, map_file, write_map, diff=diff)
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
