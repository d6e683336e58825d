"""No CI system that we know: somebody's machine, or one that only says CI=true."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.ci.context import CiRun


def recognise(environ: Mapping[str, str]) -> CiRun:
    """Always; it comes last."""
    ci = environ.get("CI", "").lower() in ("true", "1")
    return CiRun(system="CI" if ci else "", trusted=None if ci else True)
