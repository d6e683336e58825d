"""A folder of this machine as a place for credentials, for local use: files that only their owner may read.

It is a store and no target. Whoever can read the folder has the credentials; nothing is encrypted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provisioner.contract import COMPANION, settings_of
from provisioner.model.slot import Names
from provisioner.model.target import Target

if TYPE_CHECKING:
    from provisioner.providers.file.settings import Settings
    from provisioner.providers.file.store import Files


class Folder:
    """The provider of stores `provider: file`."""

    name = "file"
    reads_back = True
    at_once = True
    folds_case = False

    @property
    def settings(self) -> type[Settings]:
        from provisioner.providers.file.settings import Settings

        return Settings

    def check_place(self, place: str, names: Names) -> str | None:
        """As `Holds.check_place`."""
        parts = place.split("/")
        if not all(p and p not in (".", "..") and "\0" not in p for p in parts):
            return "a file is meant by its path below the store's folder, such as `deploy-bot/aws.json`"
        return f"`{COMPANION}` is the name of what says which credential it is" if COMPANION in names.all else None

    def open_store(self, target: Target, environ: Mapping[str, str]) -> Files:
        """The folder of the store's settings."""
        from provisioner.providers.file.store import Files

        return Files(settings_of(self.settings, target).path(environ))


PROVIDER = Folder()
