"""A person and a pipeline that share more policies than a session of AWS takes: `apply` lays ready what runs need.

ada may make twelve kinds of call, each by a long policy of its own; the pipeline may, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.cases.site import ACCOUNT, BASE, TARGET, Site
from tests.sandbox.aws.calls import allow, document, refused

ACTIONS = {
    "list_users": "iam:ListUsers",
    "list_roles": "iam:ListRoles",
    "list_groups": "iam:ListGroups",
    "list_policies": "iam:ListPolicies",
    "list_account_aliases": "iam:ListAccountAliases",
    "list_server_certificates": "iam:ListServerCertificates",
    "list_instance_profiles": "iam:ListInstanceProfiles",
    "list_saml_providers": "iam:ListSAMLProviders",
    "list_open_id_connect_providers": "iam:ListOpenIDConnectProviders",
    "list_virtual_mfa_devices": "iam:ListVirtualMFADevices",
    "get_account_summary": "iam:GetAccountSummary",
    "get_account_password_policy": "iam:GetAccountPasswordPolicy",
}
CALLS = tuple(ACTIONS)
NAMES = [f"May{number}" for number in range(len(CALLS))]
ACCESS = f"""\
{BASE}people:
  ada: {{name: Ada, email: ada@example.com, roles: [{{role: developer, environments: [production]}}]}}
roles:
  developer: {{environments: [production], grants: {{aws: {{groups: [Some, Others]}}}}}}
{TARGET}    groups: {{Some: {{policies: {NAMES[:6]}}}, Others: {{policies: {NAMES[6:]}}}}}
"""
PIPELINE = """\
pipelines:
  site: {repository: site, scope: [developer], assume: {aws: Site}}
