"""Whether an account takes tokens of a CI at all: its OIDC provider says so, which is the whole account's."""

from __future__ import annotations

from provisioner.contract import ProviderError, Trouble
from provisioner.providers.aws_iam.calls import ReadCalls
from provisioner.providers.aws_iam.identify import Identified
from provisioner.providers.aws_iam.trust import AUDIENCE, provider_arn

ISSUER_FIX = (
    "once, by whoever looks after the account: aws iam create-open-id-connect-provider --url https://{issuer} "
    "--client-id-list {audience}"
)


def issuer_missing(calls: ReadCalls, identified: Identified, issuer: str) -> str | None:
    """Why tokens of `issuer` are not taken, in words, or None."""
    arn = provider_arn(issuer, identified.check(calls), identified.partition)
    try:
        audiences = calls.audiences(arn)
    except ProviderError as error:
        if error.trouble is Trouble.GONE:
            return f"it has no OIDC provider {issuer}"
        if error.trouble is Trouble.DENIED:
            return f"whether it has an OIDC provider {issuer} cannot be told ({error.call} is refused)"
        raise
    if AUDIENCE not in audiences:
        return f"its OIDC provider {issuer} is for {', '.join(audiences) or 'nobody'}, and not for {AUDIENCE}"
    return None
