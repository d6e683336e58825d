"""What a target of provider `postgresql` may say: its connection, a role's grants block, what is declared under it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from provisioner.contract.fields import FromEnvironment, Strict

Name = Annotated[str, StringConstraints(min_length=1)]
Privilege = Literal[
    "select",
    "insert",
    "update",
    "delete",
    "truncate",
    "references",
    "trigger",
    "maintain",
    "usage",
    "connect",
    "temporary",
    "create",
]


class Settings(Strict):
    """`dsn` is a libpq connection string without a password (`host=db.example.com sslmode=verify-full user=provision`,
    or `postgresql://...`). `databases` are those whose grants are managed; a path without a database means the first.
    `creators` are the roles that make tables: their future ones are covered by `schema.*`. `reassign_to` gets what a
    leaver owns.
    """

    dsn: Name | FromEnvironment
    password: FromEnvironment | None = None
    databases: Annotated[list[Name], Field(min_length=1)]
    creators: list[Name] = []
    reassign_to: Name | None = None


class Grants(Strict):
    """What a role's holders get: membership in roles of the cluster, and privileges on datasets."""

    roles: list[Name] = []
    datasets: dict[Name, list[Privilege]] = {}


class PgRole(Strict):
    """A role of the cluster that nobody logs in as. `datasets` is complete where it is given."""

    datasets: dict[Name, list[Privilege]] | None = None
    environment: Name | None = None


class Dataset(Strict):
    """A label on a dataset, and who makes its tables where that differs from the target's `creators`."""

    creators: list[Name] | None = None
    environment: Name | None = None


class Objects(Strict):
    """What the target itself declares."""

    roles: dict[Name, PgRole] = {}
    datasets: dict[Name, Dataset] = {}
