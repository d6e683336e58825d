"""The calls on a directory server, one method each: this file and `connection` alone import ldap3.

No call is without a time limit, none retries, and each says whether its answer is whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import ldap3
from ldap3.core import exceptions as errors
from ldap3.operation.search import compile_filter, parse_filter
from ldap3.protocol.controls import build_control

from provisioner.contract import ProviderError, Trouble
from provisioner.credentials import draw
from provisioner.providers.ldap import dn
from provisioner.providers.ldap.connection import (
    CheckedConnection,
    LdapResultError,
    Link,
    check,
    drop,
    raise_for,
    server_of,
)
from provisioner.providers.ldap.convert import Entry

PAGE = 1000
"""Entries a page. A server that refuses pages of this size is asked for smaller ones."""
_SMALLER_PAGES = (500, 100)
_RANGE = ";range="
_PAGED = "1.2.840.113556.1.4.319"
ASSERTION = "1.3.6.1.1.12"
PPOLICY = "1.3.6.1.4.1.42.2.27.8.5.1"
_SET_PASSWORD = "1.3.6.1.4.1.4203.1.11.1"

Modifications = Mapping[str, Sequence[tuple[str, Sequence[bytes]]]]
"""By attribute: `("ADD" | "DELETE" | "REPLACE", values)`, done in order and all at once."""


class ShortEntryError(ProviderError):
    """Not all values of an entry came; `entry` has those that did."""

    def __init__(self, message: str, entry: Entry) -> None:
        super().__init__(Trouble.PARTIAL, message, call=f"read {entry.dn}")
        self.entry = entry


@dataclass(frozen=True)
class Root:
    """What the server says of itself."""

    contexts: tuple[str, ...] = ()
    controls: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()


class ReadCalls:
    """Reading. `count` is how many requests went out, `bound_once` whether the server ever took us in."""

    _read_only = True

    def __init__(self, link: Link) -> None:
        self.link = link
        self.count = 0
        self.bound_once = False
        self._connection: Any = None
        self._root: Root | None = None
        self._page = PAGE

    # The connection

    def connect(self) -> Any:
        """The bound connection; opened anew where it was lost."""
        if self._connection is not None and not self._connection.closed:
            return self._connection
        self._connection = None
        connection = CheckedConnection(
            server_of(self.link),
            user=self.link.bind_dn,
            password=self.link.password,
            read_only=self._read_only,
            raise_exceptions=True,
            auto_referrals=False,
            auto_range=False,
            check_names=False,
            auto_escape=False,
            return_empty_attributes=False,
            receive_timeout=self.link.limits.answer,
        )
        call = f"bind to {self.link.url}"
        try:
            connection.open(read_server_info=False)
            if self.link.start_tls:
                call = f"StartTLS with {self.link.url}"
                self.count += 1
                connection.start_tls(read_server_info=False)
                call = f"bind to {self.link.url}"
            self.count += 1
            connection.bind(read_server_info=False)
            check(connection.result, call)
        except (errors.LDAPException, OSError) as error:
            drop(connection)
            raise_for(error, call, sent=False)
        except ProviderError:
            drop(connection)
            raise
        self._connection = connection
        self.bound_once = True
        return connection

    def close(self) -> None:
        """End the connection. Safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is None or connection.closed:
            return
        try:
            connection.unbind()
        except errors.LDAPException:
            drop(connection)

    # Reading

    def pages(
        self, base: str, filter_: str, attributes: Sequence[str], *, scope: str = ldap3.SUBTREE
    ) -> Iterator[list[Entry]]:
        """All matching entries, page by page. Whatever keeps the answer from being whole raises, after the entries that
        came: a limit, a broken connection, a part of the tree that lies on another server.
        """
        cookie: bytes | None = None
        elsewhere: list[str] = []
        before: set[str] = set()
        call = f"search {base} {filter_ if len(filter_) <= 60 else filter_[:57] + '...'}"
        while True:
            try:
                found, result = self._search(base, filter_, attributes, scope, cookie, call)
            except LdapResultError as refusal:
                smaller = next((p for p in _SMALLER_PAGES if p < self._page), None)
                # A page beyond the server's limit is 11 or 53, before anything has come.
                if cookie is None and refusal.result in (11, 53) and smaller is not None:
                    self._page = smaller
                    continue
                raise
            entries = [row["entry"] for row in found if row["type"] == "searchResEntry"]
            names = {entry.dn for entry in entries}
            if len(names) < len(entries):  # no server has one entry twice; an answer may
                entries = list({entry.dn: entry for entry in entries}.values())
            elsewhere += [str(uri) for row in found if row["type"] == "searchResRef" for uri in row["uri"]]
            yield entries
            check(result, call)
            if not before.isdisjoint(names):
                told = "the same entry came on two pages: one page may have come in the place of another"
                raise ProviderError(Trouble.PARTIAL, told, call=call)
            before |= names
            last, cookie = cookie, self._next_page(result)
            if not cookie:
                if scope == ldap3.SUBTREE and cookie is None and (last or _PAGED in self.root().controls):
                    told = "a page came without the word that it is the last one"
                    raise ProviderError(Trouble.PARTIAL, told, call=call)
                break
        if elsewhere:
            told = f"part of the tree lies on another server, which is not followed: {elsewhere[0]}"
            raise ProviderError(Trouble.PARTIAL, told, call=call, code="10")

    @staticmethod
    def _next_page(result: Mapping[str, Any]) -> bytes | None:
        """Where the next page begins; empty: this was the last one; None: the server does not say."""
        paged = result.get("controls", {}).get(_PAGED)
        return None if paged is None else paged["value"]["cookie"] or b""

    def _search(
        self, base: str, filter_: str, attributes: Sequence[str], scope: str, cookie: bytes | None, call: str
    ) -> tuple[list[Any], dict[str, Any]]:
        connection = self.connect()
        self.count += 1
        try:
            connection.search(
                base,
                filter_,
                scope,
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=list(attributes),
                paged_size=self._page if scope == ldap3.SUBTREE else None,
                paged_cookie=cookie,
            )
        except (errors.LDAPException, OSError) as error:
            raise_for(error, call, sent=False)
        return connection.response, connection.result

    def search(self, base: str, filter_: str, attributes: Sequence[str]) -> list[Entry]:
        """All matching entries at once."""
        return [entry for page in self.pages(base, filter_, attributes) for entry in page]

    def entry(self, dn: str, attributes: Sequence[str], filter_: str = "(objectClass=*)") -> Entry | None:
        """One entry by its name, or None where it is not there or does not match."""
        try:
            found = [e for page in self.pages(dn, filter_, attributes, scope=ldap3.BASE) for e in page]
        except LdapResultError as refusal:
            if refusal.result == 32:
                return None
            raise
        return found[0] if found else None

    def whole(self, entry: Entry) -> Entry:
        """The entry with all values: some servers give a long list in parts (`member;range=0-1499`)."""
        parts = [name for name in entry.values if _RANGE in name]
        if not parts:
            return entry
        values = {name: list(kept) for name, kept in entry.values.items() if _RANGE not in name}
        for option in parts:
            name, _, span = option.partition(_RANGE)
            gathered = values.setdefault(name, [])
            gathered += entry.values[option]
            while not span.endswith("-*"):
                after = int(span.partition("-")[2]) + 1
                more = self.entry(entry.dn, (f"{name}{_RANGE}{after}-*",))
                found = [n for n in more.values if n.startswith(name + _RANGE)] if more is not None else []
                if more is None or not found or not more.values[found[0]]:
                    told = f"the values of {name} come in parts, and those from {after} on are missing"
                    raise ShortEntryError(told, Entry(entry.dn, values))
                gathered += more.values[found[0]]
                span = found[0].partition(_RANGE)[2]
        return Entry(entry.dn, values)

    def root(self) -> Root:
        """The root DSE, read once."""
        if self._root is None:
            found = self.entry("", ("namingContexts", "supportedControl", "supportedExtension"))
            self._root = (
                Root()
                if found is None
                else Root(
                    tuple(found.texts("namingContexts")),
                    frozenset(found.texts("supportedControl")),
                    frozenset(found.texts("supportedExtension")),
                )
            )
        return self._root

    def who(self) -> str:
        """The name that the server knows us by: the one that we bound as, where that is an entry's. Of any other (an
        e-mail address, as some servers take) the server is asked (Who am I?, RFC 4532), if it can tell."""
        if dn.is_name(self.link.bind_dn):
            self.connect()
            return self.link.bind_dn
        return self.told() or self.link.bind_dn

    def told(self, *, strict: bool = False) -> str | None:
        """As whom the server says that we are bound; None where it has no such answer. `strict`: a refusal is none: who
        must first change their password may do nothing else."""
        connection = self.connect()
        self.count += 1
        try:
            told = connection.extend.standard.who_am_i()
        except (errors.LDAPOperationResult, errors.LDAPExtensionError) as error:
            if strict and isinstance(error, errors.LDAPInsufficientAccessRightsResult):
                raise_for(error, "Who am I?", sent=False)
            return None
        except (errors.LDAPException, OSError) as error:
            raise_for(error, "Who am I?", sent=False)
        return str(told).removeprefix("dn:") if told else None


