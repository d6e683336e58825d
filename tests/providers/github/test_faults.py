"""One story, and at each kind of its writes something goes wrong: the next run ends right, and does nothing twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.apply import Applied
from provisioner.contract.outcome import is_success
from provisioner.providers.github import Github
from provisioner.sandbox.github import GitHubServer
from tests.providers.github.rig import Hub, role
from tests.runs import QUICK
from tests.worlds import said

BACKEND = role("backend", teams=["backend"])
OPS = role("ops", teams=["ops"], repositories={"site": ["push"]})
WRITES = (
    "POST /orgs/{org}/invitations",
    "POST /orgs/{org}/teams",
    "PUT /orgs/{org}/teams/{team_slug}/memberships/{username}",
    "PUT /repos/{owner}/{repo}/collaborators/{username}",
    "PUT /repos/{owner}/{repo}/branches/{branch}/protection",
    "DELETE /orgs/{org}/memberships/{username}",
    "DELETE /orgs/{org}/outside_collaborators/{username}",
)


def story(hub: Hub) -> tuple[Any, Any]:
    """`ada` leaves, `bob` moves from backend to ops (which is not there yet), `eve` comes; `main` gets protected."""
    hub.repo("site")
    hub.team("backend", "ada", "bob")
    hub.team("theirs", "ada", "stranger")
    hub.user("eve")
    hub.objects = {"repositories": {"site": {"branches": {"main": {"reviews": 1}}}}}
    before = hub.files([hub.person("ada", "backend"), hub.person("bob", "backend")], [BACKEND, OPS])
    after = hub.files([hub.person("bob", "ops"), hub.person("eve", "backend")], [BACKEND, OPS])
    return before, after


def ends_right(hub: Hub) -> None:
    truth = hub.truth()
    assert set(truth["members"]) == {"boss", "bob", "stranger"}
    assert truth["teams"]["backend"]["members"] == {} and truth["teams"]["theirs"]["members"] == {"stranger": "member"}
    # Where the answer to making a team is lost, its maker stays in it: an owner, and shown as a stray.
    ops = truth["teams"]["ops"]["members"]
    assert ops in ({"bob": "member"}, {"bob": "member", "boss": "maintainer"})
    assert truth["invitations"] == {"eve": {"role": "direct_member", "teams": {"backend": "member"}}}
    assert truth["repos"]["site"]["collaborators"] == {"bob": "write"}
    assert len(truth["teams"]) == 3 and len(hub.server.world.users) == 5


def wrongly_done(applied: Applied, hub: Hub) -> list[str]:
    """What is called done of which the truth knows nothing."""
    truth, wrong = hub.truth(), []
    for change in applied.changes:
        who, outcome = change.address.principal, applied.outcomes[change.id]
        if not is_success(outcome):
            continue
        if change.address.kind == "membership" and who is not None:
            members = truth["teams"].get(change.address.object, {"members": {}})["members"]
            waits = truth["invitations"].get(who.id, {"teams": {}})["teams"]
            has = who.id in members or change.address.object in waits
            if has is (change.action == "revoke"):
                wrong.append(f"{change.action} {change.address}")
        if change.address.kind == "grant" and who is not None and change.address.object in truth["repos"]:
            has = who.id in {**truth["repos"][change.address.object]["collaborators"],
                             **truth["repos"][change.address.object]["invitations"]}  # fmt: skip
            if has is (change.action == "revoke"):
                wrong.append(f"{change.action} {change.address}")
        if change.address.kind == "account":
            login = change.address.object
            has = login in truth["members"] or login in truth["invitations"]
            if has is (change.action == "delete"):
                wrong.append(f"{change.action} {change.address}")
    return wrong


def spoil(server: GitHubServer, call: str, how: str) -> None:
    match how:
        case "the answer is lost":
            server.fail(call, None, lost=True)
        case "it hangs up and does nothing":
            server.fail(call, None)
        case "502 after the work":
            server.fail(call, 502, lost=True)
        case "told and not done":
            row = {"id": 1, "state": "pending", "role": "member", "invitee": None}
            server.fail(call, 201, body=json.dumps(row).encode())
        case "busy":
            server.fail(call, 429, headers={"Retry-After": "0"})


CASES = [(call, how) for call in WRITES for how in ("the answer is lost", "busy")]
CASES += [
    ("POST /orgs/{org}/invitations", "502 after the work"),
    (WRITES[0], "told and not done"),
    (WRITES[3], "told and not done"),
    (WRITES[2], "it hangs up and does nothing"),
]


@pytest.mark.parametrize(("call", "how"), CASES)
def test_next_run_ends_where_it_should_and_nothing_is_called_done_that_is_not(
    hub: Hub, tmp_path: Path, call: str, how: str
) -> None:
    before, after = story(hub)
    spoil(hub.server, call, how)
    waits = replace(QUICK, patience=0.5) if how == "told and not done" else QUICK
    _, applied = hub.apply(tmp_path, after, before, waits=waits)
    assert wrongly_done(applied, hub) == []
    hub.provider = Github()
    _, applied = hub.apply(tmp_path, after, before)
    assert wrongly_done(applied, hub) == []
    ends_right(hub)
    plan = hub.plan(after, before).plan
    assert said(plan) == []
    left = "boss" in hub.truth()["teams"]["ops"]["members"]
    assert left is ("github:membership/ops/boss" in {str(stray.address) for stray in plan.strays})
