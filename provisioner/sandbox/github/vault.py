"""What one place of the embedded GitHub keeps for Actions: secrets, sealed for a key of its own, and variables."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]


@dataclass(eq=False, slots=True)
class Kept:
    """A secret (sealed) or a variable (plain)."""

    name: str
    value: bytes
    created: datetime
    updated: datetime
    visibility: str | None = None
    repositories: list[int] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Vault:
    """The secrets and variables of one place, and the key that its secrets are sealed for."""

    key: Any = None
    key_id: str = ""
    secrets: dict[str, Kept] = field(default_factory=dict)
    variables: dict[str, Kept] = field(default_factory=dict)

    def public(self) -> Json:
        """Made when it is first asked for."""
        if self.key is None:
            from nacl.public import PrivateKey

            self.key = PrivateKey.generate()
            self.key_id = str(int.from_bytes(bytes(self.key.public_key)[:7], "big"))
        return {"key_id": self.key_id, "key": base64.b64encode(bytes(self.key.public_key)).decode()}

    def opened(self, name: str) -> str | None:
        """A secret as a job sees it; None where there is none."""
        from nacl.public import SealedBox

        kept = self.secrets.get(name.upper())
        return None if kept is None else SealedBox(self.key).decrypt(kept.value).decode()
