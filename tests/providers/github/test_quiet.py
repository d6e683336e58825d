"""What makes other tools differ for ever: done once, and then two plans in a row are the same and empty, by whatever
credential they are made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.model.access import DeclaredAccess
from provisioner.plan.plan import Plan
from tests.providers.github.rig import Hub, role
from tests.runs import failures
from tests.worlds import said

BACKEND, LEAD = role("backend", teams=["backend"]), role("lead", teams={"backend": "maintainer"})
OWNER = role("root", organization="admin")
Story = Callable[[Hub], DeclaredAccess]


def moved_team(hub: Hub) -> DeclaredAccess:
    for name in ("engineering", "operations"):
        hub.team(name)
    hub.repo("site")
    hub.team("backend", "ada", parent="engineering")
    hub.objects = {
        "teams": {"operations": {"repositories": {"site": "push"}}, "backend": {"parent": "operations"}},
    }
    return hub.files([hub.person("ada", "backend")], [BACKEND])


def moved_below_a_new_team(hub: Hub) -> DeclaredAccess:
    """The new one has to be made before the other can be moved, and before it can guard anything."""
    hub.repo("site")
    hub.team("backend", "ada")
    hub.objects = {
        "teams": {"engineering": {"repositories": {"site": "push"}}, "backend": {"parent": "engineering"}},
        "repositories": {"site": {"environments": {"production": {"reviewers": {"teams": ["engineering"]}}}}},
    }
    return hub.files([hub.person("ada", "backend")], [BACKEND])


def renamed_login(hub: Hub) -> DeclaredAccess:
    hub.team("backend", "ada")
    hub.user("bob")
    files = hub.files([hub.person("ada", "lead"), hub.person("bob", "backend")], [BACKEND, LEAD])
    hub.server.world.rename_user(hub.user("ada"), "countess")
    hub.server.world.create_user("ada")
    return files


def renamed_team(hub: Hub) -> DeclaredAccess:
    hub.team("infra", "ada")
    hub.repo("site")
    hub.objects = {"teams": {"backend": {"was": ["infra"], "name": "Backend", "repositories": {"site": "push"}}}}
    return hub.files([hub.person("ada", "backend")], [BACKEND])


def other_case(hub: Hub) -> DeclaredAccess:
    hub.team("backend", "Ada-B")
    hub.repo("Site").collaborators[hub.user("Ada-B").id] = "read"
    hub.server.world.version += 1
    roles = [role("backend", teams=["Backend"]), role("site", repositories={"SITE": ["push"]})]
    return hub.files([hub.person("ada", "backend", "site", login="aDa-b")], roles)


def owner_in_a_team(hub: Hub) -> DeclaredAccess:
    hub.team("backend", "ada")
    hub.user("eve", member=True, role="admin")
    people = [hub.person("ada", "root", "backend"), hub.person("eve", "root", "lead")]
    return hub.files(people, [BACKEND, LEAD, OWNER])


def expired_invitation(hub: Hub) -> DeclaredAccess:
    team = hub.team("backend")
    hub.server.world.invite(hub.org, hub.boss, user=hub.user("ada"), teams={team.id: "member"})
    repo = hub.repo("site")
    hub.server.world.invite_to_repo(repo, hub.user("carl"), hub.boss, "write")
    hub.server.clock.advance(days=8)
    people = [hub.person("ada", "backend"), hub.person("carl", "site")]
    return hub.files(people, [BACKEND, role("site", repositories={"site": ["push"]})])


def guarded(hub: Hub) -> DeclaredAccess:
    hub.team("backend")
    hub.repo("site")
    main = {"reviews": 1, "push": {"teams": ["backend"]}, "checks": ["b", "a"], "administrators": True}
    tags = {"target": "tag", "include": ["~ALL"], "rules": {"deletion": {}}, "bypass": {"teams": {"backend": "always"}}}
    production = {"reviewers": {"teams": ["backend"]}, "branches": ["release/*", "main"]}
    hub.objects = {
        "teams": {"backend": {"repositories": {"site": "push"}}},
        "repositories": {
            "site": {"branches": {"main": main}, "rulesets": {"tags": tags}, "environments": {"production": production}}
        },
    }
    return hub.files([], [])


STORIES: list[Story] = [
    moved_team,
    moved_below_a_new_team,
    renamed_login,
    renamed_team,
    other_case,
    owner_in_a_team,
    expired_invitation,
    guarded,
]


def by(hub: Hub, credential: str, files: DeclaredAccess) -> Plan:
    """A plan made with the token of plans, or with the one of apply."""
    before = hub.environ["GITHUB_READ"]
    hub.environ["GITHUB_READ"] = hub.environ[credential]
    try:
        return hub.plan(files).plan
    finally:
        hub.environ["GITHUB_READ"] = before


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_two_plans_in_a_row_are_the_same_and_after_it_is_done_there_is_nothing(
    hub: Hub, tmp_path: Path, story: Story
) -> None:
    files = story(hub)
    one, two = by(hub, "GITHUB_READ", files), by(hub, "GITHUB_READ", files)
    assert one.changes and one.changes == two.changes and one.diagnostics == two.diagnostics
    assert by(hub, "GITHUB_WRITE", files).approves == one.approves
    _, applied = hub.apply(tmp_path, files)
    assert failures(applied) == []
    for credential in ("GITHUB_READ", "GITHUB_WRITE", "GITHUB_READ"):
        assert said(by(hub, credential, files)) == []
    for invitation in list(hub.org.invitations.values()):
        hub.server.world.accept(hub.org, invitation)
    assert said(by(hub, "GITHUB_READ", files)) == []
