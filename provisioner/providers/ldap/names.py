"""What things are called in addresses of provider `ldap`, and which names it takes. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from urllib.parse import SplitResult, urlsplit

from provisioner.model.address import Address, Kind
from provisioner.model.instant import Instant, format_instant
from provisioner.providers.ldap import dn

LONGEST = 240
"""Bytes in a login or group name, each character that a name escapes counted as three: what OpenLDAP's mdb takes as one
level of a name, and less than the 256 characters that RFC 4519 asks servers to hold."""

OWNER = "owner."
"""Begins the object of a grant: who stands in `owner` of the group that follows."""
SSH_KEY = "ssh-key."
CERTIFICATE = "certificate."
"""Begin the object of a credential; a short hash of the key or certificate follows."""

_ADMIN_WORDS = frozenset(
    {"admin", "admins", "administrator", "administrators", "root", "wheel", "sudo", "sudoers", "owners"}
)
_WORDS = re.compile(r"[a-z]+")


def is_private(host: str, *, encrypted: bool) -> bool:
    """Whether nobody on the way can read what is sent to `host`."""
    return encrypted or host == "localhost" or host.startswith("127.") or host == "::1"


def is_admin_like(group: str) -> bool:
    """Whether a group's name says that its members are administrators of something."""
    return not _ADMIN_WORDS.isdisjoint(_WORDS.findall(group.lower()))


def group_of(address: Address) -> str:
    """The group that a membership or an `owner` grant hangs on."""
    if address.kind is Kind.GRANT:
        return address.object.removeprefix(OWNER)
    return address.object


def why_not(name: str, what: str) -> str | None:
    """Why `name` cannot be a login or a group's name, or None. Nearly everything can: it is escaped where written."""
    if not name.strip(" "):
        return f"{what} needs a name"
    for at, char in enumerate(name, 1):
        if unicodedata.category(char) in ("Cc", "Cs"):
            return f"{what} cannot hold the control character U+{ord(char):04X} (character {at})"
    length = len(name.encode()) + 2 * sum(char in '"+,;<=>\\' for char in name)
    if length > LONGEST:
        return f"{what} has at most {LONGEST} bytes (a character that is escaped counts as three), this one {length}"
    return None


def key_for_mark(group: str) -> str:
    """The `k` of a group's mark: its name as far as a mark can hold it."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", dn.fold(group)).strip("-._")[:63]
    return plain or "group"


def server_of(url: str) -> SplitResult:
    """The parts of a target's `url`; `ValueError` says what is wrong with it."""
    parts = urlsplit(url)
    if parts.scheme not in ("ldap", "ldaps"):
        raise ValueError(f"`{url}` must begin with ldap:// or ldaps://")
    if not parts.hostname:
        raise ValueError(f"`{url}` names no host")
    if parts.username is not None or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise ValueError(f"`{parts.scheme}://{parts.hostname}` takes a host and a port, and nothing after them")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"the port of `{parts.scheme}://{parts.hostname}` must be a number from 1 to 65535")
    return parts


def end_text(until: Instant) -> str:
    """A person's end as an account's attribute: the directory counts in seconds, and it is never earlier."""
    return format_instant(until if not until.microsecond else until.replace(microsecond=0) + timedelta(seconds=1))
