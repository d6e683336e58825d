"""Asks GitHub for the reviews of a pull request, and which pull request a commit came with.

Three calls a pull request, more where it has over a hundred reviews: itself, its reviews, who pushed its newest commit.
It only reads: the session lets nothing else out. What cannot be read whole is UnreadReviewsError, never fewer reviews.
What a review is worth is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from provisioner.ci.forge import REPOSITORY, Forge, UnreadReviewsError
from provisioner.model.review import Account, PullRequestReviews, Review
from provisioner.transport import Answer, Budgets, Limits, Pace, Session, TransportError, read_only

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_PAGES = 100
_GONE = frozenset({404, 422})
"""How GitHub answers for a branch, or a fork, that is not there or not to be seen; 403 too, of a fork."""
_NOT_TOLD = "who pushed its newest commit cannot be told: who made it does not count"

Row = Mapping[str, Any]


class Reviews:
    """Reads of one repository. Close it, or use it in a `with`."""

    def __init__(self, forge: Forge, pace: Pace | None = None) -> None:
        self._forge = forge
        self._at = f"/repos/{forge.repository}"
        budget = Budgets(pace or Pace(patience=60.0)).of(forge.host, forge.token)
        self._session = Session(
            forge.api,
            lambda: {"Authorization": f"Bearer {forge.token}"},
            read_only(),
            budget,
            Limits(connect=5, read=15, whole=30, tries=3),
            _HEADERS,
            secrets=lambda: (forge.token,),
        )

    def __enter__(self) -> Reviews:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def of(self, number: int) -> PullRequestReviews:
        """A pull request, by its number."""
        return self._with_reviews(self._one(f"{self._at}/pulls/{number}"))

    def of_commit(self, sha: str) -> PullRequestReviews | None:
        """The merged pull request that brought a commit into its base: as a merge, a squash or a rebase. None for a
        commit that was pushed without one. Of several, the one that was merged as this very commit, else the last."""
        if not _SHA.match(sha):
            raise UnreadReviewsError(f"`{sha[:80]}` is no commit")
        merged = [p for p in self._listed(f"{self._at}/commits/{sha}/pulls") if p.get("merged_at")]
        if not merged:
            return None
        same = [p for p in merged if p.get("merge_commit_sha") == sha]
        return self._with_reviews(max(same or merged, key=lambda p: _number(p, "number")))

    def _with_reviews(self, pull: Row) -> PullRequestReviews:
        number, head = _number(pull, "number"), _map(pull, "head")
        sha = _text(head, "sha")
        reviews = tuple(_review(row) for row in self._listed(f"{self._at}/pulls/{number}/reviews"))
        pushed_by, guessed = self._pushed_by(head, sha)
        merged_as = pull.get("merge_commit_sha") if pull.get("merged_at") else None
        return PullRequestReviews(
            self._forge.repository,
            number,
            _text(pull, "html_url"),
            sha,
            _account(pull.get("user")),
            pushed_by,
            reviews,
            guessed,
            merged_as if isinstance(merged_as, str) else None,
        )

    def _pushed_by(self, head: Row, sha: str) -> tuple[tuple[Account, ...], str]:
        """Who moved the branch to its newest commit. A fork may hide that, and a branch be gone: then who is said to
        have made the commit."""
        repo = head.get("repo")
        if isinstance(repo, Mapping):
            name = _text(repo, "full_name")
            if not REPOSITORY.match(name):
                raise UnreadReviewsError("the head of the pull request is in a repository without a proper name")
            foreign = name.lower() != self._forge.repository.lower()
            ref = {"ref": f"refs/heads/{_text(head, 'ref')}"}
            try:
                hidden = _GONE | {403} if foreign else _GONE
                for row in self._listed(f"/repos/{name}/activity", ref, hidden):
                    if row.get("after") == sha:
                        who = _account(row.get("actor"))
                        return ((who,) if who is not None else ()), ""
            except _HiddenError:
                pass
        commit = self._one(f"{self._at}/commits/{quote(sha, safe='')}")
        made = (_account(commit.get("author")), _account(commit.get("committer")))
        return tuple(dict.fromkeys(a for a in made if a is not None and a.person)), _NOT_TOLD

    # -- wire

    def _get(self, path: str, params: Row | None = None, hidden: Collection[int] = ()) -> Answer:
        try:
            answer = self._session.get(path, params)
        except TransportError as error:
            raise UnreadReviewsError(f"{error.call or 'GitHub'}: {error.message}") from None
        if answer.status in hidden:
            raise _HiddenError
        if not answer.ok:
            told = answer.message()
            needs = answer.headers.get("x-accepted-github-permissions")
            raise UnreadReviewsError(f"{answer.call}: {answer.status} {told}" + (f" (needs {needs})" if needs else ""))
        return answer

    @staticmethod
    def _json(answer: Answer) -> Any:
        try:
            return answer.json()
        except TransportError as error:
            raise UnreadReviewsError(f"{error.call}: {error.message}") from None

    def _one(self, path: str) -> Row:
        answer = self._get(path)
        found = self._json(answer)
        if not isinstance(found, Mapping):
            raise UnreadReviewsError(f"{answer.call}: the answer has another shape than documented")
        return found

    def _listed(self, path: str, params: Row | None = None, hidden: Collection[int] = ()) -> Iterator[Row]:
        """A list to its end: one that breaks off is never taken for the whole."""
        url: str | None = path
        asked: Row | None = {"per_page": 100, **(params or {})}
        for _ in range(_PAGES):
            assert url is not None
            answer = self._get(url, asked, hidden)
            rows = self._json(answer)
            if not isinstance(rows, list) or not all(isinstance(r, Mapping) for r in rows):
                raise UnreadReviewsError(f"{answer.call}: the answer has another shape than documented")
            yield from rows
            url, asked = answer.next_url, None
            if url is None:
                return
        raise UnreadReviewsError(f"GET {path}: the list of pages has no end")


class _HiddenError(Exception):
    pass


def _review(row: Row) -> Review:
    commit, at = row.get("commit_id"), row.get("submitted_at")
    return Review(
        _number(row, "id"),
        _account(row.get("user")),
        _text(row, "state").upper(),
        commit if isinstance(commit, str) else None,
        at if isinstance(at, str) else "",
    )


def _account(row: object) -> Account | None:
    """None for an account that is gone."""
    if not isinstance(row, Mapping):
        return None
    return Account(_number(row, "id"), _text(row, "login"), row.get("type") == "User")


def _map(row: Row, key: str) -> Row:
    found = row.get(key)
    if not isinstance(found, Mapping):
        raise UnreadReviewsError(f"an answer of GitHub has no `{key}`")
    return found


def _text(row: Row, key: str) -> str:
    found = row.get(key)
    if not isinstance(found, str) or not found:
        raise UnreadReviewsError(f"an answer of GitHub has no `{key}`")
    return found


def _number(row: Row, key: str) -> int:
    found = row.get(key)
    if not isinstance(found, int) or isinstance(found, bool):
        raise UnreadReviewsError(f"an answer of GitHub has no `{key}`")
    return found
