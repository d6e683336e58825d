"""A directory that gives the values of a long list in parts, as Active Directory does (MS-ADTS 3.1.1.3.1.3.3).

It has people and one group, whose members come `part` at a time. It reads requests as the embedded directory does and
writes entries with ldap3's ASN.1 classes; it answers bind and search and nothing else.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from ldap3.protocol import rfc4511
from pyasn1.codec.ber import encoder

from provisioner.sandbox.ldap import messages, wire
from provisioner.sandbox.ldap.results import Code

PEOPLE, GROUPS = "ou=people,dc=x", "ou=groups,dc=x"


class RangedServer:
    """`members` people in `cn=big`. With `lose_after`, parts that begin beyond that member come without values."""

    def __init__(self, members: int, part: int, lose_after: int | None = None) -> None:
        self.members = [f"uid=u{n},{PEOPLE}" for n in range(members)]
        self.part, self.lose_after = part, lose_after
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer.serve(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"ldap://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def serve(self, connection: Any) -> None:
        data = b""
        while chunk := connection.recv(1 << 16):
            data += chunk
            length = wire.message_length(data)
            if length is None or len(data) < length:
                continue
            asked, data = wire.decode(data[:length]), data[length:]
            if isinstance(asked.operation, messages.Unbind):
                return
            if isinstance(asked.operation, messages.Search):
                for dn, attributes in self.entries(asked.operation.dn, asked.operation.attributes):
                    connection.sendall(_entry(asked.id, dn, attributes))
            connection.sendall(wire.result(asked, Code.SUCCESS, ""))

    def entries(self, base: str, wanted: Sequence[str]) -> list[tuple[str, dict[str, list[str]]]]:
        if base == PEOPLE:
            return [(dn, {"uid": [dn[4:].partition(",")[0]], "cn": ["x"]}) for dn in self.members]
        if base in (GROUPS, f"cn=big,{GROUPS}"):
            begin = next((int(a.partition("=")[2].partition("-")[0]) for a in wanted if ";range=" in a), 0)
            return [(f"cn=big,{GROUPS}", {"cn": ["big"], "objectClass": ["groupOfNames"], **self.range_from(begin)})]
        return []

    def range_from(self, begin: int) -> dict[str, list[str]]:
        found = self.members[begin : begin + self.part]
        if self.lose_after is not None and begin > self.lose_after:
            found = []
        end = "*" if begin + self.part >= len(self.members) else str(begin + len(found) - 1)
        return {"member": [], f"member;range={begin}-{end}": found} if found else {}


def _entry(number: int, dn: str, attributes: dict[str, list[str]]) -> bytes:
    entry = rfc4511.SearchResultEntry()
    entry["object"] = dn
    for at, (name, values) in enumerate(attributes.items()):
        entry["attributes"][at]["type"] = name
        entry["attributes"][at]["vals"] = rfc4511.Vals()
        for index, value in enumerate(values):
            entry["attributes"][at]["vals"][index] = value
    message = rfc4511.LDAPMessage()
    message["messageID"] = number
    message["protocolOp"] = rfc4511.ProtocolOp().setComponentByName("searchResEntry", entry)
    encoded: bytes = encoder.encode(message)
    return encoded
