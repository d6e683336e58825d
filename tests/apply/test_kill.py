"""kill -9 wherever it hurts: the next run finishes, and forgets nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_killed_at_every_boundary_the_next_run_converges(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.apply.kills", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["points"] >= 20
    assert report["sent"] >= 3 * report["points"], "each case did its three changes"
