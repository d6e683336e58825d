"""What keeps us from speaking on a forge or fetching from it, as a problem that people can mend."""

from __future__ import annotations

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.transport import Answer, TransportError

_STATUS = {
    401: "the token is not taken",
    403: "the token may not do that, or the conversation is locked",
    404: "there is no such thing, or the token does not see it",
    410: "it is closed to that, or kept no longer",
    422: "it is not taken as it is",
}


class ForgeError(ProvisionError):
    """`code` is that of what was wanted: `comment-not-posted`, `no-reviewed-plan`."""

    def __init__(self, code: str, message: str, why: str, fix: str) -> None:
        super().__init__(Diagnostic(code, message, why=why, fix=fix))


def refused(answer: Answer) -> str:
    """What an answer says that is no success."""
    known = _STATUS.get(answer.status)
    told = answer.message()
    where = f" (request {answer.request_id})" if answer.request_id else ""
    return f"{answer.call}: {answer.status}, {f'{known}: ' if known else ''}{told}{where}"


def unanswered(error: TransportError) -> str:
    return f"{error.call}: {error.message}" if error.call else error.message
