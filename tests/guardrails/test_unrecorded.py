"""Things that carry our marks, and a journal that says nothing of them: nobody who was cut off is given anything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provisioner.diagnostics import Severity
from provisioner.model.access import DeclaredAccess
from provisioner.model.target import AccountsPolicy, Mode
from tests.builders import NOW
from tests.guardrails.stories import fix_of, let, message_of, plan_of, refusals, rules, withheld
from tests.worlds import a_role, a_target, a_world, account, codes, files, group, said, someone

SINCE = "2026-11-20T08:00:00Z"


def two(**more: object) -> DeclaredAccess:
    people = [someone("ada", "dev"), someone("bob", "dev")]
    return files(people, [a_role("dev", ["devs"])], **more)  # type: ignore[arg-type]


def ada_is_cut_off() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada", since=SINCE, enabled=False), "bob": account("bob", mark="bob")},
        groups={"devs": group()},
    )


def test_nothing_is_given_back_to_whoever_was_disabled_and_all_else_goes_on() -> None:
    ada_is_cut_off()
    plan = plan_of(two(), records={"mem": 0})
    assert said(plan) == ["create mem:membership/devs/bob"]
    assert set(withheld(plan)) == {
        "journal-missing: create mem:membership/devs/ada",
        "journal-missing: enable mem:account/ada",
    }
    assert refusals(plan) == ["journal-missing"]
    told = message_of(plan, "journal-missing")
    assert "2 accounts there carry our mark" in told and "ada" in told and "bob" not in told
    assert plan.targets["mem"].unrecorded == 2


@pytest.mark.parametrize("entry", [{"target": "mem", "journal_lost": True}, {"people": ("ada",)}])
def test_an_acknowledgement_gives_it_back(entry: dict[str, object]) -> None:
    ada_is_cut_off()
    plan = plan_of(two(rules=rules(let(**entry))), records={"mem": 0})
    assert withheld(plan) == [] and not refusals(plan)
    assert "enable mem:account/ada" in said(plan)
    assert plan.unsettled == ("people" in entry)


def test_an_acknowledgement_that_is_over_or_of_another_target_gives_nothing() -> None:
    ada_is_cut_off()
    over = let(target="mem", journal_lost=True, until=NOW - timedelta(days=1))
    elsewhere = let(target="other", journal_lost=True)
    plan = plan_of(two(rules=rules(over, elsewhere)), records={"mem": 0})
    assert refusals(plan) == ["journal-missing"]


def test_the_entry_that_is_printed_is_the_one_that_is_wanted() -> None:
    ada_is_cut_off()
    fix = fix_of(plan_of(two(), records={"mem": 0}), "journal-missing")
    assert "acknowledgements: [{target: mem, journal: lost, reason:" in fix
    assert "restore the journal" in fix


def test_where_nobody_was_cut_off_it_is_a_warning() -> None:
    a_world(
        accounts={n: account(n, mark=n) for n in ("ada", "bob")},
        groups={"devs": group("ada")},
    )
    plan = plan_of(two(), records={"mem": 0})
    assert said(plan) == ["create mem:membership/devs/bob"]
    assert [d.severity for d in plan.diagnostics if d.code == "journal-missing"] == [Severity.WARNING]
    assert plan.unsettled and not plan.refused


@pytest.mark.parametrize("records", [{"mem": 0}, {"mem": 7}, {}])
def test_a_target_without_our_marks_or_with_records_is_nothing_of_this(records: dict[str, int]) -> None:
    if records.get("mem"):
        ada_is_cut_off()
    else:
        theirs = account("ada", enabled=False)
        theirs.note = "provision/1 o=11111111 k=ada d=" + SINCE
        a_world(accounts={"ada": theirs, "olaf": account("olaf")}, groups={"devs": group()})
    plan = plan_of(two(), records=records)
    assert "journal-missing" not in codes(plan)
    assert not plan.unsettled


def test_a_target_in_mode_report_is_not_written_to_and_not_asked_about() -> None:
    ada_is_cut_off()
    assert "journal-missing" not in codes(plan_of(two(targets=[a_target(mode=Mode.REPORT)]), records={"mem": 0}))


def test_somebody_whom_the_files_suspend_is_disabled_for_that() -> None:
    ada_is_cut_off()
    people = [someone("ada", "dev", suspended="away"), someone("bob", "dev")]
    plan = plan_of(files(people, [a_role("dev", ["devs"])]), records={"mem": 0})
    assert withheld(plan) == []


def test_a_chain_that_began_anew_still_gives_nothing_back() -> None:
    ada_is_cut_off()
    plan = plan_of(two(), records={"mem": 3}, gap=NOW - timedelta(days=2))
    assert refusals(plan) == ["journal-missing"]
    assert "its records" in message_of(plan, "journal-missing")


def test_whoever_was_cut_off_on_one_target_is_given_nothing_on_another() -> None:
    ada_is_cut_off()
    a_world("other", accounts={"bob": account("bob", mark="bob")}, groups={"devs": group()})
    roles = [a_role("dev", ["devs"]), a_role("more", ["devs"], target="other")]
    people = [someone("ada", "dev", "more"), someone("bob", "more")]
    plan = plan_of(files(people, roles, [a_target(), a_target("other")]), records={"mem": 0, "other": 9})
    assert "create other:membership/devs/bob" in said(plan)
    assert not [c for c in said(plan) if "ada" in c]
    assert {w.change.address.target for w in plan.withheld} == {"mem", "other"}


def test_where_nobody_can_be_disabled_whoever_has_nothing_there_of_what_they_had_waits() -> None:
    a_world(accounts={n: account(n) for n in ("ada", "bob", "eve")}, groups={"devs": group("bob")})
    a_world("other", accounts={"bob": account("bob", mark="bob")}, groups={"devs": group("bob")})
    roles = [a_role("dev", ["devs"]), a_role("more", ["devs"], target="other")]
    targets = [a_target(accounts=AccountsPolicy.EXISTING), a_target("other")]
    people = [someone("ada", "dev"), someone("bob", "dev", "more")]
    before = files(people, roles, targets, tree="t0")
    now = files([*people, someone("eve", "dev")], roles, targets)
    plan = plan_of(now, before, records={"mem": 0, "other": 0})
    assert said(plan) == ["create mem:membership/devs/eve"]
    assert withheld(plan) == ["journal-missing: create mem:membership/devs/ada"]
    assert [d.target for d in plan.diagnostics if d.is_error] == ["mem"]
    # Where the marked target has its journal, the other one is new to it, and no more.
    assert withheld(plan_of(now, before, records={"mem": 0, "other": 5})) == []
