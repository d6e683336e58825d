"""What has to lie ready on a target before runs come: made, shown, and taken away again when no run needs it.

    look -> (intent -> make -> outcome) -> look again -> (intent -> drop -> outcome)

Everything in it may be said again, so a run that dies is gone on with by the next look. Nothing is taken away that the
journal does not say was made here, nor what some run that is going on may have been given: half of its prohibitions may
be in there. It refuses to begin anything once the lock is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from provisioner.apply.one_slot import Rotating
from provisioner.apply.retry import poll, repeat
from provisioner.contract import Piece, Prepared, Preparer, ProviderError, Usual
from provisioner.diagnostics import ProvisionError
from provisioner.model.rotation import Phase
from provisioner.records.chain import Chain
from provisioner.records.prepared import Prepare, prepared_body
from provisioner.records.record import RecordKind

PARALLEL = 8
"""Targets that are looked at at a time."""


@dataclass
class Laid:
    """What became of it on one target, in words: `done`, `failed`, what has to wait, and what is there and is not as we
    make it."""

    target: str
    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LayReady:
    """One target. `usual` are the runs that may come; `going_on` tells those that are not over. `drops` False: what no
    run needs is left. `progress` is told of each step."""

    target: str
    preparer: Preparer
    usual: Sequence[Usual]
    chain: Chain
    of: Rotating
    going_on: Callable[[], Sequence[str]]
    drops: bool = True
    progress: Callable[[str], None] = lambda _: None

    def go(self) -> Laid:
        """Raises ProvisionError where the journal cannot be written, or the lock is lost."""
        told = Laid(self.target)
        try:
            found = self._look()
            told.strange += found.strange
            made = [piece for piece in found.lacking if self._make(piece, told)]
            if made:
                self._shown(made, told)
            if found.needless and self.drops:
                self._drop(found.needless, told)
        except ProviderError as error:
            told.failed.append(str(error))
        return told

    def _look(self) -> Prepared:
        return repeat(lambda: self.preparer.look(self.usual, self.chain.ready()), self.of.waits)

    def _make(self, piece: Piece, told: Laid) -> bool:
        self.progress(f"{piece.name} is laid ready")
        done = self._step(Prepare.MAKE, piece.name, piece.runs, lambda d: self.preparer.make(piece, d), told)
        if done:
            told.done.append(f"{piece.name} lies ready for runs of {few(piece.runs)}")
        return done

    def _shown(self, made: Sequence[Piece], told: Laid) -> None:
        """Systems take a while to show something new everywhere; until then runs of it are refused."""
        names = {piece.name for piece in made}

        def shown() -> bool:
            nonlocal names
            names = {piece.name for piece in self._look().lacking} & names
            return not names

        poll(self.of.waits, self.of.waits.patience, shown, self.of.waits.stopped)
        told.waits += [f"{name} is made and does not show yet: until it does, its runs are refused" for name in names]

    def _drop(self, needless: Sequence[str], told: Laid) -> None:
        for number, name in enumerate(needless):
            going_on, rest = self.going_on(), needless[number:]
            if going_on:
                one = len(rest) == 1
                what = f"{name} stays" if one else f"{len(rest)} that no run needs stay"
                told.waits.append(f"{what} until {_over(going_on)}: it may have been given {'it' if one else 'them'}")
                return
            self.progress(f"{name} is taken away")
            if self._step(Prepare.DROP, name, (), lambda d, name=name: self.preparer.drop(name, d), told):  # type: ignore[misc]
                told.done.append(f"{name} is taken away: no run needs it")

    def _step(self, step: Prepare, name: str, runs: Sequence[str], act: Callable[[float], None], told: Laid) -> bool:
        lost = self.of.lost()
        if lost is not None:
            raise ProvisionError(lost)
        self._note(step, Phase.INTENT, name, runs)
        try:
            repeat(lambda: act(self.of.waits.deadline()), self.of.waits)
        except ProviderError as error:
            self._note(step, Phase.FAILED, name, why=str(error))
            became = "is not there, so its runs are refused" if step is Prepare.MAKE else "is not taken away"
            told.failed.append(f"{name} {became}: {error}")
            return False
        self._note(step, Phase.DONE, name, runs)
        return True

    def _note(self, step: Prepare, phase: Phase, name: str, runs: Sequence[str] = (), why: str = "") -> None:
        body = prepared_body(step, phase, name, runs, why)
        self.chain.append(RecordKind.PREPARE, body, run=self.of.run, at=self.of.clock())


Asked = tuple[Preparer, Sequence[Usual], Collection[str]]
"""Whom to ask, and what `look` takes."""


def look_at_all(asked: Mapping[str, Asked]) -> dict[str, Prepared | ProviderError]:
    """What lies ready on each target, by name, asked side by side; writes nothing."""

    def look(one: Asked) -> Prepared | ProviderError:
        preparer, usual, known = one
        try:
            return preparer.look(usual, known)
        except ProviderError as error:
            return error

    with ThreadPoolExecutor(max(1, min(PARALLEL, len(asked)))) as pool:
        return dict(zip(asked, pool.map(look, asked.values()), strict=True))


def few(names: Sequence[str]) -> str:
    """The first of them, and how many there are beside."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _over(runs: Sequence[str]) -> str:
    return f"run {runs[0]} is over" if len(runs) == 1 else f"runs {few(runs)} are over"
