"""A receipt says what the live readings prove, and nothing that they do not."""

from __future__ import annotations

from datetime import timedelta

from provisioner.ask import Done
from provisioner.model.answer import Verdict
from provisioner.model.change import Action
from provisioner.model.outstanding import Outstanding
from provisioner.model.target import AccountsPolicy, Mode
from provisioner.providers.memory.calls import Held
from provisioner.report.answers import receipt as in_words
from provisioner.report.answers_json import receipt_json
from tests.ask.stories import company, only, receipt_for
from tests.builders import NOW, at
from tests.worlds import a_role, a_target, a_world, account, files, group, someone

ADA = someone("ada", "developer")
MIA = someone("mia", "everyone")
LOCKED = "2026-11-20T00:00:00Z"


def test_nothing_is_left_of_somebody_whose_account_is_locked_and_empty() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada", since=LOCKED, enabled=False)},
        groups={"dev": group(), "staff": group("mia")},
    )
    found = receipt_for(ADA, company(MIA), company(ADA, MIA))
    target = only(found)
    assert target.verdict is Verdict.NOTHING
    assert {str(i.address) for i in target.gone} == {"mem:membership/dev/ada", "mem:membership/staff/ada"}
    (kept,) = target.kept
    assert kept.at is not None and kept.at - NOW == timedelta(days=28) - timedelta(hours=9)
    assert "ada has nothing left on 1 target." in in_words(found)
    assert receipt_json(found)["nothing_left"] is True


def test_what_was_added_by_hand_is_left_until_it_is_removed() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada", since=LOCKED, enabled=False)}, groups={"hand-made": group("ada")}
    )
    found = receipt_for(ADA, company(MIA), company(ADA, MIA))
    assert [str(i.address) for i in only(found).left] == ["mem:membership/hand-made/ada"]
    assert only(found).verdict is Verdict.LEFT
    assert "ada still has 1 thing on 1 target." in in_words(found)


def test_a_short_reading_gives_no_nothing_left() -> None:
    accounts = {f"a{n}": account(f"a{n}") for n in range(6)}
    a_world(accounts=accounts, cut_after=3)
    found = receipt_for(ADA, company(MIA), company(ADA, MIA))
    assert only(found).verdict is Verdict.UNSURE
    assert not found.complete and receipt_json(found)["nothing_left"] is False
    assert "cannot be told" in in_words(found) and "nothing left" not in in_words(found)


def test_what_was_seen_in_a_short_reading_is_left_all_the_same() -> None:
    accounts = {"ada": account("ada", mark="ada")} | {f"b{n}": account(f"b{n}") for n in range(6)}
    a_world(accounts=accounts, cut_after=3)
    found = receipt_for(ADA, company(MIA), company(ADA, MIA))
    assert only(found).verdict is Verdict.LEFT and not found.complete
    assert "still has 1 thing" in in_words(found) and "cannot be told" in in_words(found)


def test_two_accounts_with_their_mark_cannot_be_told_apart() -> None:
    a_world(accounts={"ada": account("ada", mark="ada"), "ada2": account("ada2", mark="ada")})
    found = receipt_for(ADA, company(MIA), company(ADA, MIA))
    assert only(found).verdict is Verdict.UNSURE and "ada" in only(found).unsure[0]


def test_what_an_earlier_run_could_not_remove_says_since_when_and_why() -> None:
    a_world(accounts={"ada": account("ada", mark="ada", since=LOCKED, enabled=False)}, groups={"dev": group("ada")})
    failed = Outstanding(at("mem:membership/dev/ada"), Action.REVOKE, NOW - timedelta(hours=3), "access denied", "ada")
    (left,) = only(receipt_for(ADA, company(MIA), company(ADA, MIA), outstanding=(failed,))).left
    assert left.why == "outstanding since 2026-11-22T06:00:00Z: access denied"


def test_where_nothing_is_written_what_is_left_says_so() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"dev": group("ada")})
    watched = files([MIA], [a_role("everyone", ["staff"])], [a_target(mode=Mode.REPORT)])
    left = {str(i.address): i.why for i in only(receipt_for(ADA, watched, company(ADA, MIA))).left}
    assert left["mem:membership/dev/ada"] == "mode `report`: nothing is written there"


