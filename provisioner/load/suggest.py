"""Did you mean: the known names nearest to one that is not known."""

from __future__ import annotations

from collections.abc import Callable, Collection
from difflib import SequenceMatcher, get_close_matches

from provisioner.diagnostics import Location
from provisioner.load.display import show

_FEW = 300
_MANY = 200_000


def closest(word: str, names: Collection[str], most: int = 3) -> list[str]:
    """Up to `most` of `names`, nearest first. Another case, and `_` for `-`, count as very near."""
    if len(word) > 200 or len(names) > _MANY:
        return sorted(n for n in names if n.casefold() == word.casefold())[:most]
    folded: dict[str, str] = {}
    for name in sorted(names):
        folded.setdefault(_fold(name), name)
    wanted = _fold(word)
    if len(folded) > _FEW:
        folded = {key: name for key, name in folded.items() if _worth_a_look(wanted, key)}
    found = [folded[near] for near in get_close_matches(wanted, folded, n=most, cutoff=0.7)]
    if not found and len(wanted) >= 3:
        found = [name for key, name in folded.items() if key.startswith(wanted) or (key and wanted.startswith(key))]
        found.sort(key=lambda name: -SequenceMatcher(None, wanted, _fold(name)).ratio())
    return found[:most]


def did_you_mean(word: str, names: Collection[str], place: Callable[[str], Location | None] = lambda _: None) -> str:
    """`did you mean `db-writer` (access/roles.yaml:31:3)?`, or an empty text where nothing is near.

    `place` says where a name is declared, and is asked only for those that are told.
    """
    said = [show(name) + (f" ({where})" if (where := place(name)) is not None else "") for name in closest(word, names)]
    return f"did you mean {' or '.join(said)}?" if said else ""


def _worth_a_look(wanted: str, key: str) -> bool:
    """Among thousands of names: of about the same length, and alike at one of the ends."""
    return abs(len(wanted) - len(key)) <= 3 and (wanted[:2] == key[:2] or wanted[-3:] == key[-3:])


def _fold(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-")
