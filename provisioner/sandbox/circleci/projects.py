"""People, organisations, groups and projects of the embedded CircleCI."""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.circleci.call import ROUTES, Call, Refused, Reply, stamp
from provisioner.sandbox.circleci.contexts import NAMED
from provisioner.sandbox.circleci.state import CheckoutKey, Group, Organization, Person, Project

Json = dict[str, Any]
SETTINGS = (
    "autocancel_builds", "build_fork_prs", "build_prs_only", "disable_ssh", "forks_receive_secret_env_vars", "oss",
    "set_github_status", "setup_workflows", "write_settings_requires_admin",
)  # fmt: skip


def _person(person: Person) -> Json:
    return {"id": person.id, "login": person.login, "name": person.name}


@ROUTES.add("GET /me")
def me(call: Call) -> Reply:
    return 200, _person(call.person)


@ROUTES.add("GET /me/collaborations")
def collaborations(call: Call) -> Reply:
    mine = [org for org in call.state.orgs.values() if call.person.id in org.members]
    return 200, [
        {
            "id": org.id,
            "vcs-type": org.kind,
            "name": org.name,
            "avatar_url": f"https://avatars.example/{org.id}",
            "slug": org.slug,
        }
        for org in mine
    ]


@ROUTES.add("GET /user/{id}")
def user(call: Call, number: str) -> Reply:
    person = call.state.people.get(number)
    if person is None:
        raise Refused(404, "User not found")
    return 200, _person(person)


# Groups


def _group(group: Group) -> Json:
    return {"id": group.id, "name": group.name, "description": group.description}


def _groups_of(call: Call, number: str) -> Organization:
    org = call.org(number)
    if org.kind == "github" and not call.manners.github_groups:
        raise Refused(404, "Groups are not available for this organization.")
    return org


@ROUTES.add("GET /organizations/{org_id}/groups")
def list_groups(call: Call, number: str) -> Reply:
    org = _groups_of(call, number)
    given = call.args.get("limit", "")
    size = int(given) if given.isdigit() and int(given) > 0 else None
    return call.page(sorted(org.groups.values(), key=lambda one: one.name), _group, size)


@ROUTES.add("GET /organizations/{org_id}/groups/{group_id}")
def get_group(call: Call, number: str, group: str) -> Reply:
    org = _groups_of(call, number)
    if group not in org.groups:
        raise Refused(404, "Group not found.")
    return 200, _group(org.groups[group])


@ROUTES.add("POST /organizations/{org_id}/groups")
def create_group(call: Call, number: str) -> Reply:
    org = _groups_of(call, number)
    call.admin(org)
    if org.kind == "github":
        raise Refused(400, "Groups of this organization are teams of its GitHub organization.")
    name = call.text("name")
    if any(one.name == name for one in org.groups.values()):
        raise Refused(409, "A group with that name already exists.")
    return 201, _group(call.state.create_group(org, name, text=str(call.body().get("description") or "")))


@ROUTES.add("DELETE /organizations/{org_id}/groups/{group_id}")
def delete_group(call: Call, number: str, group: str) -> Reply:
    org = _groups_of(call, number)
    call.admin(org)
    if group not in org.groups:
        raise Refused(404, "Group not found.")
    del org.groups[group]
    return 204, None


# Projects


@ROUTES.add("GET /project/{project-slug}")
def get_project(call: Call, slug: str) -> Reply:
    project = call.project(slug)
    org = call.state.orgs[project.org]
    github = org.kind == "github"
    url = f"https://github.com/{org.name}/{project.name}" if github else f"//circleci.com/{org.id}/{project.id}"
    return 200, {
        "slug": project.slug,
        "name": project.name,
        "id": project.id,
        "organization_name": org.name,
        "organization_slug": org.slug,
        "organization_id": org.id,
        "vcs_info": {"vcs_url": url, "provider": "GitHub" if github else "CircleCI", "default_branch": "main"},
    }


