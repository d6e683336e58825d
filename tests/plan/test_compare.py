"""The decision table, row by row, through the engine itself over the memory world."""

from __future__ import annotations

from datetime import timedelta

from provisioner.model.change import Action, Cause
from provisioner.model.effect import Direction
from provisioner.model.outstanding import Outstanding
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.target import AccountsPolicy, Mode
from provisioner.model.way import Evidence
from provisioner.plan.plan import Plan
from provisioner.providers.memory.calls import Held
from provisioner.report.markdown import text as markdown
from provisioner.report.text import text
from tests.builders import NOW, at
from tests.worlds import (
    a_role,
    a_target,
    a_world,
    account,
    codes,
    files,
    group,
    held,
    planned,
    said,
    someone,
)

DEV = a_role("dev", ["developers"])


def plan_of(*args: object, **more: object) -> Plan:
    return planned(*args, **more).plan  # type: ignore[arg-type]


def test_what_the_files_ask_for_and_nobody_has_is_created_group_and_account_first() -> None:
    a_world()
    plan = plan_of(files([someone("ada", "dev")], [DEV]))
    assert said(plan) == [
        "create mem:group/developers",
        "create mem:account/ada",
        "create mem:membership/developers/ada",
    ]
    assert plan.changes[2].needs == tuple(sorted(c.id for c in plan.changes[:2]))
    assert [str(s) for s in plan.changes[2].sources] == ["access/people/ada.yaml:5:5", "access/roles/dev.yaml:1:3"]


def test_equal_states_give_an_empty_plan() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"developers": group("ada")})
    plan = plan_of(files([someone("ada", "dev")], [DEV]))
    assert said(plan) == [] and plan.diagnostics == () and plan.strays == ()


def test_unclaimed_account_with_the_persons_email_is_adopted() -> None:
    a_world(accounts={"ada": account("ada")}, groups={"developers": group("ada")})
    assert said(plan_of(files([someone("ada", "dev")], [DEV]))) == ["adopt mem:account/ada"]


def test_unclaimed_account_with_a_pinned_id_is_adopted_whatever_its_email() -> None:
    a_world(accounts={"ada": account("ada", email="else@example.com")}, groups={"developers": group()})
    plan = plan_of(files([someone("ada", "dev", pin="native-ada", email="else@example.com")], [DEV]))
    assert said(plan)[0] == "adopt mem:account/ada"


def test_unclaimed_account_of_somebody_else_is_an_error_and_gets_nothing() -> None:
    a_world(accounts={"ada": account("ada", email="other@example.com")}, groups={"developers": group()})
    plan = plan_of(files([someone("ada", "dev")], [DEV]))
    assert said(plan) == [] and codes(plan) == ["account-taken"]
    assert str(plan.diagnostics[0].location) == "access/people/ada.yaml:2:3"


def test_same_login_with_another_pinned_id_is_another_person() -> None:
    a_world(accounts={"ada": account("ada")}, groups={"developers": group()})
    plan = plan_of(files([someone("ada", "dev", pin="native-old")], [DEV]))
    assert said(plan) == [] and codes(plan) == ["account-id-differs"]


def test_account_with_a_foreign_owners_mark_is_never_touched() -> None:
    theirs = account("ada")
    theirs.note = "provision/1 o=aaaaaaaa k=ada"
    a_world(accounts={"ada": theirs}, groups={"developers": group("ada")})
    gone = plan_of(files([], [DEV]), files([someone("ada", "dev")], [DEV]))
    here = plan_of(files([someone("ada", "dev")], [DEV]))
    assert said(gone) == [] and said(here) == [] and "account-foreign" in codes(here)


def test_existing_accounts_are_matched_and_used_never_created_marked_or_disabled() -> None:
    target = a_target(accounts=AccountsPolicy.EXISTING)
    a_world(accounts={"ada": account("ada", email="other@example.com")}, groups={"developers": group()})
    plan = plan_of(files([someone("ada", "dev"), someone("bob", "dev")], [DEV], [target]))
    assert said(plan) == ["create mem:membership/developers/ada"] and codes(plan) == ["account-missing"]


