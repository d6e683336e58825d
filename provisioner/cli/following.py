"""Reading the sources of people, for `pull` and `expire`: over the connection of a declared target, and reading only.

One source that cannot be read does not hide the others; nobody leaves by it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from provisioner.cli.exit_codes import Exit, first
from provisioner.cli.holding import held_by_source
from provisioner.cli.output import tell
from provisioner.cli.wiring import Opened, now
from provisioner.contract import Lists, ProviderError, Trouble
from provisioner.diagnostics import Diagnostic
from provisioner.model.source import Source
from provisioner.records.holds import hold, holds
from provisioner.records.run import RunInfo
from provisioner.report.diagnostics import text
from provisioner.report.safe import safe
from provisioner.sources import Found, Leaving, Roster, back, incomplete, is_disabled, known_from, leaving, read

Told = Callable[[str, str], None]
REFUSED = frozenset({"too-many-leavers", "too-many-movers", "source-other-system", "source-group-missing"})
"""Refusals of a rule; the others are sources that could not be read whole, or do not say which system they are."""


@dataclass
class Followed:
    """What the sources say, and what there is to tell about it. `found` is what they were held against."""

    found: Found
    rosters: dict[str, Roster | None] = field(default_factory=dict)
    left: Leaving = field(default_factory=Leaving)
    told: list[Diagnostic] = field(default_factory=list)

    @property
    def status(self) -> Exit:
        codes = set(self.left.refused.values())
        refused = Exit.REFUSED if codes & REFUSED else Exit.DONE
        return first(refused, Exit.INCOMPLETE if codes & {"source-incomplete"} else Exit.DONE)


def follow(opened: Opened, sources: Iterable[Source], told: Told, *, groups: bool) -> Followed:
    """Reads `sources`, and says who has left them."""
    declared = opened.declared
    followed = Followed(Found(declared, opened.judging, now(), held_by_source(opened)))
    for source in sources:
        try:
            followed.rosters[source.id] = _read(opened, source, followed.found, told, groups=groups)
        except ProviderError as error:
            followed.rosters[source.id] = None
            followed.told.append(incomplete(source, str(error)))
    followed.left = leaving(followed.rosters, followed.found)
    followed.told += followed.left.told
    return followed


def _read(opened: Opened, source: Source, found: Found, told: Told, *, groups: bool) -> Roster:
    target = opened.declared.targets[source.target]
    provider = opened.files.providers[target.provider]
    if not isinstance(provider, Lists):
        raise ProviderError(Trouble.INVALID, f"{target.provider} cannot list people", call="open")
    told(source.id, "reading")
    reader = provider.open_source(target, source, os.environ)
    try:
        roster = read(source, reader, opened.judging.records.owner, known_from(source, found), groups=groups)
    finally:
        reader.close()
    told(source.id, f"read {len(roster.people):,} people in {roster.calls} calls")
    return roster


def leavers_of(opened: Opened) -> Followed:
    """Who has left the sources of these files, told on stderr: what `expire` is to cut off."""
    sources = opened.declared.sources
    followed = follow(
        opened, sources.values(), lambda name, words: tell(f"{safe(name)}: {safe(words)}\n"), groups=False
    )
    followed.told += [d for roster in followed.rosters.values() if roster is not None for d in _again(roster, followed)]
    if followed.told:
        tell(text(followed.told) + "\n")
    for said in followed.left.leavers.values():
        if said[0].identity.id not in followed.found.held:
            tell(f"{safe('; '.join(leaver.words for leaver in said))}: cut off now\n")
    return followed


def _again(roster: Roster, followed: Followed) -> Iterable[Diagnostic]:
    """Those whom a source cut off and has again."""
    found, source = followed.found, roster.source
    if source.id in followed.left.refused:
        return
    for native, (identity, _) in known_from(source, found).items():
        listed = roster.people.get(native)
        here = listed is not None and not is_disabled(listed, identity, found, source)
        if here and identity.id in found.held and identity.id not in followed.left.leavers:
            yield back(identity, source)


def hold_all(followed: Followed, opened: Opened, run: RunInfo) -> None:
    """From now on nothing is given to those who left, whatever becomes of this run."""
    at = now()
    for who, said in followed.left.leavers.items():
        why = "; ".join(leaver.words for leaver in said)
        hold(opened.journal.store, who, run=run, at=at, source=said[0].source, why=why)


def tell_held(followed: Followed, opened: Opened) -> None:
    """Of a run that ended early: another has the lock, the journal broke, or it was interrupted."""
    held = sorted(followed.left.leavers.keys() & holds(opened.journal.store).keys())
    if held:
        tell(
            f"{safe(', '.join(held))} may not be cut off yet, and nothing is given to them: the next `provision apply` "
            "or `provision expire` takes what they still have.\n"
        )


def worst(status: int, followed: Followed) -> int:
    """The status of a run, and of the sources that it asked."""
    return first(Exit(status), followed.status)
