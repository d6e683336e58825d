"""Branch protection, environments and rulesets: what GitHub answers -> attributes, and attributes -> what it takes.

Pure. GET and PUT of one thing have different shapes, and a PUT replaces the whole: whatever we do not manage is carried
over from what was just read, also what we do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.providers.github.controls import ALL, EVERYONE, NOBODY, NONE, PROTECTED

Row = Mapping[str, Any]
_SWITCHES = {
    "administrators": "enforce_admins",
    "force_pushes": "allow_force_pushes",
    "deletions": "allow_deletions",
    "linear_history": "required_linear_history",
    "conversations": "required_conversation_resolution",
}
_REVIEWS = {
    "code_owners": "require_code_owner_reviews",
    "dismiss_stale": "dismiss_stale_reviews",
    "last_push_approval": "require_last_push_approval",
}
_NOT_PUT = frozenset({"required_signatures"})
"""Has a call of its own, which a PUT leaves alone."""

_REQUIRED: Mapping[str, Row] = {
    "pull_request": {
        "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False,
        "require_last_push_approval": False,
        "required_approving_review_count": 0,
        "required_review_thread_resolution": False,
    },
    "required_status_checks": {"required_status_checks": [], "strict_required_status_checks_policy": False},
}
"""Parameters that GitHub insists on, as they are where nobody says otherwise. REST reference, "Create a ruleset"."""


def _row(value: Any) -> Row:
    return value if isinstance(value, Mapping) else {}


def _on(value: Any) -> bool:
    return bool(_row(value).get("enabled")) if isinstance(value, Mapping) else bool(value)


def _names(rows: Any, key: str) -> list[str]:
    listed = rows if isinstance(rows, list) else []
    return sorted(str(r[key]).lower() for r in listed if isinstance(r, Mapping) and r.get(key))


# Branch protection


def protection_attributes(row: Row) -> dict[str, Any]:
    """Of a GET of branch protection."""
    reviews, checks = _row(row.get("required_pull_request_reviews")), _row(row.get("required_status_checks"))
    out: dict[str, Any] = {ours: _on(row.get(theirs)) for ours, theirs in _SWITCHES.items()}
    out |= {ours: bool(reviews.get(theirs)) for ours, theirs in _REVIEWS.items()}
    out["reviews"] = int(reviews.get("required_approving_review_count") or 0) if reviews else None
    out["checks"] = sorted(_check_names(checks))
    out["strict_checks"] = bool(checks.get("strict"))
    restrictions = row.get("restrictions")
    out["push"] = EVERYONE if restrictions is None else _let_in(_row(restrictions))
    return out


def _let_in(row: Row) -> dict[str, list[str]]:
    found = {
        "apps": _names(row.get("apps"), "slug"),
        "people": _names(row.get("users"), "login"),
        "teams": _names(row.get("teams"), "slug"),
    }
    return {kind: listed for kind, listed in found.items() if listed}


def _check_names(checks: Row) -> set[str]:
    rows = checks.get("checks")
    named = {str(c["context"]) for c in rows if isinstance(c, Mapping)} if isinstance(rows, list) else set()
    contexts = checks.get("contexts")
    return named | {str(c) for c in contexts} if isinstance(contexts, list) else named


def protection_body(live: Row | None, after: Row) -> dict[str, Any]:
    """The PUT that makes what was read (`live`; None: no protection) into what `after` names."""
    before: Row = live or {}
    body: dict[str, Any] = {
        key: _on(value)
        for key, value in before.items()
        if isinstance(value, Mapping) and set(value) <= {"enabled", "url"} and key not in _NOT_PUT
    }
    body.setdefault("enforce_admins", False)
    for ours, theirs in _SWITCHES.items():
        if ours in after:
            body[theirs] = bool(after[ours])
    body["required_status_checks"] = _checks_body(before.get("required_status_checks"), after)
    body["required_pull_request_reviews"] = _reviews_body(before.get("required_pull_request_reviews"), after)
    body["restrictions"] = _restrictions_body(before.get("restrictions"), after)
    return body


def _checks_body(live: Any, after: Row) -> dict[str, Any] | None:
    if live is None and not after.get("checks") and not after.get("strict_checks"):
        return None
    before = _row(live)
    apps = {c["context"]: c.get("app_id") for c in before.get("checks") or () if isinstance(c, Mapping)}
    wanted = list(after["checks"]) if "checks" in after else sorted(_check_names(before))
    strict = bool(after.get("strict_checks", before.get("strict", False)))
    if not wanted and not strict:
        return None
    checks = [{"context": n, **({"app_id": apps[n]} if apps.get(n) is not None else {})} for n in wanted]
    return {"strict": strict, "contexts": wanted, "checks": checks}


def _reviews_body(live: Any, after: Row) -> dict[str, Any] | None:
    asked = any(after.get(key) for key in _REVIEWS) or after.get("reviews") is not None
    if live is None and not asked:
        return None
    before = _row(live)
    body: dict[str, Any] = {theirs: bool(after.get(ours, before.get(theirs))) for ours, theirs in _REVIEWS.items()}
    count = after.get("reviews", before.get("required_approving_review_count"))
    body["required_approving_review_count"] = int(count or 0)
    for key in ("dismissal_restrictions", "bypass_pull_request_allowances"):
        if isinstance(before.get(key), Mapping):
            body[key] = _logins_and_slugs(before[key])
    return body


def _restrictions_body(live: Any, after: Row) -> dict[str, list[str]] | None:
    push = after.get("push")
    if push is None:
        return None if live is None else _logins_and_slugs(_row(live))
    if push == EVERYONE:
        return None
    return {ours: list(push.get(theirs, ())) for ours, theirs in (("users", "people"), ("teams",) * 2, ("apps",) * 2)}


def _logins_and_slugs(row: Row) -> dict[str, list[str]]:
    return {
        "users": [r["login"] for r in row.get("users") or ()],
        "teams": [r["slug"] for r in row.get("teams") or ()],
        "apps": [r["slug"] for r in row.get("apps") or ()],
    }


# Environments


def environment_attributes(row: Row, patterns: list[str] | None) -> dict[str, Any]:
    """Of a GET of an environment; `patterns` where its branches are named by patterns."""
    rules = {r.get("type"): r for r in row.get("protection_rules") or () if isinstance(r, Mapping)}
    review = _row(rules.get("required_reviewers"))
    people: list[Row] = []
    teams: list[Row] = []
    for reviewer in review.get("reviewers") or ():
        who = _row(reviewer.get("reviewer"))
        (teams if reviewer.get("type") == "Team" else people).append(who)
    found = {"people": _names(people, "login"), "teams": _names(teams, "slug")}
    listed = {kind: names for kind, names in found.items() if names}
    return {
        "reviewers": listed or NONE,
        "wait_minutes": int(_row(rules.get("wait_timer")).get("wait_timer") or 0),
        "prevent_self_review": bool(review.get("prevent_self_review")),
        "branches": _branches(row.get("deployment_branch_policy"), patterns),
    }


def _branches(policy: Any, patterns: list[str] | None) -> Any:
    if not isinstance(policy, Mapping):
        return ALL
    return PROTECTED if policy.get("protected_branches") else sorted(patterns or ())


def environment_body(
    live: Row | None, after: Row, team_id: Callable[[str], int], user_id: Callable[[str], int]
) -> dict[str, Any]:
    """The PUT of an environment, whole: what is left out would be reset."""
    before = live or {}
    rules = {r.get("type"): r for r in before.get("protection_rules") or () if isinstance(r, Mapping)}
    review = _row(rules.get("required_reviewers"))
    body: dict[str, Any] = {
        "wait_timer": int(after.get("wait_minutes", _row(rules.get("wait_timer")).get("wait_timer") or 0)),
        "prevent_self_review": bool(after.get("prevent_self_review", review.get("prevent_self_review"))),
    }
    wanted = after.get("reviewers")
    if wanted is None:
        kept = [{"type": r["type"], "id": r["reviewer"]["id"]} for r in review.get("reviewers") or ()]
        body["reviewers"] = kept
    elif wanted == NONE:
        body["reviewers"] = []
    else:
        body["reviewers"] = [
            *({"type": "Team", "id": team_id(slug)} for slug in wanted.get("teams", ())),
            *({"type": "User", "id": user_id(login)} for login in wanted.get("people", ())),
        ]
    branches = after.get("branches")
    if branches is None:
        policy = before.get("deployment_branch_policy")
        body["deployment_branch_policy"] = (
            {k: bool(policy[k]) for k in ("protected_branches", "custom_branch_policies")}
            if isinstance(policy, Mapping)
            else None
        )
    elif branches == ALL:
        body["deployment_branch_policy"] = None
    else:
        protected = branches == PROTECTED
        body["deployment_branch_policy"] = {"protected_branches": protected, "custom_branch_policies": not protected}
    return body


# Rulesets


def ruleset_attributes(
    row: Row, declared: Row, team_slug: Callable[[int], str | None], login: Callable[[int], str | None]
) -> dict[str, Any]:
    """Of a GET of a ruleset. Of a rule's parameters only those that `declared` names are compared: GitHub adds the
    others. Without `bypass` where this credential is not shown it."""
    ref = _row(_row(row.get("conditions")).get("ref_name"))
    wanted = _row(declared.get("rules"))
    rules = {}
    for rule in row.get("rules") or ():
        kind, parameters = str(rule.get("type")), _row(rule.get("parameters"))
        named = _row(wanted.get(kind)) if kind in wanted else parameters
        rules[kind] = {k: parameters.get(k) for k in named}
    out: dict[str, Any] = {
        "enforcement": row.get("enforcement"),
        "target": row.get("target") or "branch",
        "include": sorted(ref.get("include") or ()),
        "exclude": sorted(ref.get("exclude") or ()),
        "rules": rules,
    }
    actors = row.get("bypass_actors")
    if isinstance(actors, list):
        out["bypass"] = _bypass(actors, team_slug, login) or NOBODY
    return out


def _bypass(
    actors: list[Row], team_slug: Callable[[int], str | None], login: Callable[[int], str | None]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for actor in actors:
        kind, native, mode = str(actor.get("actor_type")), actor.get("actor_id"), actor.get("bypass_mode")
        if kind == "OrganizationAdmin":
            found["organization_admins"] = mode
            continue
        name = None
        if isinstance(native, int) and kind in ("Team", "User"):
            name = team_slug(native) if kind == "Team" else login(native)
        if name is None:
            found.setdefault("others", {})[f"{kind} {native}" if native is not None else kind] = mode
        else:
            found.setdefault("teams" if kind == "Team" else "people", {})[name.lower()] = mode
    return {k: dict(sorted(v.items())) if isinstance(v, dict) else v for k, v in found.items()}


def ruleset_body(
    name: str, live: Row | None, after: Row, team_id: Callable[[str], int], user_id: Callable[[str], int]
) -> dict[str, Any]:
    """What a POST or PUT of a ruleset takes. What is not managed is carried over; `bypass_actors` that we are not shown
    are left out, which leaves them as they are."""
    before = live or {}
    body: dict[str, Any] = {
        "name": name,
        "target": after.get("target") or before.get("target") or "branch",
        "enforcement": after.get("enforcement") or before.get("enforcement") or "active",
    }
    ref = _row(_row(before.get("conditions")).get("ref_name"))
    conditions = dict(_row(before.get("conditions")))
    usual = ["~DEFAULT_BRANCH"] if live is None else []
    conditions["ref_name"] = {
        "include": list(after.get("include", ref.get("include") or usual)),
        "exclude": list(after.get("exclude", ref.get("exclude") or [])),
    }
    body["conditions"] = conditions
    if "rules" in after:
        known = {r.get("type"): _row(r.get("parameters")) for r in before.get("rules") or ()}
        body["rules"] = [_rule(kind, known.get(kind, {}), parameters) for kind, parameters in after["rules"].items()]
    elif live is not None:
        body["rules"] = list(before.get("rules") or ())
    if "bypass" in after:
        body["bypass_actors"] = _actors(after["bypass"], team_id, user_id)
    elif isinstance(before.get("bypass_actors"), list):
        body["bypass_actors"] = before["bypass_actors"]
    return body


def _rule(kind: str, known: Row, parameters: Row) -> dict[str, Any]:
    merged = {**_REQUIRED.get(kind, {}), **known, **parameters}
    return {"type": kind, "parameters": merged} if merged else {"type": kind}


def _actors(bypass: Any, team_id: Callable[[str], int], user_id: Callable[[str], int]) -> list[dict[str, Any]]:
    if bypass == NOBODY:
        return []
    actors: list[dict[str, Any]] = []
    if bypass.get("organization_admins"):
        actors.append({"actor_type": "OrganizationAdmin", "actor_id": 1, "bypass_mode": bypass["organization_admins"]})
    for slug, mode in bypass.get("teams", {}).items():
        actors.append({"actor_type": "Team", "actor_id": team_id(slug), "bypass_mode": mode})
    for login, mode in bypass.get("people", {}).items():
        actors.append({"actor_type": "User", "actor_id": user_id(login), "bypass_mode": mode})
    return actors
