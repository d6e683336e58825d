"""What `explain`, `who` and `receipt` have in common: reading everything once, and who was ever declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.ask import Done, Sought
from provisioner.ask.receipt import with_credentials
from provisioner.cli.slots import known_of
from provisioner.cli.wiring import Wanted, Work, prepare
from provisioner.contract import ProviderError, Remains
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.load import load_files
from provisioner.load.history import HistoryCache, declared_at, revisions
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action
from provisioner.model.coverage import Scope
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant
from provisioner.model.match import Matched
from provisioner.model.resource import Resource
from provisioner.model.slot import Slot
from provisioner.model.way import Phase
from provisioner.observe.inventory import observe, open_readers
from provisioner.plan.side import Side
from provisioner.records.entries import Step, intended_changes
from provisioner.records.record import RecordKind
from provisioner.resolve.desired import desire

if TYPE_CHECKING:
    from provisioner.engine import Planned

_SHORT = 12
_DONE = frozenset({"done", "already-so", "still-has"})


@dataclass(frozen=True)
class Read:
    """A plan's work and what it read. `unread` are targets of which nothing was, and why."""

    work: Work
    planned: Planned
    unread: Mapping[str, str]


def read_all(access: Path, target: str | None = None) -> Read:
    """Reads the targets as a plan does, telling on stderr what is read."""
    from provisioner.cli.running import progress_line
    from provisioner.engine import make_plan

    work = prepare(Wanted(access, target))
    line = progress_line()
    try:
        planned = make_plan(work.situation, lambda name, words: line(f"{name}: {words}"))
    finally:
        line.close()
    views = planned.plan.targets
    return Read(work, planned, {n: v.failed or "nothing was read" for n, v in views.items() if n not in planned.sides})


def with_credentials_of(who: str, read: Read, matched: Callable[[Side], Matched]) -> dict[str, Side]:
    """What was read, with the credentials on the accounts of `who`, which no bulk read gives."""
    sides = dict(read.planned.sides)
    want = {}
    for name, side in sides.items():
        match = matched(side).by_identity.get(who)
        if match is not None and not side.coverage.is_complete(Kind.CREDENTIAL, match.login):
            want[name] = frozenset({Scope(Kind.CREDENTIAL, match.login)})
    readers, _ = open_readers({name: read.work.situation.connections[name] for name in want})
    try:
        for name, seen in observe(readers, {name: want[name] for name in readers}).items():
            if seen.reading is not None:
                sides[name] = with_credentials(sides[name], seen.reading)
    finally:
        for reader in readers.values():
            reader.close()
    return sides


def remains_of(whom: Sought, read: Read, matched: Callable[[Side], Matched]) -> dict[str, tuple[str, ...]]:
    """What they made that works on without them, in words, by target; where that can be told. It is asked of those who
    are gone, too."""
    connections = read.work.situation.connections
    asked = [n for n in read.planned.sides if connections[n].provider.capabilities.remains]
    readers, failed = open_readers({name: connections[name] for name in asked})
    found: dict[str, tuple[str, ...]] = {n: (_not_looked_for(o.error),) for n, o in failed.items()}
    try:
        for name, reader in readers.items():
            people = _known_as(whom, name, matched(read.planned.sides[name]))
            try:
                told = reader.remains(people) if people and isinstance(reader, Remains) else ()
            except ProviderError as error:
                found[name] = (_not_looked_for(error),)
                continue
            found[name] = tuple(f"{d.message}; {d.fix}" if d.fix else d.message for d in told)
    finally:
        for reader in readers.values():
            reader.close()
    return found


def _not_looked_for(error: ProviderError | None) -> str:
    return f"what they made and works on without them could not be looked for: {error}"


def _known_as(whom: Sought, target: str, matched: Matched) -> dict[str, str | None]:
    """Their logins there, with the pinned id. A login without one that is somebody else's now is not theirs."""
    account, match = whom.identity.account_on(target), matched.by_identity.get(whom.identity.id)
    login = match.login if match is not None else account.login or whom.identity.id
    others = matched.by_login.get(login)
    if account.id is None and others is not None and others.identity.id != whom.identity.id:
        return {}
    return {login: account.id}


def nobody(who: str, read: Read) -> ProvisionError:
    """Nobody of that id is declared, was, or is marked on an account."""
    declared = read.work.situation.declared.identities
    departed = {gone for on_target in read.planned.departed.values() for gone in on_target}
    near = [i.id for i in declared.values() if who in i.was]
    near += get_close_matches(who, sorted({*declared, *departed}), 1)
    return ProvisionError(
        Diagnostic(
            "option-value",
            f"nobody has the id `{who}`",
            why="PERSON is the id of a person or service that is declared, was, or is marked on a live account",
            fix=f"did you mean `{near[0]}`?" if near else "look it up under `people:` or `services:` of the files",
        )
    )


