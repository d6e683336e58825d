"""What an AWS account's block may say: its settings, a role's grants, and what is declared under it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from provisioner.contract.fields import Strict
from provisioner.model.instant import parse_duration

AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\{account\}|[0-9]{12}):role/[!-~]{1,512}")


def _length(text: str) -> str:
    try:
        parse_duration(text)
    except ValueError:
        told = {"what": f"`{text}`" if text.isprintable() else "what stands there"}
        raise PydanticCustomError("bad-duration", "{what} is not a duration such as 4h, 7d or 2w", told) from None
    return text


Length = Annotated[str, AfterValidator(_length), WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]*[smhdw]$"})]


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


class People(Strict):
    """What goes for people alone."""

    access_keys: Literal["none"] | None = Field(None, description="none: a key of a person that works is told")


class AccessKeys(Strict):
    """What goes for all access keys. Where it is there, keys are read with every plan."""

    max_age: Length | None = Field(None, description="how old a key may be before it is told, such as 90d")


class Settings(Strict):
    """The account and how to get into it. Keys, profile, OIDC token and endpoint come from the SDK's own chain."""

    account: AccountId = Field(description="the account's 12 digits, as text")
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")] | None = Field(
        None, description="the region whose STS is asked; IAM itself has none"
    )
    assume_role: AssumeRole = AssumeRole(plan=None, apply=None)
    people: People = People(access_keys=None)
    access_keys: AccessKeys | None = None

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
