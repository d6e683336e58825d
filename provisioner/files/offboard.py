"""Takes a person (or service) out of the access files: the file where it holds nothing else, else exactly their lines.

References to them stay: they are warnings, and somebody decides who takes over.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.files.cut import NotCutError, cut
from provisioner.files.edit import Edit
from provisioner.load import Loaded
from provisioner.model.identity import IdentityKind

SECTIONS = {IdentityKind.PERSON: "people", IdentityKind.SERVICE: "services"}


def offboard(loaded: Loaded, access: Path, who: str) -> Edit:
    """The edit that takes `who` out of the files below `access`. ProvisionError where they are not declared, or cannot
    be taken out without touching anything else.
    """
    identity = loaded.declared.identities.get(who)
    if identity is None:
        raise _unknown(loaded, who)
    shown = identity.location.file
    path = shown.removeprefix(f"{loaded.folder}/") if loaded.folder != "." else shown
    data = loaded.files[path]
    try:
        left = cut(data.decode(), SECTIONS[identity.kind], who)
    except (NotCutError, UnicodeDecodeError) as why:
        raise ProvisionError(
            Diagnostic(
                "file-not-edited",
                f"`{who}` cannot be taken out without touching something else: {why}",
                location=identity.location,
                length=len(who),
                why="an edit changes what it is about, and nothing else",
                fix="take these lines out by hand, then run `provision plan`",
            )
        ) from None
    return Edit(access / path, shown, data, None if left is None else left.encode())


def _unknown(loaded: Loaded, who: str) -> ProvisionError:
    identities = loaded.declared.identities
    near = [i.id for i in identities.values() if who in i.was] or get_close_matches(who, sorted(identities), 1)
    if near:
        fix = f"did you mean `{near[0]}` ({loaded.declared.identities[near[0]].location})?"
    else:
        fix = f"if they have left already, `provision receipt {who}` says what is left of them"
    return ProvisionError(
        Diagnostic(
            "option-value",
            f"nobody with the id `{who}` is declared",
            why="PERSON is an id under `people:` or `services:`",
            fix=fix,
        )
    )
