"""What guards a repository, as compared attributes: from declared blocks, and which way a change of them goes.

Pure. An attribute that is absent is not managed. Lists are sorted and in lower case, because GitHub gives them in any
order and folds case; nobody and everybody are words, never an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provisioner.model.effect import Direction
from provisioner.providers.github import names

EVERYONE, NONE, NOBODY, ALL, PROTECTED = "everyone", "none", "nobody", "all", "protected"
_NOTHING: Mapping[str, Any] = {}


def branch(body: Mapping[str, Any]) -> dict[str, Any]:
    """Declared protection of a branch, as attributes."""
    out = {k: v for k, v in body.items() if v is not None and k not in ("checks", "push")}
    if body.get("checks") is not None:
        out["checks"] = sorted(set(body["checks"]))
    if body.get("push") is not None:
        out["push"] = body["push"] if isinstance(body["push"], str) else _folded(body["push"])
    return out


def environment(body: Mapping[str, Any]) -> dict[str, Any]:
    """A declared environment, as attributes."""
    out = {k: v for k, v in body.items() if v is not None and k not in ("reviewers", "branches")}
    reviewers, branches = body.get("reviewers"), body.get("branches")
    if reviewers is not None:
        out["reviewers"] = reviewers if isinstance(reviewers, str) else _folded(reviewers)
    if branches is not None:
        out["branches"] = branches if isinstance(branches, str) else sorted(set(branches))
    return out


def ruleset(body: Mapping[str, Any]) -> dict[str, Any]:
    """A declared ruleset, as attributes."""
    out: dict[str, Any] = {"enforcement": body.get("enforcement") or "active", "target": body.get("target") or "branch"}
    for key in ("include", "exclude"):
        if body.get(key) is not None:
            out[key] = sorted(set(body[key]))
    if body.get("rules") is not None:
        out["rules"] = {kind: dict(parameters or {}) for kind, parameters in body["rules"].items()}
    bypass = body.get("bypass")
    if bypass is not None:
        out["bypass"] = bypass if isinstance(bypass, str) else bypass_of(bypass)
    return out


def bypass_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Who may go round: `{teams: {slug: mode}, people: {login: mode}, organization_admins: mode}`, no empty ones."""
    out: dict[str, Any] = {}
    for kind in ("teams", "people"):
        if body.get(kind):
            out[kind] = {name.lower(): mode for name, mode in sorted(body[kind].items())}
    if body.get("organization_admins"):
        out["organization_admins"] = body["organization_admins"]
    return out


def _folded(who: Mapping[str, Any]) -> dict[str, list[str]]:
    return {kind: sorted({n.lower() for n in listed}) for kind, listed in sorted(who.items()) if listed}


def teams_in(slot: str, attributes: Mapping[str, Any]) -> set[str]:
    """The teams that a control names: they must be there, with their access, before it can name them."""
    key = {names.BRANCH: "push", names.ENVIRONMENT: "reviewers", names.RULESET: "bypass"}
    for prefix, attribute in key.items():
        value = attributes.get(attribute)
        if slot.startswith(prefix) and isinstance(value, Mapping):
            return set(value.get("teams") or ())
    return set()


# Which way a change goes

_STRICTER_WHEN_TRUE = (
    "administrators",
    "code_owners",
    "conversations",
    "dismiss_stale",
    "last_push_approval",
    "linear_history",
    "prevent_self_review",
    "strict_checks",
)
_LOOSER_WHEN_TRUE = ("deletions", "force_pushes")


