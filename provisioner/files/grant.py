"""Gives somebody a role in the access files, for a while: one line more under their `roles`, and nothing else touched.

Refuses what the files would be wrong with: all of it is checked as `validate` does, before anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from provisioner.contract import Provider
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.files.edit import Edit
from provisioner.files.offboard import SECTIONS
from provisioner.files.put import NotPutError, put
from provisioner.load import Loaded, load_files


def grant(
    loaded: Loaded, access: Path, who: str, line: Mapping[str, object], providers: Mapping[str, Provider]
) -> tuple[Edit, Loaded]:
    """The edit that adds `line` to the roles of `who`, and the files as they are with it. ProvisionError where they are
    not declared, the line may not stand there, or cannot be put in without touching anything else."""
    identity = loaded.declared.identities.get(who)
    if identity is None:
        raise _unknown(loaded, who)
    shown = identity.location.file
    path = shown.removeprefix(f"{loaded.folder}/") if loaded.folder != "." else shown
    data = loaded.files[path]
    try:
        made = put(data.decode(), {SECTIONS[identity.kind]: {who: {"roles": [dict(line)]}}}).encode()
    except (NotPutError, UnicodeDecodeError) as why:
        raise ProvisionError(
            Diagnostic(
                "file-not-edited",
                f"the role cannot be given to `{who}` without touching something else: {why}",
                location=identity.location,
                length=len(who),
                why="an edit changes what it is about, and nothing else",
                fix="write the line by hand, then run `provision plan`",
            )
        ) from None
    after = load_files({**loaded.files, path: made}, providers, folder=loaded.folder)
    before = {(d.code, d.message) for d in loaded.diagnostics}
    new = [d for d in after.diagnostics if d.is_error and (d.code, d.message) not in before]
    if new:
        raise ProvisionError(*new)
    return Edit(access / path, shown, data, made), after


def _unknown(loaded: Loaded, who: str) -> ProvisionError:
    near = get_close_matches(who, sorted(loaded.declared.identities), 1)
    return ProvisionError(
        Diagnostic(
            "option-value",
            f"nobody with the id `{who}` is declared",
            why="PERSON is an id under `people:` or `services:`",
            fix=f"did you mean `{near[0]}`?" if near else "declare them first",
        )
    )
