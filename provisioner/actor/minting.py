"""Credentials of one run: made where it may have something, and all of them ended, whatever happens.

Intent first: what is to be given stands in the journal before the first call. What a run that died has left behind is
ended by whoever comes next. Refuses to go on where one credential of several could not be made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from provisioner.actor.shares import Share
from provisioner.contract import CannotNarrow, Minted, Minter, Mints, Order, Provider, ProviderError, Trouble
from provisioner.credentials import Secret
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.instant import Instant
from provisioner.model.target import Mode, Target
from provisioner.records.runs import Began, Over, Unended, begun, record
from provisioner.records.store import RecordStore

CALL = 15.0
"""Seconds that one call of a minter may take."""
_TRIES = 3
_PAUSE = 0.5
_AGAIN = frozenset({Trouble.BUSY, Trouble.UNKNOWN, Trouble.UNREACHABLE})
Tell = Callable[[str], None]
Told = Callable[[Target, ProviderError], ProvisionError]


@dataclass(frozen=True)
class Means:
    """What minting needs beside what is to be given. `environ` holds the credential that mints. `settled` is said when
    all is made, or is to be ended: nothing may break that off."""

    providers: Mapping[str, Provider]
    environ: Mapping[str, str]
    owner: str | None
    store: RecordStore
    clock: Callable[[], Instant]
    tell: Tell
    settled: Callable[[], None] = lambda: None

    def minter(self, target: Target, told: Told) -> Minter:
        """ProvisionError, as `told` has it, where it cannot be opened."""
        provider = self.providers[target.provider]
        assert isinstance(provider, Mints)
        try:
            return provider.open_minter(target, self.environ, self.owner)
        except ProviderError as error:
            raise told(target, error) from None


@dataclass
class Given:
    """The credentials of one run, as long as they last. `failed`: one of them could not be ended."""

    run: str
    means: Means
    ends: Instant
    minters: dict[str, Minter] = field(default_factory=dict)
    minted: dict[str, Minted] = field(default_factory=dict)
    failed: bool = False

    @property
    def environ(self) -> dict[str, Secret | str]:
        """What CMD is given in its environment."""
        return {name: value for one in self.minted.values() for name, value in one.environ.items()}

    def end(self, how: str, *, looking: bool = False) -> tuple[str, ...]:
        """Ends all of them, and puts it on record; what is left, in words. `looking`: also what a call made that did
        not answer."""
        ended: list[str] = []
        left: list[str] = []
        for target, minted in self.minted.items():
            if not minted.taken_back:
                left.append(f"{target}: {minted.public_id} ends by itself at {minted.ends:%Y-%m-%d %H:%M:%S} UTC")
        for target, minter in self.minters.items():
            mine = self.minted.get(target)
            ids = [mine.public_id] if mine is not None and mine.taken_back else []
            try:
                if looking and mine is None:
                    ids += [one.public_id for one in minter.left() if one.run == self.run]
            except ProviderError as error:
                self.failed = True
                left.append(f"{target}: {error}")
            for public_id in ids:
                told = _ended(minter, public_id)
                self.failed = self.failed or told is not None
                (ended if told is None else left).append(f"{target}: {public_id}" + (f": {told}" if told else ""))
        over = Over(self.run, self.means.clock(), how, tuple(ended), tuple(left), not self.failed)
        record(self.means.store, over)
        return tuple(left)

    def close(self) -> None:
        for minter in self.minters.values():
            minter.close()


def give(began: Began, shares: Sequence[Share], means: Means) -> Given:
    """Makes a credential on each target, after what earlier runs left there was ended. ProvisionError where one could
    not be made: then none is left."""
    given = Given(began.run, means, began.ends)
    begun = False
    try:
        for share in shares:
            minter = given.minters[share.target.name] = means.minter(share.target, _failed)
            sweep(share.target, minter, means)
        record(means.store, began)
        begun = True
        for share in shares:
            who, things = began.people[0], share.things
            more = (share.settings, share.others)
            order = Order(began.run, who, share.login, began.pipeline, things, began.ends, *more)
            given.minted[share.target.name] = _mint(share.target, given.minters[share.target.name], order)
        means.settled()
    except BaseException:  # an interrupt too: nothing may be left of it
        means.settled()
        try:
            if begun:
                _tell_left(given.end("it could not be begun", looking=True), means)
        finally:
            given.close()
        raise
    return given


def _tell_left(left: Sequence[str], means: Means) -> None:
    for line in left:
        means.tell(f"left: {line}")


def sweep(
    target: Target, minter: Minter, means: Means, unsaid: Sequence[Unended] = (), by: str = "a later run"
) -> bool:
    """Ends what is over there; False where something of it is left. ProvisionError where it cannot even be asked. Of
    `unsaid`, whose end is not on record, it is put there where nothing of it is found. `by`: who does it, in words."""
    try:
        left = minter.left()
    except ProviderError as error:
        raise unswept(target, error) from None
    now = means.clock()
    clean = True
    for one in left:
        at = now if one.now is None else min(now, one.now)  # a clock that is ahead ends nobody's run
        if one.ends is None or one.ends <= at:
            told = _ended(minter, one.public_id)
            clean = clean and told is None
            means.tell(f"{target.name}: {one.public_id} of an earlier run " + (told or "is ended"))
            if told is None:
                record(means.store, Over(one.run, now, f"ended by {by}", (f"{target.name}: {one.public_id}",), ()))
    there = {one.run for one in left}
    for began in [one.began for one in unsaid if one.began.run not in there]:
        if target.name in began.given and began.ends <= now:
            record(means.store, Over(began.run, now, f"looked for by {by}, which found nothing of it", (), ()))
    return clean


@dataclass(frozen=True)
class Ending:
    """What `end_run` came to. `left`, in words, is all that still works or may; `failed`: some of it should not."""

    ended: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    failed: bool = False


def end_run(run: str, targets: Mapping[str, Target], means: Means) -> Ending:
    """Ends everything that a run was given, on the targets that its record names. ProvisionError where there is none.
    A target that fails does not hold up the others."""
    found = begun(means.store, run)
    if not found:
        raise _unknown_run(run, means.store.where())
    ends = max(one.ends for one in found)
    names = dict.fromkeys(name for one in found for name in one.given)
    each = [_end_on(name, targets.get(name), run, ends, means) for name in names]
    ended, left = tuple(x for one in each for x in one.ended), tuple(x for one in each for x in one.left)
    failed = any(one.failed for one in each)
    record(means.store, Over(run, means.clock(), "ended by `run --end`", ended, left, not failed))
    return Ending(ended, left, failed)


def _end_on(name: str, target: Target | None, run: str, ends: Instant, means: Means) -> Ending:
    provider: object = None if target is None else means.providers[target.provider]
    if target is None or not isinstance(provider, Mints):
        return Ending(left=(f"{name}: the files that count have no such target any more",), failed=True)
    if not provider.takes_back:
        at = f"{name}: what it was given ends by itself at {ends:%Y-%m-%d %H:%M:%S} UTC"
        return Ending(left=(at,) if ends > means.clock() else ())
    if target.mode is Mode.REPORT:
        return Ending(left=(f"{name}: it is in mode report now, where nothing is changed",), failed=True)
    ended: list[str] = []
    left: list[str] = []
    try:
        minter = means.minter(target, unswept)
        try:
            for one in [x for x in minter.left() if x.run == run]:
                told = _ended(minter, one.public_id)
                (ended if told is None else left).append(f"{name}: {one.public_id}" + (f": {told}" if told else ""))
        finally:
            minter.close()
    except ProviderError as error:
        left.append(f"{name}: {error}")
    except ProvisionError as error:
        left.append(f"{name}: {'; '.join(d.message for d in error.diagnostics)}")
    return Ending(tuple(ended), tuple(left), bool(left))


def _mint(target: Target, minter: Minter, order: Order) -> Minted:
    for number in range(1, _TRIES + 1):
        try:
            return minter.mint(order, time.monotonic() + CALL)
        except ProviderError as error:
            if error.trouble in _AGAIN and number < _TRIES:
                time.sleep(_PAUSE)
                continue
            raise _failed(target, error) from None
    raise AssertionError("the last try returns or raises")


def _ended(minter: Minter, public_id: str) -> str | None:
    """None where it is gone, else why not."""
    told = ""
    for number in range(_TRIES):
        try:
            minter.end(public_id, time.monotonic() + CALL)
        except ProviderError as error:
            told = f"could not be ended: {error}"
            if error.trouble not in _AGAIN:
                break
            time.sleep(_PAUSE if number < _TRIES - 1 else 0)
        else:
            return None
    return told


def _failed(target: Target, error: ProviderError) -> ProvisionError:
    if isinstance(error, CannotNarrow):
        return cannot_narrow(target.name, error.reasons)
    return ProvisionError(
        Diagnostic(
            "not-minted",
            f"no credential could be made on {target.name}: {error}",
            why="the run is given nothing where it is not given all that it needs; what was made is ended",
            fix=_mend(error),
            target=target.name,
        )
    )


def unswept(target: Target, error: ProviderError) -> ProvisionError:
    """Nobody knows what is left there."""
    return ProvisionError(
        Diagnostic(
            "runs-unread",
            f"{target.name} could not be asked what earlier runs have left: {error}",
            why="what a run that died has left is ended by the next one, and by `expire`",
            fix=_mend(error),
            target=target.name,
        )
    )


def _mend(error: ProviderError) -> str:
    if error.trouble in (Trouble.UNREACHABLE, Trouble.BUSY, Trouble.UNKNOWN, Trouble.PARTIAL):
        return "see that the system is up and can be reached from here, and run again"
    return "see that the credential that makes and ends these is in this environment and may do that: docs/run.md"


def _unknown_run(run: str, where: str) -> ProvisionError:
    return ProvisionError(
        Diagnostic(
            "option-value",
            f"--end {run[:60]!r}: no run of that id is on record in {where}",
            why="a run is on record before anything is made for it; nothing was looked at, so nothing is called gone",
            fix="provision journal runs shows the ids; see that --journal names the journal that the run wrote",
        )
    )


def cannot_narrow(target: str, told: Sequence[str]) -> ProvisionError:
    """A system has no way to give exactly what is shared."""
    return ProvisionError(
        Diagnostic(
            "cannot-narrow",
            f"{target} cannot be narrowed to what the person and the pipeline share: {'; '.join(told)}",
            why="what would be left out could be a restriction, so nothing is given",
            fix="change what the person's role or the pipeline's scope gives there, or choose another --target",
            target=target,
        )
    )
