"""What must hold whatever happens, a function a letter, as the reliability catalogue names them.

Judged from what the servers themselves tell, the proxies' request logs and the journal's files; nothing here asks the
engine, or reads the journal through it. Each function returns what is wrong, in words; empty: it holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import unquote

from tests.faults.stage import Play, Run, chain_folder, parsed
from tests.faults.wire import Call, Effect

_DONE = ("done", "already-so")


@dataclass(frozen=True)
class Written:
    """One journal record, as it lies on disk."""

    target: str
    n: int
    kind: str
    run: str
    body: Mapping[str, Any] = field(repr=False)


def journal(play: Play, target: str) -> list[Written]:
    """All records of a target, in order; one that is torn is left out."""
    found = []
    for path in sorted(chain_folder(play.root, target).glob("[0-9]*.json")):
        try:
            fields = json.loads(path.read_bytes())
        except ValueError:
            continue
        found.append(Written(target, int(fields["n"]), fields["kind"], fields["run"], fields))
    return found


def thing(address: str) -> str:
    """An address without its target, in the words that the wires use: `membership/developers/ada`."""
    kind, _, rest = address.partition(":")[2].partition("/") if ":" in address else ("", "", address)
    return unquote(f"{kind}/{rest}")


def a_intended(play: Play) -> list[str]:
    """A. No change without an earlier intent on disk that had no outcome yet."""
    wrong = []
    for system in play.systems:
        records = journal(play, system.name)
        for call in _changes(play, system.name):
            writes, cuts = _open_at(records, call.records)
            for touched in call.touched:
                names = (touched.thing, *touched.also)
                if not any(_covered(name, touched.effect, writes, cuts) for name in names):
                    where = f"{system.name} (call {call.number})"
                    wrong.append(f"A: {call.name} of {touched.thing} on {where} had no intent")
    return wrong


def b_planned(play: Play, *, believed: bool = True) -> list[str]:
    """B. No change outside the plan: only what the story changes, and never a thing of somebody else. Of a system that
    hides what is there (not `believed`) somebody may be given once more what they have and keep."""
    wrong = []
    for system in play.systems:
        old, new = play.story.things(system, after=False), play.story.things(system, after=True)
        changing = {t.rpartition("/")[2] for t in old ^ new}
        kept = frozenset() if believed else old & new
        for call in _changes(play, system.name):
            wrong += [
                f"B: {call.name} touched {t.thing} on {system.name}, whom the story does not change"
                for t in call.touched
                if t.thing.rpartition("/")[2] not in changing and not (t.effect is Effect.GIVE and t.thing in kept)
            ]
    return wrong


def c_in_turn(play: Play) -> list[str]:
    """C. No change by a run after another one wrote to the journal, and none by one that has written nothing."""
    wrong = []
    for system in play.systems:
        by_number = {r.n: r.run for r in journal(play, system.name)}
        for index, run in enumerate(play.runs, 1):
            before = run.records[system.name][0]
            for call in _of(run.calls, system.name):
                if not (call.mutates and call.sent):
                    continue
                writers = {by_number.get(n) for n in range(before + 1, call.records + 1)}
                if len(writers) != 1:
                    wrong.append(
                        f"C: run {index} sent {call.name} to {system.name} when its records were {writers or 'none'}"
                    )
    return wrong


def d_as_declared(play: Play) -> list[str]:
    """D. What the story's people hold is what the files say, and everything else is untouched, byte for byte."""
    wrong = []
    for system in play.systems:
        held, wanted = system.held(play.story.logins), play.story.things(system, after=True)
        wrong += [f"D: {t} is missing on {system.name}" for t in sorted(wanted - held)]
        wrong += [f"D: {t} is left on {system.name}" for t in sorted(held - wanted)]
    return wrong + d_foreign(play)


def d_foreign(play: Play) -> list[str]:
    """D, its half that holds at every moment: what is not ours is untouched, byte for byte."""
    wrong = []
    for system in play.systems:
        now, before = system.foreign(play.story.logins), play.before[system.name]
        for key in sorted({*now, *before}):
            if now.get(key) != before.get(key):
                wrong.append(f"D: {key} on {system.name} was {before.get(key)}, is {now.get(key)}")  # noqa: PERF401
    return wrong


def e_nothing_left(second: Run) -> list[str]:
    """E. The plan after it is empty. `second` is a run of `plan --format json`."""
    if second.ended.status != 0:
        return [f"E: the second plan ended with {second.ended.status}: {second.ended.err[-500:]}"]
    plan = parsed(second)
    left = [f"{c['action']} {c['address']}" for c in plan["changes"]]
    return [f"E: the second plan has {', '.join(left)}"] if left or plan["outstanding"] else []


def f_never_otherwise(play: Play) -> list[str]:
    """F. Nothing was ever given that was neither held before nor asked for."""
    wrong = []
    for system in play.systems:
        allowed = play.story.things(system, after=False) | play.story.things(system, after=True)
        for call in _changes(play, system.name):
            wrong += [
                f"F: {call.name} gave {t.thing} on {system.name}"
                for t in call.touched
                if t.effect is Effect.GIVE and t.thing not in allowed
            ]
    return wrong


def f_at_each_moment(play: Play) -> list[str]:
    """F, by what the servers themselves saw after each of their changes."""
    return [f"F: on {s.name} {problem}" for s in play.systems for problem in s.moments(play.story)]


