"""The journal as events of the Open Cybersecurity Schema Framework, for a SIEM: one for each outcome, and each hold.

Category Identity & Access Management (3): Account Change 3001, Entity Management 3004, User Access Management 3005,
Group Management 3006. What OCSF has no field for (approvers, plan, address) stands in `unmapped`. Nothing is called a
success that the journal does not have as done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner import __version__
from provisioner.model.address import Address, Kind
from provisioner.model.instant import Instant
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.records.entries import Step, why_not_done
from provisioner.records.holds import HELD
from provisioner.records.record import Record, RecordKind

VERSION = "1.4.0"
"""Of the schema."""
_CATEGORY = 3
_ACCOUNT, _ENTITY, _ACCESS, _GROUP = 3001, 3004, 3005, 3006
_CLASSES = {
    _ACCOUNT: "Account Change",
    _ENTITY: "Entity Management",
    _ACCESS: "User Access Management",
    _GROUP: "Group Management",
}
_OTHER = 99
_ACTIVITIES: Mapping[int, Mapping[str, tuple[int, str]]] = {
    _ACCOUNT: {
        "create": (1, "Create"),
        "enable": (2, "Enable"),
        "disable": (5, "Disable"),
        "delete": (6, "Delete"),
    },
    _ENTITY: {
        "create": (1, "Create"),
        "update": (3, "Update"),
        "revoke": (4, "Delete"),
        "delete": (4, "Delete"),
    },
    _ACCESS: {"create": (1, "Assign Privileges"), "revoke": (2, "Revoke Privileges")},
}
_OF_GROUP: Mapping[Kind, Mapping[str, tuple[int, str]]] = {
    Kind.MEMBERSHIP: {"create": (3, "Add User"), "revoke": (4, "Remove User")},
    Kind.GRANT: {"create": (1, "Assign Privileges"), "revoke": (2, "Revoke Privileges")},
    Kind.GROUP: {"create": (6, "Create"), "delete": (5, "Delete"), "revoke": (5, "Delete")},
}
_SUCCESS = frozenset({"done"})
_FAILURE = frozenset({"failed", "refused", "still-has", "not-done"})
_NARROWS = frozenset({"revoke", "disable", "delete"})
_USER_TYPES = {PrincipalKind.PERSON: (1, "User"), PrincipalKind.SERVICE: (_OTHER, "Service")}


def events(records: Iterable[Record]) -> Iterator[tuple[Instant, dict[str, Any]]]:
    """Each with its time, in the order of `records`, which are those of one chain."""
    causes: dict[tuple[str, str], str] = {}
    for record in records:
        if record.kind == RecordKind.INTENT:
            causes.update({(c["address"], c["action"]): c["cause"] for c in record.body["changes"]})
        elif record.kind == RecordKind.OUTCOME:
            for place, result in enumerate(record.body["results"]):
                yield record.at, _event(record, place, result, causes.get((result["address"], result["action"])))


def hold_event(record: Record) -> dict[str, Any]:
    """Somebody was cut off before the files said so (`offboard --now`), or that was lifted: of no one target."""
    who, held = str(record.body["identity"]), record.kind == HELD
    about = {"user": {"name": who, "domain": "access", "type_id": 0, "type": "Unknown"}}
    fields = {
        "status_detail": "nothing is given to them until the files stop declaring them" if held else "the files count",
        "message": f"{who} is {'cut off' if held else 'not cut off any more'}",
        "uid": f"hold/{who}/{record.n}",
        "log_name": "holds",
    }
    activity = (_OTHER, "Cut Off" if held else "Lift Cut Off")
    more = {"identity": who, "command": record.run.command, "revision": record.run.revision, "record": record.n}
    said = {key: value for key, value in more.items() if value is not None}
    return _shape(record, _ACCOUNT, activity, (1, "Success"), record.kind, (1, "Informational"), fields, about, said)


def _event(record: Record, place: int, result: Mapping[str, Any], cause: str | None) -> dict[str, Any]:
    address, action = Address.parse(result["address"]), str(result["action"])
    step = result.get("of", record.body["step"])
    uid, about = _about(address)
    status = _status(result["outcome"], step)
    fields = {
        "status_detail": result.get("proof") or why_not_done(result),
        "message": f"{action} {address}: {result['outcome']}",
        "uid": f"{record.hash}/{place}",
        "log_name": record.target,
    }
    activity, severity = _activity(uid, address, action, step), _severity(status[0], action)
    more = _unmapped(record, result, step, cause)
    return _shape(record, uid, activity, status, result["outcome"], severity, fields, about, more)


def _shape(
    record: Record,
    uid: int,
    activity: tuple[int, str],
    status: tuple[int, str],
    code: str,
    severity: tuple[int, str],
    fields: Mapping[str, str],
    about: Mapping[str, Any],
    unmapped: Mapping[str, Any],
) -> dict[str, Any]:
    """What every event has, in the schema's order."""
    return {
        "category_uid": _CATEGORY,
        "category_name": "Identity & Access Management",
        "class_uid": uid,
        "class_name": _CLASSES[uid],
        "activity_id": activity[0],
        "activity_name": activity[1],
        "type_uid": uid * 100 + activity[0],
        "type_name": f"{_CLASSES[uid]}: {activity[1]}",
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": status[0],
        "status": status[1],
        "status_code": code,
        "status_detail": fields["status_detail"],
        "time": _millis(record.at),
        "message": fields["message"],
        "metadata": {
            "version": VERSION,
            "product": {"name": "provision", "vendor_name": "provision", "version": record.run.engine or __version__},
            "log_name": fields["log_name"],
            "log_provider": "provision journal",
            "original_time": record.at.isoformat(),
            "sequence": record.n,
            "uid": fields["uid"],
            "correlation_uid": record.run.id,
        },
        "actor": {"user": {"name": record.run.who or "unknown"}, "app_name": "provision"},
        **about,
        "unmapped": dict(unmapped),
    }


