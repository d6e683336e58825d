"""What a store of the provider `file` may say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from provisioner.contract.fields import FromEnvironment, Strict, plain


class Settings(Strict):
    """The folder, which must not be one of the repository: so it is given whole."""

    folder: Annotated[str, StringConstraints(pattern=r"^[/~]")] | FromEnvironment = Field(
        description="the folder that the files lie in, from / or ~ on"
    )

    def path(self, environ: Mapping[str, str]) -> Path:
        """The folder as it is here."""
        return Path(plain(self.folder, environ, "the folder of delivered credentials")).expanduser()
