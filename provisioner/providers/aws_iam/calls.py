"""Remote calls, one method each, under the names of the API. Decides nothing; what an error means says `errors.py`.

`ReadCalls` stand on clients that cannot write. In `WriteCalls` the user is always named: `UserName` is optional in
several calls of IAM and defaults to the caller, so that a lost name would hit our own keys.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from provisioner.contract import ProviderError, Trouble
from provisioner.model.instant import Instant
from provisioner.providers.aws_iam.connect import Clients
from provisioner.providers.aws_iam.errors import FAILED, translate
from provisioner.providers.aws_iam.limits import until

Row = Mapping[str, Any]

_PAGE_SIZE = 1000
"""The most that IAM gives; unasked it gives 100."""
_DETAILS = ["User", "Group", "Role", "LocalManagedPolicy"]


class ReadCalls:
    """Reads of one account. Every method raises ProviderError; `gone` where the thing asked about is not there."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._iam: Any = clients.iam
        self.server_time: Instant | None = None

    @property
    def sent(self) -> int:
        """Requests sent so far."""
        return self._clients.counter.sent

    def caller(self) -> Row:
        """GetCallerIdentity of the session that we act with: `Account`, `Arn`."""
        return self._ask(self._clients.sts, "get_caller_identity")

    def caller_before(self) -> Row | None:
        """GetCallerIdentity of the credentials that the role is assumed with, where they may be a user's."""
        return None if self._clients.base is None else self._ask(self._clients.base, "get_caller_identity")

    def details(self, kinds: Sequence[str] = _DETAILS) -> Iterator[Row]:
        """The pages of GetAccountAuthorizationDetails."""
        return self._pages("get_account_authorization_details", Filter=list(kinds))

    def managed_policy(self, arn: str) -> Row:
        """The document of a managed policy's default version."""
        version = self.policy(arn)["DefaultVersionId"]
        document: Row = self._part("get_policy_version", "PolicyVersion", PolicyArn=arn, VersionId=version)["Document"]
        return document

    def policy(self, arn: str) -> Row:
        """A managed policy, and how often it is attached."""
        return self._part("get_policy", "Policy", PolicyArn=arn)

    def user(self, login: str) -> Row:
        return self._part("get_user", "User", UserName=login)

    def groups_of(self, login: str) -> list[str]:
        return [row["GroupName"] for row in self._list("list_groups_for_user", "Groups", UserName=login)]

    def attached_to_user(self, login: str) -> list[str]:
        """ARNs."""
        rows = self._list("list_attached_user_policies", "AttachedPolicies", UserName=login)
        return [row["PolicyArn"] for row in rows]

    def inline_of_user(self, login: str) -> list[str]:
        return self._list("list_user_policies", "PolicyNames", UserName=login)

    def user_policy(self, login: str, policy: str) -> Row:
        """The document of an inline policy, which botocore has decoded."""
        return self._part("get_user_policy", "PolicyDocument", UserName=login, PolicyName=policy)

    def group(self, name: str) -> Row:
        return self._part("get_group", "Group", GroupName=name, MaxItems=1)

    def members(self, name: str) -> list[str]:
        return [row["UserName"] for row in self._list("get_group", "Users", GroupName=name)]

    def attached_to_group(self, name: str) -> list[str]:
        """ARNs."""
        rows = self._list("list_attached_group_policies", "AttachedPolicies", GroupName=name)
        return [row["PolicyArn"] for row in rows]

    def inline_of_group(self, name: str) -> list[str]:
        return self._list("list_group_policies", "PolicyNames", GroupName=name)

    def role(self, name: str) -> Row:
        return self._part("get_role", "Role", RoleName=name)

    def attached_to_role(self, name: str) -> list[str]:
        """ARNs."""
        rows = self._list("list_attached_role_policies", "AttachedPolicies", RoleName=name)
        return [row["PolicyArn"] for row in rows]

    def inline_of_role(self, name: str) -> list[str]:
        return self._list("list_role_policies", "PolicyNames", RoleName=name)

    def role_policy(self, name: str, policy: str) -> Row:
        return self._part("get_role_policy", "PolicyDocument", RoleName=name, PolicyName=policy)

    def audiences(self, provider_arn: str) -> list[str]:
        """What the account's OIDC provider takes tokens for; `gone` where it has none of that issuer."""
        found = self._ask(self._iam, "get_open_id_connect_provider", OpenIDConnectProviderArn=provider_arn)
        return [str(one) for one in found.get("ClientIDList", ())]

    def own_policies(self) -> dict[str, str]:
        """ARN by name of the account's own managed policies."""
        return {row["PolicyName"]: row["Arn"] for row in self._list("list_policies", "Policies", Scope="Local")}

    def keys(self, login: str) -> list[Row]:
        return self._list("list_access_keys", "AccessKeyMetadata", UserName=login)

    def key_last_used(self, key: str) -> Instant | None:
        """When somebody signed in with it; AWS may take hours to say so."""
        found = self._part("get_access_key_last_used", "AccessKeyLastUsed", AccessKeyId=key).get("LastUsedDate")
        return None if found is None else found.astimezone(UTC)

    def has_password(self, login: str) -> bool:
        try:
            self._ask(self._iam, "get_login_profile", UserName=login)
        except ProviderError as error:
            if error.trouble is Trouble.GONE:
                return False
            raise
        return True

    def mfa_devices(self, login: str) -> list[Row]:
        return self._list("list_mfa_devices", "MFADevices", UserName=login)

    def ssh_keys(self, login: str) -> list[Row]:
        return self._list("list_ssh_public_keys", "SSHPublicKeys", UserName=login)

    def service_credentials(self, login: str) -> list[Row]:
        """This list has markers in the API and no paginator in the SDK."""
        rows: list[Row] = []
        marker: dict[str, Any] = {}
        while True:
            page = self._ask(
                self._iam, "list_service_specific_credentials", UserName=login, MaxItems=_PAGE_SIZE, **marker
            )
            rows += page.get("ServiceSpecificCredentials", ())
            if not page.get("IsTruncated"):
                return rows
            marker = {"Marker": page["Marker"]}

    def certificates(self, login: str) -> list[Row]:
        return self._list("list_signing_certificates", "Certificates", UserName=login)

    def generate_report(self) -> bool:
        """Whether a credential report is ready."""
        return bool(self._ask(self._iam, "generate_credential_report").get("State") == "COMPLETE")

    def report(self) -> tuple[bytes, Instant]:
        """The last credential report, and when it was made: up to four hours ago."""
        found = self._ask(self._iam, "get_credential_report")
        return found["Content"], found["GeneratedTime"].astimezone(UTC)

    # How a call is made

    def _ask(self, client: Any, method: str, **parameters: Any) -> Row:
        try:
            answer: Row = getattr(client, method)(**parameters)
        except FAILED as error:
            raise translate(error, _label(client, method), writing=False) from error
        self._note_time(answer)
        return answer

    def _part(self, method: str, key: str, **parameters: Any) -> Row:
        part: Row = self._ask(self._iam, method, **parameters)[key]
        return part

    def _note_time(self, answer: Row) -> None:
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date:
            self.server_time = parsedate_to_datetime(date).astimezone(UTC)

    def _pages(self, method: str, **parameters: Any) -> Iterator[Row]:
        """Raises `partial` where the list breaks off: one more page is promised, and there is no way to it."""
        label = _label(self._iam, method)
        last: Row = {}
        try:
            pages = self._iam.get_paginator(method).paginate(**parameters, PaginationConfig={"PageSize": _PAGE_SIZE})
            for page in pages:
                self._note_time(page)
                if "IsTruncated" not in page:
                    raise ProviderError(Trouble.PARTIAL, "a page does not say whether more follows", call=label)
                last = page
                yield page
        except FAILED as error:
            raise translate(error, label, writing=False) from error
        if last.get("IsTruncated"):
            raise ProviderError(Trouble.PARTIAL, "the list ends with IsTruncated and no marker", call=label)

    def _list(self, method: str, key: str, **parameters: Any) -> list[Any]:
        return [row for page in self._pages(method, **parameters) for row in page.get(key, ())]


