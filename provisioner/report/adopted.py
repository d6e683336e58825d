"""What `adopt` wrote, and what it left: counts first, then everything that somebody has to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from provisioner.report.safe import guard, safe
from provisioner.report.words import and_so_on, plural

SHOWN = 20
_EXAMPLES = 3


@dataclass(frozen=True)
class Adopted:
    """`merged` are (id, how), `doubts` (login, why), `kept` (address, why); `others` are changes that the next plan has
    besides ADOPT, in words."""

    target: str
    files: Sequence[str]
    people: int
    merged: Sequence[tuple[str, str]]
    roles: Sequence[str]
    things: int
    holdings: int
    adopts: int
    others: Sequence[str]
    bare: Sequence[str]
    doubts: Sequence[tuple[str, str]]
    kept: Sequence[tuple[str, str]]
    calls: int
    written: bool
    map_file: str | None = None


def text(adopted: Adopted) -> str:
    """The whole page."""
    return "\n".join(guard(line) for line in _lines(adopted)) + "\n"


def _lines(it: Adopted) -> Iterator[str]:
    name = safe(it.target)
    if not it.files:
        yield f"Nothing to adopt on {name}: the files say all that they can say of it."
    elif it.written:
        files, calls = plural(len(it.files), "file"), plural(it.calls, "call")
        yield f"Adopted {name} into {files}; read in {calls}, nothing changed there."
    else:
        yield f"Would adopt {name} into {plural(len(it.files), 'file')}; nothing was written."
    if it.files:
        yield f"  {plural(it.people, 'new person', 'new people')}, {len(it.merged):,} merged with those declared"
        roles = and_so_on([safe(r) for r in it.roles], 12) if it.roles else "none"
        yield f"  {plural(len(it.roles), 'new role')}: {roles}"
        yield f"  {plural(it.holdings, 'membership and grant', 'memberships and grants')} now said by roles"
        if it.things:
            yield f"  {plural(it.things, 'thing')} declared under the target"
    yield from _merged(it)
    yield from _doubts(it)
    yield from _kept(it)
    if it.bare:
        yield ""
        held = plural(len(it.bare), "account holds", "accounts hold")
        yield f"{held} nothing that a role could give, so no plan marks them:"
        yield f"  {and_so_on([safe(b) for b in it.bare], 12)}"
    yield ""
    yield f"The next plan adopts {plural(it.adopts, 'account')}" + (
        " and does this:" if it.others else ", and changes nothing."
    )
    for words in it.others[:SHOWN]:
        yield f"  {safe(words, 200)}"
    if len(it.others) > SHOWN:
        yield f"  and {len(it.others) - SHOWN:,} more"
    if it.files and it.written:
        yield "Next: look at the files, `provision validate`, `provision plan`, and commit;"
        yield "then `provision apply` marks the accounts as ours."


def _merged(it: Adopted) -> Iterator[str]:
    by: dict[str, list[str]] = {}
    for who, how in it.merged:
        by.setdefault(how, []).append(who)
    for how in sorted(by):
        yield f"  merged by {how}: {and_so_on([safe(w) for w in by[how]], 12)}"


def _doubts(it: Adopted) -> Iterator[str]:
    if not it.doubts:
        return
    yield ""
    yield f"{plural(len(it.doubts), 'account is', 'accounts are')} doubtful, and nothing was written for them:"
    for login, why in it.doubts[:SHOWN]:
        yield f"  {safe(login, 80)}: {safe(why, 200)}"
    if len(it.doubts) > SHOWN:
        yield f"  and {len(it.doubts) - SHOWN:,} more"
    if it.map_file is not None:
        yield f"Say whose they are in {safe(it.map_file)}, and run it again with --map {safe(it.map_file)}."
    else:
        yield "Say whose they are: --write-map FILE writes them to fill in, --map FILE reads it."


def _kept(it: Adopted) -> Iterator[str]:
    """By reason, with a few of each: all of them are strays of the next plan, which names them."""
    if not it.kept:
        return
    yield ""
    yield f"Kept as they are, because the files do not say them ({len(it.kept):,}):"
    by: dict[str, list[str]] = {}
    for address, why in it.kept:
        by.setdefault(why, []).append(address)
    for why, addresses in sorted(by.items(), key=lambda b: (-len(b[1]), b[0])):
        yield f"  {len(addresses):,}: {safe(why, 200)}"
        for address in addresses[:_EXAMPLES]:
            yield f"    {safe(address, 200)}"
        if len(addresses) > _EXAMPLES:
            yield f"    and {len(addresses) - _EXAMPLES:,} more"
