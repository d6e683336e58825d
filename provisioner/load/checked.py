"""Data of a file against a model: what does not fit is told and left out, and what remains is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from provisioner.diagnostics import Diagnostic
from provisioner.load.mistakes import mistakes
from provisioner.load.places import At

Model = TypeVar("Model", bound=BaseModel)


def checked(
    at: At, model: type[Model], what: str, problems: list[Diagnostic], pick: Callable[[], Any] | None = None
) -> tuple[Any, Model] | None:
    """The data at `at` and its model, or None where nothing useful is left. `what` names the thing in messages.

    `pick` gives the data where it is not simply what stands at `at`; it is asked again after parts were left out.
    """
    take = pick or (lambda: at.source.below(at.base))
    data = take()
    try:
        return data, model.model_validate(data)
    except ValidationError as wrong:
        return mended(wrong, data, at, model, what, problems, take)


def mended(
    wrong: ValidationError,
    data: Any,
    at: At,
    model: type[Model],
    what: str,
    problems: list[Diagnostic],
    take: Callable[[], Any],
) -> tuple[Any, Model] | None:
    """Tells what is wrong, leaves it out, and tries the rest."""
    said, drop = mistakes(wrong, data, at, model, what)
    problems.extend(said)
    if not isinstance(data, dict) or any(not path for path in drop):
        return None
    at.drop_all(drop)
    data = take()
    try:
        return data, model.model_validate(data)
    except ValidationError:
        return None
