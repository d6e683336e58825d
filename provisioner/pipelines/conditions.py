"""Conditions of CI configuration, worked out as far as they can be: does a job certainly not run in a given case?

A condition is a small tree that both systems' languages are read into (`github_language`, `circleci_language`). Its
value is looked for in one case (this event, that branch) with everything else unknown; only a condition that is false
whatever the unknown may be keeps a job away. So nothing that is not understood ever counts as protection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum


class Unknown(Enum):
    """What cannot be told; and the name of the repository at hand, of which only that much is known."""

    UNKNOWN = "unknown"
    HERE = "here"


UNKNOWN = Unknown.UNKNOWN
HERE = Unknown.HERE


@dataclass(frozen=True, slots=True)
class Begins:
    """Some text that begins with `start`, and is equal to nothing that the configuration writes, nor begins with any
    longer text that it writes: any branch that nobody thought of."""

    start: str = ""


Value = str | bool | float | None | Begins | Unknown
Facts = Mapping[str, Value]
"""What is known in a case, by the lower-cased name of a variable (`github.ref`)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`op` is one of `literal`, `variable`, `call`, `and`, `or`, `not`, `==`, `!=`, or `unknown`."""

    op: str
    parts: tuple[Condition, ...] = ()
    value: Value = None
    name: str = ""


def literal(value: Value) -> Condition:
    return Condition("literal", value=value)


NOT_UNDERSTOOD = Condition("unknown")


def literals(condition: Condition) -> Iterator[str]:
    """Every text that the condition writes."""
    if isinstance(condition.value, str):
        yield condition.value
    for part in condition.parts:
        yield from literals(part)


def value_of(condition: Condition, facts: Facts) -> Value:
    """The value in this case, or UNKNOWN."""
    rule = _RULES.get(condition.op)
    return UNKNOWN if rule is None else rule(condition, facts)


def possible(condition: Condition, facts: Facts) -> set[Value]:
    """All values that it may have in this case; UNKNOWN among them where that cannot be told."""
    known = value_of(condition, facts)
    if known is not UNKNOWN:
        return {known}
    if condition.op == "or":
        left = {v for v in possible(condition.parts[0], facts) if truth(v) is not False}
        return left | possible(condition.parts[1], facts)
    if condition.op == "and":
        right = possible(condition.parts[1], facts)
        left = {False if v is UNKNOWN else v for v in possible(condition.parts[0], facts) if not truth(v)}
        return left | right
    if condition.op in ("==", "!=", "not"):
        return {True, False}
    return {UNKNOWN}


def is_certainly_false(condition: Condition | None, facts: Facts) -> bool:
    return condition is not None and truth(value_of(condition, facts)) is False


def truth(value: Value) -> bool | None:
    """Whether it counts as true; None where that cannot be told."""
    if value is UNKNOWN:
        return None
    if value is HERE or isinstance(value, Begins):
        return True
    return bool(value)


def _and(condition: Condition, facts: Facts) -> Value:
    left, right = (value_of(p, facts) for p in condition.parts)
    if truth(left) is False:
        return left
    if truth(left):
        return right
    return False if truth(right) is False else UNKNOWN


def _or(condition: Condition, facts: Facts) -> Value:
    left, right = (value_of(p, facts) for p in condition.parts)
    if truth(left):
        return left
    if truth(left) is False:
        return right
    return UNKNOWN


def _not(condition: Condition, facts: Facts) -> Value:
    known = truth(value_of(condition.parts[0], facts))
    return UNKNOWN if known is None else not known


def _equal(condition: Condition, facts: Facts) -> Value:
    left, right = (value_of(p, facts) for p in condition.parts)
    return _same(left, right)


def _unequal(condition: Condition, facts: Facts) -> Value:
    same = _equal(condition, facts)
    return UNKNOWN if same is UNKNOWN else not same


def _same(left: Value, right: Value) -> Value:
    if left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    if left is HERE or right is HERE:
        other = right if left is HERE else left
        return True if other is HERE else False if isinstance(other, Begins) else UNKNOWN
    if isinstance(left, Begins) or isinstance(right, Begins):
        return UNKNOWN if isinstance(left, Begins) and isinstance(right, Begins) else False
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    if type(left) is type(right):
        return left == right
    return UNKNOWN  # the systems convert one into the other, each in its own way


def _starts(text: Value, start: Value) -> Value:
    if not isinstance(start, str):
        return UNKNOWN
    if isinstance(text, Begins):
        return text.start.casefold().startswith(start.casefold())
    return text.casefold().startswith(start.casefold()) if isinstance(text, str) else UNKNOWN


def _call(condition: Condition, facts: Facts) -> Value:
    values = [value_of(p, facts) for p in condition.parts]
    if condition.name == "always":
        return True
    if condition.name == "startswith" and len(values) == 2:
        return _starts(values[0], values[1])
    if len(values) == 2 and isinstance(values[0], str) and isinstance(values[1], str):
        text, part = values[0].casefold(), values[1].casefold()
        if condition.name == "endswith":
            return text.endswith(part)
        if condition.name == "contains":
            return part in text
    return UNKNOWN


_RULES: dict[str, Callable[[Condition, Facts], Value]] = {
    "literal": lambda c, _: c.value,
    "variable": lambda c, facts: facts.get(c.name.casefold(), UNKNOWN),
    "and": _and,
    "or": _or,
    "not": _not,
    "==": _equal,
    "!=": _unequal,
    "call": _call,
}
