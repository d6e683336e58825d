"""CloudBees CD/RO: variables of a job step, or of a pipeline's task. They do not say who started it."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.ci.context import CiRun


def recognise(environ: Mapping[str, str]) -> CiRun | None:
    if not environ.get("COMMANDER_SERVER") or not (
        environ.get("COMMANDER_JOBID") or environ.get("COMMANDER_FLOWRUNTIMEID")
    ):
        return None
    return CiRun(system="CloudBees CD/RO")
