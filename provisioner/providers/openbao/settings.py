"""What a store of the provider `openbao` may say."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from provisioner.contract.fields import FromEnvironment, Strict


class Settings(Strict):
    """Where it is, and as whom. The token comes from the environment."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+/?$")] | FromEnvironment = Field(
        description="its address, such as https://bao.example.com"
    )
    path: Annotated[str, StringConstraints(pattern=r"^[^/\s?#%]+(/[^/\s?#%]+)*$")] = Field(
        description="the KV engine (version 2) and the path in it: secret/ci"
    )
    token: FromEnvironment = Field(FromEnvironment(env="BAO_TOKEN"), description="a token; by default of BAO_TOKEN")
    namespace: str | None = Field(None, description="the namespace, where there are some")
