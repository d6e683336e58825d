"""What a failed call to AWS means: the SDK's errors, and AWS's own, as ours. Calls nothing, and repeats nothing.

An error whose code is not known counts by its HTTP status, and never as "gone".
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PaginationError,
    ParamValidationError,
    ProxyConnectionError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from provisioner.contract import ProviderError, Trouble
from provisioner.providers.aws_iam.connect import no_credentials

# IAM API reference, "Common errors" and the errors of each action; STS likewise.
_TROUBLE = {
    "AccessDenied": Trouble.DENIED,
    "AccessDeniedException": Trouble.DENIED,
    "UnauthorizedOperation": Trouble.DENIED,
    "NoSuchEntity": Trouble.GONE,
    "EntityAlreadyExists": Trouble.CONFLICT,
    "DeleteConflict": Trouble.CONFLICT,
    "ConcurrentModification": Trouble.BUSY,
    "EntityTemporarilyUnmodifiable": Trouble.BUSY,
    "Throttling": Trouble.BUSY,
    "ThrottlingException": Trouble.BUSY,
    "RequestLimitExceeded": Trouble.BUSY,
    "TooManyRequestsException": Trouble.BUSY,
    "LimitExceeded": Trouble.INVALID,
    "UnmodifiableEntity": Trouble.INVALID,
    "MalformedPolicyDocument": Trouble.INVALID,
    "InvalidInput": Trouble.INVALID,
    "ValidationError": Trouble.INVALID,
    "PolicyNotAttachable": Trouble.INVALID,
    "InvalidClientTokenId": Trouble.CREDENTIAL,
    "SignatureDoesNotMatch": Trouble.CREDENTIAL,
    "UnrecognizedClientException": Trouble.CREDENTIAL,
    "ExpiredToken": Trouble.CREDENTIAL,
    "ExpiredTokenException": Trouble.CREDENTIAL,
    "IncompleteSignature": Trouble.CREDENTIAL,
    "InvalidIdentityToken": Trouble.CREDENTIAL,
    "IDPRejectedClaim": Trouble.CREDENTIAL,
    "PackedPolicyTooLarge": Trouble.CREDENTIAL,
}
_NO_ANSWER = (ResponseParserError, ValueError, LookupError, TypeError, AttributeError)
"""What the SDK raises over an answer that is not AWS's: a login page, a body that ends early, XML without a result."""
FAILED = (BotoCoreError, ClientError, *_NO_ANSWER)
"""Every way in which a call of the SDK fails."""


def translate(error: Exception, call: str, *, writing: bool) -> ProviderError:
    """What a failed call means. A write that was sent and not answered is unknown; a read like that is only busy."""
    if isinstance(error, ClientError):
        return _refused(error, call, writing=writing)
    if isinstance(error, _NO_ANSWER):
        told = f"what came back is no answer of AWS ({type(error).__name__})"
        return ProviderError(Trouble.UNKNOWN if writing else Trouble.PARTIAL, told, call=call)
    if isinstance(error, PaginationError):  # the same marker twice: a list without an end
        return ProviderError(Trouble.PARTIAL, str(error), call=call)
    if isinstance(error, NoCredentialsError):
        return no_credentials()
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError | ProxyConnectionError | SSLError):
        return ProviderError(Trouble.UNREACHABLE, f"no connection to AWS: {error}", call=call)
    if isinstance(error, ParamValidationError):
        return ProviderError(Trouble.INVALID, str(error), call=call)
    if isinstance(error, HTTPClientError | ConnectionClosedError):
        return ProviderError(Trouble.UNKNOWN if writing else Trouble.UNREACHABLE, f"no answer: {error}", call=call)
    return ProviderError(Trouble.CREDENTIAL, str(error), call=call)


def _refused(error: ClientError, call: str, *, writing: bool) -> ProviderError:
    told: Any = error.response.get("Error", {})
    about: Any = error.response.get("ResponseMetadata", {})
    code, message = str(told.get("Code", "")), str(told.get("Message", ""))
    # An answer of the session's own hop (AssumeRole) surfaces in whatever call came first.
    hop = error.operation_name in ("AssumeRole", "AssumeRoleWithWebIdentity")
    name = f"sts:{error.operation_name}" if hop else call
    trouble = _TROUBLE.get(code)
    if trouble is None:
        status = int(about.get("HTTPStatusCode", 0))
        lost = Trouble.UNKNOWN if writing and not hop else Trouble.BUSY
        trouble = lost if status >= 500 else Trouble.INVALID
    if hop and trouble in (Trouble.DENIED, Trouble.INVALID, Trouble.GONE):
        trouble = Trouble.CREDENTIAL
    return ProviderError(trouble, message or code, call=name, request_id=about.get("RequestId"), code=code)