def test_existing_accounts_of_leavers_are_emptied_and_nothing_else() -> None:
    target = a_target(accounts=AccountsPolicy.EXISTING)
    a_world(accounts={"ada": account("ada")}, groups={"developers": group("ada"), "hand-made": group("ada", "bob")})
    plan = plan_of(files([], [DEV], [target]), files([someone("ada", "dev")], [DEV], [target]))
    assert said(plan) == ["revoke mem:membership/developers/ada", "revoke mem:membership/hand-made/ada"]


def test_pending_way_is_nothing_to_do_and_a_lapsed_one_is_created_again() -> None:
    world = a_world(accounts={"ada": account("ada", mark="ada")}, groups={"developers": group("ada")})
    world.groups["developers"].members["ada"] = [Held(phase="pending")]
    declared = files([someone("ada", "dev")], [DEV])
    plan = plan_of(declared)
    assert said(plan) == [] and [(w.identity, str(w.address)) for w in plan.waiting] == [
        ("ada", "mem:membership/developers/ada")
    ]
    assert "mem waits for ada to accept" in text(plan) and "`mem` waits for `ada` to accept" in markdown(
        plan, digest="sha256:0"
    )
    world.groups["developers"].members["ada"] = [Held(phase="lapsed")]
    assert plan_of(declared).waiting == ()
    assert said(plan_of(declared)) == ["create mem:membership/developers/ada"]


def test_inherited_way_alone_is_made_direct_and_never_revoked_here() -> None:
    world = a_world(accounts={"ada": account("ada", mark="ada")}, groups={"developers": group("ada")})
    world.groups["developers"].members["ada"] = [Held(via="parents")]
    declared = files([someone("ada", "dev")], [DEV])
    assert said(plan_of(declared)) == ["create mem:membership/developers/ada"]
    gone = files([someone("ada")], [DEV])
    assert "revoke mem:membership/developers/ada" not in said(plan_of(gone, declared))


def test_one_revoke_ends_each_direct_way_by_its_native_id() -> None:
    world = a_world(accounts={"ada": account("ada", mark="ada")}, groups={"developers": group("ada")})
    world.groups["developers"].members["ada"] = [Held("root"), Held("hr"), Held("tree", via="parents")]
    plan = plan_of(files([], [DEV]), files([someone("ada", "dev")], [DEV]))
    revoke = next(c for c in plan.changes if c.action is Action.REVOKE)
    assert [w.native_id for w in revoke.ways] == ["root", "hr"]


def test_locked_membership_of_a_leaver_is_told_not_tried() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"synced": group("ada", locked_by="the directory")})
    plan = plan_of(files([]), files([someone("ada", "dev")], [DEV]))
    assert said(plan) == ["disable mem:account/ada"] and "managed-upstream" in codes(plan)


def test_removed_line_revokes_by_history_and_hand_made_membership_stays_as_stray() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada")},
        groups={"developers": group("ada"), "ops": group("ada"), "hand": group("ada")},
    )
    ops = a_role("ops", ["ops"])
    plan = plan_of(files([someone("ada", "dev")], [DEV, ops]), files([someone("ada", "dev", "ops")], [DEV, ops]))
    assert said(plan) == ["revoke mem:membership/ops/ada"]
    assert plan.changes[0].evidence is Evidence.HISTORY and plan.changes[0].cause is Cause.DECLARED
    assert "mem:membership/hand/ada" in [str(s.address) for s in plan.strays]


def test_removed_line_still_revokes_when_it_was_the_last_mention_of_the_group() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada")}, groups={"developers": group("ada"), "ops": group("ada", "eve")}
    )
    before = files([someone("ada", "dev", "ops")], [DEV, a_role("ops", ["ops"])])
    plan = plan_of(files([someone("ada", "dev")], [DEV]), before)
    assert said(plan) == ["revoke mem:membership/ops/ada", "release mem:group/ops"]


