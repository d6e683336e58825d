"""GitHub Actions: variables, and the file of the event that started the run.

A re-run keeps the actor of the first run, so who pressed the button again is told beside them. The actor of a schedule
is whoever last touched its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.ci.context import CiRun, PullRequest, address, plain, pull_request

_LONGEST_EVENT = 16 * 1024 * 1024
_QUEUE = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-([0-9]+)-[0-9a-f]+\Z")
_UNTRUSTED = frozenset({"pull_request_target", "workflow_run", "issue_comment"})
"""Events that run the base's workflow for what anybody may have sent."""


def recognise(environ: Mapping[str, str]) -> CiRun | None:
    if environ.get("GITHUB_ACTIONS") != "true":
        return None
    event, about = plain(environ.get("GITHUB_EVENT_NAME")), _event(environ)
    return CiRun(
        system="GitHub Actions",
        who=_who(environ, event),
        commit=plain(environ.get("GITHUB_SHA")),
        event=event,
        url=_url(environ),
        pull_request=_pull_request(environ, about),
        trusted=_trusted(event, about),
        head=_head(about),
        fork=_fork(about),
    )


def _who(environ: Mapping[str, str], event: str) -> str:
    actor, again = plain(environ.get("GITHUB_ACTOR")), plain(environ.get("GITHUB_TRIGGERING_ACTOR"))
    if event == "schedule":
        return f"a schedule ({actor} edited it last)" if actor else "a schedule"
    return f"{actor}, run again by {again}" if again and again != actor else actor


def _url(environ: Mapping[str, str]) -> str:
    server, repository, run = (environ.get(f"GITHUB_{n}", "") for n in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return address(f"{server}/{repository}/actions/runs/{run}") if server and repository and run else ""


def _event(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """What happened, as the runner wrote it down; nothing where that cannot be read."""
    path = environ.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    try:
        with Path(path).open("rb") as file:
            found = json.loads(file.read(_LONGEST_EVENT))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _pull_request(environ: Mapping[str, str], about: Mapping[str, Any]) -> PullRequest | None:
    found = about.get("pull_request")
    if isinstance(found, dict):
        return pull_request(found.get("number"), found.get("html_url"))
    queued = _QUEUE.match(environ.get("GITHUB_REF", ""))
    return pull_request(queued[1]) if queued else None


def _trusted(event: str, about: Mapping[str, Any]) -> bool | None:
    if event in _UNTRUSTED:
        return False
    if about.get("pull_request") is None:
        return None if event == "pull_request" else True
    fork = _fork(about)
    return None if fork is None else not fork


def _head(about: Mapping[str, Any]) -> str:
    try:
        return plain(about["pull_request"]["head"]["sha"])
    except (KeyError, TypeError):
        return ""


def _fork(about: Mapping[str, Any]) -> bool | None:
    """Whether the branch is another repository's; a fork that is gone is one too."""
    try:
        change = about["pull_request"]
        head, base = change["head"]["repo"], change["base"]["repo"]
        return head is None or bool(head["id"] != base["id"])
    except (KeyError, TypeError):
        return None
