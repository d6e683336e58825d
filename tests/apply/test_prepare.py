"""What is laid ready for runs, step by step: on record before it is done, shown before it counts, kept while it may be
in use."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from threading import Barrier

import pytest

from provisioner.apply.one_slot import Rotating
from provisioner.apply.prepare import Laid, LayReady, look_at_all
from provisioner.apply.retry import Waits
from provisioner.contract import Piece, Prepared, ProviderError, Trouble, Usual
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.records.chain import Chain
from provisioner.records.folder import FolderStore
from provisioner.records.journal import Journal
from provisioner.records.run import RunInfo
from tests.builders import NOW, REVISION, TREE

ONE, TWO = Piece("one", "1", ("ada in site",)), Piece("two", "2", tuple(f"p{n} in site" for n in range(5)))
QUICK = Waits(sleep=lambda _: None, first=0.001, longest=0.001, patience=0.05)


class Shelf:
    """A system where pieces lie. `trouble` is raised after that many calls that change something, which are done."""

    def __init__(self, wanted: Sequence[Piece], lying: Sequence[str] = ()) -> None:
        self.wanted, self.lying = tuple(wanted), set(lying)
        self.hidden: set[str] = set()
        self.trouble: dict[str, BaseException] = {}
        self.calls: list[str] = []

    def look(self, usual: Sequence[Usual], known: Collection[str]) -> Prepared:
        names = {piece.name for piece in self.wanted}
        lacking = tuple(p for p in self.wanted if p.name not in self.lying - self.hidden)
        return Prepared(lacking, tuple(sorted(set(known) - names)), tuple(sorted(self.lying - names - set(known))))

    def make(self, piece: Piece, deadline: float) -> None:
        self._change(f"make {piece.name}", lambda: self.lying.add(piece.name))

    def drop(self, name: str, deadline: float) -> None:
        self._change(f"drop {name}", lambda: self.lying.discard(name))

    def close(self) -> None: ...

    def _change(self, call: str, act: Callable[[], None]) -> None:
        self.calls.append(call)
        trouble = self.trouble.pop(call, None)
        if not (isinstance(trouble, ProviderError) and trouble.trouble is Trouble.DENIED):
            act()
        if trouble is not None:
            raise trouble


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Journal(FolderStore(tmp_path)).chain("aws")


def lay(
    shelf: Shelf,
    chain: Chain,
    going_on: Callable[[], Sequence[str]] = lambda: (),
    lost: Callable[[], Diagnostic | None] = lambda: None,
    drops: bool = True,
) -> Laid:
    of = Rotating(RunInfo("r", "ada", REVISION, TREE, ""), lambda: NOW, QUICK, lambda _: None, lost)
    return LayReady("aws", shelf, (), chain, of, going_on, drops).go()


def once_made(chain: Chain, *names: str) -> None:
    """By an earlier run."""
    shelf = Shelf([Piece(name, name, ()) for name in names])
    lay(shelf, chain)


def told(chain: Chain) -> list[tuple[str, str, str]]:
    return [(r.body["step"], r.body["phase"], r.body["name"]) for r in chain.records()]


def test_an_intent_is_on_record_before_each_call(chain: Chain) -> None:
    once_made(chain, "old")
    shelf = Shelf([ONE, TWO], ["old"])
    found = lay(shelf, chain)
    assert shelf.lying == {"one", "two"}
    assert told(chain)[2:] == [(step, phase, name) for step, name in (("make", "one"), ("make", "two"), ("drop", "old"))
                           for phase in ("intent", "done")]  # fmt: skip
    assert found.done == [
        "one lies ready for runs of ada in site",
        "two lies ready for runs of p0 in site, p1 in site, p2 in site and 2 more",
        "old is taken away: no run needs it",
    ]
    assert lay(shelf, chain) == Laid("aws") and chain.ready() == {"one", "two"}


def test_a_run_that_dies_is_gone_on_with_by_the_next(chain: Chain) -> None:
    shelf = Shelf([ONE, TWO])
    shelf.trouble["make one"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        lay(shelf, chain)
    assert chain.ready() == {"one"}
    assert lay(shelf, chain).done == ["two lies ready for runs of p0 in site, p1 in site, p2 in site and 2 more"]


def test_an_answer_that_got_lost_is_asked_for_again_and_a_refusal_is_told(chain: Chain) -> None:
    once_made(chain, "old")
    shelf = Shelf([ONE, TWO], ["old"])
    shelf.trouble["make one"] = ProviderError(Trouble.UNKNOWN, "no answer")
    shelf.trouble["make two"] = ProviderError(Trouble.DENIED, "may not")
    shelf.trouble["drop old"] = ProviderError(Trouble.DENIED, "may not")
    found = lay(shelf, chain)
    assert shelf.calls == ["make one", "make one", "make two", "drop old"]
    assert found.failed == [
        "two is not there, so its runs are refused: may not (call: denied)",
        "old is not taken away: may not (call: denied)",
    ]
    assert ("make", "failed", "two") in told(chain)


def test_what_does_not_show_yet_is_not_called_ready(chain: Chain) -> None:
    shelf = Shelf([ONE])
    shelf.hidden = {"one"}
    assert "does not show yet" in lay(shelf, chain).waits[0]


def test_nothing_is_taken_away_while_a_run_may_have_it_or_where_that_is_not_asked(chain: Chain) -> None:
    once_made(chain, "old")
    shelf = Shelf([], ["old"])
    found = lay(shelf, chain, going_on=lambda: ["r1"])
    assert (shelf.calls, found.waits) == ([], ["old stays until run r1 is over: it may have been given it"])
    assert lay(shelf, chain, drops=False) == Laid("aws")


def test_a_run_that_begins_meanwhile_keeps_what_is_not_taken_away_yet(chain: Chain) -> None:
    once_made(chain, "old", "older", "oldest")
    shelf = Shelf([], ["old", "older", "oldest"])
    asked: Iterator[list[str]] = iter([[], ["r1"]])
    found = lay(shelf, chain, going_on=lambda: next(asked))
    assert shelf.calls == ["drop old"]
    assert found.waits == ["2 that no run needs stay until run r1 is over: it may have been given them"]


def test_what_the_journal_does_not_know_is_left_and_what_is_gone_is_known_to_be(chain: Chain) -> None:
    once_made(chain, "gone")
    shelf = Shelf([], ["somebody's"])
    found = lay(shelf, chain)
    assert shelf.lying == {"somebody's"} and found.strange == ["somebody's"]
    assert chain.ready() == frozenset()
    assert lay(shelf, chain).done == []


def test_many_systems_are_looked_at_side_by_side(chain: Chain) -> None:
    both = Barrier(2)

    class Slow(Shelf):
        def look(self, usual: Sequence[Usual], known: Collection[str]) -> Prepared:
            both.wait(30)  # until the other one is looked at as well
            return super().look(usual, known)

    class Broken(Shelf):
        def look(self, usual: Sequence[Usual], known: Collection[str]) -> Prepared:
            raise ProviderError(Trouble.DENIED, "may not")

    found = look_at_all({"a": (Slow([ONE]), (), ()), "b": (Slow([TWO]), (), ("old",)), "c": (Broken([]), (), ())})
    assert list(found) == ["a", "b", "c"]
    assert (found["a"], found["b"]) == (Prepared((ONE,)), Prepared((TWO,), ("old",)))
    assert isinstance(found["c"], ProviderError)
    assert look_at_all({}) == {}


def test_nothing_is_begun_once_the_lock_is_lost(chain: Chain) -> None:
    shelf = Shelf([ONE])
    with pytest.raises(ProvisionError):
        lay(shelf, chain, lost=lambda: Diagnostic("lock-lost", "lost"))
    assert (shelf.calls, told(chain)) == ([], [])
