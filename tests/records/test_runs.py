"""Which runs are not over, by what they wrote when they began."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.model.instant import Instant
from provisioner.records.folder import FolderStore
from provisioner.records.runs import Began, GoingOn, Over, record
from tests.builders import NOW, TREE

MARGIN = 300.0


class Counted(FolderStore):
    """Counts what is read."""

    reads = 0

    def read(self, key: str) -> bytes | None:
        self.reads += 1
        return super().read(key)


@pytest.fixture
def store(tmp_path: Path) -> Counted:
    return Counted(tmp_path)


def begin(store: FolderStore, run: str, at: Instant, given: Mapping[str, tuple[str, ...]]) -> None:
    ends = at + timedelta(minutes=15)
    record(store, Began(run, at, ends, "e", None, ("ada",), False, (), "", "", "", "site", given, TREE, "1"))


def test_those_that_were_given_something_there_until_their_time_is_over_by_any_clock(store: Counted) -> None:
    begin(store, "here", NOW, {"aws": ("x",)})
    begin(store, "elsewhere", NOW, {"db": ("x",)})
    begin(store, "old", NOW - timedelta(minutes=21), {"aws": ("x",)})
    record(store, Over("here", NOW, "done", (), ()))  # which takes no session of AWS back
    asked = GoingOn(store, {"aws", "aws-too"}, MARGIN)
    assert asked(NOW) == ("here",)
    assert asked(NOW + timedelta(minutes=19)) == ("here",)
    assert asked(NOW + timedelta(minutes=21)) == ()


def test_one_whose_clock_is_ahead_over_midnight(store: Counted) -> None:
    midnight = (NOW + timedelta(days=1)).replace(hour=0, minute=0, second=0)
    begin(store, "ahead", midnight + timedelta(minutes=1), {"aws": ("x",)})
    assert GoingOn(store, {"aws"}, MARGIN)(midnight - timedelta(minutes=1)) == ("ahead",)


def test_one_that_cannot_be_read_may_have_been_given_anything(store: Counted) -> None:
    store.create(f"runs/{NOW:%Y-%m-%d}/{NOW:%Y%m%dT%H%M%SZ}-torn-begin.json", b"{")
    assert GoingOn(store, {"aws"}, MARGIN)(NOW) == ("torn",)


def test_each_is_read_once_and_ends_never(store: Counted) -> None:
    for number in range(20):
        begin(store, f"r{number}", NOW - timedelta(hours=1), {"aws": ("x",)})
        record(store, Over(f"r{number}", NOW, "done", (), ()))
    asked = GoingOn(store, {"aws"}, MARGIN)
    assert [asked(NOW) for _ in range(3)] == [(), (), ()]
    assert store.reads == 20