def test_a_target_that_is_down_cannot_be_told() -> None:
    a_world(down=True)
    found = receipt_for(ADA, company(MIA), company(ADA, MIA))
    assert only(found).verdict is Verdict.UNSURE and only(found).unsure


def test_a_working_key_is_left_and_a_switched_off_one_is_kept() -> None:
    keys = {"on": True, "off": False}
    a_world(accounts={"ada": account("ada", mark="ada", since=LOCKED, enabled=False, keys=keys)})
    target = only(receipt_for(ADA, company(MIA), company(ADA, MIA)))
    assert [i.address.object for i in target.left] == ["on"]
    assert "off" in [i.address.object for i in target.kept]


def test_an_enabled_account_is_left() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")})
    target = only(receipt_for(ADA, company(MIA), company(ADA, MIA)))
    assert [i.why for i in target.left] == ["the account is enabled"]


def test_what_comes_from_elsewhere_is_left_and_says_from_where() -> None:
    locked = group(locked_by="HR")
    locked.members["ada"] = [Held(locked_by="HR")]
    a_world(accounts={"ada": account("ada", mark="ada", since=LOCKED, enabled=False)}, groups={"synced": locked})
    (left,) = only(receipt_for(ADA, company(MIA), company(ADA, MIA))).left
    assert "HR" in left.why


def test_what_the_files_ask_for_is_left_with_its_line() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"dev": group("ada")})
    found = receipt_for(ADA, company(ADA, MIA), company(ADA, MIA))
    told = {str(i.address): i.why for i in only(found).left}
    assert "access/people/ada.yaml" in told["mem:membership/dev/ada"]
    assert found.declared and "They are declared" in in_words(found)


def test_a_deleted_account_is_gone_with_the_day_it_went() -> None:
    a_world(accounts={"mia": account("mia", mark="mia")}, groups={"dev": group(), "staff": group("mia")})
    removed = NOW - timedelta(days=1)
    done = (Done(at("mem:account/ada"), Action.DELETE, removed),)
    target = only(receipt_for(ADA, company(MIA), company(ADA, MIA), done=done))
    assert target.verdict is Verdict.NOTHING
    assert {str(i.address): i.at for i in target.gone}["mem:account/ada"] == removed


def test_a_reference_to_a_deleted_account_is_left() -> None:
    a_world(accounts={"mia": account("mia", mark="mia")}, groups={"dev": group("ada")})
    target = only(receipt_for(ADA, company(MIA), company(ADA, MIA)))
    assert target.verdict is Verdict.LEFT
    assert [str(i.address) for i in target.left] == ["mem:membership/dev/unknown:ada"]


def test_somebody_elses_account_of_their_login_is_named_and_not_theirs() -> None:
    a_world(accounts={"ada": account("ada", email="other@example.com")}, groups={"dev": group("ada")})
    target = only(receipt_for(ADA, company(MIA), company(ADA, MIA)))
    assert not target.accounts and not target.left
    assert [str(a) for a in target.look_alikes] == ["mem:account/ada"]
    assert [str(i.address) for i in target.gone] == ["mem:membership/staff/ada"]  # not what the other ada holds


def test_where_others_lock_accounts_an_emptied_one_is_kept() -> None:
    a_world(accounts={"ada": account("ada")}, groups={"dev": group()})
    existing = files([MIA], [a_role("everyone", ["staff"])], [a_target(accounts=AccountsPolicy.EXISTING)])
    target = only(receipt_for(ADA, existing, company(ADA, MIA)))
    assert target.verdict is Verdict.NOTHING
    assert "others lock" in target.kept[0].why


def test_nobody_of_that_id_is_told_as_such() -> None:
    a_world(accounts={"mia": account("mia", mark="mia")})
    found = receipt_for(someone("zoe", email=None), company(MIA))
    assert only(found).verdict is Verdict.ABSENT
    assert "No revision of the files declares this id." in in_words(found)
