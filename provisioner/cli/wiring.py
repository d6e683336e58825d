"""From the options of a command to what the engine is given: files, providers, connections, journal, history, time.

The only place that knows the catalogue of providers and the environment's variables. Reads files and git; calls no
system.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from provisioner.ci.recognise import this_run
from provisioner.cli.files import read_change, read_files
from provisioner.cli.gone import targets_gone
from provisioner.cli.holding import apply_holds
from provisioner.cli.lastvalid import check_not_older
from provisioner.cli.lastvalid import last_valid as last_valid_revision
from provisioner.cli.past import Memory
from provisioner.cli.slots import declared_slots, due_notes
from provisioner.contract import Connection, Declare, Provider
from provisioner.diagnostics import Diagnostic, ProvisionError, Severity
from provisioner.engine import Known, Situation
from provisioner.load import Loaded
from provisioner.load.files import find_top
from provisioner.load.history import Head, HistoryCache, declared_at, head, resolve
from provisioner.model.access import DeclaredAccess
from provisioner.model.instant import Instant
from provisioner.model.past import PastDeclared
from provisioner.model.target import Target
from provisioner.providers import catalog
from provisioner.records.chain import Chain
from provisioner.records.heartbeat import Times
from provisioner.records.journal import DEFAULT_FOLDER, Journal, is_remote, open_journal
from provisioner.records.published import newest
from provisioner.records.verify import targets_of
from provisioner.resolve.begin import begin, has_any
from provisioner.resolve.ending import ending


class InvalidFilesError(ProvisionError):
    """The access files have errors; `loaded` has them, with the lines to show."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(*loaded.diagnostics)
        self.loaded = loaded


@dataclass(frozen=True)
class Wanted:
    """What a command was asked for. `base_connects`: the targets are reached as the base says, not as the files do.
    `planning`: a plan is to be made, for which the history is read. `as_of` is a time to come that the plan is made
    for. `last_valid`: where the files have errors, the newest revision without is worked from. `change`: not the files
    at hand are meant but those that a merge of this revision onto the base would make."""

    access: Path
    target: str | None = None
    person: str | None = None
    base: str | None = None
    base_connects: bool = False
    planning: bool = True
    as_of: Instant | None = None
    last_valid: bool = False
    change: str | None = None


@dataclass(frozen=True)
class Files:
    """The access files, where they lie, and what git knows of them. `broken` says that these are of an earlier
    revision, because the newest have errors. `onto` is the commit that a change is merged onto: its history counts."""

    loaded: Loaded
    root: Path
    head: Head
    providers: Mapping[str, Provider] = field(repr=False)
    broken: Diagnostic | None = None
    onto: str | None = None

    @property
    def declared(self) -> DeclaredAccess:
        return self.loaded.declared


@dataclass(frozen=True)
class Opened:
    """What is known before the journal is read: files, base, targets, and where the journal lies. Whoever changes
    something takes the lock now, and reads the journal under it (`situate`). `journal_folder` is None where the journal
    lies in no folder of this machine."""

    wanted: Wanted
    files: Files
    base: DeclaredAccess | None
    declared: DeclaredAccess
    targets: Mapping[str, Target]
    journal: Journal
    journal_folder: Path | None
    notes: tuple[Diagnostic, ...] = ()

    @property
    def judging(self) -> DeclaredAccess:
        """Whose guardrails, owners and records count: the base's, where there is one."""
        return self.declared if self.base is None else self.base

    @property
    def connections(self) -> dict[str, Connection]:
        owner = self.judging.records.owner
        return {name: _connection(t, self.files.providers, owner) for name, t in self.targets.items()}

    @property
    def others(self) -> dict[str, Declare]:
        """The declared targets that are not for this run."""
        providers = self.files.providers
        return {n: providers[t.provider].declare(t) for n, t in self.declared.targets.items() if n not in self.targets}

    @property
    def journal_stays(self) -> bool:
        """Whether the journal lies outside of the working folder, of which a CI run leaves nothing behind."""
        return self.journal_folder is None or not self.journal_folder.is_relative_to(self.files.root.resolve())

    @property
    def journal_place(self) -> str:
        """Where the journal lies, for people."""
        return self.journal.store.where() if self.journal_folder is None else str(self.journal_folder)

    @property
    def times(self) -> Times:
        """How long runs and their calls are waited for."""
        records = self.judging.records
        return Times(records.lease.total_seconds(), records.deadline.total_seconds())


