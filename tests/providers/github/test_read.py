"""Reading in bulk: in how few calls, what a short answer leads to, and that a reader cannot write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.contract import ProviderError, Trouble
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import EVERYTHING, Scope, Verdict
from provisioner.providers.github import Github, queries
from provisioner.providers.github.calls import ReadCalls, WriteCalls
from provisioner.providers.github.connect import open_site, pace_of
from provisioner.providers.github.settings import Settings
from provisioner.sandbox.github.server import READ_ALL
from provisioner.transport import Budgets, Pace
from tests.providers.github.rig import Hub, role
from tests.runs import failures
from tests.worlds import codes, said

BACKEND = role("backend", teams=["backend"])


def big(hub: Hub, members: int, teams: int, repos: int) -> None:
    """Every team below another but each tenth, with a few people and repositories of its own."""
    world = hub.server.world
    people = [hub.user(f"user-{i}", member=True) for i in range(members - 1)]
    places = [hub.repo(f"repo-{i}") for i in range(repos)]
    made: list[Any] = []
    for i in range(teams):
        team = world.create_team(hub.org, f"team-{i}", parent=made[i - 1] if i % 10 else None)
        team.members.update({people[(7 * i + k) % len(people)].id: "member" for k in range(5)})
        team.repos[places[i % repos].id] = "write"
        made.append(team)
    for i, repo in enumerate(places):
        repo.collaborators[people[i % len(people)].id] = "read"
    world.version += 1


def test_large_organization_is_read_in_the_fewest_calls_and_planned_empty(hub: Hub) -> None:
    """1,500 members are 15 pages of 100, the most that GraphQL gives: teams and repositories come along in the same
    calls. Beside them a repository's invitations (which GraphQL does not have), one call each, and five more."""
    big(hub, 1500, 400, 300)
    hub.server.reset_calls()
    reader = hub.reader()
    system = reader.system()
    reading = reader.read(EVERYTHING)
    reader.close()
    calls = dict(hub.server.calls)
    assert calls.pop("POST /graphql") == 15
    assert calls.pop("GET /repos/{owner}/{repo}/invitations") == 300
    assert sum(calls.values()) == 4 and system.startswith("organization ")
    assert reading.calls == 15 + 300 + 2
    assert reading.coverage.of(Kind.ACCOUNT).verdict is Verdict.COMPLETE
    counts = reading.state.counts()
    assert counts["account"] == 1500 and counts["group"] == 400
    given = [r for r in reading.state.of_kind(Kind.GRANT) if r.ways[0].via is None]
    assert len(given) == 1500 + 300 + 400  # memberships of the organization, collaborators, what teams have
    assert said(hub.plan(hub.files([], [])).plan) == []


def test_nothing_changes_by_reading(hub: Hub) -> None:
    hub.team("backend", "ada")
    hub.repo("site")
    before, version = hub.truth(), hub.server.world.version
    reader = hub.reader()
    state = reader.read(EVERYTHING).state
    reader.look([r.address for r in state])
    reader.me()
    reader.system()
    reader.close()
    assert (hub.truth(), hub.server.world.version) == (before, version)
    assert {c.partition(" ")[0] for c in hub.server.calls} == {"GET", "POST"}
    assert [c for c in hub.server.calls if c.startswith("POST")] == ["POST /graphql"]


def test_transport_of_a_reader_refuses_writes_before_they_are_sent(hub: Hub) -> None:
    hub.environ["GITHUB_READ"] = hub.environ["GITHUB_WRITE"]  # the credential could
    settings = Settings.model_validate(hub.settings)
    site = open_site(settings, "plan", hub.environ, Budgets())
    calls = WriteCalls(site)
    hub.server.reset_calls()
    with pytest.raises(ProviderError) as error:
        calls.write("PUT", "/orgs/acme/memberships/ada", {"role": "admin"}, deadline=1e18)
    assert error.value.trouble is Trouble.DENIED
    with pytest.raises(ProviderError):
        ReadCalls(site).graphql("mutation { deleteTeam { id } }", {})
    assert hub.server.calls.total() == 0


def test_bulk_and_point_reads_agree(hub: Hub) -> None:
    hub.team("backend", "ada", "bob")
    hub.team("below", "ada", parent="backend")
    hub.user("owner", member=True, role="admin")
    hub.repo("site").collaborators[hub.user("carl").id] = "maintain"
    world = hub.server.world
    world.grant_team(world.team(hub.org, "backend"), world.repos_of(hub.org), "admin")  # type: ignore[arg-type]
    world.team(hub.org, "below").members[hub.user("owner").id] = "member"  # type: ignore[union-attr]
    world.invite(hub.org, hub.boss, user=hub.user("eve"), teams={world.team(hub.org, "below").id: "member"})  # type: ignore[union-attr]
    world.invite(hub.org, hub.boss, email="fay@example.com")
    reader = hub.reader()
    bulk = {r.address: r for r in reader.read(EVERYTHING).state}
    asked = [a for a, r in bulk.items() if any(w.via is None for w in r.ways)]
    found = reader.look(asked)
    reader.close()
    assert set(asked) == set(found.state.resources) and found.looked >= set(asked)
    inherited = {a for a in asked if a.principal is not None and a.principal.kind.value == "group"}
    for address in asked:
        one, other = bulk[address], found.state.resources[address]
        assert one.attributes == other.attributes and one.hides == other.hides, address
        if address not in inherited:
            assert [w.native_id for w in one.ways if w.via is None] == [
                w.native_id for w in other.ways if w.via is None
            ]


