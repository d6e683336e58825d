"""Lines of one role that follow each other, against the longest that it may be held at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.load import load_files
from provisioner.model.instant import format_instant
from provisioner.providers import catalog

FILES = """\
environments: {{production: {{max_duration: 7d}}}}
roles: {{deployer: {{environments: [production], grants: {{}}}}}}
people:
  bob:
    roles:
      - {{role: deployer, environments: [production], {first}}}
      - {{role: deployer, environments: [production], {second}}}
"""


def days(number: float) -> str:
    return format_instant((datetime.now(UTC) + timedelta(days=number)).replace(microsecond=0))


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("from: merge, for: 7d", ["warning"]),  # when that began the files do not say: they stay in order by themselves
        ("until: {until}", ["error"]),
        ("until: {soon}", []),
    ],
)
def test_lines_that_follow_each_other_are_one_hold_where_the_files_say_when(first: str, expected: list[str]) -> None:
    first = first.format(until=days(6.9), soon=days(1))
    text = FILES.format(first=first, second=f"from: {days(6.5)}, until: {days(12)}")
    found = load_files({"all.yaml": text.encode()}, catalog.all_providers()).diagnostics
    assert [d.severity.value for d in found if d.code == "too-long"] == expected, found
