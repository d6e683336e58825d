"""The cases in which a GitHub workflow is started: what its expressions see, and whose code it is.

https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

from provisioner.pipelines.conditions import HERE, UNKNOWN, Begins, Condition, Facts, Value
from provisioner.pipelines.github import Event, choices
from provisioner.pipelines.refs import Ref, anything, filtered, lets_all_in

PULL_REQUEST = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
"""Run the change's own code; for forks without secrets, unless the repository's settings pass them."""
WITH_SECRETS = frozenset(
    {"pull_request_target", "workflow_run", "issue_comment", "issues", "discussion", "discussion_comment"}
)
"""Strangers can start them, and they have the secrets of the repository."""
_ON_DEFAULT_BRANCH = WITH_SECRETS - {"pull_request_target"} | {
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "fork",
    "gollum",
    "label",
    "milestone",
    "public",
    "repository_dispatch",
    "schedule",
    "watch",
}
_MOST = 64


@dataclass(frozen=True, slots=True)
class Case:
    """`ref` is the branch or tag; None on the default branch, which is always allowed. `words` says it to people."""

    event: Event
    facts: Facts
    ref: Ref | None
    words: str


def cases(event: Event, conditions: Iterable[Condition]) -> Iterator[Case]:
    """Every case to try: what a filter lets in, and any branch where there is none."""
    known = tuple(conditions)
    facts: dict[str, Value] = {"github.event_name": event.name}
    if event.name in PULL_REQUEST or event.name == "pull_request_target":
        for fork in (True, False):
            pull = {**facts, **_pull_request(fork), "github.ref": Begins("refs/pull/"), "github.ref_name": UNKNOWN}
            if event.name == "pull_request_target":
                pull["github.ref"] = UNKNOWN
            yield Case(event, pull, Ref("branch", UNKNOWN), f"pull requests ({event.name})")
    elif event.name == "merge_group":
        ref = Ref("branch", Begins("gh-readonly-queue/"))
        yield Case(event, {**facts, **_of(ref)}, ref, "the merge queue")
    elif event.name in _ON_DEFAULT_BRANCH:
        yield Case(event, facts, None, "the default branch")
    else:
        for ref in _refs(event, known):
            for chosen in _chosen(event):
                yield Case(event, {**facts, **_of(ref), **chosen}, ref, f"{ref.words} ({event.name})")


def fork_cases(event: Event, upstream: frozenset[str]) -> Iterator[Case]:
    """The cases that somebody without any right can bring about: a pull request of a fork, a comment on it.

    `upstream` are the events that start the workflows which a `workflow_run` follows.
    """
    facts: dict[str, Value] = {"github.event_name": event.name, "github.repository": HERE}
    facts["github.repository_owner"] = HERE
    if event.name == "workflow_run":
        for name in sorted(upstream):
            yield Case(event, {**facts, **_workflow_run(name)}, None, event.name)
    elif event.name in PULL_REQUEST or event.name == "pull_request_target":
        yield Case(event, {**facts, **_pull_request(True)}, None, event.name)
    elif event.name in WITH_SECRETS:
        yield Case(event, facts, None, event.name)


def branch_case(event: Event) -> Case:
    """A pull request of a branch of the repository: of whoever may push one."""
    facts: dict[str, Value] = {"github.event_name": event.name}
    return Case(event, {**facts, **_pull_request(False)}, None, event.name)


def _of(ref: Ref) -> dict[str, Value]:
    return {"github.ref": ref.full, "github.ref_name": ref.name, "github.ref_type": ref.kind}


def _pull_request(fork: bool) -> dict[str, Value]:
    head = "github.event.pull_request.head"
    whose: Value = Begins() if fork else HERE
    return {
        f"{head}.repo.fork": fork,
        f"{head}.repo.full_name": whose,
        f"{head}.repo.owner.login": whose,
        f"{head}.user.login": whose,
        "github.repository": HERE,
        "github.repository_owner": HERE,
    }


def _workflow_run(upstream: str) -> dict[str, Value]:
    run = "github.event.workflow_run"
    return {
        f"{run}.event": upstream,
        f"{run}.head_repository.fork": True,
        f"{run}.head_repository.full_name": Begins(),
        f"{run}.head_repository.owner.login": Begins(),
    }


def _refs(event: Event, conditions: tuple[Condition, ...]) -> Iterator[Ref]:
    sides = {"branch": "branches", "tag": "tags"}
    if event.name == "release":
        yield from anything("tag", conditions)
        return
    filters = event.filters
    has = {kind: key in filters.keys or f"{key}-ignore" in filters.keys for kind, key in sides.items()}
    for kind, key in sides.items():
        only = [n.text for n in filters.get(key).words() if not n.text.startswith("!")]
        ignored = [n.text for n in filters.get(f"{key}-ignore").words()]
        if event.name == "push" and key in filters.keys:
            yield from filtered(kind, only, conditions)
        elif event.name == "push" and any(has.values()) and not has[kind]:
            continue
        elif not lets_all_in(ignored):
            yield from anything(kind, conditions)


def _chosen(event: Event) -> Iterator[dict[str, Value]]:
    """The inputs of a start by hand; elsewhere they are empty."""
    listed = choices(event)
    axes = [[(name, option) for option in options] for name, options in listed.items()]
    if prod(len(axis) for axis in axes) > _MOST:
        axes = []  # then nothing is known of them
    for chosen in product(*axes):
        found: dict[str, Value] = {}
        for name, option in chosen:
            found[f"inputs.{name}".casefold()] = option
            found[f"github.event.inputs.{name}".casefold()] = option
        yield found
