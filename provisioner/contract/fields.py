"""The value types that providers' settings share. Imported by `settings.py` files only, so that pydantic stays lazy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

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


def web_address(value: str | FromEnvironment, environ: Mapping[str, str], what: str) -> str:
    """Such a setting that is an address of HTTP, without a name and password in it: those would be told wherever the
    address is. ProviderError names the variable, and never what it holds."""
    found = plain(value, environ, what)
    why = None
    if "@" in found or any(c.isspace() or not c.isprintable() for c in found):
        why = "an address has no user name, password or spaces in it"
    else:
        try:
            parts = urlsplit(found)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or (parts.port or 1) < 1:
                why = "it begins with https:// and a host"
        except ValueError:
            why = "it begins with https:// and a host"
    if why is not None:
        where = value.env if isinstance(value, FromEnvironment) else "the setting"
        raise ProviderError(Trouble.CREDENTIAL, f"{where} does not hold {what}: {why}", call="settings")
    return found
