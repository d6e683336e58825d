"""Whose credentials are used: those of the environment handed in and no others, in the role of the purpose."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provisioner.contract import ProviderError, Trouble
from provisioner.model.address import Address, Kind
from provisioner.providers.aws_iam import PROVIDER
from tests.providers.aws_iam.rig import ACCOUNT, NAME, Cloud, aws_target

DIRECT: dict[str, Any] = {"assume_role": {}}


def test_readers_and_writers_each_assume_their_own_role(cloud: Cloud) -> None:
    reader, writer = cloud.reader(), cloud.writer()
    assert reader.me().name == f"arn:aws:sts::{ACCOUNT}:assumed-role/provision-read/provision-plan"
    writer.cut(Address(NAME, Kind.ACCOUNT, "nobody"), float("inf"))
    roles = {session.role_arn.rpartition("/")[2] for session in cloud.server.sessions.values()}
    assert {"provision-read", "provision-write"} <= roles


def test_without_a_role_the_credentials_themselves_are_used(cloud: Cloud) -> None:
    key = _key(cloud, "ci")
    reader = PROVIDER.open_reader(aws_target(**DIRECT), {**key, "AWS_ENDPOINT_URL": cloud.server.url})
    me = reader.me()
    assert me.name == f"arn:aws:iam::{ACCOUNT}:user/ci"
    assert me.anchors == {Address(NAME, Kind.ACCOUNT, "ci")}


def test_our_own_user_behind_the_role_is_an_anchor(cloud: Cloud) -> None:
    trust = f"arn:aws:iam::{ACCOUNT}:user/ci"
    key = _key(cloud, "ci")
    cloud.make_role("reader", trust)
    target = aws_target(assume_role={"plan": "arn:aws:iam::{account}:role/reader"})
    reader = PROVIDER.open_reader(target, {**key, "AWS_ENDPOINT_URL": cloud.server.url})
    me = reader.me()
    assert me.name.endswith("assumed-role/reader/provision-plan")
    assert me.anchors == {Address(NAME, Kind.ACCOUNT, login) for login in ("ci", "role/reader")}


def test_the_roles_that_we_read_and_write_with_are_anchors(cloud: Cloud) -> None:
    assert cloud.reader().me().anchors == {
        Address(NAME, Kind.ACCOUNT, f"role/provision-{one}") for one in ("read", "write")
    }


def test_an_environment_without_credentials_is_told_and_nothing_else_is_picked_up(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cloud.server.exports().items():
        monkeypatch.setenv(name, value)
    for target in (aws_target(), aws_target(**DIRECT)):
        with pytest.raises(ProviderError, match="AWS_PROFILE") as caught:
            PROVIDER.open_reader(target, {"AWS_ENDPOINT_URL": cloud.server.url}).system()
        assert caught.value.trouble is Trouble.CREDENTIAL


def test_this_process_own_environment_goes_through_the_sdks_own_chain(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    for name, value in cloud.server.exports().items():
        monkeypatch.setenv(name, value)
    assert PROVIDER.open_reader(aws_target(), os.environ).system() == ACCOUNT
    assert PROVIDER.open_reader(aws_target(), dict(os.environ)).system() == ACCOUNT


def test_a_profile_is_read_from_the_files_that_the_environment_names(cloud: Cloud, tmp_path: Path) -> None:
    exports = cloud.server.exports()
    lines = [f"{name.lower()} = {exports[name]}" for name in exports if name.startswith(("AWS_A", "AWS_SE"))]
    (tmp_path / "credentials").write_text("\n".join(["[hub]", *lines]))
    environ = {
        "AWS_PROFILE": "hub",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_ENDPOINT_URL": cloud.server.url,
    }
    assert PROVIDER.open_reader(aws_target(), environ).system() == ACCOUNT
    with pytest.raises(ProviderError, match="missing"):
        PROVIDER.open_reader(aws_target(), {**environ, "AWS_PROFILE": "missing"})


def test_the_token_of_a_ci_job_opens_the_first_role(cloud: Cloud, tmp_path: Path) -> None:
    issuer = "token.ci.example.com"
    hub = cloud.server.client("iam")
    provider = hub.create_open_id_connect_provider(Url=f"https://{issuer}", ClientIDList=["sts.amazonaws.com"])
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": provider["OpenIDConnectProviderArn"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer}:sub": "repo:acme/access"}},
    }
    hub.create_role(RoleName="ci", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    claims = {"iss": f"https://{issuer}", "aud": "sts.amazonaws.com", "sub": "repo:acme/access"}
    parts: tuple[dict[str, str], ...] = ({"alg": "none"}, claims, {})
    token = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
    (tmp_path / "token").write_text(token)
    environ = {
        "AWS_ROLE_ARN": f"arn:aws:iam::{cloud.server.hub_account}:role/ci",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ENDPOINT_URL": cloud.server.url,
    }
    assert PROVIDER.open_reader(aws_target(), environ).system() == ACCOUNT


def test_settings_that_do_not_read_are_told_by_key(cloud: Cloud) -> None:
    with pytest.raises(ProviderError, match=f"settings of {NAME}: account") as caught:
        cloud.reader(aws_target(account="11"))
    assert caught.value.trouble is Trouble.CREDENTIAL


def test_a_session_that_ran_out_is_told_as_ours_to_mend(cloud: Cloud) -> None:
    reader = cloud.reader()
    reader.system()
    cloud.server.expire_sessions()
    with pytest.raises(ProviderError) as caught:
        reader.look([Address(NAME, Kind.GROUP, "x")])
    assert caught.value.trouble is Trouble.CREDENTIAL


def test_errors_and_values_show_no_secret(cloud: Cloud) -> None:
    secret = cloud.exports["AWS_SECRET_ACCESS_KEY"]
    reader = cloud.reader()
    assert secret not in repr(vars(reader))
    with pytest.raises(ProviderError) as caught:
        cloud.reader(AWS_SECRET_ACCESS_KEY="wrong").system()
    assert caught.value.trouble is Trouble.CREDENTIAL
    assert secret not in str(caught.value)


def test_importing_the_provider_loads_no_sdk_and_no_pydantic() -> None:
    code = (
        "import sys; from provisioner.providers.aws_iam import PROVIDER; "
        "print(sorted({'boto3', 'botocore', 'pydantic', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_sdk_is_told_with_the_command_that_installs_it(tmp_path: Path) -> None:
    (tmp_path / "botocore").mkdir()
    (tmp_path / "botocore/__init__.py").write_text("raise ModuleNotFoundError(name='botocore')")
    code = (
        "from provisioner.contract import ProviderError\n"
        "from provisioner.providers.aws_iam import PROVIDER\n"
        "from provisioner.model.target import Target\n"
        "try:\n    PROVIDER.open_reader(Target('aws', 'aws', 'aws-iam'), {})\n"
        "except ProviderError as error:\n    print(error.code, error.message)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}, '.']\n{code}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.strip() == "missing-extra AWS needs further packages: pip install 'provision-access[aws]'"


def _key(cloud: Cloud, login: str) -> dict[str, str]:
    cloud.iam.create_user(UserName=login)
    made = cloud.iam.create_access_key(UserName=login)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}
