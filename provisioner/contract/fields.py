"""The value types that providers' settings share. Imported by `settings.py` files only, so that pydantic stays lazy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from provisioner.contract.errors import ProviderError, Trouble


class Strict(BaseModel):
    """Unknown keys are errors, values are not coerced, and instances do not change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FromEnvironment(Strict):
    """`{env: NAME}`: a value that comes from the environment, never from a file."""

    env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]

    def read(self, environ: Mapping[str, str], what: str) -> str:
        """The value; ProviderError names the variable that is missing."""
        value = environ.get(self.env, "")
        if not value:
            raise ProviderError(
                Trouble.CREDENTIAL,
                f"the environment variable {self.env} is not set; it should hold {what}",
                call="settings",
            )
        return value


def plain(value: str | FromEnvironment, environ: Mapping[str, str], what: str) -> str:
    """A setting that may stand in the file or come from the environment."""
    return value if isinstance(value, str) else value.read(environ, what)
