"""Changes in PostgreSQL's own terms: stored in the plan, and what is done is what these words said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.address import Kind
from provisioner.model.change import Action, Change
from provisioner.model.principal import PrincipalKind
from provisioner.providers.postgresql import names
from provisioner.providers.postgresql.names import ATTRIBUTE


def describe(change: Change, heir: str | None) -> str:
    """One short line. `heir` gets what a leaver owns."""
    match change.address.kind:
        case Kind.ACCOUNT:
            return _account(change, heir)
        case Kind.MEMBERSHIP:
            who, role = _holder(change), change.address.object
            return f"take {who} out of role {role}" if change.action is Action.REVOKE else f"put {who} into role {role}"
        case Kind.GRANT:
            return _grant(change, heir)
        case _:
            return f"{change.action.value} role {change.address.object}"


def _account(change: Change, heir: str | None) -> str:
    login, after = change.address.object, change.after or {}
    match change.action:
        case Action.CREATE:
            until = after.get("until")
            return f"create login role {login}, without a password" + (f", valid until {until}" if until else "")
        case Action.RENAME:
            return f"rename login role {(change.before or {}).get('login')} to {login}"
        case Action.DISABLE:
            return f"disable login role {login} (no login, no password, sessions ended)"
        case Action.ENABLE:
            return f"enable login role {login} (it needs a new password)"
        case Action.ADOPT:
            return f"mark login role {login} as {change.identity}'s"
        case Action.RELEASE:
            return f"take our mark off login role {login}"
        case Action.DELETE:
            return f"drop login role {login}" + (f", and give what it owns to {heir}" if heir else "")
        case Action.UPDATE:
            until = after.get("until")
            end = f"end {until}" if until else "have no end"
            told = [f"let the password of {login} {end}"] if "until" in after else []
            told += [f"let {login} open sessions again"] if "cut" in after else []
            return " and ".join(told)
    return f"{change.action.value} login role {login}"


def _grant(change: Change, heir: str | None) -> str:
    address, who = change.address, _holder(change)
    thing, slot = address.object, address.slot or ""
    if slot == names.OWNER:
        return (
            f"give {thing.replace('!', '')} that {who} owns to {heir or 'somebody: the target names no `reassign_to`'}"
        )
    what = f"attribute {slot}" if thing == ATTRIBUTE else f"{slot} on {thing.replace('!', '')}"
    if change.action is Action.REVOKE:
        return f"take {what} from {who}"
    if change.action is Action.UPDATE:
        return _mend(f"{who}'s {what}", change.before or {}, change.after or {})
    creators = (change.after or {}).get("creators")
    if creators is None:
        return f"give {who} {what}"
    return f"give {who} {what}, and on tables to come {_made_by(creators)}"


def _made_by(creators: list[str]) -> str:
    return f"that {' or '.join(creators)} makes" if creators else "on none: nobody is named who makes them"


def _mend(held: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    coverage = f"cover {_coverage(before, after)}" if after.keys() - {"intact"} else ""
    if not after.get("intact"):
        return f"let {held} {coverage}"
    return f"mend {held}, whose dataset role has lost it" + (f", and let it {coverage}" if coverage else "")


def _coverage(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    told = []
    missing = before.get("not_covered") or []
    if missing and after.get("not_covered") == []:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        told.append(f"{', '.join(missing[:5])}{more}")
    if "creators" in after:
        told.append(f"tables to come {_made_by(after['creators'])}")
    return " and ".join(told) or "what it should"


def _holder(change: Change) -> str:
    who = change.address.principal
    if who is None:
        return "nobody"
    if who.kind is PrincipalKind.EVERYONE:
        return "everybody"
    return who.id if who.is_account else f"role {who.id}"
