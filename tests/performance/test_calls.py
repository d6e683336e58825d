"""How often a plan asks, which no machine makes faster or slower. Seconds are not judged by tests."""

from __future__ import annotations

import sys

import pytest

from tests.performance.__main__ import ROOT, Bench
from tests.performance.systems import PAGE, Calls
from tests.rigs.need import need
from tests.rigs.slapd import slapd_missing_reason

RUN = "from provisioner.cli.main import run; run()"
FEW = PAGE // 10


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Calls, Calls]]:
    """For so many people, and for twice as many: the requests of a plan with nothing to do, and the least."""
    need(slapd_missing_reason())
    bench = Bench(tmp_path_factory.mktemp("bench"), FEW, 1, [sys.executable, "-c", RUN], ROOT)
    return {people: bench.count(people) for people in (FEW, 2 * FEW)}


@pytest.mark.parametrize("system", ["LDAP", "AWS"])
def test_plan_takes_at_most_two_requests_more_than_must_be(
    counted: dict[int, tuple[Calls, Calls]], system: str
) -> None:
    for ours, least in counted.values():
        assert least.total(system) <= ours.total(system) <= least.total(system) + 2


@pytest.mark.parametrize("system", ["LDAP", "AWS"])
def test_twice_the_people_in_a_page_take_no_request_more(counted: dict[int, tuple[Calls, Calls]], system: str) -> None:
    (small, _), (double, _) = counted.values()
    assert small.of(system) == double.of(system)
