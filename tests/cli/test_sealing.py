"""What one job seals for another: opened by its key alone, and only where it holds credentials and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioner.cli.sealing import new_key, seal, unseal
from provisioner.credentials import Secret
from provisioner.diagnostics import ProvisionError

ENDS = datetime(2026, 11, 28, 20, tzinfo=UTC)


def test_a_box_has_credentials_and_nothing_else(tmp_path: Path) -> None:
    key, box = tmp_path / "key", tmp_path / "box"
    public = new_key(key)
    seal(public, "abc", ENDS, {"PGUSER": "run_abc", "PATH": "/theirs"}, box)
    with pytest.raises(ProvisionError, match="no such file, or not whole"):
        unseal(box, key)
    assert key.exists(), "it can still open another"
    box.unlink()
    seal(public, "abc", ENDS, {"PGUSER": "run_abc", "PGPASSWORD": Secret("x"), "AWS_SESSION_TOKEN": "t"}, box)
    found = unseal(box, key)
    assert (found.run, found.ends, sorted(found.environ)) == (
        "abc",
        ENDS,
        ["AWS_SESSION_TOKEN", "PGPASSWORD", "PGUSER"],
    )
    assert not key.exists()
