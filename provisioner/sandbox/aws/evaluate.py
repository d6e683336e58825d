"""Reading IAM policy documents: is this action on this resource allowed, denied, or not mentioned?

Covers what policies for administering IAM use: (Not)Action, (Not)Resource, Principal and the common conditions.
It refuses to guess: an operator that it does not know is an error that names it, never a silent yes or no.
Reference: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from provisioner.sandbox.aws.world import Refused

Context = Mapping[str, Sequence[str]]


@lru_cache(maxsize=4096)
def _pattern(text: str, ignore_case: bool) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in text)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def like(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Match with `*` and `?`, the only wildcards of policies."""
    return _pattern(pattern, ignore_case).fullmatch(value) is not None


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _instant(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _same_text(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": _same_text,
    "StringLike": lambda value, wanted: like(wanted, value),
    "ArnEquals": lambda value, wanted: like(wanted, value),
    "ArnLike": lambda value, wanted: like(wanted, value),
    "Bool": _same_text,
    "NumericEquals": lambda value, wanted: float(value) == float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
    "DateLessThan": lambda value, wanted: _instant(value) < _instant(wanted),
    "DateLessThanEquals": lambda value, wanted: _instant(value) <= _instant(wanted),
    "DateGreaterThan": lambda value, wanted: _instant(value) > _instant(wanted),
    "DateGreaterThanEquals": lambda value, wanted: _instant(value) >= _instant(wanted),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def _condition_holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    values = context.get(key.lower())
    quantifier, _, name = operator.rpartition(":")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if name == "Null":
        return (values is None) == (wanted[0].lower() == "true")
    negated = name in _NEGATED
    test = _OPERATORS.get(_NEGATED.get(name, name))
    if test is None:
        raise Refused("NotImplemented", f"The sandbox does not evaluate the condition operator {operator}.", 501)
    if not values:
        return optional or negated or quantifier == "ForAllValues"
    hits = [any(test(value, one) for one in wanted) != negated for value in values]
    return any(hits) if quantifier == "ForAnyValue" else all(hits)


def _fill(text: str, context: Context) -> str:
    """Replace policy variables such as `${aws:username}`; one without a value never matches."""
    return re.sub(r"\$\{([^}]+)\}", lambda m: next(iter(context.get(m[1].lower(), ())), "\0"), text)


def _concerns(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    if "NotAction" in statement:
        if any(like(a, action, ignore_case=True) for a in _many(statement["NotAction"])):
            return False
    elif not any(like(a, action, ignore_case=True) for a in _many(statement.get("Action", []))):
        return False
    if "NotResource" in statement:
        if any(like(_fill(r, context), resource) for r in _many(statement["NotResource"])):
            return False
    elif "Resource" in statement and not any(like(_fill(r, context), resource) for r in _many(statement["Resource"])):
        return False
    return all(
        _condition_holds(operator, key, [_fill(str(w), context) for w in _many(wanted)], context)
        for operator, tests in statement.get("Condition", {}).items()
        for key, wanted in tests.items()
    )


def _names(statement: Mapping[str, Any], principals: Mapping[str, Iterable[str]]) -> bool:
    principal = statement.get("Principal")
    if principal is None:
        return False
    if principal == "*":
        return True
    return any(
        wanted == "*" or wanted in set(principals.get(kind, ()))
        for kind, listed in principal.items()
        for wanted in _many(listed)
    )


def decide(
    documents: Iterable[str],
    action: str,
    resource: str,
    context: Context,
    principals: Mapping[str, Iterable[str]] | None = None,
) -> bool | None:
    """True: allowed. False: explicitly denied, which beats every allow. None: no statement speaks of it.

    `principals` ({"AWS": [...], "Federated": [...]}) is who asks, for documents that name principals (trust policies);
    without it the documents are identity policies. `context` has lower-case condition keys.
    """
    allowed = None
    for document in documents:
        for statement in _many(json.loads(document).get("Statement", [])):
            if principals is not None and not _names(statement, principals):
                continue
            if not _concerns(statement, action, resource, context):
                continue
            if statement["Effect"] == "Deny":
                return False
            allowed = True
    return allowed
