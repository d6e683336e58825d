"""What the schema found wrong, told in our words, at the place in the file, with what to do about it.

pydantic says which rule a value broke and where in the data; nothing of its wording reaches a message.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from provisioner.diagnostics import Diagnostic
from provisioner.load.display import several, show
from provisioner.load.fields import PATTERN_WORDS
from provisioner.load.places import At
from provisioner.load.suggest import did_you_mean
from provisioner.model.block import Path

_SECRET = re.compile(r"(?i)password|passphrase|secret|token|private_key|api_key")
_EXPECTED = {
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "is_instance_of": "another kind of value",
    "frozen_set_type": "a list",
}
_REASONS = {
    "bad-time": ("a time is written as in RFC 3339, with its zone", "write it like 2027-01-31T17:00:00Z (Z is UTC)"),
    "time-without-zone": (
        "nobody should have to guess when access ends",
        "add the zone: Z for UTC, or an offset such as +01:00; a day ends at T23:59:59 of some zone",
    ),
    "bad-start": (
        "a grant that begins with the apply ends by its length, and every other one by a time",
        "write `from: merge` with `for: 4h`, or `from` and `until` as times",
    ),
    "bad-duration": ("a duration is a number and s, m, h, d or w", "write for example 4h, 7d or 2w"),
    "wrong-type": ("ids are text or whole numbers", "write the id, in quotes"),
}


class _Mistake(NamedTuple):
    path: Path
    labels: tuple[tuple[int, str], ...]
    error: ErrorDetails
    key_itself: bool


def mistakes(
    wrong: ValidationError, data: Any, at: At, model: type[BaseModel], what: str
) -> tuple[list[Diagnostic], list[Path]]:
    """The diagnostics, and the paths of the values to leave out so that the rest can still be checked.

    `what` names the thing that `data` is, such as "a person"; `at` places paths within `data`.
    """
    found = [_located(error, data) for error in wrong.errors(include_url=False)]
    found = [m for m in found if not _left_empty(m, at)]
    said: list[Diagnostic] = []
    drop: list[Path] = []
    for group in _branches(found):
        for mistake, expected in group:
            said.append(_tell(mistake, expected, at, model, what))
            if mistake.error["type"] != "missing":
                drop.append(mistake.path)
            elif mistake.path[:-1]:
                drop.append(mistake.path[:-1])
    return said, drop


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys that a mapping of `model` may have, as they are written."""
    return [info.alias or name for name, info in model.model_fields.items()]


def _left_empty(mistake: _Mistake, at: At) -> bool:
    """Whether a key is only missing because its value was left out, which has been told already."""
    if mistake.error["type"] != "missing":
        return False
    parent = at.source.below(at.base + mistake.path[:-1])
    return (id(parent), mistake.path[-1]) in at.source.read().empty


def _located(error: ErrorDetails, data: Any) -> _Mistake:
    """Sorts pydantic's `loc` into steps that exist in the data and names of the union's branches that were tried."""
    path: list[str | int] = []
    labels: list[tuple[int, str]] = []
    at, key_itself, loc = data, False, error["loc"]
    for index, step in enumerate(loc):
        last = index == len(loc) - 1
        is_entry = isinstance(at, list) and isinstance(step, int) and 0 <= step < len(at)
        if is_entry or (isinstance(at, dict) and step in at and not (last and step == "[key]")):
            path.append(step)
            at = at[step]
        elif last and step == "[key]":
            key_itself = True
        elif last and error["type"] == "missing":
            path.append(step)
        else:
            labels.append((len(path), str(step)))
    return _Mistake(tuple(path), tuple(labels), error, key_itself)


