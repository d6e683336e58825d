"""STS: who am I, and assuming roles in this and in other accounts, with the checks that moto leaves out.

A session belongs to the account of its role and sees that account's users and groups alone.
It refuses what AWS refuses: roles that are not there, trust that does not name the caller, sessions that are too long.
Tokens of outside identity providers are read, not verified: their signature would need the provider.
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from provisioner.sandbox.aws import evaluate
from provisioner.sandbox.aws.iam import need_policy
from provisioner.sandbox.aws.strict import Strict, backend_of, current_document, known_accounts, sts_backend_of
from provisioner.sandbox.aws.world import Refused, World, now

_CHAINED = 3600
_CONTEXT = {
    "ExternalId": "sts:externalid",
    "RoleSessionName": "sts:rolesessionname",
    "SourceIdentity": "sts:sourceidentity",
}


def find_role(arn: str) -> Any | None:
    """The role of that ARN in whichever account it names; None where there is no such account or role."""
    account = arn.split(":")[4] if arn.count(":") >= 5 else ""
    if account not in known_accounts():
        return None
    return next((role for role in backend_of(account).get_roles() if role.arn == arn), None)


def open_session(world: World, role: Any, name: str, seconds: int) -> Any:
    """A session of the role, with keys of its own, known to moto and to us."""
    session = sts_backend_of(role.account_id).assume_role(
        region_name="us-east-1",
        role_session_name=name,
        role_arn=role.arn,
        policy="",
        duration=seconds,
        external_id="",
    )
    session.sandbox_issued = now()
    session.sandbox_role_id = role.id
    session.sandbox_session_policies = []
    session.sandbox_source_identity = None
    session.expiration = now() + timedelta(seconds=seconds)
    world.sessions[session.access_key_id] = session
    return session


def _claims(token: str) -> dict[str, Any]:
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("iss"), str):
        raise Refused("InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
    return found


class StrictSts(Strict, TokenResponse):  # type: ignore[misc] # moto is untyped here
    """Answers one STS call."""

    def _resource(self) -> str:
        return str(self.params.get("RoleArn") or "*")

    def _context(self) -> dict[str, list[str]]:
        context = super()._context() if self.caller.user or self.caller.session else {}
        for parameter, key in _CONTEXT.items():
            if parameter in self.params:
                context[key] = [self.params[parameter]]
        return context

    def assume_role(self) -> Any:
        """AccessDenied tells a missing role from an untrusting one no more than AWS does."""
        caller, arn = self.caller, self.params["RoleArn"]
        role = find_role(arn)
        names = ["*", caller.account, f"arn:aws:iam::{caller.account}:root", caller.arn, caller.principal]
        if role is None or not self._trusted(role, "sts:AssumeRole", {"AWS": names}, self._context()):
            message = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise Refused("AccessDenied", message, 403)
        seconds = self._duration(role)
        if caller.session is not None and seconds > _CHAINED:
            message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by chaining"
            raise Refused("ValidationError", message)
        return ActionResult(self._session(role, seconds))

    def assume_role_with_web_identity(self) -> Any:
        """For CI jobs: the role's trust names the provider and may check any claim of the token."""
        role, claims = find_role(self.params["RoleArn"]), _claims(self.params["WebIdentityToken"])
        issuer = claims["iss"].removeprefix("https://").rstrip("/")
        context = {f"{issuer}:{name}".lower(): [str(v) for v in _list(value)] for name, value in claims.items()}
        action = "sts:AssumeRoleWithWebIdentity"
        provider = "" if role is None else f"arn:aws:iam::{role.account_id}:oidc-provider/{issuer}"
        if role is None or not self._trusted(role, action, {"Federated": [provider, issuer]}, context):
            raise Refused("AccessDenied", f"Not authorized to perform {action}", 403)
        if provider not in backend_of(role.account_id).open_id_providers:
            message = f"No OpenIDConnect provider found in your account for {claims['iss']}"
            raise Refused("InvalidIdentityToken", message)
        if claims.get("aud") not in backend_of(role.account_id).open_id_providers[provider].client_id_list:
            raise Refused("InvalidIdentityToken", "Incorrect token audience")
        result = self._session(role, self._duration(role))
        result |= {"SubjectFromWebIdentityToken": claims.get("sub"), "Provider": provider}
        return ActionResult(result)

    def _trusted(self, role: Any, action: str, principals: dict[str, list[str]], context: Any) -> bool:
        return evaluate.decide([role.assume_role_policy_document], action, role.arn, context, principals) is True

    def _duration(self, role: Any) -> int:
        seconds = int(self.params.get("DurationSeconds") or 3600)
        if seconds > int(role.max_session_duration or 3600):
            message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            raise Refused("ValidationError", message)
        return seconds

    def _session(self, role: Any, seconds: int) -> dict[str, Any]:
        session = open_session(self.world, role, self.params["RoleSessionName"], seconds)
        inherited = self.caller.session.sandbox_source_identity if self.caller.session is not None else None
        session.sandbox_source_identity = self.params.get("SourceIdentity") or inherited
        policies = [current_document(need_policy(backend_of(role.account_id), one["arn"]))
                    for one in self.params.get("PolicyArns") or ()]  # fmt: skip
        if self.params.get("Policy"):
            policies.append(self.params["Policy"])
        session.sandbox_session_policies = policies
        role.last_used, role.last_used_region = now(), "us-east-1"
        result = {
            "Credentials": session,
            "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
            "PackedPolicySize": 6,
        }
        if session.sandbox_source_identity:
            result["SourceIdentity"] = session.sandbox_source_identity
        return result

    # moto's answers to these have keys that belong to nobody.
    get_session_token = None
    get_federation_token = None
    assume_role_with_saml = None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
