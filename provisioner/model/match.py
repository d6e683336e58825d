"""Whose a live account is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from provisioner.diagnostics import Diagnostic
from provisioner.model.address import Address
from provisioner.model.identity import Identity
from provisioner.model.resource import Resource, counted
from provisioner.model.way import Evidence, Ownership


class How(StrEnum):
    """By what an account was recognised, strongest first."""

    PINNED = "pinned id"
    MARK = "mark"
    EMAIL = "login and e-mail"
    LOGIN = "login"


@counted
class Match:
    """One live account and the identity it belongs to. `login` is the live one; `departed` says that the identity is no
    longer declared, or past its end."""

    identity: Identity
    account: Resource
    how: How
    ownership: Ownership
    departed: bool = False
    revision: str = ""

    @property
    def login(self) -> str:
        return self.account.address.object

    @property
    def evidence(self) -> Evidence:
        return Evidence.MARK if self.ownership is Ownership.OWNED else Evidence.HISTORY


@dataclass(slots=True)
class Matched:
    """`by_login` holds each matched live account once; `blocked` are identities about whose account nothing may be
    concluded: nothing of theirs is planned on this target."""

    by_login: dict[str, Match] = field(default_factory=dict)
    by_identity: dict[str, Match] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    problems: list[Diagnostic] = field(default_factory=list)
    look_alikes: dict[str, list[Address]] = field(default_factory=dict)
