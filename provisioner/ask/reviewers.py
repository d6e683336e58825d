"""Which reviews of a pull request count as whose approval. Pure.

People are known by the numeric id that the base revision pins for them, never by a login: logins change hands. A review
counts for the commit that it was given on, and of each reviewer the last one that approves, refuses or was dismissed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provisioner.model.access import DeclaredAccess
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.review import Account, Counted, NotCounted, PullRequestReviews, Review

_SILENT = frozenset({"COMMENTED", "PENDING"})
"""Reviews that say neither yes nor no."""
_SHORT = 12


@dataclass(frozen=True)
class Known:
    """Who is who on the forge. `shared` are ids that several people have: nobody's; `unpinned` who has no id, by the
    login that the files have for them."""

    people: Mapping[int, str] = field(default_factory=dict)
    shared: frozenset[int] = frozenset()
    unpinned: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()


def known_on(declared: DeclaredAccess, targets: Iterable[str]) -> Known:
    """The people of `declared`, by their accounts on `targets`, all of them organizations of one forge."""
    names = tuple(targets)
    found: dict[int, set[str]] = {}
    unpinned: dict[str, str] = {}
    for identity in declared.identities.values():
        if identity.kind is not IdentityKind.PERSON:
            continue
        ids = _ids(identity, names)
        for number in ids:
            found.setdefault(number, set()).add(identity.id)
        if not ids:
            unpinned.update({identity.login_on(name).casefold(): identity.id for name in names})
    people = {number: next(iter(who)) for number, who in found.items() if len(who) == 1}
    return Known(people, frozenset(n for n, who in found.items() if len(who) > 1), unpinned, names)


def _ids(identity: Identity, targets: Iterable[str]) -> set[int]:
    told = (identity.account_on(name).id for name in targets) if identity.accounts else ()
    return {int(number) for number in told if number is not None and number.isascii() and number.isdigit()}


def counted(found: PullRequestReviews, known: Known) -> Counted:
    """Who approved, who did not although they reviewed, and who wrote the newest commit."""
    writers = [a for a in (found.author, *found.pushed_by) if a is not None]
    wrote = frozenset(known.people[a.id] for a in writers if a.id in known.people)
    approved: dict[str, int] = {}
    out: list[NotCounted] = []
    for review in _last_words(found.reviews):
        who = review.who
        person = known.people.get(who.id) if who is not None else None
        why = _why_not(review, found, known, {a.id for a in writers})
        if why:
            out.append(NotCounted(who, why, person))
        elif person is not None:
            approved[person] = review.id
    return Counted(found, dict(sorted(approved.items())), tuple(out), wrote, tuple(_notes(found)))


def _last_words(reviews: Iterable[Review]) -> list[Review]:
    """The last word of each reviewer, in the order in which they came. Of accounts that are gone, each review."""
    found: dict[int, Review] = {}
    for review in sorted(reviews, key=lambda r: (r.at, r.id)):
        if review.state not in _SILENT:
            found[-review.id if review.who is None else review.who.id] = review
    return sorted(found.values(), key=lambda r: (r.at, r.id))


def _why_not(review: Review, found: PullRequestReviews, known: Known, writers: set[int]) -> str:
    if review.state == "CHANGES_REQUESTED":
        return "asked for changes"
    if review.state == "DISMISSED":
        return "the review was dismissed"
    if review.state != "APPROVED":
        return f"the review says {review.state}"
    who = review.who
    if who is None:
        return "the account is gone"
    if not who.person:
        return "it is no person's account"
    if review.commit != found.head:
        of = (review.commit or "a commit that is gone")[:_SHORT]
        return f"approved {of}, and {found.head[:_SHORT]} has come since: to be reviewed again"
    if who.id in known.people:
        if who.id not in writers:
            return ""
        return "opened it" if found.author is not None and found.author.id == who.id else "pushed its newest commit"
    return _nobody(who, known)


def _nobody(who: Account, known: Known) -> str:
    if who.id in known.shared:
        return "the base gives this id to several people"
    if not known.targets:
        return "the base declares no target of this GitHub, so nobody's account is known"
    person = known.unpinned.get(who.login.casefold())
    if person is None:
        return "the base knows nobody with this id"
    pin = f"accounts: {{{known.targets[0]}: {{login: {who.login}, id: {who.id}}}}}"
    return f"the base knows {person} by the login alone, which may change hands: write `{pin}`"


def _notes(found: PullRequestReviews) -> Iterable[str]:
    if found.guessed:
        who = " and ".join(str(a) for a in found.pushed_by)
        yield f"{found.guessed} ({who or 'accounts that GitHub does not know'})"
