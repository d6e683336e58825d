"""GraphQL: what guards a repository. Branch protection by pattern, rulesets, environments."""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github import auth
from provisioner.sandbox.github.call import Call
from provisioner.sandbox.github.query.pages import connect
from provisioner.sandbox.github.query.repos import administers
from provisioner.sandbox.github.query.resolve import field, forbidden
from provisioner.sandbox.github.rulesets import about, sees_bypass
from provisioner.sandbox.github.shapes import node_id
from provisioner.sandbox.github.things import Environment, Org, Protection, Repo, Ruleset

Json = dict[str, Any]

# Classic protection


@field("Repository.branchProtectionRules")
def protections(thing: Repo, call: Call, **args: Any) -> Json:
    if not administers(call, thing):
        raise forbidden(call)
    return connect(list(thing.protections.values()), args, lambda one: one.id)


@field("BranchProtectionRule.repository")
def protected_repo(thing: Protection, call: Call) -> Repo:
    return call.world.repos[thing.repo]


_FLAGS = {
    "allowsDeletions": "allow_deletions",
    "allowsForcePushes": "allow_force_pushes",
    "blocksCreations": "block_creations",
    "isAdminEnforced": "enforce_admins",
    "lockAllowsFetchAndMerge": "allow_fork_syncing",
    "lockBranch": "lock_branch",
    "requiresCommitSignatures": "required_signatures",
    "requiresLinearHistory": "required_linear_history",
    "requiresConversationResolution": "required_conversation_resolution",
}
_OF_REVIEWS = {
    "dismissesStaleReviews": "dismiss_stale_reviews",
    "requireLastPushApproval": "require_last_push_approval",
    "requiresCodeOwnerReviews": "require_code_owner_reviews",
}


def _flag(name: str, key: str) -> None:
    field(f"BranchProtectionRule.{name}")(lambda thing, call: bool(thing.rules[key]))


def _of_reviews(name: str, key: str) -> None:
    field(f"BranchProtectionRule.{name}")(lambda thing, call: bool((_reviews(thing) or {}).get(key)))


for _name, _key in _FLAGS.items():
    _flag(_name, _key)
for _name, _key in _OF_REVIEWS.items():
    _of_reviews(_name, _key)


def _reviews(thing: Protection) -> Json | None:
    found: Json | None = thing.rules["required_pull_request_reviews"]
    return found


def _checks(thing: Protection) -> Json | None:
    found: Json | None = thing.rules["required_status_checks"]
    return found


@field("BranchProtectionRule.requiresApprovingReviews")
def requires_reviews(thing: Protection, call: Call) -> bool:
    return _reviews(thing) is not None


@field("BranchProtectionRule.requiredApprovingReviewCount")
def review_count(thing: Protection, call: Call) -> int | None:
    reviews = _reviews(thing)
    return reviews["required_approving_review_count"] if reviews else None


@field("BranchProtectionRule.requiresStatusChecks")
def requires_checks(thing: Protection, call: Call) -> bool:
    return _checks(thing) is not None


@field("BranchProtectionRule.requiresStrictStatusChecks")
def strict_checks(thing: Protection, call: Call) -> bool:
    return bool((_checks(thing) or {}).get("strict"))


@field("BranchProtectionRule.requiredStatusCheckContexts")
def check_contexts(thing: Protection, call: Call) -> list[str]:
    return [one["context"] for one in (_checks(thing) or {}).get("checks", [])]


@field("BranchProtectionRule.requiresDeployments")
def requires_deployments(thing: Protection, call: Call) -> bool:
    return False


@field("BranchProtectionRule.requiredDeploymentEnvironments")
def deployment_environments(thing: Protection, call: Call) -> list[str]:
    return []


@field("BranchProtectionRule.restrictsPushes")
def restricts_pushes(thing: Protection, call: Call) -> bool:
    return thing.rules["restrictions"] is not None


@field("BranchProtectionRule.restrictsReviewDismissals")
def restricts_dismissals(thing: Protection, call: Call) -> bool:
    return (_reviews(thing) or {}).get("dismissal_restrictions") is not None


def actors(call: Call, named: Json | None) -> list[Any]:
    """The users, teams and Apps that some actors mean."""
    if named is None:
        return []
    users = [call.world.users[number] for number in named["users"] if number in call.world.users]
    teams = [call.world.teams[number] for number in named["teams"] if number in call.world.teams]
    apps = [call.realm.keys.apps[number] for number in named["apps"] if number in call.realm.keys.apps]
    return [*users, *teams, *apps]


def _allowances(thing: Protection, call: Call, named: Json | None, kind: str, args: Json) -> Json:
    found = [
        {"__typename": kind, "id": f"{kind}_{thing.id}_{one.id}", "actor": one, "branchProtectionRule": thing}
        for one in actors(call, named)
    ]
    return connect(found, args, lambda one: one["id"])


