"""What every provider does before its first call: finds that its packages are there, and checks its settings again.

Settings were checked when the files were loaded; they are checked here once more because a plan may open a target as an
earlier revision had it. Loads no SDK itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from provisioner.contract.errors import ProviderError, Trouble
from provisioner.model.target import Target

if TYPE_CHECKING:
    from pydantic import BaseModel

_S = TypeVar("_S", bound="BaseModel")


@contextmanager
def packages_of(system: str, extra: str, *modules: str) -> Iterator[None]:
    """For the imports of a system's client. Raises `ProviderError` with the code `missing-extra` where one of the
    top-level `modules` is not installed; another import that fails is our own mistake and goes through.
    """
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in modules:
            raise
        raise ProviderError(
            Trouble.CREDENTIAL,
            f"{system} needs further packages: pip install 'provision-access[{extra}]'",
            call="open",
            code="missing-extra",
        ) from error


def settings_of(model: type[_S], target: Target) -> _S:
    """The target's settings as `model` has them. Raises `ProviderError` that names each key that is wrong."""
    from pydantic import ValidationError

    try:
        return model.model_validate(dict(target.settings.data))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
        raise ProviderError(Trouble.CREDENTIAL, f"settings of {target.name}: {told}", call="settings") from error
