"""How `adopt` goes about it: read once, find out what the files would have to say, prove it, then write.

The proof is two plans of the same reading, with the files as they are and as they would be: the second may differ by
ADOPT alone. Otherwise nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from provisioner.adopt import Adoption, Found, Settled, adopt, read_map, write_map
from provisioner.adopt.proof import unexpected
from provisioner.adopt.write import edits_for
from provisioner.cli.exit_codes import Exit
from provisioner.cli.files import Departed
from provisioner.cli.output import show
from provisioner.cli.running import progress_line
from provisioner.cli.wiring import Opened, Wanted, Work, open_work, situate
from provisioner.contract import Connection, ProviderError
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.engine import Planned, make_plan
from provisioner.files import Edit, write_all
from provisioner.files.additions import files_after
from provisioner.load import Loaded, load_files
from provisioner.model.change import Action
from provisioner.model.target import Mode, Target
from provisioner.observe.kept import KeptConnection, KeptReader
from provisioner.report import adopted as report
from provisioner.report.safe import guard, safe


def run(name: str, access: Path, map_file: Path | None, map_to: Path | None, *, diff: bool) -> int:
    """Does it, and tells what came of it; the exit status."""
    opened = open_work(Wanted(access, name))
    target = _one(opened, name)
    settled = {} if map_file is None else read_map(_read(map_file), str(map_file), target.name)
    work = situate(opened)
    connection = opened.connections[target.name]
    line = progress_line()
    try:
        reader = connection.reader()
    except ProviderError as error:
        raise _incomplete(target, str(error)) from None
    try:
        line(f"{target.name}: reading")
        kept = KeptReader(reader)
        line(f"{target.name}: read {len(kept.reading.state)} things in {kept.calls} calls")
        return _adopt(work, target, connection, kept, settled, map_to, diff=diff)
    except ProviderError as error:
        raise _incomplete(target, str(error)) from None
    finally:
        line.close()
        reader.close()


def _adopt(
    work: Work,
    target: Target,
    connection: Connection,
    kept: KeptReader,
    settled: Mapping[str, Settled],
    map_to: Path | None,
    *,
    diff: bool,
) -> int:
    loaded = work.files.loaded
    before = _plan(work, loaded, target.name, connection, kept)
    view = before.plan.targets[target.name]
    if not view.complete or target.name not in before.sides:
        gaps = "; ".join(f"{gap.scope}: {gap.proof}" for gap in view.coverage[:5])
        raise _incomplete(target, view.failed or gaps or "something was held back")
    adoption = adopt(_found(work, target, connection, kept, before), settled)
    edits = edits_for(adoption, loaded, work.opened.wanted.access)
    after = _proven(work, loaded, target.name, connection, kept, before, edits) if edits else before
    if map_to is not None:
        _write_map(map_to, target.name, adoption)
    if diff:
        show("".join(f"{guard(safe(line, 300))}\n" for edit in edits for line in edit.diff()))
    else:
        write_all(edits)
    show(report.text(_told(adoption, edits, after, kept, written=not diff, mapped=map_to)))
    return Exit.DONE


def _one(opened: Opened, name: str) -> Target:
    """The one target that is meant; instances are adopted one by one."""
    if len(opened.targets) == 1:
        return next(iter(opened.targets.values()))
    raise ProvisionError(
        Diagnostic(
            "option-value",
            f"`{name}` has {len(opened.targets)} instances",
            why="what lives in one of them is adopted at a time",
            fix=f"name one: {', '.join(sorted(opened.targets)[:10])}",
        )
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _cannot("--map", f"the map {path} cannot be read: {error.strerror}") from None


def _write_map(path: Path, target: str, adoption: Adoption) -> None:
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(write_map(target, adoption.doubts))
    except OSError as error:
        raise _cannot("--write-map", f"the map cannot be written to {path}: {error.strerror}") from None


def _cannot(option: str, message: str) -> ProvisionError:
    why = f"{option} takes the name of a file; one that is there is not overwritten"
    return ProvisionError(Diagnostic("option-value", message, why=why, fix="name another file"))


def _incomplete(target: Target, why: str) -> ProvisionError:
    return ProvisionError(
        Diagnostic(
            "adopt-incomplete",
            f"{target.name} could not be read completely, and nothing was written: {why}",
            location=target.location,
            why="from a short read people would get less than they hold, and the next plan would believe it",
            fix="see what the credential needs in the page of its provider, and run again",
            target=target.name,
        )
    )


def _plan(work: Work, loaded: Loaded, name: str, connection: Connection, kept: KeptReader) -> Planned:
    """The plan of one target by these files. In mode `report` as if it were `add`: there is something to see then."""
    target = loaded.declared.targets[name]
    if target.mode is Mode.REPORT:
        target = replace(target, mode=Mode.ADD)
    held = KeptConnection(
        target, connection.provider, connection.provider.declare(target), connection.environ, connection.owner, kept
    )
    # Whoever was cut off before the files said so is as good as gone.
    here = {i.id: i for i in loaded.declared.identities.values() if i.id not in work.situation.held}
    declared = replace(loaded.declared, identities=here, targets={**loaded.declared.targets, name: target})
    # Whether the journal is missing is for `plan` and `apply` to say: here nothing is given to anybody.
    known = {name: replace(work.situation.known_of(name), records=None, gap=None)}
    return make_plan(replace(work.situation, declared=declared, connections={name: held}, known=known, choose=None))


def _found(work: Work, target: Target, connection: Connection, kept: KeptReader, before: Planned) -> Found:
    side = before.sides[target.name]
    providers = work.files.providers
    declared = work.situation.declared
    gone = {*before.departed[target.name], *(i for p in work.situation.past for i in p.declared.identities)}
    gone.update(_departed(work))
    return Found(
        target=target,
        declare=connection.declare,
        live=kept.reading.state,
        matched=side.matched,
        desired=side.desired,
        declared=declared,
        declares={n: providers[t.provider].declare(t) for n, t in declared.targets.items()},
        now=work.situation.now,
        owner=connection.owner,
        going=frozenset(c.address for c in before.plan.changes if c.action is Action.REVOKE),
        once=frozenset(gone - set(declared.identities)),
        anchors=kept.me().anchors,
    )


def _departed(work: Work) -> Departed:
    return Departed(work.opened.wanted.access, work.files.root, work.files.providers)


def _proven(
    work: Work,
    loaded: Loaded,
    name: str,
    connection: Connection,
    kept: KeptReader,
    before: Planned,
    edits: Iterable[Edit],
) -> Planned:
    """The plan of the files as they would be. ProvisionError where they are not valid, or would change something."""
    files = files_after(loaded, edits)
    would_be = load_files(files, work.files.providers, folder=loaded.folder, departed=_departed(work))
    if not would_be.ok:
        raise _not_exact(name, [d.message for d in would_be.diagnostics if d.is_error])
    after = _plan(work, would_be, name, connection, kept)
    wrong = unexpected(before.parts[name].changes, after.parts[name].changes, before.desired[name])
    told = {(d.code, d.message) for d in before.plan.diagnostics}
    errors = [d for d in after.plan.diagnostics if d.is_error and (d.code, d.message) not in told]
    if wrong or errors:
        raise _not_exact(name, [f"{c.words} ({c.why})" for c in wrong] + [d.message for d in errors])
    return after


def _not_exact(name: str, found: list[str]) -> ProvisionError:
    more = f", and {len(found) - 5} more" if len(found) > 5 else ""
    return ProvisionError(
        Diagnostic(
            "adopt-not-exact",
            f"the files that would be written for {name} would not say what is there: {'; '.join(found[:5])}{more}",
            why="an adoption is written only where the next plan takes over what is there and changes nothing",
            fix="settle it with `--map`, or by hand; if nothing of it looks odd, please report it",
            target=name,
        )
    )


def _told(
    adoption: Adoption, edits: list[Edit], after: Planned, kept: KeptReader, *, written: bool, mapped: Path | None
) -> report.Adopted:
    """What the command came to, as the report wants it."""
    changes = after.plan.changes
    return report.Adopted(
        adoption.target,
        tuple(e.shown for e in edits),
        people=sum(p.new for p in adoption.people),
        merged=tuple((p.id, p.how.value) for p in adoption.people if not p.new and p.changes),
        roles=tuple(r.id for r in adoption.roles),
        things=sum(len(entries) for entries in adoption.objects.values()),
        holdings=adoption.holdings,
        adopts=sum(c.action is Action.ADOPT for c in changes),
        others=tuple(c.words for c in changes if c.action is not Action.ADOPT),
        bare=adoption.bare,
        doubts=tuple((d.account.address.object, d.why) for d in adoption.doubts),
        kept=tuple((str(k.address), k.why) for k in adoption.kept),
        calls=kept.calls,
        written=written,
        map_file=None if mapped is None else str(mapped),
    )