@ROUTES.add("GET /pipeline")
def list_pipelines(call: Call) -> Reply:
    """One pipeline of each project that ran lately; who has run nothing is not to be found here."""
    org = call.org(slug=call.args.get("org-slug"))
    ran = sorted((p for p in call.state.projects.values() if p.org == org.id and p.ran), key=lambda one: one.slug)
    return call.page(ran, lambda project: _pipeline(call, project))


def _pipeline(call: Call, project: Project) -> Json:
    now = stamp(call.state.now())
    actor = {"login": call.person.login, "avatar_url": None}
    return {
        "id": project.id,
        "errors": [],
        "project_slug": project.slug,
        "number": 1,
        "state": "created",
        "created_at": now,
        "updated_at": now,
        "trigger": {"type": "webhook", "received_at": now, "actor": actor},
    }


def _masked(value: str) -> str:
    return f"xxxx{value[-4:] if len(value) > 4 else value[-1:]}"


def _shape(project: Project, name: str) -> Json:
    one = project.variables[name]
    return {"name": name, "value": _masked(one.value), "created-at": stamp(one.created)}


@ROUTES.add("GET /project/{project-slug}/envvar")
def list_variables(call: Call, slug: str) -> Reply:
    project = call.project(slug)
    return call.page(sorted(project.variables), lambda name: _shape(project, name))


@ROUTES.add("GET /project/{project-slug}/envvar/{name}")
def get_variable(call: Call, slug: str, name: str) -> Reply:
    project = call.project(slug)
    if name not in project.variables:
        raise Refused(404, "Environment variable not found.")
    return 200, _shape(project, name)


@ROUTES.add("POST /project/{project-slug}/envvar")
def set_variable(call: Call, slug: str) -> Reply:
    project = call.project(slug)
    name, value = call.text("name"), call.text("value")
    if not NAMED.fullmatch(name):
        raise Refused(400, "The name of an environment variable is invalid.")
    call.state.set_variable(project.variables, name, value)
    return 201, _shape(project, name)


@ROUTES.add("DELETE /project/{project-slug}/envvar/{name}")
def delete_variable(call: Call, slug: str, name: str) -> Reply:
    project = call.project(slug)
    if name not in project.variables:
        raise Refused(404, "Environment variable not found.")
    del project.variables[name]
    return 200, {"message": "Environment variable deleted."}


def _key(one: CheckoutKey) -> Json:
    return {
        "public-key": f"ssh-rsa {one.fingerprint.replace(':', '')}",
        "type": one.kind,
        "fingerprint": one.fingerprint,
        "preferred": one.preferred,
        "created-at": stamp(one.created),
    }


@ROUTES.add("GET /project/{project-slug}/checkout-key")
def list_keys(call: Call, slug: str) -> Reply:
    return call.page(list(call.project(slug).keys.values()), _key)


@ROUTES.add("DELETE /project/{project-slug}/checkout-key/{fingerprint}")
def delete_key(call: Call, slug: str, fingerprint: str) -> Reply:
    project = call.project(slug)
    if fingerprint not in project.keys:
        raise Refused(404, "Checkout key not found.")
    del project.keys[fingerprint]
    return 200, {"message": "Checkout key deleted."}


@ROUTES.add("GET /project/{project-slug}/settings")
def get_settings(call: Call, slug: str) -> Reply:
    return _settings(call.project(slug))


def _settings(project: Project) -> Reply:
    return 200, {"advanced": {name: project.settings.get(name, False) for name in SETTINGS}}


@ROUTES.add("PATCH /project/{project-slug}/settings")
def update_settings(call: Call, slug: str) -> Reply:
    """What is left out stays."""
    project = call.project(slug)
    call.admin(call.state.orgs[project.org])
    given = call.body().get("advanced")
    if not isinstance(given, dict) or any(name not in SETTINGS or not isinstance(v, bool) for name, v in given.items()):
        raise Refused(400, "advanced: settings that are true or false")
    project.settings.update(given)
    return _settings(project)
