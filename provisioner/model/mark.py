"""The ownership mark that we leave on what we create or adopt: `provision/1 o=<owner8> k=<id> [d=<disabled since>]`.

At most 120 bytes of `[A-Za-z0-9=/ :._-]`, so that every system's tag, comment or description can hold it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from provisioner.model.instant import Instant, format_instant, parse_instant

_MARK = re.compile(
    r"provision/1(?: o=(?P<owner>[a-z0-9]{1,8}))? k=(?P<key>[a-z0-9][a-z0-9._-]{0,62})(?: d=(?P<since>[0-9TZ:.+-]+))?\Z"
)
_LOOKS_LIKE = re.compile(r"provision/[0-9]+\b")


@dataclass(frozen=True, slots=True)
class Mark:
    """`owner` is the first eight characters of `records.owner`, or None where there is none; `key` the declared id."""

    key: str
    owner: str | None = None
    disabled_since: Instant | None = None

    def __str__(self) -> str:
        owner = f" o={self.owner}" if self.owner else ""
        since = f" d={format_instant(self.disabled_since)}" if self.disabled_since else ""
        return f"provision/1{owner} k={self.key}{since}"

    @classmethod
    def parse(cls, text: str) -> Mark | None:
        """The mark that `text` is, or None. A mark whose date cannot be read has no date: retention then waits."""
        found = _MARK.match(text.strip())
        if found is None:
            return None
        since = None
        if found["since"]:
            try:
                since = parse_instant(found["since"])
            except ValueError:
                since = None
        return cls(found["key"], found["owner"], since)


def looks_like_mark(text: str) -> bool:
    """Whether somebody's text claims to be a mark of this tool, of any version, readable or not."""
    return _LOOKS_LIKE.match(text.strip()) is not None


def owner8(owner: str | None) -> str | None:
    """What of `records.owner` goes into a mark."""
    return owner[:8] if owner else None
