"""Gives somebody a role in the access files, for a while: one line more under their `roles`, and nothing else touched.

Refuses what the files would be wrong with: all of it is checked as `validate` does, before anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from provisioner.contract import Provider
from provisioner.diagnostics import ProvisionError
from provisioner.files.edit import Edit
from provisioner.files.entry import entry_of
from provisioner.files.put import put
from provisioner.load import Loaded, load_files


def grant(
    loaded: Loaded, access: Path, who: str, line: Mapping[str, object], providers: Mapping[str, Provider]
) -> tuple[Edit, Loaded]:
    """The edit that adds `line` to the roles of `who`, and the files as they are with it. ProvisionError where they are
    not declared, the line may not stand there, or cannot be put in without touching anything else."""
    entry = entry_of(loaded, who, lambda: _who_else(loaded, who))
    edit = entry.edit(
        access,
        lambda text: put(text, {entry.section: {who: {"roles": [dict(line)]}}}),
        cannot=f"the role cannot be given to `{who}`",
        by_hand="write the line",
    )
    after = load_files({**loaded.files, entry.file: edit.after or b""}, providers, folder=loaded.folder)
    before = {(d.code, d.message) for d in loaded.diagnostics}
    new = [d for d in after.diagnostics if d.is_error and (d.code, d.message) not in before]
    if new:
        raise ProvisionError(*new)
    return edit, after


def _who_else(loaded: Loaded, who: str) -> str:
    near = get_close_matches(who, sorted(loaded.declared.identities), 1)
    return f"did you mean `{near[0]}`?" if near else "declare them first"
