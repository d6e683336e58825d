"""The steps of `provision run`: who it is for, what that comes to, the credentials, the command, the end.

Decides nothing that `actor` does not say. Prints no credential.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import typer

from provisioner import __version__
from provisioner.actor.decide import Asked, Decision, decide, decide_said
from provisioner.actor.found import Found
from provisioner.actor.hidden import without_minting
from provisioner.actor.minting import Given, Means, cannot_narrow, end_run, give
from provisioner.actor.published import Published, published
from provisioner.actor.shares import Asking, Share, max_duration, refused, shares
from provisioner.actor.systems import Run, open_run
from provisioner.ci.recognise import this_run
from provisioner.cli import process
from provisioner.cli.child import close_to_others, run_until
from provisioner.cli.deciding import JOURNAL, refuse, refuse_and_stop, told_journal
from provisioner.cli.exit_codes import Exit
from provisioner.cli.interrupts import Kept, kept
from provisioner.cli.output import show, tell
from provisioner.cli.sealing import check_seal, new_key, unseal
from provisioner.cli.sealing import seal as sealed_into
from provisioner.cli.wiring import Wanted as WantedFiles
from provisioner.cli.wiring import now, open_work, targets_meant
from provisioner.credentials import Secret
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.instant import at_second, format_duration, format_instant, parse_duration
from provisioner.providers import catalog
from provisioner.records.journal import Journal
from provisioner.records.runs import Began, new_run
from provisioner.report.safe import guard, safe

BY_HAND = "by hand"
_LONGEST = timedelta(days=1)
"""Whatever `max_duration` says: a login that lasts longer would not pass for one of a run."""
USUAL = timedelta(minutes=15)
"""How long a run may last that does not say."""
_RULE = "a run is given no more than whoever set it going and its pipeline both have"


@dataclass(frozen=True)
class Wanted:
    """What was asked for. `person` and `pipeline` are said by whoever runs it, where no CI tells."""

    environment: str
    role: str | None
    target: str | None
    length: timedelta | None
    person: str | None
    pipeline: str | None
    wait: float


@dataclass(frozen=True)
class Place:
    """Where the declarations that count lie; on a person's machine the access files may tell."""

    journal: str | None
    access: Path

    def open(self) -> Journal:
        """ProvisionError where nothing says where it is."""
        if self.journal or os.environ.get(JOURNAL) or this_run(os.environ).system:
            return told_journal(self.journal)
        return open_work(WantedFiles(self.access, planning=False)).journal


@dataclass(frozen=True)
class _Ready:
    """Who it is for, what they get and for how long; nothing is made yet."""

    asking: Asking
    length: timedelta
    found: Found
    proven: bool
    counting: Published
    journal: Journal
    shares: tuple[Share, ...]


def duration(text: str | None) -> timedelta | None:
    """Of `--for`."""
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"--for: {error}") from None


def run_here(wanted: Wanted, place: Place, command: Sequence[str]) -> int:
    """Makes the credentials, runs the command, ends them; the command's exit status."""
    if process.is_own():
        close_to_others()
    ready = _ready(wanted, place)
    if isinstance(ready, int):
        return ready
    with kept() as signals:  # from when all is made until all is ended, none breaks it off
        given = _given(wanted, ready, signals)
        try:
            _tell_given(given, ready)
            environ = _environment(ready.counting, given.environ)
            signals.check()
            ended = run_until(command, environ, (given.ends - now()).total_seconds(), early=signals.came)
        except BaseException:  # whatever broke it off: a credential that was made is ended, and then it goes on
            _end(given, "broken off", quiet=True)
            raise
        _end(given, ended.how)
    if ended.status in (126, 127, 124):
        tell(f"{safe(ended.how, 400)}\n")
    return Exit.FAILED if given.failed and ended.status == 0 else ended.status


def seal(wanted: Wanted, place: Place, public_key: str, out: Path) -> int:
    """Makes the credentials and seals them for another job; prints the id of the run."""
    check_seal(public_key, out)
    ready = _ready(wanted, place)
    if isinstance(ready, int):
        return ready
    with kept() as signals:
        given = _given(wanted, ready, signals)
        try:
            _tell_given(given, ready)
            sealed_into(public_key, given.run, given.ends, given.environ, out)
            show(f"{given.run}\n")
            signals.check()
        except BaseException:  # as above: nobody has it, so nobody would end it
            _end(given, "not handed over", quiet=True)
            raise
        given.close()
    return Exit.DONE


