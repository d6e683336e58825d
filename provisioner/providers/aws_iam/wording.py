"""One line for each change, in IAM's own terms. What a person approves is what `apply` prints later."""

from __future__ import annotations

from provisioner.model.address import Kind
from provisioner.model.change import Action, Change
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.providers.aws_iam import names, trust

_CREDENTIALS = {
    "access-key": "deactivate access key {} of {who}",
    "ssh-key": "deactivate SSH key {} of {who}",
    "service": "deactivate service-specific credential {} of {who}",
    "certificate": "deactivate signing certificate {} of {who}",
    "mfa": "remove MFA device {} of {who}",
}


def describe(change: Change) -> str:
    kind = change.address.kind
    if kind is Kind.ACCOUNT:
        return _account(change)
    if kind is Kind.GROUP:
        return _group(change)
    who = change.address.principal or Principal(change.address.target, PrincipalKind.UNKNOWN, "nobody")
    if kind is Kind.MEMBERSHIP:
        if change.action is Action.REVOKE:
            return f"remove {who.id} from group {change.address.object}"
        return f"add {who.id} to group {change.address.object}"
    if kind is Kind.GRANT:
        return _grant(change, who)
    if kind is Kind.CONTROL:
        return _trust(change, who)
    if change.address.object == "password":
        return f"remove the console password of {who.id}"
    label, _, identifier = change.address.object.partition(".")
    return _CREDENTIALS.get(label, "end credential {} of {who}").format(identifier, who=who.id)


def _trust(change: Change, who: Principal) -> str:
    role = names.said(who.id)
    if change.action is Action.REVOKE:
        return f"{role} trusts no pipeline any more"
    trusted = " and ".join(trust.told((change.after or {}).get(trust.TRUSTS, ()))) or "nobody"
    if change.action is Action.UPDATE:
        before = (change.before or {}).get(trust.TRUSTS, ())
        gone = " and ".join(trust.told(e for e in before if e not in (change.after or {}).get(trust.TRUSTS, ())))
        return f"{role} trusts {trusted} alone" + (f", no more {gone}" if gone else "")
    return f"{role} trusts {trusted}"


def _account(change: Change) -> str:
    login = change.address.object
    if names.role_of(login) is not None:
        return _role(change, names.said(login))
    match change.action:
        case Action.CREATE:
            return f"create IAM user {login}"
        case Action.RENAME:
            return f"rename IAM user {(change.before or {}).get('login', '?')} to {login}"
        case Action.DISABLE:
            return f"lock IAM user {login}: deny everything, keys inactive, no password"
        case Action.ENABLE:
            return f"unlock IAM user {login}: take the deny policy away"
        case Action.DELETE:
            return f"delete IAM user {login} and all that hangs on it"
        case Action.ADOPT:
            email = (change.after or {}).get("email")
            return f"mark IAM user {login} as ours" + (f", with e-mail {email}" if email else "")
        case Action.RELEASE:
            return f"take our mark off IAM user {login}"
        case _:
            return f"{change.action.value} IAM user {login}: {_differences(change)}"


def _role(change: Change, role: str) -> str:
    match change.action:
        case Action.CREATE:
            return f"create {role}, which nobody can take on yet"
        case Action.DISABLE:
            return f"lock {role}: deny everything, also to sessions that run"
        case Action.ENABLE:
            return f"unlock {role}: take the deny policy away"
        case Action.DELETE:
            return f"delete {role} and all that hangs on it"
        case Action.ADOPT:
            return f"mark {role} as ours"
        case Action.RELEASE:
            return f"take our mark off {role}"
        case _:
            return f"{change.action.value} {role}: {_differences(change)}"


def _group(change: Change) -> str:
    name = change.address.object
    match change.action:
        case Action.CREATE:
            return f"create group {name}"
        case Action.DELETE:
            return f"delete group {name}, its members out and its policies off"
        case Action.RELEASE:
            return f"leave group {name} as it is"
        case _:
            return f"{change.action.value} group {name}"


def _grant(change: Change, who: Principal) -> str:
    holder = f"group {who.id}" if who.kind is PrincipalKind.GROUP else who.id
    if names.role_of(who.id) is not None:
        holder = names.said(who.id)
    thing = change.address.object
    away = change.action is Action.REVOKE
    if thing.startswith(names.ROLE):
        role = thing.removeprefix(names.ROLE)
        if change.action is Action.UPDATE:
            return f"write {holder}'s policy for assuming role {role} anew"
        return f"stop {holder} from assuming role {role}" if away else f"let {holder} assume role {role}"
    if thing.startswith(names.INLINE):
        verb = "delete" if away else change.action.value
        return f"{verb} inline policy {thing.removeprefix(names.INLINE)} of {holder}"
    if change.action is Action.UPDATE:
        arn = (change.after or {}).get("arn", "?")
        return f"put {arn} in place of another policy {thing} on {holder}"
    return f"detach policy {thing} from {holder}" if away else f"attach policy {thing} to {holder}"


def _differences(change: Change) -> str:
    before, after = change.before or {}, change.after or {}
    return ", ".join(f"{key} {before.get(key)} -> {value}" for key, value in after.items() if before.get(key) != value)
