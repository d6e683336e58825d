"""AWS's query protocol as far as the proxy needs it: HTTP/1.1 with a form in, XML out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import BinaryIO
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from tests.faults.systems import http
from tests.faults.wire import Answer, Effect, Request, Spoil, Touched

_READS = ("Get", "List", "Generate", "Simulate", "AssumeRole", "Decode")
_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
_LISTS = (
    "UserDetailList", "GroupDetailList", "RoleDetailList", "Policies", "Users", "Groups", "AttachedPolicies",
    "PolicyNames", "AccessKeyMetadata", "MFADevices", "SSHPublicKeys", "Certificates", "ServiceSpecificCredentials",
)  # fmt: skip
_CREDENTIALS = (
    "ListAccessKeys", "ListMFADevices", "ListSSHPublicKeys", "ListServiceSpecificCredentials",
    "ListSigningCertificates", "GetLoginProfile",
)  # fmt: skip
_INSIDE = ("GroupList", "AttachedManagedPolicies", "UserPolicyList")


class AwsWire:
    """IAM and STS. `Retry-After` is sent where a wait is told, as AWS's front ends do."""

    spoils: tuple[Spoil, ...] = (
        Spoil("more is promised without a marker"),
        Spoil("the body ends early"),
        Spoil("a page of HTML"),
        Spoil("an empty body"),
        Spoil("no result"),
        Spoil("no word on whether more follows"),
        Spoil("the same marker again"),
        Spoil("the page before again"),
        Spoil("an error inside"),
        Spoil("rows twice", shows=False),
        Spoil("another order", shows=False),
    )
    silent: tuple[Spoil, ...] = (
        Spoil("rows missing", shows=False),
        Spoil("values missing", shows=False),
        Spoil("nothing", shows=False),
    )

    def __init__(self) -> None:
        self._pages = (b"", b"")

    def request(self, stream: BinaryIO) -> Request | None:
        found = http.message(stream)
        if found is None:
            return None
        head, body = found
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        action = fields.get("Action", "")
        # The credential's scope names the service: `.../us-east-1/iam/aws4_request`.
        service = next((p[3] for h in head if b"Credential=" in h and len(p := h.split(b"/")) > 4), b"").decode()
        return Request(
            http.whole(head, body),
            f"{service}.{action}",
            mutates=bool(action) and not action.startswith(_READS),
            touched=tuple(_touched(action, fields)),
            key=_signer(head) + body,
            scope=_scope(action, fields),
            detail=(action, fields),
        )

    def answer(self, stream: BinaryIO, request: Request) -> Answer | None:
        found = http.received(stream)
        if found is None:
            return None
        answer, _, body = found
        if request.scope == "everything":
            self._pages = (self._pages[1], body)
        return answer

    def for_request(self, answer: Answer, request: Request) -> Answer:
        return answer

    def success(self, request: Request) -> Answer:
        action, fields = request.detail
        inside = ""
        if action in ("CreateUser", "CreateGroup"):
            kind = action.removeprefix("Create")
            name = fields[f"{kind}Name"]
            path = fields.get("Path", "/")
            inside = (
                f"<{action}Result><{kind}><Path>{path}</Path><{kind}Name>{name}</{kind}Name><{kind}Id>AIDAPRETENDED0000000"
                f"</{kind}Id><Arn>arn:aws:iam::111111111111:{kind.lower()}{path}{name}</Arn>"
                f"<CreateDate>2026-11-22T09:00:00Z</CreateDate></{kind}></{action}Result>"
            )
        text = (
            f'<{action}Response xmlns="{_NAMESPACE}">{inside}<ResponseMetadata><RequestId>pretended</RequestId>'
            f"</ResponseMetadata></{action}Response>"
        )
        return _http(200, text)

    def trouble(self, request: Request, kind: str, wait: float | None) -> Answer:
        more = {} if wait is None else {"Retry-After": f"{wait:g}"}
        if kind == "busy":
            return _http(400 if wait is None else 429, _error("Throttling", "Rate exceeded"), more)
        if kind == "unavailable":
            return _http(503, _error("ServiceUnavailable", "Try again later"), more)
        if kind == "denied":
            return _http(403, _error("AccessDenied", "Not authorized to perform this"))
        return _http(500, _error("InternalFailure", "Something went wrong"), more)

    def spoiled(self, spoil: Spoil, request: Request, answer: Answer, chance: Random) -> Answer | None:
        action, fields = request.detail
        if not answer.ok or not action.startswith(("Get", "List")):
            return None
        body = answer.parts[1]
        plain = {
            "the body ends early": body[: chance.randrange(len(body) // 4, len(body) - 20)]
            if len(body) > 100
            else None,
            "a page of HTML": b"<html><body><h1>Sign in</h1></body></html>",
            "an empty body": b"",
            "an error inside": _error("ServiceFailure", "The request could not be completed").encode(),
        }
        if spoil.name in plain:
            made = plain[spoil.name]
            return None if made is None else http.with_body(answer, made)
        if spoil.name == "the page before again":
            return self._before(request, answer)
        root = ElementTree.fromstring(body)
        result = next((e for e in root if e.tag.endswith(f"{action}Result")), None)
        if result is None or not self._spoil(spoil.name, root, result, fields, chance):
            return None
        ElementTree.register_namespace("", root.tag.partition("}")[0].removeprefix("{"))
        return http.with_body(answer, ElementTree.tostring(root))

    def _before(self, request: Request, answer: Answer) -> Answer | None:
        """The rows of the page before, with this page's own word on what follows."""
        if request.scope != "everything" or "Marker" not in request.detail[1] or not self._pages[0]:
            return None
        root, before = ElementTree.fromstring(answer.parts[1]), ElementTree.fromstring(self._pages[0])
        space = root.tag.partition("}")[0] + "}"
        result, old = root[0], before[0]
        for label in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
            here, there = result.find(f"{space}{label}"), old.find(f"{space}{label}")
            if here is not None and there is not None:
                here[:] = list(there)
        if not len(result.find(f"{space}UserDetailList") or ()):
            return None
        ElementTree.register_namespace("", space[1:-1])
        return http.with_body(answer, ElementTree.tostring(root))

    @staticmethod
    def _spoil(
        name: str, root: ElementTree.Element, result: ElementTree.Element, fields: Mapping[str, str], chance: Random
    ) -> bool:
        """Whether it could be done."""
        space = root.tag.partition("}")[0] + "}"
        truncated, marker = result.find(f"{space}IsTruncated"), result.find(f"{space}Marker")
        if name == "no result":
            root.remove(result)
            return True
        if name == "no word on whether more follows":
            # One list was given pages late, and the engine takes an answer of before.
            if truncated is None or "ListServiceSpecificCredentials" in root.tag:
                return False
            result.remove(truncated)
            if marker is not None:
                result.remove(marker)
            return True
        if name == "the same marker again":
            if "Marker" not in fields or truncated is None:
                return False
            truncated.text = "true"
            if marker is None:
                marker = ElementTree.SubElement(result, f"{space}Marker")
            marker.text = fields["Marker"]
            return True
        lists = [
            each for each in (result.find(f"{space}{label}") for label in _LISTS) if each is not None and len(each)
        ]
        if name == "values missing":
            lists = [
                v for each in lists for row in each for v in row if v.tag.removeprefix(space) in _INSIDE and len(v)
            ]
        if not lists:
            return False
        if name == "more is promised without a marker" and truncated is None:
            return False
        for each in lists if name == "nothing" else [chance.choice(lists)]:
            rows = list(each)
            if name in ("rows missing", "values missing", "more is promised without a marker"):
                for row in chance.sample(rows, chance.randint(1, len(rows))):
                    each.remove(row)
            elif name == "nothing":
                for row in rows:
                    each.remove(row)
            elif name == "rows twice":
                each.extend(rows[: chance.randint(1, len(rows))])
            elif name == "another order":
                chance.shuffle(rows)
                each[:] = rows
        if name == "more is promised without a marker" and truncated is not None:
            truncated.text = "true"
            if marker is not None:
                result.remove(marker)
        return True


def _signer(head: list[bytes]) -> bytes:
    """Whose key signed it: the same question of another account is another question."""
    line = next((h for h in head if b"Credential=" in h), b"")
    return line.partition(b"Credential=")[2].partition(b"/")[0]


def _http(status: int, text: str, more: Mapping[str, str] | None = None) -> Answer:
    return http.made(status, text.encode(), "text/xml", more)


def _error(code: str, message: str) -> str:
    return (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>Receiver</Type><Code>{code}</Code>'
        f"<Message>{message}</Message></Error><RequestId>spoiled</RequestId></ErrorResponse>"
    )


def _scope(action: str, fields: Mapping[str, str]) -> str:
    if action == "GetAccountAuthorizationDetails":
        return "everything"
    return f"credentials/{fields['UserName']}" if action in _CREDENTIALS else ""


def _touched(action: str, fields: Mapping[str, str]) -> Iterator[Touched]:
    """What a change is about. Switching something off takes, switching it on gives."""
    user, group = fields.get("UserName", ""), fields.get("GroupName", "")
    holder = user or f"group:{group}"
    policy = fields.get("PolicyArn", "").rpartition("/")[2] or f"inline.{fields.get('PolicyName', '')}"
    give, take = Effect.GIVE, Effect.TAKE
    status = fields.get("Status")
    active = give if status == "Active" else take
    simple: dict[str, tuple[Effect, str]] = {
        "CreateUser": (give, f"account/{user}"),
        "DeleteUser": (take, f"account/{user}"),
        "TagUser": (Effect.TOUCH, f"account/{user}"),
        "UntagUser": (Effect.TOUCH, f"account/{user}"),
        "CreateGroup": (give, f"group/{group}"),
        "DeleteGroup": (take, f"group/{group}"),
        "AddUserToGroup": (give, f"membership/{group}/{user}"),
        "RemoveUserFromGroup": (take, f"membership/{group}/{user}"),
        "AttachUserPolicy": (give, f"grant/{policy}/{holder}"),
        "DetachUserPolicy": (take, f"grant/{policy}/{holder}"),
        "AttachGroupPolicy": (give, f"grant/{policy}/{holder}"),
        "DetachGroupPolicy": (take, f"grant/{policy}/{holder}"),
        "DeleteUserPolicy": (take, f"grant/{policy}/{holder}"),
        "CreateAccessKey": (give, f"credential/access-key/{user}"),
        "UpdateAccessKey": (active, f"credential/access-key.{fields.get('AccessKeyId', '')}/{user}"),
        "DeleteAccessKey": (take, f"credential/access-key.{fields.get('AccessKeyId', '')}/{user}"),
        "CreateLoginProfile": (give, f"credential/password/{user}"),
        "DeleteLoginProfile": (take, f"credential/password/{user}"),
    }
    if action == "PutUserPolicy":
        denies = '"Deny"' in fields.get("PolicyDocument", "")
        yield Touched(take, f"account/{user}") if denies else Touched(give, f"grant/{policy}/{user}")
    elif fields.get("PolicyArn", "").endswith("/AWSDenyAll"):
        # Put on, it takes everything; taken off, it gives nothing as long as a deny of our own is there.
        yield Touched(take if action.startswith("Attach") else Effect.TOUCH, f"account/{user}")
    elif action == "DeleteUserPolicy" and fields.get("PolicyName") == "provision-deny":
        yield Touched(give, f"account/{user}")
    elif action in simple:
        yield Touched(*simple[action])
    elif action and not action.startswith(_READS):
        yield Touched(Effect.TOUCH, f"account/{user}" if user else action)
