"""Takes a person (or service) out of the access files: the file where it holds nothing else, else exactly their lines.

References to them stay: they are warnings, and somebody decides who takes over.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from provisioner.files.cut import cut
from provisioner.files.edit import Edit
from provisioner.files.entry import entry_of
from provisioner.load import Loaded


def offboard(loaded: Loaded, access: Path, who: str) -> Edit:
    """The edit that takes `who` out of the files below `access`. ProvisionError where they are not declared, or cannot
    be taken out without touching anything else.
    """
    entry = entry_of(loaded, who, lambda: _who_else(loaded, who))
    return entry.edit(
        access,
        lambda text: cut(text, entry.section, who),
        cannot=f"`{who}` cannot be taken out",
        by_hand="take these lines out",
    )


def _who_else(loaded: Loaded, who: str) -> str:
    identities = loaded.declared.identities
    near = [i.id for i in identities.values() if who in i.was] or get_close_matches(who, sorted(identities), 1)
    if near:
        return f"did you mean `{near[0]}` ({identities[near[0]].location})?"
    return f"if they have left already, `provision receipt {who}` says what is left of them"
