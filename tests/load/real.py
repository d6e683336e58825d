"""Access files that are read with the providers and stores that the product has, unlike those of `tiny.py`."""

from __future__ import annotations

from pathlib import Path

from provisioner.load import Loaded, load_access
from provisioner.providers import catalog


def load(folder: Path, text: str) -> Loaded:
    """The text as access/all.yaml of `folder`, beside what lies there. Each problem says where, why, what to do."""
    access = folder / "access"
    access.mkdir(exist_ok=True)
    (access / "all.yaml").write_text(text)
    loaded = load_access(access, root=folder, providers=catalog.all_providers(), stores=catalog.all_stores())
    assert all(d.location is not None and d.why and d.fix for d in loaded.diagnostics)
    return loaded