def _branches(found: list[_Mistake]) -> Iterator[list[tuple[_Mistake, str]]]:
    """Of a value that may be this or that, keeps the mistakes of the branch that it was meant to be."""
    unions: dict[tuple[Path, int], list[_Mistake]] = {}
    for mistake in found:
        if not mistake.labels:
            yield [(mistake, _expected(mistake.error))]
        else:
            depth = mistake.labels[0][0]
            unions.setdefault((mistake.path[:depth], depth), []).append(mistake)
    for (_, depth), tried in unions.items():
        by_branch: dict[str, list[_Mistake]] = {}
        for mistake in tried:
            by_branch.setdefault(mistake.labels[0][1], []).append(mistake)
        meant = [
            ms
            for ms in by_branch.values()
            if not any(len(m.path) == depth and m.error["type"] in _EXPECTED for m in ms)
        ]
        if meant:
            best = min(meant, key=len)
            yield [(m, _expected(m.error)) for m in best]
        else:
            choices = dict.fromkeys(_expected(m.error) for m in tried if len(m.path) == depth)
            yield [(tried[0], " or ".join(choices))]


def _expected(error: ErrorDetails) -> str:
    return _EXPECTED.get(error["type"], "")


def _tell(mistake: _Mistake, expected: str, at: At, model: type[BaseModel], what: str) -> Diagnostic:
    path, error = mistake.path, mistake.error
    kind = error["type"]
    name = next((str(s) for s in reversed(path) if isinstance(s, str)), "")
    if kind == "extra_forbidden":
        return _unknown_key(path, at, model, what)
    if kind == "missing":
        keys = _keys_at(model, path[:-1])
        return at.problem(
            "missing-key",
            f"{_holder(path[:-1], what)} has no {show(path[-1])}",
            path[:-1],
            why="the key is required",
            fix=f"add {show(str(path[-1]) + ':')}" + _meaning(keys.get(str(path[-1]))),
            on_key=True,
        )
    if mistake.key_itself:
        return at.problem(
            "bad-value",
            f"{show(path[-1])} cannot be a key of {show(_parent(path))}",
            path,
            why=_rule(error) or "a key must be a name",
            fix="write the name",
            on_key=True,
        )
    if expected:
        return _wrong_type(path, name, error["input"], expected, at)
    return _wrong_value(path, name, error, at)


def _wrong_value(path: Path, name: str, error: ErrorDetails, at: At) -> Diagnostic:
    """A value of the right type that cannot stand there."""
    kind, value = error["type"], error["input"]
    if kind == "string_pattern_mismatch":
        pattern = str(error.get("ctx", {}).get("pattern", ""))
        code, why = PATTERN_WORDS.get(pattern, ("bad-value", f"it must match the pattern {pattern}"))
        return at.problem(
            code, f"{show(value)} cannot be {_place(path, name)}", path, why=why, fix="write it in that form"
        )
    if kind in ("literal_error", "enum"):
        choices = str(error.get("ctx", {}).get("expected", "")).replace("'", "`")
        options = [c.strip(" `") for c in choices.replace(" or ", ", ").split(",")]
        return at.problem(
            "bad-choice",
            f"{_place(path, name)} cannot be {show(value)}",
            path,
            why=f"it is one of {choices}",
            fix=did_you_mean(str(value), options) or f"write {choices}",
        )
    if "-" in kind:
        why, fix = _REASONS.get(kind, ("", ""))
        return at.problem(
            kind, error["msg"], path, why=why or "the target does not take it", fix=fix or "mend the value"
        )
    if kind in ("too_short", "string_too_short") and not value:
        return at.problem(
            "empty-value",
            f"{_place(path, name)} is empty",
            path,
            why="it needs at least one entry" if isinstance(value, list) else "it needs a value",
            fix="write what is meant, or take the key out",
        )
    return at.problem(
        "bad-value",
        f"{show(value)} cannot be {_place(path, name)}",
        path,
        why=_rule(error),
        fix="write another value",
    )


def _rule(error: ErrorDetails) -> str:
    """The rule that a value broke: of a validator's own words, or of a limit."""
    context: Mapping[str, Any] = error.get("ctx", {})
    if "error" in context:
        return str(context["error"])
    names = {
        "ge": "at least",
        "gt": "more than",
        "le": "at most",
        "lt": "less than",
        "multiple_of": "a multiple of",
        "min_length": "at least this many long:",
        "max_length": "at most this many long:",
    }
    rules = [f"{words} {context[key]}" for key, words in names.items() if key in context]
    return "it must be " + " and ".join(rules) if rules else "the value does not fit"


