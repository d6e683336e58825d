"""What `provision run` gave to whom, from when to when: an object when it begins, and one when it ends.

Beside the chains, like decisions, because a job that is given something must not write those. Nothing secret is in it,
nor what the run does. Proves nothing about a run that was never written.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from provisioner.model.canonical import canonical_json
from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.records.record import plain_text
from provisioner.records.store import RecordStore

FORMAT = "provision.run/1"
_FOLDER = "runs"
_RUN = re.compile(r"[a-z0-9]{1,16}")
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-([a-z0-9]{1,16})-(?:(begin)|(end|left)-[0-9a-f]{8})\.json\Z")
LOOKED_BACK = timedelta(days=30)
"""How long a run that has no end on record is looked for."""


@dataclass(frozen=True, slots=True)
class Began:
    """`given` are words for each thing, by target. `proven` False: whoever ran it said who it is for."""

    run: str
    at: Instant
    ends: Instant
    environment: str
    role: str | None
    people: tuple[str, ...]
    proven: bool
    accounts: tuple[str, ...]
    ci: str
    ci_run: str
    url: str
    pipeline: str
    given: Mapping[str, tuple[str, ...]]
    tree: str
    engine: str

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "format": FORMAT,
            "what": "begin",
            "run": self.run,
            "at": format_instant(self.at),
            "ends": format_instant(self.ends),
            "environment": plain_text(self.environment, 200),
            "role": None if self.role is None else plain_text(self.role, 200),
            "people": list(self.people),
            "proven": self.proven,
            "accounts": [plain_text(a, 200) for a in self.accounts],
            "ci": self.ci,
            "ci_run": plain_text(self.ci_run, 300),
            "url": plain_text(self.url, 500),
            "pipeline": plain_text(self.pipeline, 200),
            "given": {target: [plain_text(w, 300) for w in words] for target, words in self.given.items()},
            "tree": self.tree,
            "engine": self.engine,
        }


@dataclass(frozen=True, slots=True)
class Over:
    """`how` it ended, in words; `ended` are the credentials that were taken back, `left` those that were not, with the
    reason. `settled` False: some of these should have been, and somebody has to end them yet."""

    run: str
    at: Instant
    how: str
    ended: tuple[str, ...]
    left: tuple[str, ...]
    settled: bool = True

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "format": FORMAT,
            "what": "end",
            "settled": self.settled,
            "run": self.run,
            "at": format_instant(self.at),
            "how": plain_text(self.how, 300),
            "ended": [plain_text(one, 300) for one in self.ended],
            "left": [plain_text(one, 500) for one in self.left],
        }


def new_run() -> str:
    """An id that no other run has."""
    return secrets.token_hex(6)


def record(store: RecordStore, one: Began | Over) -> None:
    """Keep it. ProvisionError where it cannot be written: then nothing may be given."""
    what = "begin" if isinstance(one, Began) else f"{'end' if one.settled else 'left'}-{secrets.token_hex(4)}"
    key = f"{_FOLDER}/{one.at:%Y-%m-%d}/{one.at:%Y%m%dT%H%M%SZ}-{one.run}-{what}.json"
    store.create(key, canonical_json(one.to_json()) + b"\n")


def begun(store: RecordStore, run: str) -> tuple[Began, ...]:
    """What is on record of the beginning of one run; nothing for what is no id of a run. Several where somebody wrote
    another: each may be true."""
    if not _RUN.fullmatch(run):
        return ()
    names = [(day, n) for day in store.names(_FOLDER) for n in store.names(f"{_FOLDER}/{day}") if _NAME.match(n)]
    found = [_read(store.read(f"{_FOLDER}/{day}/{n}")) for day, n in names if n.endswith(f"-{run}-begin.json")]
    return tuple(one for one in found if isinstance(one, Began) and one.run == run)


@dataclass
class GoingOn:
    """The ids of runs that were given something on one of these targets and are not over, by their own end and `margin`
    seconds; begun since the day before. One that cannot be read may have been given anything. Each is read once."""

    store: RecordStore
    targets: Collection[str]
    margin: float
    _begun: dict[str, Began | None] = field(default_factory=dict)

    def __call__(self, at: Instant) -> tuple[str, ...]:
        margin = timedelta(seconds=self.margin)  # by which a clock may be ahead, too: over midnight, that is a day
        days = sorted({f"{day:%Y-%m-%d}" for day in (at - timedelta(days=1), at, at + margin)})
        found = []
        for day in days:
            for match in filter(None, map(_NAME.match, self.store.names(f"{_FOLDER}/{day}"))):
                run, begins, _ = match.groups()
                one = self._of(f"{_FOLDER}/{day}/{match[0]}") if begins else None
                over = one is not None and (at >= one.ends + margin or not any(t in one.given for t in self.targets))
                if begins and not over:
                    found.append(run)
        return tuple(found)

    def _of(self, key: str) -> Began | None:
        if key not in self._begun:
            one = _read(self.store.read(key))
            self._begun[key] = one if isinstance(one, Began) else None
        return self._begun[key]


@dataclass(frozen=True, slots=True)
class Unended:
    """A run whose end is not on record. `left`: that something of it could not be ended is."""

    began: Began
    left: bool


def unended(store: RecordStore, now: Instant) -> tuple[Unended, ...]:
    """Those of the last days, oldest first. Their names tell; only what began and did not end is read."""
    begun: dict[str, str] = {}
    over: dict[str, set[str]] = {}
    first = f"{now - LOOKED_BACK:%Y-%m-%d}"
    for day in [d for d in store.names(_FOLDER) if d >= first]:
        for match in filter(None, map(_NAME.match, store.names(f"{_FOLDER}/{day}"))):
            run, begins, ends = match.groups()
            if begins:
                begun[run] = f"{_FOLDER}/{day}/{match[0]}"
            else:
                over.setdefault(run, set()).add(ends)
    found = []
    for run, key in begun.items():
        if "end" not in over.get(run, ()):
            began = _read(store.read(key))
            if isinstance(began, Began) and began.run == run:
                found.append(Unended(began, run in over))
    return tuple(found)


def any_run(store: RecordStore) -> bool:
    """Whether there ever was one."""
    return bool(store.names(_FOLDER))


def runs(store: RecordStore) -> Iterator[Began | Over | str]:
    """All there are, oldest first; of one that cannot be read its key: whoever may write one may write anything."""
    for day in store.names(_FOLDER):
        for name in store.names(f"{_FOLDER}/{day}"):
            key = f"{_FOLDER}/{day}/{name}"
            if _NAME.match(name):
                yield _read(store.read(key)) or key


def _read(data: bytes | None) -> Began | Over | None:
    try:
        found = json.loads(data or b"")
        if found["format"] != FORMAT:
            return None
        run, at = str(found["run"]), parse_instant(found["at"])
        if found["what"] == "end":
            settled = found["settled"] is True
            return Over(run, at, str(found["how"]), _texts(found["ended"]), _texts(found["left"]), settled)
        role, proven = found["role"], found["proven"]
        if found["what"] != "begin" or not isinstance(proven, bool):
            return None
        texts = {key: str(found[key]) for key in ("environment", "ci", "ci_run", "url", "pipeline", "tree", "engine")}
        return Began(
            run=run,
            at=at,
            ends=parse_instant(found["ends"]),
            role=None if role is None else str(role),
            people=_texts(found["people"]),
            proven=proven,
            accounts=_texts(found["accounts"]),
            given={str(target): _texts(words) for target, words in found["given"].items()},
            **texts,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _texts(found: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in found)