def g_narrow_first(play: Play) -> list[str]:
    """G. In a run without faults, all that takes away is through before anything of that target is given."""
    wrong = []
    for run in play.runs:
        if run.ended.status != 0 or any(c.fault for c in run.calls):
            continue
        for system in play.systems:
            given = None
            for call in _of(run.calls, system.name):
                effects = {t.effect for t in call.touched} if call.mutates else set()
                if Effect.GIVE in effects:
                    given = given or call
                elif Effect.TAKE in effects and given is not None:
                    wrong.append(f"G: {call.name} on {system.name} came after {given.name} (call {given.number})")
    return wrong


def i_honest(play: Play, run: Run) -> list[str]:
    """I. Exit status and summary agree with the truth. `run` is the newest run, and an apply."""
    status, out = run.ended.status, run.ended.out
    wrong = []
    if run.ended.killed:
        return []
    if status in (0, 2) and (missing := d_as_declared(play)):
        wrong += [f"I: it ended with {status}, and {m}" for m in missing]
    if status not in (0, 1, 3, 5, 6, 8, 130):
        wrong.append(f"I: it ended with {status}: {run.ended.err[-1500:]}")
    ordered = re.search(r"^In order now: (.*?)\.$", out, re.MULTILINE | re.DOTALL)
    for system in play.systems:
        if ordered and system.name in re.split(r"[,\s]+", ordered[1]):
            held, wanted = system.held(play.story.logins), play.story.things(system, after=True)
            if held != wanted:
                wrong.append(f"I: it says that {system.name} is in order, which lacks or has {sorted(held ^ wanted)}")
    if status == 0 and re.search(r"^\d[\d,]* failed$", out, re.MULTILINE):
        wrong.append("I: it ended with 0 and tells of failures")
    return wrong


def j_proven(play: Play) -> list[str]:
    """J. What is on record as done is so: for each thing, what these runs wrote of it last."""
    wrong = []
    for system in play.systems:
        held = system.held(play.story.logins)
        last: dict[str, tuple[str, str]] = {}
        begun = play.runs[0].records[system.name][0]
        for record in journal(play, system.name):
            if record.n <= begun or record.kind != "outcome" or record.body.get("step") == "settled":
                continue
            for result in record.body["results"]:
                last[result["address"]] = (result["action"], result["outcome"])
        for address, (action, outcome) in last.items():
            name = thing(address)
            if outcome not in _DONE or name.rpartition("/")[2] not in play.story.logins or "credential" in name:
                continue
            gone = action in ("revoke", "disable", "delete")
            if (name in held) is gone:
                wrong.append(f"J: {action} {address} is on record as {outcome}, and the system shows otherwise")
    return wrong


def no_duplicates(play: Play) -> list[str]:
    """One account for each person and no more, and no key that was made by us."""
    wrong = []
    for system in play.systems:
        counts = system.accounts(play.story.logins)
        wrong += [f"{login} has {n} accounts on {system.name}" for login, n in sorted(counts.items()) if n > 1]
        made: dict[str, int] = {}
        for call in _changes(play, system.name):
            for touched in call.touched:
                kind = touched.thing.partition("/")[0]
                if touched.effect is Effect.GIVE and kind == "credential":
                    wrong.append(f"{call.name} made {touched.thing} on {system.name}")
                if touched.effect is Effect.GIVE and kind == "account" and call.ok:
                    made[touched.thing] = made.get(touched.thing, 0) + 1
        wrong += [f"{name} was made {n} times on {system.name}" for name, n in made.items() if n > 1]
    return wrong


def at_any_moment(play: Play, *, believed: bool = True) -> list[str]:
    """Everything that holds also in the middle of things. In which order a context of `believed` systems is opened and
    shut hangs on what they say of it."""
    checks: list[Callable[[Play], list[str]]] = [
        a_intended,
        partial(b_planned, believed=believed),
        c_in_turn,
        d_foreign,
        f_never_otherwise,
        g_narrow_first,
        no_duplicates,
    ]
    checks += [f_at_each_moment] if believed else []
    return [problem for check in checks for problem in check(play)]


def at_the_end(play: Play, last: Run, second: Run) -> list[str]:
    """Everything, after a run that was left alone (`last`) and the plan after it."""
    wrong = [] if last.ended.status == 0 else [f"the last run ended with {last.ended.status}: {_told(last)}"]
    wrong += d_as_declared(play) + e_nothing_left(second) + i_honest(play, last) + j_proven(play)
    return wrong + at_any_moment(play)


def _told(run: Run) -> str:
    return f"{run.ended.out[-1500:]}\n{run.ended.err[-1500:]}"


def _of(calls: Iterable[Call], system: str) -> Iterator[Call]:
    return (c for c in calls if c.system == system)


def _changes(play: Play, system: str) -> Iterator[Call]:
    """Calls that ask for a change and reached the server."""
    return (c for c in _of(play.calls, system) if c.mutates and c.sent)


def _open_at(records: Iterable[Written], height: int) -> tuple[set[str], set[str]]:
    """What was intended and had no outcome when there were `height` records: by write, and by ending sessions."""
    writes: set[str] = set()
    cuts: set[str] = set()
    for record in records:
        if record.n > height or record.kind not in ("intent", "outcome"):
            continue
        these = cuts if record.body["step"] == "cut" else writes
        if record.kind == "intent":
            these |= {thing(c["address"]) for c in record.body["changes"]}
        elif record.body["step"] != "settled":
            these -= {thing(r["address"]) for r in record.body["results"]}
    return writes, cuts


def _covered(name: str, effect: Effect, writes: set[str], cuts: set[str]) -> bool:
    """Closing an account may also end what it logs in with; ending its sessions may take, and give nothing."""
    account = f"account/{name.rpartition('/')[2]}"
    if name in writes:
        return True
    if effect is Effect.GIVE:
        return False
    part = name.startswith(("credential/", "account/"))
    return part and (account in writes or account in cuts)
