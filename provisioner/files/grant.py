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
from provisioner.files.entry import entry_of
from provisioner.files.put import put
from provisioner.load import Loaded, load_files
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant, format_instant
from provisioner.resolve.time import When, when, window


def grant(
    loaded: Loaded,
    access: Path,
    who: str,
    line: Mapping[str, object],
    providers: Mapping[str, Provider],
    now: Instant,
) -> tuple[Edit, Loaded]:
    """The edit that adds `line` to the roles of `who`, and the files as they are with it. ProvisionError where they are
    not declared, the line may not stand there, gives nothing from `now` on, or cannot be put in without touching
    anything else."""
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
    _check_time(after.declared.identities[who], now)
    return edit, after


def _check_time(identity: Identity, now: Instant) -> None:
    """Of the line that was put last."""
    held = identity.roles[-1]
    starts, until = window(identity, held.starts, held.until)
    never = until is not None and starts is not None and until <= starts
    if until is None or not (never or when(starts, until, now) is When.OVER):
        return
    theirs = until == identity.until
    raise ProvisionError(
        Diagnostic(
            "already-over",
            f"`{identity.id}` would never hold it: {'their own time' if theirs else 'it'} ends {format_instant(until)}",
            location=identity.location if theirs else None,
            why="access that is over when it is written, or before it begins, is never given",
            fix=f"give `{identity.id}` a later `until` first" if theirs else "take a later --from, or leave it out",
        )
    )


def _who_else(loaded: Loaded, who: str) -> str:
    near = get_close_matches(who, sorted(loaded.declared.identities), 1)
    return f"did you mean `{near[0]}`?" if near else "declare them first"