def run_sealed(place: Path, key: Path, command: Sequence[str]) -> int:
    """Runs the command with what another job sealed. Nothing here can make or end a credential."""
    if process.is_own():
        close_to_others()
    found = unseal(place, key)
    seconds = (found.ends - now()).total_seconds()
    if seconds <= 0:
        raise ProvisionError(
            Diagnostic(
                "run-over",
                f"the credentials of run {safe(found.run)} are over since {format_instant(found.ends)}",
                why="they are made for minutes, and for one run",
                fix="start the run again from its first job",
            )
        )
    ended = run_until(command, _with(found.environ, without_minting(os.environ, ())), seconds)
    if ended.status in (126, 127, 124):
        tell(f"{safe(ended.how, 200)}\n")
    return ended.status


def make_key(place: Path) -> int:
    """A key pair: the private one into a file, the public one printed."""
    show(f"{new_key(place)}\n")
    return Exit.DONE


def end(run: str, place: Place) -> int:
    """Ends what a run was given, wherever that is."""
    journal = place.open()
    counting = published(journal, catalog.all_providers(), catalog.PLANNED)
    done = end_run(run, counting.declared.targets, _means(journal, counting))
    for line in done.left:
        tell(f"left: {safe(line, 400)}\n")
    show(f"{len(done.ended)} ended.\n" if done.ended else "" if done.left else "Nothing of it is left.\n")
    return Exit.FAILED if done.failed else Exit.DONE


def _ready(wanted: Wanted, place: Place) -> _Ready | int:
    """Who it is and what they get; or the exit status, where they may not."""
    asked = Asked(wanted.environment, wanted.role)
    system = this_run(os.environ).system
    _check_said(wanted, system)
    journal = place.open()
    providers = catalog.all_providers()
    counting = published(journal, providers, catalog.PLANNED)
    run, at = None, now()
    if system:
        run = open_run(system, counting.declared, os.environ)
        found = run.found(wanted.environment, ())
        decision, pipeline = decide(asked, found, counting.counting, at), found.pipeline
    else:
        found = Found(BY_HAND, "", "", "", ())
        decision = decide_said(asked, wanted.person or "", counting.counting, at)
        pipeline = wanted.pipeline or ""
    trees = counting.counting.trees
    if trees:
        targets_meant({name: t for declared in trees for name, t in declared.targets.items()}, wanted.target)
    asking = Asking(asked, decision.people, pipeline, wanted.target)
    decision = decision if not decision.allowed else refused(asking, trees) or decision
    given: tuple[Share, ...] = ()
    length = USUAL
    if decision.allowed:
        length = _length(wanted, min(max_duration(asking, trees), _LONGEST))
        given = shares(asking, trees, providers, at)
        for share in given:
            if share.cannot:
                raise cannot_narrow(share.target.name, share.cannot)
        given = tuple(share for share in given if share.things)
        decision = decision if given else _nothing(asking)
    if not decision.allowed:
        return _refused(run, asked, found, decision, journal, counting, wanted.wait)
    _check_apart(given)
    return _Ready(asking, length, found, run is not None, counting, journal, given)


def _refused(
    run: Run | None,
    asked: Asked,
    found: Found,
    decision: Decision,
    journal: Journal,
    counting: Published,
    wait: float,
) -> int:
    if run is not None:
        return refuse_and_stop(run, asked, found, decision, journal, counting, wait)
    refuse(decision, _RULE, "docs/run.md, and docs/gate.md behind it,")
    return Exit.NOT_ALLOWED


