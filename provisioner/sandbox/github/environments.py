"""Deployment environments of the embedded GitHub: reviewers, wait timer, branch policy. And the check of CODEOWNERS.

A PUT sends the whole: what it leaves out is off afterwards.
"""

from __future__ import annotations

import re
from typing import Any

from provisioner.sandbox.github.answers import Refused, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply, unprocessable
from provisioner.sandbox.github.rights import base_of
from provisioner.sandbox.github.shapes import HTML, node_id, stamp
from provisioner.sandbox.github.things import ROLES, Environment, Repo

Json = dict[str, Any]
READ, WRITE = "actions:read", "administration:write"
AT = "/repos/{owner}/{repo}/environments"
ONE = f"{AT}/{{environment_name}}"
POLICIES = f"{ONE}/deployment-branch-policies"
MOST_REVIEWERS, LONGEST = 6, 43_200
CODEOWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")


def _one(repo: Repo, name: str) -> Environment:
    found = repo.environments.get(name.casefold())
    if found is None:
        raise not_found()
    return found


def _shape(call: Call, repo: Repo, one: Environment) -> Json:
    full = f"{call.world.orgs[repo.org].login}/{repo.name}"
    return {
        "id": one.id,
        "node_id": node_id(one),
        "name": one.name,
        "url": f"{call.shapes.api}/repos/{full}/environments/{one.name}",
        "html_url": f"{HTML}/{full}/deployments/activity_log?environments_filter={one.name}",
        "created_at": stamp(one.created),
        "updated_at": stamp(one.updated),
        "protection_rules": _rules(call, one),
        "deployment_branch_policy": one.branch_policy,
    }


def _rules(call: Call, one: Environment) -> list[Json]:
    found: list[Json] = []
    if one.wait_timer:
        found.append({**_rule(one, "wait_timer"), "wait_timer": one.wait_timer})
    if one.reviewers:
        reviewers = []
        for kind, number in one.reviewers:
            if kind == "User" and number in call.world.users:
                reviewers.append({"type": kind, "reviewer": call.shapes.user(call.world.users[number])})
            elif kind == "Team" and number in call.world.teams:
                reviewers.append({"type": kind, "reviewer": call.shapes.team(call.world.teams[number])})
        own = {"prevent_self_review": one.prevent_self_review, "reviewers": reviewers}
        found.append({**_rule(one, "required_reviewers"), **own})
    if one.branch_policy is not None:
        found.append(_rule(one, "branch_policy"))
    return found


def _rule(one: Environment, kind: str) -> Json:
    number = one.rule_ids.get(kind, 0)
    return {"id": number, "node_id": f"GA_{number}", "type": kind}


@ROUTES.add(f"GET {AT}")
def list_environments(call: Call, owner: str, name: str) -> Reply:
    repo = call.repo(owner, name, READ)
    found = list(repo.environments.values())
    _, page = call.page(found, lambda one: _shape(call, repo, one))
    return 200, {"total_count": len(found), "environments": page}


@ROUTES.add(f"GET {ONE}")
def get_environment(call: Call, owner: str, name: str, environment: str) -> Reply:
    repo = call.repo(owner, name, READ)
    return 200, _shape(call, repo, _one(repo, environment))


@ROUTES.add(f"PUT {ONE}")
def put_environment(call: Call, owner: str, name: str, environment: str) -> Reply:
    repo = call.repo(owner, name, WRITE)
    wait = call.given("wait_timer", int) or 0
    if not 0 <= wait <= LONGEST:
        raise Refused(422, "Validation Failed", ["Wait timer must be between 0 and 43200 minutes"])
    reviewers = _reviewers(call, repo, call.given("reviewers", list, nullable=True) or [])
    itself = bool(call.given("prevent_self_review", bool))
    policy = call.given("deployment_branch_policy", dict, nullable=True)
    if policy is not None:
        policy = {key: bool(policy.get(key)) for key in ("protected_branches", "custom_branch_policies")}
        if policy["protected_branches"] == policy["custom_branch_policies"]:
            text = "protected_branches and custom_branch_policies cannot have the same value"
            raise Refused(422, "Validation Failed", [text])
    now = call.world.now()
    one = repo.environments.get(environment.casefold())
    if one is None:
        one = Environment(call.world.new_id("environment"), repo.id, environment, now, now)
        repo.environments[environment.casefold()] = one
    if policy is None or not policy["custom_branch_policies"]:
        one.patterns.clear()
    one.wait_timer, one.reviewers, one.prevent_self_review = wait, reviewers, itself
    one.branch_policy, one.updated = policy, now
    for kind in ("wait_timer", "required_reviewers", "branch_policy"):
        one.rule_ids.setdefault(kind, call.world.new_id("rule"))
    call.world.version += 1
    return 200, _shape(call, repo, one)


