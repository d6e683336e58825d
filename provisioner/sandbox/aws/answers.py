"""IAM and STS answers as XML, from the shapes of botocore's service model (the AWS "query" protocol).

moto has a serializer of its own and it does most answers; this one is for errors and for the bulk read of 10,000
users, which it writes about twenty times as fast. It refuses to know any operation by name.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from provisioner.sandbox.aws.world import Refused
from provisioner.sandbox.wire import Answer

XMLNS = {"iam": "https://iam.amazonaws.com/doc/2010-05-08/", "sts": "https://sts.amazonaws.com/doc/2011-06-15/"}


def _put(shape: Any, tag: str, value: Any, out: list[str]) -> None:
    kind = shape.type_name
    if kind == "structure":
        out.append(f"<{tag}>")
        for name, member in shape.members.items():
            part = value.get(name)
            if part is not None:
                _put(member, name, part, out)
        out.append(f"</{tag}>")
    elif kind == "list":
        out.append(f"<{tag}>")
        for one in value:
            _put(shape.member, "member", one, out)
        out.append(f"</{tag}>")
    elif kind == "timestamp":
        out.append(f"<{tag}>{value:%Y-%m-%dT%H:%M:%SZ}</{tag}>")
    elif kind == "boolean":
        out.append(f"<{tag}>{'true' if value else 'false'}</{tag}>")
    else:
        out.append(f"<{tag}>{escape(str(value))}</{tag}>")


def element(shape: Any, tag: str, value: Any) -> str:
    """One element: `value` (dicts, lists, datetimes, plain values) written as botocore's `shape` says."""
    out: list[str] = []
    _put(shape, tag, value, out)
    return "".join(out)


def success(service: str, action: str, result: str) -> Answer:
    """A successful answer around the elements of its result."""
    request_id = str(uuid4())
    body = (
        f'<{action}Response xmlns="{XMLNS[service]}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    )
    return 200, headers(request_id), body.encode()


def error(service: str, refused: Refused) -> Answer:
    """An error answer; `Type` says whose fault it is, as AWS does."""
    request_id = str(uuid4())
    whose = "Sender" if refused.status < 500 else "Receiver"
    body = (
        f'<ErrorResponse xmlns="{XMLNS[service]}"><Error><Type>{whose}</Type><Code>{escape(refused.code)}</Code>'
        f"<Message>{escape(refused.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return refused.status, headers(request_id), body.encode()


def headers(request_id: str) -> list[tuple[str, str]]:
    """What every answer has beside its length."""
    return [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)]