def direction(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Direction:
    """A control that goes lets more in; one that comes lets fewer in; a changed one by what each part does."""
    if after is None:
        return Direction.WIDENS
    if before is None:
        return Direction.NARROWS
    found = {_part(k, before.get(k), after[k]) for k in after if before.get(k) != after[k]}
    found.discard(Direction.NEUTRAL)
    if not found:
        return Direction.NEUTRAL
    return found.pop() if len(found) == 1 else Direction.BOTH


def _part(key: str, was: Any, becomes: Any) -> Direction:
    judge = _JUDGES.get(key)
    return judge(was, becomes) if judge is not None else Direction.BOTH


def _stricter(was: Any, becomes: Any) -> Direction:
    return Direction.NARROWS if (becomes or 0) > (was or 0) else Direction.WIDENS


def _looser(was: Any, becomes: Any) -> Direction:
    return Direction.WIDENS if (becomes or 0) > (was or 0) else Direction.NARROWS


def _reviews(was: Any, becomes: Any) -> Direction:
    """None is no pull request at all; 0 is one that nobody has to approve."""
    return _stricter(-1 if was is None else was, becomes)


def _more_is_stricter(was: Any, becomes: Any) -> Direction:
    return _by_sets(set(was or ()), set(becomes or ()), grows=Direction.NARROWS)


def _more_is_looser(was: Any, becomes: Any) -> Direction:
    return _by_sets(set(was or ()), set(becomes or ()), grows=Direction.WIDENS)


def _by_sets(was: set[Any], becomes: set[Any], *, grows: Direction) -> Direction:
    shrinks = Direction.NARROWS if grows is Direction.WIDENS else Direction.WIDENS
    if was == becomes:
        return Direction.BOTH
    if was <= becomes:
        return grows
    return shrinks if becomes <= was else Direction.BOTH


def _who(open_word: str, closed_word: str | None = None) -> Callable[[Any, Any], Direction]:
    """For sets of people and teams where one word is everybody (and another nobody)."""

    def judge(was: Any, becomes: Any) -> Direction:
        if was == becomes:
            return Direction.NEUTRAL
        if becomes == open_word or was == closed_word:
            return Direction.WIDENS
        if was in (open_word, None) or becomes == closed_word:
            return Direction.NARROWS
        return _by_sets(_flat(was), _flat(becomes), grows=Direction.WIDENS)

    return judge


def _flat(who: Any) -> set[Any]:
    if not isinstance(who, Mapping):
        return {who} if isinstance(who, str) else set(who or ())
    flat: set[Any] = set()
    for kind, listed in who.items():
        if isinstance(listed, Mapping):
            flat |= {(kind, name, mode) for name, mode in listed.items()}
        else:
            flat |= {(kind, name) for name in ([listed] if isinstance(listed, str) else listed)}
    return flat


def _enforcement(was: Any, becomes: Any) -> Direction:
    return Direction.NARROWS if becomes == "active" else Direction.WIDENS if was == "active" else Direction.NEUTRAL


def _rules(was: Any, becomes: Any) -> Direction:
    was, becomes = was or _NOTHING, becomes or _NOTHING
    if any(was[k] != becomes[k] for k in was.keys() & becomes.keys()):
        return Direction.BOTH
    return _by_sets(set(was), set(becomes), grows=Direction.NARROWS)


_JUDGES: Mapping[str, Callable[[Any, Any], Direction]] = {
    **dict.fromkeys(_STRICTER_WHEN_TRUE, _stricter),
    **dict.fromkeys(_LOOSER_WHEN_TRUE, _looser),
    "reviews": _reviews,
    "wait_minutes": _stricter,
    "checks": _more_is_stricter,
    "include": _more_is_stricter,
    "exclude": _more_is_looser,
    "push": _who(EVERYONE),
    "reviewers": _who(NONE),
    "branches": _who(ALL),
    "bypass": _who("", NOBODY),
    "enforcement": _enforcement,
    "rules": _rules,
}


def shown(value: Any) -> str:
    """An attribute's value in a few words: `2`, `everyone`, `teams leads, people ada`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        parts = []
        for kind, listed in sorted(value.items()):
            if isinstance(listed, Mapping):
                inner = ", ".join(f"{n} ({m})" if isinstance(m, str) else n for n, m in sorted(listed.items()))
                parts.append(f"{kind} {inner}".strip())
            else:
                parts.append(f"{kind} {shown(listed)}")
        return "; ".join(parts) or "nothing"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(str(v) for v in value) or "none"
    return "none" if value is None else str(value)
