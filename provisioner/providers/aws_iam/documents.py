"""Policy documents: ours, how strong somebody else's are, what they deny, and whom a trust policy names. Pure.

A document comes as botocore decodes it: a mapping with `Statement`, one or many. What we do not understand is carried
through unchanged, and never counted as harmless.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from provisioner.model.effect import Level
from provisioner.model.instant import Instant, format_instant, parse_instant

Document = Mapping[str, Any]

DENIES = "denies"
"""The strength of a document without a single Allow: taking it away gives."""
_VERSION = "2012-10-17"
_BEFORE, _CLOCK = "DateLessThan", "aws:CurrentTime"
_DENY_ALL: Document = {"Version": _VERSION, "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
_SID = re.compile(r"provision(?P<owner>[a-z0-9]{1,8})?")
# Leave to do one of these to others is leave to do everything.
_ESCALATES = (
    "iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy",
    "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreatePolicyVersion", "iam:PutGroupPolicy",
    "iam:PutRolePolicy", "iam:PutUserPolicy", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
)  # fmt: skip
_ADMIN_NAMES = frozenset({
    "AWSOrganizationsFullAccess", "AWSSSOMasterAccountAdministrator", "AWSSSOMemberAccountAdministrator",
    "AdministratorAccess", "IAMFullAccess",
})  # fmt: skip
# IAM User Guide, "AWS global condition context keys": properties of the principal, and of a role's session. Of a user
# they say something else than of a session of a role, or nothing.
_OF_CALLER = (
    "aws:principal", "aws:user", "aws:tokenissuetime", "aws:multifactorauth", "aws:sourceidentity", "aws:assumedroot",
    "aws:federatedprovider", "aws:chatbotsourcearn", "aws:ec2instancesource", "codebuild:buildarn",
    "codebuild:projectarn", "ec2:roledelivery", "ec2:sourceinstancearn", "glue:credentialissuingservice",
    "glue:roleassumedby", "identitystore:userid", "lambda:sourcefunctionarn", "ssm:sourceinstancearn",
)  # fmt: skip
_SAME_FOR_ALL = frozenset({"aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:useragent"})
_VARIABLE = re.compile(r"\$\{\s*([^,}]+?)\s*[,}]")
_DENYING_NAMES = ("AWSDenyAll", "AWSCompromisedKeyQuarantine")


def deny_all() -> str:
    return json.dumps(_DENY_ALL, separators=(",", ":"))


def is_deny_all(document: Document) -> bool:
    """Whether it has a statement that denies everything without a condition; then nothing else in it matters."""
    return any(
        s.get("Effect") == "Deny"
        and "*" in many(s.get("Action"))
        and "*" in many(s.get("Resource"))
        and not s.get("Condition")
        for s in statements(document)
    )


def assume(role_arn: str, owner: str | None, ends: str | None = None) -> str:
    """The inline policy that lets a user assume one role, until then if there is an end. The Sid names who wrote it."""
    statement: dict[str, Any] = {
        "Sid": "provision" + (owner or ""),
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Resource": role_arn,
    }
    if ends is not None:
        statement["Condition"] = {_BEFORE: {_CLOCK: ends}}
    return json.dumps({"Version": _VERSION, "Statement": [statement]}, separators=(",", ":"))


def ending(until: Instant) -> str:
    """The end as it stands in a condition: whole seconds, and never earlier."""
    whole = until.replace(microsecond=0)
    return format_instant(whole if whole == until else whole + timedelta(seconds=1))


class Assume(NamedTuple):
    """What a policy says that should let somebody assume a role: is it as we write it, does it carry our Sid, who wrote
    it, and when it ends by itself."""

    intact: bool
    ours: bool
    owner: str | None
    ends: Instant | None = None


def read_assume(document: Document, account: str, role: str) -> Assume:
    """A policy that should let somebody assume `role` of `account`."""
    found = list(statements(document))
    sid = next((m for s in found if (m := _SID.fullmatch(str(s.get("Sid", ""))))), None)
    owner = sid["owner"] if sid else None
    if len(found) != 1 or set(found[0]) - {"Sid", "Condition"} != {"Effect", "Action", "Resource"}:
        return Assume(False, sid is not None, owner)
    one = found[0]
    ends = _end(one["Condition"]) if "Condition" in one else None
    resource = many(one["Resource"])
    arn = rf"arn:aws[a-z-]*:iam::{account}:role/(?:[^*?]+/)?{re.escape(role)}"
    intact = (
        one["Effect"] == "Allow"
        and many(one["Action"]) == ["sts:AssumeRole"]
        and len(resource) == 1
        and re.fullmatch(arn, str(resource[0])) is not None
        and ("Condition" not in one or ends is not None)
    )
    return Assume(intact, sid is not None, owner, ends)


def _end(condition: Any) -> Instant | None:
    """The end that a condition is, if it is that alone."""
    before = condition.get(_BEFORE) if isinstance(condition, Mapping) and len(condition) == 1 else None
    times = many(before.get(_CLOCK)) if isinstance(before, Mapping) and len(before) == 1 else []
    try:
        return parse_instant(str(times[0])) if len(times) == 1 else None
    except ValueError:
        return None


def strength(document: Document) -> str:
    """`admin`, `elevated`, `ordinary`, or `denies`: how much an identity policy gives at its widest. Denies within a
    document that allows are not counted off."""
    found = {_strength(s) for s in statements(document) if s.get("Effect") != "Deny"}
    if not found:
        return DENIES
    return strongest(found).value


def strongest(levels: Iterable[Level]) -> Level:
    order = (Level.ORDINARY, Level.ELEVATED, Level.ADMIN)
    return max(levels, key=order.index, default=Level.ORDINARY)


def _strength(statement: Mapping[str, Any]) -> Level:
    resources = [str(r) for r in many(statement.get("Resource", "*"))]
    if "NotResource" not in statement and all("${aws:username}" in r for r in resources):
        return Level.ORDINARY  # self-service: only their own user
    wide = "NotResource" in statement or any(_is_wide(r) for r in resources)
    if "NotAction" in statement:
        kept = [str(a) for a in many(statement["NotAction"])]
        return Level.ELEVATED if any(_allows(a, "iam:PutUserPolicy") for a in kept) or not wide else Level.ADMIN
    actions = [str(a) for a in many(statement.get("Action", ()))]
    if any(_allows(a, danger) for a in actions for danger in _ESCALATES):
        return Level.ADMIN if wide else Level.ELEVATED
    if any(a == "*" or a.endswith(":*") or _allows(a, "iam:PassRole") for a in actions):
        return Level.ELEVATED if wide else Level.ORDINARY
    return Level.ORDINARY


def _is_wide(resource: str) -> bool:
    return resource == "*" or (resource.startswith("arn:") and resource.endswith((":*", "/*", "**")))


def _allows(pattern: str, action: str) -> bool:
    expression = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(expression, action, re.IGNORECASE) is not None


def strength_of_name(name: str) -> str:
    """What a managed policy's bare name tells where its document is not at hand. Of the account's own policies the name
    is only a hint, so `admin` in it counts as that."""
    if name.startswith(_DENYING_NAMES):
        return DENIES
    if name in _ADMIN_NAMES or ("admin" in name.lower() and "readonly" not in name.lower()):
        return Level.ADMIN.value
    if name.endswith("FullAccess") or "PowerUser" in name:
        return Level.ELEVATED.value
    return Level.ORDINARY.value


# For the session of a run


def unlabelled(document: Document) -> list[dict[str, Any]]:
    """Its statements without their Sids, which are labels and must be unique in a document."""
    return [{key: value for key, value in s.items() if key != "Sid"} for s in statements(document)]


def denials(document: Document) -> list[dict[str, Any]]:
    """Its Deny statements, likewise."""
    return [s for s in unlabelled(document) if s.get("Effect") == "Deny"]


def asks_who(part: Any) -> set[str]:
    """The condition keys and variables in a document, or a part of it, that tell who calls: a role's session has other
    values there than a user. What holds for everybody in the account alike is not among them."""
    found: set[str] = set()
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key == "Condition" and isinstance(value, Mapping):
                found.update(str(name) for test in value.values() if isinstance(test, Mapping) for name in test)
            found |= asks_who(value)
    elif isinstance(part, list | tuple):
        for one in part:
            found |= asks_who(one)
    elif isinstance(part, str):
        found.update(_VARIABLE.findall(part))
    return {key for key in found if key.lower().startswith(_OF_CALLER) and key.lower() not in _SAME_FOR_ALL}


def is_of_old_version(document: Document) -> bool:
    """Whether `${...}` in it is plain text, and would be a variable in a document of ours."""
    return document.get("Version") != _VERSION and "${" in json.dumps(document)


def compact(statements: Iterable[Mapping[str, Any]]) -> str:
    """A document of these statements, in as few characters as can be; the same text for the same statements."""
    return json.dumps({"Version": _VERSION, "Statement": list(statements)}, separators=(",", ":"), sort_keys=True)


# Trust policies


def trusted(document: Document) -> Iterator[str]:
    """The AWS principals that Allow statements of a trust policy name, each once."""
    seen: set[str] = set()
    for statement in statements(document):
        if statement.get("Effect") != "Allow":
            continue
        for name in _aws_principals(statement):
            if name not in seen:
                seen.add(name)
                yield name


def without(document: Document, gone: Callable[[str], bool]) -> dict[str, Any] | None:
    """The trust policy with those principals taken out of its Allow statements, or None where none is in it.

    A statement that named nobody else goes; all other statements and keys stay as they are. A trust policy must have a
    statement, so where the last one goes, one that denies everybody stands in its place.
    """
    result: dict[str, Any] = copy.deepcopy(dict(document))
    kept: list[Any] = []
    changed = False
    for statement in statements(result):
        names = _aws_principals(statement) if statement.get("Effect") == "Allow" else []
        stay = [n for n in names if not gone(n)]
        if len(stay) == len(names):
            kept.append(statement)
            continue
        changed = True
        principal = statement["Principal"]
        if stay:
            principal["AWS"] = stay if len(stay) > 1 or isinstance(principal["AWS"], list) else stay[0]
        else:
            del principal["AWS"]
        if principal:
            kept.append(statement)
    if not changed:
        return None
    result["Statement"] = kept or [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]
    return result


def _aws_principals(statement: Mapping[str, Any]) -> list[str]:
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping):
        return []
    return [str(n) for n in many(principal.get("AWS", ()))]


def statements(document: Document) -> Iterator[dict[str, Any]]:
    """Those that can be read as such."""
    return (s for s in many(document.get("Statement", ())) if isinstance(s, dict))


def many(value: Any) -> list[Any]:
    """What may stand alone or in a list, as a list."""
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
