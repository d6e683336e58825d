"""The lines of a person or service in the access files, to be edited: which file they stand in, and what it holds.

Refuses who is not declared, and an edit that cannot be made without touching anything else. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.files.cut import NotCutError
from provisioner.files.edit import Edit
from provisioner.files.put import NotPutError
from provisioner.load import Loaded
from provisioner.model.identity import Identity, IdentityKind

_SECTIONS = {IdentityKind.PERSON: "people", IdentityKind.SERVICE: "services"}


@dataclass(frozen=True, slots=True)
class Entry:
    """`file` is below the access files' folder, `shown` its name as places in it are told."""

    identity: Identity
    file: str
    shown: str
    data: bytes

    @property
    def section(self) -> str:
        return _SECTIONS[self.identity.kind]

    def edit(self, access: Path, change: Callable[[str], str | None], *, cannot: str, by_hand: str) -> Edit:
        """What `change` makes of the file's text (None: the file goes). ProvisionError, with the words `cannot` and
        `by_hand`, where it cannot be made."""
        try:
            made = change(self.data.decode())
        except (NotCutError, NotPutError, UnicodeDecodeError) as why:
            raise ProvisionError(
                Diagnostic(
                    "file-not-edited",
                    f"{cannot} without touching something else: {why}",
                    location=self.identity.location,
                    length=len(self.identity.id),
                    why="an edit changes what it is about, and nothing else",
                    fix=f"{by_hand} by hand, then run `provision plan`",
                )
            ) from None
        return Edit(access / self.file, self.shown, self.data, None if made is None else made.encode())


def entry_of(loaded: Loaded, who: str, otherwise: Callable[[], str]) -> Entry:
    """ProvisionError where they are not declared; `otherwise` says what to do then."""
    identity = loaded.declared.identities.get(who)
    if identity is None:
        wrong = [d for d in loaded.diagnostics if d.is_error]
        raise ProvisionError(
            *wrong,
            Diagnostic(
                "option-value",
                f"nobody with the id `{who}` is declared",
                why="PERSON is an id under `people:` or `services:`",
                fix="mend the files first: they may stand in what could not be read" if wrong else otherwise(),
            ),
        )
    shown = identity.location.file
    file = shown.removeprefix(f"{loaded.folder}/") if loaded.folder != "." else shown
    return Entry(identity, file, shown, loaded.files[file])
