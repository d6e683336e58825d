"""A rotation into four stores that is killed and gone on with, at a sample of its steps (all: see `kills.py`)."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.credentials.kills import measured, stage

SAMPLE, SEED = 5, 4


def test_a_rotation_that_is_killed_never_leaves_a_consumer_without_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage(tmp_path, monkeypatch) as play:
        every = measured(play)
        assert len(every) > 40, "a step is not counted any more"
        for point in Random(SEED).sample(every, SAMPLE):
            play.play(point)
        assert play.kills == SAMPLE and play.most == 2
