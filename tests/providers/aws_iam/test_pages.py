"""A page of the bulk read: our quick reading of it and the SDK's own are equal, value by value."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.parsers import ResponseParserError

from provisioner.providers.aws_iam.connect import _dated
from provisioner.providers.aws_iam.pages import OPERATION, Pages
from tests.providers.aws_iam.rig import ALLOW, Cloud

HOSTILE = "<&>\"' \n ümläut 🦊 %7B"


def answer(body: bytes, status: int = 200, *, quick: bool) -> dict[str, Any]:
    """What a client makes of a body, read in our way or in the SDK's."""
    session = botocore.session.get_session()
    client = session.create_client("iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    model = client.meta.service_model.operation_model(OPERATION)
    parsed: dict[str, Any] = {}
    response: dict[str, Any] = {"status_code": status, "headers": {}, "body": body}
    if quick:
        Pages(_dated)(operation_model=model, response_dict=response, customized_response_dict=parsed)
    parser = session.get_component("response_parser_factory").create_parser("query")
    return {**parser.parse(response, model.output_shape), **parsed}


def body_of(cloud: Cloud) -> bytes:
    """The whole account in one page, as it came over the wire."""
    bodies: list[bytes] = []
    cloud.iam.meta.events.register(
        f"before-parse.iam.{OPERATION}", lambda response_dict, **_: bodies.append(response_dict["body"])
    )
    cloud.iam.get_account_authorization_details(MaxItems=1000)
    return bodies[0]


@pytest.fixture
def body(cloud: Cloud) -> bytes:
    cloud.make_user("ada", email="ada@example.com", note="a/b=c+d", empty="")
    cloud.make_user("mia")
    cloud.make_everything("mia")
    cloud.make_user("empty", marked=False)
    cloud.put("ada", "inline", ALLOW)
    arn = cloud.iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(ALLOW))
    cloud.iam.attach_group_policy(GroupName="Developers", PolicyArn=arn["Policy"]["Arn"])
    cloud.iam.create_policy_version(PolicyArn=arn["Policy"]["Arn"], PolicyDocument=json.dumps(ALLOW))
    cloud.make_role("Deploy", path="/ci/")
    return body_of(cloud)


def test_every_value_is_the_sdks(body: bytes) -> None:
    quick, slow = answer(body, quick=True), answer(body, quick=False)
    assert quick == slow
    assert {u["UserName"] for u in quick["UserDetailList"]} == {"ada", "mia", "empty"}
    assert quick["Policies"] and quick["RoleDetailList"] and quick["GroupDetailList"]


def test_text_from_outside_is_taken_literally(body: bytes) -> None:
    escaped = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode()
    hostile = body.replace(b"ada@example.com", escaped)
    assert hostile != body
    assert answer(hostile, quick=True) == answer(hostile, quick=False)


def test_what_the_model_does_not_know_is_passed_over(body: bytes) -> None:
    newer = body.replace(b"<UserName>", b"<Nickname><Deep/></Nickname><UserName>").replace(
        b"<IsTruncated>", b"<News><member/></News><IsTruncated>"
    )
    assert newer != body
    assert answer(newer, quick=True) == answer(body, quick=False)


def test_an_error_is_left_to_the_sdk() -> None:
    body = (
        b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
        b"<Code>AccessDenied</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    )
    assert answer(body, 403, quick=True) == answer(body, 403, quick=False)
    assert answer(body, 403, quick=True)["Error"]["Code"] == "AccessDenied"


def test_a_body_that_was_cut_off_is_refused_as_by_the_sdk(body: bytes) -> None:
    for cut in (body[: len(body) // 2], b"", b"<html>"):
        with pytest.raises(ResponseParserError):
            answer(cut, quick=True)


def test_a_shape_that_is_not_known_leaves_all_to_the_sdk(body: bytes) -> None:
    shape = SimpleNamespace(
        type_name="list", serialization={}, member=SimpleNamespace(type_name="map", serialization={})
    )
    model = SimpleNamespace(output_shape=SimpleNamespace(members={"UserDetailList": shape}))
    response: dict[str, Any] = {"status_code": 200, "body": body}
    parsed: dict[str, Any] = {}
    Pages(_dated)(operation_model=model, response_dict=response, customized_response_dict=parsed)
    assert not parsed and b"UserDetailList" in response["body"]
