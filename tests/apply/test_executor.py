"""A plan is done as it stands, in order, and one bad thing does not hold up the rest."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.contract import AlreadySo, Capabilities, Done, Failed, Refused, StillHas
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.mark import Mark
from provisioner.model.resource import Resource
from provisioner.model.target import Mode
from provisioner.model.way import Way
from provisioner.records.entries import Reason
from tests.apply.fakes import CAPABILITIES, Rig, System, T, document, ways
from tests.builders import NOW, at, change, plan, view

ADA, BOB = f"{T}:membership/devs/ada", f"{T}:membership/devs/bob"
REVOKE_ADA, CREATE_BOB = change("revoke", ADA), change("create", BOB)
OTHER = "aws"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.system.have(ADA)
    return rig


def two(tmp_path: Path) -> Rig:
    return Rig(tmp_path, System(), System(OTHER))


def test_plan_is_done_and_read_back(rig: Rig) -> None:
    done = rig.apply(plan(REVOKE_ADA, CREATE_BOB))
    assert not rig.system.has(ADA)
    assert rig.system.has(BOB)
    assert done.outcomes == {
        REVOKE_ADA.id: Done("read back: not there"),
        CREATE_BOB.id: Done("read back: present"),
    }
    assert not done.any_failed
    assert done.converged == {T}


def test_narrowing_goes_first(rig: Rig) -> None:
    rig.apply(plan(REVOKE_ADA, CREATE_BOB))
    assert rig.system.writes() == [ADA, BOB]


def test_every_intent_is_on_disk_before_its_call(rig: Rig) -> None:
    rig.apply(plan(REVOKE_ADA, CREATE_BOB))
    assert [(c.verb, c.records) for c in rig.system.log] == [("write", 2), ("write", 4)]
    assert rig.records() == ["run", "intent", "outcome", "intent", "outcome", "converged"]


def test_many_changes_share_a_record(tmp_path: Path) -> None:
    rig = Rig(tmp_path, System(capabilities=replace(CAPABILITIES, batch=25)))
    changes = [change("create", f"{T}:membership/devs/u{i:03d}") for i in range(100)]
    done = rig.apply(plan(*changes))
    assert len(done.succeeded) == 100
    assert rig.records() == ["run", *["intent", "outcome"] * 4, "converged"]


def test_what_is_as_planned_already_is_not_written(rig: Rig) -> None:
    rig.system.have(BOB)
    done = rig.apply(plan(CREATE_BOB))
    assert rig.system.log == []
    assert isinstance(done.outcomes[CREATE_BOB.id], AlreadySo)
    assert done.converged == {T}


def test_what_has_moved_is_refused_by_name_and_the_rest_goes_on(rig: Rig) -> None:
    update = change("update", f"{T}:account/ada", before={"name": "A"}, after={"name": "B"})
    rig.system.have(f"{T}:account/ada", name="C")
    done = rig.apply(plan(REVOKE_ADA, update))
    assert done.moved == (update,)
    assert done.any_failed
    assert not rig.system.has(ADA)
    assert rig.system.live[update.address].attributes["name"] == "C"
    assert rig.left() == [(str(update.address), "update")]
    assert done.converged == frozenset()


def test_what_cannot_be_looked_at_is_not_written(rig: Rig) -> None:
    rig.system.unseen.add(ADA)
    done = rig.apply(plan(REVOKE_ADA))
    assert rig.system.log == []
    assert done.reasons[REVOKE_ADA.id] is Reason.UNSEEN
    assert rig.left() == [(ADA, "revoke")]


def test_failure_skips_only_what_depends_on_it(rig: Rig) -> None:
    account = change("create", f"{T}:account/eve", before=None, after={"enabled": True})
    member = change("create", f"{T}:membership/devs/eve", needs=(account.id,))
    further = change("create", f"{T}:membership/leads/eve", needs=(member.id,))
    rig.system.faults[str(account.address)] = ["denied"]
    done = rig.apply(plan(REVOKE_ADA, account, member, further, CREATE_BOB))
    assert isinstance(done.outcomes[account.id], Failed)
    assert done.skipped == (member, further)
    assert "corp-ldap:account/eve" in str(done.outcomes[member.id])
    assert rig.system.has(BOB)
    assert not rig.system.has(ADA)
    assert done.any_failed


def test_needs_across_targets_are_waited_for(tmp_path: Path) -> None:
    rig = two(tmp_path)
    team = change("create", f"{T}:group/team", before=None, after={})
    uses = change("create", f"{OTHER}:grant/context/group:corp-ldap.team", needs=(team.id,))
    slow = threading.Event()
    order: list[str] = []

    def step(name: str) -> None:
        if name == "write: not sent":
            slow.wait(0.05)
        order.append(f"ldap {name}")

    rig.systems[0].steps = step
    rig.systems[1].steps = lambda name: order.append(f"aws {name}")
    done = rig.apply(plan(team, uses))
    assert len(done.succeeded) == 2
    assert order.index("aws look") > order.index("ldap write: answered")
    assert done.converged == {T, OTHER}


def test_failed_need_on_another_target_skips_what_hangs_on_it(tmp_path: Path) -> None:
    rig = two(tmp_path)
    team = change("create", f"{T}:group/team", before=None, after={})
    uses = change("create", f"{OTHER}:grant/context/group:corp-ldap.team", needs=(team.id,))
    free = change("create", f"{OTHER}:membership/devs/bob")
    rig.systems[0].faults[str(team.address)] = ["denied"]
    done = rig.apply(plan(team, uses, free))
    assert done.reasons[uses.id] is Reason.NEEDS
    assert rig.systems[1].writes() == [str(free.address)]


def test_narrowing_that_waits_for_another_target_is_not_overtaken_by_widening(tmp_path: Path) -> None:
    rig = two(tmp_path)
    swap = change("create", f"{T}:group/new", before=None, after={})
    take = change("revoke", f"{OTHER}:membership/old/ada", needs=(swap.id,))
    give = change("create", f"{OTHER}:membership/devs/ada")
    rig.systems[1].have(str(take.address))
    rig.apply(plan(swap, take, give))
    assert rig.systems[1].writes() == [str(take.address), str(give.address)]


def test_circle_of_needs_ends_and_is_told(tmp_path: Path) -> None:
    rig = two(tmp_path)
    first = change("create", f"{T}:membership/a/x")
    second = change("create", f"{OTHER}:membership/b/x", needs=(first.id,))
    first = replace(first, needs=(second.id,))
    done = rig.apply(plan(first, second, CREATE_BOB))
    assert done.reasons[first.id] is done.reasons[second.id] is Reason.NEEDS
    assert rig.systems[0].has(BOB)


def test_need_that_is_not_part_of_the_run_is_not_taken_for_done(tmp_path: Path) -> None:
    rig = two(tmp_path)
    team = change("create", f"{T}:group/team", before=None, after={})
    uses = change("create", f"{OTHER}:grant/context/group:corp-ldap.team", needs=(team.id,))
    done = rig.apply(plan(team, uses), only_targets=[OTHER])
    assert set(done.outcomes) == {uses.id}
    assert done.reasons[uses.id] is Reason.NEEDS
    assert rig.systems[1].log == []


def test_one_target_down_does_not_hold_up_the_other(tmp_path: Path) -> None:
    rig = two(tmp_path)
    rig.systems[1].down = True
    down = [change("create", f"{OTHER}:membership/devs/u{i}") for i in range(60)]
    done = rig.apply(plan(CREATE_BOB, *down))
    assert rig.systems[0].has(BOB)
    assert done.converged == {T}
    assert len(done.failed) == 60
    assert len(rig.left(OTHER)) == 60
    assert rig.systems[1].log == []
    assert rig.records(OTHER) == ["run", "outcome", "outcome"], "the rest is not tried one by one"


def test_reader_that_cannot_be_opened_fails_that_target_alone(tmp_path: Path) -> None:
    rig = two(tmp_path)
    rig.systems[1].faults["no-reader"] = []
    there = change("create", f"{OTHER}:membership/devs/bob")
    done = rig.apply(plan(CREATE_BOB, there))
    assert rig.systems[0].has(BOB)
    assert "PASSWORD is not set" in str(done.outcomes[there.id])
    assert rig.left(OTHER) == [(str(there.address), "create")]


def test_another_system_behind_the_same_settings_is_not_written_to(rig: Rig) -> None:
    rig.system.system = "another"
    seen = replace(view(), system="sys-1")
    done = rig.apply(plan(REVOKE_ADA, targets={T: seen}))
    assert rig.system.log == []
    assert "another" in str(done.outcomes[REVOKE_ADA.id])
    assert "writer" not in rig.system.opened


def test_mode_report_opens_no_writer(rig: Rig) -> None:
    for mode in ("plan", "files"):
        rig.system.mode = Mode.REPORT if mode == "files" else Mode.ADD
        done = rig.apply(plan(REVOKE_ADA, targets={T: view(mode="report" if mode == "plan" else "add")}))
        assert rig.system.opened == []
        assert rig.system.has(ADA)
        assert not done.any_failed
        assert done.converged == frozenset()


def test_everything_that_was_opened_is_closed(rig: Rig) -> None:
    rig.apply(plan(REVOKE_ADA))
    assert rig.system.opened == ["reader", "writer", "writer closed", "reader closed"]


def test_other_ways_remain_and_are_told(rig: Rig) -> None:
    upstream = at(f"{T}:membership/all/group:devs")
    rig.system.live[at(ADA)] = Resource(at(ADA), ways=(Way("direct"), Way("parent", via=upstream)))
    one = change("revoke", ADA, ways=ways("direct"))
    done = rig.apply(plan(one))
    assert done.outcomes[one.id] == StillHas((Way("parent", via=upstream),))
    assert done.any_failed
    assert rig.left() == [(ADA, "revoke")]


def test_service_is_looked_at_as_the_account_that_it_is(rig: Rig) -> None:
    address = at(f"{T}:membership/devs/service:bot")
    one = replace(CREATE_BOB, address=address, identity="bot")
    done = rig.apply(plan(one))
    assert {str(a) for look in rig.system.looks for a in look} == {f"{T}:membership/devs/bot"}
    assert isinstance(done.outcomes[one.id], Done)


def test_document_is_written_at_once_narrowing_before_widening(tmp_path: Path) -> None:
    rig = Rig(tmp_path, System(units=document()))
    rig.system.have(ADA, f"{T}:membership/devs/eve")
    takes = [REVOKE_ADA, change("revoke", f"{T}:membership/devs/eve")]
    gives = [CREATE_BOB, change("create", f"{T}:membership/devs/cy")]
    rig.apply(plan(*takes, *gives))
    assert [set(c.addresses) for c in rig.system.log] == [
        {str(c.address) for c in takes},
        {str(c.address) for c in gives},
    ]


def test_one_refused_change_does_not_keep_the_rest_of_its_document(tmp_path: Path) -> None:
    rig = Rig(tmp_path, System(units=document()))
    rig.system.have(ADA)
    lapsed = replace(CREATE_BOB, ends=NOW)
    keeps = change("create", f"{T}:membership/devs/cy")
    done = rig.apply(plan(REVOKE_ADA, lapsed, keeps))
    assert done.reasons[lapsed.id] is Reason.TIME
    assert rig.system.has(str(keeps.address))
    assert not rig.system.has(BOB)
    assert rig.left() == []
    assert done.converged == frozenset(), "the next plan says what becomes of it"


def test_time_is_asked_right_before_the_write(tmp_path: Path) -> None:
    """A grant whose end passes while other work goes on is not given."""
    rig = Rig(tmp_path)
    first = change("create", f"{T}:membership/devs/first")
    late = replace(CREATE_BOB, ends=NOW + timedelta(seconds=90))

    def step(name: str) -> None:
        if name == "write: answered":
            rig.clock.seconds += 60

    rig.system.steps = step
    done = rig.apply(plan(first, late))
    assert rig.system.writes() == [str(first.address)]
    assert done.reasons[late.id] is Reason.TIME


def test_writer_is_told_what_was_just_seen(rig: Rig) -> None:
    rig.apply(plan(REVOKE_ADA, CREATE_BOB))
    assert [set(e) for e in rig.system.expected] == [{at(ADA)}, set()]


def test_journal_that_cannot_be_written_stops_before_any_call(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file in the way")
    with pytest.raises(ProvisionError) as caught:
        rig.apply(plan(REVOKE_ADA))
    assert caught.value.diagnostics[0].code == "journal-unreadable"
    assert rig.system.opened == []
    assert rig.system.has(ADA)


def test_journal_that_fails_half_way_stops_the_run_and_keeps_what_is_known(rig: Rig) -> None:
    def step(name: str) -> None:
        if name == "look" and not rig.system.has(ADA):
            (rig.store.path / f"journal/{T}").rename(rig.store.path / "away")
            (rig.store.path / f"journal/{T}").write_text("a file in the way")

    rig.system.steps = step
    rig.system.journal = None
    done = rig.apply(plan(REVOKE_ADA, CREATE_BOB))
    assert [d.code for d in done.diagnostics] == ["journal-not-writable"]
    assert isinstance(done.outcomes[REVOKE_ADA.id], Done)
    assert done.reasons[CREATE_BOB.id] is Reason.STOPPED
    assert not rig.system.has(BOB)
    assert done.any_failed
    assert done.converged == frozenset()


def test_another_run_on_the_same_target_stops_this_one_there(tmp_path: Path) -> None:
    rig = two(tmp_path)
    rig.systems[0].have(ADA)
    there = change("create", f"{OTHER}:membership/devs/bob")

    def step(name: str) -> None:
        if name == "look":
            (rig.store.path / f"journal/{T}/00000002.json").write_bytes(b"theirs")

    rig.systems[0].steps = step
    done = rig.apply(plan(REVOKE_ADA, there))
    assert rig.systems[0].log == []
    assert [d.code for d in done.diagnostics] == ["journal-moved-on"]
    assert rig.systems[1].has(str(there.address))


def test_our_own_bug_on_one_target_lets_the_others_finish_and_is_raised(tmp_path: Path) -> None:
    rig = two(tmp_path)
    there = change("create", f"{OTHER}:membership/devs/bob")
    rig.systems[0].faults[BOB] = ["bug"]
    with pytest.raises(TypeError, match="has a bug"):
        rig.apply(plan(CREATE_BOB, there))
    assert rig.systems[1].has(str(there.address))
    assert rig.left() == [(BOB, "create")], "the intent is there, its outcome is not"
    assert "reader closed" in rig.systems[0].opened


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_finishes_the_call_in_hand_and_records_it(tmp_path: Path, number: signal.Signals) -> None:
    rig = Rig(tmp_path, System(capabilities=replace(CAPABILITIES, batch=3)))
    changes = [change("create", f"{T}:membership/devs/u{i}") for i in range(9)]
    interrupted = threading.Event()

    def step(name: str) -> None:
        if name == "write: not sent" and len(rig.system.log) == 1:
            os.kill(os.getpid(), number)
            interrupted.wait(0.2)  # the handler runs on the main thread meanwhile

    rig.system.steps = step
    before = signal.getsignal(number)
    done = rig.apply(plan(*changes))
    assert signal.getsignal(number) is before
    assert done.interrupted
    assert done.converged == frozenset()
    assert len(rig.system.writes()) == len(done.succeeded) == 2
    assert {done.reasons[c.id] for c in done.skipped} == {Reason.STOPPED}
    assert len(done.skipped) == 7
    assert rig.left() == [], "what was not tried is no failure, and no intent is open"


def test_progress_counts_every_change_once(rig: Rig) -> None:
    rig.apply(plan(REVOKE_ADA, CREATE_BOB))
    assert [p.done for p in rig.told][-1] == 2
    assert {p.of for p in rig.told} == {2}
    assert rig.told[0].words == REVOKE_ADA.words


def test_screen_that_is_gone_does_not_stop_the_work(rig: Rig) -> None:
    def broken(_progress: object) -> None:
        raise BrokenPipeError

    rig.progress = broken
    assert not rig.apply(plan(REVOKE_ADA)).any_failed


def test_unreadable_targets_are_told(rig: Rig) -> None:
    done = rig.apply(plan(targets={T: view(failed="connection refused")}))
    assert done.unreadable == {T}
    assert done.converged == frozenset()
    assert rig.records() == []


def test_foreign_owner_since_the_plan_keeps_a_leaver_whole(rig: Rig) -> None:
    """The account was handed to another repository: nothing of it is ours to take."""
    account = f"{T}:account/ada"
    disable = change(
        "disable", account, cause="leaver", evidence="mark", before={"enabled": True}, after={"enabled": False}
    )
    one = replace(REVOKE_ADA, evidence=change("revoke", ADA, evidence="subject").evidence)
    rig.system.have(account)
    rig.system.live[at(account)] = replace(rig.system.live[at(account)], mark=Mark("ada", "theirs"))
    done = rig.apply(plan(one, disable))
    assert rig.system.log == []
    assert {done.reasons[one.id], done.reasons[disable.id]} == {Reason.MOVED}
    assert isinstance(done.outcomes[one.id], Refused)


def test_error_about_a_target_keeps_it_from_converging(rig: Rig) -> None:
    problem = Diagnostic("account-taken", "taken", target=T)
    done = rig.apply(plan(REVOKE_ADA, diagnostics=[problem]))
    assert not done.any_failed
    assert done.converged == frozenset()
    assert done.targets[T].why_not == "the plan has errors: account-taken"


def test_capabilities_of_the_target_set_the_batch(tmp_path: Path) -> None:
    rig = Rig(tmp_path, System(capabilities=Capabilities(batch=1)))
    rig.apply(plan(*[change("create", f"{T}:membership/devs/u{i}") for i in range(3)]))
    assert rig.records().count("intent") == 3
