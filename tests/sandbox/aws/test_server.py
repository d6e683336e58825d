"""Starting, stopping, accounts, and whose key is whose."""

from __future__ import annotations

import http.client
import subprocess
import sys
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from provisioner.sandbox.aws import AwsServer
from tests.sandbox.aws.calls import HUB, MEMBER, key_client, refused


def test_start_gives_keys_that_act_in_the_hub_account(server: AwsServer) -> None:
    exports = server.exports()
    client = boto3.client(
        "sts",
        endpoint_url=exports["AWS_ENDPOINT_URL"],
        region_name=exports["AWS_DEFAULT_REGION"],
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=exports["AWS_SESSION_TOKEN"],
    )
    who = client.get_caller_identity()
    assert (who["Account"], who["Arn"]) == (HUB, f"arn:aws:sts::{HUB}:assumed-role/sandbox-operator/sandbox")


def test_exports_are_all_that_another_process_needs(server: AwsServer) -> None:
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=server.exports(MEMBER), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == MEMBER


def test_start_empties_what_an_earlier_run_left(server: AwsServer) -> None:
    server.client("iam").create_user(UserName="ada")
    server.stop()
    assert set(server.truth()["users"]) == {"ada"}
    server.start()
    assert server.truth()["users"] == {}
    assert server.client("iam").list_users()["Users"] == []


def test_a_stopped_server_refuses_connections(server: AwsServer) -> None:
    client = server.client("iam")
    client.list_users()
    server.stop()
    with pytest.raises(EndpointConnectionError):
        client.list_users()


def test_starting_twice_is_an_error_and_stopping_twice_is_not(server: AwsServer) -> None:
    with pytest.raises(RuntimeError, match="already running"):
        server.start()
    server.stop()
    server.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url


@pytest.mark.parametrize("account", ["", "123", "12345678901x"])
def test_an_account_id_has_twelve_digits(server: AwsServer, account: str) -> None:
    with pytest.raises(ValueError, match="12 digits"):
        server.create_account(account)
    with pytest.raises(ValueError, match="12 digits"):
        AwsServer(hub_account=account)


def test_importing_the_sandbox_does_not_import_moto_or_boto3() -> None:
    code = (
        "import sys, provisioner.sandbox.aws; print(sorted({'moto', 'boto3', 'botocore', 'flask'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_other_services_are_plain_moto(server: AwsServer) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="journal")
    s3.put_object(Bucket="journal", Key="head", Body=b"1")
    assert s3.get_object(Bucket="journal", Key="head")["Body"].read() == b"1"


def test_an_unknown_key_is_refused_and_not_given_a_default_account(server: AwsServer) -> None:
    client = server.client("sts", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x")
    with refused("InvalidClientTokenId", 403):
        client.get_caller_identity()


def test_a_wrong_secret_does_not_match_the_signature(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada")
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    client = server.client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key="wrong")
    with refused("SignatureDoesNotMatch", 403):
        client.get_caller_identity()


def test_a_session_key_without_its_token_is_refused(server: AwsServer) -> None:
    exports = server.exports()
    client = server.client(
        "sts",
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )
    with refused("InvalidClientTokenId", 403):
        client.get_caller_identity()


def test_a_users_key_says_who_the_user_is(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada", Path="/people/")
    who = key_client(server, "ada", "sts").get_caller_identity()
    assert who["Arn"] == f"arn:aws:iam::{HUB}:user/people/ada"


def test_an_inactive_key_is_refused_until_it_is_active_again(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada")
    client = key_client(server, "ada", "sts")
    (key,) = server.truth()["users"]["ada"]["keys"]
    iam.update_access_key(UserName="ada", AccessKeyId=key, Status="Inactive")
    with refused("InvalidClientTokenId", 403):
        client.get_caller_identity()
    iam.update_access_key(UserName="ada", AccessKeyId=key, Status="Active")
    assert client.get_caller_identity()["Account"] == HUB
    iam.delete_access_key(UserName="ada", AccessKeyId=key)
    with refused("InvalidClientTokenId", 403):
        client.get_caller_identity()


def test_a_third_access_key_is_over_the_limit(iam: Any) -> None:
    iam.create_user(UserName="ada")
    for _ in range(2):
        iam.create_access_key(UserName="ada")
    with refused("LimitExceeded", 409):
        iam.create_access_key(UserName="ada")


def test_key_calls_without_a_name_act_on_the_calling_user(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada")
    client = key_client(server, "ada")
    assert [key["UserName"] for key in client.list_access_keys()["AccessKeyMetadata"]] == ["ada"]
    assert client.get_user()["User"]["UserName"] == "ada"


@pytest.mark.parametrize("call", ["create_access_key", "list_access_keys", "get_user", "list_mfa_devices"])
def test_key_calls_without_a_name_are_refused_for_sessions(iam: Any, call: str) -> None:
    with refused("ValidationError", 400):
        getattr(iam, call)()


def test_a_connection_stays_open_for_the_next_call(server: AwsServer) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    for _ in range(2):
        connection.request("POST", "/", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15")
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (400, None)
        assert b"ValidationError" in answer.read()
        socket = connection.sock
    assert connection.sock is socket
    connection.close()


def test_several_servers_in_one_process_share_moto_and_the_last_start_empties_it(server: AwsServer) -> None:
    server.client("iam").create_user(UserName="ada")
    with AwsServer(hub_account=MEMBER) as second:
        assert second.client("sts").get_caller_identity()["Account"] == MEMBER
        assert server.truth()["users"] == {}


def test_a_port_may_be_chosen(server: AwsServer) -> None:
    port = int(server.url.rpartition(":")[2])
    server.stop()
    with AwsServer(port=port) as again:
        assert again.url == f"http://127.0.0.1:{port}"
        assert again.client("sts").get_caller_identity()["Account"] == HUB
