"""Whose turn a change is: what is left is counted or told, and what needs it is left with it."""

from __future__ import annotations

from dataclasses import replace

from provisioner.cli.choosing import is_due, only_due, only_narrowing, only_reviewed, without_the_held
from provisioner.model.change import Change
from provisioner.plan.turns import Leave, as_held, chosen, keeping
from tests.builders import change, plan

GIVE = change("create", "corp:membership/devs/zoe")
TAKE = change("revoke", "corp:membership/devs/ada", cause="leaver")
END = change("delete", "corp:account/ada", cause="leaver")
HELD = {"ada": "by `offboard --now`"}


def test_without_a_choice_every_change_is_this_runs() -> None:
    assert chosen(keeping(None, {}), (GIVE, TAKE)) == ((GIVE, TAKE), (), {})


def test_what_is_left_to_others_is_counted_and_what_is_told_is_withheld() -> None:
    assert chosen(only_due(), (TAKE, GIVE)) == ((TAKE,), (), {"corp": 1})
    kept, withheld, left = chosen(only_reviewed(plan(TAKE)), (TAKE, GIVE))
    assert (kept, left) == ((TAKE,), {})
    assert [(w.change, w.rule) for w in withheld] == [(GIVE, "not-reviewed")]


def test_what_needs_something_that_is_left_is_left_with_it() -> None:
    after = replace(change("create", "corp:membership/ops/zoe"), needs=(GIVE.id,))

    def choose(one: Change) -> Leave | None:
        return Leave("not-reviewed", "nobody saw it") if one == GIVE else None

    kept, withheld, _ = chosen(choose, (GIVE, after))
    assert kept == ()
    assert [w.why for w in withheld] == ["nobody saw it", "it needs a change that is held back"]


def test_what_is_due_takes_and_needs_nobodys_word() -> None:
    due = [change("revoke", "corp:membership/devs/ada", cause=c) for c in ("leaver", "time", "outstanding", "repair")]
    assert all(is_due(c) for c in [*due, END])
    assert not is_due(change("revoke", "corp:membership/devs/ada", cause="declared"))
    assert not is_due(change("create", "corp:membership/devs/ada", cause="outstanding"))
    assert not is_due(change("update", "corp:account/ada", cause="time", direction="both"))


def test_a_cut_off_takes_from_one_person_and_gives_to_nobody() -> None:
    theirs = change("create", "corp:membership/devs/ada")
    others = change("revoke", "corp:membership/devs/bob", cause="leaver")
    assert chosen(only_narrowing(["ada"]), (TAKE, theirs, others))[0] == (TAKE,)


def test_who_is_held_is_disabled_and_never_deleted_while_the_files_declare_them() -> None:
    kept, withheld, _ = chosen(keeping(only_due(), HELD), (TAKE, END))
    assert kept == (TAKE,)
    assert [(w.change, w.rule) for w in withheld] == [(END, "offboarded-now")]
    assert chosen(keeping(None, HELD), (GIVE, END))[0] == (GIVE,)


def test_the_reason_of_what_is_taken_from_them_is_the_hold() -> None:
    (told, other) = as_held(HELD, (), (TAKE, GIVE))
    assert told.why == "ada was cut off by `offboard --now`"
    assert told.id == TAKE.id
    assert other == GIVE


def test_a_saved_plan_gives_nothing_to_who_is_held_and_takes_nothing_from_who_was() -> None:
    gives = change("create", "corp:membership/ops/ada")
    kept, withheld = without_the_held(plan(TAKE, gives, GIVE), HELD, ["zoe"])
    assert kept == (TAKE, GIVE)
    assert [w.change for w in withheld] == [gives]
    kept, withheld = without_the_held(plan(TAKE, GIVE), {}, ["ada", "zoe"])
    assert kept == (GIVE,)
    assert [w.rule for w in withheld] == ["offboarded-now"]
