"""What the files said before: whoever it was given to loses it, whatever they are called by now."""

from __future__ import annotations

from datetime import timedelta

from provisioner.model.target import AccountsPolicy, Mode
from provisioner.model.way import Evidence
from provisioner.plan.plan import Plan
from tests.builders import NOW
from tests.worlds import a_role, a_target, a_world, account, codes, files, group, held, planned, said, someone

DEV, OPS = a_role("dev", ["developers"]), a_role("ops", ["ops"])
ROLES = [DEV, OPS]


def plan_of(*args: object, **more: object) -> Plan:
    return planned(*args, **more).plan  # type: ignore[arg-type]


def both(login: str, mark: str, email: str = "ada@example.com") -> None:
    """A world in which `login` is in both groups."""
    a_world(
        accounts={login: account(login, mark=mark, email=email)},
        groups={"developers": group(login), "ops": group(login)},
    )


def test_line_removed_together_with_a_rename_still_revokes() -> None:
    both("ada-l", "ada-l")
    before = files([someone("ada-l", "dev", "ops", email="ada@example.com")], ROLES)
    plan = plan_of(files([someone("ada", "dev", was=("ada-l",))], ROLES), before)
    assert said(plan) == ["rename mem:account/ada", "revoke mem:membership/ops/ada", "update mem:account/ada"]
    assert plan.changes[1].evidence is Evidence.HISTORY and plan.changes[1].needs == (plan.changes[0].id,)


def test_line_removed_together_with_a_change_of_login_still_revokes() -> None:
    both("ada", "ada")
    before = files([someone("ada", "dev", "ops")], ROLES)
    plan = plan_of(files([someone("ada", "dev", login="ada-b")], ROLES), before)
    assert said(plan) == ["rename mem:account/ada-b", "revoke mem:membership/ops/ada-b"]


def test_line_removed_while_a_person_becomes_a_service_still_revokes() -> None:
    both("bot", "bot", email="bot@example.com")
    before = files([someone("bot", "dev", "ops")], ROLES)
    plan = plan_of(files([someone("bot", "dev", service=True)], ROLES), before)
    assert said(plan) == ["revoke mem:membership/ops/service:bot"]


def test_person_renamed_twice_before_an_apply_is_renamed_and_loses_nothing() -> None:
    both("a1", "a1")
    mail = "ada@example.com"
    r1 = files([someone("a1", "dev", "ops", email=mail)], ROLES)
    r2 = files([someone("a2", "dev", "ops", was=("a1",), email=mail)], ROLES)
    r3 = files([someone("a3", "dev", "ops", was=("a2",), email=mail)], ROLES)
    assert said(plan_of(r3, r3, r2, r1)) == ["rename mem:account/a3", "update mem:account/a3"]


def test_leaver_who_was_renamed_before_is_one_leaver() -> None:
    a_world(accounts={"a1": account("a1", mark="a1")}, groups={"developers": group("a1")})
    r1 = files([someone("a1", "dev")], [DEV])
    r2 = files([someone("a2", "dev", was=("a1",))], [DEV])
    plan = plan_of(files(roles=[DEV]), r2, r1)
    assert said(plan) == ["revoke mem:membership/developers/a1", "disable mem:account/a1"] and not codes(plan)


def test_person_whose_time_ended_after_a_rename_is_one_leaver() -> None:
    a_world(accounts={"a1": account("a1", mark="a1")}, groups={"developers": group("a1")})
    r1 = files([someone("a1", "dev")], [DEV])
    plan = plan_of(files([someone("a2", "dev", was=("a1",), until=NOW)], [DEV]), r1)
    assert said(plan) == ["revoke mem:membership/developers/a1", "disable mem:account/a1"] and not codes(plan)


def test_rename_that_nobody_said_is_an_error_also_when_it_is_committed() -> None:
    both("ada-l", "ada-l")
    old = files([someone("ada-l", "dev", email="ada@example.com")], ROLES)
    new = files([someone("ada", "dev")], ROLES)
    later = files([someone("ada", "dev"), someone("bob")], ROLES)
    for plan in (plan_of(new, old), plan_of(new, new, old), plan_of(later, later, new, old)):
        assert said(plan) == [] and codes(plan) == ["looks-like-rename"]


