"""Who a context is open to, as one compared value: `everyone`, `admins`, or sorted groups, projects and expressions.

Pure. CircleCI says it by restrictions, where the absence of one opens or shuts; here it is always written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.effect import Direction

EVERYONE, ADMINS = "everyone", "admins"
CLASSES = ("groups", "projects", "expressions")
ALL = "~all"
"""The group of all members, where it stands beside others; no group can be called so."""
OpenTo = Any
"""`everyone`, `admins`, or {groups: [...], projects: [...], expressions: [...]} without empty ones. A live context that
no member but administrators may use in some projects has `groups: []`, and one with groups that count for nothing yet,
because all members come in, `groups: [..., ~all]`; files can say neither."""


def declared(value: Any) -> OpenTo:
    """From an access file."""
    if not isinstance(value, Mapping):
        return value
    folded = {"groups": _folded(value.get("groups")), "projects": _folded(value.get("projects"))}
    folded["expressions"] = sorted({" ".join(str(e).split()) for e in value.get("expressions") or ()})
    return {kind: listed for kind, listed in folded.items() if listed}


def _folded(listed: Iterable[str] | None) -> list[str]:
    return sorted({short(name) for name in listed or ()})


def short(name: str) -> str:
    """A project by its own name, in lower case: `gh/acme/site` is `site`."""
    return name.rpartition("/")[2].lower()


def live(groups: Iterable[str], everyone: bool, projects: Iterable[str], expressions: Iterable[str]) -> OpenTo:
    """From restrictions; `everyone` says whether the group of all members is among them."""
    named, where, rules = sorted(set(groups)), sorted(set(projects)), sorted(set(expressions))
    rest = {kind: listed for kind, listed in (("projects", where), ("expressions", rules)) if listed}
    if everyone:
        return {"groups": sorted({ALL, *named}), **rest} if named else rest or EVERYONE
    if not named and not rest:
        return ADMINS
    return {"groups": named, **rest}


def members(value: OpenTo) -> bool:
    """Whether any member may use it somewhere, so that anyone could extract its variables."""
    return value == EVERYONE or (isinstance(value, Mapping) and ALL in value.get("groups", (ALL,)))


def unconditional(value: OpenTo) -> bool:
    """Whether any member may use it anywhere."""
    return members(value) and all(limit is None for limit in _parts(value).values())


def direction(before: OpenTo | None, after: OpenTo | None) -> Direction:
    """A restriction that goes lets more in; one that comes lets fewer in."""
    if after is None or before is None:
        return Direction.NARROWS
    was, becomes = _parts(before), _parts(after)
    found = {_of_class(was[kind], becomes[kind]) for kind in CLASSES} - {Direction.NEUTRAL}
    if not found:
        return Direction.NEUTRAL
    return found.pop() if len(found) == 1 else Direction.BOTH


def _parts(value: OpenTo) -> dict[str, frozenset[str] | None]:
    """By class: who; None is no limit, an empty set administrators alone."""
    if value == EVERYONE:
        return dict.fromkeys(CLASSES)
    if value == ADMINS or not isinstance(value, Mapping):
        return {"groups": frozenset(), "projects": None, "expressions": None}
    found = {kind: frozenset(value[kind]) if kind in value else None for kind in CLASSES}
    return {**found, "groups": None} if ALL in (found["groups"] or ()) else found


def _of_class(was: frozenset[str] | None, becomes: frozenset[str] | None) -> Direction:
    if was == becomes:
        return Direction.NEUTRAL
    if was is None:
        return Direction.NARROWS
    if becomes is None:
        return Direction.WIDENS
    if was < becomes:
        return Direction.WIDENS
    return Direction.NARROWS if becomes < was else Direction.BOTH


def shown(value: OpenTo) -> str:
    """In a few words: `everyone`, `groups leads; projects site`."""
    if not isinstance(value, Mapping):
        return str(value)
    listed = {kind: ["all members" if n == ALL else n for n in value[kind]] for kind in CLASSES if kind in value}
    parts = [f"{kind} {', '.join(names) or 'none but administrators'}" for kind, names in listed.items()]
    return "; ".join(parts)
