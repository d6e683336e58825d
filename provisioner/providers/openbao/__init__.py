"""OpenBao, or HashiCorp Vault, as a place for credentials: its KV engine, version 2, with check-and-set.

It is a store and no target: nobody's access to it is managed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provisioner.contract import COMPANION, packages_of, settings_of
from provisioner.model.slot import Names
from provisioner.model.target import Target

if TYPE_CHECKING:
    from provisioner.providers.openbao.settings import Settings
    from provisioner.providers.openbao.store import KeyValues


class OpenBao:
    """The provider of stores `provider: openbao`."""

    name = "openbao"
    extra = "openbao"
    reads_back = True
    at_once = True
    folds_case = False

    @property
    def settings(self) -> type[Settings]:
        from provisioner.providers.openbao.settings import Settings

        return Settings

    def check_place(self, place: str, names: Names) -> str | None:
        """As `Holds.check_place`."""
        parts = place.split("/")
        if not all(p and p not in (".", "..") and p.isprintable() and not set(p) & set("?#%\\") for p in parts):
            return "a secret is meant by its path below the store's, such as `deploy-bot/aws`"
        return f"`{COMPANION}` is the name of what says which credential it is" if COMPANION in names.all else None

    def open_store(self, target: Target, environ: Mapping[str, str]) -> KeyValues:
        """The engine and path of the store's settings."""
        with packages_of("OpenBao", self.extra, "requests"):
            from provisioner.providers.openbao.store import KeyValues, open_session
        settings = settings_of(self.settings, target)
        return KeyValues(open_session(settings, environ), settings.path)


PROVIDER = OpenBao()
