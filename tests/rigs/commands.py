"""The command line in processes of their own, forked from one that has loaded everything: a run would otherwise spend
most of its time on what it imports. Where the start of Python is part of the story, a test starts it itself.
"""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.faults.engine import Ended, Engine

COMMAND = "from provisioner.cli.main import run; run()"
"""The command line as Python's `-c` has it, for tests that start it themselves."""


def run_command(words: Sequence[str], folder: Path, environ: Mapping[str, str], patience: float = 120) -> Ended:
    """One run, in `folder`, with these environment variables and no others."""
    engine = _engine()
    engine.start(words, folder, environ)
    ended = engine.wait(patience)
    assert "Traceback" not in ended.err, ended.err
    return ended


@cache
def _engine() -> Engine:
    """Of this test process."""
    folder = tempfile.TemporaryDirectory(prefix="engine-")
    made = Engine(Path(folder.name))
    atexit.register(folder.cleanup)
    atexit.register(made.stop)
    return made
