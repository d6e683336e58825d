"""A pull request on GitHub as a thread: read by GraphQL, which says of a comment whether it is ours; written by REST.

Reads go a hundred comments at a time, with the newest commit of the branch in the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.ci.comment import Comment, Said
from provisioner.ci.github_api import GitHubApi
from provisioner.ci.place import Place
from provisioner.ci.trouble import ForgeError

LONGEST = 65_536
_PAGES = 200
COMMENTS = """query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { headRefOid isCrossRepository
  comments(first: 100, after: $after) { pageInfo { hasNextPage endCursor }
  nodes { fullDatabaseId body viewerDidAuthor } } } } }"""
OPEN = """query($owner: String!, $name: String!, $oid: GitObjectID!) {
  repository(owner: $owner, name: $name) { object(oid: $oid) { ... on Commit {
  associatedPullRequests(first: 20) { nodes { number state headRefOid } } } } } }"""


class GitHubThread:
    """One pull request. ForgeError where it cannot be read or written, or is a fork's."""

    longest = LONGEST

    def __init__(self, api: GitHubApi, number: int) -> None:
        self._api, self._number = api, number

    def read(self) -> Said:
        head, found = "", list[Comment]()
        for page in self._pages():
            if page["isCrossRepository"]:
                raise ForgeError(
                    "comment-not-posted",
                    f"pull request #{self._number} comes from a fork",
                    "what a fork sends is validated and never planned live, so there is nothing to tell",
                    "let its workflow run `provision validate` alone",
                )
            head = str(page["headRefOid"])
            found += [_comment(node) for node in page["comments"]["nodes"] if node]
        return Said(head, found)

    def _pages(self) -> Iterator[Mapping[str, Any]]:
        after: str | None = None
        for _ in range(_PAGES):
            told = self._api.query(COMMENTS, number=self._number, after=after)
            pull = (told.get("repository") or {}).get("pullRequest")
            if not isinstance(pull, Mapping):
                raise self._api.failed(f"there is no pull request #{self._number}, or the token does not see it")
            yield pull
            info = pull["comments"]["pageInfo"]
            if not info["hasNextPage"] or info["endCursor"] == after:
                return
            after = info["endCursor"]

    def create(self, body: str) -> None:
        self._api.write("POST", f"/issues/{self._number}/comments", {"body": body})

    def update(self, comment: Comment, body: str) -> None:
        self._api.write("PATCH", f"/issues/comments/{comment.id}", {"body": body})

    def delete(self, comment: Comment) -> None:
        self._api.write("DELETE", f"/issues/comments/{comment.id}", None)


def _comment(node: Mapping[str, Any]) -> Comment:
    return Comment(str(node["fullDatabaseId"]), str(node["body"]), node["viewerDidAuthor"] is True)


def open_pull(api: GitHubApi, commit: str) -> int | None:
    """The one open pull request whose branch is at this commit; None where there is none, or several."""
    found = (api.query(OPEN, oid=commit).get("repository") or {}).get("object") or {}
    nodes = (found.get("associatedPullRequests") or {}).get("nodes") or []
    numbers = [int(n["number"]) for n in nodes if n["state"] == "OPEN" and n["headRefOid"] == commit]
    return numbers[0] if len(numbers) == 1 else None


def thread_at(place: Place, token: str, commit: str) -> GitHubThread:
    """The thread of a place; where no number is told, the commit tells it."""
    api = GitHubApi(place.api, place.project, token, "comment-not-posted")
    number = int(place.number) if place.number else open_pull(api, commit)
    if number is None:
        raise api.failed(f"no open pull request, or more than one, is at commit {commit[:12]}")
    return GitHubThread(api, number)
