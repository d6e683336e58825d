"""A session of the pipeline's role for one run, narrowed to what the person has: AssumeRole with session policies.

What the person has is looked at live, in one read of the account: a policy that is not on them now is not given, and
what any of their policies denies is denied to the session too (`narrow.py` has the rule). A session always has session
policies, because one without has the whole role. It refuses what it cannot narrow to, and it takes no session back: STS
has no way to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from provisioner.contract import CannotNarrow, Left, Minted, Order, ProviderError, Trouble
from provisioner.credentials import Secret
from provisioner.model.address import Kind
from provisioner.model.instant import Instant
from provisioner.providers.aws_iam import documents, names, narrow
from provisioner.providers.aws_iam.calls import ReadCalls
from provisioner.providers.aws_iam.connect import Base, Clients, open_sts
from provisioner.providers.aws_iam.errors import FAILED, translate
from provisioner.providers.aws_iam.identify import Identified
from provisioner.providers.aws_iam.limits import until
from provisioner.providers.aws_iam.settings import Settings

SHORTEST, LONGEST = 900, 3600
"""Seconds of a session: what STS gives at least, and what it gives to a caller who is in a role already."""
_CALL = "sts:AssumeRole"
_KINDS = ("User", "Group", "LocalManagedPolicy", "AWSManagedPolicy")
_WAY = ("AWS_CA_BUNDLE", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT")
"""Variables of ours that say how AWS is reached, and hold no credential; with them those of endpoints."""


@dataclass
class _Held:
    """What some users have live, and the account's policies. `attached` is by user, as ARNs; `inline` by words that
    name each document."""

    users: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    attached: dict[str, set[str]] = field(default_factory=dict)
    inline: dict[str, documents.Document] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    documents: dict[str, documents.Document] = field(default_factory=dict)


class Sessions:
    """One account. `clients` read in it; `base` are the first credentials, which sessions are asked for with."""

    def __init__(self, settings: Settings, clients: Clients, base: Base, identified: Identified) -> None:
        self._account = settings.account
        self._region = base.region(settings)
        self._environ = base.environ
        self._reads = ReadCalls(clients)
        self._sts = open_sts(settings, base)
        self._identified = identified

    def close(self) -> None:
        """Nothing is held open that would outlive the process."""

    def end(self, public_id: str, deadline: float) -> None:
        """STS takes nothing back: a session ends by its time, and is told so by `Minted.taken_back`."""

    def left(self) -> tuple[Left, ...]:
        """AWS forgets sessions by itself, and lists none."""
        return ()

    def mint(self, order: Order, deadline: float) -> Minted:
        self._identified.check(self._reads)
        role = self._role(order)
        held = self._held((order.login, *order.others))
        arns, policy = self._narrowed(order, held)
        ends = order.ends.replace(microsecond=0)
        left = (ends - (self._reads.server_time or datetime.now(UTC))).total_seconds()
        if left <= 0:
            raise CannotNarrow([f"the time of run {order.run} is over"], call=_CALL)
        name = names.session_name(order.person)
        tags = {"person": name, "run": order.run, "pipeline": order.pipeline}
        answer = self._assume(
            deadline,
            RoleArn=role,
            RoleSessionName=name,
            SourceIdentity=name,
            PolicyArns=[{"arn": arn} for arn in arns],
            Policy=policy,
            DurationSeconds=min(max(math.ceil(left), SHORTEST), LONGEST),
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            TransitiveTagKeys=["person"],
        )
        return self._minted(answer["Credentials"], ends)

    def _minted(self, given: Mapping[str, Any], ends: Instant) -> Minted:
        environ: dict[str, Secret | str] = {
            **{n: v for n, v in self._environ.items() if n in _WAY or n.startswith("AWS_ENDPOINT_URL")},
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": Secret(given["SecretAccessKey"]),
            "AWS_SESSION_TOKEN": Secret(given["SessionToken"]),
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            # What follows when a session has ended is an error, and never the machine's own role.
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return Minted(given["AccessKeyId"], environ, min(ends, given["Expiration"].astimezone(UTC)), taken_back=False)

    def _role(self, order: Order) -> str:
        named = order.settings.get("assume", "")
        role = names.role_arn(named, self._identified.partition, self._account)
        if not named:
            raise CannotNarrow([f"pipeline {order.pipeline} names no role to assume here"], call=_CALL)
        if role is None:
            raise CannotNarrow([f"{named} is not a role of account {self._account}"], call=_CALL)
        return role

    def _assume(self, deadline: float, **parameters: Any) -> Mapping[str, Any]:
        """A session that was made and whose answer got lost is nobody's: so this may be said again."""
        try:
            with until(deadline):
                answer: Mapping[str, Any] = self._sts.assume_role(**parameters)
        except FAILED as error:
            told = translate(error, _CALL, writing=False)
            if told.code == "PackedPolicyTooLarge":
                raise CannotNarrow([f"AWS says: {told.message}"], call=_CALL) from None
            if told.code == "AccessDenied":
                hint = "its trust policy must allow us sts:AssumeRole, sts:SetSourceIdentity and sts:TagSession"
                raise ProviderError(
                    Trouble.DENIED, f"{told.message}; {hint}", call=_CALL, request_id=told.request_id, code=told.code
                ) from None
            raise told from None
        return answer

    # What there is live

    def _held(self, logins: Sequence[str]) -> _Held:
        """All that the users have, by the account's own details. An account that breaks off raises `partial`."""
        held = _Held()
        wanted = {login.casefold(): login for login in logins}
        groups: dict[str, Mapping[str, Any]] = {}
        for page in self._reads.details(_KINDS):
            for row in page.get("UserDetailList") or ():
                login = wanted.get(row["UserName"].casefold())
                if login is not None:
                    held.users[login] = row
            groups |= {row["GroupName"]: row for row in page.get("GroupDetailList") or ()}
            for row in page.get("Policies") or ():
                if row["Arn"].split(":")[4] != "aws":
                    held.own[row["PolicyName"]] = row["Arn"]
                for version in row.get("PolicyVersionList") or ():
                    if version.get("IsDefaultVersion") and version.get("Document"):
                        held.documents[row["Arn"]] = version["Document"]
        for login, user in held.users.items():
            attached = held.attached[login] = _add(held, f"user {login}", user, "UserPolicyList")
            for name in user.get("GroupList") or ():
                if name not in groups:
                    told = f"user {login} is in group {name}, and the account's details have no such group"
                    raise ProviderError(Trouble.PARTIAL, told, call="iam:GetAccountAuthorizationDetails")
                attached |= _add(held, f"group {name}", groups[name], "GroupPolicyList")
        return held

    def _document(self, held: _Held, arn: str) -> documents.Document:
        """Details show no policies of AWS's own that nobody in the account has. One that the files name, that nobody
        has and that is not there at all denies nothing."""
        if arn not in held.documents:
            try:
                held.documents[arn] = self._reads.managed_policy(arn)
            except ProviderError as error:
                if error.trouble is not Trouble.GONE or any(arn in had for had in held.attached.values()):
                    raise
                held.documents[arn] = {}
        return held.documents[arn]

    def _arn(self, held: _Held, named: str) -> str:
        """As apply does: the ARN that the files name, else the account's own policy of that name, else AWS's."""
        if named.startswith("arn:"):
            return named
        return held.own.get(named) or f"arn:{self._identified.partition}:iam::aws:policy/{named}"

    # Narrowing

    def _narrowed(self, order: Order, held: _Held) -> tuple[list[str], str]:
        """The managed policies of the session, and its own policy. Raises CannotNarrow with all that is in the way."""
        arns, denying, cannot = set(), set(), []
        for thing in order.things:
            name = thing.address.object
            if name.startswith(names.ROLE):
                cannot.append(f"a session of {name.removeprefix(names.ROLE)} would go on when the run is over")
            elif thing.address.kind is not Kind.GRANT or name.startswith(names.INLINE):
                cannot.append(f"{thing.address} is no managed policy")
            else:
                arns.add(self._arn(held, str(thing.attributes.get("arn") or name)))
            denying |= {self._arn(held, text) for text in thing.attributes.get(narrow.DENIED, ())}
        if not order.things:
            cannot.append("there is no policy that both have")
        for login in (order.login, *order.others):
            cannot += _unfit(login, held, sorted(arns))
        if cannot:
            raise CannotNarrow(cannot, call=_CALL)
        others = denying.union(*held.attached.values()).difference(arns)
        passed, policy, cannot = narrow.session(
            {arn: self._document(held, arn) for arn in sorted(arns)},
            {arn: self._document(held, arn) for arn in sorted(others)} | held.inline,
            order.ends,
        )
        if cannot:
            raise CannotNarrow(cannot, call=_CALL)
        return passed, policy


def _add(held: _Held, label: str, row: Mapping[str, Any], inline: str) -> set[str]:
    """The policies attached there; inline ones are noted in `held`."""
    for policy in row.get(inline) or ():
        held.inline[f"inline policy {policy['PolicyName']} of {label}"] = policy["PolicyDocument"]
    return {policy["PolicyArn"] for policy in row.get("AttachedManagedPolicies") or ()}


def _unfit(login: str, held: _Held, arns: Sequence[str]) -> Iterable[str]:
    """Why this user's rights cannot be a session's, or not those of these policies."""
    user = held.users.get(login)
    if user is None:
        yield f"there is no user {login} in the account"
        return
    boundary = (user.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    if boundary:
        yield f"user {login} has the permissions boundary {boundary}, and a session has no place for a second one"
    for arn in arns:
        if arn not in held.attached[login]:
            yield f"{arn} is not on user {login} now, and on no group of theirs"
