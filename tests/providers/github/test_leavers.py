"""What somebody who leaves has besides teams and repositories: what an enterprise gives them, and what they leave."""

from __future__ import annotations

from pathlib import Path

from provisioner.ask.receipt import Sought, receipt
from provisioner.contract import Remains, StillHas
from provisioner.engine import Planned
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.coverage import EVERYTHING
from provisioner.sandbox.github.server import WRITE_ALL
from provisioner.sandbox.github.things import DeployKey
from tests.builders import NOW
from tests.providers.github.rig import Hub, role
from tests.runs import failures
from tests.worlds import OWNER, codes, said

BACKEND = role("backend", teams=["backend"])
ROOT = role("root", organization="admin")
TEAM = "the enterprise's team ent:auditors, in the settings of the enterprise"


def told(planned: Planned, code: str) -> list[str]:
    return [d.message for d in planned.plan.diagnostics if d.code == code]


def leaves(hub: Hub, *roles: str) -> tuple[DeclaredAccess, DeclaredAccess]:
    """The files without ada, and those before."""
    before = hub.files([hub.person("ada", *roles)], [BACKEND, ROOT])
    return hub.files([], [BACKEND, ROOT]), before


def test_place_that_the_enterprise_gives_is_left_and_said_and_the_rest_goes(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend")
    ada = hub.user("ada")
    hub.server.world.create_enterprise_team(hub.org, "Auditors", [ada])
    hub.server.world.team(hub.org, "backend").members[ada.id] = "member"  # type: ignore[union-attr]
    after, before = leaves(hub, "backend")
    assert said(hub.plan(before).plan) == []
    planned, applied = hub.apply(tmp_path, after, before)
    assert said(planned.plan) == ["revoke github:membership/backend/ada"] and failures(applied) == []
    assert told(planned, "managed-upstream") == [
        f"github:account/ada cannot be removed there: it comes from {TEAM}",
        f"github:grant/~organization/ada cannot be changed there: it comes from {TEAM}",
        f"github:membership/ent%3Aauditors/ada cannot be changed there: it comes from {TEAM}",
    ]
    assert hub.members_of("backend") == {} and hub.members_of("ent:auditors") == {"ada": "member"}
    again, applied = hub.apply(tmp_path, after, before)
    assert said(again.plan) == [] and failures(applied) == []
    (left,) = receipt(Sought(hub.person("ada")), after, again.sides, {}, owner=OWNER, now=NOW).targets
    assert {str(i.address): i.why for i in left.left} == dict.fromkeys(
        ("github:account/ada", "github:grant/~organization/ada", "github:membership/ent%3Aauditors/ada"),
        f"it comes from {TEAM} and cannot be changed here: end it there",
    )
    hub.server.world.team(hub.org, "ent:auditors").members.clear()  # type: ignore[union-attr]
    hub.server.world.remove_member(hub.org, ada)
    last = hub.plan(after, before)
    assert said(last.plan) == [] and "managed-upstream" not in codes(last.plan)


def test_place_of_their_own_beside_the_enterprises_is_taken(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend", "ada")
    hub.server.world.create_enterprise_team(hub.org, "Auditors", [hub.user("ada")])
    after, before = leaves(hub, "backend")
    assert said(hub.plan(before).plan) == []
    planned, applied = hub.apply(tmp_path, after, before)
    assert set(said(planned.plan)) == {"revoke github:grant/~organization/ada", "revoke github:membership/backend/ada"}
    (outcome,) = [applied.outcomes[c.id] for c in planned.plan.changes if "~organization" in str(c.address)]
    assert isinstance(outcome, StillHas) and [w.locked_by for w in outcome.ways] == [TEAM]
    assert hub.members_of("backend") == {} and hub.org.indirect == {hub.user("ada").id}
    again = hub.plan(after, before)
    assert said(again.plan) == [] and told(again, "managed-upstream")


def test_owner_in_a_team_of_the_enterprise_is_made_a_member_and_stays_one(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend")
    hub.user("ada", member=True, role="admin")
    hub.server.world.create_enterprise_team(hub.org, "Auditors", [hub.user("ada")])
    after, before = leaves(hub, "root")
    assert said(hub.plan(before).plan) == []
    planned, _ = hub.apply(tmp_path, after, before)
    assert said(planned.plan) == ["revoke github:grant/~organization/ada"]
    assert hub.truth()["members"] == {"boss": "admin", "ada": "member"}
    assert said(hub.plan(after, before).plan) == []


def test_who_stays_and_lost_their_roles_keeps_the_enterprises_place_without_an_endless_diff(
    hub: Hub, tmp_path: Path
) -> None:
    hub.team("backend", "ada")
    ada = hub.user("ada")
    hub.server.world.create_enterprise_team(hub.org, "Auditors", [ada])
    hub.org.indirect.add(ada.id)
    before, after = (hub.files([hub.person("ada", *r)], [BACKEND]) for r in (("backend",), ()))
    planned, applied = hub.apply(tmp_path, after, before)
    assert said(planned.plan) == ["revoke github:membership/backend/ada"] and failures(applied) == []
    again = hub.plan(after, before)
    assert said(again.plan) == [] and "managed-upstream" in codes(again.plan)


def test_team_of_the_enterprise_is_not_adopted(hub: Hub) -> None:
    hub.team("backend", "ada")
    hub.server.world.create_enterprise_team(hub.org, "Auditors", [hub.user("ada"), hub.user("bob", member=True)])
    state = hub.reader().read(EVERYTHING).state
    (theirs,) = [r for r in state.of_kind(Kind.GROUP) if r.address.object == "ent:auditors"]
    assert [w.locked_by for w in theirs.ways] == [TEAM]
    members = [r.address for r in state.of_kind(Kind.MEMBERSHIP) if r.address.object == "ent:auditors"]
    looked = hub.reader().look(members)
    assert len(members) == 2
    for one in (state.get(a) for a in members):
        found = looked.state.get(one.address) if one is not None else None
        assert one is not None and found is not None and [w.locked_by for w in found.ways] == [TEAM]
        assert found.ways == one.ways
    unsaid = hub.connection().declare.objects_for(state)[1]
    assert [str(a) for a, _ in unsaid] == ["github:group/ent%3Aauditors"]


# The rest of what has to be thought of


def as_app(hub: Hub, **permissions: str) -> None:
    key = hub.server.create_app(hub.org, permissions=permissions or WRITE_ALL)
    del hub.settings["token"]
    hub.settings["app"] = {"id": key.client_id, "private_key": {"env": "APP_KEY"}}
    hub.environ = {"GITHUB_API_URL": hub.server.url, "APP_KEY": key.private_key}


def test_roles_of_the_organization_and_fine_grained_tokens_are_taken(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend", "ada", "bob")
    ada, (role_, other, *_) = hub.user("ada"), list(hub.org.org_roles.values())
    role_.users |= {ada.id, hub.user("bob").id}
    other.teams.add(hub.server.world.team(hub.org, "backend").id)  # type: ignore[union-attr]
    token = hub.server.world.grant_token(hub.org, ada, "laptop", contents="write")
    hub.server.world.grant_token(hub.org, hub.user("bob"), "desktop", contents="read")
    as_app(hub)
    after, before = leaves(hub, "backend")
    planned, applied = hub.apply(tmp_path, after, before)
    assert {
        f"revoke github:grant/~role.{role_.name}/ada",
        f"revoke github:credential/fine-grained.{token.id}/ada",
    } <= set(said(planned.plan))
    assert f"revoke the role {role_.name} of the organization from ada" in {c.words for c in planned.plan.changes}
    assert not any(other.name in line for line in said(planned.plan))
    assert failures(applied) == [] and role_.users == {hub.user("bob").id}
    assert [g.name for g in hub.org.grants.values()] == ["desktop"]
    assert said(hub.plan(after, before).plan) == []


def test_role_of_whoever_stays_by_the_enterprise_is_taken_all_the_same(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend")
    ada, role_ = hub.user("ada"), next(iter(hub.org.org_roles.values()))
    hub.server.world.create_enterprise_team(hub.org, "Auditors", [ada])
    role_.users.add(ada.id)
    after, before = leaves(hub, "backend")
    planned, applied = hub.apply(tmp_path, after, before)
    assert said(planned.plan) == [f"revoke github:grant/~role.{role_.name}/ada"]
    assert failures(applied) == [] and not role_.users and said(hub.plan(after, before).plan) == []


def test_deploy_keys_and_places_of_a_leaver_are_told_and_left(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend", "ada")
    for name in ("site", "docs", "plain"):
        hub.repo(name).collaborators[hub.user("ada").id] = "write"
    site = hub.server.world.repo(hub.org, "site")
    assert site is not None
    site.keys[7] = DeployKey(7, "ci", "ssh-ed25519 AAAA", False, hub.user("ada").id, NOW)
    site.keys[8] = DeployKey(8, "of the boss", "ssh-ed25519 BBBB", False, hub.boss.id, NOW)
    hub.server.world.version += 1
    named = {
        "branches": {"main": {"reviews": 1, "push": {"people": ["ada"]}}},
        "environments": {"production": {"reviewers": {"people": ["ada"]}}},
    }
    hub.objects = {"repositories": {"docs": named}}
    after, before = leaves(hub, "backend")
    hub.apply(tmp_path, before)
    hub.objects = {}
    hub.server.reset_calls()
    planned = hub.plan(after, before)
    assert told(planned, "github-leaver-keys") == ["deploy keys that ada added keep working: `ci` of site"]
    assert told(planned, "github-leaver-named") == [
        "ada stays named: may push to main of docs, reviewer of environment production of docs"
    ]
    assert told(planned, "github-leaver-unseen") == ["not seen of ada: fine-grained tokens (shown to Apps alone)"]
    assert hub.server.calls["GET /repos/{owner}/{repo}/keys"] == 1  # of the one repository that has any
    _, applied = hub.apply(tmp_path, after, before)
    assert failures(applied) == [] and set(site.keys) == {7, 8}
    hub.server.reset_calls()
    assert said(hub.plan(after, before).plan) == []
    assert not any("keys" in call or "organization-roles" in call for call in hub.server.calls)


def test_deploy_keys_of_whoever_is_no_member_are_told_while_they_leave_and_after(hub: Hub, tmp_path: Path) -> None:
    carl, repo = hub.user("carl"), hub.repo("site")
    repo.collaborators[carl.id] = "admin"
    repo.keys[7] = DeployKey(7, "ci", "ssh-ed25519 AAAA", False, carl.id, NOW)
    hub.server.world.version += 1
    site = role("site", repositories={"site": ["admin"]})
    before, after = hub.files([hub.person("carl", "site")], [site]), hub.files([], [site])
    hub.apply(tmp_path, before)
    planned, applied = hub.apply(tmp_path, after, before)
    assert told(planned, "github-leaver-keys") == ["deploy keys that carl added keep working: `ci` of site"]
    assert failures(applied) == [] and not repo.collaborators
    reader = hub.reader()
    assert isinstance(reader, Remains)
    hub.server.world.rename_user(carl, "carlo")
    (found,) = reader.remains({"carl": str(carl.id)})
    assert found.message == "deploy keys that carlo added keep working: `ci` of site"
    assert reader.remains({"carl": None}) == []  # whoever has that login now has added none
    hub.server.fail("GET /repos/{owner}/{repo}/keys", 403, body=b'{"message": "Resource not accessible"}')
    (found,) = reader.remains({"carl": str(carl.id)})
    assert found.message.startswith("not seen of carlo: deploy keys and where they are named (")


def test_list_that_an_app_may_not_see_holds_nothing_back_and_is_said(hub: Hub, tmp_path: Path) -> None:
    hub.team("backend", "ada")
    as_app(hub, members="write", administration="write", metadata="read", environments="write")
    after, before = leaves(hub, "backend")
    planned, applied = hub.apply(tmp_path, after, before)
    (words,) = told(planned, "github-leaver-unseen")
    assert "roles of the organization (" in words and "fine-grained tokens (" in words and "deploy keys" not in words
    assert failures(applied) == [] and set(hub.truth()["members"]) == {"boss"}
