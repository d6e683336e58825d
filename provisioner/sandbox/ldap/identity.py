"""Whom a connection is bound as, and the refusals that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.sandbox.ldap.results import Code, Refused
from provisioner.sandbox.ldap.schema import Dn
from provisioner.sandbox.ldap.tree import Entry


@dataclass(frozen=True, slots=True)
class Identity:
    """Without a name: nobody. `restricted`: the password was reset, so only a new one of its own may be set."""

    dn: Dn | None = None
    is_root: bool = False
    is_writer: bool = False
    restricted: bool = False

    @property
    def may_write(self) -> bool:
        return self.is_root or self.is_writer

    def is_self(self, entry: Entry) -> bool:
        return self.dn is not None and self.dn.key == entry.dn.key

    def require_bind(self) -> None:
        if self.dn is None:
            raise Refused(Code.STRONGER_AUTH_REQUIRED, "modifications require authentication")

    def require_unrestricted(self) -> None:
        if self.restricted:
            text = "Operations are restricted to bind/unbind/abandon/StartTLS/modify password"
            raise Refused(Code.INSUFFICIENT_ACCESS, text)

    def require_write(self, text: str = "") -> None:
        self.require_unrestricted()
        if not self.may_write:
            raise Refused(Code.INSUFFICIENT_ACCESS, text)


NOBODY = Identity()
