"""What differs, told apart: changed by hand since the target was in order, or said by the files and not applied yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.ask.drift import drift
from provisioner.diagnostics import Location
from provisioner.engine import Known, Planned, make_plan
from provisioner.model.answer import Drift, TargetDrift
from provisioner.model.target import Ignore, Mode, Target
from provisioner.providers.memory.calls import WORLDS
from tests.builders import NOW
from tests.worlds import a_role, a_target, a_world, account, codes, files, group, planned, situation, someone

DEV = a_role("dev", ["developers"])
ANN = someone("ann", "dev")


@pytest.fixture(autouse=True)
def no_worlds() -> Iterator[None]:
    WORLDS.clear()
    yield
    WORLDS.clear()


def answer(made: Planned) -> Drift:
    return drift(made.sides, made.parts, {}, NOW)


def only(made: Planned) -> TargetDrift:
    (found,) = answer(made).targets
    return found


def differences(made: Planned) -> list[str]:
    return [f"{d.differs.value} {d.address}" for d in only(made).differences]


def test_in_order_is_no_drift() -> None:
    a_world(accounts={"ann": account("ann", mark="ann")}, groups={"developers": group("ann")})
    here = files([ANN], [DEV])
    assert not answer(planned(here, here)).differs


def test_what_was_in_order_and_is_gone_was_taken_away_by_hand() -> None:
    a_world(accounts={"ann": account("ann", mark="ann")}, groups={"developers": group()})
    here = files([ANN], [DEV])
    assert differences(planned(here, here)) == ["missing mem:membership/developers/ann"]


def test_a_new_line_is_not_drift_by_hand_but_not_applied_yet() -> None:
    a_world(accounts={"ann": account("ann", mark="ann")}, groups={"developers": group("ann"), "vpn": group("ann")})
    made = planned(
        files([ANN], [a_role("dev", ["developers", "ops"])]), files([ANN], [a_role("dev", ["developers", "vpn"])])
    )
    assert differences(made) == [
        "pending mem:group/ops",
        "pending mem:group/vpn",
        "pending mem:membership/ops/ann",
        "pending mem:membership/vpn/ann",
    ]


def test_a_group_and_an_account_that_somebody_deleted_are_missing() -> None:
    a_world()
    here = files([ANN], [DEV])
    assert differences(planned(here, here)) == [
        "missing mem:account/ann",
        "missing mem:group/developers",
        "missing mem:membership/developers/ann",
    ]


def test_who_was_put_into_a_fully_managed_group_by_hand_is_extra() -> None:
    a_world(
        accounts={"ann": account("ann", mark="ann"), "zed": account("zed")}, groups={"developers": group("ann", "zed")}
    )
    here = files([ANN], [DEV], [a_target(mode=Mode.FULL)])
    assert differences(planned(here, here)) == ["extra mem:membership/developers/zed"]


def test_an_attribute_that_was_changed_by_hand_is_told_from_one_that_the_files_changed() -> None:
    a_world(accounts={"ann": account("ann", mark="ann", name="Somebody Else")}, groups={"developers": group("ann")})
    here = files([ANN], [DEV])
    assert differences(planned(here, here)) == ["changed mem:account/ann"]
    earlier = files([replace(ANN, name="Somebody Else")], [DEV])
    assert differences(planned(here, earlier)) == ["pending mem:account/ann"]


def test_a_leaver_is_not_applied_yet() -> None:
    a_world(accounts={"ann": account("ann", mark="ann")}, groups={"developers": group("ann")})
    made = planned(files([], [DEV]), files([ANN], [DEV]))
    assert differences(made) == ["pending mem:account/ann", "pending mem:membership/developers/ann"]


def test_where_nothing_was_ever_applied_nothing_was_changed_by_hand() -> None:
    a_world()
    here = files([ANN], [DEV])
    never = replace(situation(here, here), known={"mem": Known(converged=False)})
    made = make_plan(never)
    assert {d.partition(" ")[0] for d in differences(made)} == {"pending"}
    assert not only(made).in_order


def test_mode_report_differs_as_any_other() -> None:
    a_world(accounts={"ann": account("ann", mark="ann")}, groups={"developers": group()})
    here = files([ANN], [DEV], [a_target(mode=Mode.REPORT)])
    made = planned(here, here)
    assert made.plan.changes == ()
    assert differences(made) == ["missing mem:membership/developers/ann"]


def test_a_short_read_is_said() -> None:
    a_world(accounts={"ann": account("ann", mark="ann")}, groups={"developers": group("ann")}, cut_after=0)
    here = files([ANN], [DEV])
    found = answer(planned(here, here))
    assert not found.complete and "cut off" in only(planned(here, here)).incomplete[0]


# The ignore list


def ignoring(address: str, days: int | None = 30, mode: Mode = Mode.ADD) -> Target:
    until = None if days is None else NOW + timedelta(days=days)
    entry = Ignore(address, "grace", "a kiosk", until, Location("access/targets.yaml", 5, 7))
    return replace(a_target(mode=mode), ignore=(entry,))


def strangers() -> None:
    a_world(
        accounts={"ann": account("ann", mark="ann"), "kiosk": account("kiosk"), "zed": account("zed")},
        groups={"developers": group("ann", "kiosk", "zed")},
    )


def test_an_ignored_stray_is_counted_and_keeps_its_owner_reason_and_end() -> None:
    strangers()
    here = files([ANN], [DEV], [ignoring("mem:account/kiosk")])
    found = only(planned(here, here))
    assert [str(i.address) for i in found.ignored] == ["mem:account/kiosk"]
    assert (found.ignored[0].owner, found.ignored[0].reason) == ("grace", "a kiosk")
    assert "mem:account/kiosk" not in {str(s.address) for s in found.strays}
    assert found.notes == ()


def test_a_thing_without_a_holder_ignores_all_who_hold_it_also_in_mode_full() -> None:
    strangers()
    here = files([ANN], [DEV], [ignoring("mem:membership/developers", mode=Mode.FULL)])
    made = planned(here, here)
    assert made.plan.changes == ()
    ignored = {str(i.address) for i in only(made).ignored}
    assert ignored == {"mem:membership/developers/kiosk", "mem:membership/developers/zed"}


def test_an_entry_whose_end_has_come_hides_nothing_and_says_so() -> None:
    strangers()
    here = files([ANN], [DEV], [ignoring("mem:account/kiosk", days=-1)])
    made = planned(here, here)
    assert "ignore-expired" in codes(made.plan)
    assert "mem:account/kiosk" in {str(s.address) for s in only(made).strays}
    assert "is ignored no longer" in only(made).notes[0]


def test_an_entry_that_matches_nothing_is_told_unless_that_was_not_read() -> None:
    strangers()
    here = files([ANN], [DEV], [ignoring("mem:account/nobody")])
    assert "there is no such stray" in only(planned(here, here)).notes[0]
    WORLDS["mem"].cut_after = 1
    assert only(planned(here, here)).notes == ()
