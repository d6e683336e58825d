"""What is said when a command raises: expected trouble as diagnostics, wrong usage, and our own bugs as bugs.

Expected trouble never shows a traceback. A bug's goes into a file that only its owner can read, or to the terminal with
PROVISION_DEBUG=1.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from provisioner import __version__
from provisioner.cli.exit_codes import Exit, of_error
from provisioner.cli.output import tell
from provisioner.diagnostics import Diagnostic, ProvisionError

if TYPE_CHECKING:
    from typer import TyperException

DEBUG = "PROVISION_DEBUG"


def explained(call: Callable[[], int]) -> int:
    """The exit status of `call`, which also has one where it raises; what it raises is told on stderr."""
    try:
        status = call()
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 the last resort, with an exit status for each
        return failed(error)
    if status == Exit.INTERRUPTED:
        tell("interrupted\n")
    return status


def failed(error: BaseException) -> int:
    """Tells of what was raised, and gives its exit status."""
    from typer import Abort, TyperException

    if isinstance(error, ProvisionError):
        from provisioner.report.colour import palette
        from provisioner.report.diagnostics import text

        tell(text(error.diagnostics, colours=palette(sys.stderr, os.environ)))
        return of_error(error)
    if isinstance(error, TyperException):
        return _usage(error)
    if isinstance(error, KeyboardInterrupt | Abort):
        tell("interrupted\n")
        return Exit.INTERRUPTED
    return _bug(error)


def _usage(error: TyperException) -> int:
    from provisioner.report.safe import safe

    context = getattr(error, "ctx", None)
    told = [] if context is None else [context.get_usage()]
    message = error.format_message().replace(": Value error, ", ": ")  # pydantic's own words, of a value it checked
    told.append(f"error: {safe(message)}")
    if context is not None:
        told.append(f"Try `{context.command_path} --help`.")
    tell("\n".join(told) + "\n")
    return Exit.USAGE


def _bug(error: BaseException) -> int:
    from provisioner.report.diagnostics import text
    from provisioner.report.safe import safe

    if os.environ.get(DEBUG):
        tell("".join(traceback.format_exception(error)))
        where = "please report it with the traceback above"
    else:
        where = _written(error)
    told = safe(f"{type(error).__name__}: {error}", 300)
    problem = Diagnostic(
        "bug",
        f"this is a bug in provision, not in your files: {told}",
        why=f"it met something that it was not made for (provision {__version__}, Python {platform.python_version()})",
        fix=f"{where}; what was done before it stands in the journal, and the next run goes on from there",
    )
    tell(text([problem]))
    return Exit.BUG


def _written(error: BaseException) -> str:
    """Puts the traceback into a new file that only we can read, and says where."""
    try:
        handle, path = tempfile.mkstemp(prefix="provision-bug-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"provision {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n")
            file.write("".join(traceback.format_exception(error)))
    except OSError:
        return f"please report it with the traceback, which {DEBUG}=1 shows"
    return f"please report it with {path}, which says where it happened"
