"""The source itself: everybody gone from the files, or many at once, is nearly always a file that was lost.

Judged against the base, and against what the files said since the targets last converged: an emptied tree that was
merged is then refused by the scheduled runs too.
"""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.diagnostics import Diagnostic
from provisioner.guardrails.case import Case
from provisioner.guardrails.removals import FEW, Refusal
from provisioner.guardrails.wording import let_through, names, of
from provisioner.model.access import DeclaredAccess
from provisioner.model.change import Change
from provisioner.model.identity import IdentityKind


def shrunken(case: Case, taken: Iterable[Change]) -> Refusal | None:
    """`taken` are narrowing changes that nobody has acknowledged. A run for one named person is not judged."""
    if case.person is not None:
        return None
    here = case.declared.identities
    renamed = {old for identity in here.values() for old in identity.was}
    by_person: dict[str, list[Change]] = {}
    for change in taken:
        if change.identity is not None and change.identity not in here and change.identity not in renamed:
            by_person.setdefault(change.identity, []).append(change)
    if not by_person:
        return None
    return _emptied(case, by_person) or _many(case, by_person)


def _before(case: Case) -> tuple[DeclaredAccess, ...]:
    return (case.judging, *(p.declared for p in case.past))


def _emptied(case: Case, by_person: dict[str, list[Change]]) -> Refusal | None:
    people = IdentityKind.PERSON
    if any(i.kind is people for i in case.declared.identities.values()):
        return None
    most = max(sum(i.kind is people for i in tree.identities.values()) for tree in _before(case))
    gone = [side.departed[who][0] for side in case.sides.values() for who in by_person if who in side.departed]
    by_marks = {identity.id for identity in gone if identity.kind is people}
    most = max(most, len(by_marks))
    if most < 2:
        return None
    return Refusal(
        "source-emptied",
        "the access files declare nobody any more",
        Diagnostic(
            "source-emptied",
            f"all {most:,} people are gone from the access files: every target is refused",
            why="a bad merge, a lost folder or a wrong --access looks like this, and nobody is offboarded so",
            fix="restore the files; " + let_through(case, [c for cs in by_person.values() for c in cs]),
        ),
    )


def _many(case: Case, by_person: dict[str, list[Change]]) -> Refusal | None:
    limit = case.rules.target
    if len(by_person) < FEW:
        return None
    declared = max(len(tree.identities.keys() | by_person.keys()) for tree in _before(case))
    if len(by_person) * 100 <= limit.percent * declared:
        return None
    share = of(len(by_person), declared)
    return Refusal(
        "source-shrunken",
        f"too many people are gone from the access files at once: {share}",
        Diagnostic(
            "source-shrunken",
            f"{share} people and services are gone from the access files at once: every target is refused: "
            f"{names(by_person)}",
            location=case.place(limit.location),
            why=f"one plan offboards at most {limit.percent} % of those declared, or {FEW - 1} "
            f"({case.said(limit)}); more is nearly always a file that was lost",
            fix=let_through(case, [c for cs in by_person.values() for c in cs]),
        ),
    )