def test_leaver_loses_what_was_added_by_hand_too_and_others_in_those_groups_nothing() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada", keys={"k1": True, "k2": False}), "bob": account("bob", mark="bob")},
        groups={"developers": group("ada", "bob"), "hand": group("ada", "eve")},
        policy={("db", "own"): {"ada": [Held()], "eve": [Held()]}},
    )
    before = files([someone("ada", "dev"), someone("bob", "dev")], [DEV])
    plan = plan_of(files([someone("bob", "dev")], [DEV]), before)
    assert said(plan) == [
        "revoke mem:credential/k1/ada",
        "revoke mem:grant/db/ada#own",
        "revoke mem:membership/developers/ada",
        "revoke mem:membership/hand/ada",
        "disable mem:account/ada",
    ]
    assert {c.cause for c in plan.changes} == {Cause.LEAVER}
    assert [(str(w.address), w.not_before) for w in plan.waiting] == [("mem:account/ada", NOW + timedelta(days=30))]


def test_leaver_is_known_by_mark_alone_where_there_is_no_history() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"hand": group("ada")})
    plan = plan_of(files([]))
    assert said(plan) == ["revoke mem:membership/hand/ada", "disable mem:account/ada"]
    assert plan.changes[1].evidence is Evidence.MARK


def test_end_of_a_persons_time_is_a_leaver_by_time() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"developers": group("ada")})
    plan = plan_of(files([someone("ada", "dev", until=NOW)], [DEV]))
    assert said(plan) == ["revoke mem:membership/developers/ada", "disable mem:account/ada"]
    assert {c.cause for c in plan.changes} == {Cause.TIME}


def test_account_is_deleted_only_after_retention_and_after_all_it_holds() -> None:
    off = account("ada", mark="ada", since=f"{(NOW - timedelta(days=29)).isoformat()[:19]}Z", enabled=False)
    world = a_world(accounts={"ada": off}, groups={"late": group("ada")})
    soon = plan_of(files([]))
    assert said(soon) == ["revoke mem:membership/late/ada"] and len(soon.waiting) == 1
    world.accounts["ada"].note = account("ada", mark="ada", since="2026-10-01T00:00:00Z").note
    due = plan_of(files([]))
    assert said(due) == ["revoke mem:membership/late/ada", "delete mem:account/ada"]
    assert due.changes[1].needs == (due.changes[0].id,) and not due.changes[1].reversible


def test_future_disabled_since_means_not_yet() -> None:
    a_world(accounts={"ada": account("ada", mark="ada", since="2099-01-01T00:00:00Z", enabled=False)})
    plan = plan_of(files([]))
    assert said(plan) == [] and plan.waiting[0].not_before is None


def test_leaver_unlocked_by_hand_is_disabled_again_as_repair() -> None:
    a_world(accounts={"ada": account("ada", mark="ada", since="2026-10-01T00:00:00Z", enabled=True)})
    plan = plan_of(files([]))
    assert said(plan) == ["disable mem:account/ada"] and plan.changes[0].cause is Cause.REPAIR


def test_person_who_returns_within_retention_is_enabled() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada", since="2026-11-01T00:00:00Z", enabled=False)},
        groups={"developers": group()},
    )
    assert said(plan_of(files([someone("ada", "dev")], [DEV]))) == [
        "enable mem:account/ada",
        "create mem:membership/developers/ada",
    ]


def test_suspended_person_is_locked_and_keeps_memberships() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"developers": group("ada")})
    plan = plan_of(files([someone("ada", "dev", suspended="leave of absence")], [DEV]))
    assert said(plan) == ["disable mem:account/ada"] and plan.waiting == ()


