"""When two values of an attribute are the same (RFC 4517 section 4), and which octets are a value at all (section 3).

`NORMAL` turns a value into a key: equal keys are equal values, and for ordering rules keys compare. Names (DNs) and
object identifiers need the schema and are added there. An invalid value raises ValueError.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
import uuid
from collections.abc import Callable, Hashable

_SPACES = re.compile(r"[ \t\n\r\f\v]+")
_INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]*)\Z")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)?)?(?:[.,](\d+))?(Z|[+-]\d\d(?:\d\d)?)\Z")
_PRINTABLE = re.compile(rb"[A-Za-z0-9'()+,\-./:=? ]+\Z")
_OID = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)\Z")


def _text(value: bytes) -> str:
    """Prepared as RFC 4518 asks: compatibility composed, runs of spaces made one, no outer spaces."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", value.decode())).strip(" ")


def case_exact(value: bytes) -> str:
    return _text(value)


def case_ignore(value: bytes) -> str:
    # lower(), not casefold(): OpenLDAP keeps "ß" and "ss" apart.
    return _text(value).lower()


def _ascii(value: bytes) -> bytes:
    value.decode("ascii")
    return value


def _integer(value: bytes) -> int:
    if not _INTEGER.match(value):
        raise ValueError(value)
    return int(value)


def _boolean(value: bytes) -> bytes:
    if value not in (b"TRUE", b"FALSE"):
        raise ValueError(value)
    return value


def generalized_time(value: bytes) -> str:
    """As `YYYYMMDDhhmmss[.f]` in UTC; a string, because the lock "for ever" is in the year 0, unknown to datetime."""
    found = _TIME.match(value.decode("ascii"))
    if found is None:
        raise ValueError(value)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    fields = (int(month), int(day), int(hour), int(minute or 0), int(second or 0))
    if not (1 <= fields[0] <= 12 and 1 <= fields[1] <= 31 and fields[2] < 24 and fields[3] < 60 and fields[4] < 61):
        raise ValueError(value)
    text = f"{year}{month}{day}{hour}{minute or '00'}{second or '00'}"
    if zone != "Z":
        shift = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5] or 0))
        moment = datetime.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=datetime.UTC)
        moment = moment - shift if zone[0] == "+" else moment + shift
        text = moment.strftime("%Y%m%d%H%M%S")
    fraction = (fraction or "").rstrip("0")
    return f"{text}.{fraction}" if fraction else text


def _telephone(value: bytes) -> str:
    return re.sub(r"[ -]", "", value.decode("ascii")).lower()


def _numeric(value: bytes) -> str:
    return value.decode("ascii").replace(" ", "")


def _uuid(value: bytes) -> str:
    return str(uuid.UUID(value.decode("ascii")))


def _octets(value: bytes) -> bytes:
    return value


NORMAL: dict[str, Callable[[bytes], Hashable]] = {
    "caseIgnoreMatch": case_ignore,
    "caseExactMatch": case_exact,
    "caseIgnoreIA5Match": lambda value: case_ignore(_ascii(value)),
    "caseExactIA5Match": lambda value: case_exact(_ascii(value)),
    "caseIgnoreListMatch": case_ignore,
    "numericStringMatch": _numeric,
    "telephoneNumberMatch": _telephone,
    "integerMatch": _integer,
    "booleanMatch": _boolean,
    "generalizedTimeMatch": generalized_time,
    "octetStringMatch": _octets,
    "bitStringMatch": _octets,
    "certificateExactMatch": _octets,
    "CSNMatch": _octets,
    "UUIDMatch": _uuid,
    "caseIgnoreSubstringsMatch": case_ignore,
    "caseExactSubstringsMatch": case_exact,
    "caseIgnoreIA5SubstringsMatch": lambda value: case_ignore(_ascii(value)),
    "caseExactIA5SubstringsMatch": lambda value: case_exact(_ascii(value)),
    "caseIgnoreListSubstringsMatch": case_ignore,
    "numericStringSubstringsMatch": _numeric,
    "telephoneNumberSubstringsMatch": _telephone,
    "integerOrderingMatch": _integer,
    "generalizedTimeOrderingMatch": generalized_time,
    "CSNOrderingMatch": _octets,
    "UUIDOrderingMatch": _uuid,
}


def _directory_string(value: bytes) -> None:
    if not value:
        raise ValueError(value)
    value.decode()


def _printable(value: bytes) -> None:
    if not _PRINTABLE.match(value):
        raise ValueError(value)


def _numeric_string(value: bytes) -> None:
    if not value or value.strip(b"0123456789 "):
        raise ValueError(value)


def _identifier(value: bytes) -> None:
    if not _OID.match(value):
        raise ValueError(value)


_SYNTAX = "1.3.6.1.4.1.1466.115.121.1."
DN_SYNTAX = _SYNTAX + "12"
DN_AND_UID_SYNTAX = _SYNTAX + "34"
OID_SYNTAX = _SYNTAX + "38"
INTEGER_SYNTAX = _SYNTAX + "27"

VALID: dict[str, Callable[[bytes], object]] = {
    _SYNTAX + "7": _boolean,
    _SYNTAX + "15": _directory_string,
    _SYNTAX + "24": generalized_time,
    _SYNTAX + "26": _ascii,
    INTEGER_SYNTAX: _integer,
    _SYNTAX + "36": _numeric_string,
    OID_SYNTAX: _identifier,
    _SYNTAX + "41": _directory_string,
    _SYNTAX + "44": _printable,
    _SYNTAX + "50": _printable,
    "1.3.6.1.1.16.1": _uuid,
}
