"""Which of the declarations kept beside the journal count now: a numbered register, each entry created only if absent.

`apply` writes it, and `gate` reads it: a job that wants to know what somebody may do must not ask its own checkout.
`seen` are the newest files that any run worked from; `applied` the newest that a whole `apply` gave access by, with
nothing held back. Whoever is to be let in must be let in by both. Decides nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.canonical import canonical_json
from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.records.record import plain_text
from provisioner.records.run import RunInfo
from provisioner.records.store import RecordStore

FORMAT = "provision.published/1"
_FOLDER = "published"
_NAME = re.compile(r"([0-9]{8,})\.json\Z")
_TREE = re.compile(r"[0-9a-f]{40,64}\Z")


@dataclass(frozen=True, slots=True)
class Publication:
    """`seen` and `applied` are tree ids, `applied` None where no whole apply has been. `over` are the keys of those
    holds that the files have ended since: nobody but a run with the history can tell that. `begun`
    says when grants began that begin with the apply, by what their line says."""

    number: int
    at: Instant
    seen: str
    applied: str | None
    revision: str | None
    run: str
    over: frozenset[str] = frozenset()
    folder: str = "access"
    begun: Mapping[str, Instant] = field(default_factory=dict)


def newest(store: RecordStore) -> Publication | None:
    """The entry that counts; None where nothing was ever published. ProvisionError where it cannot be read."""
    numbers = [int(m[1]) for m in map(_NAME.match, store.names(_FOLDER)) if m is not None]
    return _read(store, max(numbers)) if numbers else None


def count_alone(store: RecordStore, tree: str) -> bool:
    """Whether nobody is let in by other files than these, and all that these give was given."""
    found = newest(store)
    return found is not None and found.seen == found.applied == tree


def publish(
    store: RecordStore,
    *,
    tree: str,
    whole: bool,
    over: Iterable[str],
    folder: str,
    run: RunInfo,
    at: Instant,
    begun: Mapping[str, Instant] | None = None,
) -> Publication:
    """Say that `tree` counts from now on. Writes nothing where all of that is said already. Of `begun` a run that is
    no `apply` begins nothing, and what another run began first stays so."""
    while True:
        last = newest(store)
        applied = tree if whole else None if last is None else last.applied
        found = Publication(
            1 if last is None else last.number + 1,
            at,
            tree,
            applied,
            run.revision,
            run.id,
            frozenset(over),
            folder,
            _begun(begun or {}, {} if last is None else last.begun, beginning=run.command != "expire"),
        )
        if last is not None and _said(last) == _said(found):
            return last
        if store.create(_key(found.number), canonical_json(_body(found, run)) + b"\n"):
            return found


def _begun(wanted: Mapping[str, Instant], known: Mapping[str, Instant], *, beginning: bool) -> dict[str, Instant]:
    return {key: known.get(key, at) for key, at in wanted.items() if key in known or beginning}


def _said(one: Publication) -> tuple[object, ...]:
    return one.seen, one.applied, one.over, one.folder, dict(one.begun)


def _body(one: Publication, run: RunInfo) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "n": one.number,
        "at": format_instant(one.at),
        "seen": one.seen,
        "applied": one.applied,
        "revision": one.revision,
        "run": one.run,
        "who": plain_text(run.who),
        "command": run.command,
        "over": sorted(one.over),
        "folder": plain_text(one.folder),
        "begun": {key: format_instant(at) for key, at in one.begun.items()},
    }


def _read(store: RecordStore, number: int) -> Publication:
    key = _key(number)
    try:
        found = json.loads(store.read(key) or b"")
        if found["format"] != FORMAT or found["n"] != number:
            raise ValueError(f"it is entry {found['n']} of format {found['format']}")
        for tree in (found["seen"], found["applied"]):
            if tree is not None and _TREE.match(tree) is None:
                raise ValueError("it names no tree")
        return Publication(
            number,
            parse_instant(found["at"]),
            str(found["seen"]),
            found["applied"],
            found["revision"],
            found["run"],
            frozenset(found["over"]),
            found["folder"],
            {str(key): parse_instant(at) for key, at in found["begun"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProvisionError(
            Diagnostic(
                "journal-broken",
                f"what {store.where(key)} says of the published declarations cannot be read: {error}",
                why="without it nobody can tell which declarations count, and `gate` lets nobody in",
                fix="restore the file from a copy, or remove it and run `provision apply`",
            )
        ) from None


def _key(number: int) -> str:
    return f"{_FOLDER}/{number:08d}.json"
