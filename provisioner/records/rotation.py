"""The body of a `rotate` record: one step of a rotation. It holds public ids, never a secret."""

from __future__ import annotations

from typing import Any

from provisioner.model.rotation import Phase, Turn
from provisioner.records.record import plain_text

Json = dict[str, Any]


def rotation_body(credential: str, identity: str, turn: Turn, phase: Phase, **more: Any) -> Json:
    """One record. `more`: `id`, `login`, `before`, `after`, `to`, `made`, `why`, `proof`."""
    told = {k: plain_text(v) if k in ("why", "proof") else v for k, v in more.items()}
    return {"credential": credential, "identity": identity, "step": turn.value, "phase": phase.value, **told}
