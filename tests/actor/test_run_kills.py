"""`provision run`, killed or left without an answer at a sample of its steps (all: see `run_kills.py`)."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.actor.run_kills import HERE, Point, stage
from tests.faults.script import Kind
from tests.rigs.postgres import Postgres

SEED = 5


def test_a_run_that_dies_leaves_nothing_that_outlives_its_time(postgres: Postgres, tmp_path: Path) -> None:
    with stage(tmp_path, postgres) as play:
        every = play.measured(HERE)
        count = max(p.number for p in every)
        assert count > 60, "a step is not counted any more"
        chance = Random(SEED)
        play.play(Point(HERE, 0))
        play.play(Point(HERE, chance.randint(count // 3, count // 2), Kind.KILL_SENT))
        play.play(Point(HERE, chance.randint(count // 2, count), Kind.LOSE))
        assert play.kills == 2 and not play.missed
