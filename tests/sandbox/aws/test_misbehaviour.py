"""Throttling, faults, lost answers, downtime, and counting what was called."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from provisioner.sandbox.aws import AwsServer
from tests.sandbox.aws.calls import HUB, MEMBER, refused


def patient(server: AwsServer) -> Any:
    """A client that retries as botocore's standard mode does."""
    import boto3

    exports = server.exports()
    return boto3.client(
        "iam",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=exports["AWS_SESSION_TOKEN"],
        config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
    )


def test_the_next_calls_are_throttled_and_then_go_on(server: AwsServer, iam: Any) -> None:
    server.throttle(times=2)
    for _ in range(2):
        with refused("Throttling", 400) as error:
            iam.list_users()
    assert error.message == "Rate exceeded"
    assert iam.list_users()["Users"] == []


@pytest.mark.parametrize("name", ["CreateUser", "iam.CreateUser"])
def test_throttling_may_be_of_one_action(server: AwsServer, iam: Any, name: str) -> None:
    server.throttle(name)
    iam.list_users()
    with refused("Throttling"):
        iam.create_user(UserName="ada")
    assert server.truth()["users"] == {}
    iam.create_user(UserName="ada")


def test_a_real_client_retries_throttling(server: AwsServer) -> None:
    client = patient(server)
    server.throttle("CreateUser", times=1)
    client.create_user(UserName="ada")
    assert server.calls[HUB, "iam.CreateUser"] == 2


def test_a_fault_has_the_code_and_status_asked_for(server: AwsServer, iam: Any) -> None:
    server.fail("DeleteUser", "ConcurrentModification", 409)
    with refused("ConcurrentModification", 409):
        iam.delete_user(UserName="ada")
    with refused("NoSuchEntity", 404):
        iam.delete_user(UserName="ada")


def test_a_fault_may_let_calls_pass_first_and_last_until_healed(server: AwsServer, iam: Any) -> None:
    server.fail("CreateUser", "ServiceFailure", 500, times=None, after=2)
    for name in ("a", "b"):
        iam.create_user(UserName=name)
    for _ in range(3):
        with refused("ServiceFailure", 500):
            iam.create_user(UserName="c")
    server.heal()
    iam.create_user(UserName="c")
    assert set(server.truth()["users"]) == {"a", "b", "c"}


def test_a_fault_may_be_of_one_account(server: AwsServer, iam: Any) -> None:
    server.fail("ListUsers", account=MEMBER)
    iam.list_users()
    with refused("ServiceFailure", 500):
        server.client("iam", MEMBER).list_users()


def test_a_fault_without_a_code_closes_the_connection(server: AwsServer, iam: Any) -> None:
    server.fail("CreateUser", None)
    with pytest.raises(ConnectionClosedError):
        iam.create_user(UserName="ada")
    assert server.truth()["users"] == {}


@pytest.mark.parametrize("code", [None, "ServiceFailure"])
def test_a_lost_answer_hides_a_write_that_was_done(server: AwsServer, iam: Any, code: str | None) -> None:
    server.fail("CreateUser", code, lost=True)
    with refused("ServiceFailure") if code else pytest.raises(ConnectionClosedError):
        iam.create_user(UserName="ada")
    assert set(server.truth()["users"]) == {"ada"}
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["ada"]


def test_a_server_that_is_down_answers_nothing_until_it_is_up(server: AwsServer, iam: Any) -> None:
    server.down = True
    with pytest.raises(ConnectionClosedError):
        iam.list_users()
    assert server.calls[HUB, "iam.ListUsers"] == 0
    server.down = False
    assert iam.list_users()["Users"] == []


def test_calls_are_counted_by_account_and_action(server: AwsServer, iam: Any, sts: Any) -> None:
    server.create_account(MEMBER)
    server.reset_calls()
    sts.get_caller_identity()
    for _ in range(2):
        iam.list_users()
    server.client("iam", MEMBER).get_account_authorization_details()
    with refused("NoSuchEntity"):
        iam.get_user(UserName="nobody")
    assert dict(server.calls) == {
        (HUB, "sts.GetCallerIdentity"): 1,
        (HUB, "iam.ListUsers"): 2,
        (HUB, "iam.GetUser"): 1,
        (MEMBER, "iam.GetAccountAuthorizationDetails"): 1,
    }
    server.reset_calls()
    assert not server.calls


def test_calls_from_many_threads_are_all_done_and_counted(server: AwsServer) -> None:
    clients = [server.client("iam") for _ in range(4)]

    def work(number: int) -> None:
        for index in range(10):
            clients[number].create_user(UserName=f"u{number}-{index}")
            clients[number].list_users()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.truth()["users"]) == 40
    assert (server.calls[HUB, "iam.CreateUser"], server.calls[HUB, "iam.ListUsers"]) == (40, 40)


def test_an_action_that_the_sandbox_lacks_is_said_and_not_answered(server: AwsServer, iam: Any) -> None:
    with refused("NotImplemented", 501) as error:
        iam.simulate_principal_policy(PolicySourceArn=f"arn:aws:iam::{HUB}:user/ada", ActionNames=["s3:GetObject"])
    assert "SimulatePrincipalPolicy" in error.message


def test_errors_carry_a_request_id_and_whose_fault_it_is(iam: Any) -> None:
    seen: list[str] = []
    iam.meta.events.register("after-call.iam.GetUser", lambda http_response, **_: seen.append(http_response.text))
    with pytest.raises(ClientError) as caught:
        iam.get_user(UserName="nobody")
    assert "<Type>Sender</Type>" in seen[0]
    assert len(caught.value.response["ResponseMetadata"]["RequestId"]) > 10
    with pytest.raises(ClientError) as caught:
        iam.get_user(UserName="not a name")
    assert len(caught.value.response["ResponseMetadata"]["RequestId"]) > 10


def test_truth_is_read_from_the_backend_and_counts_as_no_call(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada", Path="/people/", Tags=[{"Key": "a", "Value": "b"}])
    iam.create_group(GroupName="developers")
    iam.add_user_to_group(GroupName="developers", UserName="ada")
    server.reset_calls()
    truth = server.truth()
    user = {key: value for key, value in truth["users"]["ada"].items() if key != "id"}
    assert user == {
        "path": "/people/",
        "groups": ["developers"],
        "attached": [],
        "inline": {},
        "boundary": None,
        "keys": {},
        "password": False,
        "mfa": [],
        "ssh": {},
        "certs": {},
        "services": {},
        "tags": {"a": "b"},
    }
    assert truth["groups"] == {"developers": {"attached": [], "inline": {}, "policies": [], "members": ["ada"]}}
    assert not server.calls