def _wrong_type(path: Path, name: str, value: Any, expected: str, at: At) -> Diagnostic:
    place = _place(path, name)
    if isinstance(value, dict) and set(value) == {"env"}:
        return at.problem(
            "env-not-allowed",
            f"{place} cannot come from the environment",
            path,
            why="only secrets and what belongs to them may; everything else is reviewed as it is written",
            fix=f"write {expected} instead of `{{env: …}}`",
        )
    if expected == "a mapping" and path and _SECRET.search(str(path[-1])) and not isinstance(value, list):
        return at.problem(
            "wrong-type",
            f"{place} stands in the file, and must come from the environment",
            path,
            why="whoever can read the files, or their history, knows it from now on",
            fix=f"change it where it belongs, and write `{path[-1]}: {{env: NAME}}`",
        )
    if "text" in expected and isinstance(value, bool | int | float):
        kind = "true or false" if isinstance(value, bool) else "a number"
        return at.problem(
            "unquoted-value",
            f"{show(value)} is {kind} here, and {place} is {expected}",
            path,
            why="YAML reads what stands without quotes by how it looks",
            fix="put it in quotes",
        )
    fix = f"write {expected}"
    if expected == "a list":
        fix = (
            f"write [{value}]"
            if isinstance(value, str) and value.isprintable() and len(value) < 60
            else "write a list: `[one, another]`"
        )
    elif expected == "a mapping":
        fix = "write `key: value` lines under it, or {} for none"
    return at.problem(
        "wrong-type",
        f"{place} is {show(value)}, and must be {expected}",
        path,
        why="a value of another kind would have to be guessed at",
        fix=fix,
    )


def _unknown_key(path: Path, at: At, model: type[BaseModel], what: str) -> Diagnostic:
    key = str(path[-1])
    known = _keys_at(model, path[:-1])
    holder = _holder(path[:-1], what)
    return at.problem(
        "unknown-key",
        f"{holder} has no key {show(key)}",
        path,
        on_key=True,
        why=f"the keys here are {several(sorted(known))}" if known else "no other keys can stand here",
        fix=did_you_mean(key, known) or "take it out, or move it where it belongs",
    )


def _holder(path: Path, what: str) -> str:
    names = [str(s) for s in path if isinstance(s, str)]
    return show(names[-1]) if names else what


def _place(path: Path, name: str) -> str:
    return f"an entry of {show(name)}" if path and isinstance(path[-1], int) else show(name)


def _parent(path: Path) -> str:
    return next((str(s) for s in reversed(path[:-1]) if isinstance(s, str)), "this mapping")


def _meaning(annotation: Any) -> str:
    text = getattr(annotation, "description", None)
    return f" ({text})" if text else ""


def _keys_at(model: Any, path: Path) -> dict[str, Any]:
    """The keys that may stand at `path` within a mapping of `model`."""
    for step in (*path, None):
        model = _one_model(model, step)
        if model is None:
            return {}
        if step is None:
            break
        if isinstance(model, type) and issubclass(model, BaseModel):
            fields = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
            model = fields.get(str(step))
        else:
            arguments = get_args(model)
            model = arguments[-1] if arguments else None
    if isinstance(model, type) and issubclass(model, BaseModel):
        return {info.alias or name: info for name, info in model.model_fields.items()}
    return {}


def _one_model(annotation: Any, step: str | int | None) -> Any:
    """What of a union, or behind an annotation, can have an entry `step`."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        wanted = [_one_model(a, step) for a in get_args(annotation)]
        for option in wanted:
            if isinstance(option, type) and issubclass(option, BaseModel) and not isinstance(step, int):
                return option
        return next((o for o in wanted if get_origin(o) in (dict, list, tuple)), None)
    return annotation
