"""Rows of the system catalog, by their columns' names, and what a role's comment says beside its own row. Pure.

A row means nothing here yet: what it is in our terms says `convert.py`. A comment that does not fit its role (a run's
login with more than a run's rights) is not believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from provisioner.model.instant import Instant, parse_instant
from provisioner.providers.postgresql import names
from provisioner.providers.postgresql.names import Dataset, Login, Noted, OfRun

FIRST_OWN = 16384
"""The server's own roles have smaller ids."""
POWERS = "powers"
"""Among a group's facts: what whoever acts as it may do to the whole cluster."""
SEQUENCE = "S"
"""The kind of a relation that is one."""


@dataclass(slots=True)
class Role:
    """A row of `pg_roles`, and what its comment says."""

    oid: int
    name: str
    logs_in: bool
    powers: tuple[str, ...]
    inherits: bool
    limit: int
    until: Instant | None
    comment: str | None
    noted: Noted
    dataset: Dataset | None
    login: Login | None = None
    run: OfRun | None = None

    @property
    def is_account(self) -> bool:
        """Whoever may log in, and whom we took that from."""
        return self.logs_in or self.run is not None or (self.noted.mark is not None and self.dataset is None)

    @property
    def is_predefined(self) -> bool:
        """One of the server's own, such as `pg_monitor`."""
        return self.oid < FIRST_OWN and self.name.startswith("pg_")


class Member(NamedTuple):
    """A row of `pg_auth_members`. Before 16 there are no `inherit` and `set`."""

    role: int
    member: int
    grantor: int
    admin: bool
    inherit: bool | None
    set: bool | None


class Acl(NamedTuple):
    """One privilege that somebody granted to somebody."""

    kind: str
    oid: int
    schema: str
    name: str
    more: str
    owner: int
    grantor: int
    grantee: int
    privilege: str
    grantable: bool


class Relation(NamedTuple):
    """A table, a view or a sequence, whatever is granted on it."""

    schema: str
    name: str
    kind: str
    owner: int


_POWERS = ("superuser", "createrole", "createdb", "replication", "bypassrls")


def role_of(row: Sequence[Any]) -> Role:
    """`queries.ROLES`."""
    oid, name, logs_in, *flags = row[:8]
    powers = tuple(p for p, has in zip(_POWERS, flags, strict=True) if has)
    dataset = names.dataset_of(name, row[11]) if not logs_in else None
    until, run = _instant(row[10]), names.run_of(name, row[11])
    if run is not None and (powers or until is None or until > run.ends):
        run = None  # somebody made it more than that
    noted = names.noted(row[11]) if dataset is None and run is None else Noted()
    login = names.login_of(row[11])
    return Role(oid, name, logs_in, powers, row[8], row[9], until, row[11], noted, dataset, login, run)


def _instant(text: str | None) -> Instant | None:
    try:
        return parse_instant(text) if text else None
    except ValueError:  # further away than can be told
        return None
