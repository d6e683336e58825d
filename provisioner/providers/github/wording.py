"""One line for each change, in GitHub's own terms. What a person approves is what `apply` prints later."""

from __future__ import annotations

from provisioner.model.address import Kind
from provisioner.model.change import Action, Change
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.way import Phase
from provisioner.providers.github import names
from provisioner.providers.github.controls import shown


def describe(change: Change) -> str:
    kind = change.address.kind
    if kind is Kind.ACCOUNT:
        return _account(change)
    if kind is Kind.GROUP:
        return _team(change)
    if kind is Kind.CONTROL:
        return _control(change)
    who = change.address.principal or Principal(change.address.target, PrincipalKind.UNKNOWN, "nobody")
    if kind is Kind.MEMBERSHIP:
        return _membership(change, who)
    if kind is Kind.GRANT:
        return _organization(change, who) if change.address.object == names.ORGANIZATION else _repository(change, who)
    return f"{change.action.value} {change.address.object}"


def _account(change: Change) -> str:
    login = change.address.object
    match change.action:
        case Action.CREATE:
            return f"bring {login} (id {(change.after or {}).get('id', '?')}) in"
        case Action.DELETE:
            return (
                f"remove {login} from the organization and every repository; their private forks are deleted, and to "
                "return they must accept an invitation"
            )
        case _:
            return f"{change.action.value} {login}"


def _team(change: Change) -> str:
    name, before, after = change.address.object, change.before or {}, change.after or {}
    match change.action:
        case Action.CREATE:
            below = f" below {after['parent']}" if after.get("parent") else ""
            return f"create team {name}{below}"
        case Action.DELETE | Action.REVOKE:
            return f"delete team {name}, with its memberships and repository access"
        case Action.RELEASE:
            return f"leave team {name} as it is"
        case _:
            parts = [f"{key} {shown(before.get(key))} -> {shown(value)}" for key, value in sorted(after.items())]
            return f"change team {name}: {'; '.join(parts)}"


def _membership(change: Change, who: Principal) -> str:
    team, role = change.address.object, (change.after or {}).get("role")
    if change.action is Action.REVOKE:
        waits = all(w.phase is Phase.PENDING for w in change.ways) and change.ways
        return f"take team {team} off the invitation of {who.id}" if waits else f"remove {who.id} from team {team}"
    if change.action is Action.UPDATE:
        return f"make {who.id} {_a(role)} of team {team}"
    return f"add {who.id} to team {team}" + (" as maintainer" if role == "maintainer" else "")


def _organization(change: Change, who: Principal) -> str:
    role = (change.after or {}).get("role")
    named = "an owner" if role == "admin" else "a member"
    if change.action is Action.REVOKE:
        if change.ways and all(w.phase is Phase.PENDING for w in change.ways):
            return f"cancel the invitation of {who.id} to the organization"
        return f"remove {who.id} from the organization (private forks go; a return needs an invitation)"
    if change.action is Action.UPDATE:
        return f"make {who.id} {named} of the organization"
    return f"invite {who.id} to the organization as {named}"


def _repository(change: Change, who: Principal) -> str:
    holder = f"team {who.id}" if who.kind is PrincipalKind.GROUP else who.id
    repository, permission = change.address.object, (change.after or {}).get("permission")
    if repository.startswith(names.ROLE):
        return f"{change.action.value} the role {repository.removeprefix(names.ROLE)} of the organization from {holder}"
    if change.action is Action.REVOKE:
        if change.ways and all(w.phase is Phase.PENDING for w in change.ways):
            return f"cancel the invitation of {holder} to repository {repository}"
        return f"take repository {repository} from {holder}"
    if change.action is Action.UPDATE:
        was = (change.before or {}).get("permission")
        return f"change {holder} on repository {repository} from {was} to {permission}"
    return f"give {holder} {permission} on repository {repository}"


_CONTROLS = {
    names.BRANCH: "protection of branch {} of {}",
    names.ENVIRONMENT: "environment {} of {}",
    names.RULESET: "ruleset {} of {}",
}


def _control(change: Change) -> str:
    slot, repository = change.address.slot or "", change.address.object
    where = "the organization" if repository == names.ORGANIZATION else repository
    thing = next(
        (words.format(slot.removeprefix(p), where) for p, words in _CONTROLS.items() if slot.startswith(p)), slot
    )
    before, after = change.before or {}, change.after or {}
    match change.action:
        case Action.CREATE:
            told = "; ".join(f"{k} {shown(v)}" for k, v in sorted(after.items()))
            return f"set {thing}: {told}" if told else f"set {thing}"
        case Action.REVOKE | Action.DELETE:
            return f"take away {thing}"
        case Action.RELEASE:
            return f"leave {thing} as it is"
        case _:
            told = "; ".join(f"{k} {shown(before.get(k))} -> {shown(v)}" for k, v in sorted(after.items()))
            return f"change {thing}: {told}"


def _a(role: object) -> str:
    return "a maintainer" if role == "maintainer" else "a plain member"
