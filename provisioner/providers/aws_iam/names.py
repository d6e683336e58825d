"""How IAM's things are named, and how our addresses name them. Pure text; nothing is looked up.

Of a grant's object: a bare name is a managed policy (the account's own if it has one of that name, else AWS's),
`inline.NAME` an inline policy, `role.ROLE` leave to assume a role. What a bare name cannot say is written as its ARN.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import NamedTuple

from provisioner.model.identity import KEYLESS, is_keyless

INLINE = "inline."
ROLE = "role."
POLICY = "policy."
"""Only of controls: an own managed policy as a thing by itself, of which the reader tells how strong it is."""
DENY_POLICY = "provision-deny"
"""The inline policy on a disabled user that denies everything."""
ASSUME_PREFIX = "provision-assume-"
"""Inline policies of ours on a user, each of which lets them assume one role."""
TRUST = "trust"
"""Of a control: whom a role that is a service's account trusts."""
ENDS = "ends"
"""The attribute of leave to assume a role: when our policy ends it by itself, or None."""
TAG = "provision"
"""The tag of a user that holds our mark. IAM folds the case of tag keys."""
SECRETS = "secrets/"
"""What the place of a secret of an account begins with, where a credential is delivered there."""
GROUP_PATH = "/provision/"
"""The path of groups that we made: groups cannot be tagged."""
RUN_PATH = "/provision/run/"
"""What the path of managed policies that `apply` lays ready for runs begins with."""

# IAM API reference, CreateUser, CreateGroup, CreateRole, CreatePolicy: [\w+=,.@-]+, ASCII.
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]+")
_POLICY_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>[0-9]{12}|aws):"
    r"policy/(?P<path>(?:[!-~]+/)?)(?P<name>[A-Za-z0-9_+=,.@-]{1,128})"
)
_USER_ARN = re.compile(
    r"arn:aws[a-z-]*:iam::(?P<account>[0-9]{12}):user/(?:[!-~]+/)?(?P<name>[A-Za-z0-9_+=,.@-]{1,64})"
)
_ROLE_ARN = re.compile(
    r"arn:aws[a-z-]*:(?:sts::(?P<of>[0-9]{12}):assumed-role/(?P<session>[^/]+)/.+"
    r"|iam::(?P<account>[0-9]{12}):role/(?:[!-~]+/)?(?P<name>[^/]+))"
)
_ASSUMED = re.compile(
    r"arn:aws[a-z-]*:iam::(?P<account>\{account\}|[0-9]{12}):role/(?:[!-~]+/)?[A-Za-z0-9_+=,.@-]{1,64}"
)
# Secrets Manager API reference, CreateSecret.
_SECRET = re.compile(r"secrets/[A-Za-z0-9/_+=.@-]{1,512}")
# IAM User Guide, "IAM identifiers", unique ids: AIDA is a user.
_USER_ID = re.compile(r"AIDA[A-Z0-9]{12,}")
_SLUG = re.compile(r"[^a-z0-9._-]+")
# IAM API reference, Tag: the characters of a tag's value.
_TAG_VALUE = re.compile(r"[\w\s.:/=+\-@]{0,256}")

LONGEST = {"user": 64, "group": 128, "role": 64, "policy": 128}


class PolicyArn(NamedTuple):
    """The parts of a managed policy's ARN; `account` is `aws` for AWS's own, `path` without the leading slash."""

    partition: str
    account: str
    path: str
    name: str


def parse_policy_arn(text: str) -> PolicyArn | None:
    found = _POLICY_ARN.fullmatch(text)
    return PolicyArn(*found.groups()) if found else None


def user_of(principal: str) -> tuple[str, str] | None:
    """(account, login) of a user's ARN as trust policies name it, or None where it is something else."""
    found = _USER_ARN.fullmatch(principal)
    return (found["account"], found["name"]) if found else None


