"""GetAccountAuthorizationDetails: everything of an account, rendered once and cut into pages.

A page of 1,000 users costs moto half a second, most of it in looking for each user's groups; here an account is
rendered in one pass and kept until something in it is written. It refuses to be older, unless `lag` asks for it.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from provisioner.sandbox.aws import answers
from provisioner.sandbox.aws.strict import Pages
from provisioner.sandbox.aws.world import World
from provisioner.sandbox.wire import Answer

_LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
_FILTER_OF = {"User": 0, "Group": 1, "Role": 2, "LocalManagedPolicy": 3, "AWSManagedPolicy": 3}


@dataclass
class _Row:
    key: tuple[int, str]
    kind: str  # a value of the parameter Filter
    xml: str


@dataclass
class Snapshot:
    """One account as rendered at a version of it; `cuts` are the rows and keys by filter."""

    version: int
    rows: list[_Row]
    cuts: dict[frozenset[str], tuple[list[_Row], list[tuple[int, str]]]] = field(default_factory=dict)

    def select(self, kinds: frozenset[str]) -> tuple[list[_Row], list[tuple[int, str]]]:
        """The rows of these kinds, and their keys."""
        if kinds not in self.cuts:
            rows = [row for row in self.rows if row.kind in kinds]
            self.cuts[kinds] = rows, [row.key for row in rows]
        return self.cuts[kinds]


def _base(kind: str, entity: Any) -> dict[str, Any]:
    return {
        "Path": entity.path,
        f"{kind}Name": entity.name,
        f"{kind}Id": entity.id,
        "Arn": entity.arn,
        "CreateDate": entity.create_date,
        f"{kind}PolicyList": getattr(entity, f"{kind.lower()}_policy_list"),
        "AttachedManagedPolicies": entity.attached_managed_policies,
    }


def _user(user: Any, groups: list[str]) -> dict[str, Any]:
    return {
        **_base("User", user),
        "GroupList": sorted(groups),
        "PermissionsBoundary": getattr(user, "permissions_boundary", None),
        "Tags": user.tags or [],
    }


def _role(role: Any) -> dict[str, Any]:
    used = {"LastUsedDate": role.last_used, "Region": role.last_used_region} if role.last_used else {}
    return {
        **_base("Role", role),
        "AssumeRolePolicyDocument": quote(role.assume_role_policy_document),
        "InstanceProfileList": [
            {
                "Path": profile.path,
                "InstanceProfileName": profile.name,
                "InstanceProfileId": profile.id,
                "Arn": profile.arn,
                "CreateDate": profile.create_date,
                "Roles": [],
            }
            for profile in role.instance_profile_list
        ],
        "PermissionsBoundary": role.permissions_boundary,
        "Tags": role.tags or [],
        "RoleLastUsed": used,
    }


def _policy(policy: Any, boundaries: int) -> dict[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": policy.attachment_count,
        "PermissionsBoundaryUsageCount": boundaries,
        "IsAttachable": True,
        "Description": policy.description or None,
        "CreateDate": policy.create_date,
        "UpdateDate": policy.update_date,
        "PolicyVersionList": policy.policy_version_list,
    }


def _entities(backend: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(kind, label, details). AWS's own policies are listed only where they are in use."""
    groups_of: dict[int, list[str]] = defaultdict(list)
    for group in backend.groups.values():
        for member in group.users:
            groups_of[id(member)].append(group.name)
    boundaries: dict[str, int] = defaultdict(int)
    for holder in (*backend.users.values(), *backend.roles.values()):
        if boundary := getattr(holder, "permissions_boundary", None):
            boundaries[boundary["PermissionsBoundaryArn"]] += 1
    for user in backend.users.values():
        yield "User", user.name, _user(user, groups_of[id(user)])
    for group in backend.groups.values():
        yield "Group", group.name, _base("Group", group)
    for role in backend.roles.values():
        yield "Role", role.name, _role(role)
    for arn, policy in backend.managed_policies.items():
        if ":iam::aws:policy/" not in arn:
            yield "LocalManagedPolicy", arn, _policy(policy, boundaries[arn])
        elif policy.attachment_count or boundaries[arn]:
            yield "AWSManagedPolicy", arn, _policy(policy, boundaries[arn])


def _snapshot(world: World, backend: Any, shapes: Mapping[str, Any]) -> Snapshot:
    account = backend.account_id
    kept = world.details.get(account)
    if isinstance(kept, Snapshot) and (kept.version == world.version(account) or world.lagging(account)):
        return kept
    members = [shapes[name].member for name in _LISTS]
    rows = [
        _Row((_FILTER_OF[kind], label), kind, answers.element(members[_FILTER_OF[kind]], "member", details))
        for kind, label, details in _entities(backend)
    ]
    rows.sort(key=lambda row: row.key)
    fresh = world.details[account] = Snapshot(world.version(account), rows)
    world.rendered(account)
    return fresh


def details_page(world: World, backend: Any, wanted: list[str], pages: Pages, shapes: Mapping[str, Any]) -> Answer:
    """One page as an answer: users first, then groups, roles and policies. No filter means all kinds."""
    kinds = frozenset(wanted or _FILTER_OF)
    rows, keys = _snapshot(world, backend, shapes).select(kinds)
    start, end, marker = pages.cut(keys)
    parts = []
    for number, name in enumerate(_LISTS):
        first = bisect.bisect_left(keys, (number, ""), start, end)
        last = bisect.bisect_left(keys, (number + 1, ""), start, end)
        parts.append(f"<{name}>{''.join(row.xml for row in rows[first:last])}</{name}>")
    parts.append(f"<IsTruncated>{'false' if marker is None else 'true'}</IsTruncated>")
    if marker is not None:
        parts.append(f"<Marker>{marker}</Marker>")
    return answers.success("iam", "GetAccountAuthorizationDetails", "".join(parts))