def _reviewers(call: Call, repo: Repo, given: list[Any]) -> list[tuple[str, int]]:
    if len(given) > MOST_REVIEWERS:
        raise Refused(422, "Validation Failed", [f"Reviewers cannot exceed {MOST_REVIEWERS}"])
    found: list[tuple[str, int]] = []
    for one in given:
        kind, number = (one.get("type"), one.get("id")) if isinstance(one, dict) else (None, 0)
        number = number if isinstance(number, int) else 0
        if kind not in ("User", "Team"):
            raise unprocessable(f'{kind!r} is not a member of ["User", "Team"].', "reviewers/items/type")
        if kind == "User":
            reads = number in call.world.users and call.rights.role_on(repo, number) is not None
        else:
            team = call.world.teams.get(number)
            reads = team is not None and (not repo.private or repo.id in call.rights.team_repos(team))
        if not reads:
            raise Refused(422, "Validation Failed", [f"Reviewer {kind} {number} has no access to the repository"])
        found.append((kind, number))
    return found


@ROUTES.add(f"DELETE {ONE}")
def delete_environment(call: Call, owner: str, name: str, environment: str) -> Reply:
    repo = call.repo(owner, name, WRITE)
    del repo.environments[_one(repo, environment).name.casefold()]
    call.world.version += 1
    return 204, None


# Branch policies


def _policy(number: int, one: Json) -> Json:
    return {"id": number, "node_id": f"GP_{number}", **one}


@ROUTES.add(f"GET {POLICIES}")
def list_policies(call: Call, owner: str, name: str, environment: str) -> Reply:
    one = _one(call.repo(owner, name, READ), environment)
    _, page = call.page(list(one.patterns.items()), lambda pair: _policy(*pair))
    return 200, {"total_count": len(one.patterns), "branch_policies": page}


@ROUTES.add(f"POST {POLICIES}")
def add_policy(call: Call, owner: str, name: str, environment: str) -> Reply:
    """303 where the pattern is there already; 404 where the environment takes no patterns."""
    one = _one(call.repo(owner, name, WRITE), environment)
    pattern = call.given("name", str, required=True)
    kind = call.choice("type", ("branch", "tag")) or "branch"
    if one.branch_policy is None or not one.branch_policy["custom_branch_policies"]:
        raise not_found()
    if {"name": pattern, "type": kind} in one.patterns.values():
        return 303, None
    number = call.world.new_id("policy")
    one.patterns[number] = {"name": pattern, "type": kind}
    return 200, _policy(number, one.patterns[number])


def _pattern(one: Environment, number: str) -> int:
    if not number.isdigit() or int(number) not in one.patterns:
        raise not_found()
    return int(number)


@ROUTES.add(f"GET {POLICIES}/{{branch_policy_id}}")
def get_policy(call: Call, owner: str, name: str, environment: str, number: str) -> Reply:
    one = _one(call.repo(owner, name, READ), environment)
    return 200, _policy(_pattern(one, number), one.patterns[_pattern(one, number)])


@ROUTES.add(f"PUT {POLICIES}/{{branch_policy_id}}")
def update_policy(call: Call, owner: str, name: str, environment: str, number: str) -> Reply:
    one = _one(call.repo(owner, name, WRITE), environment)
    found = one.patterns[_pattern(one, number)]
    found["name"] = call.given("name", str, required=True)
    call.world.version += 1
    return 200, _policy(_pattern(one, number), found)


@ROUTES.add(f"DELETE {POLICIES}/{{branch_policy_id}}")
def delete_policy(call: Call, owner: str, name: str, environment: str, number: str) -> Reply:
    one = _one(call.repo(owner, name, WRITE), environment)
    del one.patterns[_pattern(one, number)]
    call.world.version += 1
    return 204, None


@ROUTES.add(f"GET {ONE}/deployment_protection_rules")
def list_custom_rules(call: Call, owner: str, name: str, environment: str) -> Reply:
    """Gates by Apps; the sandbox knows none."""
    _one(call.repo(owner, name, READ), environment)
    return 200, {"total_count": 0, "custom_deployment_protection_rules": []}


# CODEOWNERS


@ROUTES.add("GET /repos/{owner}/{repo}/codeowners/errors")
def codeowners_errors(call: Call, owner: str, name: str) -> Reply:
    """Owners of the file that are nobody here, or may not write: their lines count for nothing."""
    repo = call.repo(owner, name, "contents:read")
    path = next((path for path in CODEOWNERS if path in repo.files), None)
    if path is None:
        raise not_found()
    found: list[Json] = []
    for at, line in enumerate(repo.files[path].splitlines(), 1):
        for owned in re.finditer(r"(?<=\s)@[\w/.-]+", line.partition("#")[0]):
            if not _may_own(call, repo, owned[0]):
                message = (
                    f"Unknown owner on line {at}: make sure {owned[0]} exists and has write access to the repository"
                )
                found.append({"line": at, "column": owned.start() + 1, "source": line, "kind": "Unknown owner",
                              "suggestion": None, "message": message, "path": path})  # fmt: skip
    return 200, {"errors": found}


def _may_own(call: Call, repo: Repo, name: str) -> bool:
    org = call.world.orgs[repo.org]
    login, _, slug = name[1:].partition("/")
    if slug:
        team = call.world.team(org, slug) if login.casefold() == org.login.casefold() else None
        role = call.rights.team_repos(team).get(repo.id) if team and team.privacy == "closed" else None
    else:
        user = call.world.user(login)
        role = call.rights.role_on(repo, user.id) if user else None
    return role is not None and ROLES.index(base_of(org, role)) >= ROLES.index("write")
