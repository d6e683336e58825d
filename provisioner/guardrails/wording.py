"""Names, numbers and the acknowledgement that a refusal proposes: YAML that can be pasted as it stands."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import timedelta

from provisioner.guardrails.case import Case
from provisioner.model.address import Address
from provisioner.model.change import Change
from provisioner.model.instant import Instant
from provisioner.plan.plan import Stray

_NAMED = 5
_MOST_PEOPLE = 30
"""How many people an acknowledgement names; of more it says the number."""
_MOST_ADDRESSES = 10
_LASTS = timedelta(days=14)
_PLAIN = re.compile(r"[a-z][a-z0-9._/-]*\Z")
_WORDS_OF_YAML = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


def names(found: Iterable[object], most: int = _NAMED) -> str:
    """`ada, bob and 17 more`."""
    told = sorted(str(f) for f in found)
    if len(told) <= most:
        return ", ".join(told)
    return ", ".join(told[:most]) + f" and {len(told) - most:,} more"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 person`, `19 people`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def of(part: int, whole: int) -> str:
    """`19 of 20 (95 %)`; a share is never rounded to a limit that it is over."""
    return f"{part:,} of {whole:,} ({part * 100 / whole:.4g} %)" if whole else f"{part:,} of none"


def let_through(case: Case, changes: Iterable[Change], *, also: Iterable[Change] = ()) -> str:
    """How to say that these removals are meant. `also` counts where a kind is counted, and is not named."""
    changes = list(changes)
    people: set[str] = set()
    rest: set[Address] = set()
    for change in changes:
        touched = case.touched(change)
        if len(touched) == 1 and (who := next(iter(touched))).known and change.identity is not None:
            people.add(who.name)
        else:
            rest.add(change.address)
    return meant(case.now, _removals(people, rest, {c.id: c.address for c in (*changes, *also)}.values()))


def let_holders_go(case: Case, strays: Iterable[Stray]) -> str:
    """How to say that these holders, who stay for now, are to go."""
    strays = list(strays)
    people = {s.identity for s in strays if s.identity is not None}
    rest = {s.address for s in strays if s.identity is None}
    return meant(case.now, _removals(people, rest, [s.address for s in strays]))


def _removals(people: set[str], addresses: set[Address], counted: Iterable[Address]) -> list[str]:
    """Entries that let these people and addresses go; of more than a page can hold, how many of each kind: all of
    `counted`."""
    if len(people) > _MOST_PEOPLE or len(addresses) > _MOST_ADDRESSES:
        numbers = Counter((a.target, a.kind.value) for a in counted)
        return [f"target: {text(target)}, kind: {kind}, count: {n}" for (target, kind), n in sorted(numbers.items())]
    entries = [f"people: {list_of(people)}, removals: true"] if people else []
    return entries + ([f"addresses: {list_of(map(str, addresses))}, removals: true"] if addresses else [])


def meant(now: Instant, entries: Iterable[str], *, when: str = "if it is meant,") -> str:
    """The `fix` of a refusal; each entry is the inside of a mapping."""
    until = f"{now + _LASTS:%Y-%m-%d}"
    told = ", ".join(f'{{{entry}, reason: "say why", until: {until}}}' for entry in entries)
    where = "under `guardrails:` in this very change (its entries into the list, where there is one)"
    return f"{when} put this {where}: acknowledgements: [{told}]"


def let_in(case: Case, people: Collection[str]) -> str:
    """How to say that these people may come in."""
    return meant(case.now, [f"people: {list_of(people)}"])


def let_addresses(case: Case, addresses: Iterable[Address]) -> str:
    """How to say that these very things may be opened."""
    return meant(case.now, [f"addresses: {list_of(str(a) for a in addresses)}"])


def text(value: str) -> str:
    """As YAML, in quotes where it needs them."""
    plain = _PLAIN.match(value) is not None and value not in _WORDS_OF_YAML
    return value if plain else json.dumps(value, ensure_ascii=True)


def list_of(values: Iterable[str]) -> str:
    """As a YAML list, in order."""
    return "[" + ", ".join(text(v) for v in sorted(values)) + "]"
