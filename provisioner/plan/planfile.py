"""The plan as one JSON object, and back: what `plan --format json` prints and `--out` writes (docs/plan-format.md).

A plan file is exactly the bytes that `dump` wrote. Refuses everything else: not ours, another version, or edited since,
be it only in its layout. Whether a plan may still be applied is `validity.py`. Touches no files.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from provisioner.diagnostics import Diagnostic, Location, ProvisionError, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.canonical import canonical_json, digest, readable_json
from provisioner.model.change import Action, Cause, Change, Ender
from provisioner.model.coverage import Scope, ScopeCoverage, Verdict
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.model.outstanding import Outstanding
from provisioner.model.way import Evidence, Ownership, Phase, Way
from provisioner.plan.plan import Plan, Stray, TargetView, Waiting, Withheld

FORMAT = "provision.plan/1"
NEW_PLAN = "make a new plan: provision plan --out FILE"

Json = dict[str, Any]


def to_json(plan: Plan) -> Json:
    """The plan as the documented object, `digest` included: the hash of the canonical bytes of all the rest."""
    found = _body(plan)
    return {"digest": digest(found), **found}


def dump(plan: Plan) -> bytes:
    """The plan file: RFC 8785 canonical bytes and a newline."""
    return canonical_json(to_json(plan)) + b"\n"


def printed(plan: Plan) -> str:
    """The same object for people and logs, as `plan --format json` prints it. It may be applied like the file."""
    # Names of targets, kinds and attributes in the order of the file, in which `parse` finds them.
    return readable_json(to_json(_plan(json.loads(dump(plan)))))


def parse(content: bytes) -> Plan:
    """The plan that `dump` or `printed` wrote, from exactly those bytes.

    ProvisionError: `plan-file-unreadable`, `plan-file-version` or `plan-file-edited`, each with its own words.
    """
    if content.startswith(b"{\n"):
        return _parse_printed(content)
    if not is_whole(content):
        raise _what_is_wrong(content)
    found = _object(content)
    if found["format"] != FORMAT:
        raise _other_version(found["format"])
    try:
        plan = _plan(found)
        same = dump(plan) == content
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from None
    if not same:
        raise _unreadable("it holds fields that a plan does not have, or values that do not agree with each other")
    return plan


def _parse_printed(content: bytes) -> Plan:
    try:
        bare = canonical_json(_object(content)) + b"\n"
    except (ValueError, RecursionError) as error:  # rfc8785's own errors are ValueErrors
        raise _unreadable(f"it holds a value that no plan can hold: {error}") from None
    plan = parse(bare)
    if readable_json(to_json(plan)).encode() != content:
        raise _layout()
    return plan


def is_whole(content: bytes) -> bool:
    """Whether the digest that stands in the bytes is that of all the other bytes. Nothing that says no is ever a plan:
    `parse` asks this first."""
    if not content.endswith(b"}\n"):
        return False
    for found in _DIGEST.finditer(content):
        rest = hashlib.sha256(content[: found.start()])
        rest.update(content[found.end() : -1])
        if rest.hexdigest().encode() == found[1]:
            return True
    return False


_DIGEST = re.compile(rb'"digest":"sha256:([0-9a-f]{64})",')


def _what_is_wrong(content: bytes) -> ProvisionError:
    """The reason, in words, why bytes are not a plan file."""
    try:
        found = _object(content)
    except ProvisionError as error:
        return error
    if found["format"] != FORMAT:
        return _other_version(found["format"])
    told = found.pop("digest", None)
    try:
        real = digest(found)
    except (ValueError, RecursionError) as error:  # rfc8785's own errors are ValueErrors
        return _unreadable(f"it holds a value that no plan can hold: {error}")
    if told == real:
        return _layout()
    return _edited(f"its digest says {shorten(told)}, its contents have {real}: it is not what was reviewed")


def _layout() -> ProvisionError:
    return _edited("its white space, or the order of its keys, is not as `plan` wrote it")


def _edited(why: str) -> ProvisionError:
    return _refusal("plan-file-edited", "this plan file was changed after it was made", why)


def _other_version(told: str) -> ProvisionError:
    return _refusal(
        "plan-file-version",
        f"this plan file has the format `{shorten(told)}`; this version reads `{FORMAT}`",
        "a plan is applied by the version of provision that made it",
    )


def _refusal(code: str, message: str, why: str) -> ProvisionError:
    return ProvisionError(Diagnostic(code, message, Severity.ERROR, why=why, fix=NEW_PLAN))


def _unreadable(why: str) -> ProvisionError:
    return _refusal("plan-file-unreadable", "this is not a plan file", why)


def shorten(value: object) -> str:
    """As it may stand in a message."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _object(content: bytes) -> Json:
    def unique(pairs: list[tuple[str, Any]]) -> Json:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError("a key stands twice in one object")
        return made

    try:
        found = json.loads(content, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:  # also UnicodeDecodeError
        raise _unreadable(f"it is not JSON: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("format"), str):
        raise _unreadable("it is JSON, but has no `format`")
    if not found["format"].startswith("provision.plan/"):
        raise _unreadable(f"its format is `{shorten(found['format'])}`")
    return found


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


def _body(plan: Plan) -> Json:
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


def _plan(found: Json) -> Plan:
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
