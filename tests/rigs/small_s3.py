"""As much of S3 as a journal needs, and quick: objects in memory, every request one after another under a lock.

For thousands of races, of which moto would let the machine do ten in the time of a hundred. Strict where it matters: a
write with `If-None-Match: *` on something that is there is 412, lists and reads show every write that was answered.
What it does not know it refuses (501). The tests of the store itself run against moto.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, quote
from xml.sax.saxutils import escape

from provisioner.sandbox.wire import Answer, WireServer

_XML = [("Content-Type", "application/xml")]


class SmallS3:
    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> SmallS3:
        self._server = WireServer(("127.0.0.1", 0), self._answer)
        self.port: int = self._server.port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.close()
        self._thread.join()

    def _answer(self, environ: dict[str, Any], body: bytes) -> Answer:
        key = environ["PATH_INFO"].strip("/").partition("/")[2]
        with self._lock:
            match environ["REQUEST_METHOD"]:
                case "PUT":
                    if environ.get("HTTP_IF_NONE_MATCH") == "*" and key in self._objects:
                        return _refused(412, "PreconditionFailed")
                    self._objects[key] = body
                    return 200, [("ETag", '"x"')], b""
                case "GET" if key:
                    found = self._objects.get(key)
                    return _refused(404, "NoSuchKey") if found is None else (200, [("ETag", '"x"')], found)
                case "GET":
                    return self._list({k: v[0] for k, v in parse_qs(environ["QUERY_STRING"]).items()})
                case "DELETE":
                    self._objects.pop(key, None)
                    return 204, [], b""
        return _refused(501, "NotImplemented")

    def _list(self, asked: dict[str, str]) -> Answer:
        if asked.get("list-type") != "2" or asked.get("delimiter") != "/" or "continuation-token" in asked:
            return _refused(501, "NotImplemented")
        prefix = asked.get("prefix", "")
        below = sorted(k for k in self._objects if k.startswith(prefix))
        keys = [k for k in below if "/" not in k[len(prefix) :]]
        folders = sorted({prefix + k[len(prefix) :].partition("/")[0] + "/" for k in below if k not in keys})
        rows = [f"<Contents><Key>{escape(quote(k))}</Key><Size>1</Size></Contents>" for k in keys]
        rows += [f"<CommonPrefixes><Prefix>{escape(quote(f))}</Prefix></CommonPrefixes>" for f in folders]
        head = "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
        return 200, _XML, f"{head}{''.join(rows)}</ListBucketResult>".encode()


def _refused(status: int, code: str) -> Answer:
    return status, _XML, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
