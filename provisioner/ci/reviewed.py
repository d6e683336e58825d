"""The plans that were reviewed before a merge: from the artifacts that the pull requests' own plan runs left on GitHub.

An artifact counts only if the run that left it was of the protected branch's plan workflow (an event that no branch can
give another definition), if its bytes have the digest that GitHub noted when it came, and if the plan says that it is
of the very commit that was merged. Anybody who may push can make an artifact of any name: it is not taken.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from provisioner.ci.github_api import GitHubApi
from provisioner.ci.trouble import refused, unanswered
from provisioner.transport import Budget, Limits, Session, TransportError, read_only

WORKFLOW = ".github/workflows/access-plan.yml"
EVENT = "pull_request_target"
FILE = "plan.json"
_MOST = 64 * 1024 * 1024
_LIMITS = Limits(connect=5, read=30, whole=120, size=_MOST)
_CAME_BY = """query($owner: String!, $name: String!, $oid: GitObjectID!) {
  repository(owner: $owner, name: $name) { databaseId object(oid: $oid) { ... on Commit {
  associatedPullRequests(first: 20) { nodes {
  number url merged headRefOid baseRefName mergeCommit { oid } } } } } } }"""


@dataclass(frozen=True, slots=True)
class MergedPull:
    """A merged pull request: `head` is what was reviewed."""

    number: int
    url: str
    head: str


def artifact_of(head: str) -> str:
    """What the plan of a commit is called among artifacts."""
    return f"access-plan-{head}"


def pull_of(api: GitHubApi, commit: str, branch: str) -> MergedPull | None:
    """The pull request that brought `commit` to `branch`; None where none did."""
    told = (api.query(_CAME_BY, oid=commit).get("repository") or {}).get("object") or {}
    nodes = (told.get("associatedPullRequests") or {}).get("nodes") or []
    merged = [n for n in nodes if n["merged"] and n["baseRefName"] == branch]
    exact = [n for n in merged if (n["mergeCommit"] or {}).get("oid") == commit] or merged
    return MergedPull(int(exact[0]["number"]), str(exact[0]["url"]), str(exact[0]["headRefOid"])) if exact else None


def reviewed_plan(api: GitHubApi, pull: MergedPull) -> bytes:
    """The plan file of the pull request's last commit; ForgeError with the reason where there is none to rest on."""
    name = artifact_of(pull.head)
    listed = api.get("/actions/artifacts", name=name, per_page=100).get("artifacts")
    found = [a for a in listed if isinstance(a, Mapping) and a.get("name") == name] if isinstance(listed, list) else []
    why = "no run left one"
    for artifact in sorted(found, key=lambda a: int(a["id"]), reverse=True):
        if artifact.get("expired"):
            why = "it is kept no longer"
        elif not _ours(api, artifact):
            why = f"what bears its name was not made by {WORKFLOW} of the protected branch"
        else:
            return _unpacked(api, artifact)
    raise api.failed(f"there is no plan of pull request #{pull.number} at {pull.head[:12]} to rest on: {why}")


def _ours(api: GitHubApi, artifact: Mapping[str, Any]) -> bool:
    of = artifact.get("workflow_run")
    if not isinstance(of, Mapping):
        return False
    run = api.get(f"/actions/runs/{int(of['id'])}")
    path = str(run.get("path", "")).partition("@")[0]
    here, there = run.get("repository") or {}, run.get("head_repository") or {}
    return path == WORKFLOW and run.get("event") == EVENT and here.get("id") == there.get("id")


def _unpacked(api: GitHubApi, artifact: Mapping[str, Any]) -> bytes:
    where = api.redirect(f"/actions/artifacts/{int(artifact['id'])}/zip")
    packed = _fetched(api, where)
    digest = artifact.get("digest")
    if digest != f"sha256:{hashlib.sha256(packed).hexdigest()}":
        raise api.failed(f"the artifact {artifact['name']} does not have the digest that GitHub noted ({digest})")
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive, archive.open(FILE) as file:
            plan = file.read(_MOST + 1)
    except (zipfile.BadZipFile, KeyError, OSError, NotImplementedError, RuntimeError, EOFError, ValueError):
        raise api.failed(f"the artifact {artifact['name']} is no archive with a {FILE} in it") from None
    if len(plan) > _MOST:
        raise api.failed(f"the {FILE} of {artifact['name']} has more than {_MOST >> 20} MiB")
    return plan


def _fetched(api: GitHubApi, where: str) -> bytes:
    """What lies in GitHub's storage, which is another host: no token goes there."""
    parts = urlsplit(where)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
        raise api.failed("the artifact is said to be at an address that is not https")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    session = Session(
        f"{parts.scheme}://{parts.netloc}", dict[str, str], read_only(), Budget(), _LIMITS, conditional=False
    )
    try:
        answer = session.get(path)
    except TransportError as error:
        raise api.failed(unanswered(error)) from None
    finally:
        session.close()
    if not answer.ok:
        raise api.failed(refused(answer))
    return answer.body
