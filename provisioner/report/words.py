"""Small words that every report uses. Knows nothing of what is counted."""

from __future__ import annotations

from collections.abc import Sequence


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 change`, `2,000 changes`, `2 people`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def and_so_on(names: Sequence[str], most: int) -> str:
    """`a, b, c`, and after `most` of them `a, b and 3 more`."""
    if len(names) <= most:
        return ", ".join(names)
    return ", ".join(names[: most - 1]) + f" and {len(names) - most + 1:,} more"
