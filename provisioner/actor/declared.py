"""What the applied files say of a CI system: which pipeline a run is of, and where its API is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from provisioner.actor.calls import variable
from provisioner.model.access import DeclaredAccess
from provisioner.model.target import Target


def pipeline_of(declared: DeclaredAccess, key: str, target: Target, names: Collection[str]) -> str:
    """The entry under `pipelines:` for a repository by one of its names, on `target` (under `key`); empty where there
    is none."""
    for name, said in declared.pipelines.data.items():
        if not isinstance(said, Mapping) or said.get("repository", name) not in names:
            continue
        if said.get(key, target.family) in (target.family, target.name):
            return str(name)
    return ""


def api_url(target: Target, usual: str, environ: Mapping[str, str], what: str) -> str:
    """The address of a target's API, as the files have it."""
    said: Any = target.settings.data.get("api_url", usual)
    return variable(environ, str(said.get("env")), what) if isinstance(said, Mapping) else str(said)
