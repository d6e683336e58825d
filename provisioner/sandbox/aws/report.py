"""The credential report of an account as CSV, column by column as AWS writes it.

Reference: IAM User Guide, "Generate credential reports for your AWS account", "Understanding the report format".
It refuses to show key ids or secrets: the real report has none.
"""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

from provisioner.sandbox.aws.world import extra

COLUMNS = (
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed",
    "password_next_rotation", "mfa_active",
    "access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date", "access_key_1_last_used_region",
    "access_key_1_last_used_service",
    "access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date", "access_key_2_last_used_region",
    "access_key_2_last_used_service",
    "cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
)  # fmt: skip
_NO_KEY = ["false", "N/A", "N/A", "N/A", "N/A"]
_NO_CERTIFICATE = ["false", "N/A"]


def _time(moment: datetime | None) -> str:
    return "N/A" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S+00:00}"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _key(key: Any) -> list[str]:
    used = key.last_used
    use = ["N/A"] * 3 if used is None else [_time(used.timestamp), used.region, used.service]
    return [_flag(key.status == "Active"), _time(key.create_date), *use]


def _user(user: Any) -> list[str]:
    if user.password:
        used = _time(user.password_last_used) if user.password_last_used else "no_information"
        password = ["true", used, _time(extra(user).password_changed or user.create_date), "N/A"]
    else:
        password = ["false", "N/A", "N/A", "N/A"]
    keys = [_key(key) for key in user.access_keys]
    certificates = [
        [_flag(one.status == "Active"), _time(one.upload_date)] for one in user.signing_certificates.values()
    ]
    return [
        user.name,
        user.arn,
        _time(user.create_date),
        *password,
        _flag(bool(user.mfa_devices)),
        *(field for key in [*keys, _NO_KEY, _NO_KEY][:2] for field in key),
        *(field for one in [*certificates, _NO_CERTIFICATE, _NO_CERTIFICATE][:2] for field in one),
    ]


def _root(account: str) -> list[str]:
    return [
        "<root_account>",
        f"arn:aws:iam::{account}:root",
        "2020-01-01T00:00:00+00:00",
        "not_supported",
        "no_information",
        "not_supported",
        "not_supported",
        "true",
        *_NO_KEY * 2,
        *_NO_CERTIFICATE * 2,
    ]


def credential_report(backend: Any) -> bytes:
    """The report on every user of a moto IAM backend, the root account first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow(_root(backend.account_id))
    writer.writerows(_user(backend.users[name]) for name in sorted(backend.users))
    return out.getvalue().encode()
