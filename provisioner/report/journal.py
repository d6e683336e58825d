"""What the journal says, for people: run by run, and in each what became of every change; and what verifying found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.model.instant import Instant, format_instant
from provisioner.records import holds
from provisioner.records.entries import why_not_done
from provisioner.records.record import Record, RecordKind
from provisioner.records.verify import Verified
from provisioner.report.colour import PLAIN, Palette
from provisioner.report.safe import guard, safe
from provisioner.report.text import COLUMNS, moment, wrap
from provisioner.report.words import plural

_MISSING = "no outcome"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the journal: `person` by id or login, times from and before."""

    person: str | None = None
    since: Instant | None = None
    until: Instant | None = None

    def takes(self, at: Instant) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def concerns(self, change: Mapping[str, Any]) -> bool:
        """By identity, and by the login at the end of an address or as the account itself."""
        if self.person is None or change.get("identity") == self.person:
            return True
        tail = str(change["address"]).partition(":")[2].split("/")
        return tail[-1].partition("#")[0] in (self.person, f"service:{self.person}") and (
            len(tail) > 2 or tail[0] == "account"
        )

    def narrowed(self, record: Record) -> Record | None:
        """The record with only what was asked for; None where nothing of it was."""
        if not self.takes(record.at):
            return None
        for key in ("changes", "results"):
            if key in record.body:
                kept = [c for c in record.body[key] if self.concerns(c)]
                if not kept:
                    return None
                return replace(record, body={**record.body, key: kept})
        return record if self.person in (None, record.body.get("identity")) else None


def to_json(record: Record) -> dict[str, Any]:
    """One record as `journal show --format json` has it: the fields of the file, without what it proves itself by."""
    run = record.run
    return {
        "target": record.target,
        "n": record.n,
        "at": format_instant(record.at),
        "kind": record.kind,
        "run": run.id,
        "who": run.who,
        "command": run.command,
        "engine": run.engine,
        "revision": run.revision,
        "uncommitted": run.uncommitted,
        "tree": run.tree,
        "plan": run.plan,
        "trigger": {
            "ci": run.ci,
            "url": run.url,
            "pull_request": run.pull_request,
            "approvers": None if run.approvers is None else list(run.approvers),
            **({"reviews": dict(run.reviews)} if run.reviews else {}),
            **({"approved": True} if run.approved else {}),
        },
        **{key: value for key, value in record.body.items() if key != "before"},
        "hash": record.hash,
    }


def text(records: Iterable[Record], *, columns: int = COLUMNS, colours: Palette = PLAIN) -> str:
    """`records` of all chains, by time."""
    page = _Page(columns, colours)
    for record in records:
        page.take(record)
    page.end()
    return "\n".join(guard(line) for line in page.lines) + "\n" if page.lines else ""


