"""Teams by the name that the files give them: also one that is still called as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.contract import ProviderError, Trouble
from provisioner.providers.github.calls import ReadCalls

Row = Mapping[str, Any]


class Teams:
    """Asked once each for a run of a writer."""

    def __init__(self, calls: ReadCalls, was: Mapping[str, tuple[str, ...]]) -> None:
        self._calls = calls
        self._was = was
        self._known: dict[str, Row] = {}

    def forget(self, slug: str) -> None:
        self._known.pop(slug, None)

    def row(self, slug: str) -> Row:
        """The team; ProviderError (gone) where there is none under any of its names."""
        found = self._known.get(slug)
        if found is None:
            for name in (slug, *self._was.get(slug, ())):
                try:
                    found = self._known[slug] = self._calls.team(name)
                    break
                except ProviderError as error:
                    if error.trouble is not Trouble.GONE:
                        raise
            else:
                raise ProviderError(Trouble.GONE, f"there is no team {slug}", call=f"GET {self._calls.team_path(slug)}")
        return found

    def slug(self, slug: str) -> str:
        """What it is called now."""
        return str(self.row(slug)["slug"]) if self._was.get(slug) else slug

    def native(self, slug: str) -> int:
        return int(self.row(slug)["id"])


def earlier_names(objects: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """By declared slug: what the team was called before."""
    declared = objects.get("teams")
    found: dict[str, tuple[str, ...]] = {}
    for slug, body in declared.items() if isinstance(declared, Mapping) else ():
        was = body.get("was") if isinstance(body, Mapping) else None
        if was:
            found[str(slug)] = tuple(str(w) for w in was)
    return found
