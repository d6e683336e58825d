"""What every strict answer shares: who calls, valid parameters, permission, pages, errors.

`Strict` is mixed in before moto's response classes, so that a call passes here first and only then reaches moto.
botocore's service model is the authority for lengths, patterns, enums and for which listings have pages.
It refuses what AWS refuses even where moto would say yes. Imported only when a server starts, because it needs moto.
"""

from __future__ import annotations

import base64
import bisect
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from uuid import uuid4

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import OperationNotFoundError
from moto.core.exceptions import ServiceException
from moto.core.request import Request
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from provisioner.sandbox.aws import answers, evaluate
from provisioner.sandbox.aws.world import Caller, Refused, World, now
from provisioner.sandbox.wire import Answer

PARTITION = "aws"
_ALL = 10**9
_NO_REQUEST_ID = "<RequestId>request-id</RequestId>"  # what moto writes
_LABELS = (
    "UserName", "GroupName", "RoleName", "PolicyArn", "SerialNumber", "ServiceSpecificCredentialId", "Key",
    "ServerCertificateName",
)  # fmt: skip
_ATTRIBUTES = ("serial_number", "access_key_id", "ssh_public_key_id", "version_id", "name", "id", "cert_name")


class WireRequest(Request):  # type: ignore[misc] # moto is untyped here
    """A request that came over HTTP: the server writes the Date header."""

    from_wsgi_server = True


def backend_of(account: str) -> Any:
    """moto's IAM backend of the account; made when it is first asked for."""
    return iam_backends[account][PARTITION]


def known_accounts() -> list[str]:
    """The accounts that exist: made by `create_account`, or acted in."""
    return list(iam_backends)


def sts_backend_of(account: str) -> Any:
    """moto's STS backend of the account."""
    return sts_backends[account][PARTITION]


def find_caller(world: World, key_id: str) -> tuple[Caller, Credentials]:
    """Whose key this is, and the secrets that it must have signed with.

    moto lets unknown keys act in its default account, 123456789012. AWS refuses them, and so do we: a key belongs to
    the account whose backend holds it. Inactive keys, keys of users and sessions of roles that are gone are refused.

    Raises `Refused`: InvalidClientTokenId or ExpiredToken, 403.
    """
    invalid = Refused("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    session = world.sessions.get(key_id)
    if session is not None:
        backend = backend_of(session.account_id)
        if not any(role.id == session.sandbox_role_id for role in backend.get_roles()):
            raise invalid
        if session.expiration.replace(tzinfo=None) <= now().replace(tzinfo=None):
            raise Refused("ExpiredToken", "The security token included in the request is expired", 403)
        caller = Caller(session.account_id, session.arn, session.role_arn, session=session)
        return caller, Credentials(key_id, session.secret_access_key, session.session_token)
    for account in known_accounts():
        key = backend_of(account).access_keys.get(key_id)
        if key is not None and key.user_name is not None:
            user = backend_of(account).users.get(key.user_name)
            if user is None or key.status != "Active":
                raise invalid
            return Caller(account, user.arn, user.arn, user=user), Credentials(key_id, key.secret_access_key)
    raise invalid


def check_signature(request: Any, body: bytes, credentials: Credentials) -> None:
    """Signature version 4, computed again by botocore.

    Raises `Refused`: InvalidClientTokenId for a session key without its token, SignatureDoesNotMatch otherwise.
    """
    if credentials.token is not None and request.headers.get("X-Amz-Security-Token") != credentials.token:
        raise Refused("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    fields = dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^,\s]+)", request.headers["Authorization"]))
    _, _, region, service, _ = fields["Credential"].split("/")
    signed = fields["SignedHeaders"].split(";")
    aws = AWSRequest(
        method=request.method,
        url=request.path,
        data=body,
        headers={name: value for name, value in request.headers.items() if name.lower() in signed},
    )
    aws.context["timestamp"] = request.headers["X-Amz-Date"]
    auth = SigV4Auth(credentials, service, region)
    if auth.signature(auth.string_to_sign(aws, auth.canonical_request(aws)), aws) != fields["Signature"]:
        raise Refused(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
            403,
        )


@lru_cache(maxsize=256)
def _shape_pattern(pattern: str) -> re.Pattern[str]:
    # Java's classes of letters, separators and numbers; Python's `re` has no \p.
    unicode_class = r"\p{L}\p{Z}\p{N}" in pattern
    return re.compile(pattern.replace(r"\p{L}\p{Z}\p{N}", r"\w\s"), 0 if unicode_class else re.ASCII)


