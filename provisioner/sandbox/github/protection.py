"""Classic branch protection of the embedded GitHub.

What PUT takes (logins, slugs, booleans, null for off) and what GET gives (objects, `{"enabled": true}`) are two forms
of one thing, as on GitHub. A PUT replaces the whole: what it leaves out is off afterwards. A pattern with wildcards is
made by seeding alone; GET of a branch that it matches shows it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from provisioner.sandbox.github.answers import Refused, invalid, not_found
from provisioner.sandbox.github.apps import app_shape
from provisioner.sandbox.github.call import ROUTES, Call, Reply, unprocessable
from provisioner.sandbox.github.rights import base_of
from provisioner.sandbox.github.things import ROLES, Protection, Repo
from provisioner.sandbox.github.world import World

Json = dict[str, Any]
READ, WRITE = "administration:read", "administration:write"
KINDS = ("users", "teams", "apps")
FLAGS = ("required_linear_history", "allow_force_pushes", "allow_deletions", "block_creations",
         "required_conversation_resolution", "lock_branch", "allow_fork_syncing")  # fmt: skip
MATTERS = ("required_status_checks", "enforce_admins", "required_pull_request_reviews", "restrictions")
AT = "/repos/{owner}/{repo}/branches/{branch}/protection"


def nobody() -> dict[str, list[int]]:
    return {kind: [] for kind in KINDS}


def off() -> Json:
    """The rules of a branch that is protected by nothing in particular."""
    found: Json = {"required_status_checks": None, "required_pull_request_reviews": None, "restrictions": None}
    return found | dict.fromkeys((*FLAGS, "enforce_admins", "required_signatures"), False)


def protect(world: World, repo: Repo, pattern: str, **rules: Any) -> Protection:
    """Protect the branches of a pattern, wildcards too, as the web page does. `rules` are in the inner form."""
    one = Protection(world.new_id("protection"), repo.id, pattern, off() | rules)
    repo.protections[pattern] = one
    return one


def protection_of(repo: Repo, branch: str) -> Protection | None:
    """What protects a branch: its own rules, or those of the first pattern that matches."""
    own = repo.protections.get(branch)
    return own or next((p for pattern, p in repo.protections.items() if fnmatchcase(branch, pattern)), None)


def _repo(call: Call, owner: str, name: str, branch: str, needs: str) -> Repo:
    repo = call.repo(owner, name, needs)
    if branch not in repo.branches:
        raise Refused(404, "Branch not found")
    return repo


def _protected(call: Call, owner: str, name: str, branch: str, needs: str) -> tuple[Repo, Protection]:
    repo = _repo(call, owner, name, branch, needs)
    found = protection_of(repo, branch)
    if found is None:
        raise Refused(404, "Branch not protected")
    return repo, found


# Who is named


def _numbers(call: Call, repo: Repo, kind: str, names: list[Any], resource: str) -> list[int]:
    """Ids of named users, teams or Apps. Who may not push to the repository is left out without a word."""
    org = call.world.orgs[repo.org]
    found: list[int] = []
    for name in names:
        if kind == "users":
            user = call.world.user(str(name))
            if user is None:
                raise invalid(resource, "users")
            pushes = ROLES.index(call.rights.base_on(repo, user.id) or "read") >= ROLES.index("write")
            found += [user.id] if pushes else []
        elif kind == "teams":
            team = call.world.team(org, str(name))
            if team is None:
                raise invalid(resource, "teams")
            role = call.rights.team_repos(team).get(repo.id)
            found += [team.id] if role and ROLES.index(base_of(org, role)) >= ROLES.index("write") else []
        else:
            app = next((a for a in call.realm.keys.apps.values() if a.slug == name), None)
            if app is None:
                raise invalid(resource, "apps")
            found.append(app.id)
    return sorted(set(found))


def _named(call: Call, repo: Repo, given: Any, resource: str) -> dict[str, list[int]]:
    if not isinstance(given, dict):
        raise unprocessable(f"{given!r} is not an object.")
    return {kind: _numbers(call, repo, kind, given.get(kind) or [], resource) for kind in KINDS}


def _shown(call: Call, named: dict[str, list[int]], at: str) -> Json:
    return {"url": at, **{f"{kind}_url": f"{at}/{kind}" for kind in KINDS}, **_lists(call, named)}


def _lists(call: Call, named: dict[str, list[int]]) -> Json:
    return {kind: _list(call, kind, named[kind]) for kind in KINDS}


def _list(call: Call, kind: str, numbers: list[int]) -> list[Json]:
    world, apps = call.world, call.realm.keys.apps
    if kind == "users":
        return [call.shapes.user(world.users[number]) for number in numbers if number in world.users]
    if kind == "teams":
        return [call.shapes.team(world.teams[number]) for number in numbers if number in world.teams]
    return [app_shape(call, apps[number]) for number in numbers if number in apps]


# The whole


def _at(call: Call, repo: Repo, branch: str) -> str:
    org = call.world.orgs[repo.org]
    return f"{call.shapes.api}/repos/{org.login}/{repo.name}/branches/{branch}/protection"


def _shape(call: Call, repo: Repo, branch: str, one: Protection) -> Json:
    at = _at(call, repo, branch)
    found: Json = {"url": at}
    if one.rules["required_status_checks"] is not None:
        found["required_status_checks"] = _checks(one, at)
    if one.rules["required_pull_request_reviews"] is not None:
        found["required_pull_request_reviews"] = _reviews(call, one, at)
    if one.rules["restrictions"] is not None:
        found["restrictions"] = _shown(call, one.rules["restrictions"], f"{at}/restrictions")
    for name in ("required_signatures", "enforce_admins"):
        found[name] = {"url": f"{at}/{name}", "enabled": one.rules[name]}
    return found | {name: {"enabled": one.rules[name]} for name in FLAGS}


def _checks(one: Protection, at: str) -> Json:
    checks = one.rules["required_status_checks"]
    url = f"{at}/required_status_checks"
    contexts = [check["context"] for check in checks["checks"]]
    return {"url": url, "strict": checks["strict"], "contexts": contexts, "contexts_url": f"{url}/contexts",
            "checks": checks["checks"]}  # fmt: skip


def _reviews(call: Call, one: Protection, at: str) -> Json:
    reviews, url = one.rules["required_pull_request_reviews"], f"{at}/required_pull_request_reviews"
    found = {name: value for name, value in reviews.items() if not isinstance(value, dict) and value is not None}
    found["url"] = url
    if reviews["dismissal_restrictions"] is not None:
        found["dismissal_restrictions"] = _shown(
            call, reviews["dismissal_restrictions"], f"{at}/dismissal_restrictions"
        )
    if any(reviews["bypass_pull_request_allowances"].values()):
        found["bypass_pull_request_allowances"] = _lists(call, reviews["bypass_pull_request_allowances"])
    return found


@ROUTES.add(f"GET {AT}")
def get_protection(call: Call, owner: str, name: str, branch: str) -> Reply:
    repo, found = _protected(call, owner, name, branch, READ)
    return 200, _shape(call, repo, branch, found)


@ROUTES.add(f"PUT {AT}")
def put_protection(call: Call, owner: str, name: str, branch: str) -> Reply:
    repo = _repo(call, owner, name, branch, WRITE)
    for field in MATTERS:
        if field not in call.body:
            raise unprocessable(f'"{field}" wasn\'t supplied.')
    rules = off()
    rules["enforce_admins"] = bool(call.given("enforce_admins", bool, nullable=True))
    for flag in FLAGS:
        rules[flag] = bool(call.given(flag, bool, nullable=True))
    checks = call.given("required_status_checks", dict, nullable=True)
    reviews = call.given("required_pull_request_reviews", dict, nullable=True)
    restrictions = call.given("restrictions", dict, nullable=True)
    rules["required_status_checks"] = None if checks is None else _read_checks(checks, None)
    rules["required_pull_request_reviews"] = None if reviews is None else _read_reviews(call, repo, reviews, None)
    rules["restrictions"] = None if restrictions is None else _named(call, repo, restrictions, "ProtectedBranch")
    before = repo.protections.get(branch)
    if before is not None:
        rules["required_signatures"] = before.rules["required_signatures"]  # has its own address; a PUT leaves it
    one = before or Protection(call.world.new_id("protection"), repo.id, branch, rules)
    one.rules = rules
    repo.protections[branch] = one
    call.world.version += 1
    return 200, _shape(call, repo, branch, one)


@ROUTES.add(f"DELETE {AT}")
def delete_protection(call: Call, owner: str, name: str, branch: str) -> Reply:
    repo, found = _protected(call, owner, name, branch, WRITE)
    del repo.protections[found.pattern]
    call.world.version += 1
    return 204, None


def _read_checks(given: Json, before: Json | None) -> Json:
    named = "contexts" in given or "checks" in given  # the description wants `contexts`; clients send `checks` alone
    if before is None and ("strict" not in given or not named):
        missing = "strict" if "strict" not in given else "contexts"
        raise unprocessable(f'"{missing}" wasn\'t supplied.', "required_status_checks")
    checks = before["checks"] if before else []
    if given.get("checks"):
        checks = [{"context": str(one["context"]), "app_id": one.get("app_id")} for one in given["checks"]]
    elif "contexts" in given:
        checks = [{"context": str(context), "app_id": None} for context in given["contexts"]]
    strict = bool(given.get("strict", before["strict"] if before else False))
    return {"strict": strict, "checks": checks}


def _read_reviews(call: Call, repo: Repo, given: Json, before: Json | None) -> Json:
    found: Json = {
        "dismissal_restrictions": None,
        "dismiss_stale_reviews": False,
        "require_code_owner_reviews": False,
        "required_approving_review_count": 1,
        "require_last_push_approval": False,
        "bypass_pull_request_allowances": nobody(),
    } | (before or {})
    count = given.get("required_approving_review_count", found["required_approving_review_count"])
    if not isinstance(count, int) or not 0 <= count <= 6:
        raise unprocessable(f"{count!r} is not between 0 and 6.", "required_approving_review_count")
    found["required_approving_review_count"] = count
    for flag in ("dismiss_stale_reviews", "require_code_owner_reviews", "require_last_push_approval"):
        found[flag] = bool(given.get(flag, found[flag]))
    if "dismissal_restrictions" in given:
        named = given["dismissal_restrictions"]
        found["dismissal_restrictions"] = _named(call, repo, named, "ProtectedBranch") if named else None
    if "bypass_pull_request_allowances" in given:
        named = given["bypass_pull_request_allowances"] or {}
        found["bypass_pull_request_allowances"] = _named(call, repo, named, "ProtectedBranch")
    return found


# Its parts, each at an address of its own


def _switch(name: str) -> None:
    """GET, POST and DELETE of a switch: `enforce_admins`, `required_signatures`."""

    def shape(call: Call, repo: Repo, branch: str, one: Protection) -> Json:
        return {"url": f"{_at(call, repo, branch)}/{name}", "enabled": one.rules[name]}

    def look(call: Call, owner: str, repository: str, branch: str) -> Reply:
        repo, one = _protected(call, owner, repository, branch, READ)
        return 200, shape(call, repo, branch, one)

    def on(call: Call, owner: str, repository: str, branch: str) -> Reply:
        repo, one = _protected(call, owner, repository, branch, WRITE)
        one.rules[name] = True
        call.world.version += 1
        return 200, shape(call, repo, branch, one)

    def away(call: Call, owner: str, repository: str, branch: str) -> Reply:
        _, one = _protected(call, owner, repository, branch, WRITE)
        one.rules[name] = False
        call.world.version += 1
        return 204, None

    ROUTES.add(f"GET {AT}/{name}")(look)
    ROUTES.add(f"POST {AT}/{name}")(on)
    ROUTES.add(f"DELETE {AT}/{name}")(away)


_switch("enforce_admins")
_switch("required_signatures")


def _part(name: str) -> None:
    """GET and DELETE of a part that may be absent."""

    def look(call: Call, owner: str, repository: str, branch: str) -> Reply:
        repo, one = _protected(call, owner, repository, branch, READ)
        if one.rules[name] is None:
            raise not_found()
        return 200, _shape(call, repo, branch, one)[name]

    def away(call: Call, owner: str, repository: str, branch: str) -> Reply:
        _, one = _protected(call, owner, repository, branch, WRITE)
        one.rules[name] = None
        call.world.version += 1
        return 204, None

    ROUTES.add(f"GET {AT}/{name}")(look)
    ROUTES.add(f"DELETE {AT}/{name}")(away)


for _name in ("required_status_checks", "required_pull_request_reviews", "restrictions"):
    _part(_name)


@ROUTES.add(f"PATCH {AT}/required_status_checks")
def patch_checks(call: Call, owner: str, name: str, branch: str) -> Reply:
    repo, one = _protected(call, owner, name, branch, WRITE)
    if one.rules["required_status_checks"] is None:
        raise Refused(404, "Required status checks not enabled")
    one.rules["required_status_checks"] = _read_checks(call.body, one.rules["required_status_checks"])
    call.world.version += 1
    return 200, _checks(one, _at(call, repo, branch))


@ROUTES.add(f"PATCH {AT}/required_pull_request_reviews")
def patch_reviews(call: Call, owner: str, name: str, branch: str) -> Reply:
    repo, one = _protected(call, owner, name, branch, WRITE)
    before = one.rules["required_pull_request_reviews"]
    one.rules["required_pull_request_reviews"] = _read_reviews(call, repo, call.body, before)
    call.world.version += 1
    return 200, _reviews(call, one, _at(call, repo, branch))


def _who_may_push(kind: str) -> None:
    """GET, POST (add), PUT (replace) and DELETE (take out) of who may push."""

    def found(call: Call, owner: str, name: str, branch: str, needs: str) -> tuple[Repo, dict[str, list[int]]]:
        repo, one = _protected(call, owner, name, branch, needs)
        if one.rules["restrictions"] is None:
            raise Refused(404, "Push restrictions not enabled")
        named: dict[str, list[int]] = one.rules["restrictions"]
        return repo, named

    def look(call: Call, owner: str, name: str, branch: str) -> Reply:
        _, named = found(call, owner, name, branch, READ)
        return 200, _list(call, kind, named[kind])

    def change(how: str) -> Any:
        def serve(call: Call, owner: str, name: str, branch: str) -> Reply:
            repo, named = found(call, owner, name, branch, WRITE)
            given = _numbers(call, repo, kind, call.given(kind, list, required=True), "ProtectedBranch")
            before = set(named[kind])
            after = {"POST": before | set(given), "PUT": set(given), "DELETE": before - set(given)}[how]
            named[kind] = sorted(after)
            call.world.version += 1
            return 200, _list(call, kind, named[kind])

        return serve

    ROUTES.add(f"GET {AT}/restrictions/{kind}")(look)
    for how in ("POST", "PUT", "DELETE"):
        ROUTES.add(f"{how} {AT}/restrictions/{kind}")(change(how))


for _name in KINDS:
    _who_may_push(_name)