@dataclass
class _Page:
    columns: int
    colours: Palette
    lines: list[str] = field(default_factory=list)
    _run: str = ""
    _intended: dict[tuple[str, str, str], Record] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        if record.run.id != self._run:
            self._headline(record)
        match record.kind:
            case RecordKind.INTENT:
                step = record.body["step"]
                self._intended.update({(c["address"], c["action"], step): record for c in record.body["changes"]})
            case RecordKind.OUTCOME:
                for result in record.body["results"]:
                    step = result.get("of", record.body["step"])
                    self._intended.pop((result["address"], result["action"], step), None)
                    self._result(record, result, step)
            case RecordKind.TAKEOVER:
                gone = record.body["from"]
                self._say(record, "takeover", f"the lock of {record.target}, from run {gone['run']} of {gone['who']}")
            case holds.HELD | holds.LIFTED:
                told = "is cut off until the files say so" if record.kind == holds.HELD else "is not cut off any more"
                self._say(record, str(record.kind), f"{record.body['identity']} {told}")
            case RecordKind.CONVERGED:
                self._begins_anew(record)
                self._say(record, "in order", f"{record.target}: nothing was left to do")
            case RecordKind.ROTATE:
                self._turn(record)
            case RecordKind.PREPARE:
                self._prepared(record)
            case RecordKind.RUN:
                self._begins_anew(record)
            case _:
                self._say(record, str(record.kind), f"{record.target}: a record that this version does not know")

    def _begins_anew(self, record: Record) -> None:
        marked = record.body.get("unrecorded")
        if marked is not None:
            told = f"the first record after a journal that is lost; {plural(marked, 'thing')} carried our mark"
            self._say(record, "lost", f"{record.target}: {told}")

    def end(self) -> None:
        """What was intended and has no outcome in what was shown."""
        for (address, action, _), record in self._intended.items():
            self._say(record, _MISSING, f"{action} {address}: intended by run {record.run.id}")

    def _headline(self, record: Record) -> None:
        run = record.run
        self._run = run.id
        told = [f"`{run.command}` of {run.who or 'somebody'}"]
        told += [run.ci] if run.ci else []
        told += [f"pull request {run.pull_request}"] if run.pull_request else []
        told += [f"approved by {', '.join(run.approvers)}"] if run.approvers else []
        told += [f"commit {run.revision[:12]}" + (" and more" if run.uncommitted else "")] if run.revision else []
        if self.lines:
            self.lines.append("")
        head = f"{moment(record.at)}  run {run.id}: {', '.join(told)}"
        first, *rest = wrap(safe(head), self.columns - 4)
        self.lines += [self.colours.bold(line) for line in (first, *(f"    {line}" for line in rest))]

    def _result(self, record: Record, result: Mapping[str, Any], step: str) -> None:
        whose = f" of {result['identity']}" if result.get("identity") else ""
        what = f"{'end sessions of' if step == 'cut' else result['action']} {result['address']}{whose}"
        why = result.get("proof") or why_not_done(result)
        self._say(record, str(result["outcome"]), f"{what}: {why}" if why != result["outcome"] else what)

    def _turn(self, record: Record) -> None:
        """A step of a rotation; what was intended is told where it was not done."""
        body = record.body
        if body["phase"] != "intent":
            where = f" to {body['to']}" if body.get("to") else ""
            told = f"{body['step']} {body.get('id', '')}{where}: {body['credential']} of {body['identity']}"
            why = body.get("why") or body.get("proof")
            self._say(record, f"{body['phase']}", f"{told}: {why}" if why else told)

    def _prepared(self, record: Record) -> None:
        body = record.body
        if body["phase"] != "intent":
            what = "lies ready for runs" if body["step"] == "make" else "is taken away, no run needs it"
            runs = f" ({', '.join(map(str, body['runs']))})" if body.get("runs") else ""
            why = f": {body['why']}" if body.get("why") else ""
            self._say(record, str(body["phase"]), f"{record.target}: {body['name']} {what}{runs}{why}")

    def _say(self, record: Record, word: str, told: str) -> None:
        start = f"  {record.at:%H:%M:%S}  {safe(word, 12):<12} "
        first, *rest = wrap(safe(told), max(20, self.columns - len(start)))
        self.lines += [start + first, *(" " * len(start) + line for line in rest)]


def verified(found: Sequence[Verified], head: str | None, *, where: str) -> str:
    """One line for each chain."""
    if not found:
        return guard(safe(f"There is no chain in {where} yet.")) + "\n"
    lines = [guard(line) for each in found for line in _chain(each, head)]
    bad = [each for each in found if each.problems]
    if bad:
        lines.append(f"{len(bad)} of {plural(len(found), 'chain')} cannot be trusted.")
    return "\n".join(lines) + "\n"


def _chain(each: Verified, head: str | None) -> Iterator[str]:
    if each.problems:
        yield f"{safe(each.target)}: broken"
        return
    if not each.last:
        yield f"{safe(each.target)}: no records"
        return
    count = plural(each.last - each.first + 1, "record")
    yield f"{safe(each.target)}: {count}, {each.first} to {each.last}, hold together"
    yield f"  head {safe(str(each.head))}, written {moment(each.written) if each.written else 'never'}"
    if head is not None and each.at is not None:
        after = each.last - each.at
        yield f"  the head that was asked for is record {each.at}" + (f", {after} before the newest" if after else "")
