"""How much one plan may take: of a group, of a target's people, of a kind, of the source; and what always passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.apply import apply_plan
from provisioner.contract import Failed, ProviderError, Trouble
from provisioner.diagnostics import Location
from provisioner.engine import make_plan
from provisioner.model.access import DeclaredAccess
from provisioner.model.change import Action
from provisioner.model.outstanding import Outstanding
from provisioner.model.rules import Acknowledgement, Limit, Rules
from provisioner.model.target import Mode
from provisioner.providers.memory.calls import WORLDS, Held
from provisioner.records.entries import Result, outcome_body
from provisioner.records.record import RecordKind
from provisioner.records.run import RunInfo
from tests.builders import NOW, at, change
from tests.guardrails.stories import (
    NAMES,
    acknowledged,
    company,
    fix_of,
    let,
    living,
    message_of,
    plan_of,
    refusals,
    rules,
    withheld,
)
from tests.runs import QUICK, journal
from tests.worlds import a_role, a_target, a_world, account, codes, files, group, said, situation, someone

DEPLOY = a_role("deploy", ["deployers"])
TWENTY = NAMES[:20]


def test_nineteen_of_twenty_deployers_are_refused_and_the_target_gets_no_call_at_all() -> None:
    living(deployers=TWENTY)
    before = company(DEPLOY, also={"deploy": TWENTY})
    after = company(DEPLOY, people=[*NAMES, "zoe"], also={"deploy": TWENTY[:1]})
    plan = plan_of(after, before)
    assert plan.changes == ()
    assert "removals-of-group" in refusals(plan)
    assert "19 of 20 (95 %) of deployers" in message_of(plan, "removals-of-group")
    assert {w.rule for w in plan.withheld} == {"removals-of-group"}
    assert "create mem:account/zoe" in [f"{w.change.action} {w.change.address}" for w in plan.withheld]
    assert plan.refused
    assert plan.targets["mem"].refused == "removals-of-group"


def test_applying_calls_only_the_targets_that_are_not_refused(tmp_path: Path) -> None:
    world = living(deployers=TWENTY)
    other = a_world("two", accounts={"p00": account("p00", mark="p00")}, groups={"x": group("p00")})
    targets = [a_target(), a_target("two")]
    before = company(DEPLOY, also={"deploy": TWENTY}, targets=targets)
    given = situation(company(DEPLOY, also={"deploy": TWENTY[:1]}, targets=targets), before)
    # Earlier work is left on both: it is looked at again only where something may be done.
    for name in ("mem", "two"):
        old = change("revoke", f"{name}:membership/gone/p01", who="p01")
        body = outcome_body([(old, Result(Failed(ProviderError(Trouble.DENIED, "denied"))))])
        journal(tmp_path).chain(name).append(RecordKind.OUTCOME, body, run=RunInfo("r0", "tests"), at=NOW)
    made = make_plan(given).plan
    calls = {"mem": world.calls.total(), "two": other.calls.total()}
    assert {n: v.refused for n, v in made.targets.items()} == {"mem": "removals-of-group", "two": None}
    apply_plan(
        made,
        given.connections,
        journal(tmp_path),
        run=RunInfo("r1", "tests"),
        clock=lambda: NOW,
        whole=True,
        waits=QUICK,
    )
    assert world.calls.total() == calls["mem"]
    assert other.calls.total() > calls["two"]


def test_a_lost_file_refuses_every_target_also_one_that_loses_nothing() -> None:
    living()
    a_world("two", groups={"x": group()})
    targets = [a_target(), a_target("two")]
    plan = plan_of(company(people=[], targets=targets), company(targets=targets))
    assert {n: v.refused for n, v in plan.targets.items()} == {"mem": "source-emptied", "two": "source-emptied"}


def test_what_a_refusal_proposes_lets_exactly_that_through() -> None:
    living(deployers=TWENTY)
    before = company(DEPLOY, also={"deploy": TWENTY})
    plan = plan_of(company(DEPLOY, also={"deploy": TWENTY[:1]}), before)
    entries = acknowledged(fix_of(plan, "removals-of-group"))
    assert entries[0].people == tuple(TWENTY[1:]) and entries[0].removals
    after = company(DEPLOY, also={"deploy": TWENTY[:1]}, rules=rules(*entries))
    meant = plan_of(after, before)
    assert len(meant.changes) == 19 and not meant.refused
    more = company(DEPLOY, also={"deploy": ["p25"]}, rules=rules(*entries))
    living(deployers=NAMES[:30])
    bigger = plan_of(more, company(DEPLOY, also={"deploy": NAMES[:30]}))
    assert bigger.changes == ()  # ten more than were acknowledged


@pytest.mark.parametrize("number", [1, 2])
def test_one_persons_offboarding_passes_also_that_of_the_holder_of_very_many_things(number: int) -> None:
    groups = {f"g{n:02}": [NAMES[0], *(["p01"] if number == 2 else [])] for n in range(50)}
    living(**groups)
    many = a_role("many", sorted(groups))
    before = company(many, also={"many": NAMES[:number]})
    plan = plan_of(company(many, people=NAMES[number:], also={}), before)
    assert not plan.refused
    assert len(plan.changes) == number * (1 + 50 + 1)


def test_a_leaver_from_a_group_of_four_passes_whatever_the_limit_of_groups() -> None:
    living(deployers=NAMES[:4])
    strict = Rules(group=Limit(10))
    before = company(DEPLOY, also={"deploy": NAMES[:4]}, rules=strict)
    assert not plan_of(company(DEPLOY, people=NAMES[1:], also={"deploy": NAMES[1:4]}, rules=strict), before).refused
    two = plan_of(company(DEPLOY, people=NAMES[2:], also={"deploy": NAMES[2:4]}, rules=strict), before)
    assert "2 of 4 (50 %) of deployers" in message_of(two, "removals-of-group")


def test_half_of_a_group_may_go_and_more_than_half_may_not() -> None:
    living(deployers=NAMES[:8])
    before = company(DEPLOY, also={"deploy": NAMES[:8]})
    assert not plan_of(company(DEPLOY, also={"deploy": NAMES[4:8]}), before).refused
    plan = plan_of(company(DEPLOY, also={"deploy": NAMES[5:8]}), before)
    assert "5 of 8 (62.5 %) of deployers" in message_of(plan, "removals-of-group")


def test_a_group_of_three_is_not_counted_by_percent() -> None:
    living(deployers=NAMES[:3])
    assert not plan_of(company(DEPLOY), company(DEPLOY, also={"deploy": NAMES[:3]})).refused


def test_a_tenth_of_the_people_may_lose_something_and_more_may_not() -> None:
    """Counted are people, wherever on the target they lose something."""
    fifty = [f"q{n:02}" for n in range(50)]
    groups = {f"g{n}": fifty[n * 10 : n * 10 + 10] for n in range(5)}
    given = [a_role(name, [name]) for name in groups]

    def told(each: int) -> list[str]:
        living(fifty, **groups)
        left = {name: members[each:] for name, members in groups.items()}
        return refusals(plan_of(company(*given, people=fifty, also=left), company(*given, people=fifty, also=groups)))

    assert told(1) == []
    assert "removals-of-target" in told(2)


def test_disabled_accounts_are_no_people_and_their_end_was_counted_when_they_were_closed() -> None:
    """Six who were let go of a month ago are deleted now: they lost their access then."""
    world = living()
    for name in NAMES[:6]:
        world.accounts[name] = account(name, mark=name, since="2026-09-01T00:00:00Z", enabled=False)
        world.groups["staff"].members.pop(name)
    plan = plan_of(company(people=NAMES[6:]), company())
    assert [line for line in said(plan) if "delete" in line] == [f"delete mem:account/{n}" for n in NAMES[:6]]
    assert not plan.refused


def test_a_group_that_may_do_nothing_any_more_is_a_loss_for_everybody_in_it() -> None:
    """`objects: {}` of a group by mistake (what `policies: []` is in AWS)."""
    world = living(builders=NAMES[:12])
    world.policy[("site", "write")] = {"group:builders": [Held()]}
    full, none = ({"groups": {"builders": {"objects": o}}} for o in ({"site": ["write"]}, {}))
    build = a_role("build", ["builders"])
    also = {"build": NAMES[:12]}
    before = company(build, also=also, targets=[a_target(objects=full)])
    plan = plan_of(company(build, also=also, targets=[a_target(objects=none)]), before)
    assert withheld(plan) == ["removals-of-group: revoke mem:grant/site/group:builders#write"]
    assert "12 of 12 (100 %) of builders" in message_of(plan, "removals-of-group")
    assert "12 of 40 (30 %) of its people" in message_of(plan, "removals-of-target")
    entries = acknowledged(fix_of(plan, "removals-of-group"))
    assert entries[0].addresses == ("mem:grant/site/group:builders#write",)
    meant = plan_of(company(build, also=also, targets=[a_target(objects=none)], rules=rules(*entries)), before)
    assert said(meant) == ["revoke mem:grant/site/group:builders#write"] and not meant.refused


def test_rights_of_many_groups_with_few_people_are_counted_by_kind() -> None:
    world = living(**{f"t{n}": [NAMES[n]] for n in range(8)})
    for n in range(8):
        world.policy[(f"site{n}", "write")] = {f"group:t{n}": [Held()]}
    full = {"groups": {f"t{n}": {"objects": {f"site{n}": ["write"]}} for n in range(8)}}
    none: dict[str, object] = {"groups": {f"t{n}": {"objects": {}} for n in range(8)}}
    generous = Rules(target=Limit(60))
    before = company(targets=[a_target(objects=full)], rules=generous)
    plan = plan_of(company(targets=[a_target(objects=none)], rules=generous), before)
    assert refusals(plan) == ["removals-of-kind"]
    assert "8 of 8 (100 %) grants" in message_of(plan, "removals-of-kind")


def test_one_person_who_loses_fifty_things_and_stays_trips_no_limit_of_kinds() -> None:
    groups = {f"g{n:02}": [NAMES[0]] for n in range(50)}
    living(**groups)
    many = a_role("many", sorted(groups))
    plan = plan_of(company(many), company(many, also={"many": NAMES[:1]}))
    assert len(plan.changes) == 50 and not plan.refused


def test_a_lost_role_file_is_refused() -> None:
    living(deployers=TWENTY)
    before = company(DEPLOY, also={"deploy": TWENTY})
    plan = plan_of(company(), before)
    assert plan.changes == () and "removals-of-group" in refusals(plan)


def test_a_role_names_what_its_holders_lose_also_when_it_is_gone() -> None:
    living(deployers=TWENTY)
    before = company(DEPLOY, also={"deploy": TWENTY})
    plan = plan_of(company(rules=rules(let(role="deploy", removals=True))), before)
    assert len([c for c in plan.changes if c.narrows]) == 20 and not plan.refused


def test_the_restriction_that_comes_narrows_and_the_one_that_goes_does_not() -> None:
    """Six controls with nobody in their way: what lets more people in is no removal, whatever the action is called."""
    world = a_world(accounts={n: account(n, mark=n) for n in NAMES})
    world.groups["staff"] = group(*NAMES)
    world.controls = {f"c{n}": ["a", "b"] for n in range(6)}

    def asked(*open_to: str) -> dict[str, Any]:
        return {"controls": {f"c{n}": {"open_to": list(open_to)} for n in range(6)}}

    wider = plan_of(company(targets=[a_target(objects=asked("a", "b", "c"))]))
    assert len(wider.changes) == 6 and not wider.refused
    narrower = plan_of(company(targets=[a_target(objects=asked("a"))]))
    assert refusals(narrower) == ["removals-of-kind"]


def test_an_emptied_tree_is_refused_on_every_target_and_so_is_the_next_run() -> None:
    for name in ("mem", "two"):
        a_world(name, accounts={n: account(n, mark=n) for n in ("ada", "bob")}, groups={"staff": group("ada", "bob")})
    targets = [a_target("mem"), a_target("two")]
    everyone = [someone("ada", "all"), someone("bob", "all")]
    both = [a_role("all", ["staff"])]
    before = files(everyone, both, targets)
    empty = files([], both, targets)
    for base in (before, empty):  # on the merge, and ten minutes later
        plan = plan_of(empty, before, base=base)
        assert plan.changes == () and refusals(plan) == ["source-emptied"]
        assert {w.change.address.target for w in plan.withheld} == {"mem", "two"}
    entries = acknowledged(fix_of(plan, "source-emptied"))
    meant = plan_of(replace(empty, rules=rules(*entries)), before)
    assert not meant.refused and len(meant.changes) == 8  # a membership and an account, twice two people


def test_an_emptied_tree_without_any_history_is_known_by_the_marks() -> None:
    living(["ada", "bob", "cyd"])
    assert refusals(plan_of(company(people=[]))) == ["source-emptied"]
    bots = files([someone("bot", "all", service=True)], [a_role("all", ["staff"])])
    a_world(accounts={n: account(n, mark=n) for n in ("bot", "tool")}, groups={"staff": group("bot", "tool")})
    tool = someone("tool", "all", service=True)
    assert not plan_of(bots, files([*bots.identities.values(), tool], [a_role("all", ["staff"])])).refused


def test_the_last_person_may_leave_alone() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"staff": group("ada")})
    plan = plan_of(company(people=[]), company(people=["ada"]))
    assert not plan.refused and len(plan.changes) == 2


def test_many_gone_from_the_files_are_refused_everywhere_under_their_own_name() -> None:
    """Ten of forty are gone; one of the two targets has only one of them, and is refused as well."""
    living()
    a_world("two", accounts={"p00": account("p00", mark="p00")}, groups={})
    targets = [a_target("mem"), a_target("two")]
    plan = plan_of(company(people=NAMES[10:], targets=targets), company(targets=targets))
    assert refusals(plan) == ["source-shrunken"]
    assert "10 of 40 (25 %)" in message_of(plan, "source-shrunken")
    assert {w.change.address.target for w in plan.withheld} == {"mem", "two"}


def test_leavers_who_are_gone_everywhere_already_are_not_counted_again() -> None:
    """A target that does not converge for months still has six leavers in its history, and all but one are done."""
    living(NAMES[5:])
    plan = plan_of(company(people=NAMES[6:]), company())
    assert not plan.refused and {c.identity for c in plan.changes} == {"p05"}


def test_a_named_person_goes_also_from_an_emptied_tree() -> None:
    living(NAMES[:6])
    plan = plan_of(company(people=[]), company(people=NAMES[:6]), person="p00")
    assert not plan.refused and len(plan.changes) == 2


def test_a_count_lets_so_many_through_and_one_more_is_too_many() -> None:
    living(deployers=TWENTY)
    before = company(DEPLOY, also={"deploy": TWENTY})
    nineteen = let(target="mem", kind=at("mem:membership/x/y").kind, count=19)
    assert not plan_of(company(DEPLOY, also={"deploy": ["p00"]}, rules=rules(nineteen)), before).refused
    plan = plan_of(company(DEPLOY, rules=rules(nineteen)), before)
    assert plan.changes == () and "acknowledgement-exceeded" in codes(plan)


def test_an_acknowledgement_that_is_over_lets_nothing_through_and_says_so() -> None:
    living(deployers=TWENTY)
    before = company(DEPLOY, also={"deploy": TWENTY})
    over = let(role="deploy", removals=True, until=NOW)
    plan = plan_of(company(DEPLOY, rules=rules(over)), before)
    assert plan.changes == () and "acknowledgement-expired" in codes(plan)


def test_what_is_about_giving_lets_nothing_be_taken() -> None:
    living(deployers=TWENTY)
    before = company(DEPLOY, also={"deploy": TWENTY})
    assert plan_of(company(DEPLOY, rules=rules(let(role="deploy"))), before).changes == ()


def test_an_address_without_its_holder_means_everything_that_hangs_on_it() -> None:
    living(deployers=TWENTY, other=TWENTY)
    other = a_role("other", ["other"])
    before = company(DEPLOY, other, also={"deploy": TWENTY, "other": TWENTY})
    entry = let(addresses=("mem:membership/deployers",), removals=True)
    assert not plan_of(company(DEPLOY, other, also={"other": TWENTY}, rules=rules(entry)), before).refused
    assert plan_of(company(DEPLOY, other, rules=rules(entry)), before).refused


def test_the_base_judges_and_a_change_cannot_raise_its_own_limit() -> None:
    living(deployers=TWENTY)
    line = Location("access/guardrails.yaml", 2, 14)
    base = company(DEPLOY, also={"deploy": TWENTY}, rules=Rules(group=Limit(40, line)))
    raised = company(DEPLOY, rules=Rules(group=Limit(100), target=Limit(100)))
    assert plan_of(raised, base).refused is False  # where nothing else judges, the files do
    plan = plan_of(raised, base, base=base)
    assert plan.changes == ()
    why = next(d.why for d in plan.diagnostics if d.code == "removals-of-group")
    assert "40 %" in why and "access/guardrails.yaml:2:14 of the base" in why
    acknowledged_here = replace(raised, rules=rules(let(role="deploy", removals=True)))
    assert not plan_of(acknowledged_here, base, base=base).refused


def test_other_targets_go_on() -> None:
    living(deployers=TWENTY)
    a_world("two", accounts={n: account(n, mark=n) for n in NAMES[:2]}, groups={"team": group("p00", "p01")})
    targets = [a_target("mem"), a_target("two")]
    team = a_role("team", ["team"], target="two")
    before = company(DEPLOY, team, also={"deploy": TWENTY, "team": ["p00", "p01"]}, targets=targets)
    plan = plan_of(company(DEPLOY, team, also={"team": ["p01"]}, targets=targets), before)
    assert said(plan) == ["revoke two:membership/team/p00", "disable two:account/p00"]
    assert plan.refused and {w.change.address.target for w in plan.withheld} == {"mem"}


def test_newly_managed_holders_go_when_an_acknowledgement_names_them() -> None:
    living(deployers=NAMES[:3])

    def asked(*said_: Acknowledgement) -> DeclaredAccess:
        full = [a_target(mode=Mode.FULL)]
        return company(DEPLOY, targets=full, rules=rules(*said_))

    before = company(targets=[a_target(mode=Mode.ADD)])
    stay = plan_of(asked(), before)
    assert stay.changes == () and sum(s.newly_managed for s in stay.strays) == 3
    one = plan_of(asked(let(people=("p01",), removals=True)), before)
    assert said(one) == ["revoke mem:membership/deployers/p01"]
    assert sum(s.newly_managed for s in one.strays) == 2
    kind = at("mem:membership/x/y").kind
    for entry in (
        let(addresses=("mem:membership/deployers",), removals=True),
        let(role="deploy", removals=True),
        let(target="mem", kind=kind, count=3),
    ):
        assert len(plan_of(asked(entry), before).changes) == 3
    assert plan_of(asked(let(target="mem", kind=kind, count=2)), before).changes == ()
    assert plan_of(asked(let(people=("p01",))), before).changes == ()


def test_a_plan_with_nothing_to_do_says_nothing() -> None:
    living()
    plan = plan_of(company(), company())
    assert plan.changes == () and plan.diagnostics == ()


def test_what_an_earlier_run_was_let_take_and_could_not_goes_on_and_is_not_counted_again() -> None:
    """Ten of the twenty were let go, and the system was down; their acknowledgement is over by now."""
    living(deployers=TWENTY)
    before = company(DEPLOY, also={"deploy": TWENTY})
    left = tuple(
        Outstanding(at(f"mem:membership/deployers/{n}"), Action.REVOKE, NOW, "down", n, "r1") for n in TWENTY[:10]
    )
    same = company(DEPLOY, also={"deploy": TWENTY[10:]})
    plan = plan_of(same, before, outstanding=left)
    assert not plan.refused and len(plan.changes) == 10
    # And the ten who stay are ten, not twenty: six of them are more than half.
    six = plan_of(company(DEPLOY, also={"deploy": TWENTY[16:]}), before, outstanding=left)
    assert "6 of 10 (60 %) of deployers" in message_of(six, "removals-of-group")


def test_newly_managed_holders_are_told_with_the_entry_that_lets_them_go() -> None:
    living(deployers=NAMES[:3])
    mem = WORLDS["mem"]
    mem.accounts["olaf"] = account("olaf")
    mem.groups["deployers"].members["olaf"] = [Held()]

    def asked(*said_: Acknowledgement) -> DeclaredAccess:
        return company(DEPLOY, targets=[a_target(mode=Mode.FULL)], rules=rules(*said_))

    before = company(targets=[a_target(mode=Mode.ADD)])
    plan = plan_of(asked(), before)
    assert not plan.refused and plan.changes == ()
    told = message_of(plan, "newly-managed")
    assert told.startswith("4 holders on mem were there before") and "olaf" in told and "p01" in told
    through = plan_of(asked(*acknowledged(fix_of(plan, "newly-managed"))), before)
    assert len(through.changes) == 4
    assert "newly-managed" not in codes(through)


def test_many_newly_managed_holders_are_let_go_by_their_number() -> None:
    living(deployers=NAMES[:35])
    before = company(targets=[a_target(mode=Mode.ADD)])
    full = [a_target(mode=Mode.FULL)]
    entries = acknowledged(fix_of(plan_of(company(DEPLOY, targets=full), before), "newly-managed"))
    assert [e.count for e in entries] == [35]
    assert len(plan_of(company(DEPLOY, targets=full, rules=rules(*entries)), before).changes) == 35
