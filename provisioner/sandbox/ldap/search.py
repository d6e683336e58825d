"""Searches: scope, filter, size limits, pages (RFC 2696) and which attributes are given back.

As OpenLDAP does, a page's cookie is the id of its last entry: the server remembers one cookie for each connection,
refuses any other, and goes on with the entries that came later.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from provisioner.sandbox.ldap.directory import LIVE, Check, Directory
from provisioner.sandbox.ldap.filters import FilterMaker, candidates
from provisioner.sandbox.ldap.identity import Identity
from provisioner.sandbox.ldap.messages import Scope, Search
from provisioner.sandbox.ldap.results import Code, Refused
from provisioner.sandbox.ldap.schema import Description, Dn
from provisioner.sandbox.ldap.special import root_dse, subschema
from provisioner.sandbox.ldap.tree import Attribute, Entry

_COOKIE = struct.Struct("<Q")
_BEFORE_ALL = 2**64 - 1
"""The cookie of an empty first page, as slapd gives it."""


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """How many entries one identity may get; None is without limit.

    `size`: by one search. `paged_total`: by all pages of a paged search together; "size" means the same as `size`,
    which is what slapd does without `size.prtotal`, so that paging does not help against the limit.
    """

    size: int | None = None
    paged_total: int | Literal["size"] | None = "size"

    @property
    def of_pages(self) -> int | None:
        return self.size if self.paged_total == "size" else self.paged_total


@dataclass(frozen=True, slots=True)
class Page:
    """A request for a page."""

    size: int
    cookie: bytes


@dataclass(slots=True)
class PageState:
    """What the server keeps of a connection's paged search: the cookie it gave last, and the entries sent so far."""

    cookie: int = 0
    sent: int = 0


@dataclass(slots=True)
class Found:
    """What a search answers: entries with their attributes, the result, and of a page the cookie (empty: no more)."""

    entries: list[tuple[Dn, list[Attribute]]] = field(default_factory=list)
    code: Code = Code.SUCCESS
    message: str = ""
    cookie: bytes | None = None


class Selection:
    """Which attributes are asked for (RFC 4511 section 4.5.1.8, and `+` of RFC 3673)."""

    def __init__(self, directory: Directory, asked: Iterable[str]) -> None:
        names = [each for each in asked if each != "1.1"]
        nothing_named = not names
        self.user = "*" in names or (nothing_named and "1.1" not in list(asked))
        self.operational = "+" in names
        self._named = [each for name in names if (each := directory.schema.description(name)) is not None]
        self._directory = directory
        live = [directory.schema.known(name) for name in sorted(LIVE)]
        self._live = [each for each in live if self.operational or any(asked.covers(each) for asked in self._named)]
        self._by_type: dict[Description, bool] = {}

    def of(self, identity: Identity, entry: Entry, *, live: bool = True) -> list[Attribute]:
        """The entry's attributes that are asked for and may be read."""
        secret = not (identity.may_write or identity.is_self(entry))
        chosen = [
            each
            for name, each in entry.attributes.items()
            if self._wanted(each.description) and not (secret and name == "userpassword")
        ]
        return chosen + self._directory.live(entry, self._live) if live else chosen

    def _wanted(self, description: Description) -> bool:
        known = self._by_type.get(description)
        if known is None:
            every = self.operational if description.type.operational else self.user
            known = self._by_type[description] = every or any(each.covers(description) for each in self._named)
        return known


class Searcher:
    """Answers searches on one directory."""

    def __init__(self, directory: Directory, limit_of: Callable[[Identity], SizeLimit]) -> None:
        self._directory = directory
        self._limit_of = limit_of

    def search(
        self, identity: Identity, asked: Search, state: PageState, page: Page | None, check: Check | None
    ) -> Found:
        """All that is found at once; `state` is brought up to date for a paged search."""
        directory = self._directory
        base = directory.schema.dn(asked.dn)
        test = FilterMaker(directory.schema, lambda entry, wanted: directory.fetch(identity, entry, wanted)).make(
            asked.filter
        )
        selection = Selection(directory, asked.attributes)
        special = self._special(base, asked.scope)
        if special is not None:
            shown = [(special.dn, selection.of(identity, special, live=False))] if test(special) else []
            return Found(shown)
        if identity.dn is None:
            raise Refused(Code.NO_SUCH_OBJECT)
        identity.require_unrestricted()
        start = self._start(state, page)
        if page is not None and page.cookie and page.size == 0:
            return Found(message="search abandoned by pagedResult size=0")
        top = directory.entry(base)
        if check is not None:
            check(top)
        matching = (each for each in self._in_scope(top, asked, start) if test(each))
        return self._collect(identity, asked, state, page, matching, selection)

    def _special(self, base: Dn, scope: Scope) -> Entry | None:
        """The entries that are not in the tree."""
        if scope is Scope.BASE and not base.key:
            return root_dse(self._directory)
        if scope is Scope.BASE and base.text.lower() == "cn=subschema":
            return subschema(self._directory)
        return None

    @staticmethod
    def _start(state: PageState, page: Page | None) -> int:
        """The id after which to go on."""
        if page is None:
            return 0
        if not page.cookie:
            state.cookie = state.sent = 0
            return 0
        if len(page.cookie) != _COOKIE.size or _COOKIE.unpack(page.cookie)[0] != state.cookie or not state.cookie:
            raise Refused(Code.PROTOCOL_ERROR, "paged results cookie is invalid")
        return 0 if state.cookie == _BEFORE_ALL else state.cookie

    def _in_scope(self, top: Entry, asked: Search, start: int) -> Iterator[Entry]:
        base = top.dn.key
        if asked.scope is Scope.BASE:
            return iter([top] if top.id > start else [])
        ids = candidates(self._directory.schema, self._directory.tree, asked.filter)
        tree = self._directory.tree
        each = tree.entries(start) if ids is None else iter(tree.numbered(ids, start))
        return (entry for entry in each if _within(entry, base, asked.scope))

    def _collect(
        self,
        identity: Identity,
        asked: Search,
        state: PageState,
        page: Page | None,
        matching: Iterator[Entry],
        selection: Selection,
    ) -> Found:
        limit = self._limit(identity, asked, page)
        before = 0 if page is None else state.sent
        found = Found()
        last = state.cookie or _BEFORE_ALL
        for entry in matching:
            if page is not None and len(found.entries) >= page.size:
                state.cookie, state.sent = last, before + len(found.entries)
                found.cookie = _COOKIE.pack(last)
                return found
            if limit is not None and before + len(found.entries) >= limit:
                found.code = Code.SIZE_LIMIT_EXCEEDED
                break
            found.entries.append((entry.dn, selection.of(identity, entry)))
            last = entry.id
        if page is not None:
            state.cookie = state.sent = 0
            found.cookie = b"" if found.code is Code.SUCCESS else None
        return found

    def _limit(self, identity: Identity, asked: Search, page: Page | None) -> int | None:
        allowed = self._limit_of(identity)
        limits = [allowed.size if page is None else allowed.of_pages, asked.size_limit or None]
        return min((each for each in limits if each is not None), default=None)


def _within(entry: Entry, base: str, scope: Scope) -> bool:
    if scope is Scope.ONE:
        return entry.dn.parent == base
    return entry.dn.under(base)