def _complaints(shape: Any, name: str, value: Any) -> Iterator[str]:
    """Everything that the service model has against a parameter, in the words of AWS."""
    start = f"Value '{value}' at '{name}' failed to satisfy constraint: Member must"
    kind, limits = shape.type_name, shape.metadata
    if kind == "structure":
        for key, member in shape.members.items():
            inner = f"{name}.{key[:1].lower()}{key[1:]}".removeprefix(".")
            if value.get(key) is not None:
                yield from _complaints(member, inner, value[key])
            elif key in shape.required_members:
                yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"
        return
    if kind in ("integer", "string", "list"):
        measured, noun = (value, "value") if kind == "integer" else (len(value), "length")
        if measured > limits.get("max", measured):
            yield f"{start} have {noun} less than or equal to {limits['max']}"
        if measured < limits.get("min", measured):
            yield f"{start} have {noun} greater than or equal to {limits['min']}"
    if kind == "list":
        for number, one in enumerate(value, 1):
            yield from _complaints(shape.member, f"{name}.{number}.member", one)
    elif kind == "string":
        pattern = limits.get("pattern")
        if pattern and not _shape_pattern(pattern).fullmatch(value):
            yield f"{start} satisfy regular expression pattern: {pattern}"
        if "enum" in limits and value not in limits["enum"]:
            yield f"{start} satisfy enum value set: [{', '.join(limits['enum'])}]"


def label(item: Any) -> str:
    """What an item of a listing is sorted and found again by."""
    if isinstance(item, str):
        return item
    if isinstance(item, dict):
        return str(next(item[key] for key in _LABELS if key in item))
    if hasattr(item, "attachment_count"):  # an AWS policy and one of the account may share a name
        return str(item.arn)
    return str(next(getattr(item, name) for name in _ATTRIBUTES if hasattr(item, name)))


class Pages:
    """One page of a listing: sorted by (which list, label), so that writes between pages neither hide nor repeat."""

    def __init__(self, action: str, marker: str | None, max_items: int | None, limit: int | None) -> None:
        self.action = action
        self.size = min(max_items or 100, limit or 1000)
        self.after = self._read(marker) if marker is not None else None

    def _read(self, marker: str) -> tuple[int, str]:
        try:
            action, number, text = json.loads(base64.urlsafe_b64decode(marker.encode("ascii")))
        except (TypeError, ValueError):  # not ours: not base64, not JSON, or not three things
            action = None
        if action != self.action:
            raise Refused("ValidationError", "Invalid Marker.")
        return int(number), str(text)

    def cut(self, keys: list[tuple[int, str]]) -> tuple[int, int, str | None]:
        """Start and end of this page in the sorted `keys`, and the marker of the next page if there is one."""
        start = bisect.bisect_right(keys, self.after) if self.after is not None else 0
        end = min(start + self.size, len(keys))
        if end == len(keys):
            return start, end, None
        return start, end, base64.urlsafe_b64encode(json.dumps([self.action, *keys[end - 1]]).encode()).decode()

    def page(self, result: dict[str, Any], lists: Iterable[str]) -> dict[str, Any]:
        """The result with its lists cut to this page, and IsTruncated and Marker as they should be."""
        names = list(lists)
        rows = [((number, label(item)), item) for number, name in enumerate(names) for item in result.get(name) or ()]
        rows.sort(key=lambda row: row[0])
        start, end, marker = self.cut([key for key, _ in rows])
        out: dict[str, Any] = {**result, **{name: [] for name in names}, "IsTruncated": marker is not None}
        out["Marker"] = marker
        for (number, _), item in rows[start:end]:
            out[names[number]].append(item)
        return out


