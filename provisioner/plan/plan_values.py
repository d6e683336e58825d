"""A plan as plain values, and back: each of its parts beside what is made of it again (docs/plan-format.md).

Knows nothing of files and digests: that is `planfile.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Cause, Change, Ender
from provisioner.model.coverage import Scope, ScopeCoverage, Verdict
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.model.outstanding import Outstanding
from provisioner.model.way import Evidence, Ownership, Phase, Way
from provisioner.plan.plan import Plan, Stray, TargetView, Waiting, Withheld

FORMAT = "provision.plan/1"

Json = dict[str, Any]


def _time(value: Instant | None) -> str | None:
    return None if value is None else format_instant(value)


def _instant(text: str | None) -> Instant | None:
    return None if text is None else parse_instant(text)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _maybe(value: object) -> str | None:
    return None if value is None else _text(value)


def to_body(plan: Plan) -> Json:
    """Everything of a plan but the digest."""
    return {
        "format": FORMAT,
        "approves": plan.approves,
        "revision": plan.revision,
        "uncommitted": plan.uncommitted,
        "person": plan.person,
        "tree": plan.tree,
        "judged_by": plan.judged_by,
        "engine": plan.engine,
        "as_of": format_instant(plan.as_of),
        "preview": plan.preview,
        "left": dict(plan.left),
        "targets": {name: _target_json(view) for name, view in plan.targets.items()},
        "summary": plan.summary,
        "changes": [_change_json(change) for change in plan.changes],
        "withheld": [{"rule": w.rule, "why": w.why, "change": _change_json(w.change)} for w in plan.withheld],
        "waiting": [
            {
                "address": str(w.address),
                "action": w.action.value,
                "not_before": _time(w.not_before),
                "identity": w.identity,
                "why": w.why,
            }
            for w in plan.waiting
        ],
        "strays": [_stray_json(s) for s in plan.strays],
        "outstanding": [
            {
                "address": str(o.address),
                "action": o.action.value,
                "since": format_instant(o.since),
                "reason": o.reason,
                "identity": o.identity,
                "run": o.run,
            }
            for o in plan.outstanding
        ],
        "diagnostics": [diagnostic_json(d) for d in plan.diagnostics],
    }


def from_body(found: Json) -> Plan:
    """The plan that `to_body` gave. KeyError, TypeError, ValueError or AttributeError where it is none."""
    return Plan(
        engine=_text(found["engine"]),
        as_of=parse_instant(found["as_of"]),
        tree=_text(found["tree"]),
        judged_by=_text(found["judged_by"]),
        revision=_maybe(found["revision"]),
        uncommitted=bool(found["uncommitted"]),
        person=_maybe(found["person"]),
        preview=bool(found["preview"]),
        left={target: int(count) for target, count in found["left"].items()},
        targets={name: _target(view) for name, view in found["targets"].items()},
        changes=tuple(_change(c) for c in found["changes"]),
        withheld=tuple(Withheld(_change(w["change"]), _text(w["rule"]), _text(w["why"])) for w in found["withheld"]),
        waiting=tuple(
            Waiting(
                Address.parse(w["address"]),
                Action(w["action"]),
                _instant(w["not_before"]),
                _maybe(w["identity"]),
                _text(w["why"]),
            )
            for w in found["waiting"]
        ),
        strays=tuple(
            Stray(Address.parse(s["address"]), _text(s["why"]), _maybe(s["identity"]), bool(s["newly_managed"]))
            for s in found["strays"]
        ),
        outstanding=tuple(
            Outstanding(
                Address.parse(o["address"]),
                Action(o["action"]),
                parse_instant(o["since"]),
                _text(o["reason"]),
                _maybe(o["identity"]),
                _text(o["run"]),
            )
            for o in found["outstanding"]
        ),
        diagnostics=tuple(_diagnostic(d) for d in found["diagnostics"]),
    )


def _target_json(view: TargetView) -> Json:
    return {
        "complete": view.complete,
        "mode": view.mode,
        "coverage": [
            {
                "scope": {"kind": c.scope.kind.value, "of": c.scope.of},
                "verdict": c.verdict.value,
                "proof": c.proof,
                "hides": sorted(c.hides),
            }
            for c in view.coverage
        ],
        "read": dict(view.read),
        "calls": view.calls,
        "system": view.system,
        "failed": view.failed,
        "refused": view.refused,
        "records": view.records,
        "unrecorded": view.unrecorded,
        "unseen": [str(address) for address in view.unseen],
    }


def _target(found: Json) -> TargetView:
    return TargetView(
        complete=bool(found["complete"]),
        mode=_text(found["mode"]),
        coverage=tuple(
            ScopeCoverage(
                Scope(Kind(c["scope"]["kind"]), _maybe(c["scope"]["of"])),
                Verdict(c["verdict"]),
                _text(c["proof"]),
                frozenset(c["hides"]),
            )
            for c in found["coverage"]
        ),
        read={kind: int(count) for kind, count in found["read"].items()},
        calls=int(found["calls"]),
        system=_maybe(found["system"]),
        failed=_maybe(found["failed"]),
        refused=_maybe(found["refused"]),
        records=int(found["records"]),
        unrecorded=None if found["unrecorded"] is None else int(found["unrecorded"]),
        unseen=tuple(Address.parse(address) for address in found["unseen"]),
    )


def _change_json(change: Change) -> Json:
    return {
        "id": change.id,
        "action": change.action.value,
        "address": str(change.address),
        "identity": change.identity,
        "before": _attributes(change.before),
        "after": _attributes(change.after),
        "cause": change.cause.value,
        "effect": change.effect.direction.value,
        "level": change.effect.level.value,
        "evidence": None if change.evidence is None else change.evidence.value,
        "why": change.why,
        "words": change.words,
        "source": [str(place) for place in change.sources],
        "starts": _time(change.starts),
        "ends": _time(change.ends),
        "ends_by": None if change.ends_by is None else change.ends_by.value,
        "reversible": change.reversible,
        "ways": [_way_json(way) for way in change.ways],
        "needs": list(change.needs),
    }


def _attributes(values: Mapping[str, Any] | None) -> Json | None:
    return None if values is None else dict(values)


def _change(found: Json) -> Change:
    return Change(
        action=Action(found["action"]),
        address=Address.parse(found["address"]),
        before=_attributes(found["before"]),
        after=_attributes(found["after"]),
        cause=Cause(found["cause"]),
        effect=Effect(Direction(found["effect"]), Level(found["level"])),
        identity=_maybe(found["identity"]),
        evidence=None if found["evidence"] is None else Evidence(found["evidence"]),
        why=_text(found["why"]),
        words=_text(found["words"]),
        sources=tuple(_place(text) for text in found["source"]),
        starts=_instant(found["starts"]),
        ends=_instant(found["ends"]),
        ends_by=None if found["ends_by"] is None else Ender(found["ends_by"]),
        reversible=bool(found["reversible"]),
        ways=tuple(_way(way) for way in found["ways"]),
        needs=tuple(_text(need) for need in found["needs"]),
    )


def _place(text: str) -> Location:
    file, line, column = text.rsplit(":", 2)
    return Location(file, int(line), int(column))


def _way_json(way: Way) -> Json:
    return {
        "native_id": way.native_id,
        "phase": way.phase.value,
        "via": None if way.via is None else str(way.via),
        "until": _time(way.until),
        "ownership": None if way.ownership is None else way.ownership.value,
        "evidence": None if way.evidence is None else way.evidence.value,
        "locked_by": way.locked_by,
    }


def _way(found: Json) -> Way:
    return Way(
        native_id=_text(found["native_id"]),
        phase=Phase(found["phase"]),
        via=None if found["via"] is None else Address.parse(found["via"]),
        until=_instant(found["until"]),
        ownership=None if found["ownership"] is None else Ownership(found["ownership"]),
        evidence=None if found["evidence"] is None else Evidence(found["evidence"]),
        locked_by=_maybe(found["locked_by"]),
    )


def diagnostic_json(problem: Diagnostic) -> Json:
    """A diagnostic as `validate --format json` has it, and what a plan file needs besides: `length` and `target`."""
    place = problem.location
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "file": None if place is None else place.file,
        "line": None if place is None else place.line,
        "column": None if place is None else place.column,
        "length": problem.length,
        "message": problem.message,
        "why": problem.why,
        "fix": problem.fix,
        "target": problem.target,
    }


def _diagnostic(found: Json) -> Diagnostic:
    place = None if found["file"] is None else Location(_text(found["file"]), int(found["line"]), int(found["column"]))
    return Diagnostic(
        code=_text(found["code"]),
        message=_text(found["message"]),
        severity=Severity(found["severity"]),
        location=place,
        length=int(found["length"]),
        why=_text(found["why"]),
        fix=_text(found["fix"]),
        target=_maybe(found["target"]),
    )


def _stray_json(stray: Stray) -> dict[str, Any]:
    return {
        "address": str(stray.address),
        "why": stray.why,
        "identity": stray.identity,
        "newly_managed": stray.newly_managed,
    }
