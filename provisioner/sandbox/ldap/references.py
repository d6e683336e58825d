"""References that other entries hold to one that is deleted or renamed, as OpenLDAP's overlay refint cleans them.

slapd does this after it has answered, so a client can still see the old name for a moment; `delay` imitates that.
An attribute whose last value would go gets the name `nothing`, as `olcRefintNothing` has it; without one the dangling
name stays, silently, where the entry may not be without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from provisioner.sandbox.ldap.results import Refused
from provisioner.sandbox.ldap.schema import Dn, Schema
from provisioner.sandbox.ldap.tree import Entry, Tree

Rewrite = Callable[[Entry, str, Sequence[bytes]], None]
"""Puts values in the place of an attribute's; refuses what the schema forbids."""


class References:
    """Cleans the given attributes, now or `delay` seconds later."""

    def __init__(
        self, tree: Tree, schema: Schema, rewrite: Rewrite, *, attributes: Iterable[str], nothing: str | None
    ) -> None:
        self._tree = tree
        self._rewrite = rewrite
        self._names = tuple(schema.known(each).type.name for each in attributes)
        self._nothing = None if nothing is None else schema.dn(nothing).text.encode()
        self._lock = threading.RLock()
        self._timers: set[threading.Timer] = set()
        self.delay = 0.0

    def start(self, lock: threading.RLock, delay: float) -> None:
        """Work is done under this lock, which whoever changes the tree holds too."""
        self._lock, self.delay = lock, delay

    def forget(self, gone: Dn) -> None:
        """Drops what refers to a deleted entry."""
        self._soon([(gone, None)])

    def follow(self, moved: Sequence[tuple[Dn, Dn]]) -> None:
        """Points what refers to the old names at the new ones."""
        self._soon(moved)

    def finish(self) -> None:
        """Waits for work that is still to be done."""
        for timer in list(self._timers):
            timer.join()

    def _soon(self, moved: Sequence[tuple[Dn, Dn | None]]) -> None:
        if not self.delay:
            self._clean(moved)
            return

        def work() -> None:
            with self._lock:
                self._clean(moved)
                self._timers.discard(timer)

        timer = threading.Timer(self.delay, work)
        timer.daemon = True
        self._timers.add(timer)
        timer.start()

    def _clean(self, moved: Sequence[tuple[Dn, Dn | None]]) -> None:
        names = {old.key: new for old, new in moved}
        for name in self._names:
            held_by = {number for key in names for number in self._tree.ids_holding(name.lower(), key)}
            for entry in self._tree.numbered(held_by):
                self._replace(entry, name, names)

    def _replace(self, entry: Entry, name: str, names: Mapping[str, Dn | None]) -> None:
        held = entry.attributes[name.lower()].values
        new = {key: names.get(str(key)) for key in held if key in names}
        there = any(each is not None and each.key in held and each.key != key for key, each in new.items())
        if there and name != "member":
            # slapd deletes the old and adds the new name in one modification, which fails where it is there already.
            # In groups the overlay memberof has been there before refint, and done it right.
            return
        kept = {key: value for key, value in held.items() if key not in names}
        for each in new.values():
            if each is not None:
                kept.setdefault(each.key, each.text.encode())
        values = list(kept.values())
        if not values and self._nothing is not None:
            values = [self._nothing]
        try:
            self._rewrite(entry, name, values)
        except Refused:
            # The last member of a group: slapd's refint says nothing either, and leaves the name where it is.
            return
