"""The embedded directory as a server: a listening socket, a thread for each connection, and the entries it starts with.

Stands in for OpenLDAP in `provision demo`, `provision sandbox` and tests. For loopback only: there is no TLS (StartTLS
is refused), and what it holds is in memory and gone with it.
"""

from __future__ import annotations

import contextlib
import datetime
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Literal

from provisioner.sandbox.ldap import ldif, wire
from provisioner.sandbox.ldap.directory import Directory
from provisioner.sandbox.ldap.identity import Identity
from provisioner.sandbox.ldap.results import Code
from provisioner.sandbox.ldap.schema import Dn
from provisioner.sandbox.ldap.search import Searcher, SizeLimit
from provisioner.sandbox.ldap.session import Session

Value = str | bytes
REFINT_ATTRIBUTES = ("member", "uniqueMember", "manager", "owner", "seeAlso")
_CHUNK = 1 << 18
_STOP_SECONDS = 5.0


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class LdapServer:
    """A directory below `suffix` with `ou=people`, `ou=groups` and a default password policy under `ou=policies`.

    The root name may do all; the service name may change all entries; any other entry with a `userPassword` may bind
    and read. It may be stopped and started again any number of times, on the same port and with the same entries.

    `size_limit`: entries that one search gives to anybody but the root name; `paged_limit`: all pages of a search
    together, "size" (as slapd has it) meaning the same number; None is without limit. `limits` sets both for single
    names.
    `refint_delay`: seconds until references to a deleted or renamed entry are cleaned; slapd cleans after its answer.
    `refint_nothing`: what stands in for a last member that goes; empty for the root name, None to leave it dangling.
    `clock`: the time in UTC, for tests that wait for a lock to end.
    """

    def __init__(
        self,
        *,
        suffix: str = "dc=example,dc=test",
        root_dn: str | None = None,
        root_password: str = "admin-secret",
        service_dn: str | None = None,
        service_password: str = "svc-secret",
        host: str = "127.0.0.1",
        port: int = 0,
        size_limit: int | None = None,
        paged_limit: int | Literal["size"] | None = "size",
        limits: Mapping[str, SizeLimit] | None = None,
        refint: Iterable[str] = REFINT_ATTRIBUTES,
        refint_nothing: str | None = "",
        refint_delay: float = 0.0,
        clock: Callable[[], datetime.datetime] = _utc_now,
    ) -> None:
        self.suffix = suffix
        self.root_dn = f"cn=admin,{suffix}" if root_dn is None else root_dn
        self.root_password = root_password
        self.service_dn = f"uid=svc,ou=people,{suffix}" if service_dn is None else service_dn
        self.service_password = service_password
        self.size_limit = size_limit
        self.paged_limit: int | Literal["size"] | None = paged_limit
        self.requests: list[tuple[str, str]] = []
        """Every request so far, as operation (`bind`, `search`, `modify_dn`, ...) and DN as the client wrote it."""
        self._host, self._port = host, port
        self._directory = Directory(
            suffix=suffix,
            root_dn=self.root_dn,
            root_password=root_password,
            refint=tuple(refint),
            refint_nothing=self.root_dn if refint_nothing == "" else refint_nothing,
            clock=clock,
        )
        self._directory.references.start(self._directory.lock, refint_delay)
        self._directory.accounts.let_write([self.service_dn])
        self._limits = {self._directory.schema.dn(name).key: limit for name, limit in (limits or {}).items()}
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None
        self._seed()

    # -- life

    def start(self) -> None:
        """Listens, and returns; connections are served by daemon threads."""
        if self._listener is not None:
            raise RuntimeError("this LDAP server is running already")
        self._listener = _Listener((self._host, self._port), self._session)
        self._port = self._listener.server_address[1]
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox-ldap", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Closes the socket and every connection; the entries stay for a next start. Harmless when not running."""
        listener, thread = self._listener, self._thread
        self._listener = self._thread = None
        if listener is None or thread is None:
            return
        listener.shutdown()
        listener.server_close()
        listener.drop_connections()
        thread.join(_STOP_SECONDS)
        self._directory.references.finish()

    def __enter__(self) -> LdapServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The TCP port; known once it has been started, if none was asked for."""
        return self._port

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self._host

    @property
    def url(self) -> str:
        return f"ldap://{self._host}:{self._port}"

    # -- content

    def add(self, dn: str, attributes: Mapping[str, Value | Iterable[Value]]) -> None:
        """Adds an entry as the root name would; operational attributes such as `entryUUID` may be given too."""
        listed = [(name, tuple(_octets(values))) for name, values in attributes.items()]
        with self._directory.lock:
            self._directory.seed(self._directory.schema.dn(dn), listed)

    def load_ldif(self, text: str) -> None:
        """Adds the entries of an LDIF text (content records, RFC 2849), in their order."""
        with self._directory.lock:
            for dn, attributes in ldif.read(text):
                self._directory.seed(self._directory.schema.dn(dn), attributes)

    def delete(self, dn: str) -> None:
        """Deletes an entry behind the clients' backs, as the root name would."""
        with self._directory.lock:
            self._directory.delete(self._directory.root, self._directory.schema.dn(dn))

    def entries(self) -> dict[str, dict[str, list[bytes]]]:
        """All entries by name, with all attributes, operational ones included: what is really there."""
        with self._directory.lock:
            return {
                entry.dn.text: {
                    each.description.text: list(each.values.values())
                    for each in (*entry.attributes.values(), *self._directory.live(entry))
                }
                for entry in self._directory.tree.entries()
            }

    def count(self, operation: str) -> int:
        """How many requests of one operation there have been."""
        return sum(name == operation for name, _ in list(self.requests))

    def limit(self, dn: str, limit: SizeLimit | None) -> None:
        """Sets the limits of one name; None gives it those of everybody."""
        key = self._directory.schema.dn(dn).key
        if limit is None:
            self._limits.pop(key, None)
        else:
            self._limits[key] = limit

    # -- inside

    def _limit_of(self, identity: Identity) -> SizeLimit:
        if identity.is_root or identity.dn is None:
            return SizeLimit()
        return self._limits.get(identity.dn.key) or SizeLimit(self.size_limit, self.paged_limit)

    def _session(self) -> Session:
        searcher = Searcher(self._directory, self._limit_of)
        return Session(self._directory, searcher, lambda operation, dn: self.requests.append((operation, dn)))

    def _seed(self) -> None:
        suffix = self.suffix
        self.add(suffix, _top_entry(self._directory.suffix))
        for unit in ("people", "groups", "policies"):
            self.add(f"ou={unit},{suffix}", {"objectClass": "organizationalUnit", "ou": unit})
        policy = {
            "objectClass": ("device", "pwdPolicy"),
            "cn": "default",
            "pwdAttribute": "userPassword",
            "pwdLockout": "TRUE",
            "pwdMaxFailure": "5",
            "pwdLockoutDuration": "0",
            "pwdMinLength": "8",
            "pwdCheckQuality": "1",
            "pwdMustChange": "TRUE",
        }
        self.add(f"cn=default,ou=policies,{suffix}", policy)
        self.add(self.service_dn, _service_entry(self._directory.schema.dn(self.service_dn), self.service_password))


