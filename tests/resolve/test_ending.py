"""What ends within a week is told once, soonest first; what goes on by another line is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from provisioner.model.access import DeclaredAccess
from provisioner.model.environment import Environment
from provisioner.resolve.ending import MOST, ending
from tests.builders import NOW
from tests.worlds import a_role, files, held, someone

DAY = timedelta(days=1)
PLACES = (Environment("production", protected=True), Environment("staging"))


def told(*people: object) -> list[str]:
    roles = [a_role("deployer", environments=("production", "staging")), a_role("reader")]
    declared: DeclaredAccess = files(people, roles, environments=PLACES)  # type: ignore[arg-type]
    return [note.message for note in ending(declared, NOW)]


def test_grants_and_people_that_end_within_a_week_soonest_first() -> None:
    soon, sooner = NOW + 6 * DAY, NOW + DAY
    ada = someone("ada", held("deployer", ["production"], until=soon), held("reader", until=NOW + 8 * DAY))
    bob = someone("bob", "reader", until=sooner)
    assert told(ada, bob) == [
        f"bob: until {sooner:%Y-%m-%d %H:%M} UTC",
        f"ada as deployer in production: until {soon:%Y-%m-%d %H:%M} UTC",
    ]


def test_what_is_over_has_not_begun_or_goes_on_by_another_line_is_not_told() -> None:
    soon = NOW + DAY
    over = held("reader", until=NOW)
    later = held("reader", starts=NOW + DAY, until=NOW + 2 * DAY)
    assert told(someone("ada", over, later)) == []
    longer = held("deployer", ["production", "staging"], until=NOW + 30 * DAY)
    assert told(someone("ada", held("deployer", ["production"], until=soon), longer)) == []
    elsewhere = held("deployer", ["staging"])
    assert len(told(someone("ada", held("deployer", ["production"], until=soon), elsewhere))) == 1
    gap = held("deployer", ["production"], starts=soon + DAY)
    assert len(told(someone("ada", held("deployer", ["production"], until=soon), gap))) == 1


def test_many_are_counted() -> None:
    people = [someone(f"p{i}", held("reader", until=NOW + DAY)) for i in range(MOST + 3)]
    found = told(*people)
    assert len(found) == MOST + 1 and found[-1].startswith("3 more grants end")


def test_somebody_who_has_left_is_not_told_again() -> None:
    assert told(replace(someone("ada", "reader"), until=NOW - DAY)) == []