def test_what_is_not_there_is_proven_by_a_point_read(hub: Hub) -> None:
    hub.repo("site")
    hub.user("eve")
    reader = hub.reader()
    absent = [
        Address.parse(text)
        for text in (
            "github:account/eve",
            "github:account/nobody",
            "github:group/none",
            "github:membership/none/eve",
            "github:grant/site/eve",
            "github:grant/none/eve",
            "github:grant/~organization/eve",
            "github:control/site#branch.main",
        )
    ]
    found = reader.look(absent)
    assert found.looked == set(absent) and len(found.state) == 0


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda s: s.truncate("POST /graphql", 300, None, after=1), id="a page that breaks off"),
        pytest.param(lambda s: s.fail("POST /graphql", 200, None, body=b"<html>", after=1), id="a page of a proxy"),
        pytest.param(lambda s: s.fail("POST /graphql", 404, None, after=1), id="a page that is gone"),
        pytest.param(lambda s: s.fail("GET /orgs/{org}/invitations", 403, None), id="invitations denied"),
        pytest.param(lambda s: s.truncate("GET /orgs/{org}/invitations", 1, None), id="invitations cut"),
        pytest.param(lambda s: s.fail("GET /repos/{owner}/{repo}/invitations", 403, None), id="a repository denied"),
    ],
)
def test_short_read_takes_nobodys_access_and_invites_nobody(hub: Hub, spoil: Any) -> None:
    """Two pages of members; the second, or a list beside them, does not come."""
    big(hub, 150, 3, 2)
    hub.user("newcomer")
    hub.team("backend", "ada")
    before = hub.files([hub.person("ada", "backend")], [BACKEND])
    after = hub.files([hub.person("newcomer", "backend")], [BACKEND])
    spoil(hub.server)
    hub.provider._budgets = Budgets(Pace(sleep=lambda _: None))
    planned = hub.plan(after, before)
    assert not [c for c in said(planned.plan) if c.startswith(("revoke", "delete", "create github:account"))]
    assert "incomplete-read" in codes(planned.plan) and not planned.plan.complete


def test_limit_that_is_told_in_a_good_answer_is_waited_out(hub: Hub) -> None:
    hub.team("backend", "ada")
    told = b'{"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}'
    hub.server.fail("POST /graphql", 200, body=told, headers={"Retry-After": "7"})
    slept: list[float] = []
    hub.provider._budgets = Budgets(Pace(sleep=slept.append, monotonic=lambda: sum(slept)))
    reading = hub.reader().read(EVERYTHING)
    assert reading.coverage.of(Kind.MEMBERSHIP).verdict is Verdict.COMPLETE
    assert len(slept) == 1 and 7 < slept[0] < 8


def test_error_beside_the_data_is_not_read_as_nothing_there(hub: Hub) -> None:
    hub.team("backend", "ada")
    before = hub.files([hub.person("ada", "backend")], [BACKEND])
    told = (
        b'{"data": {"organization": {"databaseId": 1, "login": "acme", "membersWithRole": null, "pendingMembers": null,'
        b' "teams": null, "repositories": null}}, "errors": [{"type": "FORBIDDEN", "path": ["organization", "teams"],'
        b' "message": "Resource not accessible by integration"}]}'
    )
    hub.server.fail("POST /graphql", 200, None, body=told)
    planned = hub.plan(hub.files([], [BACKEND]), before)
    assert said(planned.plan) == [] and not planned.plan.complete


def test_count_that_does_not_fit_is_a_short_read(hub: Hub) -> None:
    """A last page without somebody on it, and not a word of it."""
    hub.team("backend", "ada", "bob")
    before = hub.files([hub.person("ada", "backend"), hub.person("bob", "backend")], [BACKEND])
    asked: dict[str, Any] = dict.fromkeys(("members", "teams", "repositories", "pending"), True)
    asked |= {"login": "acme", "teamsFirst": 100, "repositoriesFirst": 100}
    calls = ReadCalls(open_site(Settings.model_validate(hub.settings), "plan", hub.environ, Budgets()))
    data: Any = json.loads(json.dumps(calls.graphql(queries.ORGANIZATION, asked)[0]))
    calls.close()
    data["organization"]["membersWithRole"]["edges"].pop()
    hub.server.fail("POST /graphql", 200, None, body=json.dumps({"data": data}).encode())
    planned = hub.plan(hub.files([], [BACKEND]), before)
    assert said(planned.plan) == [] and "incomplete-read" in codes(planned.plan)


