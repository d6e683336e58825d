"""When a list of GraphQL's counts as whole."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.providers.github.lists import Listed


def page(*ids: int | None, total: int, after: str | None = None, **more: Any) -> dict[str, Any]:
    edges = [{"node": {"login": f"u{i}", "databaseId": i} if i is not None else None} for i in ids]
    return {
        "totalCount": total,
        "pageInfo": {"hasNextPage": after is not None, "endCursor": after},
        "edges": edges,
        **more,
    }


def read(*pages: Any) -> tuple[list[Any], str]:
    left, listed = list(pages[1:]), Listed("people")
    rows = listed.to_the_end(pages[0], lambda _cursor: left.pop(0))
    return [row["node"]["databaseId"] for row in rows], str(listed.error or "")


def test_pages_to_the_end_are_whole() -> None:
    assert read(page(1, 2, total=3, after="a"), page(3, total=3)) == ([1, 2, 3], "")


def test_somebody_who_came_while_it_was_read_is_counted_by_the_last_page() -> None:
    assert read(page(1, 2, total=3, after="a"), page(3, 4, total=4)) == ([1, 2, 3, 4], "")


def test_a_row_that_came_twice_is_one() -> None:
    assert read(page(1, 2, total=3, after="a"), page(2, 3, total=3)) == ([1, 2, 3], "")


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([page(1, 2, total=4, after="a"), page(1, 2, total=4)], "2 came of 4"),
        ([page(1, 2, total=3)], "2 came of 3"),
        ([page(1, None, total=2)], "not shown"),
        ([page(1, total=1, edges=[None])], "not shown"),
        ([{}], "how many there are"),
        ([page(1, total=1, pageInfo=None)], "whether more follow"),
        ([None], "not shown"),
        ([{**page(1, total=2), "pageInfo": {"hasNextPage": True, "endCursor": None}}], "not where"),
        ([page(1, total=3, after="a"), page(2, total=3, after="a")], "in a circle"),
    ],
)
def test_a_list_that_is_short_says_why(pages: list[Any], why: str) -> None:
    assert why in read(*pages)[1]
