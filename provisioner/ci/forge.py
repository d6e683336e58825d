"""Which forge to ask about reviews, and with which token: from the variables that GitHub Actions sets. Calls nothing.

The token is in no message, and not in the value's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

PUBLIC_API = "https://api.github.com"
TOKENS = ("PROVISION_FORGE_TOKEN", "GITHUB_TOKEN")
"""Variables that a job's token may stand in; the first that does counts."""
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}\Z")


class UnreadReviewsError(Exception):
    """GitHub did not say, or not all of it. `message` says what, without any credential."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Forge:
    """Whom to ask, about which repository (`owner/name`)."""

    api: str
    repository: str
    token: str

    def __repr__(self) -> str:
        return f"Forge({self.api}, {self.repository})"

    @property
    def host(self) -> str:
        return urlsplit(self.api).netloc.lower()


def is_safe(api: str) -> bool:
    """Whether a token may be sent there: over https, or to this machine."""
    parts = urlsplit(api)
    here = parts.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(parts.netloc) and (parts.scheme == "https" or (parts.scheme == "http" and here))


def forge_of(environ: Mapping[str, str], repository: str | None = None) -> Forge | None:
    """From GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_TOKEN, as GitHub Actions sets them (the token: as the workflow
    hands it on). None where no repository is known. UnreadReviewsError where one is, and it cannot be asked."""
    named = repository or environ.get("GITHUB_REPOSITORY", "")
    if not named:
        return None
    if not REPOSITORY.match(named):
        raise UnreadReviewsError(f"`{named[:100]}` is no repository: it is written owner/name")
    token = next((t for name in TOKENS if (t := environ.get(name, "").strip())), "")
    if not token:
        raise UnreadReviewsError(f"there is no token to ask GitHub with in {TOKENS[0]} or {TOKENS[1]}")
    api = environ.get("GITHUB_API_URL", "").strip() or PUBLIC_API
    if not is_safe(api):
        raise UnreadReviewsError("GITHUB_API_URL is no address such as https://api.github.com")
    return Forge(api.rstrip("/"), named, token)
