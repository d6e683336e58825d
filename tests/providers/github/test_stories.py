"""People, teams and repositories of one organization, over the wire: what is planned, done, and proven."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from provisioner.contract import Waiting
from provisioner.engine import make_plan
from provisioner.model.target import AccountsPolicy
from tests.builders import NOW
from tests.providers.github.rig import Hub, role
from tests.runs import failures
from tests.worlds import codes, held, said

BACKEND = role("backend", teams=["backend"])
LEAD = role("lead", teams={"backend": "maintainer"})
OWNER_ROLE = role("root", organization="admin")
SITE = role("site", repositories={"site": ["push"]})


def test_newcomer_gets_one_invitation_with_the_teams(hub: Hub, tmp_path: Path) -> None:
    hub.user("ada")
    hub.team("backend")
    files = hub.files([hub.person("ada", "backend")], [BACKEND])
    planned, applied = hub.apply(tmp_path, files)
    assert said(planned.plan) == [
        "create github:account/ada",
        "create github:grant/~organization/ada",
        "create github:membership/backend/ada",
    ]
    assert failures(applied) == []
    assert all(isinstance(o, Waiting) for o in applied.outcomes.values())
    assert hub.truth()["invitations"] == {"ada": {"role": "direct_member", "teams": {"backend": "member"}}}
    assert hub.server.calls["POST /orgs/{org}/invitations"] == 1
    assert hub.server.calls["PUT /orgs/{org}/teams/{team_slug}/memberships/{username}"] == 0
    assert said(hub.plan(files).plan) == []


def test_invitation_that_was_accepted_is_nothing_more_to_do(hub: Hub, tmp_path: Path) -> None:
    ada = hub.user("ada")
    hub.team("backend")
    files = hub.files([hub.person("ada", "backend")], [BACKEND])
    hub.apply(tmp_path, files)
    invitation = hub.server.world.pending(hub.org, ada)
    assert invitation is not None
    hub.server.world.accept(hub.org, invitation)
    assert said(hub.plan(files).plan) == []


def test_missing_team_is_made_and_we_are_not_left_in_it(hub: Hub, tmp_path: Path) -> None:
    hub.user("ada", member=True)
    files = hub.files([hub.person("ada", "backend")], [BACKEND])
    planned, applied = hub.apply(tmp_path, files)
    assert said(planned.plan) == ["create github:group/backend", "create github:membership/backend/ada"]
    assert failures(applied) == [] and hub.members_of("backend") == {"ada": "member"}
    assert said(hub.plan(files).plan) == []


def test_leaver_loses_organization_teams_and_repositories(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend", "ada", "bob")
    hub.team("hand-made", "ada")
    hub.repo("site").collaborators[hub.user("ada").id] = "write"
    hub.server.world.version += 1
    before = hub.files([hub.person("ada", "backend"), hub.person("bob", "backend")], [BACKEND])
    after = hub.files([hub.person("bob", "backend")], [BACKEND])
    planned, applied = hub.apply(tmp_path, after, before)
    assert set(said(planned.plan)) == {
        "revoke github:grant/~organization/ada",
        "revoke github:grant/site/ada",
        "revoke github:membership/backend/ada",
        "revoke github:membership/hand-made/ada",
        "delete github:account/ada",
    }
    assert failures(applied) == []
    truth = hub.truth()
    assert set(truth["members"]) == {"boss", "bob"} and truth["repos"]["site"]["collaborators"] == {}
    assert hub.members_of("backend") == {"bob": "member"} and hub.members_of("hand-made") == {}
    assert not all(c.reversible for c in planned.plan.changes)
    assert "private forks are deleted" in planned.plan.changes[-1].words
    assert said(hub.plan(after, before).plan) == []


def test_pending_invitation_of_a_leaver_is_cancelled(hub: Hub, tmp_path: Path) -> None:
    hub.user("ada")
    hub.team("backend")
    before = hub.files([hub.person("ada", "backend")], [BACKEND])
    hub.apply(tmp_path, before)
    after = hub.files([], [BACKEND])
    planned, applied = hub.apply(tmp_path, after, before)
    assert "cancel the invitation of ada to the organization" in {c.words for c in planned.plan.changes}
    assert failures(applied) == [] and hub.truth()["invitations"] == {}
    assert said(hub.plan(after, before).plan) == []


def test_invitation_by_mail_is_theirs_and_is_cancelled_when_they_leave(hub: Hub, tmp_path: Path) -> None:
    hub.user("ada")
    team = hub.team("backend")
    hub.server.world.invite(hub.org, hub.boss, email="ada@example.com", teams={team.id: "member"})
    here = hub.files([hub.person("ada", "backend")], [BACKEND])
    assert said(hub.plan(here).plan) == []
    planned, applied = hub.apply(tmp_path, hub.files([], [BACKEND]), here)
    assert failures(applied) == [] and hub.truth()["invitations"] == {}
    assert said(planned.plan)


def test_lapsed_invitation_is_told_and_sent_again(hub: Hub, tmp_path: Path) -> None:
    hub.user("ada")
    hub.team("backend")
    files = hub.files([hub.person("ada", "backend")], [BACKEND])
    hub.apply(tmp_path, files)
    hub.server.clock.advance(days=8)
    planned, applied = hub.apply(tmp_path, files)
    assert "github-invitation-lapsed" in codes(planned.plan)
    assert "create github:account/ada" in said(planned.plan) and failures(applied) == []
    assert said(hub.plan(files).plan) == []


def test_renamed_login_is_followed_by_id_and_told(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend", "ada")
    files = hub.files([hub.person("ada", "backend")], [BACKEND])
    hub.server.world.rename_user(hub.user("ada"), "countess")
    stranger = hub.server.world.create_user("ada")
    planned = hub.plan(files)
    assert said(planned.plan) == [] and codes(planned.plan) == ["login-renamed"]
    gone = hub.files([], [BACKEND])
    _, applied = hub.apply(tmp_path, gone, files)
    assert failures(applied) == [] and set(hub.truth()["members"]) == {"boss"}
    assert stranger.id in hub.server.world.users


def test_same_login_with_another_id_is_an_error_and_gets_nothing(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend", "ada")
    files = hub.files([hub.person("ada", "lead", pin=99999999)], [LEAD])
    planned = hub.plan(files)
    assert said(planned.plan) == [] and "account-id-differs" in codes(planned.plan)


def test_stranger_who_took_the_login_is_not_invited(hub: Hub, tmp_path: Path) -> None:
    ada = hub.user("ada")
    hub.team("backend")
    files = hub.files([hub.person("ada", "backend")], [BACKEND])
    hub.server.world.rename_user(ada, "countess")
    hub.server.world.create_user("ada")
    _, applied = hub.apply(tmp_path, files)
    assert len(failures(applied)) == 3 and "countess" in failures(applied)[0]
    assert hub.truth()["invitations"] == {}


def test_person_without_an_id_gets_nothing(hub: Hub) -> None:
    hub.team("backend")
    planned = hub.plan(hub.files([hub.person("nobody", "backend")], [BACKEND]))
    assert said(planned.plan) == [] and codes(planned.plan) == ["github-no-id"]


def test_owner_shows_as_maintainer_and_is_left_alone(hub: Hub) -> None:
    hub.team("backend")
    hub.user("ada", member=True, role="admin")
    hub.server.world.team(hub.org, "backend").members[hub.user("ada").id] = "member"  # type: ignore[union-attr]
    hub.server.world.version += 1
    for given in (BACKEND, LEAD):
        planned = hub.plan(hub.files([hub.person("ada", given.id, "root")], [given, OWNER_ROLE]))
        assert said(planned.plan) == []


def test_two_roles_give_the_stronger(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend", "ada")
    both = hub.files([hub.person("ada", "backend", "lead")], [BACKEND, LEAD])
    planned, applied = hub.apply(tmp_path, both)
    assert said(planned.plan) == ["update github:membership/backend/ada"] and failures(applied) == []
    assert hub.members_of("backend") == {"ada": "maintainer"}
    less = hub.files([hub.person("ada", "backend")], [BACKEND])
    planned, applied = hub.apply(tmp_path, less, both)
    assert planned.plan.changes[0].effect.direction.value == "narrows" and failures(applied) == []
    assert hub.members_of("backend") == {"ada": "member"}


def test_level_that_ended_is_lowered_to_what_is_left_and_that_is_of_time(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend", "ada")
    until = NOW + timedelta(hours=4)
    files = hub.files([hub.person("ada", "backend", held("lead", until=until))], [BACKEND, LEAD])
    planned, applied = hub.apply(tmp_path, files)
    assert [(c.action, c.ends) for c in planned.plan.changes] == [("update", until)]
    assert failures(applied) == [] and hub.members_of("backend") == {"ada": "maintainer"}
    later = replace(hub.facing(files), now=until)
    (change,) = make_plan(later).plan.changes
    assert (change.action, change.cause, change.after) == ("update", "time", {"role": "member"})
    assert "ended" in change.why


def test_where_others_keep_the_members_teams_alone_are_ours(hub: Hub, tmp_path: Path) -> None:
    hub.accounts = AccountsPolicy.EXISTING
    hub.team("backend", "ada", "bob")
    hub.user("eve")
    before = hub.files([hub.person("ada", "backend"), hub.person("bob", "backend")], [BACKEND])
    after = hub.files([hub.person("bob", "backend"), hub.person("eve", "backend")], [BACKEND])
    planned, applied = hub.apply(tmp_path, after, before)
    assert said(planned.plan) == ["revoke github:membership/backend/ada"] and failures(applied) == []
    assert {"account-missing", "managed-upstream"} <= set(codes(planned.plan))
    assert set(hub.truth()["members"]) == {"boss", "ada", "bob"} and hub.truth()["invitations"] == {}


def test_outside_collaborator_is_invited_to_the_repository_alone(hub: Hub, tmp_path: Path) -> None:
    carl = hub.user("carl")
    repo = hub.repo("site")
    files = hub.files([hub.person("carl", "site")], [SITE])
    planned, applied = hub.apply(tmp_path, files)
    assert said(planned.plan) == ["create github:account/carl", "create github:grant/site/carl"]
    assert failures(applied) == [] and hub.truth()["repos"]["site"]["invitations"] == {"carl": "write"}
    assert said(hub.plan(files).plan) == []
    hub.server.world.accept_repo(repo, next(iter(repo.invitations.values())))
    assert hub.truth()["outside"] == [carl.login] and said(hub.plan(files).plan) == []
    _, applied = hub.apply(tmp_path, hub.files([], [SITE]), files)
    assert failures(applied) == [] and hub.truth()["outside"] == []


def test_permission_of_a_waiting_invitation_is_changed_in_its_own_words(hub: Hub, tmp_path: Path) -> None:
    hub.user("carl")
    hub.repo("site")
    before = hub.files([hub.person("carl", "site")], [SITE])
    hub.apply(tmp_path, before)
    more = hub.files([hub.person("carl", "site")], [role("site", repositories={"site": ["maintain"]})])
    planned, applied = hub.apply(tmp_path, more, before)
    assert said(planned.plan) == ["update github:grant/site/carl"] and failures(applied) == []
    assert hub.truth()["repos"]["site"]["invitations"] == {"carl": "maintain"}


def test_invitation_to_a_repository_is_cancelled_when_they_leave(hub: Hub, tmp_path: Path) -> None:
    hub.user("carl")
    hub.repo("site")
    before = hub.files([hub.person("carl", "site")], [SITE])
    hub.apply(tmp_path, before)
    _, applied = hub.apply(tmp_path, hub.files([], [SITE]), before)
    assert failures(applied) == [] and hub.truth()["repos"]["site"]["invitations"] == {}


def test_case_of_logins_slugs_and_repositories_means_nothing(hub: Hub) -> None:
    hub.team("backend", "Ada-B")
    hub.repo("Site").collaborators[hub.user("Ada-B").id] = "write"
    hub.server.world.version += 1
    roles = [role("backend", teams=["Backend"]), role("site", repositories={"SITE": ["push"]})]
    files = hub.files([hub.person("ada", "backend", "site", login="ada-b")], roles)
    assert said(hub.plan(files).plan) == []


def test_two_plans_in_a_row_are_equal_and_both_credentials_approve_the_same(hub: Hub) -> None:
    hub.team("backend", "ada", "bob")
    hub.user("eve")
    files = hub.files([hub.person("ada", "lead"), hub.person("eve", "backend")], [BACKEND, LEAD])
    one, two = hub.plan(files), hub.plan(files)
    assert one.plan.changes and one.plan.changes == two.plan.changes
    hub.environ["GITHUB_READ"] = hub.environ["GITHUB_WRITE"]
    assert [c.id for c in hub.plan(files).plan.changes] == [c.id for c in one.plan.changes]
