"""What ends within a week: people, and roles that somebody holds for a while, so that nobody is surprised by it.

Only tells. What somebody holds by another line beyond that end does not end, and is not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.access import DeclaredAccess
from provisioner.model.assignment import Assignment
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant
from provisioner.resolve.roles import environments_held
from provisioner.resolve.time import When, when, window

SOON = timedelta(days=7)
MOST = 50
"""How many are told one by one."""


def ending(declared: DeclaredAccess, now: Instant, within: timedelta = SOON) -> tuple[Diagnostic, ...]:
    """A note for each person and each grant that ends until then, soonest first."""
    found = sorted(_found(declared, now, now + within), key=lambda one: one[0])
    notes = [note for _, note in found[:MOST]]
    if len(found) > MOST:
        notes.append(
            Diagnostic(
                "ends-soon",
                f"{len(found) - MOST:,} more grants end within {within.days} days",
                severity=Severity.NOTE,
                why="the soonest are listed",
                fix="`provision plan --as-of TIME` shows what will have ended by then",
            )
        )
    return tuple(notes)


def _found(declared: DeclaredAccess, now: Instant, limit: Instant) -> Iterator[tuple[Instant, Diagnostic]]:
    for identity in declared.identities.values():
        if not identity.present_at(now):
            continue
        if identity.until is not None and identity.until <= limit:
            yield identity.until, _note(identity, identity.id, identity.until, None)
        for held in identity.roles:
            _, until = window(identity, held.starts, held.until)
            if until is None or until > limit or until == identity.until:
                continue
            if when(held.starts, until, now) is When.NOW and not _goes_on(identity, held, until, declared):
                where = f" in {', '.join(held.environments)}" if held.environments else ""
                yield until, _note(identity, f"{identity.id} as {held.role}{where}", until, held)


def _goes_on(identity: Identity, held: Assignment, until: Instant, declared: DeclaredAccess) -> bool:
    """Whether other lines give the same role, in each of the same environments, beyond that end."""
    role = declared.roles.get(held.role)
    if role is None:
        return False
    ends = environments_held(role, held, declared.environments)
    beyond = [
        environments_held(role, other, declared.environments)
        for other in identity.roles
        if other.role == held.role and when(*window(identity, other.starts, other.until), until) is When.NOW
    ]
    return ends <= frozenset().union(*beyond) if beyond else False


def _note(identity: Identity, what: str, until: Instant, held: Assignment | None) -> Diagnostic:
    return Diagnostic(
        "ends-soon",
        f"{what}: until {until:%Y-%m-%d %H:%M} UTC",
        severity=Severity.NOTE,
        location=identity.location if held is None else held.location,
        why="what has an end ends by itself, and this is within a week",
        fix="nothing to do, unless it is to go on: then give it a later `until`, or a longer `for`",
    )
