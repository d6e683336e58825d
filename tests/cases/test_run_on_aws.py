"""A run on AWS by the command line: the script's own SDK has what the person and the pipeline both have."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from provisioner.cli.main import main
from provisioner.cli.sample import commit, new_repository
from provisioner.sandbox.aws import AwsServer
from tests.providers.aws_iam.rig import ACCOUNT

FILES = f"""\
records: {{owner: 5f1c0a9b7e3d4c21}}
environments: {{production: {{}}}}
targets:
  aws:
    provider: aws-iam
    account: "{ACCOUNT}"
    assume_role: {{plan: "arn:aws:iam::{{account}}:role/r", apply: "arn:aws:iam::{{account}}:role/w"}}
people:
  ada: {{name: Ada, email: ada@example.com, roles: [looks, hires]}}
roles:
  looks: {{environments: [production], grants: {{aws: {{policies: [ListUsers]}}}}}}
  hires: {{environments: [production], grants: {{aws: {{policies: [MakeUsers]}}}}}}
  counts: {{environments: [production], grants: {{aws: {{policies: [ListRoles]}}}}}}
pipelines:
  site: {{scope: [looks, counts], assume: {{aws: site}}}}
"""
ASK = """\
import boto3, os, botocore.exceptions
iam = boto3.client("iam")
with open(os.environ["ANSWERS"], "w") as answers:
    print(boto3.client("sts").get_caller_identity()["Arn"], file=answers)
    for call in (iam.list_users, iam.list_roles, lambda: iam.create_user(UserName="eve")):
        try:
            call()
            print("yes", file=answers)
        except botocore.exceptions.ClientError as error:
            print(error.response["Error"]["Code"], file=answers)
"""


def test_a_script_may_what_both_may_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    new_repository(tmp_path / "site", "restricted-database")
    monkeypatch.chdir(tmp_path / "site")
    for file in Path("access").rglob("*.yaml"):
        file.unlink()
    Path("access/all.yaml").write_text(FILES)
    commit(Path(), "access")
    for variable in ("CI", "GITHUB_ACTIONS", "CIRCLECI"):
        monkeypatch.delenv(variable, raising=False)
    with AwsServer() as server:
        server.create_account(ACCOUNT)
        iam, hub = server.client("iam", ACCOUNT), f"arn:aws:iam::{server.hub_account}:root"
        for name in ("ListUsers", "MakeUsers", "ListRoles"):
            action = "iam:CreateUser" if name == "MakeUsers" else f"iam:{name}"
            iam.create_policy(PolicyName=name, PolicyDocument=_document(Action=action, Resource="*"))
        chained = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
        for role in ("r", "w", "site"):
            trust = _document(Action=chained, Principal={"AWS": hub})
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
            iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        for variable, value in {**server.exports(), "ANSWERS": str(tmp_path / "answers")}.items():
            monkeypatch.setenv(variable, value)
        assert main(("apply",)) == 0, capfd.readouterr().err
        server.enforce()
        said = ("--environment", "production", "--person", "ada", "--pipeline", "site")
        assert main(("run", *said, "--", sys.executable, "-c", ASK)) == 0, capfd.readouterr().err
        who, *answers = (tmp_path / "answers").read_text().splitlines()
        assert who == f"arn:aws:sts::{ACCOUNT}:assumed-role/site/ada"
        assert answers == ["yes", "AccessDenied", "AccessDenied"]
        told = capfd.readouterr().err
        assert "aws: for ada: ListUsers; until " in told and "ends by itself at " in told


def _document(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
