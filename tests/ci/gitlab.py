"""As much of GitLab as notes on a merge request need, over HTTP on loopback: users by token, pages, its error bodies.

https://docs.gitlab.com/api/notes/#merge-requests, https://docs.gitlab.com/api/rest/#pagination
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

AT = "/api/v4/projects/7/merge_requests/3"
LONGEST = 1_000_000


@dataclass
class GitLab:
    """Project 7 with merge request 3. `tokens` maps a token to a user's number; `readers` may not write."""

    tokens: dict[str, int] = field(default_factory=dict)
    readers: set[int] = field(default_factory=set)
    notes: list[dict[str, Any]] = field(default_factory=list)
    sha: str = "a" * 40
    source: int = 7
    calls: list[str] = field(default_factory=list)

    def __enter__(self) -> GitLab:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _answering(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def note(self, author: int, body: str) -> dict[str, Any]:
        made = {"id": 100 + len(self.notes), "body": body, "author": {"id": author}, "system": False}
        self.notes.append(made)
        return made

    def serve(self, method: str, path: str, token: str, body: Any) -> tuple[int, Any, str]:
        """Status, body, and the `Link` header."""
        user, parts = self.tokens.get(token), urlsplit(path)
        self.calls.append(f"{method} {parts.path}")
        if user is None:
            return 401, {"message": "401 Unauthorized"}, ""
        if (method, parts.path) == ("GET", "/api/v4/user"):
            return 200, {"id": user, "username": f"user{user}"}, ""
        if (method, parts.path) == ("GET", AT):
            return 200, {"iid": 3, "sha": self.sha, "source_project_id": self.source, "target_project_id": 7}, ""
        if method == "GET" and parts.path == f"{AT}/notes":
            return self._page(parts.path, dict(parse_qsl(parts.query)))
        if not parts.path.startswith(f"{AT}/notes"):
            return 404, {"message": "404 Not found"}, ""
        if user in self.readers:
            return 403, {"message": "403 Forbidden"}, ""
        return self._write(method, parts.path, user, body)

    def _page(self, path: str, args: dict[str, str]) -> tuple[int, Any, str]:
        size, number = min(int(args.get("per_page", 20)), 100), int(args.get("page", 1))
        more = number * size < len(self.notes)
        link = f'<{self.url}{path}?per_page={size}&page={number + 1}>; rel="next"' if more else ""
        return 200, self.notes[(number - 1) * size : number * size], link

    def _write(self, method: str, path: str, user: int, body: Any) -> tuple[int, Any, str]:
        if method in ("POST", "PUT") and not 0 < len(body.get("body", "")) <= LONGEST:
            return 400, {"message": "400 Bad request - Note is too long or missing"}, ""
        if method == "POST":
            return 201, self.note(user, body["body"]), ""
        number = re.fullmatch(rf"{AT}/notes/(\d+)", path)
        found = next((n for n in self.notes if number and n["id"] == int(number[1])), None)
        if found is None:
            return 404, {"message": "404 Note Not Found"}, ""
        if found["author"]["id"] != user:
            return 403, {"message": "403 Forbidden"}, ""
        if method == "DELETE":
            self.notes.remove(found)
            return 204, None, ""
        found["body"] = body["body"]
        return 200, found, ""


def _answering(gitlab: GitLab) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent = json.loads(content) if content else None
            status, body, link = gitlab.serve(self.command, self.path, self.headers.get("PRIVATE-TOKEN", ""), sent)
            data = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            if link:
                self.send_header("Link", link)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            pass

    return Answering