def role_arn(role: str, partition: str, account: str) -> str | None:
    """The ARN of a role of `account` from its name or ARN (with `{account}` or the digits); None where it is neither,
    or is of another account."""
    if not role.startswith("arn:"):
        return f"arn:{partition}:iam::{account}:role/{role}" if why_not("role", role) is None else None
    found = _ASSUMED.fullmatch(role)
    return role.replace("{account}", account) if found and found["account"] in ("{account}", account) else None


def session_name(identity: str) -> str:
    """A declared id as the name of a session, which has at least two characters. Ids have no `=`, so no two of them get
    the same name."""
    return identity if len(identity) > 1 else identity + "="


def role_in(arn: str) -> tuple[str, str] | None:
    """(account, role) of a role's ARN or of that of a session of it, or None where it is something else."""
    found = _ROLE_ARN.fullmatch(arn)
    return (found["of"] or found["account"], found["session"] or found["name"]) if found else None


def names_user(principal: str) -> bool:
    """Whether a principal of a trust policy is one IAM user, by ARN or by the id that remains of one."""
    return _USER_ARN.fullmatch(principal) is not None or _USER_ID.fullmatch(principal) is not None


def why_not(kind: str, name: str) -> str | None:
    """Why `name` cannot name a user, group, role or policy, in words, or None."""
    if not name:
        return f"a {kind}'s name cannot be empty"
    if not _NAME.fullmatch(name):
        return f"an IAM {kind} is named with letters, digits and _+=,.@- only"
    if len(name) > LONGEST[kind]:
        return f"an IAM {kind}'s name has at most {LONGEST[kind]} characters, this one has {len(name)}"
    return None


def is_reserved(name: str) -> bool:
    """Whether a managed policy of this bare name would read as something else in an address."""
    return name.startswith((INLINE, ROLE))


def policy_object(arn: str, own: Collection[str] = ()) -> str:
    """How an address names the managed policy `arn` where the account's own policies are called `own`."""
    parsed = parse_policy_arn(arn)
    if parsed is None or is_reserved(parsed.name):
        return arn
    if parsed.account == "aws" and (parsed.path or parsed.name in own):
        return arn
    return parsed.name


def group_path(owner: str | None) -> str:
    """The path of a new group; `owner` is what of `records.owner` goes into marks."""
    return f"{GROUP_PATH}{owner}/" if owner else GROUP_PATH


def group_owner(path: str) -> tuple[bool, str | None]:
    """(made by this tool, by which owner) of a group, from its path."""
    found = re.fullmatch(r"/provision/(?:([a-z0-9]{1,8})/)?", path)
    return (found is not None, found[1] if found else None)


def run_policy(document: str, owner: str | None) -> str:
    """The name of a policy for runs. It says who made it and what is in it: with another text it is not ours."""
    return "run-" + hashlib.sha256(f"{owner or ''}\n{document}".encode()).hexdigest()[:32]


def run_path(owner: str | None) -> str:
    """Where they lie; `owner` is what of `records.owner` goes into marks."""
    return f"{RUN_PATH}{owner}/" if owner else RUN_PATH


def run_policy_arn(name: str, owner: str | None, partition: str, account: str) -> str:
    """The ARN of one of them."""
    return f"arn:{partition}:iam::{account}:policy{run_path(owner)}{name}"


def slug(name: str) -> str:
    """`name` as a mark's key: at most 63 of `[a-z0-9._-]`, beginning with a letter or digit."""
    return _SLUG.sub("-", name.lower()).lstrip("._-")[:63] or "x"


def fits_tag(value: str) -> bool:
    return _TAG_VALUE.fullmatch(value) is not None


def is_secret(place: str) -> bool:
    """Whether a credential can be delivered there: `secrets/NAME`."""
    return _SECRET.fullmatch(place) is not None


def role_of(login: str) -> str | None:
    """The name of the role that is an account under `login`; None where it is a user's."""
    return login.removeprefix(KEYLESS) if is_keyless(login) else None


def said(login: str) -> str:
    """An account in words: `IAM user ada`, `role Deploy`."""
    role = role_of(login)
    return f"IAM user {login}" if role is None else f"role {role}"
