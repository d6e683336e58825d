"""Another system behind the same settings: nothing is asked of it but its name, until somebody says it is meant."""

from __future__ import annotations

from dataclasses import replace

from tests.guardrails.stories import acknowledged, company, fix_of, let, living, message_of, plan_of, rules
from tests.worlds import a_target, a_world, account, group


def test_the_other_system_gets_no_further_call_and_both_are_named() -> None:
    world = living()
    plan = plan_of(company(people=["p00"]), company(), systems={"mem": "memory:old"})
    assert dict(world.calls) == {"identify": 1}
    assert plan.refused and plan.changes == () and not plan.complete
    assert "it was memory:old, and now it is memory:mem" in message_of(plan, "system-changed")
    assert "memory:old" in (plan.targets["mem"].failed or "")
    assert plan.targets["mem"].system == "memory:mem"
    assert plan.targets["mem"].refused == "system-changed"


def test_the_same_system_is_read() -> None:
    living()
    assert plan_of(company(), company(), systems={"mem": "memory:mem"}).diagnostics == ()


def test_others_are_read_all_the_same() -> None:
    living()
    a_world("two", accounts={"p00": account("p00", mark="p00")}, groups={"x": group()})
    targets = [a_target(), a_target("two")]
    plan = plan_of(company(targets=targets), systems={"two": "memory:old"})
    assert plan.targets["mem"].complete and not plan.targets["two"].complete


def test_what_the_refusal_proposes_lets_it_through_and_only_that_system() -> None:
    living()
    pinned = {"mem": "memory:old"}
    entries = acknowledged(fix_of(plan_of(company(), systems=pinned), "system-changed"))
    assert entries[0].system == "memory:mem"
    assert not plan_of(company(rules=rules(*entries)), company(), systems=pinned).refused
    for wrong in (replace(entries[0], system="memory:third"), let(target="two", system="memory:mem")):
        assert plan_of(company(rules=rules(wrong)), company(), systems=pinned).refused


def test_what_the_other_system_held_is_not_missed_in_the_one_that_was_acknowledged() -> None:
    """Empty where there was plenty is doubted, but not where the plenty was elsewhere."""
    a_world()
    said = rules(let(target="mem", system="memory:mem"))
    counts = {"account": 40, "group": 1, "membership": 40}
    moved = plan_of(company(rules=said), systems={"mem": "memory:old"}, counts=counts)
    assert moved.complete and len(moved.changes) == 81
    assert not plan_of(company(), systems={"mem": "memory:mem"}, counts=counts).complete
