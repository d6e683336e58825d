"""The calls on a directory server, one method each: the only file here that imports ldap3.

A reader's connection refuses everything that writes. No call is without a time limit, none follows a referral (our
password would go with it), none retries, and the result code of every answer is looked at: ldap3 lets some pass.
"""

from __future__ import annotations

import secrets
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, cast

import ldap3
from ldap3.core import exceptions as errors
from ldap3.operation.search import compile_filter, parse_filter
from ldap3.protocol.controls import build_control
from ldap3.strategy.sync import SyncStrategy

from provisioner.contract import ProviderError, Trouble
from provisioner.providers.ldap import dn
from provisioner.providers.ldap.convert import Entry

PAGE = 1000
"""Entries a page. A server that refuses pages of this size is asked for smaller ones."""
_SMALLER_PAGES = (500, 100)
_RANGE = ";range="
_PAGED = "1.2.840.113556.1.4.319"
ASSERTION = "1.3.6.1.1.12"
PPOLICY = "1.3.6.1.4.1.42.2.27.8.5.1"
_START_TLS = "1.3.6.1.4.1.1466.20037"
_WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"
_SET_PASSWORD = "1.3.6.1.4.1.4203.1.11.1"

_READING = frozenset({"bindRequest", "unbindRequest", "searchRequest", "compareRequest", "abandonRequest"})

Modifications = Mapping[str, Sequence[tuple[str, Sequence[bytes]]]]
"""By attribute: `("ADD" | "DELETE" | "REPLACE", values)`, done in order and all at once."""

_TROUBLE = {
    **dict.fromkeys((3, 4, 10, 11), Trouble.PARTIAL),
    **dict.fromkeys((51, 52, 80), Trouble.BUSY),
    **dict.fromkeys((7, 8, 13, 48, 49), Trouble.CREDENTIAL),
    **dict.fromkeys((50, 123), Trouble.DENIED),
    32: Trouble.GONE,
    **dict.fromkeys((16, 20, 65, 66, 68, 122), Trouble.CONFLICT),
}
"""What a result code (RFC 4511 appendix A) means to the engine; any other is `invalid`."""


class LdapResultError(ProviderError):
    """The server answered, and the answer is no. `result` is its code."""

    def __init__(self, result: int, description: str, message: str, call: str, matched: str = "") -> None:
        told = f"{description}: {message}" if message else description
        if result == 32 and matched:
            told += f" (the nearest that is there: {matched})"
        super().__init__(_TROUBLE.get(result, Trouble.INVALID), told, call=call, code=str(result))
        self.result = result


class ShortEntryError(ProviderError):
    """Not all values of an entry came; `entry` has those that did."""

    def __init__(self, message: str, entry: Entry) -> None:
        super().__init__(Trouble.PARTIAL, message, call=f"read {entry.dn}")
        self.entry = entry


@dataclass(frozen=True)
class Limits:
    """Seconds to wait for a connection, and for the next part of an answer."""

    connect: int = 10
    answer: int = 30


@dataclass(frozen=True)
class Link:
    """How the server is reached, and as whom. The password is shown nowhere."""

    host: str
    port: int
    encrypted: bool
    start_tls: bool
    bind_dn: str
    password: str = field(repr=False)
    ca_file: str | None = None
    limits: Limits = Limits()

    @property
    def url(self) -> str:
        return f"{'ldaps' if self.encrypted else 'ldap'}://{self.host}:{self.port}"


class _CheckedTls(ldap3.Tls):
    """TLS as Python itself checks it: chain, host name, SNI, TLS 1.2 or later. ldap3's own sends no server name and
    compares host names by hand."""

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        connection.socket = context.wrap_socket(
            connection.socket, do_handshake_on_connect=do_handshake, server_hostname=connection.server.host
        )


class _Strategy(SyncStrategy):
    """Refuses to write on a read-only connection: ldap3's own guard lets `add` and password changes through. And gives
    entries as bytes: ldap3 decodes every value a second time, into text, which is half of its work on a read."""

    def send(self, message_type: str, request: Any, controls: Any = None) -> Any:
        connection = cast(Any, self).connection
        harmless = message_type in _READING or (
            message_type == "extendedReq" and str(request["requestName"]) in (_START_TLS, _WHO_AM_I)
        )
        if connection.read_only and not harmless:
            raise errors.LDAPConnectionIsReadOnlyError("connection is read-only")
        return cast(Any, super()).send(message_type, request, controls)

    def _get_response(self, message_id: int, timeout: Any) -> Any:
        try:
            return cast(Any, super())._get_response(message_id, timeout)
        except (IndexError, KeyError, TypeError, ValueError, MemoryError) as error:
            self.close()
            raise errors.LDAPSocketReceiveError(f"what came back is no LDAP answer ({type(error).__name__})") from error

    def decode_response_fast(self, message: Any) -> Any:
        if message["protocolOp"] != 4:  # searchResEntry
            return cast(Any, super()).decode_response_fast(message)
        name, attributes = message["payload"]
        return {
            "type": "searchResEntry",
            "entry": Entry(
                name[3].decode("utf-8", "backslashreplace"),
                {a[3][0][3].decode().lower(): [bytes(v[3]) for v in a[3][1][3]] for a in attributes[3]},
            ),
        }


