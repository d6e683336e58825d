"""What is written at once, and in which order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.apply.units import Job, Queue, in_order
from provisioner.model.address import Address
from provisioner.model.change import Change
from provisioner.model.unit import Unit, UnitMode
from tests.apply.fakes import document
from tests.builders import change


def revoke(name: str, *needs: Change) -> Change:
    return change("revoke", f"t:membership/devs/{name}", needs=tuple(n.id for n in needs))


def create(name: str, *needs: Change) -> Change:
    return change("create", f"t:membership/devs/{name}", needs=tuple(n.id for n in needs))


def call(address: Address) -> Unit:
    return Unit(str(address))


def names(jobs: list[Job]) -> list[list[str]]:
    return [[c.address.principal.id for c in j.changes if c.address.principal] for j in jobs]


def everything(_change: Change) -> bool:
    return True


def test_narrowing_and_widening_are_never_in_one_batch() -> None:
    queue = Queue([revoke("a"), create("b")], document("doc"), 10)
    assert names(queue.take(everything)) == [["a"]]
    assert names(queue.take(everything)) == [["b"]]
    assert queue.take(everything) == []


def test_transaction_takes_both() -> None:
    queue = Queue([revoke("a"), create("b")], lambda _: Unit("db", UnitMode.TRANSACTION), 10)
    assert names(queue.take(everything)) == [["a", "b"]]


def test_document_takes_all_that_is_ready_of_it() -> None:
    def unit(address: Address) -> Unit:
        who = address.principal.id if address.principal else ""
        return Unit("doc", UnitMode.DOCUMENT) if who.startswith("d") else Unit(str(address))

    queue = Queue([revoke(n) for n in ("d1", "a", "b", "c", "d2")], unit, 2)
    assert names(queue.take(everything)) == [["d1", "d2"], ["a"]]
    assert names(queue.take(everything)) == [["b"], ["c"]]


def test_batch_counts_units() -> None:
    queue = Queue([revoke(str(i)) for i in range(5)], call, 2)
    assert [len(queue.take(everything)) for _ in range(4)] == [2, 2, 1, 0]


def test_two_changes_of_one_thing_are_one_write() -> None:
    update = change("update", "t:account/ada", before={"name": "a"}, after={"name": "b"})
    adopt = change("adopt", "t:account/ada", before={"mark": None}, after={"mark": "ada"})
    (job,) = Queue([adopt, update], call, 10).take(everything)
    assert job.changes == (adopt, update)
    assert job.token not in (adopt.id, update.id)


def test_what_waits_is_passed_over_but_not_by_what_gives() -> None:
    waiting, free, gives = revoke("waits"), revoke("free"), create("gives")
    queue = Queue([waiting, free, gives], call, 10)
    assert names(queue.take(lambda c: c is not waiting)) == [["free"]]
    assert queue.take(lambda c: c is not waiting) == []
    assert names(queue.take(everything)) == [["waits"]]
    assert names(queue.take(everything)) == [["gives"]]


def test_narrowing_behind_a_widening_that_is_held_back_is_still_found() -> None:
    waiting, gives, free = revoke("waits"), create("gives"), revoke("free")
    queue = Queue([waiting, gives, free], call, 10)
    assert names(queue.take(lambda c: c is not waiting)) == [["free"]]


def test_circle_is_told_apart() -> None:
    a = create("a")
    b = create("b", a)
    a2 = change("create", "t:membership/devs/a", needs=(b.id,))
    c, free = create("c", b), create("free")
    ordered, circular = in_order([a2, b, c, free])
    assert ordered == [free]
    assert circular == [a2, b, c]


def test_plan_in_order_stays_as_it_is() -> None:
    a = create("a")
    changes = [revoke("x"), a, create("b", a)]
    assert in_order(changes) == (changes, [])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_order_puts_needs_first_and_loses_nothing(data: st.DataObject) -> None:
    made: list[Change] = []
    for i in range(data.draw(st.integers(0, 8))):
        needs = data.draw(st.lists(st.sampled_from(made), max_size=3, unique_by=id)) if made else []
        made.append(create(str(i), *needs))
    shuffled = data.draw(st.permutations(made))
    ordered, circular = in_order(shuffled)
    assert circular == []
    assert sorted(c.id for c in ordered) == sorted(c.id for c in made)
    for place, one in enumerate(ordered):
        assert set(one.needs) <= {c.id for c in ordered[:place]}