def _given(wanted: Wanted, ready: _Ready, signals: Kept) -> Given:
    at = now()
    ends = min([at + ready.length, *(share.ends for share in ready.shares if share.ends is not None)])
    asking, found = ready.asking, ready.found
    began = Began(
        run=new_run(),
        at=at,
        ends=ends,
        environment=wanted.environment,
        role=wanted.role,
        people=asking.people,
        proven=ready.proven,
        accounts=tuple(f"{part.did}: {part.who}" for part in found.starters),
        ci=found.system,
        ci_run=found.run,
        url=found.url,
        pipeline=asking.pipeline,
        given={share.target.name: share.words for share in ready.shares},
        tree=ready.counting.entry.applied or ready.counting.entry.seen,
        engine=__version__,
    )
    return give(began, ready.shares, replace(_means(ready.journal, ready.counting), settled=signals.keep))


def _tell_given(given: Given, ready: _Ready) -> None:
    who = " and ".join(ready.asking.people)
    for share in ready.shares:
        until = given.minted[share.target.name].ends
        at = f"{until:%H:%M:%S} UTC" if until.date() == now().date() else at_second(until)
        line = f"{share.target.name}: for {who}: {'; '.join(share.words)}; until {at} (run {given.run})"
        tell(f"{guard(safe(line, 1000))}\n")


def _end(given: Given, how: str, *, quiet: bool = False) -> None:
    """Ends it, and says what is left. `quiet`: that cannot be said matters less than what went wrong before."""
    try:
        left = given.end(how)
    finally:
        given.close()
    with suppress(*[ProvisionError] if quiet else ()):
        for line in left:
            tell(f"left: {safe(line, 400)}\n")


def _means(journal: Journal, counting: Published) -> Means:
    owner = counting.declared.records.owner
    providers = catalog.all_providers()
    return Means(providers, os.environ, owner, journal.store, now, lambda line: tell(f"{safe(line, 400)}\n"))


def _environment(counting: Published, minted: dict[str, Secret | str]) -> dict[str, str]:
    return _with(minted, without_minting(os.environ, (counting.declared, *counting.counting.trees)))


def _with(minted: Mapping[str, Secret | str], environ: dict[str, str]) -> dict[str, str]:
    return environ | {name: v.reveal() if isinstance(v, Secret) else v for name, v in minted.items()}


def _nothing(asking: Asking) -> Decision:
    who, asked = " and ".join(asking.people), asking.asked
    where = f"{asking.target} in {asked.environment}" if asking.target else asked.environment
    sentence = f"{who} and the pipeline {asking.pipeline} have nothing in common on {where}"
    return Decision(False, asking.people, sentence, "nothing-shared")


def _check_said(wanted: Wanted, system: str) -> None:
    said = wanted.person is not None or wanted.pipeline is not None
    if system and said:
        raise _wrong(
            f"--person and --pipeline are not for a job of {system}",
            "its API says who it is; what a job says of itself is not believed",
            "leave them out",
        )
    if not system and (wanted.person is None or wanted.pipeline is None):
        missing = [n for n, v in (("--person P", wanted.person), ("--pipeline ID", wanted.pipeline)) if v is None]
        raise _wrong(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
            "no CI system runs this, so it has to be said who it is for, and which pipeline's scope counts",
            f"provision run --environment {wanted.environment} --person P --pipeline ID -- CMD",
        )


def _length(wanted: Wanted, most: timedelta) -> timedelta:
    if wanted.length is None:
        return min(USUAL, most)
    if wanted.length > most or wanted.length <= timedelta(0):
        raise _wrong(
            f"--for {format_duration(wanted.length)}: a run of this pipeline lasts {format_duration(most)} at most",
            "that is its `max_duration`, an hour where it says none, and a day at the very most",
            f"ask for --for {format_duration(most)} or less"
            + (", or have `max_duration` raised under `pipelines:`" if most < _LONGEST else ""),
        )
    return wanted.length


def _check_apart(given: Sequence[Share]) -> None:
    """Two credentials of one kind would be told by the same variables."""
    kinds: dict[str, list[str]] = {}
    for share in given:
        kinds.setdefault(share.target.provider, []).append(share.target.name)
    for names in kinds.values():
        if len(names) > 1:
            raise _wrong(
                f"{' and '.join(names)} would be told by the same variables",
                "a client of that system reads one set of them",
                f"choose one: --target {names[0]}",
            )


def _wrong(told: str, why: str, fix: str) -> ProvisionError:
    return ProvisionError(Diagnostic("option-value", told, why=why, fix=fix))
