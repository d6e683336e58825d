"""What a CI system says of the run that we are in, in one shape.

Refuses nothing and believes nothing: values are cut, made plain, and an address is kept only if it is one of the web.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

APPROVERS = "PROVISION_APPROVERS"
PULL_REQUEST = "PROVISION_PULL_REQUEST"
_LONGEST = 200
_LONGEST_ADDRESS = 500
_ADDRESS = re.compile(r"https?://[!-~]+\Z")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}\Z")
_MANY = 50


@dataclass(frozen=True, slots=True)
class PullRequest:
    """By its number, its address, or both."""

    number: str = ""
    url: str = ""

    def __str__(self) -> str:
        return self.url or f"#{self.number}"


@dataclass(frozen=True, slots=True)
class CiRun:
    """`system` is empty where no CI system runs us. `who` triggered it, in words. `trusted` is False for the code of a
    fork, None where that is not told. `approvers` is None where nobody says who they are. `head` is the newest commit
    of the pull request's branch, where `commit` may be a merge of it; `fork` says whether that branch is another
    repository's, None where that is not told."""

    system: str
    who: str = ""
    commit: str = ""
    event: str = ""
    url: str = ""
    pull_request: PullRequest | None = None
    trusted: bool | None = None
    approvers: tuple[str, ...] | None = None
    head: str = ""
    fork: bool | None = None


def plain(value: object) -> str:
    """Text from outside: one line that can be seen, and not long."""
    text = value if isinstance(value, str) else ""
    text = "".join(c if c.isprintable() else "\ufffd" for c in text.strip())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def address(value: object) -> str:
    """An address of the web, or nothing."""
    text = value if isinstance(value, str) else ""
    return text if len(text) <= _LONGEST_ADDRESS and _ADDRESS.match(text) else ""


def pull_request(number: object, url: object = "") -> PullRequest | None:
    """None where neither is told."""
    text = str(number) if isinstance(number, int | str) and not isinstance(number, bool) else ""
    found = PullRequest(text if _NUMBER.match(text) else "", address(url))
    return found if found.number or found.url else None


def told_approvers(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """Who approved, from PROVISION_APPROVERS (with commas between): whoever sets it answers for it."""
    if APPROVERS not in environ:
        return None
    names = (plain(name) for name in environ[APPROVERS].split(","))
    return tuple(dict.fromkeys(name for name in names if name))[:_MANY]


def told_pull_request(environ: Mapping[str, str]) -> PullRequest | None:
    """Which pull request, from PROVISION_PULL_REQUEST (number or address): after a merge, most systems do not say."""
    text = environ.get(PULL_REQUEST, "").strip()
    return pull_request(text.removeprefix("#"), text)
