"""What a CircleCI target's block may say: its settings, a role's grants, and what is declared under it."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from provisioner.contract.fields import FromEnvironment, Strict

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=300)]
DEFAULT_API = "https://circleci.com/api/v2"

COMPANION = "__CREDENTIAL__"
"""Between the name of a variable that was delivered and the id of what is in it."""
CONTEXTS = "contexts/"
"""What the place of a context begins with, where a credential is delivered there."""


class Tokens(Strict):
    """One token for reading, one for writing."""

    plan: FromEnvironment
    apply: FromEnvironment | None = None


Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class Settings(Strict):
    """The organization and how to get at it."""

    organization: Annotated[str, StringConstraints(pattern=r"^[a-z]+/[^/\s]+$")] = Field(
        description="its slug: gh/NAME, or circleci/ID"
    )
    organization_id: Uuid | None = Field(None, description="its id; absent: asked for by the slug")
    api_url: str | FromEnvironment = Field(DEFAULT_API, description="of CircleCI Server: https://HOST/api/v2")
    token: FromEnvironment | Tokens = Field(description="{env: NAME} of a personal token, or {plan: ..., apply: ...}")
    forge: Name | None = Field(None, description="the target whose teams `groups` are")
    group_ids: dict[str, Uuid] = Field(
        default_factory=dict, description="{name: id} of groups, where CircleCI does not list them"
    )
    project_ids: dict[str, Uuid] = Field(
        default_factory=dict, description="{name: id} of projects, where no slug is made of their names"
    )

    @field_validator("api_url")
    @classmethod
    def _is_url(cls, value: str | FromEnvironment) -> str | FromEnvironment:
        if isinstance(value, str):
            parts = urlsplit(value)
            if parts.scheme not in ("https", "http") or not parts.netloc or parts.query or parts.username:
                raise ValueError("not an address such as https://circleci.com/api/v2")
        return value


class Grants(Strict):
    """What a role gives its holders: nothing by itself. People come through the teams that a context is open to."""


class OpenTo(Strict):
    """Who may use a context, and where. Groups are one or another; groups, projects and expressions must all fit."""

    groups: list[Name] | None = Field(None, description="teams of the forge, or groups")
    projects: list[Name] | None = Field(None, description="names or slugs of projects")
    expressions: list[Name] | None = Field(None, description='rules such as pipeline.git.branch == "main"')

    @model_validator(mode="after")
    def _somebody(self) -> OpenTo:
        for key in ("groups", "projects", "expressions"):
            if getattr(self, key) == []:
                raise ValueError(f"`{key}` is empty, which could mean nobody or everybody: take it out, or say who")
        if not (self.groups or self.projects or self.expressions):
            raise ValueError("write `everyone`, `admins`, or groups, projects or expressions")
        return self


class Context(Strict):
    """A context. Values of variables are never read, shown or written."""

    open_to: Literal["everyone", "admins"] | OpenTo
    variables: list[Variable] | None = Field(
        None, description="the names that it is to hold, all of them; absent: not looked at"
    )
    was: list[Name] = Field(default_factory=list, description="earlier contexts in whose place it comes")
    environment: str | None = None


class Project(Strict):
    """A project's own variables, by name."""

    variables: list[Variable] | None = None
    environment: str | None = None


class Objects(Strict):
    """What a CircleCI target itself declares."""

    contexts: dict[str, Context] = Field(default_factory=dict)
    projects: dict[str, Project] = Field(default_factory=dict)


def is_variable(name: str) -> bool:
    """Whether a job can have a variable of that name."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,199}", name) is not None


def told_by(name: str) -> str | None:
    """The variable that the variable `name` is the companion of; None where it is no companion."""
    told, mark, _ = name.partition(COMPANION)
    return told if mark else None
