"""Strays that are known and meant: which entry of a target's `ignore` list hides one, until its end.

An entry names one address, or a thing without its holder (`corp-ldap:membership/developers`): then all who hold it.
"""

from __future__ import annotations

from provisioner.diagnostics import Severity
from provisioner.model.address import Address
from provisioner.model.coverage import Verdict
from provisioner.model.instant import format_instant
from provisioner.model.target import Ignore
from provisioner.plan.side import Drafts, Side


class Ignoring:
    """The entries of one target that are in force."""

    def __init__(self, side: Side) -> None:
        self._entries = {i.address: i for i in side.target.ignore if i.until is None or i.until > side.now}

    def of(self, address: Address) -> Ignore | None:
        """The entry that hides `address`."""
        if not self._entries:
            return None
        found = self._entries.get(str(address))
        if found is None and address.principal is not None:
            found = self._entries.get(str(address._replace(principal=None, slot=None)))
        return found


def tell_of_entries(drafts: Drafts) -> None:
    """Entries whose end has come, and those that hide nothing: both are for somebody to look at."""
    side = drafts.side
    used = {entry.address for _, entry in drafts.out.ignored}
    for entry in side.target.ignore:
        if entry.until is not None and entry.until <= side.now:
            drafts.problem(
                "ignore-expired",
                f"{entry.address} is ignored no longer: the entry ended {format_instant(entry.until)}",
                Severity.WARNING,
                location=entry.location,
                why=f"it was {entry.owner}'s: {entry.reason}",
                fix="take the entry out, or give it a new end with a reason that holds today",
            )
        elif entry.address not in used and _was_read(side, entry):
            drafts.problem(
                "ignore-unused",
                f"{entry.address} is ignored, and there is no such stray",
                Severity.NOTE,
                location=entry.location,
                why="it is gone, or is somebody's by now; an entry that hides nothing may hide something one day",
                fix="take the entry out",
            )


def _was_read(side: Side, entry: Ignore) -> bool:
    try:
        return side.coverage.at(Address.parse(entry.address)).verdict is Verdict.COMPLETE
    except ValueError:
        return False
