"""What an AWS account's block may say: its settings, a role's grants, and what is declared under it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from provisioner.contract.fields import Strict

AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\{account\}|[0-9]{12}):role/[!-~]{1,512}")


class AssumeRole(Strict):
    """The role for reading and the one for writing; `{account}` stands for the instance's account."""

    plan: str | None = Field(None, description="ARN of the role that plans and receipts read with")
    apply: str | None = Field(None, description="ARN of the role that apply writes with")

    @field_validator("plan", "apply")
    @classmethod
    def _is_role(cls, value: str | None) -> str | None:
        if value is not None and not _ROLE_ARN.fullmatch(value):
            raise ValueError("not the ARN of a role, such as arn:aws:iam::{account}:role/provision-read")
        return value


class Settings(Strict):
    """The account and how to get into it. Keys, profile, OIDC token and endpoint come from the SDK's own chain."""

    account: AccountId = Field(description="the account's 12 digits, as text")
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")] | None = Field(
        None, description="the region whose STS is asked; IAM itself has none"
    )
    assume_role: AssumeRole = AssumeRole(plan=None, apply=None)

    def role_for(self, purpose: str) -> str | None:
        """The ARN of the role to assume for `plan` or `apply`, in this account."""
        arn: str | None = getattr(self.assume_role, purpose)
        return arn.replace("{account}", self.account) if arn else None


class Grants(Strict):
    """What a role gives its holders in an account."""

    groups: list[str] = Field(default_factory=list, description="IAM groups that they are members of")
    policies: list[str] = Field(
        default_factory=list, description="managed policies attached to their user: a name, or an ARN"
    )
    assume: list[str] = Field(default_factory=list, description="roles of the same account that they may assume")


class Group(Strict):
    """A declared group."""

    policies: list[str] | None = Field(
        None, description="all policies that the group has; absent: not managed, []: none"
    )
    environment: str | None = None


class Objects(Strict):
    """What an account itself declares."""

    groups: dict[str, Group] = Field(default_factory=dict)