def test_was_renames_the_account_and_revokes_nothing() -> None:
    a_world(
        accounts={"ada-lovelace": account("ada-lovelace", mark="ada-lovelace", email="ada@example.com")},
        groups={"developers": group("ada-lovelace")},
    )
    old = files([someone("ada-lovelace", "dev", email="ada@example.com")], [DEV])
    plan = plan_of(files([someone("ada", "dev", was=("ada-lovelace",))], [DEV]), old)
    assert said(plan) == ["rename mem:account/ada", "update mem:account/ada"]


def test_gone_id_and_new_id_with_one_email_is_an_error_that_proposes_was() -> None:
    a_world(
        accounts={"ada-lovelace": account("ada-lovelace", mark="ada-lovelace", email="ada@example.com")},
        groups={"developers": group("ada-lovelace")},
    )
    old = files([someone("ada-lovelace", "dev", email="ada@example.com")], [DEV])
    plan = plan_of(files([someone("ada", "dev")], [DEV]), old)
    assert said(plan) == [] and codes(plan) == ["looks-like-rename"]
    assert "was: [ada-lovelace]" in plan.diagnostics[0].fix


def test_look_alikes_of_a_leaver_are_named_and_left_alone() -> None:
    a_world(accounts={"ada": account("ada", mark="ada"), "ada-admin": account("ada-admin"), "adam": account("adam")})
    plan = plan_of(files([]), files([someone("ada", "dev")], [DEV]))
    told = next(d for d in plan.diagnostics if d.code == "look-alike")
    assert "`ada-admin`" in told.message and "adam`" not in told.message
    assert said(plan) == ["disable mem:account/ada"]


def test_ended_grant_is_taken_back_though_its_line_still_stands() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"developers": group("ada"), "ops": group("ada")})
    over = someone("ada", "dev", held("ops", until=NOW))
    plan = plan_of(files([over], [DEV, a_role("ops", ["ops"])]))
    assert said(plan) == ["revoke mem:membership/ops/ada"] and plan.changes[0].cause is Cause.TIME


def test_overlapping_grants_keep_the_latest_end() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"developers": group()})
    twice = someone("ada", held("dev", until=NOW + timedelta(hours=1)), held("dev", until=NOW + timedelta(days=2)))
    plan = plan_of(files([twice], [DEV]))
    assert plan.changes[0].ends == NOW + timedelta(days=2)


def test_unknown_holder_of_a_managed_group_goes_only_in_full_mode_and_only_if_long_managed() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada"), "eve": account("eve")}, groups={"developers": group("ada", "eve")}
    )
    people = [someone("ada", "dev")]
    assert said(plan_of(files(people, [DEV]))) == []
    full = files(people, [DEV], [a_target(mode=Mode.FULL)])
    newly = plan_of(full)
    assert said(newly) == [] and any("newly managed" in s.why for s in newly.strays)
    later = plan_of(full, files(people, [DEV], [a_target(mode=Mode.FULL)]))
    assert said(later) == ["revoke mem:membership/developers/eve"]
    assert later.changes[0].evidence is Evidence.CONTAINER
    kept = frozenset({"mem:membership/developers/eve"})
    still = plan_of(full, files(people, [DEV], [a_target(mode=Mode.FULL)]), kept=kept)
    assert said(still) == [] and still.strays[-1].newly_managed


def test_in_full_mode_a_group_of_another_owner_keeps_who_is_in_it_and_a_foreign_account_is_named() -> None:
    theirs = account("theirs")
    theirs.note = "provision/1 o=11111111 k=theirs"
    world = a_world(
        accounts={"ada": account("ada", mark="ada"), "theirs": theirs}, groups={"developers": group("ada", "theirs")}
    )
    full = files([someone("ada", "dev")], [DEV], [a_target(mode=Mode.FULL)])
    plan = plan_of(full, full)
    assert said(plan) == ["revoke mem:membership/developers/theirs"]
    assert plan.changes[0].why.endswith("the account that has it carries the mark of another owner")
    world.groups["developers"].description = "provision/1 o=11111111 k=developers"
    plan = plan_of(full, full)
    assert said(plan) == []
    assert any("the group carries the mark of another owner" in s.why for s in plan.strays)


