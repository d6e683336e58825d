"""A slice of the harness that edits every bit of a 64 KiB plan file."""

from __future__ import annotations

from provisioner.plan.planfile import dump, parse
from tests.plan.flips import SIZE, accepted, large


def test_no_single_bit_edit_of_a_64_kib_plan_file_passes() -> None:
    content = dump(large())
    assert len(content) == SIZE
    assert parse(content) == large()
    assert accepted(content, range(0, SIZE * 8, 61)) == []
