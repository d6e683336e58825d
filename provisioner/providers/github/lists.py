"""Whether a list that came in pages came whole: by its count, its cursors, and everybody in it being shown.

Decides nothing else. A list is whole where as many different rows came as it says that there are, and its last page
says that it is the last; a page that came twice counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.contract import ProviderError, Trouble

Row = Mapping[str, Any]
CALL = "graphql"


class Listed:
    """One connection of GraphQL's. `error` says why it is not whole; None as long as it may be."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._rows: dict[str, Row] = {}
        self._cursors: set[str] = set()
        self.total = 0
        self.error: ProviderError | None = None

    @property
    def rows(self) -> list[Row]:
        return list(self._rows.values())

    def take(self, connection: Any) -> tuple[list[Row], str | None]:
        """What is new on a page, and the cursor of the next; None at the end, and where the list breaks off."""
        if not isinstance(connection, Mapping):
            self.fail(Trouble.DENIED, f"{self._label} are not shown")
            return [], None
        page, total = connection.get("pageInfo"), connection.get("totalCount")
        rows = connection.get("edges" if "edges" in connection else "nodes")
        if not isinstance(page, Mapping) or not isinstance(total, int) or not isinstance(rows, list):
            self.fail(Trouble.PARTIAL, f"{self._label} do not say how many there are, or whether more follow")
            return [], None
        self.total = total
        new = [row for row in rows if self._is_new(row)]
        cursor, more = page.get("endCursor"), page.get("hasNextPage")
        if more is not True:
            if len(self._rows) != total:
                self.fail(Trouble.PARTIAL, f"{self._label}: {len(self._rows)} came of {total}")
            return new, None
        if not cursor:
            self.fail(Trouble.PARTIAL, f"{self._label}: it says that there is more, and not where")
            return new, None
        if str(cursor) in self._cursors:
            self.fail(Trouble.PARTIAL, f"{self._label}: its pages go round in a circle")
            return new, None
        self._cursors.add(str(cursor))
        return new, str(cursor)

    def to_the_end(self, first: Any, following: Callable[[str], Any]) -> list[Row]:
        """All rows, with the pages after the first. ProviderError is noted, not raised: `error` has it."""
        _, cursor = self.take(first)
        while cursor is not None:
            try:
                _, cursor = self.take(following(cursor))
            except ProviderError as error:
                self.error = self.error or error
                break
        return self.rows

    def fail(self, trouble: Trouble, words: str) -> None:
        self.error = self.error or ProviderError(trouble, words, call=CALL)

    def _is_new(self, row: Any) -> bool:
        key = _key(row)
        if key is None:
            self.fail(Trouble.PARTIAL, f"{self._label}: somebody or something is not shown")
            return False
        if key in self._rows:
            return False
        self._rows[key] = row
        return True


def _key(row: Any) -> str | None:
    """What makes a row one of a kind: a number, or the address of whoever is invited by it."""
    if not isinstance(row, Mapping):
        return None
    if "invitee" in row or "email" in row:
        invitee = row.get("invitee")
        found = invitee.get("databaseId") if isinstance(invitee, Mapping) else row.get("email")
    else:
        node = row.get("node", row)
        found = node.get("databaseId") if isinstance(node, Mapping) else None
    return None if found is None else str(found)
