"""Ids and names out of what systems call things: legal, unique, and the same every time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Container

from provisioner.load.characters import hidden, look_alikes

LONGEST = 63
_SECOND = frozenset(
    {"admin", "adm", "administrator", "root", "priv", "sudo", "super", "test", "dev", "ops", "backup", "old"}
)
_MACHINE = frozenset(
    {
        "svc", "srv", "service", "bot", "robot", "ci", "cd", "runner", "deploy", "deployer", "agent", "daemon", "cron",
        "job", "system", "automation", "jenkins", "gitlab", "github", "terraform", "ansible", "monitoring", "smtp",
        "noreply", "api", "app", "machine", "bind", "ldap", "reader", "readonly", "replicator", "sync", "proxy",
        "nagios",
    }
)  # fmt: skip
_PARTS = re.compile(r"[._\-@ ]+")


def id_from(text: str) -> str:
    """`text` as an id: at most 63 of `[a-z0-9._-]`, beginning with a letter or digit. Of an e-mail address what stands
    before the @. Empty where nothing is left."""
    head = text.partition("@")[0] or text
    plain = unicodedata.normalize("NFKD", head).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", plain).lstrip("._-")[:LONGEST].rstrip("-._")


def unique(wanted: str, taken: Container[str]) -> str:
    """`wanted`, or with the least number behind it that makes it new."""
    if wanted not in taken:
        return wanted
    number = 2
    while (made := f"{wanted[: LONGEST - len(str(number)) - 1]}-{number}") in taken:
        number += 1
    return made


def folded(text: str | None) -> str:
    """For comparing what people are called: case, accents' encoding and white space do not count."""
    return " ".join(unicodedata.normalize("NFKC", text or "").casefold().split())


def second_of(login: str, logins: Collection[str]) -> str | None:
    """The login that `login` looks like a second account of: `ada` for `ada-admin`, `adm.ada`."""
    parts = _PARTS.split(login.casefold())
    if len(parts) < 2:
        return None
    for word, rest in ((parts[0], parts[1:]), (parts[-1], parts[:-1])):
        if word in _SECOND:
            for joint in (".", "-", "_"):
                if (other := joint.join(rest)) in logins:
                    return other
    return None


def looks_like_machine(login: str, name: str | None) -> bool:
    """Whether a login reads like a bot's or a daemon's: a word of it says so, as `svc-backup` or `deploy-bot`."""
    words = {w.strip("0123456789") for w in _PARTS.split(login.casefold())}
    return not words.isdisjoint(_MACHINE) or (folded(name).split()[-1:] or [""])[0] in ("bot", "service", "account")


def is_like(login: str, other: str) -> bool:
    """Whether one of two logins is the other with something before or behind it."""
    short, long = sorted((login.casefold(), other.casefold()), key=len)
    return bool(re.fullmatch(rf"(?:.+[._-])?{re.escape(short)}(?:[._-].+|[0-9]+)?", long))


def sayable(text: str | None, *, is_name: bool = False) -> bool:
    """Whether an access file may hold `text`: nothing hidden in it, nothing that reads as something else."""
    if not text or len(text.encode("utf-8", "replace")) > 4096 or "\\x" in text:
        return False
    if hidden(text, is_name=is_name) is not None or any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        return False
    if not is_name:
        return "\n" not in text and "\r" not in text and "\t" not in text
    return unicodedata.normalize("NFC", text) == text and not any(m.severity == "error" for m in look_alikes(text))
