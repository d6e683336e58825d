"""A merge request on GitLab as a thread: its notes, of which ours are those of the token's own user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from provisioner.ci.comment import Comment, Said
from provisioner.ci.place import Place
from provisioner.ci.trouble import ForgeError, refused, unanswered
from provisioner.transport import Answer, Budget, Limits, Pace, Session, TransportError, anything

LONGEST = 1_000_000
_LIMITS = Limits(connect=5, read=20, whole=30, tries=3)
_PAGES = 200


class GitLabThread:
    """One merge request. ForgeError where it cannot be read or written, or is a fork's."""

    longest = LONGEST

    def __init__(self, place: Place, token: str) -> None:
        self._at = f"/projects/{place.project}/merge_requests/{place.number}"
        self._session = Session(
            place.api,
            lambda: {"PRIVATE-TOKEN": token},
            anything,
            Budget(Pace(patience=20)),
            _LIMITS,
            conditional=False,
            secrets=lambda: (token,),
        )

    def read(self) -> Said:
        me, request = self._object("/user").get("id"), self._object(self._at)
        if request.get("source_project_id") != request.get("target_project_id"):
            raise self._failed("the merge request comes from a fork, and what a fork sends is never planned live")
        notes = self._notes()
        if me is None:
            raise self._failed("the token is nobody's")
        found = [Comment(str(n["id"]), str(n.get("body", "")), _author(n) == me) for n in notes]
        return Said(str(request.get("sha") or ""), found)

    def _notes(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        url: str | None = f"{self._at}/notes"
        params: dict[str, Any] | None = {"per_page": 100, "sort": "asc", "order_by": "created_at"}
        for _ in range(_PAGES):
            if url is None:
                break
            answer = self._send("GET", url, None, params=params, reading=True)
            rows = self._json(answer)
            if not isinstance(rows, list):
                raise self._failed(f"{answer.call}: the answer has another shape than documented")
            found += [row for row in rows if isinstance(row, Mapping)]
            url, params = answer.next_url, None
        return found

    def create(self, body: str) -> None:
        self._send("POST", f"{self._at}/notes", {"body": body})

    def update(self, comment: Comment, body: str) -> None:
        self._send("PUT", f"{self._at}/notes/{comment.id}", {"body": body})

    def delete(self, comment: Comment) -> None:
        self._send("DELETE", f"{self._at}/notes/{comment.id}", None)

    def _object(self, path: str) -> Mapping[str, Any]:
        answer = self._send("GET", path, None, reading=True)
        found = self._json(answer)
        if not isinstance(found, Mapping):
            raise self._failed(f"{answer.call}: the answer has another shape than documented")
        return found

    def _json(self, answer: Answer) -> Any:
        try:
            return answer.json()
        except TransportError as error:
            raise self._failed(unanswered(error)) from None

    def _send(self, method: str, path: str, body: Any, **more: Any) -> Answer:
        try:
            answer = self._session.send(method, path, body=body, **more)
        except TransportError as error:
            raise self._failed(unanswered(error)) from None
        if answer.status >= 400:
            raise self._failed(refused(answer))
        return answer

    def _failed(self, what: str) -> ForgeError:
        return ForgeError(
            "comment-not-posted",
            f"{urlsplit(self._session.base).netloc}: {what}",
            "reviewers would go by an older plan, or by none",
            "give the job a project token with the scope `api` as PROVISION_FORGE_TOKEN, or leave --comment out",
        )


def _author(note: Mapping[str, Any]) -> Any:
    author = note.get("author")
    return author.get("id") if isinstance(author, Mapping) else None
