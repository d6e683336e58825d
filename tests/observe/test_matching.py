"""Whose an account is: by pinned id, by mark, by login and e-mail; never by likeness."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.model.address import Address, Kind
from provisioner.model.identity import Identity
from provisioner.model.mark import Mark
from provisioner.model.match import How, Matched
from provisioner.model.ownership import ownership
from provisioner.model.resource import Facts, Resource
from provisioner.model.state import State
from provisioner.model.target import AccountsPolicy
from provisioner.model.way import Ownership
from provisioner.observe.matching import match_accounts
from tests.worlds import OWNER, a_target, someone


def live(
    login: str, *, native: str = "", email: str = "", mark: Mark | None = None, foreign: str | None = None
) -> Resource:
    facts = Facts(native or f"id-{login}", email or None, foreign_mark=foreign)
    return Resource(Address("mem", Kind.ACCOUNT, login), {"enabled": True}, mark=mark, facts=facts)


OURS = OWNER[:8]


def matched(
    accounts: list[Resource],
    here: list[Identity],
    gone: list[Identity] | None = None,
    *,
    existing: bool = False,
    fold: bool = False,
) -> Matched:
    target = a_target(accounts=AccountsPolicy.EXISTING if existing else AccountsPolicy.CREATE)
    by_id = {i.id: i for i in here}
    departed = {i.id: (i, "rev1") for i in gone or []}
    return match_accounts(target, State(accounts), by_id, by_id, departed, OWNER, folds_case=fold)


@pytest.mark.parametrize(
    ("mark", "owner", "expected"),
    [
        (Mark("ada", OURS), OWNER, Ownership.OWNED),
        (Mark("ada"), None, Ownership.OWNED),
        (Mark("ada", "aaaaaaaa"), OWNER, Ownership.FOREIGN),
        (Mark("ada", "aaaaaaaa"), None, Ownership.FOREIGN),
        (Mark("ada"), OWNER, Ownership.UNCLAIMED),
        (None, OWNER, Ownership.UNCLAIMED),
    ],
)
def test_mark_is_ours_only_with_our_owner(mark: Mark | None, owner: str | None, expected: Ownership) -> None:
    assert ownership(live("ada", mark=mark), owner) is expected


def test_mark_that_cannot_be_read_is_somebody_elses() -> None:
    assert ownership(live("ada", foreign="provision/9 what=ever"), OWNER) is Ownership.FOREIGN


def test_pinned_id_finds_the_account_under_whatever_login() -> None:
    found = matched([live("renamed", native="42")], [someone("ada", pin="42")])
    assert found.by_identity["ada"].login == "renamed" and found.by_identity["ada"].how is How.PINNED


def test_mark_beats_the_login() -> None:
    found = matched([live("other", mark=Mark("ada", OURS))], [someone("ada")])
    assert found.by_identity["ada"].login == "other" and found.by_identity["ada"].how is How.MARK


def test_login_without_email_is_not_enough() -> None:
    found = matched([live("ada")], [someone("ada")])
    assert "ada" in found.blocked and found.problems[0].code == "account-taken"


def test_two_accounts_with_one_mark_are_told_and_neither_is_touched() -> None:
    twice = [live("ada", mark=Mark("ada", OURS)), live("copy", mark=Mark("ada", OURS))]
    for found in (matched(twice, [someone("ada")]), matched(twice, [], [someone("ada")])):
        assert not found.by_login and found.problems[0].code == "marked-twice"


def test_one_account_claimed_by_a_leaver_and_a_joiner_blocks_both() -> None:
    joiner = someone("joy", pin="id-ada")
    found = matched([live("ada", mark=Mark("ada", OURS))], [joiner], [someone("ada")])
    assert found.blocked >= {"ada", "joy"} and found.problems[0].code == "account-shared"


def test_login_that_still_belongs_to_somebody_else_is_taken() -> None:
    found = matched([live("ada", mark=Mark("ada-old", OURS), email="ada@example.com")], [someone("ada")])
    assert found.problems[0].code == "account-taken"


def test_leavers_unmarked_account_needs_login_and_email() -> None:
    same = matched([live("ada", email="ADA@example.com")], [], [someone("ada")])
    other = matched([live("ada", email="eve@example.com")], [], [someone("ada")])
    assert same.by_identity["ada"].departed and not other.by_identity
    assert [str(a) for a in other.look_alikes["ada"]] == ["mem:account/ada"]


def test_foreign_marked_account_is_never_a_leavers() -> None:
    theirs = live("ada", email="ada@example.com", mark=Mark("ada", "aaaaaaaa"))
    assert not matched([theirs], [], [someone("ada")]).by_login
    assert not matched([theirs], [], [someone("ada", pin="id-ada")]).by_login


def test_logins_fold_case_only_where_the_system_does() -> None:
    account = live("Ada", email="ada@example.com")
    assert (
        matched([account], [someone("ada")], fold=True).by_identity
        and not matched([account], [someone("ada")]).by_identity
    )


def test_existing_accounts_match_by_login_alone() -> None:
    found = matched([live("ada")], [someone("ada")], existing=True)
    assert found.by_identity["ada"].how is How.LOGIN and not found.problems


@pytest.mark.parametrize(
    ("login", "alike"), [("ada-admin", True), ("svc_ada", True), ("ada2", True), ("adam", False), ("canada", False)]
)
def test_look_alikes_share_the_whole_stem(login: str, alike: bool) -> None:
    leaver = replace(someone("ada"), name="Nobody Else")
    assert bool(matched([live(login)], [], [leaver]).look_alikes) is alike
