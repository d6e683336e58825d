"""A session of the pipeline's role for one run, narrowed to what the person has: AssumeRole with session policies.

What the person has is looked at live, in one read of the account: a policy that is not on them now is not given, and
what any of their policies denies is denied to the session too (`narrow.py` has the rule). A session always has session
policies, because one without has the whole role. It refuses what it cannot narrow to, and it takes no session back: STS
has no way to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from provisioner.contract import CannotNarrow, Left, Minted, Order, ProviderError, Trouble
from provisioner.credentials import Secret
from provisioner.model.instant import Instant
from provisioner.model.mark import owner8
from provisioner.providers.aws_iam import names, narrow
from provisioner.providers.aws_iam.calls import ReadCalls
from provisioner.providers.aws_iam.connect import Base, Clients, open_sts
from provisioner.providers.aws_iam.errors import FAILED, translate
from provisioner.providers.aws_iam.held import Held, given_by, read_held, ready_arn, session_for
from provisioner.providers.aws_iam.identify import Identified
from provisioner.providers.aws_iam.limits import until
from provisioner.providers.aws_iam.ready import is_ready
from provisioner.providers.aws_iam.settings import Settings

SHORTEST, LONGEST = 900, 3600
"""Seconds of a session: what STS gives at least, and what it gives to a caller who is in a role already."""
_CALL = "sts:AssumeRole"
_WAY = ("AWS_CA_BUNDLE", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT")
"""Variables of ours that say how AWS is reached, and hold no credential; with them those of endpoints."""


class Sessions:
    """One account. `clients` read in it; `base` are the first credentials, which sessions are asked for with."""

    def __init__(
        self, settings: Settings, clients: Clients, base: Base, identified: Identified, owner: str | None
    ) -> None:
        self._account, self._owner = settings.account, owner8(owner)
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
        narrowed = self._narrowed(order)
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
            PolicyArns=[{"arn": arn} for arn in narrowed.passed],
            Policy=narrowed.policy,
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

    # Narrowing

    def _narrowed(self, order: Order) -> narrow.Session:
        """The session policies. Raises CannotNarrow with all that is in the way."""
        logins = (order.login, *order.others)
        held = read_held(self._reads, self._identified.partition, logins)
        given = given_by(order.things, held)
        cannot = [*given.cannot, *(why for login in logins for why in _unfit(login, held, given.arns))]
        if cannot:
            raise CannotNarrow(cannot, call=_CALL)
        found = session_for(given, held, logins, order.ends, self._account, self._owner)
        cannot = [*found.cannot, *self._not_ready(found, held)]
        if cannot:
            raise CannotNarrow(cannot, call=_CALL)
        return found

    def _not_ready(self, session: narrow.Session, held: Held) -> Iterator[str]:
        """What of it `apply` has not laid ready, or somebody has changed since."""
        arns = {piece: ready_arn(piece, held, self._account, self._owner) for piece in session.pieces}
        missing = [arn for piece, arn in arns.items() if not is_ready(held, arn, piece)]
        if missing:
            yield (
                f"{len(missing)} of the {len(arns)} policies that it takes do not lie ready in the account as they "
                "should: `provision apply` makes them, for runs that one person alone sets going"
            )


def _unfit(login: str, held: Held, arns: Sequence[str]) -> Iterable[str]:
    """Why this user's rights cannot be a session's, or not those of these policies."""
    if login not in held.users:
        yield f"there is no user {login} in the account"
        return
    boundary = held.boundary(login)
    if boundary:
        yield f"user {login} has the permissions boundary {boundary}, and a session has no place for a second one"
    for arn in arns:
        if arn not in held.attached[login]:
            yield f"{arn} is not on user {login} now, and on no group of theirs"