def test_renamed_repository_is_read_on_and_written_to_by_its_name_of_now_alone(hub: Hub, tmp_path: Path) -> None:
    repo = hub.repo("site")
    hub.user("ada", member=True)
    files = hub.files([hub.person("ada", "site")], [role("site", repositories={"site": ["maintain"]})])
    hub.server.world.rename_repo(repo, "web")
    _, applied = hub.apply(tmp_path, files)
    assert hub.truth()["repos"]["web"]["collaborators"] == {} and failures(applied)


def test_credential_that_may_not_see_is_told_with_what_it_needs(hub: Hub) -> None:
    hub.repo("site")
    hub.environ["GITHUB_READ"] = hub.server.fine_grained_token(
        hub.boss, {k: v for k, v in READ_ALL.items() if k != "administration"}
    )
    reader = hub.reader()
    reading = reader.read(EVERYTHING)
    assert reading.coverage.of(Kind.GRANT).verdict is not Verdict.COMPLETE


def test_wrong_token_is_a_credential_trouble_and_is_not_shown(hub: Hub) -> None:
    hub.environ["GITHUB_READ"] = "ghp_canary0123456789"
    with pytest.raises(ProviderError) as error:
        hub.reader().system()
    assert error.value.trouble is Trouble.CREDENTIAL and "canary" not in str(error.value)


def test_missing_variable_is_named(hub: Hub) -> None:
    del hub.environ["GITHUB_READ"]
    with pytest.raises(ProviderError, match="GITHUB_READ"):
        hub.reader()


def test_unknown_organization_is_told(hub: Hub) -> None:
    hub.settings["organization"] = "nowhere"
    with pytest.raises(ProviderError) as error:
        hub.reader().read(EVERYTHING)
    assert error.value.trouble is Trouble.GONE


def test_app_reads_by_a_token_that_cannot_write_and_writes_by_another(hub: Hub, tmp_path: Path) -> None:
    key = hub.server.create_app(hub.org)
    del hub.settings["token"]
    hub.settings["app"] = {"id": key.client_id, "private_key": {"env": "APP_KEY"}}
    hub.environ = {"GITHUB_API_URL": hub.server.url, "APP_KEY": key.private_key}
    hub.team("backend", "ada")
    hub.user("bob", member=True)
    files = hub.files([hub.person("ada", "backend"), hub.person("bob", "backend")], [BACKEND])
    planned, applied = hub.apply(tmp_path, files)
    assert said(planned.plan) == ["create github:membership/backend/bob"] and failures(applied) == []
    assert hub.server.calls["POST /app/installations/{installation_id}/access_tokens"] == 3  # two readers, one writer
    reader = hub.reader()
    assert reader.me().anchors == frozenset()


def test_key_of_an_app_that_is_none_is_told_without_it(hub: Hub) -> None:
    del hub.settings["token"]
    hub.settings["app"] = {"id": "Iv1.x", "private_key": {"env": "APP_KEY"}}
    hub.environ["APP_KEY"] = "canary-not-a-key"
    with pytest.raises(ProviderError) as error:
        hub.reader().system()
    assert error.value.trouble is Trouble.CREDENTIAL and "canary" not in str(error.value)


def test_targets_that_share_a_token_share_its_limits(hub: Hub) -> None:
    settings = Settings.model_validate(hub.settings)
    budgets = Budgets()
    one, two = (open_site(settings, "plan", hub.environ, budgets) for _ in range(2))
    other = open_site(settings, "apply", hub.environ, budgets)
    assert one.session.budget is two.session.budget is not other.session.budget


def test_writes_are_spaced_on_github_com_alone() -> None:
    assert pace_of("api.github.com").between_writes == pace_of("api.acme.ghe.com").between_writes == 0.8
    assert pace_of("github.acme.example").between_writes == 0.0


def test_credentials_of_a_leaver_are_nobodys_to_list_without_saml(hub: Hub) -> None:
    reader = hub.reader()
    coverage = reader.read(frozenset({Scope(Kind.CREDENTIAL, "ada")})).coverage
    assert coverage.is_complete(Kind.CREDENTIAL, "ada")


def test_importing_the_provider_loads_no_client() -> None:
    import subprocess
    import sys

    code = "import sys, provisioner.providers.github, provisioner.providers.circleci\n" + (
        "print([m for m in ('requests', 'jwt', 'pydantic', 'urllib3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]" and Github.name == "github"