def sought(work: Work, who: str) -> Sought | None:
    """What the files' history and the journal know of somebody; None where that is nothing at all."""
    found, notes = _last_declared(work, who)
    done = tuple(_done(work, who))
    if who in work.situation.held:
        notes.append(f"{who} was cut off {work.situation.held[who]}")
    if found is None:
        return Sought(_stranger(who), None, done=done, notes=tuple(notes)) if done else None
    identity, declared, revision = found
    had = _had(work, declared, identity)
    return Sought(
        identity,
        revision,
        {name: frozenset(r.address for r in held) for name, held in had.items()},
        done,
        tuple(notes),
        held=tuple(r for held in had.values() for r in held),
        slots=tuple((s, _newest(work, s)) for s in work.situation.slots),
    )


def _newest(work: Work, slot: Slot) -> Instant | None:
    """When the credential in use was made; None where there is none yet."""
    known = known_of(work.situation.declared, work.journal, slot)
    return known.made.get(known.current or "")


def _stranger(who: str) -> Identity:
    return Identity(IdentityKind.PERSON, who)


Found = tuple[Identity, DeclaredAccess, str]


def _last_declared(work: Work, who: str) -> tuple[Found | None, list[str]]:
    """The newest state of the files that has them, from today's on; notes say where that could not be looked up."""
    declared = work.files.declared
    if who in declared.identities:
        return (declared.identities[who], declared, ""), []
    try:
        for name, past in _earlier(work):
            if who in past.identities:
                return (past.identities[who], past, name), []
    except ProvisionError as error:
        told = "; ".join(d.message for d in error.diagnostics)
        return None, [f"what they once had cannot be looked up: {told}"]
    return None, []


def _earlier(work: Work) -> Iterator[tuple[str, DeclaredAccess]]:
    """Earlier states of the files, newest first: those since the targets converged, then all others."""
    for past in work.situation.past:
        yield past.name, past.declared
    files = work.files
    if files.head.revision is not None:
        with HistoryCache() as cache:
            for revision in revisions(files.root, files.loaded.folder, None):
                loaded = declared_at(files.root, files.loaded.folder, revision.commit, files.providers, cache)
                yield revision.commit[:_SHORT], loaded.declared
        return
    seen: set[str] = set()
    for name in work.situation.connections:
        for record in reversed(list(work.journal.chain(name).records())):
            tree = record.run.tree
            if not tree or tree in seen:
                continue
            seen.add(tree)
            kept = work.journal.published(tree)
            if kept is not None:
                loaded = load_files(kept, files.providers, folder=files.loaded.folder, tree=tree)
                yield f"applied {record.at:%Y-%m-%d %H:%M} UTC", loaded.declared


def _had(work: Work, declared: DeclaredAccess, identity: Identity) -> dict[str, list[Resource]]:
    """What that state of the files gave them until now, by target, on the targets of today."""
    now = work.situation.now
    begun = tuple(r for r in identity.roles if r.starts is None or r.starts <= now)
    identity = replace(identity, roles=begun if identity.starts is None or identity.starts <= now else ())
    targets = {**declared.targets, **work.files.declared.targets}
    at_hand = DeclaredAccess(declared.identities, declared.roles, declared.environments, targets)
    found = {}
    for name, wanted in desire(at_hand, work.situation.declares, None, only=[identity]).items():
        login = identity.login_on(name)
        found[name] = [
            r
            for a, r in wanted.state.resources.items()
            if (a.principal is not None and a.principal.id == login) or (a.kind is Kind.ACCOUNT and a.object == login)
        ]
    return found


def _done(work: Work, who: str) -> Iterator[Done]:
    """Every change of theirs that the journal has as done."""
    for name in work.situation.connections:
        invited: set[str] = set()
        for record in work.journal.chain(name).records():
            if record.body.get("step") != Step.WRITE:
                continue
            if record.kind == RecordKind.INTENT:
                theirs = (c for c in intended_changes(record.body) if c.identity == who and c.ways)
                invited |= {c.id for c in theirs if all(w.phase is Phase.PENDING for w in c.ways)}
            for result in record.body["results"] if record.kind == RecordKind.OUTCOME else ():
                if result.get("identity") == who and result["outcome"] in _DONE:
                    address, action = Address.parse(result["address"]), Action(result["action"])
                    yield Done(address, action, record.at, result["id"] in invited)
