"""One key in OpenBao, Secrets Manager, GitHub and CircleCI at once, made anew while its consumers go on working."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.credentials.rig import Company, Everywhere, everywhere

ALL = ["circleci", "github", "manager", "vault"]


@pytest.fixture
def there(acme: Company, tmp_path: Path) -> Iterator[Everywhere]:
    with everywhere(acme, tmp_path) as found:
        yield found


def test_a_key_is_delivered_everywhere_made_anew_and_the_old_one_is_ended_after_the_overlap(there: Everywhere) -> None:
    acme = there.acme
    ran = acme.run("apply", "--target", "aws")
    assert ran.status == 0, ran.err
    assert there.working() == ALL
    (first,) = acme.live()

    ran = acme.run("rotate", "deploy-bot")
    assert ran.status == 0, ran.err
    assert there.working() == ALL
    (second,) = there.keys()
    assert second != first and acme.live() == {first: True, second: True}, "both work in the overlap"

    assert _until(acme, {first: False, second: True}), "it is switched off"
    assert there.working() == ALL
    assert _until(acme, {second: True}), "and then deleted"
    assert there.working() == ALL and there.keys() == {second}
    assert acme.run("rotate", "--due").out == "Nothing is due.\n"


def _until(acme: Company, wanted: dict[str, bool]) -> bool:
    """Runs of the schedule, until the keys are these."""
    for _ in range(40):
        ran = acme.run("rotate", "--due")
        assert ran.status == 0, ran.err
        if acme.live() == wanted:
            return True
        time.sleep(0.2)
    return False
