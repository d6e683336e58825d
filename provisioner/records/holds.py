"""Who was cut off before the files said so (`offboard --now`, or a source that they left), and stays cut off until the
files do, or somebody lifts it.

Kept beside the chains, because a hold is of a person and not of a target. Each is a record of its own, created only if
absent; nothing is ever rewritten. Whether the files have said so since is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.canonical import canonical_json
from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.records.record import Record, plain_text
from provisioner.records.run import RunInfo
from provisioner.records.store import RecordStore

FORMAT = "provision.hold/1"
HELD, LIFTED = "hold", "lift"
"""The kinds of record that a hold is shown as."""
_FOLDER = "holds"


@dataclass(frozen=True, slots=True)
class Hold:
    """`revision` is what was checked out when it was made: what the files say after it may end the hold. `source` is
    the directory on whose word it was made, and `why` what it said; None: a person made it."""

    identity: str
    at: Instant
    who: str
    run: str
    revision: str | None = None
    source: str | None = None
    why: str = ""

    @property
    def key(self) -> str:
        """Names this very hold: one run may make several, and one person be held more than once."""
        return f"{self.identity}@{self.run}"

    @property
    def words(self) -> str:
        if self.source is not None:
            return f"by `expire` at {format_instant(self.at)}: {self.why}"
        return f"by `offboard --now` at {format_instant(self.at)}, by {self.who}"


def holds(store: RecordStore) -> dict[str, Hold]:
    """Those that nobody has lifted, by identity. ProvisionError where one cannot be read: nobody is let in by that."""
    newest: dict[str, int] = {}
    for identity, number in _numbers(store):
        newest[identity] = max(newest.get(identity, 0), number)
    found = {}
    for identity, last in sorted(newest.items()):
        held, hold = _read(store, _key(identity, last))
        if held:
            found[identity] = hold
    return found


def held_and_lifted(store: RecordStore) -> list[Record]:
    """Every hold, and every end of one by hand, oldest first: as records that are of no target and of no chain, with
    the identity in `body`. ProvisionError where one cannot be read."""
    found = []
    for identity, number in sorted(_numbers(store)):
        held, hold = _read(store, _key(identity, number))
        cut = "offboard --now" if hold.source is None else "expire"
        run = RunInfo(hold.run, hold.who, hold.revision, command=cut if held else "offboard --undo")
        said = {} if hold.source is None else {"source": hold.source, "why": hold.why}
        body = {"identity": hold.identity, **said}
        found.append(Record("", number, hold.at, HELD if held else LIFTED, run, None, body))
    return sorted(found, key=lambda r: (r.at, r.body["identity"], r.n))


def _numbers(store: RecordStore) -> Iterator[tuple[str, int]]:
    """The identity and the number of each object."""
    for name in store.names(_FOLDER):
        identity, _, number = name.removesuffix(".json").rpartition(".")
        if name.endswith(".json") and identity and number.isdigit():
            yield identity, int(number)


def hold(
    store: RecordStore, identity: str, *, run: RunInfo, at: Instant, source: str | None = None, why: str = ""
) -> None:
    """From now on; does nothing where there is a hold already."""
    if identity not in holds(store):
        said = {} if source is None else {"source": source, "why": plain_text(why)}
        _next(store, identity, True, run, at, said)


def lift(store: RecordStore, identity: str, *, run: RunInfo, at: Instant) -> Hold | None:
    """The hold that is lifted; None where there was none."""
    there = holds(store).get(identity)
    if there is not None:
        _next(store, identity, False, run, at)
    return there


def _next(
    store: RecordStore,
    identity: str,
    held: bool,
    run: RunInfo,
    at: Instant,
    said: Mapping[str, str] = MappingProxyType({}),
) -> None:
    body = {
        "format": FORMAT,
        "identity": identity,
        "held": held,
        "at": format_instant(at),
        "run": run.id,
        "who": plain_text(run.who),
        "revision": run.revision,
        **said,
    }
    number = 1
    while not store.create(_key(identity, number), canonical_json(body) + b"\n"):
        number += 1


def _read(store: RecordStore, key: str) -> tuple[bool, Hold]:
    """What an object says, and whether it is a hold, or the end of one."""
    try:
        found = json.loads(store.read(key) or b"")
        if found["format"] != FORMAT:
            raise ValueError(f"its format is {found['format']}")
        said = Hold(
            found["identity"],
            parse_instant(found["at"]),
            found["who"],
            found["run"],
            found["revision"],
            found.get("source"),
            found.get("why", ""),
        )
        return bool(found["held"]), said
    except (ValueError, KeyError, TypeError) as error:
        raise ProvisionError(
            Diagnostic(
                "journal-broken",
                f"the hold kept in {store.where(key)} cannot be read: {error}",
                why="somebody was cut off at once, and would be given everything back without it",
                fix="restore the file from a copy, or see who it was, and cut them off again",
            )
        ) from None


def _key(identity: str, number: int) -> str:
    return f"{_FOLDER}/{identity}.{number:08d}.json"