def _top_entry(suffix: Dn) -> dict[str, Iterable[str]]:
    attribute, value = suffix.pairs[0]
    if attribute == "dc":
        return {"objectClass": ("dcObject", "organization"), "dc": [value], "o": ["Example"]}
    return {"objectClass": ["organization" if attribute == "o" else "organizationalUnit"], attribute: [value]}


def _service_entry(dn: Dn, password: str) -> dict[str, Iterable[str]]:
    """A person for `uid=...`, as OpenLDAP examples have it; for `cn=...` something that no search for people finds."""
    attribute, value = dn.pairs[0]
    if attribute == "uid":
        return {
            "objectClass": ["inetOrgPerson"],
            "uid": [value],
            "cn": [value],
            "sn": [value],
            "userPassword": [password],
        }
    return {"objectClass": ("applicationProcess", "simpleSecurityObject"), "cn": [value], "userPassword": [password]}


def _octets(values: Value | Iterable[Value]) -> list[bytes]:
    listed = [values] if isinstance(values, str | bytes) else values
    return [each.encode() if isinstance(each, str) else each for each in listed]


class _Listener(socketserver.ThreadingTCPServer):
    """Accepts connections and remembers them, so that stopping can close them."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    server_address: tuple[str, int]

    def __init__(self, address: tuple[str, int], new_session: Callable[[], Session]) -> None:
        self.new_session = new_session
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, _Connection)

    def remember(self, connection: socket.socket) -> None:
        with self._guard:
            self._connections.add(connection)

    def forget(self, connection: socket.socket) -> None:
        with self._guard:
            self._connections.discard(connection)

    def drop_connections(self) -> None:
        with self._guard:
            for each in self._connections:
                with contextlib.suppress(OSError):  # the client was faster
                    each.shutdown(socket.SHUT_RDWR)


class _Connection(socketserver.BaseRequestHandler):
    """Serves one connection until either side has had enough."""

    server: _Listener
    request: socket.socket

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.remember(self.request)

    def finish(self) -> None:
        self.server.forget(self.request)

    def handle(self) -> None:
        session = self.server.new_session()
        try:
            for octets in self._messages():
                self.request.sendall(b"".join(session.answer(octets)))
                if session.ended:
                    return
        except wire.Malformed as error:
            with contextlib.suppress(OSError):  # it need not be a client that listens
                self.request.sendall(wire.notice_of_disconnection(Code.PROTOCOL_ERROR, str(error)))
        except OSError:
            return  # the client went, or the server was stopped

    def _messages(self) -> Iterator[bytes]:
        buffer = bytearray()
        while chunk := self.request.recv(_CHUNK):
            buffer += chunk
            while (length := wire.message_length(bytes(buffer[:8]))) is not None and len(buffer) >= length:
                yield bytes(buffer[:length])
                del buffer[:length]