def test_in_full_mode_a_grant_of_an_account_of_another_owner_stays() -> None:
    """What is given is no group of ours: that it is given here, too, says nothing about what others give."""
    theirs = account("theirs")
    theirs.note = "provision/1 o=11111111 k=theirs"
    accounts = {"ada": account("ada", mark="ada"), "eve": account("eve"), "theirs": theirs}
    a_world(accounts=accounts, policy={("db", "read"): {name: [Held()] for name in accounts}})
    full = files([someone("ada", "reader")], [a_role("reader", objects={"db": ["read"]})], [a_target(mode=Mode.FULL)])
    plan = plan_of(full, full)
    assert said(plan) == ["revoke mem:grant/db/eve#read"]
    assert {str(s.address): s.why for s in plan.strays}["mem:grant/db/theirs#read"] == (
        "the account that has it carries the mark of another owner, who declares what it has"
    )


def test_report_mode_writes_nothing_and_tells_the_differences() -> None:
    a_world()
    plan = plan_of(files([someone("ada", "dev")], [DEV], [a_target(mode=Mode.REPORT)]))
    assert said(plan) == [] and set(codes(plan)) == {"report-only"}


def test_short_read_removes_nothing_and_creates_no_account() -> None:
    accounts = {f"u{i}": account(f"u{i}", mark=f"u{i}") for i in range(9)}
    world = a_world(accounts=accounts, groups={"developers": group(*accounts)})
    people = [someone(f"u{i}", "dev") for i in range(9)]
    world.cut_after = 4
    plan = plan_of(files(people[:4], [DEV]), files(people, [DEV]))
    assert said(plan) == [] and "incomplete-read" in codes(plan)
    assert not plan.complete


def test_short_read_creates_a_membership_only_after_a_point_read_proved_its_absence() -> None:
    groups = {f"g{i}": group("ada") for i in range(6)}
    world = a_world(accounts={"ada": account("ada", mark="ada")}, groups=groups)
    world.groups["g5"].members.clear()
    world.cut_after = 3
    role = a_role("dev", [f"g{i}" for i in range(6)])
    assert said(plan_of(files([someone("ada", "dev")], [role]))) == ["create mem:membership/g5/ada"]


def test_named_person_may_be_cut_off_also_from_a_short_read() -> None:
    world = a_world(
        accounts={"ada": account("ada", mark="ada"), "bob": account("bob")},
        groups={"g1": group("ada", "bob"), "g2": group("ada")},
    )
    world.cut_after = 1
    before = files([someone("ada", "dev")], [a_role("dev", ["g1"])])
    after = files([], [a_role("dev", ["g1"])])
    assert said(plan_of(after, before)) == []
    assert said(plan_of(after, before, person="ada")) == ["revoke mem:membership/g1/ada", "disable mem:account/ada"]


def test_empty_where_there_was_plenty_is_not_believed() -> None:
    a_world()
    plan = plan_of(files([someone("ada", "dev")], [DEV]), counts={"account": 40})
    assert "create mem:account/ada" not in said(plan) and not plan.complete


def test_unreachable_target_is_told_and_the_other_is_planned() -> None:
    a_world("mem", down=True)
    a_world("two")
    roles = [DEV, a_role("dev2", ["developers"], target="two")]
    plan = plan_of(files([someone("ada", "dev", "dev2")], roles, [a_target(), a_target("two")]))
    assert {c.address.target for c in plan.changes} == {"two"}
    assert not plan.targets["mem"].complete and "target-unreadable" in codes(plan)


def test_hidden_attributes_are_not_compared() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada", name="Somebody")},
        groups={"developers": group("ada")},
        hides=frozenset({"name"}),
    )
    assert said(plan_of(files([someone("ada", "dev")], [DEV]))) == []


