"""In which order the restrictions of a context come and go, so that a run may die after any of them. Pure.

After each step whoever may use the context could before, or is to be able to. So what narrows comes first, then what is
swapped, then what widens; and where two classes are swapped at once, nobody but administrators comes in while that
lasts: old groups may not meet new projects. Whether several rules must all hold or one of them, CircleCI's documents do
not say: the order is right for both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from provisioner.providers.circleci.convert import EXPRESSION, GROUP, PROJECT

Key = tuple[str, str]


@dataclass(frozen=True, order=True)
class Step:
    """One restriction that comes (`adds`) or goes."""

    adds: bool
    key: Key


def swaps_two(have: Collection[Key], wanted: Collection[Key], all_members: Key) -> bool:
    """Whether two classes are swapped at once, so that it has to be shut while that lasts."""
    return sum(_Class(kind, have, wanted, all_members).is_swapped for kind in (EXPRESSION, PROJECT, GROUP)) > 1


def steps(have: Collection[Key], wanted: Collection[Key], all_members: Key) -> Iterator[Step]:
    """From the one to the other. A restriction may go and come back."""
    classes = [_Class(kind, have, wanted, all_members) for kind in (EXPRESSION, PROJECT, GROUP)]
    swapped = [one for one in classes if one.is_swapped]
    for one in classes:
        yield from one.narrow()
    if len(swapped) > 1:
        yield from classes[-1].empty()
    for one in (*swapped, *classes):
        yield from one.settle()


class _Class:
    """The restrictions of one kind, as they become. No group lets administrators in alone; no project, and no rule, is
    no limit; for groups that is the group of all members."""

    def __init__(self, kind: str, have: Collection[Key], wanted: Collection[Key], all_members: Key) -> None:
        self._now = {key for key in have if key[0] == kind}
        self._then = {key for key in wanted if key[0] == kind}
        self._all = all_members
        self._groups = kind == GROUP
        limited = not self._unlimited(self._now) and not self._unlimited(self._then)
        apart = kind == EXPRESSION or not self._now & self._then
        self.is_swapped = limited and apart and bool(self._now and self._then) and self._now != self._then

    def _unlimited(self, keys: Collection[Key]) -> bool:
        return self._all in keys if self._groups else not keys

    def narrow(self) -> Iterator[Step]:
        """To what is let in before and after."""
        if self.is_swapped or self._unlimited(self._then):
            return
        if self._unlimited(self._now):
            yield from self._add(self._then)
        if self._now & self._then or not self._then:
            yield from self._take(self._now - self._then)

    def empty(self) -> Iterator[Step]:
        yield from self._take(self._now)

    def settle(self) -> Iterator[Step]:
        """What is to come, and only then what is to go: swapped, or wider."""
        yield from self._add(self._then)
        yield from self._take(self._now - self._then)

    def _add(self, keys: Collection[Key]) -> Iterator[Step]:
        for key in sorted(set(keys) - self._now):
            self._now.add(key)
            yield Step(True, key)

    def _take(self, keys: Collection[Key]) -> Iterator[Step]:
        """The group of all members before all others."""
        for key in sorted(set(keys) & self._now, key=lambda key: (key != self._all, key)):
            self._now.discard(key)
            yield Step(False, key)