class WriteCalls(ReadCalls):
    """Reading and writing. `deadline` is on `time.monotonic`."""

    _read_only = False

    def add(self, dn: str, classes: Sequence[str], attributes: Mapping[str, Sequence[bytes]], deadline: float) -> None:
        self._write(f"add {dn}", deadline, lambda c: c.add(dn, list(classes), dict(attributes)))

    def modify(self, dn: str, changes: Modifications, deadline: float, *, only_if: str | None = None) -> None:
        """`only_if` is a filter that the entry must match at that moment (RFC 4528): else result 122. Where the server
        has no such control, the change is made without it."""
        what = {name: [("MODIFY_" + how, list(values)) for how, values in steps] for name, steps in changes.items()}
        controls = self._assertion(only_if)
        self._write(f"modify {dn}", deadline, lambda c: c.modify(dn, what, controls=controls))

    def rename(self, dn: str, rdn: str, deadline: float) -> None:
        self._write(f"rename {dn}", deadline, lambda c: c.modify_dn(dn, rdn, delete_old_dn=True))

    def delete(self, dn: str, deadline: float, *, only_if: str | None = None) -> None:
        controls = self._assertion(only_if)
        self._write(f"delete {dn}", deadline, lambda c: c.delete(dn, controls=controls))

    def scramble_password(self, dn: str, deadline: float) -> None:
        """A new random password that nobody is told, hashed by the server (RFC 3062)."""
        self.set_password(dn, draw().reveal(), deadline)

    def set_password(self, dn: str, password: str, deadline: float) -> None:
        """In the place of whatever was set, hashed by the server (RFC 3062)."""
        self._write(
            f"set password of {dn}",
            deadline,
            lambda c: c.extend.standard.modify_password(user=dn, new_password=password),
        )

    def sign_in(self, dn: str, password: str) -> str | None:
        """Bind as somebody else, and the name that the server then knows them by; None where it cannot tell."""
        theirs = ReadCalls(replace(self.link, bind_dn=dn, password=password))
        try:
            return theirs.told(strict=True)
        finally:
            self.count += theirs.count
            theirs.close()

    def can_set_password(self) -> bool:
        return _SET_PASSWORD in self.root().extensions

    def _assertion(self, filter_: str | None) -> list[Any] | None:
        if filter_ is None or ASSERTION not in self.root().controls:
            return None
        parse, build = cast(Any, parse_filter), cast(Any, compile_filter)
        compiled = build(parse(filter_, None, False, True, None, False).elements[0])
        return [build_control(ASSERTION, True, compiled)]

    def _write(self, call: str, deadline: float, request: Any) -> None:
        connection = self.connect()
        left = deadline - time.monotonic()
        if left <= 0:
            raise ProviderError(Trouble.UNREACHABLE, "the time for this change was over before it was sent", call=call)
        self.count += 1
        connection.socket.settimeout(min(left, self.link.limits.answer))
        try:
            request(connection)
            check(connection.result, call)
        except (errors.LDAPException, OSError) as error:
            raise_for(error, call, sent=True)
        finally:
            if not connection.closed:
                connection.socket.settimeout(self.link.limits.answer)
