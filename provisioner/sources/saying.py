"""What a source tells of somebody: name, e-mail, logins elsewhere; and what of it the files do not say yet.

Refuses what a file cannot hold, and another immutable id than the files have: that would be another person's account.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from provisioner.files.names import sayable
from provisioner.load.fields import EMAIL
from provisioner.model.identity import AccountName, Identity
from provisioner.model.source import Source
from provisioner.sources.recognising import Doubt
from provisioner.sources.roster import Listed

_EMAIL = re.compile(EMAIL.removesuffix("$") + r"\Z")
_LONGEST = 254


@dataclass(frozen=True)
class Said:
    """`adds` is put in below the person; `changed` replaces what stands at a path below them."""

    adds: dict[str, Any] = field(default_factory=dict)
    changed: tuple[tuple[tuple[str, ...], str], ...] = ()

    @property
    def changes(self) -> bool:
        return bool(self.adds or self.changed)


def said_of(listed: Listed, who: str, identity: Identity | None, source: Source, doubts: list[Doubt]) -> Said:
    """What the entry of `who` is to learn. What cannot be taken over as it is goes to `doubts`."""
    saying = _Saying(listed, identity, doubts)
    about = source.attributes
    if about.name is not None:
        saying.text("name", listed.values.get(about.name, ()), identity.name if identity is not None else None)
    if about.email is not None:
        saying.text("email", listed.values.get(about.email, ()), identity.email if identity is not None else None)
    here = identity.accounts.get(source.target) if identity is not None else None
    login = identity.login_on(source.target) if identity is not None else who
    saying.account(
        source.target, here, listed.login if listed.login.casefold() != login.casefold() else None, listed.id
    )
    for target, attributes in about.accounts.items():
        there = identity.accounts.get(target) if identity is not None else None
        known = identity.account_on(target) if identity is not None else AccountName(who)
        login_there = saying.one(target, "login", attributes.login)
        native = saying.one(target, "id", attributes.id)
        if native is not None and known.id is not None and known.id != native:
            saying.doubt(f"the files have the id {known.id} for {who} on {target}, {source.id} says {native}")
            continue
        if login_there is not None and login_there.casefold() == (known.login or who).casefold():
            login_there = None
        saying.account(target, there, login_there, native if known.id is None else None)
    return Said(saying.adds, tuple(saying.changed))


class _Saying:
    def __init__(self, listed: Listed, identity: Identity | None, doubts: list[Doubt]) -> None:
        self.listed, self.identity, self.doubts = listed, identity, doubts
        self.adds: dict[str, Any] = {}
        self.changed: list[tuple[tuple[str, ...], str]] = []

    def doubt(self, why: str) -> None:
        self.doubts.append(Doubt(self.listed.login, self.listed.id, why))

    def text(self, key: str, values: Iterable[str], known: str | None) -> None:
        """A text of the person's own. One of several values that the files have already stays."""
        values = [v for v in values if v]
        if not values or (known and known.casefold() in {v.casefold() for v in values}):
            return
        value = values[0]
        good = _EMAIL.match(value) and len(value) <= _LONGEST if key == "email" else sayable(value)
        if not good:
            self.doubt(f"its {key} cannot stand in an access file")
        elif known:
            self.changed.append(((key,), value))
        else:
            self.adds[key] = value

    def one(self, target: str, what: str, attribute: str | None) -> str | None:
        """The one value of an attribute that tells a login or an id; of several nobody can tell which is meant."""
        values = self.listed.values.get(attribute, ()) if attribute is not None else ()
        if not values:
            return None
        if len(set(values)) > 1:
            self.doubt(f"its attribute {attribute} has {len(set(values))} values, and {target} has one {what} for each")
            return None
        if not sayable(values[0], is_name=True):
            self.doubt(f"its attribute {attribute} cannot stand in an access file")
            return None
        return values[0]

    def account(self, target: str, here: AccountName | None, login: str | None, native: str | None) -> None:
        """`login` and `native` are what the files do not say, as far as they may say it."""
        if login is not None and here is not None and here.login is not None:
            self.changed.append((("accounts", target, "login"), login))
            login = None
        if here is not None and here.id is not None:
            native = None
        fresh = {k: v for k, v in (("login", login), ("id", native)) if v is not None}
        if fresh:
            self.adds.setdefault("accounts", {})[target] = fresh