"""


def long(action: str) -> str:
    """So long that two of them do not go into a session beside ten others."""
    return document(allow(action), {"Effect": "Deny", "Action": action + "Never" * 200, "Resource": "*"})


def ready(site: Site) -> dict[str, Any]:
    """What lies ready in the account, as IAM shows it."""
    pages = site.iam.list_policies(Scope="Local", PathPrefix="/provision/run/")["Policies"]
    return {one["PolicyName"]: one for one in pages}


def lines(told: str, word: str) -> list[str]:
    return [line for line in told.splitlines() if word in line]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, aws_server: AwsServer) -> Iterator[Site]:
    aws_server.clear()
    policies = {name: long(ACTIONS[call]) for name, call in zip(NAMES, CALLS, strict=True)}
    made = Site(tmp_path_factory.mktemp("site"), aws_server, ACCESS, policies)
    with (made.folder / "access/access.yaml").open("a") as file:
        file.write(PIPELINE)
    made.commit()
    yield made
    aws_server.clear()


def test_a_plan_says_what_will_lie_ready_and_writes_nothing(site: Site) -> None:
    status, told = site.provision("plan")
    (line,) = lines(told, "note[run-policies]")
    assert status == 0 and line.endswith(": 1 policy to be laid ready on aws for runs (ada in site)")
    assert ready(site) == {}
    assert "Nothing to do. 1 target read" in told


def test_an_account_that_cannot_be_read_is_not_asked_again_for_that(site: Site) -> None:
    site.server.reset_calls()
    site.server.fail("iam.GetAccountAuthorizationDetails", "AccessDenied", 403, times=None)
    status, told = site.provision("plan")
    asked = site.server.calls[ACCOUNT, "iam.GetAccountAuthorizationDetails"]
    site.server.heal()
    assert (status, asked) == (5, 1) and "run-policies" not in told, told


def test_apply_lays_it_ready_once_attached_to_nobody(site: Site) -> None:
    status, told = site.provision("apply")
    assert lines(told, "note[run-policies]")  # what it will do is told before it is done
    ((name, policy),) = ready(site).items()
    assert status == 0 and lines(told, "lies ready for") == [f"aws: {name} lies ready for runs of ada in site"]
    assert (policy["Path"], policy["AttachmentCount"]) == ("/provision/run/5f1c0a9b/", 0)
    assert "run-policies" not in site.provision("plan")[1]
    assert site.provision("apply")[0] == 0
    assert list(ready(site)) == [name]
    assert lines(site.provision("journal", "show")[1], f"{name} lies ready for runs (ada in site)")


def test_the_run_may_all_that_both_may_and_nothing_else(site: Site) -> None:
    status, told = site.run_for("ada")
    assert status == 0, told
    iam = site.client("iam")
    for call in CALLS[:-1]:
        getattr(iam, call)()
    with refused("NoSuchEntity", 404):  # allowed, and there is none
        iam.get_account_password_policy()
    for call, parameters in (("create_user", {"UserName": "eve"}), ("get_user", {"UserName": "ada"})):
        with refused("AccessDenied", 403):
            getattr(iam, call)(**parameters)


def test_what_a_policy_says_now_is_laid_ready_and_what_a_run_may_still_have_stays(site: Site) -> None:
    """A policy that is copied gets a new text. Its runs are refused until the next apply, never given the old one."""
    (before,) = ready(site)
    copied = json.dumps(site.iam.get_policy_version(PolicyArn=ready(site)[before]["Arn"], VersionId="v1"), default=str)
    name, call = next((n, c) for n, c in zip(NAMES, CALLS, strict=True) if ACTIONS[c] in copied)
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
    site.iam.create_policy_version(PolicyArn=arn, PolicyDocument=long("iam:GetUser"), SetAsDefault=True)
    status, told = site.run_for("ada")
    assert status == 7 and "error[cannot-narrow]" in told and "`provision apply` makes them" in told
    status, told = site.provision("apply")
    assert status == 0 and set(ready(site)) > {before} and len(ready(site)) == 2
    (line,) = lines(told, before)
    assert line.startswith(f"aws: {before} stays until run")
    assert site.run_for("ada")[0] == 0
    iam = site.client("iam")
    iam.get_user(UserName="ada")
    with refused("AccessDenied", 403):
        getattr(iam, call)()


def test_one_that_somebody_changed_is_given_to_no_run_and_left_alone(site: Site) -> None:
    needed = next(n for n in ready(site) if n not in site.provision("plan")[1])
    arn = ready(site)[needed]["Arn"]
    site.iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*")), SetAsDefault=True)
    status, told = site.run_for("ada")
    assert status == 7 and "do not lie ready in the account as they should" in told
    assert lines(site.provision("plan")[1], "warning[run-policy-changed]")
    status, told = site.provision("apply")
    assert status == 0 and lines(told, f"left alone: {arn} is not as this tool made it")
    site.iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert site.run_for("ada")[0] == 0
    assert lines(site.provision("plan")[1], "has another version, which somebody made")
    site.iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    assert "run-policy" not in "".join(lines(site.provision("plan")[1], "warning"))


def test_when_the_pipeline_is_gone_and_its_runs_are_over_nothing_is_left(site: Site) -> None:
    (site.folder / "access/access.yaml").write_text(ACCESS)
    site.commit()
    assert "run-policies" not in site.provision("plan", "--person", "ada")[1]
    assert lines(site.provision("plan")[1], "2 to be taken away there, which no run needs")
    assert site.provision("apply", "--person", "ada")[0] == 0 and len(ready(site)) == 2
    status, told = site.provision("apply")
    assert status == 0 and lines(told, "stay until run") and len(ready(site)) == 2
    for begun in site.folder.rglob("runs/*/*-begin.json"):  # as if their time were over
        record = json.loads(begun.read_text())
        begun.write_text(json.dumps({**record, "ends": "2026-01-01T00:00:00Z"}))
    site.server.fail("iam.DeletePolicy", None, lost=True)
    status, told = site.provision("apply")
    assert (status, ready(site)) == (0, {}), told
    assert len(lines(told, "is taken away: no run needs it")) == 2
    site.server.reset_calls()
    assert site.provision("apply")[0] == 0
    assert site.server.calls[ACCOUNT, "iam.GetAccountAuthorizationDetails"] == 1  # nothing is looked for any more
