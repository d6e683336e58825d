"""What a failed call to GitHub means. Decides nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.contract import ProviderError, Trouble
from provisioner.transport import Answer, TransportError, Why

_STATUS = {
    400: Trouble.INVALID,
    401: Trouble.CREDENTIAL,
    403: Trouble.DENIED,
    404: Trouble.GONE,
    409: Trouble.CONFLICT,
    410: Trouble.GONE,
    422: Trouble.INVALID,
    451: Trouble.DENIED,
}
_GRAPHQL = {
    "NOT_FOUND": Trouble.GONE,
    "FORBIDDEN": Trouble.DENIED,
    "INSUFFICIENT_SCOPES": Trouble.DENIED,
    "RATE_LIMITED": Trouble.BUSY,
    "MAX_NODE_LIMIT_EXCEEDED": Trouble.INVALID,
    "SERVICE_UNAVAILABLE": Trouble.BUSY,
}


def translated(error: TransportError, *, writing: bool) -> ProviderError:
    """A write that was sent and not answered is unknown; a read like that broke off."""
    trouble = {
        Why.BUSY: Trouble.BUSY,
        Why.UNREACHABLE: Trouble.UNREACHABLE,
        Why.UNANSWERED: Trouble.UNKNOWN if writing else Trouble.PARTIAL,
        Why.GUARDED: Trouble.DENIED,
        Why.STRANGE: Trouble.UNKNOWN if writing else Trouble.PARTIAL,
    }[error.why]
    if writing and error.status in (301, 302, 307, 308):
        trouble = Trouble.CONFLICT  # it has moved, and nothing was done
    code = str(error.status) if error.status is not None else None
    return ProviderError(trouble, error.message, call=error.call, request_id=error.request_id, code=code)


def refused(answer: Answer) -> ProviderError:
    """An answer that is no success."""
    trouble = _STATUS.get(answer.status, Trouble.INVALID)
    message = answer.message()
    if answer.status == 401:
        message = f"GitHub does not take this credential: {message}"
    elif answer.status == 403:
        wanted = answer.headers.get("x-accepted-github-permissions") or answer.headers.get("x-accepted-oauth-scopes")
        message += f" (needs {wanted})" if wanted else ""
    return ProviderError(trouble, message, call=answer.call, request_id=answer.request_id, code=str(answer.status))


def graphql_error(error: Mapping[str, Any], call: str, request_id: str | None) -> ProviderError:
    kind = str(error.get("type") or "")
    extensions = error.get("extensions")
    if not kind and isinstance(extensions, Mapping):
        kind = str(extensions.get("code") or "")
    path = error.get("path")
    where = ".".join(str(p) for p in path) if isinstance(path, list) else ""
    message = str(error.get("message") or kind or "an error without words")[:300]
    return ProviderError(
        _GRAPHQL.get(kind, Trouble.PARTIAL),
        f"{where}: {message}" if where else message,
        call=call,
        request_id=request_id,
        code=kind or None,
    )