def test_group_name_that_nearly_matches_is_a_slip_unless_the_target_declares_it() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"Developers": group()})
    plan = plan_of(files([someone("ada", "dev")], [DEV]))
    assert said(plan) == [] and codes(plan) == ["near-miss"]
    meant = plan_of(files([someone("ada", "dev")], [DEV], [a_target(objects={"groups": {"developers": {}}})]))
    assert said(meant) == ["create mem:group/developers", "create mem:membership/developers/ada"]


def test_removing_a_restriction_widens_and_goes_after_what_narrows() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={}, controls={"main": ["leads"]})
    target = a_target(objects={"controls": {"main": {"open_to": ["leads", "everyone"]}}})
    plan = plan_of(files([], [], [target]), files([someone("ada", "dev")], [DEV]))
    assert [(c.action.value, c.effect.direction) for c in plan.changes] == [
        ("disable", Direction.NARROWS),
        ("update", Direction.WIDENS),
    ]


def test_narrowing_comes_first_and_admin_like_changes_before_ordinary_ones() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada"), "bob": account("bob", mark="bob"), "root": account("root")},
        groups={"admins": group("bob", "root"), "developers": group("bob")},
    )
    admins = a_role("admin", ["admins"])
    before = files([someone("bob", "admin", "dev"), someone("ada", "dev")], [DEV, admins])
    plan = plan_of(files([someone("bob"), someone("ada", "dev", "admin")], [DEV, admins]), before)
    assert said(plan)[:2] == ["revoke mem:membership/admins/bob", "revoke mem:membership/developers/bob"]
    assert said(plan)[-2:] == ["create mem:membership/admins/ada", "create mem:membership/developers/ada"]


def test_outstanding_work_comes_first_and_leaves_when_the_live_system_proves_it_gone() -> None:
    world = a_world(
        accounts={"ada": account("ada", mark="ada"), "bob": account("bob", mark="bob")},
        groups={"a": group("bob"), "z": group("ada")},
    )
    since = NOW - timedelta(days=3)
    left = (Outstanding(at("mem:membership/z/ada"), Action.REVOKE, since, "denied", "ada", "r1"),)
    cyd = someone("cyd")
    plan = plan_of(files([cyd], []), files([cyd, someone("ada"), someone("bob")], []), outstanding=left)
    assert said(plan)[0] == "revoke mem:membership/z/ada" and plan.outstanding == left
    world.groups["z"].members.clear()
    assert plan_of(files([cyd], []), outstanding=left).outstanding == ()


def test_same_inputs_give_the_same_bytes_whatever_their_order() -> None:
    a_world(accounts={n: account(n, mark=n) for n in ("bob", "ada", "cyd")})
    people = [someone(n, "dev") for n in ("cyd", "ada", "bob")]
    one, two = plan_of(files(people, [DEV])), plan_of(files(people[::-1], [DEV]))
    assert said(one) == said(two) and one.approves == two.approves


def test_service_accounts_are_addressed_as_services() -> None:
    a_world(accounts={"bot": account("bot", mark="bot")}, groups={"developers": group("bot")})
    declared = files([someone("bot", "dev", service=True)], [DEV])
    assert said(plan_of(declared)) == []
    assert said(plan_of(files([], [DEV]), declared))[0] == "revoke mem:membership/developers/service:bot"


def test_last_role_on_a_target_gone_disables_the_account_that_was_made_for_it() -> None:
    world = a_world(accounts={"ada": account("ada", mark="ada")}, groups={"developers": group("ada")})
    before = files([someone("ada", "dev")], [DEV])
    plan = plan_of(files([someone("ada")], [DEV]), before)
    assert said(plan) == ["revoke mem:membership/developers/ada", "disable mem:account/ada"]
    world.groups["hand"] = group("ada")
    kept = plan_of(files([someone("ada")], [DEV]), before)
    assert said(kept) == ["revoke mem:membership/developers/ada"] and "account-kept" in codes(kept)


