"""What a failure of PostgreSQL means to the engine: SQLSTATEs, and what psycopg raises without one."""

from __future__ import annotations

from provisioner.contract import ProviderError, Trouble

_BY_STATE = {
    "42501": Trouble.DENIED,
    "28000": Trouble.CREDENTIAL,
    "28P01": Trouble.CREDENTIAL,
    "3D000": Trouble.GONE,
    "3F000": Trouble.GONE,
    "42P01": Trouble.GONE,
    "42703": Trouble.GONE,
    "42704": Trouble.GONE,
    "42883": Trouble.GONE,
    "42710": Trouble.CONFLICT,
    "2BP01": Trouble.CONFLICT,
    "55006": Trouble.CONFLICT,
    "25006": Trouble.DENIED,
    "01007": Trouble.DENIED,
    "01006": Trouble.DENIED,
    "01000": Trouble.CONFLICT,
    "23505": Trouble.BUSY,  # two that make the same role or membership at once
    "40001": Trouble.BUSY,
    "40P01": Trouble.BUSY,
    "55P03": Trouble.BUSY,
    "53300": Trouble.BUSY,
    "57P03": Trouble.BUSY,
    "57014": Trouble.BUSY,
}
"""57014 is our own statement_timeout: the statement was rolled back."""
_AUTHENTICATION = ("authentication failed", "no password supplied", "no pg_hba.conf entry",
                   "is not permitted to log in", "does not exist")  # fmt: skip
_LATER = ("too many clients", "too many connections", "starting up", "shutting down", "remaining connection slots")


def trouble_of(state: str | None, message: str) -> Trouble:
    """The kind of a failure that the server told."""
    if state is None:
        return Trouble.UNKNOWN
    if state == "XX000" and "tuple concurrently" in message:
        return Trouble.BUSY
    if state.startswith(("08", "57P")) and state not in _BY_STATE:
        return Trouble.UNKNOWN  # the connection is gone, and nobody told what became of the statement
    return _BY_STATE.get(state, Trouble.INVALID)


def of_statement(state: str | None, message: str, detail: str | None, call: str) -> ProviderError:
    """A statement failed. `message` and `detail` are the server's words, and hold no value that we sent as a secret."""
    told = message if not detail else f"{message} ({'; '.join(detail.splitlines()[:3])})"
    return ProviderError(trouble_of(state, message), told, call=call, code=state)


def of_connecting(state: str | None, message: str, where: str) -> ProviderError:
    """No connection: nothing was sent. libpq tells most of these without a state."""
    words = " ".join("; ".join(line.strip() for line in message.strip().splitlines()).split())
    if state in ("28000", "28P01") or any(text in words for text in _AUTHENTICATION):
        trouble = Trouble.CREDENTIAL
    elif state in ("53300", "57P03") or any(text in words for text in _LATER):
        trouble = Trouble.BUSY
    elif state == "3D000":
        trouble = Trouble.GONE
    elif "permission denied for database" in words:
        trouble = Trouble.DENIED
    else:
        trouble = Trouble.UNREACHABLE
    if 'database "' in words and "does not exist" in words:
        trouble = Trouble.GONE
    return ProviderError(trouble, f"cannot connect to {where}: {words[:300]}", call="connect", code=state)
