"""Access keys of IAM users: two at a time, the secret shown once.

It never makes one without a user's name, which IAM would take for our own; and it does not decide which one goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from provisioner.contract import Issued, Key, ProviderError, Trouble
from provisioner.credentials import Secret
from provisioner.model.instant import Instant
from provisioner.providers.aws_iam.calls import ReadCalls, WriteCalls
from provisioner.providers.aws_iam.connect import Clients
from provisioner.providers.aws_iam.errors import FAILED, translate
from provisioner.providers.aws_iam.identify import Identified


class AccessKeys:
    """The keys of the users of one account, on clients that may write."""

    most = 2
    replaces = False

    def __init__(self, clients: Clients, identified: Identified, account: str) -> None:
        self._clients = clients
        self._identified = identified
        self._account = account
        self._reads = ReadCalls(clients)

    def close(self) -> None:
        """Nothing is held open that would outlive the process."""

    def keys(self, login: str) -> tuple[Key, ...]:
        self._identified.check(self._reads)
        return tuple(
            Key(row["AccessKeyId"], row["Status"] == "Active", row["CreateDate"].astimezone(UTC))
            for row in self._reads.keys(_named(login))
        )

    def issue(self, login: str, deadline: float) -> Issued:
        row = self._calls(deadline).create_key(_named(login))
        return _issued(row["AccessKeyId"], Secret(row["SecretAccessKey"]))

    def again(self, found: Mapping[str, Secret]) -> Issued | None:
        if "whole" in found:
            try:
                data = json.loads(found["whole"].reveal())
                return _issued(str(data["AccessKeyId"]), Secret(str(data["SecretAccessKey"])))
            except (ValueError, KeyError, TypeError):
                return None
        if "user" not in found or "secret" not in found:
            return None
        return _issued(found["user"].reveal(), found["secret"])

    def use(self, issued: Issued, login: str) -> None:
        """GetCallerIdentity, which no policy can deny."""
        assert self._clients.more is not None
        sts = self._clients.more(
            "sts",
            aws_access_key_id=issued.user,
            aws_secret_access_key=issued.secret.reveal(),
        )
        try:
            caller = sts.get_caller_identity()
        except FAILED as error:
            raise translate(error, "sts:GetCallerIdentity", writing=False) from None
        if caller["Account"] != self._account or not caller["Arn"].endswith(f"/{login}"):
            raise ProviderError(Trouble.INVALID, f"{issued.public_id} is {caller['Arn']}", call="sts:GetCallerIdentity")

    def last_used(self, login: str, public_id: str) -> Instant | None:
        try:
            return self._reads.key_last_used(public_id)
        except ProviderError as error:
            if error.trouble is Trouble.GONE:
                return None
            raise

    def deactivate(self, login: str, public_id: str, deadline: float) -> None:
        self._unless_gone(lambda: self._calls(deadline).deactivate_key(_named(login), public_id))

    def delete(self, login: str, public_id: str, deadline: float) -> None:
        self._unless_gone(lambda: self._calls(deadline).delete_key(_named(login), public_id))

    def _calls(self, deadline: float) -> WriteCalls:
        calls = WriteCalls(self._clients, deadline)
        self._identified.check(calls)
        return calls

    @staticmethod
    def _unless_gone(act: Any) -> None:
        try:
            act()
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                raise


def _issued(key: str, secret: Secret) -> Issued:
    """`whole` is what the SDKs take from a `credential_process`."""
    whole = {"Version": 1, "AccessKeyId": key, "SecretAccessKey": secret.reveal()}
    return Issued(key, key, secret, Secret(json.dumps(whole, separators=(",", ":"))))


def _named(login: str) -> str:
    if not login:
        raise ProviderError(Trouble.INVALID, "no user is named: IAM would take it for our own", call="iam")
    return login
