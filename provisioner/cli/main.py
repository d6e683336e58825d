"""The command line: `run` is what the command `provision` calls.

`--help` and `--version` are answered before Typer is loaded, and each command's own file is loaded when it is used.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from provisioner import __version__
from provisioner.cli import interrupts, process
from provisioner.cli.commands import page
from provisioner.cli.output import show, tell


def run() -> None:
    """Ends the process with the exit status."""
    # A run is short and keeps most of what it makes: looking for garbage as often as Python does by itself costs 3 %.
    gc.set_threshold(100_000, 20, 20)
    process.own()
    interrupts.install()
    interrupts.leave(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Runs one command and gives its exit status."""
    first = arguments[0] if arguments else None
    if first in ("--help", "-h"):
        return _said(page())
    if first == "--version":
        return _said(f"provision {__version__}\n")
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.trouble import explained

    if first is None:
        tell(page())
        return Exit.USAGE
    return explained(lambda: _dispatch(list(arguments)))


def _said(text: str) -> int:
    try:
        show(text)
    except Exception as error:  # noqa: BLE001 told like any other trouble, for which more must be loaded
        from provisioner.cli.trouble import failed

        return failed(error)
    return 0


def _dispatch(arguments: list[str]) -> int:
    from provisioner.cli.app import command

    status = command().main(args=arguments, prog_name="provision", standalone_mode=False)
    return int(status or 0)
