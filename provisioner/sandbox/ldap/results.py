"""Result codes of RFC 4511 (4.1.9) and 4528, and the one exception by which an operation is refused.

Texts are those of OpenLDAP where a person debugging a client would look them up. Knows nothing else.
"""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """The result codes that this server answers with."""

    SUCCESS = 0
    PROTOCOL_ERROR = 2
    SIZE_LIMIT_EXCEEDED = 4
    COMPARE_FALSE = 5
    COMPARE_TRUE = 6
    AUTH_METHOD_NOT_SUPPORTED = 7
    STRONGER_AUTH_REQUIRED = 8
    UNAVAILABLE_CRITICAL_EXTENSION = 12
    NO_SUCH_ATTRIBUTE = 16
    UNDEFINED_ATTRIBUTE_TYPE = 17
    INAPPROPRIATE_MATCHING = 18
    CONSTRAINT_VIOLATION = 19
    ATTRIBUTE_OR_VALUE_EXISTS = 20
    INVALID_ATTRIBUTE_SYNTAX = 21
    NO_SUCH_OBJECT = 32
    INVALID_DN_SYNTAX = 34
    INVALID_CREDENTIALS = 49
    INSUFFICIENT_ACCESS = 50
    UNAVAILABLE = 52
    UNWILLING_TO_PERFORM = 53
    NAMING_VIOLATION = 64
    OBJECT_CLASS_VIOLATION = 65
    NOT_ALLOWED_ON_NON_LEAF = 66
    ENTRY_ALREADY_EXISTS = 68
    OBJECT_CLASS_MODS_PROHIBITED = 69
    AFFECTS_MULTIPLE_DSAS = 71
    OTHER = 80
    ASSERTION_FAILED = 122


class Refused(Exception):  # noqa: N818 - an answer, not a failure of ours
    """An operation ends with this result. `matched` is the DN of the nearest entry that exists (RFC 4511, 4.1.9)."""

    def __init__(self, code: Code, message: str = "", matched: str = "") -> None:
        super().__init__(f"{code.name} ({code.value}) {message}".rstrip())
        self.code = code
        self.message = message
        self.matched = matched