def _about(address: Address) -> tuple[int, dict[str, Any]]:
    """Which class an address is of, and the objects that the class asks for."""
    who, target = address.principal, address.target
    match address.kind:
        case Kind.ACCOUNT:
            return _ACCOUNT, {"user": {"name": address.object, "domain": target, "type_id": 0, "type": "Unknown"}}
        case Kind.CREDENTIAL:
            login = who.id if who is not None and who.is_account else address.object
            return _ACCOUNT, {"user": {"name": login, "domain": target, "type_id": 0, "type": "Unknown"}}
        case Kind.MEMBERSHIP:
            about: dict[str, Any] = {"group": {"name": address.object, "domain": target}}
            return _GROUP, about if who is None else {**about, "user": _user(who, target)}
        case Kind.GROUP:
            return _GROUP, {"group": {"name": address.object, "domain": target}}
        case Kind.GRANT if who is not None and who.kind is PrincipalKind.GROUP:
            return _GROUP, {"group": {"name": who.id, "domain": target}, "privileges": [_privilege(address)]}
        case Kind.GRANT if who is not None:
            return _ACCESS, {"user": _user(who, target), "privileges": [_privilege(address)]}
    return _ENTITY, {"entity": {"name": address.object, "type": address.kind.value, "uid": str(address)}}


def _user(who: Principal, target: str) -> dict[str, Any]:
    kind, word = _USER_TYPES.get(who.kind, (_OTHER, who.kind.value))
    return {"name": who.id or who.kind.value, "domain": target, "type_id": kind, "type": word}


def _privilege(address: Address) -> str:
    return address.object if address.slot is None else f"{address.object}#{address.slot}"


def _activity(uid: int, address: Address, action: str, step: str) -> tuple[int, str]:
    if step == Step.CUT:
        return _OTHER, "End Sessions"
    if address.kind is Kind.CREDENTIAL:
        return _OTHER, f"{action.capitalize()} Credential"
    known = _OF_GROUP.get(address.kind, {}) if uid == _GROUP else _ACTIVITIES[uid]
    who = address.principal
    if address.kind is Kind.MEMBERSHIP and who is not None and not who.is_account:
        known = {}
    return known.get(action, (_OTHER, action.capitalize()))


def _status(outcome: str, step: str) -> tuple[int, str]:
    if step == Step.CUT and outcome == "refused":
        return _OTHER, "Not possible"  # the system has no way to end sessions: nothing was left undone
    if outcome in _SUCCESS:
        return 1, "Success"
    if outcome in _FAILURE:
        return 2, "Failure"
    return (0, "Unknown") if outcome == "unknown" else (_OTHER, outcome.capitalize())


def _severity(status: int, action: str) -> tuple[int, str]:
    """Access that could not be taken away weighs more than access that could not be given."""
    if status in (1, _OTHER):
        return 1, "Informational"
    return (3, "Medium") if action in _NARROWS else (2, "Low")


def _unmapped(record: Record, result: Mapping[str, Any], step: str, cause: str | None) -> dict[str, Any]:
    run = record.run
    found: dict[str, Any] = {
        "address": result["address"],
        "action": result["action"],
        "step": step,
        "cause": cause,
        "identity": result.get("identity"),
        "reason": result.get("reason"),
        "request": result.get("request"),
        "change": result.get("id"),
        "command": run.command,
        "plan": run.plan,
        "revision": run.revision,
        "tree": run.tree,
        "uncommitted": run.uncommitted,
        "ci": run.ci,
        "run_url": run.url,
        "pull_request": run.pull_request,
        "approvers": None if run.approvers is None else list(run.approvers),
        "reviews": dict(run.reviews) or None,
        "record": record.n,
        "record_hash": record.hash,
    }
    return {key: value for key, value in found.items() if value not in (None, "")}


def _millis(at: Instant) -> int:
    return int(at.timestamp() * 1000)
