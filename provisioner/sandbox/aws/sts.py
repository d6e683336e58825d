"""STS: who am I, and assuming roles in this and in other accounts, with the checks that moto leaves out.

A session belongs to the account of its role and sees that account's users and groups alone.
It refuses what AWS refuses: roles that are not there, trust that does not name the caller or lets it set no tags or no
source identity, sessions that are too long, session policies that are too many, too long, or no policies.
Tokens of outside identity providers are read, not verified: their signature would need the provider.
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.policy_validation import IAMPolicyDocumentValidator
from moto.sts.responses import TokenResponse

from provisioner.sandbox.aws import evaluate
from provisioner.sandbox.aws.iam import need_policy
from provisioner.sandbox.aws.strict import Strict, backend_of, current_document, known_accounts, sts_backend_of
from provisioner.sandbox.aws.world import Refused, World, now

_CHAINED = 3600
_SESSION_POLICIES, _SESSION_CHARACTERS = 10, 2048
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
    session.sandbox_tags, session.sandbox_transitive = {}, set()
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
        if self.params.get("TransitiveTagKeys"):
            context["sts:transitivetagkeys"] = list(self.params["TransitiveTagKeys"])
        return context

    def _actions(self) -> list[str]:
        """A source identity and tags ask for leave of their own: of the caller's policies and of the role's trust. An
        inherited source identity does too."""
        if self.action != "AssumeRole":
            return super()._actions()
        before = self.caller.session.sandbox_source_identity if self.caller.session is not None else None
        asked = ["sts:AssumeRole"]
        if self.params.get("SourceIdentity") or before:
            asked.append("sts:SetSourceIdentity")
        if self.params.get("Tags"):
            asked.append("sts:TagSession")
        return asked

    def assume_role(self) -> Any:
        """AccessDenied tells a missing role from an untrusting one no more than AWS does."""
        caller, arn = self.caller, self.params["RoleArn"]
        role = find_role(arn)
        names = ["*", caller.account, f"arn:aws:iam::{caller.account}:root", caller.arn, caller.principal]
        for action in self._actions():
            if role is None or not self._trusted(role, action, {"AWS": names}, self._context()):
                message = f"User: {caller.arn} is not authorized to perform: {action} on resource: {arn}"
                raise Refused("AccessDenied", message, 403)
        self._check_identity()
        self._check_session_tags()
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

    def _check_identity(self) -> None:
        """Once set, it is the same down the chain."""
        before = self.caller.session.sandbox_source_identity if self.caller.session is not None else None
        wanted = self.params.get("SourceIdentity")
        if wanted and wanted.lower().startswith("aws:"):
            raise Refused("ValidationError", "The source identity may not begin with aws:")
        if wanted and before and wanted != before:
            message = f"User: {self.caller.arn} is not authorized to perform: sts:SetSourceIdentity"
            raise Refused("AccessDenied", f"{message}: the session has another source identity", 403)

    def _check_session_tags(self) -> None:
        keys = [tag["Key"].lower() for tag in self.params.get("Tags") or ()]
        inherited = self.caller.session.sandbox_transitive if self.caller.session is not None else set()
        if len(set(keys)) < len(keys) or inherited.intersection(keys):
            raise Refused("InvalidParameterValue", "Duplicate session tag keys, or one that was passed on.")
        if {key.lower() for key in self.params.get("TransitiveTagKeys") or ()} - set(keys):
            raise Refused("InvalidParameterValue", "A transitive tag key is not among the session tags.")

    def _session_policies(self, role: Any) -> list[str]:
        """The texts of the session policies: managed ones of the role's account or AWS's, and the inline one."""
        arns, inline = [one["arn"] for one in self.params.get("PolicyArns") or ()], self.params.get("Policy") or ""
        if len(arns) > _SESSION_POLICIES:
            raise Refused("ValidationError", f"A session takes at most {_SESSION_POLICIES} managed session policies.")
        if len(inline) + sum(map(len, arns)) > _SESSION_CHARACTERS:
            message = f"Session policies have at most {_SESSION_CHARACTERS} characters together."
            raise Refused("ValidationError", message)
        texts = [current_document(need_policy(backend_of(role.account_id), arn)) for arn in arns]
        if inline:
            IAMPolicyDocumentValidator(inline).validate()
            texts.append(inline)
        return texts

    def _session(self, role: Any, seconds: int) -> dict[str, Any]:
        policies = self._session_policies(role)
        session = open_session(self.world, role, self.params["RoleSessionName"], seconds)
        before = self.caller.session
        session.sandbox_session_policies = policies
        session.sandbox_source_identity = self.params.get("SourceIdentity")
        tags = {tag["Key"].lower(): tag["Value"] for tag in self.params.get("Tags") or ()}
        session.sandbox_transitive = {key.lower() for key in self.params.get("TransitiveTagKeys") or ()}
        if before is not None:
            session.sandbox_source_identity = session.sandbox_source_identity or before.sandbox_source_identity
            tags |= {key: before.sandbox_tags[key] for key in before.sandbox_transitive}
            session.sandbox_transitive |= before.sandbox_transitive
        session.sandbox_tags = tags
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
