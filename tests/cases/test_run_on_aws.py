"""One pipeline and one role of AWS: what a run of it may do there is what whoever it is for may, and the pipeline too.

ada lists users and makes them, bob lists roles; the pipeline lists users and roles, and its role may do everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.cases.site import BASE, TARGET, Site
from tests.sandbox.aws.calls import allow, document, refused

ACCESS = f"""\
{BASE}people:
  ada: {{name: Ada, email: ada@example.com, roles: [{{role: developer, environments: [production]}}]}}
  bob: {{name: Bob, email: bob@example.com, roles: [{{role: operator, environments: [production]}}]}}
roles:
  developer: {{environments: [production], grants: {{aws: {{groups: [Developers]}}}}}}
  operator: {{environments: [production], grants: {{aws: {{policies: [ListRoles]}}}}}}
  site: {{environments: [production], grants: {{aws: {{policies: [ListUsers, ListRoles]}}}}}}
{TARGET}    groups: {{Developers: {{policies: [ListUsers, MakeUsers]}}}}
pipelines:
  site: {{repository: site, scope: [site], assume: {{aws: Site}}}}
"""
POLICIES = {
    "ListUsers": document(allow("iam:ListUsers")),
    "ListRoles": document(allow("iam:ListRoles")),
    "MakeUsers": document(allow("iam:CreateUser")),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, aws_server: AwsServer) -> Iterator[Site]:
    aws_server.clear()
    yield Site(tmp_path_factory.mktemp("site"), aws_server, ACCESS, POLICIES)
    aws_server.clear()


def test_the_same_pipeline_may_what_each_of_two_people_may(site: Site) -> None:
    for who, may, may_not in (("ada", "list_users", "list_roles"), ("bob", "list_roles", "list_users")):
        status, told = site.run_for(who)
        assert status == 0, told
        assert site.client("sts").get_caller_identity()["Arn"].endswith(f":assumed-role/Site/{who}")
        iam = site.client("iam")
        getattr(iam, may)()
        for call, parameters in ((may_not, {}), ("create_user", {"UserName": "eve"}), ("list_groups", {})):
            with refused("AccessDenied", 403):
                getattr(iam, call)(**parameters)
        assert f"{site.given()['AWS_ACCESS_KEY_ID']} ends by itself at" in told
        ours = site.server.exports()
        assert ours["AWS_SECRET_ACCESS_KEY"] not in site.given().values()


def test_a_session_that_nothing_ends_is_not_called_gone(site: Site) -> None:
    _, public = site.provision("run", "--new-key", "key")
    said = ("--environment", "production", "--person", "ada", "--pipeline", "site")
    status, told = site.provision("run", *said, "--sealed-for", public.strip(), "--out", "box")
    assert status == 0, told
    run = told.splitlines()[-1]
    status, told = site.provision("run", "--end", run)
    assert (status, told.count("\n")) == (0, 1) and "left: aws: what it was given ends by itself at " in told
    assert [json.loads(p.read_text())["left"] != [] for p in site.folder.rglob(f"runs/*/*-{run}-end-*.json")] == [True]
    status, told = site.provision("run", "--end", "nosuchrun")
    assert status == 64 and "left" not in told


def test_what_aws_cannot_be_narrowed_to_is_refused_and_no_command_begins(site: Site) -> None:
    site.iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")
    (site.folder / "given").unlink(missing_ok=True)
    status, told = site.run_for("ada")
    assert (status, (site.folder / "given").exists()) == (7, False)
    assert "error[cannot-narrow]" in told
    assert "permissions boundary" in told
    site.iam.delete_user_permissions_boundary(UserName="ada")
