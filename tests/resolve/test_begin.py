"""Grants that begin with the apply: once, by what their line says."""

from __future__ import annotations

from datetime import timedelta

from provisioner.model.assignment import Assignment
from provisioner.resolve.begin import begin, has_any
from tests.builders import NOW
from tests.worlds import a_role, files, someone

HOUR = timedelta(hours=1)
LINE = Assignment("ops", ("production",), reason="CHG-1", length=4 * HOUR)


def test_it_begins_once_and_lasts_as_long_as_it_says() -> None:
    declared = files([someone("ada", LINE)], [a_role("ops")])
    assert has_any(declared)
    first, begun = begin(declared, {}, NOW)
    (held,) = first.identities["ada"].roles
    assert (held.starts, held.until, held.length) == (NOW, NOW + 4 * HOUR, None)
    later, again = begin(declared, begun, NOW + 2 * HOUR)
    assert later.identities["ada"].roles == (held,) and again == begun
    assert not has_any(later)


def test_another_line_or_person_is_another_grant() -> None:
    _, begun = begin(files([someone("ada", LINE)], [a_role("ops")]), {}, NOW)
    for other in (
        someone("bob", LINE),
        someone("ada", LINE._replace(reason="CHG-2")),
        someone("ada", LINE._replace(length=5 * HOUR)),
        someone("ada", LINE._replace(environments=("staging",))),
    ):
        declared, _ = begin(files([other], [a_role("ops")]), begun, NOW + HOUR)
        assert declared.identities[other.id].roles[0].starts == NOW + HOUR


def test_what_has_not_begun_is_not_held_where_nobody_may_begin_it() -> None:
    declared, begun = begin(files([someone("ada", "reader", LINE)], [a_role("ops"), a_role("reader")]), {}, None)
    assert [held.role for held in declared.identities["ada"].roles] == ["reader"] and not begun
