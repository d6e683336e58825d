"""How GitHub's things are named, and how our addresses name them. Pure text; nothing is looked up.

Of a grant's object: `~organization` is the organization itself (no repository can be called so), anything else a
repository. GitHub folds the case of logins, slugs and repositories, so addresses have them in lower case.
"""

from __future__ import annotations

import re
import unicodedata

ORGANIZATION = "~organization"
BRANCH = "branch."
ENVIRONMENT = "environment."
RULESET = "ruleset."
ROLE = "~role."
"""What begins the object of a role of the organization that somebody holds: `grant/~role.security_manager/ada`."""
"""What begins the slot of a control: `control/site#branch.main`."""

LADDER = ("pull", "triage", "push", "maintain", "admin")
"""GitHub's own repository roles, weakest first."""
_GRAPHQL = {"READ": "pull", "TRIAGE": "triage", "WRITE": "push", "MAINTAIN": "maintain", "ADMIN": "admin"}
_LEGACY = {"read": "pull", "write": "push"}

_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}(?:_[A-Za-z0-9]{1,8})?")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}")
_SLUG = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
_BETWEEN = re.compile(r"[^a-z0-9_]+")


def why_not_login(login: str) -> str | None:
    """Why `login` cannot be a GitHub login, in words, or None."""
    if not login:
        return "it is empty"
    if not _LOGIN.fullmatch(login):
        return "a GitHub login has at most 39 letters, digits and single hyphens, and neither begins nor ends with one"
    return None


def why_not_team(slug: str) -> str | None:
    """Why `slug` cannot be a team's, in words, or None."""
    if not _SLUG.fullmatch(slug):
        return "a team is named by its slug: lower-case letters, digits, hyphens and underscores"
    return None


def why_not_repository(name: str) -> str | None:
    """Why `name` cannot be a repository's, in words, or None."""
    if "/" in name:
        return "repositories are those of the target's organization: write the name without an owner"
    if not _REPOSITORY.fullmatch(name) or name in (".", ".."):
        return "a repository is named with at most 100 letters, digits, dots, hyphens and underscores"
    return None


def slug_of(name: str) -> str:
    """The slug that GitHub makes of a team's name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _BETWEEN.sub("-", plain).strip("-")


def permission(word: str) -> str:
    """A repository role by the name that files use, whatever GitHub's API in hand calls it."""
    return _GRAPHQL.get(word) or _LEGACY.get(word.lower()) or word.lower()


def is_custom(word: str) -> bool:
    """Whether a permission is a role that the organization made itself."""
    return permission(word) not in LADDER


def rank(word: str) -> int:
    """How much a permission gives; what the organization made itself stands above `maintain` and below `admin`."""
    name = permission(word)
    return LADDER.index(name) * 2 if name in LADDER else LADDER.index("maintain") * 2 + 1


def stronger(one: str, other: str) -> str:
    """The stronger of two permissions; of two that cannot be compared, the first by name."""
    if rank(one) == rank(other):
        return min(one, other)
    return one if rank(one) > rank(other) else other


_SECRET_NAME = re.compile(r"(?!GITHUB_)[A-Z_][A-Z0-9_]{0,199}", re.IGNORECASE)
_PLACES = (
    re.compile(r"repositories/[A-Za-z0-9._-]+(/environments/[^/].*)?"),
    re.compile(r"organization/(all|private|selected/[A-Za-z0-9._-]+(,[A-Za-z0-9._-]+)*)"),
)


def is_secret_name(name: str) -> bool:
    """Whether a secret of GitHub Actions can have that name."""
    return _SECRET_NAME.fullmatch(name) is not None


def secret_place(place: str) -> str | None:
    """Why no secret can lie there, in words, or None."""
    if any(shape.fullmatch(place) for shape in _PLACES):
        return None
    return (
        "what keeps secrets there is `repositories/NAME`, `repositories/NAME/environments/NAME`, or for the "
        "organization `organization/private`, `organization/all` or `organization/selected/NAME,NAME`"
    )