class WriteCalls(ReadCalls):
    """Writes, until `deadline` (on `time.monotonic`). Each may be made twice: that something is there already, or gone,
    is told by the error.
    """

    def __init__(self, clients: Clients, deadline: float) -> None:
        super().__init__(clients)
        self._deadline = deadline

    def create_user(self, login: str, tags: Mapping[str, str]) -> None:
        self._change("create_user", UserName=login, Tags=_tags(tags))

    def rename_user(self, login: str, new: str) -> None:
        self._change("update_user", UserName=login, NewUserName=new)

    def tag_user(self, login: str, tags: Mapping[str, str]) -> None:
        self._change("tag_user", UserName=login, Tags=_tags(tags))

    def untag_user(self, login: str, keys: Sequence[str]) -> None:
        self._change("untag_user", UserName=login, TagKeys=list(keys))

    def delete_user(self, login: str) -> None:
        self._change("delete_user", UserName=login)

    def create_group(self, name: str, path: str) -> None:
        self._change("create_group", GroupName=name, Path=path)

    def delete_group(self, name: str) -> None:
        self._change("delete_group", GroupName=name)

    def add_to_group(self, name: str, login: str) -> None:
        self._change("add_user_to_group", GroupName=name, UserName=login)

    def remove_from_group(self, name: str, login: str) -> None:
        self._change("remove_user_from_group", GroupName=name, UserName=login)

    def attach_to_user(self, login: str, arn: str) -> None:
        self._change("attach_user_policy", UserName=login, PolicyArn=arn)

    def detach_from_user(self, login: str, arn: str) -> None:
        self._change("detach_user_policy", UserName=login, PolicyArn=arn)

    def attach_to_group(self, name: str, arn: str) -> None:
        self._change("attach_group_policy", GroupName=name, PolicyArn=arn)

    def detach_from_group(self, name: str, arn: str) -> None:
        self._change("detach_group_policy", GroupName=name, PolicyArn=arn)

    def put_user_policy(self, login: str, policy: str, document: str) -> None:
        """Overwrites without asking."""
        self._change("put_user_policy", UserName=login, PolicyName=policy, PolicyDocument=document)

    def delete_user_policy(self, login: str, policy: str) -> None:
        self._change("delete_user_policy", UserName=login, PolicyName=policy)

    def delete_group_policy(self, name: str, policy: str) -> None:
        self._change("delete_group_policy", GroupName=name, PolicyName=policy)

    def create_role(self, name: str, document: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        text = json.dumps(document)
        self._change("create_role", RoleName=name, AssumeRolePolicyDocument=text, Tags=_tags(tags))

    def tag_role(self, name: str, tags: Mapping[str, str]) -> None:
        self._change("tag_role", RoleName=name, Tags=_tags(tags))

    def untag_role(self, name: str, keys: Sequence[str]) -> None:
        self._change("untag_role", RoleName=name, TagKeys=list(keys))

    def delete_role(self, name: str) -> None:
        self._change("delete_role", RoleName=name)

    def attach_to_role(self, name: str, arn: str) -> None:
        self._change("attach_role_policy", RoleName=name, PolicyArn=arn)

    def detach_from_role(self, name: str, arn: str) -> None:
        self._change("detach_role_policy", RoleName=name, PolicyArn=arn)

    def put_role_policy(self, name: str, policy: str, document: str) -> None:
        """Overwrites without asking."""
        self._change("put_role_policy", RoleName=name, PolicyName=policy, PolicyDocument=document)

    def delete_role_policy(self, name: str, policy: str) -> None:
        self._change("delete_role_policy", RoleName=name, PolicyName=policy)

    def create_policy(self, name: str, path: str, document: str) -> None:
        self._change("create_policy", PolicyName=name, Path=path, PolicyDocument=document)

    def delete_policy(self, arn: str) -> None:
        self._change("delete_policy", PolicyArn=arn)

    def set_trust(self, role: str, document: Mapping[str, Any]) -> None:
        """Replaces the whole trust policy."""
        self._change("update_assume_role_policy", RoleName=role, PolicyDocument=json.dumps(document))

    def create_key(self, login: str) -> Row:
        """`AccessKeyId`, and the secret, which is shown this once."""
        made: Row = self._change("create_access_key", UserName=login)["AccessKey"]
        return made

    def deactivate_key(self, login: str, key: str) -> None:
        self._change("update_access_key", UserName=login, AccessKeyId=key, Status="Inactive")

    def delete_key(self, login: str, key: str) -> None:
        self._change("delete_access_key", UserName=login, AccessKeyId=key)

    def delete_password(self, login: str) -> None:
        self._change("delete_login_profile", UserName=login)

    def deactivate_mfa(self, login: str, serial: str) -> None:
        self._change("deactivate_mfa_device", UserName=login, SerialNumber=serial)

    def delete_virtual_mfa(self, serial: str) -> None:
        self._change("delete_virtual_mfa_device", SerialNumber=serial)

    def deactivate_ssh_key(self, login: str, key: str) -> None:
        self._change("update_ssh_public_key", UserName=login, SSHPublicKeyId=key, Status="Inactive")

    def delete_ssh_key(self, login: str, key: str) -> None:
        self._change("delete_ssh_public_key", UserName=login, SSHPublicKeyId=key)

    def deactivate_service_credential(self, login: str, credential: str) -> None:
        self._change(
            "update_service_specific_credential",
            UserName=login,
            ServiceSpecificCredentialId=credential,
            Status="Inactive",
        )

    def delete_service_credential(self, login: str, credential: str) -> None:
        self._change("delete_service_specific_credential", UserName=login, ServiceSpecificCredentialId=credential)

    def deactivate_certificate(self, login: str, certificate: str) -> None:
        self._change("update_signing_certificate", UserName=login, CertificateId=certificate, Status="Inactive")

    def delete_certificate(self, login: str, certificate: str) -> None:
        self._change("delete_signing_certificate", UserName=login, CertificateId=certificate)

    def _change(self, method: str, **parameters: Any) -> Any:
        label = _label(self._iam, method)
        if time.monotonic() >= self._deadline:
            raise ProviderError(Trouble.BUSY, "no time was left to send it", call=label)
        try:
            with until(self._deadline):
                answer = getattr(self._iam, method)(**parameters)
        except FAILED as error:
            raise translate(error, label, writing=True) from error
        self._note_time(answer)
        return answer


def _label(client: Any, method: str) -> str:
    """The call by its name in the API: `iam:GetUser`."""
    return f"{client.meta.service_model.endpoint_prefix}:{client.meta.method_to_api_mapping[method]}"


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
