"""What somebody who leaves has besides teams and repositories: what an enterprise gives them, and what they leave."""

from __future__ import annotations

from pathlib import Path

from provisioner.ask.receipt import Sought, receipt
from provisioner.contract import StillHas
from provisioner.engine import Planned
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.observe.kept import EVERYTHING
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
