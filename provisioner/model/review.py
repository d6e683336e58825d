"""A pull request with its reviews, as the forge told of them: values. Decides nothing about what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Account(NamedTuple):
    """Somebody on the forge: the id is who they are, the login a label."""

    id: int
    login: str
    person: bool = True
    """False for a bot."""

    def __str__(self) -> str:
        return f"{self.login} ({self.id})"


@dataclass(frozen=True, slots=True)
class Review:
    """One review. `who` is None where the account is gone; `commit` is what was looked at."""

    id: int
    who: Account | None
    state: str
    commit: str | None
    at: str = ""


@dataclass(frozen=True, slots=True)
class PullRequestReviews:
    """A pull request at one moment. `head` is its newest commit, `pushed_by` who pushed that, as far as it can be told;
    otherwise `pushed_by` are its author and committer, and `guessed` says why. `merged_as` is the commit that it was
    merged with. `reviews` are all of them, oldest first."""

    repository: str
    number: int
    url: str
    head: str
    author: Account | None
    pushed_by: tuple[Account, ...]
    reviews: tuple[Review, ...]
    guessed: str = ""
    merged_as: str | None = None

    def __str__(self) -> str:
        return f"{self.repository}#{self.number}"


@dataclass(frozen=True, slots=True)
class NotCounted:
    """A reviewer whose review approves nothing here, and why. `person` is who they are in the files, if known."""

    who: Account | None
    why: str
    person: str | None = None

    @property
    def name(self) -> str:
        """The person, else the account."""
        return self.person or (str(self.who) if self.who is not None else "an account that is gone")


@dataclass(frozen=True, slots=True)
class Counted:
    """What the reviews of a pull request come to. `approved` has the review of each person who approved its newest
    commit; `wrote` are the people who opened the pull request or pushed that commit, and do not count. `notes` is what
    else there is to say, each in one line."""

    of: PullRequestReviews
    approved: Mapping[str, int] = field(default_factory=dict)
    not_counted: tuple[NotCounted, ...] = ()
    wrote: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
