"""Rulesets of the embedded GitHub, of repositories and of organisations, and what of them counts for a branch.

Who passes a ruleset by is told only to callers who could change it: for others `bypass_actors` is absent from the
answer, which is not an empty list.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from provisioner.sandbox.github import auth
from provisioner.sandbox.github.answers import Refused, invalid, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply, unprocessable
from provisioner.sandbox.github.shapes import HTML, node_id, stamp
from provisioner.sandbox.github.things import Org, Repo, Ruleset

Json = dict[str, Any]
ORG_READ, ORG_WRITE = "organization_administration:read", "organization_administration:write"
READ, WRITE = "metadata:read", "administration:write"
ACTORS = ("Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey", "User")
MODES = ("always", "pull_request", "exempt")
METHODS = ["merge", "squash", "rebase"]
PLAIN = frozenset({"creation", "deletion", "required_linear_history", "required_signatures", "non_fast_forward"})
# What each rule must be told, and what it is taken to say where it is silent.
NEEDED: dict[str, tuple[str, ...]] = {
    "update": (),
    "required_deployments": ("required_deployment_environments",),
    "pull_request": ("dismiss_stale_reviews_on_push", "require_code_owner_review", "require_last_push_approval",
                     "required_approving_review_count", "required_review_thread_resolution"),
    "required_status_checks": ("required_status_checks", "strict_required_status_checks_policy"),
    "commit_message_pattern": ("operator", "pattern"),
    "commit_author_email_pattern": ("operator", "pattern"),
    "committer_email_pattern": ("operator", "pattern"),
    "branch_name_pattern": ("operator", "pattern"),
    "tag_name_pattern": ("operator", "pattern"),
    "merge_queue": ("check_response_timeout_minutes", "grouping_strategy", "max_entries_to_build",
                    "max_entries_to_merge", "merge_method", "min_entries_to_merge",
                    "min_entries_to_merge_wait_minutes"),
    "file_path_restriction": ("restricted_file_paths",),
    "max_file_path_length": ("max_file_path_length",),
    "file_extension_restriction": ("restricted_file_extensions",),
    "max_file_size": ("max_file_size",),
    "workflows": ("workflows",),
    "code_scanning": ("code_scanning_tools",),
}  # fmt: skip
SILENT: dict[str, Json] = {
    "pull_request": {"allowed_merge_methods": METHODS},
    "required_status_checks": {"do_not_enforce_on_create": False},
    "update": {"update_allows_fetch_and_merge": False},
}


# Reading what is sent


def _wrong(text: str) -> Refused:
    return invalid("RepositoryRuleset", "base", "custom", text)


def _bypass(call: Call, org: Org, given: list[Any]) -> list[Json]:
    found: list[Json] = []
    for one in given:
        kind = one.get("actor_type") if isinstance(one, dict) else None
        if kind not in ACTORS:
            raise unprocessable(f"{kind!r} is not a member of {list(ACTORS)}.", "bypass_actors/items/actor_type")
        mode = one.get("bypass_mode", "always")
        if mode not in MODES or (kind == "DeployKey" and mode == "pull_request"):
            raise unprocessable(f"{mode!r} is not a bypass mode of {kind}.", "bypass_actors/items/bypass_mode")
        number = one.get("actor_id")
        if kind == "OrganizationAdmin":
            number = 1 if number is None else number
        if not _is_one(call, org, kind, number):
            raise _wrong(f"Actor {kind} with id {number} does not exist")
        found.append({"actor_id": number, "actor_type": kind, "bypass_mode": mode})
    return found


def _is_one(call: Call, org: Org, kind: str, number: Any) -> bool:
    if kind == "Team":
        team = call.world.teams.get(number)
        return team is not None and team.org == org.id
    if kind == "User":
        return number in call.world.users
    if kind == "Integration":
        return number in call.realm.keys.apps
    if kind == "RepositoryRole":
        return number in range(1, 6) or number in org.repo_roles
    return number is None if kind == "DeployKey" else isinstance(number, int)


def _rules(given: list[Any]) -> list[Json]:
    found: list[Json] = []
    for one in given:
        kind = one.get("type") if isinstance(one, dict) else None
        if kind in PLAIN:
            found.append({"type": kind})
            continue
        if kind not in NEEDED:
            raise _wrong(f"Invalid rule '{kind}'")
        parameters = one.get("parameters") or {}
        missing = [name for name in NEEDED[kind] if name not in parameters]
        if missing:
            raise _wrong(f"Invalid rule '{kind}': missing {', '.join(missing)}")
        found.append({"type": kind, "parameters": {**SILENT.get(kind, {}), **parameters}})
    return found


def _read(call: Call, org: Org, one: Ruleset, targets: tuple[str, ...]) -> None:
    """Take over what the body has; what it leaves out stays."""
    name = call.given("name", str)
    target, enforcement = call.choice("target", targets), call.choice("enforcement", ("disabled", "active", "evaluate"))
    actors, rules = call.given("bypass_actors", list), call.given("rules", list)
    conditions = call.given("conditions", dict)
    bypass = None if actors is None else _bypass(call, org, actors)
    read = None if rules is None else _rules(rules)
    one.name, one.target, one.enforcement = name or one.name, target or one.target, enforcement or one.enforcement
    one.bypass_actors = one.bypass_actors if bypass is None else bypass
    one.rules = one.rules if read is None else read
    if conditions is not None:
        one.conditions = _filled(conditions)
    one.updated = call.world.now()


def _filled(conditions: Json) -> Json:
    """Lists that are not sent are empty ones."""
    both = ("ref_name", "repository_name")
    return {
        name: {"include": [], "exclude": [], **value} if name in both else value for name, value in conditions.items()
    }


def _new(call: Call, org: Org, owner: Org | Repo, targets: tuple[str, ...]) -> Ruleset:
    call.given("name", str, required=True), call.given("enforcement", str, required=True)
    now = call.world.now()
    one = Ruleset(call.world.new_id("ruleset"), owner, "", "branch", "active", now, now)
    _read(call, org, one, targets)
    held = owner.rulesets
    if any(other.name == one.name for other in held.values()):
        raise _wrong("Name must be unique")
    held[one.id] = one
    call.world.version += 1
    return one


# Writing it down


def sees_bypass(call: Call, one: Ruleset) -> bool:
    """Whether the caller could change the ruleset."""
    if isinstance(one.owner, Org):
        return auth.is_owner(call.caller, one.owner) and auth.has(call.caller, *ORG_WRITE.split(":"))
    if not isinstance(one.owner, Repo) or not auth.has(call.caller, *WRITE.split(":")):
        return False
    return call.caller.installation is not None or call.base_on(one.owner) == "admin"


def _short(call: Call, one: Ruleset) -> Json:
    repo = one.owner if isinstance(one.owner, Repo) else None
    org = call.world.orgs[repo.org] if repo else one.owner
    assert isinstance(org, Org)
    source = f"{org.login}/{repo.name}" if repo else org.login
    path = f"/repos/{source}" if repo else f"/orgs/{source}"
    page = f"{HTML}/{source}/rules/{one.id}" if repo else f"{HTML}/organizations/{source}/settings/rules/{one.id}"
    return {
        "id": one.id,
        "name": one.name,
        "target": one.target,
        "source_type": "Repository" if repo else "Organization",
        "source": source,
        "enforcement": one.enforcement,
        "node_id": node_id(one),
        "_links": {"self": {"href": f"{call.shapes.api}{path}/rulesets/{one.id}"}, "html": {"href": page}},
        "created_at": stamp(one.created),
        "updated_at": stamp(one.updated),
    }


def _full(call: Call, one: Ruleset) -> Json:
    found = {**_short(call, one), "rules": one.rules, "current_user_can_bypass": "never"}
    if one.conditions is not None:
        found["conditions"] = one.conditions
    return {**found, "bypass_actors": one.bypass_actors} if sees_bypass(call, one) else found


# Organisations


def _org(call: Call, login: str, needs: str) -> Org:
    return call.org(login, needs, owner=True)


def _one(held: dict[int, Ruleset], number: str) -> Ruleset:
    found = held.get(int(number)) if number.isdigit() else None
    if found is None:
        raise not_found()
    return found


ORG_TARGETS, REPO_TARGETS = ("branch", "tag", "push", "repository"), ("branch", "tag", "push")


@ROUTES.add("GET /orgs/{org}/rulesets")
def list_of_org(call: Call, org: str) -> Reply:
    found = _org(call, org, ORG_READ)
    return call.page(_targeted(call, list(found.rulesets.values())), lambda one: _short(call, one))


def _targeted(call: Call, found: list[Ruleset]) -> list[Ruleset]:
    wanted = [one for one in call.args.get("targets", "").split(",") if one]
    return [one for one in found if not wanted or one.target in wanted]


@ROUTES.add("POST /orgs/{org}/rulesets")
def create_in_org(call: Call, org: str) -> Reply:
    found = _org(call, org, ORG_WRITE)
    return 201, _full(call, _new(call, found, found, ORG_TARGETS))


@ROUTES.add("GET /orgs/{org}/rulesets/{ruleset_id}")
def get_of_org(call: Call, org: str, number: str) -> Reply:
    return 200, _full(call, _one(_org(call, org, ORG_READ).rulesets, number))


@ROUTES.add("PUT /orgs/{org}/rulesets/{ruleset_id}")
def update_in_org(call: Call, org: str, number: str) -> Reply:
    found = _org(call, org, ORG_WRITE)
    one = _one(found.rulesets, number)
    _read(call, found, one, ORG_TARGETS)
    call.world.version += 1
    return 200, _full(call, one)


@ROUTES.add("DELETE /orgs/{org}/rulesets/{ruleset_id}")
def delete_in_org(call: Call, org: str, number: str) -> Reply:
    found = _org(call, org, ORG_WRITE)
    del found.rulesets[_one(found.rulesets, number).id]
    call.world.version += 1
    return 204, None


# Repositories


def _all_of(call: Call, repo: Repo) -> dict[int, Ruleset]:
    """Its own, and with `includes_parents` (the default) those of the organisation that are about it."""
    above = call.world.orgs[repo.org].rulesets if call.args.get("includes_parents", "true") != "false" else {}
    return {**repo.rulesets, **{number: one for number, one in above.items() if about(call, one, repo)}}


@ROUTES.add("GET /repos/{owner}/{repo}/rulesets")
def list_of_repo(call: Call, owner: str, name: str) -> Reply:
    repo = call.repo(owner, name, READ)
    return call.page(_targeted(call, list(_all_of(call, repo).values())), lambda one: _short(call, one))


@ROUTES.add("POST /repos/{owner}/{repo}/rulesets")
def create_in_repo(call: Call, owner: str, name: str) -> Reply:
    repo = call.repo(owner, name, WRITE)
    return 201, _full(call, _new(call, call.world.orgs[repo.org], repo, REPO_TARGETS))


@ROUTES.add("GET /repos/{owner}/{repo}/rulesets/{ruleset_id}")
def get_of_repo(call: Call, owner: str, name: str, number: str) -> Reply:
    return 200, _full(call, _one(_all_of(call, call.repo(owner, name, READ)), number))


@ROUTES.add("PUT /repos/{owner}/{repo}/rulesets/{ruleset_id}")
def update_in_repo(call: Call, owner: str, name: str, number: str) -> Reply:
    repo = call.repo(owner, name, WRITE)
    one = _one(repo.rulesets, number)
    _read(call, call.world.orgs[repo.org], one, REPO_TARGETS)
    call.world.version += 1
    return 200, _full(call, one)


@ROUTES.add("DELETE /repos/{owner}/{repo}/rulesets/{ruleset_id}")
def delete_in_repo(call: Call, owner: str, name: str, number: str) -> Reply:
    repo = call.repo(owner, name, WRITE)
    del repo.rulesets[_one(repo.rulesets, number).id]
    call.world.version += 1
    return 204, None


# What counts for a branch


def _matches(patterns: list[str], names: tuple[str, ...], special: set[str]) -> bool:
    return any(pattern in special or any(fnmatchcase(name, pattern) for name in names) for pattern in patterns)


def about(call: Call, one: Ruleset, repo: Repo) -> bool:
    """Whether an organisation's ruleset is about a repository. By custom properties it never is: there are none."""
    conditions = one.conditions or {}
    if (ids := conditions.get("repository_id")) is not None:
        return repo.id in ids.get("repository_ids", [])
    named = conditions.get("repository_name")
    if named is None:
        return "repository_property" not in conditions
    names, every = (repo.name,), {"~ALL"}
    return _matches(named["include"], names, every) and not _matches(named["exclude"], names, every)


def _covers(one: Ruleset, repo: Repo, branch: str) -> bool:
    refs = (one.conditions or {}).get("ref_name")
    if one.target != "branch" or one.enforcement != "active" or refs is None:
        return False
    special = {"~ALL"} | ({"~DEFAULT_BRANCH"} if branch == repo.default_branch else set())
    names = (f"refs/heads/{branch}",)
    return _matches(refs["include"], names, special) and not _matches(refs["exclude"], names, special)


@ROUTES.add("GET /repos/{owner}/{repo}/rules/branches/{branch}")
def rules_of_branch(call: Call, owner: str, name: str, branch: str) -> Reply:
    """Every active rule, from both levels; the branch need not be there."""
    repo = call.repo(owner, name, READ)
    above = [one for one in call.world.orgs[repo.org].rulesets.values() if about(call, one, repo)]
    found: list[Json] = []
    for one in (*repo.rulesets.values(), *above):
        if _covers(one, repo, branch):
            short = _short(call, one)
            where = {
                "ruleset_source_type": short["source_type"],
                "ruleset_source": short["source"],
                "ruleset_id": one.id,
            }
            found += [{**rule, **where} for rule in one.rules]
    return call.page(found, lambda rule: rule)
