"""Which CI system runs us: each is asked in turn, and what a person set for us beats what a system says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from provisioner.ci import bamboo, circleci, cloudbees, github_actions, gitlab, jenkins, local
from provisioner.ci.context import CiRun, told_approvers, told_pull_request

_SYSTEMS = (github_actions, gitlab, circleci, jenkins, bamboo, cloudbees)


def this_run(environ: Mapping[str, str]) -> CiRun:
    """The run that we are in; its `system` is empty on somebody's own machine."""
    found = next((run for each in _SYSTEMS if (run := each.recognise(environ)) is not None), None)
    run = found or local.recognise(environ)
    return replace(
        run,
        pull_request=told_pull_request(environ) or run.pull_request,
        approvers=told_approvers(environ),
    )