@field("BranchProtectionRule.pushAllowances")
def push_allowances(thing: Protection, call: Call, **args: Any) -> Json:
    return _allowances(thing, call, thing.rules["restrictions"], "PushAllowance", args)


@field("BranchProtectionRule.bypassPullRequestAllowances")
def bypass_allowances(thing: Protection, call: Call, **args: Any) -> Json:
    named = (_reviews(thing) or {}).get("bypass_pull_request_allowances")
    return _allowances(thing, call, named, "BypassPullRequestAllowance", args)


@field("BranchProtectionRule.bypassForcePushAllowances")
def force_push_allowances(thing: Protection, call: Call, **args: Any) -> Json:
    return _allowances(thing, call, None, "BypassForcePushAllowance", args)


@field("BranchProtectionRule.reviewDismissalAllowances")
def dismissal_allowances(thing: Protection, call: Call, **args: Any) -> Json:
    named = (_reviews(thing) or {}).get("dismissal_restrictions")
    return _allowances(thing, call, named, "ReviewDismissalAllowance", args)


# Rulesets


def _rulesets(call: Call, found: list[Ruleset], args: Json) -> Json:
    if args.get("targets"):
        found = [one for one in found if one.target.upper() in args["targets"]]
    return connect(found, args, lambda one: one.id)


def _of_repo(call: Call, repo: Repo, parents: bool) -> list[Ruleset]:
    above = call.world.orgs[repo.org].rulesets.values() if parents else ()
    return [*repo.rulesets.values(), *(one for one in above if about(call, one, repo))]


@field("Organization.rulesets")
def org_rulesets(thing: Org, call: Call, *, includeParents: bool = True, **args: Any) -> Json:  # noqa: N803
    if not (auth.is_owner(call.caller, thing) and auth.has(call.caller, "organization_administration", "read")):
        raise forbidden(call)
    return _rulesets(call, list(thing.rulesets.values()), args)


@field("Organization.ruleset")
def org_ruleset(thing: Org, call: Call, databaseId: int, includeParents: bool = True) -> Ruleset | None:  # noqa: N803
    if not (auth.is_owner(call.caller, thing) and auth.has(call.caller, "organization_administration", "read")):
        raise forbidden(call)
    return thing.rulesets.get(databaseId)


@field("Repository.rulesets")
def repo_rulesets(thing: Repo, call: Call, *, includeParents: bool = True, **args: Any) -> Json:  # noqa: N803
    return _rulesets(call, _of_repo(call, thing, includeParents), args)


@field("Repository.ruleset")
def repo_ruleset(thing: Repo, call: Call, databaseId: int, includeParents: bool = True) -> Ruleset | None:  # noqa: N803
    return next((one for one in _of_repo(call, thing, includeParents) if one.id == databaseId), None)


@field("RepositoryRuleset.source")
def source(thing: Ruleset, call: Call) -> Any:
    return thing.owner


@field("RepositoryRuleset.enforcement")
def enforcement(thing: Ruleset, call: Call) -> str:
    return thing.enforcement.upper()


@field("RepositoryRuleset.target")
def target(thing: Ruleset, call: Call) -> str:
    return thing.target.upper()


@field("RepositoryRuleset.conditions")
def conditions(thing: Ruleset, call: Call) -> Json:
    found = thing.conditions or {}
    name, names, ids = found.get("ref_name"), found.get("repository_name"), found.get("repository_id")
    repos = [call.world.repos[number] for number in (ids or {}).get("repository_ids", []) if number in call.world.repos]
    return {
        "refName": name,
        "repositoryName": {"protected": False, **names} if names else None,
        "repositoryId": {"repositoryIds": [node_id(repo) for repo in repos]} if ids else None,
    }


@field("RepositoryRuleset.bypassActors")
def bypass_actors(thing: Ruleset, call: Call, **args: Any) -> Json | None:
    if not sees_bypass(call, thing):
        return None
    found = [_bypass(thing, call, at, one) for at, one in enumerate(thing.bypass_actors)]
    return connect(found, args, lambda one: one["at"])


def _bypass(thing: Ruleset, call: Call, at: int, one: Json) -> Json:
    """GraphQL knows no `exempt` and no users: such an actor shows without its mode, or without itself."""
    kind, number = one["actor_type"], one.get("actor_id")
    holder = {"Team": call.world.teams, "Integration": call.realm.keys.apps}.get(kind, {})
    role = number if kind == "RepositoryRole" else None
    mode = one["bypass_mode"].upper()
    org = thing.owner if isinstance(thing.owner, Org) else None
    if isinstance(thing.owner, Repo):
        org = call.world.orgs[thing.owner.org]
    return {
        "__typename": "RepositoryRulesetBypassActor",
        "at": at,
        "id": f"RRBA_{thing.id}_{at}",
        "actor": holder.get(number),  # type: ignore[attr-defined]
        "bypassMode": mode if mode in ("ALWAYS", "PULL_REQUEST") else None,
        "deployKey": kind == "DeployKey",
        "enterpriseOwner": kind == "EnterpriseOwner",
        "organizationAdmin": kind == "OrganizationAdmin",
        "repositoryRoleDatabaseId": role,
        "repositoryRoleName": role_name(org, role) if role and org else None,
        "repositoryRuleset": thing,
    }


