"""The reference's models: what somebody would write who only wanted these files checked for their shape."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]


class Base(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Account(Base):
    login: str | None = None
    id: str | int | None = None


class Assignment(Base):
    role: Name
    environments: list[Name] | None = None
    starts: datetime | None = Field(None, alias="from")
    until: datetime | None = None
    reason: str | None = None


class Person(Base):
    name: str
    email: Email
    was: list[Name] = Field(default_factory=list)
    starts: datetime | None = Field(None, alias="from")
    until: datetime | None = None
    accounts: dict[str, Account] = Field(default_factory=dict)
    roles: list[Name | Assignment] = Field(default_factory=list)


class Role(Base):
    owners: list[str] = Field(default_factory=list)
    includes: list[Name] = Field(default_factory=list)
    environments: list[Name] = Field(default_factory=list)
    grants: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Environment(Base):
    protected: bool = False
    max_duration: str | None = None
    needs_reason: bool = False


class Target(Base):
    model_config = ConfigDict(extra="allow")

    provider: str


class Records(Base):
    owner: str
    journal: str | None = None
