"""Whom a role of ours trusts: the claims of a CI's signed token, as a trust policy has them and as the files do. Pure.

One entry is one line, `ISSUER aud=AUDIENCE sub=SUBJECT`: exactly one repository and environment. There is no pattern in
what we write. What a live policy says beyond that is kept as its own text, so that it is shown and can be taken away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner.model.effect import Direction
from provisioner.providers.aws_iam.documents import Document, many, statements

GITHUB = "token.actions.githubusercontent.com"
"""The issuer of the tokens of GitHub Actions, without its `https://`."""
AUDIENCE = "sts.amazonaws.com"
TRUSTS = "trusts"
"""The attribute of the control."""
_ACTION = "sts:AssumeRoleWithWebIdentity"
_VERSION = "2012-10-17"
_OTHER = "other "
_SHUT = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
_LINE = re.compile(r"(?P<issuer>\S+) aud=(?P<audience>\S+) sub=(?P<subject>.+)", re.DOTALL)
# With the ids behind an @: the subject of repositories made or renamed since July 2026, and of those that chose it.
_REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+|[A-Za-z0-9-]+@[0-9]+/[A-Za-z0-9._-]+@[0-9]+")


def why_not_repository(text: Any) -> str | None:
    """Why `text` names no repository of GitHub as its tokens do, in words, or None."""
    if isinstance(text, str) and _REPOSITORY.fullmatch(text):
        return None
    return "a repository is `OWNER/NAME`, or `OWNER@ID/NAME@ID` where its tokens carry the ids"


def why_not_environment(text: Any) -> str | None:
    """Likewise for an environment."""
    if not isinstance(text, str) or not text.strip() or len(text) > 255:
        return "an environment of GitHub has a name of at most 255 characters"
    if any(c in text for c in "*?") or not text.isprintable():
        return "it is compared letter by letter: a pattern would be none"
    return None


def github(claims: Mapping[str, Any]) -> str:
    """The entry for a job of one repository in one environment."""
    # GitHub Docs, "OpenID Connect reference": a colon within a value is written %3A.
    environment = str(claims["environment"]).replace(":", "%3A")
    return f"{GITHUB} aud={AUDIENCE} sub=repo:{claims['repository']}:environment:{environment}"


def document(entries: Iterable[str], account: str, partition: str) -> dict[str, Any]:
    """The trust policy of exactly these entries; of none, one that lets nobody in."""
    found = [_statement(entry, account, partition) for entry in sorted(entries)]
    return {"Version": _VERSION, "Statement": found or [_SHUT]}


def _statement(entry: str, account: str, partition: str) -> dict[str, Any]:
    parts = _LINE.fullmatch(entry)
    if parts is None:
        raise ValueError(f"{entry} is not an entry that we write")
    issuer = parts["issuer"]
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn(issuer, account, partition)},
        "Action": _ACTION,
        "Condition": {"StringEquals": {f"{issuer}:aud": parts["audience"], f"{issuer}:sub": parts["subject"]}},
    }


def provider_arn(issuer: str, account: str, partition: str) -> str:
    """The OIDC provider of an account for an issuer."""
    return f"arn:{partition}:iam::{account}:oidc-provider/{issuer}"


def issuers(entries: Iterable[str]) -> set[str]:
    return {parts["issuer"] for entry in entries if (parts := _LINE.fullmatch(entry)) is not None}


def entries_of(policy: Document, account: str) -> list[str]:
    """What a trust policy says, entry by entry, in order; none where it lets nobody in."""
    found: set[str] = set()
    for statement in statements(policy):
        plain = {key: value for key, value in statement.items() if key != "Sid"}
        if plain != _SHUT:
            found.update(_read(plain, account) or [_OTHER + json.dumps(plain, sort_keys=True, separators=(",", ":"))])
    return sorted(found) if any("Deny" not in _effect(e) for e in found) else []


def _read(statement: Mapping[str, Any], account: str) -> list[str]:
    """Nothing where it is other than what we write."""
    principal, condition = statement.get("Principal"), statement.get("Condition")
    if set(statement) != {"Effect", "Principal", "Action", "Condition"} or statement["Effect"] != "Allow":
        return []
    if not isinstance(principal, Mapping) or set(principal) != {"Federated"} or not isinstance(condition, Mapping):
        return []
    federated, equals = many(principal["Federated"]), condition.get("StringEquals")
    if many(statement["Action"]) != [_ACTION] or len(federated) != 1 or set(condition) != {"StringEquals"}:
        return []
    found = re.fullmatch(rf"arn:aws[a-z-]*:iam::{account}:oidc-provider/(\S+)", str(federated[0]))
    if found is None or not isinstance(equals, Mapping):
        return []
    issuer = found[1]
    claims = {str(key).lower(): many(value) for key, value in equals.items()}
    audiences, subjects = claims.get(f"{issuer}:aud".lower(), []), claims.get(f"{issuer}:sub".lower(), [])
    if len(claims) != 2 or not audiences or not subjects:
        return []
    return [f"{issuer} aud={audience} sub={subject}" for audience in audiences for subject in subjects]


def _effect(entry: str) -> str:
    return str(json.loads(entry.removeprefix(_OTHER)).get("Effect")) if entry.startswith(_OTHER) else "Allow"


def direction(before: Iterable[str], after: Iterable[str]) -> Direction:
    """Whether more is trusted afterwards, or less. A statement that denies counts as both, whichever way it goes."""
    was, becomes = set(before), set(after)
    if any(_effect(entry) == "Deny" for entry in was ^ becomes):
        return Direction.BOTH
    more, less = bool(becomes - was), bool(was - becomes)
    if more and less:
        return Direction.BOTH
    return Direction.WIDENS if more else Direction.NARROWS if less else Direction.NEUTRAL


def told(entries: Iterable[str]) -> Iterator[str]:
    """Each entry in words."""
    for entry in entries:
        parts = _LINE.fullmatch(entry) if not entry.startswith(_OTHER) else None
        subject = re.fullmatch(r"repo:([^:]+):environment:(.+)", parts["subject"]) if parts is not None else None
        if subject is not None and parts is not None and parts["issuer"] == GITHUB and parts["audience"] == AUDIENCE:
            yield f"GitHub Actions of {subject[1]}, environment {subject[2].replace('%3A', ':')}"
        else:
            yield entry
