"""A grants block as it reads in the environments held: `{environment}` replaced, labelled things left out where the
role is not held in their environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.contract import Declare
from provisioner.diagnostics import Location
from provisioner.model.block import Block, Path
from provisioner.model.target import Target

PLACEHOLDER = "{environment}"


def block_for(block: Block, environments: frozenset[str], target: Target, declare: Declare) -> Block | None:
    """The part of `block` that holders in `environments` get on `target`, or None where that is nothing."""
    if target.environment is not None:
        if target.environment not in environments:
            return None
        environments = frozenset({target.environment})
    places: dict[Path, Path] = {}
    data = _fill(block.data, sorted(environments), None, (), (), places)
    filled = Block(data, _moved(block, places))
    labelled = {
        path
        for section, name, path in declare.names(filled)
        if (label := target.object_environments.get((section, name))) is not None and label not in environments
    }
    return _without(filled, labelled) if labelled else filled


def _fill(value: Any, names: list[str], bound: str | None, old: Path, new: Path, places: dict[Path, Path]) -> Any:
    places[new] = old
    if isinstance(value, str):
        return value.replace(PLACEHOLDER, bound) if bound is not None else value
    if isinstance(value, Mapping):
        result: dict[str, Any] = {}
        for key, item in value.items():
            for chosen in _choices(key, names, bound):
                name = key.replace(PLACEHOLDER, chosen) if chosen is not None else key
                result[name] = _fill(
                    item, names, chosen if chosen is not None else bound, (*old, key), (*new, name), places
                )
        return result
    if isinstance(value, list | tuple):
        items: list[Any] = []
        for index, item in enumerate(value):
            for chosen in _choices(item, names, bound):
                items.append(_fill(item, names, chosen, (*old, index), (*new, len(items)), places))
        return items
    return value


def _choices(value: Any, names: list[str], bound: str | None) -> list[str | None]:
    """The environments to put in: one where one is bound already, all that are held where the name asks, else none."""
    if isinstance(value, str) and PLACEHOLDER in value:
        return [bound] if bound is not None else list(names)
    return [bound]


def _moved(block: Block, places: Mapping[Path, Path]) -> Any:
    def locate(path: Path) -> Location:
        for cut in range(len(path), -1, -1):
            if path[:cut] in places:
                return block.locate((*places[path[:cut]], *path[cut:]))
        return block.locate(())

    return locate


def _without(block: Block, paths: set[Path]) -> Block:
    places: dict[Path, Path] = {}

    def keep(value: Any, old: Path, new: Path) -> Any:
        places[new] = old
        if isinstance(value, Mapping):
            return {k: keep(v, (*old, k), (*new, k)) for k, v in value.items() if (*old, k) not in paths}
        if isinstance(value, list):
            kept: list[Any] = []
            for index, item in enumerate(value):
                if (*old, index) not in paths:
                    kept.append(keep(item, (*old, index), (*new, len(kept))))
            return kept
        return value

    return Block(keep(block.data, (), ()), _moved(block, places))