@dataclass(frozen=True)
class Work:
    """Everything that a command needs to plan, and to apply. `over` are the keys of those holds that the
    files have ended since, `begun` when grants began that begin with the apply, this one for those that are new."""

    opened: Opened
    situation: Situation
    over: frozenset[str] = frozenset()
    begun: Mapping[str, Instant] = field(default_factory=dict)

    @property
    def files(self) -> Files:
        return self.opened.files

    @property
    def journal(self) -> Journal:
        return self.opened.journal


def now() -> Instant:
    """The time, to the second: plans are made and compared in seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def in_ci() -> bool:
    """Whether a CI system runs us."""
    return this_run(os.environ).system != ""


def prepare(wanted: Wanted) -> Work:
    """All that a plan needs. ProvisionError where the files, the history or the options do not allow one."""
    return situate(open_work(wanted))


def open_work(wanted: Wanted) -> Opened:
    """Reads the files and the base. Nothing of the journal is read yet."""
    if wanted.change is None:
        files = _files(wanted.access, last_valid=wanted.last_valid)
        base = _base(files, wanted.base)
    else:
        files = _changed(wanted.access, wanted.change, wanted.base or "HEAD")
        base = _base(files, files.onto)
    declared = files.declared
    records = declared.records if base is None else base.records
    if not wanted.base_connects and records.journal is None:
        records = replace(records, journal=declared.records.journal)  # the merge that names the journal's first place
    # Each sign of life must come well before the lease is over.
    limit = min(records.deadline, records.lease / 4).total_seconds()
    journal = open_journal(records.journal, files.root, limit=limit)
    targets = targets_meant(declared.targets, wanted.target)
    notes = [files.broken] if files.broken is not None else []
    if base is not None and wanted.base_connects:
        targets, more = _reached_as(base, targets)
        notes += more
        declared = replace(declared, targets={**declared.targets, **targets})
    folder = None if is_remote(records.journal) else (files.root / (records.journal or DEFAULT_FOLDER)).resolve()
    return Opened(wanted, files, base, declared, targets, journal, folder, tuple(notes))


def situate(opened: Opened) -> Work:
    """Reads the journal and the history, and takes the time."""
    wanted, files, journal = opened.wanted, opened.files, opened.journal
    in_git, end = files.head.revision is not None, files.onto or files.head.revision or "HEAD"
    memory = Memory(files.root, files.loaded.folder, in_git, journal, files.providers, end)
    at = wanted.as_of or now()
    chains = {name: journal.chain(name) for name in opened.targets}
    past = _past(memory, {**chains, **_gone(opened)}, files) if wanted.planning else ()
    held = apply_holds(opened)
    declared, begun = _begun(opened, held.declared, min(at, now()))
    gone = targets_gone(opened)
    warnings = [w for c in chains.values() for w in c.warnings()]
    warnings += due_notes(held.declared, opened.targets, journal, at, wanted.person)
    situation = Situation(
        declared=declared,
        connections=opened.connections,
        now=at,
        past=(*held.past, *past),
        known={name: _known(c, at) for name, c in chains.items()},
        revision=files.head.revision,
        uncommitted=files.head.uncommitted,
        person=wanted.person,
        judging=opened.base,
        others=opened.others,
        diagnostics=(
            *files.loaded.diagnostics,
            *opened.notes,
            *held.notes,
            *warnings,
            *gone.told,
            *ending(declared, at),
        ),
        held=held.words,
        by_source=held.by_source,
        preview=wanted.as_of is not None,
        journal=opened.journal_place,
        ended=gone.ended,
        slots=declared_slots(held.declared),
    )
    return Work(opened, situation, held.over, begun)


def _begun(opened: Opened, declared: DeclaredAccess, at: Instant) -> tuple[DeclaredAccess, dict[str, Instant]]:
    """Grants that begin with the apply: as the journal knows, and where it does not yet, as if that were now."""
    if not has_any(declared):
        return declared, {}
    entry = newest(opened.journal.store)
    return begin(declared, {} if entry is None else entry.begun, at)


def _files(access: Path, *, last_valid: bool = False) -> Files:
    root, loaded = find_top(access), read_files(access)
    providers = catalog.all_providers()
    if loaded.ok:
        return Files(loaded, root, head(root, loaded.folder), providers)
    valid = last_valid_revision(loaded, root, providers) if last_valid else None
    if valid is None:
        raise InvalidFilesError(loaded)
    return Files(valid[0], root, valid[1], providers, broken=valid[2])


def _changed(access: Path, change: str, base: str) -> Files:
    root, providers = find_top(access), catalog.all_providers()
    found = read_change(access, change, base)
    if not found.loaded.ok:
        raise InvalidFilesError(found.loaded)
    at = Head(found.commit, False, found.loaded.declared.tree)
    return Files(found.loaded, root, at, providers, onto=found.base)


def _connection(target: Target, providers: Mapping[str, Provider], owner: str | None) -> Connection:
    provider = providers[target.provider]
    return Connection(target, provider, provider.declare(target), os.environ, owner)


def targets_meant(targets: Mapping[str, Target], name: str | None) -> dict[str, Target]:
    """The targets that `--target` means: one by its full name, or all instances of one."""
    if name is None:
        return dict(targets)
    found = {n: t for n, t in targets.items() if name in (n, t.family)}
    if not found:
        known = sorted({*targets, *(t.family for t in targets.values())})
        near = get_close_matches(name, known, 1)
        raise ProvisionError(
            Diagnostic(
                "option-value",
                f"no target named `{name}`",
                why="a target is meant by its name, or by that of one instance (`aws/payments-production`)",
                fix=f"did you mean `{near[0]}`?" if near else f"the targets are {', '.join(known) or 'none at all'}",
            )
        )
    return found


def _base(files: Files, revision: str | None) -> DeclaredAccess | None:
    """What the base revision declares: it judges, whatever the change under review says."""
    if revision is None:
        return None
    commit = resolve(files.root, revision)
    with HistoryCache() as cache:
        return declared_at(files.root, files.loaded.folder, commit, files.providers, cache).declared


def _reached_as(base: DeclaredAccess, targets: Mapping[str, Target]) -> tuple[dict[str, Target], list[Diagnostic]]:
    """Each target with the base's connection. One that the base does not have is not called at all: otherwise a branch
    could point it, and the credentials of whoever plans, somewhere else."""
    found: dict[str, Target] = {}
    notes: list[Diagnostic] = []
    for name, target in targets.items():
        before = base.targets.get(name)
        if before is None or before.provider != target.provider:
            notes.append(
                Diagnostic(
                    "planned-after-merge",
                    f"{name} is new in this change: it is not called before the merge",
                    Severity.NOTE,
                    target.location,
                    why="a change that is not merged yet must not decide where credentials are sent",
                    target=name,
                )
            )
            continue
        if before.settings.data != target.settings.data:
            notes.append(
                Diagnostic(
                    "connection-of-base",
                    f"{name} is planned with the connection that the base has for it, not with this change's",
                    Severity.NOTE,
                    target.location,
                    why="a change that is not merged yet must not decide where credentials are sent",
                    target=name,
                )
            )
        found[name] = replace(target, settings=before.settings)
    return found, notes


def check_journal(opened: Opened) -> None:
    """In CI a journal in the working folder is gone with the runner: what was begun could not be finished, and who left
    not be told. Then nothing is written."""
    if in_ci() and not opened.journal_stays:
        raise ProvisionError(
            Diagnostic(
                "journal-in-working-folder",
                f"the journal would lie in the working folder ({opened.journal_place}), which a CI run throws away",
                why="the journal tells the next run what this one began, and since when to look for who has left",
                fix="set `records.journal` to a folder that stays, for example one on a shared disk, or to `s3://bucket/prefix`",
            )
        )


def _gone(opened: Opened) -> dict[str, Chain]:
    """Chains of targets that no file declares any more, where none is left whose own past would still name them."""
    if opened.targets or opened.wanted.target is not None:
        return {}
    return {name: opened.journal.chain(name) for name in targets_of(opened.journal.store)}


def _past(memory: Memory, chains: Mapping[str, Chain], files: Files) -> tuple[PastDeclared, ...]:
    converged = {name: chain.converged() for name, chain in chains.items()}
    applied = {name: chain.trees() for name, chain in chains.items()}
    if files.broken is not None:
        check_not_older(files.root, files.loaded.folder, files.head, converged, applied)
    return memory.since(converged, applied, files.loaded)


def _known(chain: Chain, at: Instant) -> Known:
    last = chain.converged()
    kept = last.kept if last is not None else frozenset()
    return Known(
        chain.outstanding(at),
        chain.last_counts(),
        kept,
        chain.system(),
        last is not None,
        chain.head()[0],
        chain.gap(),
        chain.rotations(),
    )
