"""What ends being managed stays as it is and is told; what begins to be is looked at before anybody loses it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from provisioner.engine import Known, Planned, Situation, make_plan
from provisioner.model.change import Action
from provisioner.model.target import AccountsPolicy, Mode
from provisioner.providers.memory.calls import WORLDS, Held
from tests.worlds import a_role, a_target, a_world, account, codes, files, group, planned, said, situation, someone

FULL = a_target(mode=Mode.FULL)


@pytest.fixture(autouse=True)
def no_worlds() -> Iterator[None]:
    WORLDS.clear()
    yield
    WORLDS.clear()


def released(made: Planned) -> list[str]:
    return [c.words for c in made.plan.changes if c.action is Action.RELEASE]


def strangers(made: Planned) -> dict[str, bool]:
    return {str(s.address): s.newly_managed for s in made.plan.strays if s.address.principal is not None}


# What ends


def test_a_group_that_no_line_names_any_more_is_released_and_what_it_gave_is_taken_back() -> None:
    ann = someone("ann", "dev")
    a_world(
        accounts={"ann": account("ann", mark="ann"), "zed": account("zed")},
        groups={"developers": group("ann", "zed", "cat"), "vpn": group("ann")},
    )
    before = files([ann], [a_role("dev", ["developers", "vpn"])])
    after = files([ann], [a_role("dev", ["vpn"])])
    made = planned(after, before)
    assert said(made.plan) == ["revoke mem:membership/developers/ann", "release mem:group/developers"]
    assert released(made) == ["release group developers: 2 memberships stay as they are"]
    assert made.plan.summary["release"] == 1
    assert "mem:group/developers" not in {str(s.address) for s in made.plan.strays}


def test_what_is_released_is_told_once_and_then_forgotten() -> None:
    a_world(groups={"developers": group("zed")})
    after = files([], [])
    assert released(planned(after, files([], [a_role("dev", ["developers"])])))
    assert released(planned(after, after)) == []


def test_mode_full_that_ends_releases_the_holders_that_nobody_declares() -> None:
    a_world(
        accounts={"ann": account("ann", mark="ann"), "zed": account("zed"), "yan": account("yan")},
        groups={"developers": group("ann", "zed", "yan"), "vpn": group("ann")},
    )
    roles, ann = [a_role("dev", ["developers", "vpn"])], someone("ann", "dev")
    kept = frozenset({"mem:membership/developers/zed", "mem:membership/developers/yan"})
    made = planned(files([ann], roles), files([ann], roles, [FULL]), kept=kept)
    assert said(made.plan) == ["release mem:group/developers"]  # of vpn there is nothing to say
    assert released(made) == ["release group developers: 2 memberships stay as they are"]


def test_grants_on_a_thing_that_nothing_names_any_more_stay() -> None:
    a_world(
        accounts={"ann": account("ann", mark="ann"), "zed": account("zed")},
        policy={("repo", "push"): {"ann": [Held()], "zed": [Held()]}},
    )
    ann = someone("ann", "dev")
    roles = [a_role("dev", ["vpn"], objects={"repo": ["push"]})]
    made = planned(files([ann], [a_role("dev", ["vpn"])]), files([ann], roles))
    assert "revoke mem:grant/repo/ann#push" in said(made.plan)
    assert released(made) == ["release grant repo: 1 grant stays as it is"]


def test_accounts_that_are_others_to_manage_now_lose_our_mark_and_nothing_else() -> None:
    a_world(
        accounts={"ann": account("ann", mark="ann"), "bob": account("bob", mark="bob")},
        groups={"developers": group("ann", "bob")},
    )
    roles = [a_role("dev", ["developers"])]
    existing = a_target(accounts=AccountsPolicy.EXISTING)
    everybody = [someone("ann", "dev"), someone("bob", "dev")]
    made = planned(files(everybody, roles, [existing]), files(everybody, roles))
    assert said(made.plan) == ["release mem:account/ann", "release mem:account/bob"]
    # Bob leaves: the mark is how he is known, and comes off last.
    made = planned(files([someone("ann", "dev")], roles, [existing]), files(everybody, roles))
    gone = ["revoke mem:membership/developers/bob", "release mem:account/ann", "release mem:account/bob"]
    assert said(made.plan) == gone
    revoke, bob = made.plan.changes[0], made.plan.changes[2]
    assert bob.needs == (revoke.id,)


def test_the_mark_of_a_leaver_stays_where_something_of_theirs_cannot_be_taken() -> None:
    a_world(accounts={"bob": account("bob", mark="bob")}, groups={"synced": group("bob", locked_by="hr")})
    made = planned(files([], [], [a_target(accounts=AccountsPolicy.EXISTING)]), files([someone("bob", "dev")], []))
    assert said(made.plan) == [] and "managed-upstream" in codes(made.plan)


def test_a_target_that_only_reports_now_says_how_much_it_leaves() -> None:
    a_world(accounts={"ann": account("ann", mark="ann")}, groups={"developers": group("ann", "zed")})
    ann, roles = someone("ann", "dev"), [a_role("dev", ["developers"])]
    made = planned(files([ann], roles, [a_target(mode=Mode.REPORT)]), files([ann], roles))
    assert said(made.plan) == []
    told = next(d for d in made.plan.diagnostics if d.code == "target-released")
    assert "1 account, 2 memberships stay as they are" in told.message
    again = planned(
        files([ann], roles, [a_target(mode=Mode.REPORT)]), files([ann], roles, [a_target(mode=Mode.REPORT)])
    )
    assert "target-released" not in codes(again.plan)


def test_nothing_is_released_where_nothing_was_ever_in_force() -> None:
    a_world(groups={"developers": group("zed")})
    here = situation(files([], []), files([], [a_role("dev", ["developers"])]))
    made = make_plan(_never_converged(here))
    assert said(made.plan) == []


# What begins


def _never_converged(here: Situation) -> Situation:
    return replace(here, known={name: Known(converged=False) for name in here.known})


def _world_of_strangers() -> None:
    a_world(
        accounts={"ann": account("ann", mark="ann"), "zed": account("zed")},
        groups={"developers": group("ann", "zed"), "vpn": group("ann", "zed")},
    )


def test_a_group_newly_named_by_a_role_takes_nobody_out() -> None:
    _world_of_strangers()
    ann = someone("ann", "dev")
    before = files([ann], [a_role("dev", ["vpn"])], [FULL])
    made = planned(files([ann], [a_role("dev", ["vpn", "developers"])], [FULL]), before)
    assert strangers(made) == {"mem:membership/developers/zed": True}
    assert said(made.plan) == ["revoke mem:membership/vpn/zed"]  # that one has been managed for long


def test_a_group_newly_declared_under_the_target_takes_nobody_out() -> None:
    _world_of_strangers()
    ann = someone("ann", "dev")
    roles = [a_role("dev", ["vpn"])]
    declared = a_target(mode=Mode.FULL, objects={"groups": {"developers": {}}})
    made = planned(files([ann], roles, [declared]), files([ann], roles, [FULL]))
    newly = {address for address, new in strangers(made).items() if new}
    assert newly == {"mem:membership/developers/ann", "mem:membership/developers/zed"}
    assert said(made.plan) == ["revoke mem:membership/vpn/zed"]


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPORT])
def test_a_target_newly_in_mode_full_takes_nobody_out(mode: Mode) -> None:
    _world_of_strangers()
    ann, roles = someone("ann", "dev"), [a_role("dev", ["vpn", "developers"])]
    made = planned(files([ann], roles, [FULL]), files([ann], roles, [a_target(mode=mode)]))
    assert strangers(made) == {"mem:membership/developers/zed": True, "mem:membership/vpn/zed": True}
    assert said(made.plan) == []


def test_a_target_newly_declared_in_mode_full_takes_nobody_out() -> None:
    _world_of_strangers()
    ann, roles = someone("ann", "dev"), [a_role("dev", ["vpn", "developers"])]
    other = a_target("other")
    a_world("other")
    made = planned(files([ann], roles, [FULL, other]), files([ann], roles, [other]))
    assert all(strangers(made).values()) and len(strangers(made)) == 2
    assert [c for c in said(made.plan) if c.startswith("revoke")] == []


def test_a_target_that_was_full_from_the_first_commit_and_never_applied_takes_nobody_out() -> None:
    """History alone is no proof that anything was ever in force."""
    _world_of_strangers()
    ann, roles = someone("ann", "dev"), [a_role("dev", ["vpn", "developers"])]
    wanted = files([ann], roles, [FULL])
    made = make_plan(_never_converged(situation(wanted, wanted)))
    assert all(strangers(made).values()) and len(strangers(made)) == 2
    assert said(made.plan) == []