def test_group_with_a_leavers_name_is_not_the_leaver() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")})
    side = planned(files([])).sides["mem"]
    person, same_name = (Principal("mem", kind, "ada") for kind in (PrincipalKind.PERSON, PrincipalKind.GROUP))
    assert side.match_of(person) is not None
    assert side.match_of(same_name) is None and side.match_of(same_name._replace(kind=PrincipalKind.UNKNOWN)) is None


def test_account_that_others_locked_stays_locked_and_is_told() -> None:
    world = a_world(accounts={"ada": account("ada", mark="ada", enabled=False)}, groups={"developers": group("ada")})
    plan = plan_of(files([someone("ada", "dev")], [DEV]))
    assert said(plan) == [] and codes(plan) == ["locked-by-others"]
    world.accounts["ada"].note = account("ada", mark="ada", since="2026-11-01T00:00:00Z").note
    assert said(plan_of(files([someone("ada", "dev")], [DEV]))) == ["enable mem:account/ada"]


def test_leavers_keys_that_could_not_be_read_make_the_reading_incomplete() -> None:
    world = a_world(accounts={"ada": account("ada", mark="ada", keys={"k1": True})})
    world.refuses.add(("list_keys", "ada"))
    plan = plan_of(files([]))
    assert not plan.complete and "incomplete-read" in codes(plan)


def test_keys_of_a_suspended_person_are_no_strays() -> None:
    a_world(accounts={"ada": account("ada", mark="ada", keys={"k1": True})}, groups={"developers": group("ada")})
    assert plan_of(files([someone("ada", "dev", suspended="leave")], [DEV])).strays == ()


def test_login_taken_over_by_a_stranger_keeps_what_the_stranger_holds() -> None:
    a_world(accounts={"ada": account("ada", email="stranger@example.com")}, groups={"developers": group("ada")})
    plan = plan_of(files([], [DEV]), files([someone("ada", "dev")], [DEV]))
    assert said(plan) == [] and "look-alike" in codes(plan)


def test_account_that_the_system_cannot_hold_is_told_with_its_line_and_nothing_of_it_is_tried() -> None:
    a_world(groups={"developers": group()})
    plan = plan_of(files([someone("ada", "dev", email="ada@exämple.com"), someone("bob", "dev")], [DEV]))
    assert said(plan) == ["create mem:account/bob", "create mem:membership/developers/bob"]
    assert codes(plan) == ["memory-email"] and plan.diagnostics[0].location is not None


def test_grant_that_has_not_begun_is_shown_and_not_given() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"developers": group("ada"), "ops": group()})
    soon = someone("ada", "dev", held("ops", starts=NOW + timedelta(hours=1)))
    plan = plan_of(files([soon], [DEV, a_role("ops", ["ops"])]))
    assert said(plan) == []
    assert [(str(w.address), w.not_before) for w in plan.waiting] == [
        ("mem:membership/ops/ada", NOW + timedelta(hours=1))
    ]


def test_account_of_somebody_who_is_still_declared_is_never_deleted() -> None:
    a_world(accounts={"ada": account("ada", mark="ada", since="2020-01-01T00:00:00Z", enabled=False)})
    plan = plan_of(files([someone("ada")]))
    assert said(plan) == [] and plan.waiting == ()


def test_target_that_the_files_name_no_more_is_told() -> None:
    a_world("mem")
    a_world("two")
    plan = plan_of(files([], [], [a_target()]), files([], [], [a_target(), a_target("two")]))
    assert codes(plan) == ["target-gone"] and "two" in plan.diagnostics[0].message


def test_suspension_that_cannot_be_carried_out_is_told() -> None:
    target = a_target(accounts=AccountsPolicy.EXISTING)
    a_world(accounts={"ada": account("ada")}, groups={"developers": group("ada")})
    plan = plan_of(files([someone("ada", "dev", suspended="leave")], [DEV], [target]))
    assert said(plan) == [] and codes(plan) == ["suspended-not-locked"]
