"""How a provider says that a call failed: one of a few kinds, so that the engine can decide without knowing the
system.
"""

from __future__ import annotations

from enum import StrEnum


class Trouble(StrEnum):
    """`busy`: throttled or briefly unavailable, worth another try. `unreachable`: no connection, the call was not sent.
    `unknown`: sent, no answer; look before trying again. `denied`: our credential may not. `gone`: the thing, or what
    it hangs on, is not there. `conflict`: somebody else's change, or something in the way. `credential`: a setting or
    a variable of ours is missing or refused. `invalid`: the system does not take this value. `partial`: a read that
    broke off.
    """

    BUSY = "busy"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    DENIED = "denied"
    GONE = "gone"
    CONFLICT = "conflict"
    CREDENTIAL = "credential"
    INVALID = "invalid"
    PARTIAL = "partial"


class ProviderError(Exception):
    """`call` is the remote call by the system's own name, `request_id` the system's, where it gives one. The message
    must not hold a secret; it may hold text from outside, which whoever prints it escapes.
    """

    def __init__(
        self, trouble: Trouble, message: str, *, call: str = "", request_id: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.message = message
        self.call = call
        self.request_id = request_id
        self.code = code

    def __str__(self) -> str:
        tail = "".join(
            f", {label} {value}" for label, value in (("code", self.code), ("request", self.request_id)) if value
        )
        return f"{self.message} ({self.call or 'call'}: {self.trouble.value}{tail})"
