"""Proving a chain from its first record to its last, and the names of all chains that a store has.

Only reads, so that it may be done beside a run that is going on. Unlike planning, which reads back as far as it must,
it reads everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.instant import Instant
from provisioner.records.chain import Chain
from provisioner.records.store import RecordStore
from provisioner.records.tail import Tail


@dataclass(frozen=True, slots=True)
class Verified:
    """One chain: its numbers, its head, and what is wrong. `at` is where the head that was asked for stands in it."""

    target: str
    first: int = 0
    last: int = 0
    head: str | None = None
    written: Instant | None = None
    at: int | None = None
    problems: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


def targets_of(store: RecordStore) -> list[str]:
    """Every target that has a chain, also those that are no longer declared."""
    return sorted(unquote(name) for name in store.names("journal"))


def verify(chain: Chain, head: str | None = None) -> Verified:
    """Reads the whole chain. `head` is a hash to look for."""
    first = last = 0
    newest: str | None = None
    written: Instant | None = None
    at: int | None = None
    whole = False
    problems: tuple[Diagnostic, ...] = ()
    try:
        for record in chain.records():
            first, last, newest, written = first or record.n, record.n, record.hash, record.at
            whole = whole or record.n == 1 or Tail.starts_at(record)
            at = record.n if head is not None and record.hash == head else at
        if last and not whole:
            problems = (_beginning(chain, first),)
    except ProvisionError as error:
        problems = error.diagnostics
    warnings = () if problems else chain.warnings()
    return Verified(chain.target, first, last, newest, written, at, problems, warnings)


def missing_head(head: str, where: str) -> Diagnostic:
    """No chain has the record that was the newest once."""
    return Diagnostic(
        "journal-cut",
        f"no chain contains a record with the hash {head}",
        why="an apply told this hash as the newest of its chain: since then records at the end went missing, or this "
        "is another journal",
        fix=f"compare {where} with a copy, and restore what is missing; archived records are looked for in the archive",
    )


def _beginning(chain: Chain, first: int) -> Diagnostic:
    return Diagnostic(
        "journal-broken",
        f"the chain of {chain.target} in the journal begins with record {first}, and no record carries what was before",
        why="records may be archived up to the newest `converged` one, which sums up what was before it",
        fix="restore the older records from a copy",
        target=chain.target,
    )
