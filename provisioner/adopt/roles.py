"""Who holds what, as few roles: each person's roles together give exactly what they hold, and never more.

Things that always come together are one item. A set of items that enough people hold exactly becomes a role where it
spares lines; everything else is covered by the largest such roles that fit into it, and by a role for each item left.
The same holdings give the same roles, whatever order they come in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from provisioner.files.names import LONGEST, id_from, unique
from provisioner.model.address import Address, Kind
from provisioner.model.resource import Resource

FEW = 250
"""One role of its own for a shared set is worth it from one in so many people on, and from two."""
_NAMED = 3


class Atom(NamedTuple):
    """One thing that can be held: an address without its holder. `level` is how much of it, where there are levels."""

    kind: Kind
    object: str
    slot: str | None = None
    level: str = ""

    @classmethod
    def of(cls, resource: Resource, *, levels: bool = False) -> Atom:
        """`levels` says that things of this system are held more or less."""
        address = resource.address
        level = " ".join(str(v) for k, v in sorted(resource.attributes.items()) if k not in resource.hides)
        return cls(address.kind, address.object, address.slot, level if levels else "")

    @classmethod
    def at(cls, address: Address) -> Atom:
        """Of whatever level."""
        return cls(address.kind, address.object, address.slot)

    @property
    def word(self) -> str:
        return "-".join(word for word in (self.object, self.slot, self.level) if word)

    def sort_key(self) -> tuple[str, str, str, str]:
        return (self.object, self.slot or "", self.kind.value, self.level)


@dataclass(frozen=True, slots=True)
class Cut:
    """The roles that were found: `known` of the files, `made` new ones, and who holds which, by name."""

    made: Mapping[str, frozenset[Atom]]
    held: Mapping[str, tuple[str, ...]]


def cut_into_roles(
    holdings: Mapping[str, frozenset[Atom]],
    known: Mapping[str, frozenset[Atom]],
    taken: Container[str],
    prefix: str,
) -> Cut:
    """`holdings` is what each is to be given; `known` are roles of the files that give things of this kind and nothing
    else; `taken` are names that cannot be used, `prefix` goes before a name that would be."""
    items = _items(holdings)
    wanted = {who: frozenset(items[a] for a in atoms) for who, atoms in holdings.items() if atoms}
    atoms_of: dict[int, frozenset[Atom]] = {}
    grouped: dict[int, set[Atom]] = {}
    for atom, item in items.items():
        grouped.setdefault(item, set()).add(atom)
    atoms_of = {item: frozenset(atoms) for item, atoms in grouped.items()}
    holders = Counter(item for held in wanted.values() for item in held)
    old = _in_items(known, items, atoms_of)
    chosen = _worth_a_role(wanted, old)
    names = _Names(taken, prefix, atoms_of, holders)
    held: dict[str, tuple[str, ...]] = {}
    made: dict[str, frozenset[Atom]] = {}
    ways: dict[frozenset[int], tuple[str, ...]] = {}
    for who in sorted(wanted):
        parts = wanted[who]
        if parts not in ways:
            cover, rest = _cover(parts, [*old, *chosen])
            sets = [*cover, *(frozenset({item}) for item in sorted(rest))]
            ways[parts] = tuple(sorted(old[s] if s in old else names.of(s) for s in sets))
            for s in sets:
                if s not in old:
                    made[names.of(s)] = frozenset(a for item in s for a in atoms_of[item])
        held[who] = ways[parts]
    return Cut(dict(sorted(made.items())), held)


def _items(holdings: Mapping[str, frozenset[Atom]]) -> dict[Atom, int]:
    """Numbers atoms so that those which the very same people hold have one number, in the order of their names."""
    people: dict[Atom, list[str]] = {}
    for who in sorted(holdings):
        for atom in holdings[who]:
            people.setdefault(atom, []).append(who)
    numbers: dict[tuple[str, ...], int] = {}
    return {atom: numbers.setdefault(tuple(people[atom]), len(numbers)) for atom in sorted(people, key=Atom.sort_key)}


def _in_items(
    known: Mapping[str, frozenset[Atom]], items: Mapping[Atom, int], atoms_of: Mapping[int, frozenset[Atom]]
) -> dict[frozenset[int], str]:
    """The roles of the files that are made of whole items."""
    found: dict[frozenset[int], str] = {}
    for name in sorted(known):
        if not known[name] or not all(a in items for a in known[name]):
            continue
        parts = frozenset(items[a] for a in known[name])
        if sum(len(atoms_of[p]) for p in parts) == len(known[name]):
            found.setdefault(parts, name)
    return found


def _worth_a_role(wanted: Mapping[str, frozenset[int]], old: Mapping[frozenset[int], str]) -> list[frozenset[int]]:
    """Shared sets that become roles: those that spare most lines first, each judged beside those chosen before."""
    shared = Counter(wanted.values())
    least = max(2, len(wanted) // FEW)
    worth = [(parts, n) for parts, n in shared.items() if n >= least and len(parts) > 1 and parts not in old]
    worth.sort(key=lambda w: (-w[1] * (len(w[0]) - 1), sorted(w[0])))
    chosen: list[frozenset[int]] = []
    for parts, people in worth:
        cover, rest = _cover(parts, [*old, *chosen])
        if people * (len(cover) + len(rest) - 1) >= len(parts):
            chosen.append(parts)
    return chosen


def _cover(parts: frozenset[int], sets: Sequence[frozenset[int]]) -> tuple[list[frozenset[int]], frozenset[int]]:
    """The sets within `parts` that cover most of it, largest first, and what they leave."""
    left, cover = parts, list[frozenset[int]]()
    fitting = sorted((s for s in sets if s <= parts), key=lambda s: (-len(s), sorted(s)))
    for one in fitting:
        if len(one & left) > 1 or (one & left and len(one) == 1):
            cover.append(one)
            left -= one
    return cover, left


class _Names:
    """A name for each set of items, after what tells it from others: the thing that the fewest people hold."""

    def __init__(
        self, taken: Container[str], prefix: str, atoms_of: Mapping[int, frozenset[Atom]], holders: Counter[int]
    ) -> None:
        self._taken, self._prefix = taken, prefix
        self._atoms_of, self._holders = atoms_of, holders
        self._known: dict[frozenset[int], str] = {}
        self._used: set[str] = set()

    def of(self, parts: frozenset[int]) -> str:
        if parts not in self._known:
            name = self._free(self._wanted(parts))
            self._used.add(name)
            self._known[parts] = name
        return self._known[parts]

    def _wanted(self, parts: frozenset[int]) -> str:
        atoms = [
            atom
            for item in sorted(parts, key=lambda i: (self._holders[i], i))
            for atom in sorted(self._atoms_of[item], key=Atom.sort_key)
        ]
        words = [w for w in dict.fromkeys(id_from(a.word.replace("@", "-")) for a in atoms) if w] or ["role"]
        if len(words) == 1:
            return words[0]
        if len(words) <= _NAMED and len(joined := "-and-".join(words)) <= LONGEST - 3:
            return joined
        return f"{words[0][: LONGEST - 16]}-and-{len(atoms) - 1}-more"

    def _free(self, name: str) -> str:
        if name in self._taken or name in self._used:
            name = id_from(f"{self._prefix}-{name}")
        return unique(name, _Either(self._taken, self._used))


class _Either(Container[str]):
    def __init__(self, *parts: Container[str]) -> None:
        self._parts = parts

    def __contains__(self, name: object) -> bool:
        return any(name in part for part in self._parts)
