"""Bamboo: variables, which a run that somebody starts by its API may set as they please."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.ci.context import CiRun, address, plain


def recognise(environ: Mapping[str, str]) -> CiRun | None:
    key = environ.get("bamboo_buildResultKey", "")
    if not key:
        return None
    who = plain(environ.get("bamboo_ManualBuildTriggerReason_userName"))
    return CiRun(
        system="Bamboo",
        who=who,
        commit=plain(environ.get("bamboo_planRepository_revision")),
        url=address(environ.get("bamboo_resultsUrl")),
    )
