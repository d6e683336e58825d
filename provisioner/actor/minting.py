"""Credentials of one run: made where it may have something, and all of them ended, whatever happens.

Intent first: what is to be given stands in the journal before the first call. What a run that died has left behind is
ended by whoever comes next. Refuses to go on where one credential of several could not be made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from provisioner.actor.shares import Share
from provisioner.contract import CannotNarrow, Minted, Minter, Mints, Order, Provider, ProviderError, Trouble
from provisioner.credentials import Secret
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.instant import Instant
from provisioner.model.target import Target
from provisioner.records.runs import Began, Over, record
from provisioner.records.store import RecordStore

CALL = 15.0
"""Seconds that one call of a minter may take."""
_TRIES = 3
_PAUSE = 0.5
_AGAIN = frozenset({Trouble.BUSY, Trouble.UNKNOWN, Trouble.UNREACHABLE})
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Means:
    """What minting needs beside what is to be given. `environ` holds the credential that mints."""

    providers: Mapping[str, Provider]
    environ: Mapping[str, str]
    owner: str | None
    store: RecordStore
    clock: Callable[[], Instant]
    tell: Tell

    def minter(self, target: Target) -> Minter:
        """ProvisionError where it cannot be opened."""
        provider = self.providers[target.provider]
        assert isinstance(provider, Mints)
        try:
            return provider.open_minter(target, self.environ, self.owner)
        except ProviderError as error:
            raise _failed(target, error) from None


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
        record(self.means.store, Over(self.run, self.means.clock(), how, tuple(ended), tuple(left)))
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
            minter = given.minters[share.target.name] = means.minter(share.target)
            sweep(share.target, minter, means)
        record(means.store, began)
        begun = True
        for share in shares:
            who, things = began.people[0], share.things
            more = (share.settings, share.others)
            order = Order(began.run, who, share.login, began.pipeline, things, began.ends, *more)
            given.minted[share.target.name] = _mint(share.target, given.minters[share.target.name], order)
    except BaseException:  # an interrupt too: nothing may be left of it
        if begun:
            given.end("it could not be begun", looking=True)
        given.close()
        raise
    return given


def sweep(target: Target, minter: Minter, means: Means) -> bool:
    """Ends what is over there; False where something of it is left. ProvisionError where it cannot even be asked."""
    try:
        left = minter.left()
    except ProviderError as error:
        raise _unswept(target, error) from None
    now = means.clock()
    clean = True
    for one in left:
        at = now if one.now is None else min(now, one.now)  # a clock that is ahead ends nobody's run
        if one.ends is None or one.ends <= at:
            told = _ended(minter, one.public_id)
            clean = clean and told is None
            means.tell(f"{target.name}: {one.public_id} of an earlier run " + (told or "is ended"))
            if told is None:
                record(
                    means.store, Over(one.run, now, "ended by a later run", (f"{target.name}: {one.public_id}",), ())
                )
    return clean


def end_run(run: str, targets: Iterable[Target], means: Means) -> tuple[int, tuple[str, ...]]:
    """Ends everything that a run was given; how many, and what could not be ended."""
    ended: list[str] = []
    left: list[str] = []
    for target in targets:
        minter = means.minter(target)
        try:
            found = [one for one in minter.left() if one.run == run]
            for one in found:
                told = _ended(minter, one.public_id)
                (ended if told is None else left).append(
                    f"{target.name}: {one.public_id}" + (f": {told}" if told else "")
                )
        except ProviderError as error:
            left.append(f"{target.name}: {error}")
        finally:
            minter.close()
    record(means.store, Over(run, means.clock(), "ended by `run --end`", tuple(ended), tuple(left)))
    return len(ended), tuple(left)


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
            fix="see that the credential that mints is in this job's environment and may do that: docs/run.md",
            target=target.name,
        )
    )


def _unswept(target: Target, error: ProviderError) -> ProvisionError:
    return ProvisionError(
        Diagnostic(
            "runs-unread",
            f"{target.name} could not be asked what earlier runs have left: {error}",
            why="what a run that died has left is ended by the next one, and by `expire`",
            fix="see that the credential for writing is there, and run again",
            target=target.name,
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