class Strict:
    """Mixed in before a moto response class; see the module."""

    params: dict[str, Any]
    headers: Any
    querystring: dict[str, Any]

    def __init__(self, world: World, caller: Caller) -> None:
        super().__init__()
        self.world = world
        self.caller = caller
        self.pages: Pages | None = None

    def get_current_account(self) -> str:
        """The account of whoever signed; moto would also listen to a header and an environment variable."""
        return self.caller.account

    @property
    def action(self) -> str:
        """The operation's name in the service model."""
        return str(self.querystring["Action"][0])

    @property
    def operation(self) -> Any:
        """botocore's model of the operation."""
        return get_service_model(self.service_name).operation_model(self.action)  # type: ignore[attr-defined]

    def answer(self, request: Any) -> Answer:
        """Check, permit, perform.

        Raises `Refused` for what we refuse; what moto refuses comes back as an error answer of its making.
        """
        try:
            self.setup_class(request)  # type: ignore[attr-defined]
        except OperationNotFoundError as unknown:
            raise Refused("InvalidAction", f"Could not find operation {self.action}.") from unknown
        self._check_parameters()
        self._complete_parameters()
        if self.world.enforcing:
            self._authorize()
        self._open_pages()
        # moto's own `call_action` looks through all methods of the class on every call: half of what a call costs.
        perform = getattr(self, camelcase_to_underscores(self.action), None)
        if perform is None:
            raise Refused("NotImplemented", f"The sandbox does not have {self.action}.", 501)
        try:
            result = perform()
        except ServiceException as refused:
            result = ActionResult(refused)
        return self._written(result) if isinstance(result, ActionResult) else result

    def _written(self, result: Any) -> Answer:
        status, _, body = self.serialized(result)
        request_id = str(uuid4())
        text = str(body).replace(_NO_REQUEST_ID, f"<RequestId>{request_id}</RequestId>")
        return int(status), answers.headers(request_id), text.encode()

    def _check_parameters(self) -> None:
        shape = self.operation.input_shape
        complaints = [] if shape is None else list(_complaints(shape, "", self.params))
        if complaints:
            some = f"{len(complaints)} validation error{'s' if len(complaints) > 1 else ''} detected"
            raise Refused("ValidationError", f"{some}: {'; '.join(complaints)}")

    def _complete_parameters(self) -> None:
        """Fill in what AWS takes from the caller; nothing by default."""

    def _open_pages(self) -> None:
        shape = self.operation.input_shape
        if shape is None or not {"Marker", "MaxItems"} <= set(shape.members):
            return
        marker, size = self.params.pop("Marker", None), self.params.pop("MaxItems", None)
        self.pages = Pages(self.action, marker, size, self.world.page_limit)
        self.params["MaxItems"] = _ALL  # moto's own pages lose the last marker; ours are cut from the whole

    def serialized(self, action_result: Any) -> Any:
        """moto's serialization, of one page."""
        result = action_result.result
        if self.pages is not None and isinstance(result, dict):
            output = self.operation.output_shape
            lists = [name for name, member in output.members.items() if member.type_name == "list"]
            action_result = ActionResult(self.pages.page(result, lists))
        return super().serialized(action_result)  # type: ignore[misc]

    # Permissions

    def _resource(self) -> str:
        """The ARN that policies are matched with; "*" where the action has no resource."""
        return "*"

    def _context(self) -> dict[str, list[str]]:
        caller = self.caller
        context = {
            "aws:currenttime": [now().isoformat()],
            "aws:epochtime": [str(int(now().timestamp()))],
            "aws:principalarn": [caller.principal],
            "aws:principalaccount": [caller.account],
            "aws:securetransport": ["false"],
        }
        if caller.user is not None:
            context["aws:username"] = [caller.user.name]
            context["aws:userid"] = [caller.user.id]
        else:
            context["aws:userid"] = [caller.session.user_id]
            context["aws:tokenissuetime"] = [caller.session.sandbox_issued.isoformat()]
            if caller.session.sandbox_source_identity:
                context["aws:sourceidentity"] = [caller.session.sandbox_source_identity]
            for key, value in caller.session.sandbox_tags.items():
                context[f"aws:principaltag/{key}"] = [value]
        for tag in self.params.get("Tags") or ():
            context[f"aws:requesttag/{tag['Key'].lower()}"] = [tag["Value"]]
            context.setdefault("aws:tagkeys", []).append(tag["Key"])
        for key in self.params.get("TagKeys") or ():
            context.setdefault("aws:tagkeys", []).append(key)
        return context

    def _authorize(self) -> None:
        """Identity policies, then the permissions boundary and the session policies, which can only take away."""
        for name in self._actions():
            self._authorize_one(name)

    def _actions(self) -> list[str]:
        """The actions that this call asks leave for."""
        return [f"{self.service_name}:{self.action}"]  # type: ignore[attr-defined]

    def _authorize_one(self, name: str) -> None:
        if name == "sts:GetCallerIdentity" or (self.caller.user is None and self.caller.session is None):
            return  # cannot be denied; or asks with a token, and the role's trust decides alone
        resource, context = self._resource(), self._context()
        verdicts = [evaluate.decide(one, name, resource, context) for one in self._policy_layers()]
        if all(verdicts):
            return
        because = f"because no identity-based policy allows the {name} action"
        if False in verdicts:
            because = "with an explicit deny in an identity-based policy"
        raise Refused(
            "AccessDenied",
            f"User: {self.caller.arn} is not authorized to perform: {name} on resource: {resource} {because}",
            403,
        )

    def _policy_layers(self) -> list[list[str]]:
        backend = backend_of(self.caller.account)
        if self.caller.user is not None:
            owner = self.caller.user
            holders = [owner, *backend.get_groups_for_user(owner.name)]
            boundary = (getattr(owner, "permissions_boundary", None) or {}).get("PermissionsBoundaryArn")
            session: list[str] = []
        else:
            owner = next(role for role in backend.get_roles() if role.id == self.caller.session.sandbox_role_id)
            holders = [owner]
            boundary = owner.permissions_boundary_arn
            session = self.caller.session.sandbox_session_policies
        identity = [text for holder in holders for text in holder.policies.values()]
        identity += [current_document(policy) for holder in holders for policy in holder.managed_policies.values()]
        layers = [identity]
        if boundary:
            layers.append([current_document(backend.get_policy(boundary))])
        if session:
            layers.append(session)
        return layers


def current_document(policy: Any) -> str:
    """The text of a managed policy's default version."""
    return str(next(version.document for version in policy.versions if version.is_default))
