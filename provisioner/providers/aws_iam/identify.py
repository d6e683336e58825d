"""Who we are in AWS, asked once for each account and checked before anything else: the wrong account is a hard stop."""

from __future__ import annotations

import threading
from collections.abc import Collection

from provisioner.contract import Me, ProviderError, Trouble
from provisioner.model.address import Address, Kind
from provisioner.model.identity import KEYLESS
from provisioner.providers.aws_iam import names
from provisioner.providers.aws_iam.calls import ReadCalls
from provisioner.providers.aws_iam.connect import Base


class Identified:
    """The account that the settings name, and the caller that AWS says we are."""

    def __init__(self, account: str, base: Base, roles: Collection[str] = ()) -> None:
        """`roles` are the ARNs of those that we assume, for reading or for writing."""
        self._account = account
        self._roles = tuple(roles)
        self._base = base
        self._arn: str | None = None
        self._lock = threading.Lock()

    def check(self, calls: ReadCalls) -> str:
        """The account's id. Raises ProviderError (credential) where the session is in another one."""
        with self._lock:
            if self._arn is None:
                caller = calls.caller()
                if caller["Account"] != self._account:
                    raise ProviderError(
                        Trouble.CREDENTIAL,
                        f"the settings say account {self._account}, and these credentials are in account "
                        f"{caller['Account']} ({caller['Arn']})",
                        call="sts:GetCallerIdentity",
                    )
                self._arn = caller["Arn"]
        return self._account

    @property
    def partition(self) -> str:
        """`aws`, or that of China or GovCloud."""
        return (self._arn or "arn:aws").split(":")[1]

    def me(self, calls: ReadCalls, target: str) -> Me:
        """The caller, and the users and roles here that our access hangs on, also when we write."""
        if self._base.caller is None:
            before = calls.caller_before()
            self._base.caller = before["Arn"] if before is not None else None
        arns = [self._arn or "", self._base.caller or ""]
        anchors = set()
        for arn in arns:
            user = names.user_of(arn)
            if user is not None and user[0] == self._account:
                anchors.add(Address(target, Kind.ACCOUNT, user[1]))
        for arn in (*arns, *self._roles):
            role = names.role_in(arn)
            if role is not None and role[0] == self._account:
                anchors.add(Address(target, Kind.ACCOUNT, KEYLESS + role[1]))
        return Me(arns[0], frozenset(anchors))
