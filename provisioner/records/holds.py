"""Who was cut off before the files said so (`offboard --now`, or a source that they left), and stays cut off until the
files do, or somebody lifts it.

Kept beside the chains, because a hold is of a person and not of a target. Each is a record of its own, created only if
absent; nothing is ever rewritten. Whether the files have said so since is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.canonical import canonical_json
from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.records.record import plain_text
from provisioner.records.run import RunInfo
from provisioner.records.store import RecordStore

FORMAT = "provision.hold/1"
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
    def words(self) -> str:
        if self.source is not None:
            return f"by `expire` at {format_instant(self.at)}: {self.why}"
        return f"by `offboard --now` at {format_instant(self.at)}, by {self.who}"


def holds(store: RecordStore) -> dict[str, Hold]:
    """Those that nobody has lifted, by identity. ProvisionError where one cannot be read: nobody is let in by that."""
    newest: dict[str, int] = {}
    for name in store.names(_FOLDER):
        identity, _, number = name.removesuffix(".json").rpartition(".")
        if name.endswith(".json") and identity and number.isdigit():
            newest[identity] = max(newest.get(identity, 0), int(number))
    found = {}
    for identity, last in sorted(newest.items()):
        hold = _read(store, _key(identity, last))
        if hold is not None:
            found[identity] = hold
    return found


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


def _read(store: RecordStore, key: str) -> Hold | None:
    try:
        found = json.loads(store.read(key) or b"")
        if found["format"] != FORMAT:
            raise ValueError(f"its format is {found['format']}")
        if not found["held"]:
            return None
        return Hold(
            found["identity"],
            parse_instant(found["at"]),
            found["who"],
            found["run"],
            found["revision"],
            found.get("source"),
            found.get("why", ""),
        )
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
