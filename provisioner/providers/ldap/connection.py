"""A connection to a directory server, as ldap3 makes it and as it is safe.

A reader's connection refuses everything that writes. None is without a time limit, none follows a referral (our
password would go with it), and the result code of every answer is looked at: ldap3 lets some pass.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, cast

import ldap3
from ldap3.core import exceptions as errors
from ldap3.strategy.sync import SyncStrategy

from provisioner.contract import ProviderError, Trouble
from provisioner.providers.ldap.convert import Entry

_START_TLS = "1.3.6.1.4.1.1466.20037"
_WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"
_READING = frozenset({"bindRequest", "unbindRequest", "searchRequest", "compareRequest", "abandonRequest"})

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


class CheckedConnection(ldap3.Connection):
    """A connection with the strategy above; ldap3 only takes one of its own by name."""

    def __init__(self, server: ldap3.Server, **options: Any) -> None:
        super().__init__(server, auto_bind=ldap3.AUTO_BIND_NONE, **options)
        strategy = _Strategy(self)
        self.strategy: Any = strategy
        self.send, self.open, self.get_response = strategy.send, strategy.open, strategy.get_response
        self.post_send_single_response = strategy.post_send_single_response
        self.post_send_search = strategy.post_send_search


def server_of(link: Link) -> ldap3.Server:
    tls = None
    if link.encrypted or link.start_tls:
        ca_file = link.ca_file
        if ca_file is not None and not Path(ca_file).is_file():
            told = f"the file of certificates `{ca_file}` is not there"
            raise ProviderError(Trouble.CREDENTIAL, told, call="settings")
        tls = _CheckedTls(validate=ssl.CERT_REQUIRED, ca_certs_file=ca_file)
    return ldap3.Server(
        link.host,
        port=link.port,
        use_ssl=link.encrypted,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=link.limits.connect,
    )


def drop(connection: Any) -> None:
    """Close without a word: the other side may be gone."""
    connection.strategy.close()
    if connection.socket is not None:  # a failed handshake leaves it open
        connection.socket.close()


def check(result: Mapping[str, Any], call: str) -> None:
    """ldap3 raises for most results other than 0, and lets size limit, time limit and referral pass."""
    if result["result"] != 0:
        raise LdapResultError(
            result["result"], result["description"], result["message"] or "", call, result["dn"] or ""
        )


def raise_for(error: Exception, call: str, *, sent: bool) -> NoReturn:
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