class _Connection(ldap3.Connection):
    """A connection with the strategy above; ldap3 only takes one of its own by name."""

    def __init__(self, server: ldap3.Server, **options: Any) -> None:
        super().__init__(server, auto_bind=ldap3.AUTO_BIND_NONE, **options)
        strategy = _Strategy(self)
        self.strategy: Any = strategy
        self.send, self.open, self.get_response = strategy.send, strategy.open, strategy.get_response
        self.post_send_single_response = strategy.post_send_single_response
        self.post_send_search = strategy.post_send_search


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
        connection = _Connection(
            self._server(),
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
            _check(connection.result, call)
        except (errors.LDAPException, OSError) as error:
            self._drop(connection)
            _raise(error, call, sent=False)
        except ProviderError:
            self._drop(connection)
            raise
        self._connection = connection
        self.bound_once = True
        return connection

    def _server(self) -> ldap3.Server:
        tls = None
        if self.link.encrypted or self.link.start_tls:
            ca_file = self.link.ca_file
            if ca_file is not None and not Path(ca_file).is_file():
                told = f"the file of certificates `{ca_file}` is not there"
                raise ProviderError(Trouble.CREDENTIAL, told, call="settings")
            tls = _CheckedTls(validate=ssl.CERT_REQUIRED, ca_certs_file=ca_file)
        return ldap3.Server(
            self.link.host,
            port=self.link.port,
            use_ssl=self.link.encrypted,
            tls=tls,
            get_info=ldap3.NONE,
            connect_timeout=self.link.limits.connect,
        )

    @staticmethod
    def _drop(connection: Any) -> None:
        """Close without a word: the other side may be gone."""
        connection.strategy.close()
        if connection.socket is not None:  # a failed handshake leaves it open
            connection.socket.close()

    def close(self) -> None:
        """End the connection. Safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is None or connection.closed:
            return
        try:
            connection.unbind()
        except errors.LDAPException:
            self._drop(connection)

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
            _check(result, call)
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
            _raise(error, call, sent=False)
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
        connection = self.connect()
        self.count += 1
        try:
            told = connection.extend.standard.who_am_i()
        except (errors.LDAPOperationResult, errors.LDAPExtensionError):
            return self.link.bind_dn
        except (errors.LDAPException, OSError) as error:
            _raise(error, "Who am I?", sent=False)
        return str(told).removeprefix("dn:") if told else self.link.bind_dn


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
        password = "aA1-" + secrets.token_urlsafe(30)
        self._write(
            f"set password of {dn}",
            deadline,
            lambda c: c.extend.standard.modify_password(user=dn, new_password=password),
        )

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
            _check(connection.result, call)
        except (errors.LDAPException, OSError) as error:
            _raise(error, call, sent=True)
        finally:
            if not connection.closed:
                connection.socket.settimeout(self.link.limits.answer)


def _check(result: Mapping[str, Any], call: str) -> None:
    """ldap3 raises for most results other than 0, and lets size limit, time limit and referral pass."""
    if result["result"] != 0:
        raise LdapResultError(
            result["result"], result["description"], result["message"] or "", call, result["dn"] or ""
        )


def _raise(error: Exception, call: str, *, sent: bool) -> NoReturn:
    """The ProviderError for what ldap3 raised. `sent`: a change was under way, and without an answer nobody knows."""
    if isinstance(error, errors.LDAPOperationResult):
        raise LdapResultError(
            int(error.result or 80), str(error.description), str(error.message or ""), call, str(error.dn or "")
        ) from error
    text = " ".join(str(error).split())
    if isinstance(error, errors.LDAPConnectionIsReadOnlyError):
        raise ProviderError(Trouble.DENIED, "a reader cannot write", call=call) from error
    if isinstance(error, errors.LDAPPasswordIsMandatoryError):
        raise ProviderError(Trouble.CREDENTIAL, "an empty password would be an anonymous bind", call=call) from error
    if isinstance(error, ssl.SSLError) or "certificate" in text.lower() or isinstance(error, errors.LDAPStartTLSError):
        told = f"the connection could not be encrypted: {text}"
        raise ProviderError(Trouble.CREDENTIAL, told, call=call) from error
    not_sent = isinstance(error, errors.LDAPSocketOpenError | errors.LDAPSocketSendError)
    if isinstance(error, errors.LDAPCommunicationError | errors.LDAPResponseTimeoutError | OSError):
        trouble = Trouble.UNKNOWN if sent and not not_sent else Trouble.UNREACHABLE
        raise ProviderError(trouble, text or type(error).__name__, call=call) from error
    raise ProviderError(Trouble.INVALID, text or type(error).__name__, call=call) from error
