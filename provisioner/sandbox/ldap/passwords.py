"""Passwords and who may bind with them, as OpenLDAP's overlay ppolicy has it.

Hashes are passlib's. Locks are looked at when somebody binds and at no other time; a new password takes a lock away.
Password ageing, history and grace logins are not here.
"""

from __future__ import annotations

import datetime
import secrets
import string
import warnings
from dataclasses import dataclass

from provisioner.sandbox.ldap.matching import generalized_time
from provisioner.sandbox.ldap.results import Code, Refused
from provisioner.sandbox.ldap.tree import Entry

with warnings.catch_warnings():
    # passlib 1.7.4 imports the standard library's `crypt`, which Python 3.11 and 3.12 warn about.
    warnings.simplefilter("ignore", DeprecationWarning)
    from passlib.hash import (  # type: ignore[import-untyped]
        ldap_md5,
        ldap_salted_md5,
        ldap_salted_sha1,
        ldap_salted_sha256,
        ldap_salted_sha512,
        ldap_sha1,
    )

_SCHEMES = (ldap_salted_sha1, ldap_salted_sha256, ldap_salted_sha512, ldap_sha1, ldap_salted_md5, ldap_md5)
_FOR_EVER = "00000101000000"
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of a `pwdPolicy` entry that matter here; times in seconds."""

    lockout: bool = False
    lockout_duration: int = 0
    max_failure: int = 0
    min_length: int = 0
    check_quality: int = 0
    must_change: bool = False

    @classmethod
    def of(cls, entry: Entry) -> Policy:
        def number(name: str) -> int:
            return int(entry.value(name) or 0)

        return cls(
            lockout=entry.value("pwdlockout") == b"TRUE",
            lockout_duration=number("pwdlockoutduration"),
            max_failure=number("pwdmaxfailure"),
            min_length=number("pwdminlength"),
            check_quality=number("pwdcheckquality"),
            must_change=entry.value("pwdmustchange") == b"TRUE",
        )


def is_hashed(value: bytes) -> bool:
    """Whether a stored password names its scheme, as `{SSHA}...` does."""
    return value.startswith(b"{") and b"}" in value


def hashed(value: bytes) -> bytes:
    """As it is stored: a value that is a hash already is left alone."""
    return value if is_hashed(value) else str(ldap_salted_sha1.hash(value)).encode()


def matches(stored: bytes, given: bytes) -> bool:
    """Whether a password is the stored one; a scheme that is unknown here never matches."""
    if not is_hashed(stored):
        return secrets.compare_digest(stored, given)
    text = stored.decode("utf-8", "replace")
    scheme = next((each for each in _SCHEMES if each.identify(text)), None)
    return scheme is not None and bool(scheme.verify(given, text))


def generated() -> bytes:
    """A password for a change that names none (RFC 3062)."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(16)).encode()


def check_quality(policy: Policy, values: list[bytes]) -> None:
    """What somebody other than the administrator may set."""
    if len(values) > 1:
        raise Refused(Code.CONSTRAINT_VIOLATION, "Password policy only allows one password value")
    for value in values:
        if policy.check_quality and not is_hashed(value) and len(value) < policy.min_length:
            raise Refused(Code.CONSTRAINT_VIOLATION, "Password fails quality checking policy")


def _moment(now: datetime.datetime) -> str:
    return generalized_time(now.strftime("%Y%m%d%H%M%S.%fZ").encode())


def locked_out(policy: Policy, entry: Entry, now: datetime.datetime) -> bool:
    """Whether the entry is kept from binding, whatever the password."""
    starts, ends = entry.value("pwdstarttime"), entry.value("pwdendtime")
    if (starts is not None and generalized_time(starts) > _moment(now)) or (
        ends is not None and generalized_time(ends) <= _moment(now)
    ):
        return True
    since = entry.value("pwdaccountlockedtime")
    if since is None or not policy.lockout:
        return False
    if policy.lockout_duration == 0 or generalized_time(since) == _FOR_EVER:
        return True
    return generalized_time(since) > _moment(now - datetime.timedelta(seconds=policy.lockout_duration))


def locks_after(policy: Policy, failures: int) -> bool:
    """Whether this many failed binds lock an entry."""
    return policy.lockout and 0 < policy.max_failure <= failures
