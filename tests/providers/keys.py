"""A credential to deliver, made up."""

from __future__ import annotations

from datetime import UTC, datetime

from provisioner.contract import Issued, Note
from provisioner.credentials import Secret

AT = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


def issued(number: int) -> Issued:
    key, secret = f"AKIAEXAMPLE{number:05}", f"made-up-{number}"
    return Issued(key, key, Secret(secret), Secret(f'{{"AccessKeyId":"{key}","SecretAccessKey":"{secret}"}}'))


def note(number: int) -> Note:
    return Note(issued(number).public_id, "run-1", AT)
