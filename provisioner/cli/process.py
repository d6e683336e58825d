"""Whether this process is one run of `provision` and nothing else: then the kernel may end it when its lock is lost.

A test, or a program that calls `main` as a function, is never ended by us.
"""

from __future__ import annotations

import os
import sys

_OWN = False


def own() -> None:
    """Called once, by what starts the command line in a process of its own."""
    global _OWN
    _OWN = True
    _open_standard()


def _open_standard() -> None:
    """Where whoever started us closed a standard stream (`>&-`), what is opened next would get its number: the journal
    could become the stdout of a command."""
    for number, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:  # the lower ones are open by now, so that it is the number
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def is_own() -> bool:
    return _OWN
