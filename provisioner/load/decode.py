"""Bytes of an access file into text, or the reason why it is no YAML to begin with."""

from __future__ import annotations

import re

from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.load.display import code_point, count
from provisioner.load.limits import FILE_BYTES

_CONFLICT = re.compile(rb"^(?:<{7}|>{7}|\|{7})(?=[ \r\n]|\Z)", re.MULTILINE)
_SOPS = re.compile(rb"^sops:|ENC\[AES256_GCM,", re.MULTILINE)
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def too_big(file: str, size: int) -> Diagnostic:
    return Diagnostic(
        "file-too-big",
        f"the file has {count(size, 'byte')}; at most {FILE_BYTES:,} are read",
        location=Location(file),
        why="a file that nobody can review is a mistake or an attack",
        fix="divide it: any number of files, in any folders, is fine",
    )


def decode(file: str, data: bytes) -> tuple[str | None, list[Diagnostic]]:
    """The text and what to say about it; None where the file cannot be read as YAML at all."""
    if len(data) > FILE_BYTES:
        return None, [too_big(file, len(data))]
    if data.isascii() and b"<<<<<<<" not in data and b">>>>>>>" not in data:
        return data.decode("ascii"), []
    return _decode_odd(file, data)


def unreadable_character(file: str, text: str) -> Diagnostic | None:
    """The first character that YAML does not allow in a file at all."""
    found = _UNREADABLE.search(text)
    if found is None:
        return None
    return Diagnostic(
        "control-character",
        f"the file holds the character {code_point(found[0])}, which YAML does not allow",
        location=place_of(file, text, found.start()),
        why="it cannot be seen, and programs disagree on what it means",
        fix="take it out",
    )


def place_of(file: str, text: str, offset: int) -> Location:
    """The line and column of a character, lines ending as YAML has them."""
    lines = re.split("\r\n|[\r\n\x85\u2028\u2029]", text[:offset])
    return Location(file, len(lines), len(lines[-1]) + 1)


def _decode_odd(file: str, data: bytes) -> tuple[str | None, list[Diagnostic]]:
    said: list[Diagnostic] = []
    if (blob := in_place_of_yaml(file, data)) is not None:
        return None, [blob]
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        said.append(
            Diagnostic(
                "byte-order-mark",
                "the file begins with a byte order mark",
                Severity.WARNING,
                Location(file),
                why="UTF-8 needs none, and some programs stumble over it",
                fix="save the file as UTF-8 without a byte order mark",
            )
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        before = data[: wrong.start].decode("utf-8")
        bad = Diagnostic(
            "not-utf8",
            f"byte 0x{data[wrong.start]:02x} at offset {wrong.start} is not UTF-8",
            location=place_of(file, before, len(before)),
            why="access files are UTF-8",
            fix="save the file as UTF-8 (it may be Latin-1 or Windows-1252 now)",
        )
        return None, [*said, bad]
    if marker := _CONFLICT.search(data):
        place = place_of(file, text, len(data[: marker.start()].decode("utf-8")))
        conflict = Diagnostic(
            "merge-conflict",
            "the file holds the marks of an unresolved merge",
            location=place,
            length=7,
            why="which side is meant has not been decided",
            fix="resolve the conflict and take the lines <<<<<<<, ======= and >>>>>>> out",
        )
        return None, [*said, conflict]
    return text, said


def in_place_of_yaml(file: str, data: bytes) -> Diagnostic | None:
    """What stands in place of an access file: a pointer, something encrypted, another encoding. Asked where a file
    cannot be read as one."""
    if data.startswith(_UTF16) or data.count(0) > len(data) // 4:
        return Diagnostic(
            "not-utf8",
            "the file is UTF-16 or UTF-32, not UTF-8",
            location=Location(file),
            why="access files are UTF-8",
            fix=f"convert it, for example: iconv -f UTF-16 -t UTF-8 {file}",
        )
    if data.startswith(b"version https://git-lfs.github.com/spec/"):
        return Diagnostic(
            "lfs-pointer",
            "the file is a pointer of Git LFS, not the file itself",
            location=Location(file),
            why="access files must be in the repository, where they are reviewed",
            fix="run `git lfs pull`, then keep the file out of LFS (.gitattributes)",
        )
    what = ""
    if data.startswith(b"\0GITCRYPT"):
        what = "git-crypt"
    elif data.startswith(b"$ANSIBLE_VAULT;"):
        what = "Ansible Vault"
    elif data.startswith((b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED")):
        what = "age"
    elif data.startswith(b"-----BEGIN PGP MESSAGE"):
        what = "PGP"
    elif _SOPS.search(data) and b"ENC[" in data:
        what = "sops"
    if not what:
        return None
    return Diagnostic(
        "encrypted-file",
        f"the file is encrypted ({what})",
        location=Location(file),
        why="access files hold no secrets, and what cannot be read cannot be reviewed",
        fix="put the file into the repository as plain YAML; secrets come from the environment (`{env: NAME}`)",
    )
