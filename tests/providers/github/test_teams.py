"""Teams: nested, renamed, moved; what they have; and the traps of what GitHub lists."""

from __future__ import annotations

from pathlib import Path

from provisioner.contract import StillHas
from provisioner.model.effect import Direction, Level
from tests.providers.github.rig import Hub, role
from tests.runs import failures
from tests.worlds import codes, said

BACKEND = role("backend", teams=["backend"])


def test_declared_team_is_made_below_its_parent_with_its_repositories(hub: Hub, tmp_path: Path) -> None:
    hub.repo("site")
    hub.objects = {
        "teams": {
            "backend": {"description": "Backend", "parent": "engineering", "repositories": {"site": "push"}},
            "engineering": {},
        }
    }
    files = hub.files([], [])
    planned, applied = hub.apply(tmp_path, files)
    assert said(planned.plan) == [
        "create github:group/engineering",
        "create github:group/backend",
        "create github:grant/site/group:backend",
    ]
    assert failures(applied) == []
    team = hub.truth()["teams"]["backend"]
    assert team == {"members": {}, "repos": {"site": "write"}, "parent": "engineering"}
    assert said(hub.plan(files).plan) == []


def test_renamed_team_is_one_line_and_keeps_everything(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend", "ada")
    hub.objects = {"teams": {"platform": {"was": ["backend"]}}}
    files = hub.files([hub.person("ada", "platform")], [role("platform", teams=["platform"])])
    planned, applied = hub.apply(tmp_path, files)
    assert [c.words for c in planned.plan.changes] == ["change team platform: name backend -> platform"]
    assert failures(applied) == []
    assert hub.members_of("platform") == {"ada": "member"} and "backend" not in hub.truth()["teams"]
    assert said(hub.plan(files).plan) == []


def test_people_join_a_team_that_is_still_called_as_it_was(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend", "ada")
    hub.user("bob", member=True)
    hub.objects = {"teams": {"platform": {"was": ["backend"], "name": "Platform"}}}
    roles = [role("platform", teams=["platform"])]
    files = hub.files([hub.person("ada", "platform"), hub.person("bob", "platform")], roles)
    planned, applied = hub.apply(tmp_path, files)
    assert len(planned.plan.changes) == 2 and failures(applied) == []
    assert hub.members_of("platform") == {"ada": "member", "bob": "member"}


def test_moving_a_team_is_shown_as_what_it_is_and_done(hub: Hub, tmp_path: Path) -> None:
    for name in ("engineering", "operations"):
        hub.team(name)
    hub.team("backend", "ada", parent="engineering")
    hub.objects = {"teams": {"backend": {"parent": "operations"}}}
    planned, applied = hub.apply(tmp_path, hub.files([], []))
    (change,) = planned.plan.changes
    assert change.words == "change team backend: parent engineering -> operations"
    assert change.effect.direction is Direction.BOTH and failures(applied) == []
    assert hub.truth()["teams"]["backend"]["parent"] == "operations"
    assert said(hub.plan(hub.files([], [])).plan) == []


def test_membership_by_way_of_a_team_below_is_none_of_its_own(hub: Hub, tmp_path: Path) -> None:
    hub.team("engineering", "ada")
    hub.team("backend", "ada", parent="engineering")
    roles = [BACKEND, role("engineering", teams=["engineering"])]
    before = hub.files([hub.person("ada", "backend", "engineering")], roles)
    after = hub.files([hub.person("ada", "backend")], roles)
    planned, applied = hub.apply(tmp_path, after, before)
    assert said(planned.plan) == ["revoke github:membership/engineering/ada"]
    (outcome,) = applied.outcomes.values()
    assert isinstance(outcome, StillHas)  # by way of backend, and said so
    assert hub.members_of("engineering") == {}
    again = hub.plan(after, before).plan
    assert said(again) == [] and "github:membership/engineering/ada" not in {str(s.address) for s in again.strays}


def test_repositories_of_a_team_are_complete_where_they_are_declared(hub: Hub, tmp_path: Path) -> None:
    site, docs = hub.repo("site"), hub.repo("docs")
    team = hub.team("backend")
    hub.server.world.grant_team(team, [site, docs], "admin")
    hub.objects = {"teams": {"backend": {"repositories": {"site": "push"}}}}
    planned, applied = hub.apply(tmp_path, hub.files([], []))
    assert said(planned.plan) == [
        "revoke github:grant/docs/group:backend",
        "update github:grant/site/group:backend",
    ]
    assert [c.effect for c in planned.plan.changes] == [(Direction.NARROWS, Level.ELEVATED)] * 2
    assert failures(applied) == [] and hub.truth()["teams"]["backend"]["repos"] == {"site": "write"}
    assert said(hub.plan(hub.files([], [])).plan) == []


def test_what_a_team_inherits_from_above_is_not_taken_for_its_own(hub: Hub) -> None:
    site = hub.repo("site")
    above = hub.team("engineering")
    hub.team("backend", "ada", parent="engineering")
    hub.server.world.grant_team(above, [site], "write")
    hub.objects = {"teams": {"engineering": {"repositories": {"site": "push"}}, "backend": {"repositories": {}}}}
    assert said(hub.plan(hub.files([], [])).plan) == []


def test_member_of_a_strong_team_is_a_strong_change(hub: Hub) -> None:
    hub.user("ada", member=True)
    team = hub.team("backend", parent=None)
    hub.server.world.grant_team(team, [hub.repo("site")], "admin")
    planned = hub.plan(hub.files([hub.person("ada", "backend")], [BACKEND]))
    assert planned.plan.changes[0].effect == (Direction.WIDENS, Level.ELEVATED)


def test_owner_is_an_administrator_and_back_is_narrower(hub: Hub, tmp_path: Path) -> None:
    hub.user("ada", member=True)
    roles = [role("root", organization="admin"), role("plain", organization="member")]
    up, down = hub.files([hub.person("ada", "root")], roles), hub.files([hub.person("ada", "plain")], roles)
    planned, applied = hub.apply(tmp_path, up)
    assert planned.plan.changes[0].effect == (Direction.WIDENS, Level.ADMIN) and failures(applied) == []
    assert hub.truth()["members"]["ada"] == "admin"
    planned, applied = hub.apply(tmp_path, down, up)
    assert planned.plan.changes[0].effect == (Direction.NARROWS, Level.ADMIN) and failures(applied) == []
    assert hub.truth()["members"]["ada"] == "member"


def test_near_name_of_a_team_is_a_slip_and_makes_none(hub: Hub) -> None:
    hub.team("backend-team")
    hub.user("ada", member=True)
    planned = hub.plan(hub.files([hub.person("ada", "b")], [role("b", teams=["backend_team"])]))
    assert "near-miss" in codes(planned.plan) and said(planned.plan) == []


def test_role_of_the_organizations_own_is_compared_by_its_name(hub: Hub, tmp_path: Path) -> None:
    hub.server.create_repo_role(hub.org, "auditor", "read", "read_audit_log")
    hub.repo("site")
    hub.team("backend")
    hub.user("carl")
    hub.objects = {"teams": {"backend": {"repositories": {"site": "auditor"}}}}
    files = hub.files([hub.person("carl", "audit")], [role("audit", repositories={"site": ["auditor"]})])
    _, applied = hub.apply(tmp_path, files)
    assert failures(applied) == [] and hub.truth()["teams"]["backend"]["repos"] == {"site": "auditor"}
    repo = hub.server.world.repo(hub.org, "site")
    assert repo is not None
    hub.server.world.accept_repo(repo, next(iter(repo.invitations.values())))
    assert said(hub.plan(files).plan) == []