def test_joiner_with_the_email_of_somebody_removed_in_an_earlier_change_is_somebody_new() -> None:
    a_world(accounts={"old": account("old", mark="old", email="desk@example.com")}, groups={"developers": group("old")})
    old = files([someone("old", "dev", email="desk@example.com")], [DEV])
    between, new = files(roles=[DEV]), files([someone("new", "dev", email="desk@example.com")], [DEV])
    assert said(plan_of(new, new, between, old)) == [
        "revoke mem:membership/developers/old",
        "disable mem:account/old",
        "create mem:account/new",
        "create mem:membership/developers/new",
    ]


def test_label_moved_to_another_instance_revokes_what_the_old_one_gave() -> None:
    pay = a_role("pay", ["ops"], where={"product": "payments"})
    both("ada", "ada")
    ada = someone("ada", "dev", "pay")
    before = files([ada], [DEV, pay], [a_target(labels={"product": "payments"})])
    assert said(plan_of(files([ada], [DEV, pay], [a_target(labels={"product": "core"})]), before)) == [
        "revoke mem:membership/ops/ada",
        "release mem:group/ops",
    ]


def test_group_that_becomes_part_of_an_environment_is_lost_by_those_who_do_not_hold_it_there() -> None:
    both("ada", "ada")
    ada = someone("ada", "dev", "ops")
    labelled = a_target(object_environments={("groups", "ops"): "production"})
    assert said(plan_of(files([ada], ROLES, [labelled]), files([ada], ROLES))) == [
        "revoke mem:membership/ops/ada",
        "release mem:group/ops",
    ]


def test_existing_account_with_another_email_loses_what_the_files_gave_and_keeps_what_they_did_not() -> None:
    target = a_target(accounts=AccountsPolicy.EXISTING)
    a_world(
        accounts={"ada": account("ada", email="a.byron@example.net")},
        groups={"developers": group("ada"), "hand": group("ada")},
    )
    plan = plan_of(files([], [DEV], [target]), files([someone("ada", "dev")], [DEV], [target]))
    assert said(plan) == ["revoke mem:membership/developers/ada"] and codes(plan) == ["look-alike"]
    pinned = files([someone("ada", "dev", pin="native-of-another")], [DEV], [target])
    assert said(plan_of(files([], [DEV], [target]), pinned)) == []


def test_existing_account_that_is_no_longer_meant_loses_what_the_files_gave() -> None:
    target = a_target(accounts=AccountsPolicy.EXISTING)
    a_world(accounts={"ada": account("ada"), "ada-b": account("ada-b")}, groups={"developers": group("ada", "ada-b")})
    before = files([someone("ada", "dev")], [DEV], [target])
    after = files([someone("ada", "dev", login="ada-b")], [DEV], [target])
    assert said(plan_of(after, before)) == ["revoke mem:membership/developers/ada"]


def test_switch_to_full_takes_nothing_from_those_who_were_there() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada"), "eve": account("eve")}, groups={"developers": group("ada", "eve")}
    )
    people = [someone("ada", "dev")]
    plan = plan_of(files(people, [DEV], [a_target(mode=Mode.FULL)]), files(people, [DEV]))
    assert "revoke mem:membership/developers/eve" not in said(plan) and any(s.newly_managed for s in plan.strays)


def test_what_begins_later_was_never_given_and_what_is_held_by_hand_until_then_stays() -> None:
    both("ada", "ada")
    later = someone("ada", "dev", held("ops", starts=NOW + timedelta(days=1)))
    declared = files([later], ROLES)
    for plan in (plan_of(declared), plan_of(declared, declared)):
        assert said(plan) == [] and [str(s.address) for s in plan.strays] == ["mem:membership/ops/ada"]
    before = files([someone("ada", "dev", "ops")], ROLES)
    assert said(plan_of(declared, declared, before)) == ["revoke mem:membership/ops/ada"]


def test_account_in_full_mode_is_closed_in_the_plan_that_takes_the_last_of_what_it_holds() -> None:
    both("ada", "ada")
    full = [a_target(mode=Mode.FULL)]
    before = files([someone("bob", "ops"), someone("ada", "dev")], ROLES, full)
    plan = plan_of(files([someone("ada")], ROLES, full), before)
    assert said(plan) == [
        "revoke mem:membership/developers/ada",
        "revoke mem:membership/ops/ada",
        "disable mem:account/ada",
    ]
