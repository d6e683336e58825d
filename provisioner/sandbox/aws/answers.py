"""IAM and STS answers as XML, from the shapes of botocore's service model (the AWS "query" protocol).

moto has a serializer of its own and it does most answers; this one is for errors and for the bulk read of 10,000
users, which it writes about twenty times as fast. It refuses to know any operation by name.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

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


def answer(service: str, action: str, result: str, request_id: str) -> str:
    """A successful answer around the elements of its result."""
    return (
        f'<{action}Response xmlns="{XMLNS[service]}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    )


def error(service: str, code: str, message: str, status: int, request_id: str) -> str:
    """An error answer; `Type` says whose fault it is, as AWS does."""
    whose = "Sender" if status < 500 else "Receiver"
    namespace = XMLNS.get(service, XMLNS["iam"])
    return (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>{whose}</Type><Code>{escape(code)}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
