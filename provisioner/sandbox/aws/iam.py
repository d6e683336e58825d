"""IAM's users, groups, roles and policies with the rules that moto leaves out: names, limits, tags, blocked deletes.

It refuses what AWS refuses, with AWS's code and status, and hands everything else to moto.
Messages follow AWS's wording where known; the codes are what clients may rely on.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from moto.core.responses import EmptyResult
from moto.core.serialize import never_return, return_if_not_empty
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator
from moto.iam.responses import IamResponse

from provisioner.sandbox.aws.credentials import Credentials
from provisioner.sandbox.aws.details import details_page
from provisioner.sandbox.aws.strict import PARTITION, Strict
from provisioner.sandbox.aws.world import Refused, extra

_GROUPS_PER_USER = 10
_POLICIES_PER_ENTITY = 10
_TAGS = 50
_INLINE_BYTES = {"user": 2048, "group": 5120, "role": 10240}
_CALLER_BY_DEFAULT = frozenset(
    ("GetUser", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "ListAccessKeys", "ListMFADevices",
     "ListSSHPublicKeys", "UploadSigningCertificate", "ListSigningCertificates", "UpdateSigningCertificate",
     "DeleteSigningCertificate", "UpdateServiceSpecificCredential", "ResetServiceSpecificCredential",
     "DeleteServiceSpecificCredential", "GetLoginProfile", "DeleteLoginProfile", "CreateLoginProfile",
     "DeactivateMFADevice"),
)  # fmt: skip


@cache
def _aws_policies() -> dict[str, tuple[str, dict[str, Any]]]:
    """AWS's own policies by ARN, from moto's copy: read once, and only when one is asked for (7 MB of JSON)."""
    data: dict[str, dict[str, Any]] = json.loads(aws_managed_policies_data)
    return {f"arn:{PARTITION}:iam::aws:policy{one.get('Path', '/')}{name}": (name, one) for name, one in data.items()}


def need_policy(backend: Any, arn: str) -> Any:
    """The managed policy, AWS's own ones included: an account gets its copy of one when it first asks.

    moto would make all 1,400 of them for each account (0.1 s and 10 MB), or none.
    Raises `Refused`: NoSuchEntity.
    """
    known = _aws_policies().get(arn) if arn not in backend.managed_policies and ":iam::aws:" in arn else None
    if known is not None:
        policy = AWSManagedPolicy.from_data(known[0], backend.account_id, backend.region_name, known[1])
        backend.managed_policies[arn] = policy
        backend.aws_managed_policies.append(policy)
    if arn not in backend.managed_policies:
        raise Refused("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)
    return backend.managed_policies[arn]


def _conflict(message: str) -> Refused:
    return Refused("DeleteConflict", f"Cannot delete entity, must {message} first.", 409)


def _limit(quota: str, most: int) -> Refused:
    return Refused("LimitExceeded", f"Cannot exceed quota for {quota}: {most}", 409)


def _check_tags(tags: list[dict[str, str]], present: int = 0) -> None:
    keys = [tag["Key"].lower() for tag in tags]
    if len(set(keys)) < len(keys):
        raise Refused("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.startswith("aws:") for key in keys):
        raise Refused("InvalidInput", "Tag keys beginning with aws: are reserved for system use.")
    if present + len(keys) > _TAGS:
        raise _limit("TagsPerEntity", _TAGS)


class StrictIam(Credentials, Strict, IamResponse):  # type: ignore[misc] # moto is untyped here
    """Answers one IAM call."""

    RESPONSE_KEY_PATH_TO_TRANSFORMER = {  # noqa: RUF012 - moto's name and kind
        **IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER,
        "ListUsersResponse.Users.User.PermissionsBoundary": never_return,
        "GetGroupResponse.Users.User.Tags": never_return,
        "GetGroupResponse.Users.User.PermissionsBoundary": never_return,
        "GetUserResponse.User.PermissionsBoundary": return_if_not_empty,
    }

    def _complete_parameters(self) -> None:
        wants_user = self.action in _CALLER_BY_DEFAULT or (
            self.action == "ListServiceSpecificCredentials" and not self.params.get("AllUsers")
        )
        if wants_user and not self.params.get("UserName"):
            if self.caller.user is None:
                raise Refused("ValidationError", "Must specify userName when calling with non-User credentials")
            self.params["UserName"] = self.caller.user.name

    # Permissions

    def _resource(self) -> str:
        get, account, backend = self.params.get, self.caller.account, self.backend
        start = f"arn:{PARTITION}:iam::{account}:"
        if name := get("GroupName"):
            return str(backend.groups[name].arn) if name in backend.groups else f"{start}group{get('Path', '/')}{name}"
        if name := get("UserName"):
            return str(backend.users[name].arn) if name in backend.users else f"{start}user{get('Path', '/')}{name}"
        if name := get("RoleName"):
            found = next((role for role in backend.get_roles() if role.name == name), None)
            return str(found.arn) if found else f"{start}role{get('Path', '/')}{name}"
        if name := get("PolicyName"):
            return f"{start}policy{get('Path', '/')}{name}"
        return str(get("PolicyArn") or get("SerialNumber") or "*")

    def _context(self) -> dict[str, list[str]]:
        context = super()._context()
        if arn := self.params.get("PolicyArn"):
            context["iam:policyarn"] = [arn]
        if arn := self.params.get("PermissionsBoundary"):
            context["iam:permissionsboundary"] = [arn]
        target = self.backend.users.get(self.params.get("UserName")) if not self.params.get("GroupName") else None
        if target is None and (name := self.params.get("RoleName")):
            target = next((role for role in self.backend.get_roles() if role.name == name), None)
        if target is not None:
            for tag in target.tags or ():
                for prefix in ("aws", "iam"):
                    context[f"{prefix}:resourcetag/{tag['Key'].lower()}"] = [tag["Value"]]
        return context

    # Users

    def _free_name(self, kind: str, name: str, taken: Any) -> None:
        if name.lower() in {other.lower() for other in taken}:
            raise Refused("EntityAlreadyExists", f"{kind} with name {name} already exists.", 409)

    def _boundary(self) -> dict[str, str] | None:
        arn = self.params.get("PermissionsBoundary")
        if arn is None:
            return None
        need_policy(self.backend, arn)
        return {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn}

    def create_user(self) -> Any:
        """Names are unique without regard to case; tags and boundary arrive in the same call."""
        self._free_name("User", self.params["UserName"], self.backend.users)
        _check_tags(self.params.get("Tags") or [])
        boundary = self._boundary()
        result = super().create_user()
        if boundary:
            self.backend.users[self.params["UserName"]].permissions_boundary = boundary
        return result

    def update_user(self) -> Any:
        """A rename keeps id, tags, keys and everything else; moto loses tags (kept by ARN) and the owner of keys."""
        user = self.backend.get_user(self.params["UserName"])
        new = self.params.get("NewUserName")
        if new and new.lower() != user.name.lower():
            self._free_name("User", new, self.backend.users)
        old_arn = user.arn
        super().update_user()
        if user.arn != old_arn:
            self.backend.tagger.copy_tags(old_arn, user.arn)
            self.backend.tagger.delete_all_tags_for_resource(old_arn)
        for owned in (*user.access_keys, *user.ssh_public_keys, *user.signing_certificates.values()):
            owned.user_name = user.name
        for device in self.backend.virtual_mfa_devices.values():
            if device.user is user:
                device.user_attribute.update(UserName=user.name, Path=user.path, Arn=user.arn)
        return EmptyResult()

    def delete_user(self) -> Any:
        """Refused with DeleteConflict as long as anything hangs on the user (API reference, DeleteUser)."""
        user = self.backend.get_user(self.params["UserName"])
        for left, what in (
            (user.password, "delete login profile"),
            (user.access_keys, "delete access keys"),
            (user.mfa_devices, "deactivate MFA devices"),
            (user.signing_certificates, "delete signing certificates"),
            (user.ssh_public_keys, "delete SSH public keys"),
            (extra(user).services, "delete service-specific credentials"),
            (user.policies, "delete policies"),
            (user.managed_policies, "detach all policies"),
            (self.backend.get_groups_for_user(user.name), "remove users from group"),
        ):
            if left:
                raise _conflict(what)
        return super().delete_user()

    def put_user_permissions_boundary(self) -> Any:
        """Missing in moto."""
        user = self.backend.get_user(self.params["UserName"])
        user.permissions_boundary = self._boundary()
        return EmptyResult()

    def delete_user_permissions_boundary(self) -> Any:
        """Missing in moto."""
        user = self.backend.get_user(self.params["UserName"])
        if not getattr(user, "permissions_boundary", None):
            raise Refused("NoSuchEntity", f"No permissions boundary is set for user {user.name}.", 404)
        user.permissions_boundary = None
        return EmptyResult()

    def tag_user(self) -> Any:
        """Keys are compared without regard to case and keep the case last written."""
        user = self.backend.get_user(self.params["UserName"])
        tags = self.params["Tags"]
        new = {tag["Key"].lower() for tag in tags}
        present = self.backend.tagger.get_tag_dict_for_resource(user.arn)
        _check_tags(tags, len([key for key in present if key.lower() not in new]))
        self.backend.tagger.untag_resource_using_names(user.arn, [key for key in present if key.lower() in new])
        return super().tag_user()

    def untag_user(self) -> Any:
        """Removing a tag that is not there is no error."""
        user = self.backend.get_user(self.params["UserName"])
        gone = {key.lower() for key in self.params["TagKeys"]}
        present = self.backend.tagger.get_tag_dict_for_resource(user.arn)
        self.backend.tagger.untag_resource_using_names(user.arn, [key for key in present if key.lower() in gone])
        return EmptyResult()

    # Groups

    def create_group(self) -> Any:
        """Names are unique without regard to case."""
        self._free_name("Group", self.params["GroupName"], self.backend.groups)
        return super().create_group()

    def update_group(self) -> Any:
        """moto ignores a path that comes without a name."""
        group = self.backend.get_group(self.params["GroupName"])
        new = self.params.get("NewGroupName")
        if new == group.name:
            self.params.pop("NewGroupName")
        elif new and new.lower() != group.name.lower():
            self._free_name("Group", new, self.backend.groups)
        if path := self.params.get("NewPath"):
            group.path = path
        return super().update_group()

    def delete_group(self) -> Any:
        """Refused with DeleteConflict while it has members or policies."""
        group = self.backend.get_group(self.params["GroupName"])
        for left, what in (
            (group.users, "remove users from group"),
            (group.policies, "delete policies"),
            (group.managed_policies, "detach all policies"),
        ):
            if left:
                raise _conflict(what)
        return super().delete_group()

    def add_user_to_group(self) -> Any:
        """Adding a member again is no error; more than ten groups is one."""
        user = self.backend.get_user(self.params["UserName"])
        group = self.backend.get_group(self.params["GroupName"])
        if user not in group.users and len(self.backend.get_groups_for_user(user.name)) >= _GROUPS_PER_USER:
            raise _limit("GroupsPerUser", _GROUPS_PER_USER)
        return super().add_user_to_group()

    # Policies

    def _attach(self, holder: Any) -> Any:
        policy = need_policy(self.backend, self.params["PolicyArn"])
        if policy.arn not in holder.managed_policies:  # moto counts a second attachment
            if len(holder.managed_policies) >= _POLICIES_PER_ENTITY:
                raise _limit(f"PoliciesPer{type(holder).__name__}", _POLICIES_PER_ENTITY)
            policy.attach_to(holder)
        return EmptyResult()

    def attach_user_policy(self) -> Any:
        """Attaching again is no error."""
        return self._attach(self.backend.get_user(self.params["UserName"]))

    def attach_group_policy(self) -> Any:
        """Attaching again is no error."""
        return self._attach(self.backend.get_group(self.params["GroupName"]))

    def attach_role_policy(self) -> Any:
        """Attaching again is no error."""
        return self._attach(self.backend.get_role(self.params["RoleName"]))

    def _room_for_inline(self, kind: str, holder: Any) -> None:
        texts = {**holder.policies, self.params["PolicyName"]: self.params["PolicyDocument"]}
        # AWS does not count white space toward the limit.
        if sum(len("".join(text.split())) for text in texts.values()) > _INLINE_BYTES[kind]:
            message = f"Maximum policy size of {_INLINE_BYTES[kind]} bytes exceeded for {kind} {holder.name}"
            raise Refused("LimitExceeded", message, 409)

    def put_user_policy(self) -> Any:
        """All inline policies of a user together have 2,048 characters."""
        self._room_for_inline("user", self.backend.get_user(self.params["UserName"]))
        return super().put_user_policy()

    def put_group_policy(self) -> Any:
        """All inline policies of a group together have 5,120 characters."""
        self._room_for_inline("group", self.backend.get_group(self.params["GroupName"]))
        return super().put_group_policy()

    def put_role_policy(self) -> Any:
        """All inline policies of a role together have 10,240 characters."""
        self._room_for_inline("role", self.backend.get_role(self.params["RoleName"]))
        return super().put_role_policy()

    def create_policy(self) -> Any:
        """Names are unique without regard to case, whatever the path."""
        local = [p.name for p in self.backend.managed_policies.values() if not isinstance(p, AWSManagedPolicy)]
        self._free_name("Policy", self.params["PolicyName"], local)
        _check_tags(self.params.get("Tags") or [])
        return super().create_policy()

    def delete_policy(self) -> Any:
        """Refused while attached, used as a boundary, or with more than its default version."""
        policy = need_policy(self.backend, self.params["PolicyArn"])
        if isinstance(policy, AWSManagedPolicy):
            raise Refused("AccessDenied", f"{policy.arn} is managed by AWS and cannot be deleted.", 403)
        holders = (*self.backend.users.values(), *self.backend.groups.values(), *self.backend.roles.values())
        if any(policy.arn in holder.managed_policies for holder in holders):
            raise Refused("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
        if any(policy.arn == _boundary_of(holder) for holder in holders):
            raise Refused("DeleteConflict", "Cannot delete a policy in use as a permissions boundary.", 409)
        if len(policy.versions) > 1:
            raise Refused(
                "DeleteConflict",
                "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                "versions. The default version is deleted with the policy.",
                409,
            )
        return super().delete_policy()

    def get_policy(self) -> Any:
        """AWS's own policies can be asked for in every account."""
        need_policy(self.backend, self.params["PolicyArn"])
        return super().get_policy()

    def get_policy_version(self) -> Any:
        """AWS's own policies can be asked for in every account."""
        need_policy(self.backend, self.params["PolicyArn"])
        return super().get_policy_version()

    def list_policies(self) -> Any:
        """AWS's own policies are in every account's list unless Scope is Local."""
        if self.params.get("Scope", "All") != "Local":
            for arn in _aws_policies():
                need_policy(self.backend, arn)
        return super().list_policies()

    def list_entities_for_policy(self) -> Any:
        """moto answers an empty list for a policy that is not there."""
        need_policy(self.backend, self.params["PolicyArn"])
        return super().list_entities_for_policy()

    # Roles

    def create_role(self) -> Any:
        """moto checks a trust policy only when it is changed."""
        self._free_name("Role", self.params["RoleName"], [role.name for role in self.backend.get_roles()])
        _check_tags(self.params.get("Tags") or [])
        self._boundary()
        IAMTrustPolicyDocumentValidator(self.params["AssumeRolePolicyDocument"]).validate()
        return super().create_role()

    # Bulk

    def get_account_authorization_details(self) -> Any:
        """Pages over users, groups, roles and policies together, as AWS does; moto has no pages here."""
        assert self.pages is not None
        shapes = self.operation.output_shape.members
        return details_page(self.world, self.backend, self.params.get("Filter") or [], self.pages, shapes)


def _boundary_of(holder: Any) -> str | None:
    boundary = getattr(holder, "permissions_boundary", None)
    return boundary["PermissionsBoundaryArn"] if boundary else None
