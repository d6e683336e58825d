"""Who a context is open to, as one compared value: `everyone`, `admins`, or sorted groups, projects and expressions.

Pure. CircleCI says it by restrictions, where the absence of one opens or shuts; here it is always written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.effect import Direction

EVERYONE, ADMINS = "everyone", "admins"
CLASSES = ("groups", "projects", "expressions")
OpenTo = Any
"""`everyone`, `admins`, or {groups: [...], projects: [...], expressions: [...]} without empty ones. A live context that
no member but administrators may use in some projects has `groups: []`; files cannot say that."""


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
        return rest or EVERYONE
    if not named and not rest:
        return ADMINS
    return {"groups": named, **rest}


def members(value: OpenTo) -> bool:
    """Whether any member may use it somewhere, so that anyone could extract its variables."""
    return value == EVERYONE or (isinstance(value, Mapping) and "groups" not in value)


def unconditional(value: OpenTo) -> bool:
    """Whether any member may use it anywhere."""
    return bool(value == EVERYONE)


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
    return {kind: frozenset(value[kind]) if kind in value else None for kind in CLASSES}


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
    parts = [f"{kind} {', '.join(value[kind]) or 'none but administrators'}" for kind in CLASSES if kind in value]
    return "; ".join(parts)
