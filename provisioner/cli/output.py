"""Writes to stdout (data) and stderr (everything else). A reader who goes away never stops a run that is under way."""

import os
import sys
from typing import TextIO


def show(text: str) -> None:
    """Data: what the command was asked for."""
    _write(sys.stdout, text)


def tell(text: str) -> None:
    """Everything else: progress, problems, counts."""
    _write(sys.stderr, text)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None or not text:  # None: closed by whoever started us
        return
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:  # a locale that cannot say it
        _write(stream, text.encode("ascii", "backslashreplace").decode())
    except BrokenPipeError:  # `provision plan | head`: nobody is listening any more
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except OSError as error:
        from provisioner.diagnostics import Diagnostic, ProvisionError

        raise ProvisionError(
            Diagnostic(
                "output-not-written",
                f"the output could not be written: {error.strerror}",
                why="what was printed so far is not all of it",
                fix="make room, or send the output somewhere else",
            )
        ) from None