def role_name(org: Org, number: int) -> str | None:
    """Built-in roles have small numbers; custom ones their own."""
    built_in = {1: "read", 2: "maintain", 3: "triage", 4: "write", 5: "admin"}
    custom = org.repo_roles.get(number)
    return built_in.get(number) or (custom.name if custom else None)


@field("RepositoryRuleset.rules")
def rules(thing: Ruleset, call: Call, **args: Any) -> Json:
    found = [
        {
            "__typename": "RepositoryRule",
            "at": at,
            "id": f"RRR_{thing.id}_{at}",
            "type": one["type"].upper(),
            "parameters": _parameters(one),
            "repositoryRuleset": thing,
        }
        for at, one in enumerate(thing.rules)
    ]
    if args.get("type"):
        found = [one for one in found if one["type"] == args["type"]]
    return connect(found, args, lambda one: one["at"])


_PARAMETERS = {
    "pull_request": (
        "PullRequestParameters",
        {
            "allowed_merge_methods": "allowedMergeMethods",
            "dismiss_stale_reviews_on_push": "dismissStaleReviewsOnPush",
            "require_code_owner_review": "requireCodeOwnerReview",
            "require_last_push_approval": "requireLastPushApproval",
            "required_approving_review_count": "requiredApprovingReviewCount",
            "required_review_thread_resolution": "requiredReviewThreadResolution",
        },
    ),
    "required_deployments": (
        "RequiredDeploymentsParameters",
        {"required_deployment_environments": "requiredDeploymentEnvironments"},
    ),
    "update": ("UpdateParameters", {"update_allows_fetch_and_merge": "updateAllowsFetchAndMerge"}),
}


def _parameters(rule: Json) -> Json | None:
    given = rule.get("parameters")
    if given is None:
        return None
    if rule["type"] == "required_status_checks":
        checks = [
            {"context": one["context"], "integrationId": one.get("integration_id")}
            for one in given["required_status_checks"]
        ]
        return {
            "__typename": "RequiredStatusChecksParameters",
            "doNotEnforceOnCreate": given.get("do_not_enforce_on_create", False),
            "requiredStatusChecks": checks,
            "strictRequiredStatusChecksPolicy": given["strict_required_status_checks_policy"],
        }
    if rule["type"] not in _PARAMETERS:
        return None
    kind, names = _PARAMETERS[rule["type"]]
    return {"__typename": kind, **{names[name]: value for name, value in given.items() if name in names}}


# Environments


@field("Repository.environments")
def environments(thing: Repo, call: Call, **args: Any) -> Json:
    found = [one for one in thing.environments.values() if not args.get("names") or one.name in args["names"]]
    down = (args.get("orderBy") or {}).get("direction") == "DESC"
    return connect(found, args, lambda one: (one.name, one.id), down=down)


@field("Repository.environment")
def environment(thing: Repo, call: Call, name: str) -> Environment | None:
    return thing.environments.get(name.casefold())


@field("Environment.protectionRules")
def protection_rules(thing: Environment, call: Call, **args: Any) -> Json:
    found: list[Json] = []
    if thing.wait_timer:
        found.append(_rule(thing, "wait_timer", []))
    if thing.reviewers:
        found.append(_rule(thing, "required_reviewers", reviewers(thing, call)))
    if thing.branch_policy is not None:
        found.append(_rule(thing, "branch_policy", []))
    return connect(found, args, lambda one: one["databaseId"])


def _rule(thing: Environment, kind: str, who: list[Any]) -> Json:
    own = kind == "required_reviewers"
    return {
        "databaseId": thing.rule_ids.get(kind, 0),
        "type": kind.upper(),
        "timeout": thing.wait_timer if kind == "wait_timer" else 0,
        "preventSelfReview": thing.prevent_self_review if own else None,
        "reviewers": lambda info, **args: connect(who, args, lambda one: one.id),
    }


def reviewers(thing: Environment, call: Call) -> list[Any]:
    """The users and teams that may let a deployment go on."""
    found: list[Any] = []
    for kind, number in thing.reviewers:
        holder: Any = call.world.users if kind == "User" else call.world.teams
        if number in holder:
            found.append(holder[number])
    return found
