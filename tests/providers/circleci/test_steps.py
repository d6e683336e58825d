"""The order of steps, from every set of restrictions to every other: at no moment may somebody in who never was to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, partial
from itertools import combinations, product

import pytest

from provisioner.providers.circleci.steps import Key, steps

ORG = ("group", "org")
GROUPS = [("group", name) for name in "abc"]
PROJECTS = [("project", name) for name in "pq"]
RULES = [("expression", name) for name in "ef"]


def subsets(keys: list[Key]) -> list[frozenset[Key]]:
    return [frozenset(some) for size in range(len(keys) + 1) for some in combinations(keys, size)]


EVERY = [
    groups | projects | rules
    for groups in [frozenset({ORG}), *subsets(GROUPS)]
    for projects in subsets(PROJECTS)
    for rules in subsets(RULES)
]


def uses(keys: Iterable[Key], *, all_rules: bool) -> frozenset[tuple[str, str, tuple[bool, ...]]]:
    """Who (a member of one group, or of none), in which project, with which rules true."""
    by_kind = {kind: {k for k in keys if k[0] == kind} for kind in ("group", "project", "expression")}
    people = "abc-" if ORG in by_kind["group"] else [name for _, name in by_kind["group"]]
    projects = [name for _, name in by_kind["project"]] or "pqx"
    holds = all if all_rules else any
    truths = [
        truth
        for truth in product((True, False), repeat=len(RULES))
        if not by_kind["expression"]
        or holds(t for r, t in zip(RULES, truth, strict=True) if r in by_kind["expression"])
    ]
    return frozenset(product(people, projects, truths))


@pytest.mark.parametrize("all_rules", [True, False], ids=["all rules must hold", "one rule must hold"])
def test_nobody_comes_in_at_any_step_who_could_not_before_and_shall_not_after(all_rules: bool) -> None:
    reach = lru_cache(maxsize=None)(partial(uses, all_rules=all_rules))
    wrong = []
    for have, wanted in product(EVERY[::5], EVERY):
        now, allowed = set(have), reach(have) | reach(wanted)
        for step in steps(have, wanted, ORG):
            now ^= {step.key}
            assert (step.key in now) is step.adds
            if not reach(frozenset(now)) <= allowed:
                wrong.append((sorted(have), sorted(wanted), step))
        assert now == set(wanted)
    assert wrong == []


def test_a_restriction_that_is_swapped_is_never_missed() -> None:
    """Where one class alone changes, the new one is there before the old one goes: nobody is shut out meanwhile."""
    assert [(s.adds, s.key) for s in steps([GROUPS[0]], [GROUPS[1]], ORG)] == [(True, GROUPS[1]), (False, GROUPS[0])]
    assert [(s.adds, s.key) for s in steps([PROJECTS[0], ORG], [PROJECTS[1], ORG], ORG)] == [
        (True, PROJECTS[1]),
        (False, PROJECTS[0]),
    ]


def test_where_groups_and_projects_are_swapped_nobody_comes_in_meanwhile() -> None:
    found = list(steps([GROUPS[0], PROJECTS[0]], [GROUPS[1], PROJECTS[1]], ORG))
    assert [(s.adds, s.key) for s in found] == [
        (False, GROUPS[0]),
        (True, PROJECTS[1]),
        (False, PROJECTS[0]),
        (True, GROUPS[1]),
    ]
