"""Entries and the tree they form: lookups by name, by value and in order of age, and what refers to what.

Entries and attributes are never changed in place: a change puts a new entry in the old one's stead, so that a change
that is refused half-way leaves nothing behind. Checks nothing: `directory.py` has decided before it calls.
"""

from __future__ import annotations

import bisect
from collections.abc import Hashable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from provisioner.sandbox.ldap.schema import Description, Dn, Schema

INDEXED = frozenset(
    {"objectclass", "uid", "cn", "mail", "entryuuid", "uidnumber", "memberuid", "member", "uniquemember", "manager"}
    | {"owner", "seealso", "secretary", "roleoccupant", "associatedname"}
)
"""Attributes (lower case, without options) that are found by value without a walk over all entries."""


@dataclass(slots=True, eq=False)
class Attribute:
    """Values by their key, in the order in which they came; `wire` is for `wire.py` to keep the encoded form."""

    description: Description
    values: dict[Hashable, bytes]
    wire: bytes | None = None


_NO_VALUES: dict[Hashable, bytes] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One entry; `attributes` by lower-case description, operational ones that are stored included."""

    id: int
    dn: Dn
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def values(self, name: str) -> list[bytes]:
        """The values of an attribute without options; `name` in lower case."""
        found = self.attributes.get(name)
        return [] if found is None else list(found.values.values())

    def value(self, name: str) -> bytes | None:
        found = self.attributes.get(name)
        return None if found is None else next(iter(found.values.values()), None)


class Tree:
    """All entries. Not safe between threads: whoever holds it holds a lock."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._by_key: dict[str, Entry] = {}
        self._by_id: dict[int, Entry] = {}
        self._ids: list[int] = []
        self._children: dict[str, int] = {}
        self._index: dict[tuple[str, Hashable], set[int]] = {}
        self._last_id = 0
        self.with_options: set[str] = set()
        """Types (lower case) that some entry ever held with options: the indexes do not know those values."""

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: str) -> Entry | None:
        return self._by_key.get(key)

    def nearest(self, dn: Dn) -> Entry | None:
        """The deepest entry that exists on the way to a name, for `matchedDN`."""
        return next((found for key in dn.above if (found := self._by_key.get(key)) is not None), None)

    def has_children(self, key: str) -> bool:
        return self._children.get(key, 0) > 0

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Entries that came after the one with this id, oldest first."""
        for number in self._ids[bisect.bisect_right(self._ids, after) :]:
            yield self._by_id[number]

    def numbered(self, numbers: Iterable[int], after: int = 0) -> list[Entry]:
        """The entries with these ids that came after another, oldest first."""
        return [self._by_id[number] for number in sorted(numbers) if number > after]

    def ids_holding(self, attribute: str, key: Hashable) -> Set[int]:
        """Ids of the entries with this value of an indexed attribute."""
        return self._index.get((attribute, key), frozenset())

    def holding(self, attribute: str, key: Hashable) -> list[Entry]:
        """Entries with this value of an indexed attribute, oldest first."""
        return self.numbered(self.ids_holding(attribute, key))

    def groups_of(self, entry: Entry) -> list[Entry]:
        """The groupOfNames that list this entry, as the overlay memberof sees them."""
        groups = self.holding("member", entry.dn.key)
        return [each for each in groups if "groupofnames" in each.attributes["objectclass"].values]

    def insert(self, dn: Dn, attributes: Mapping[str, Attribute]) -> Entry:
        self._last_id += 1
        entry = Entry(self._last_id, dn, attributes)
        self._ids.append(entry.id)
        self._place(entry)
        self._reindex(entry.id, {}, attributes)
        return entry

    def update(self, entry: Entry, attributes: Mapping[str, Attribute]) -> Entry:
        """The entry with other attributes, under the same name."""
        changed = replace(entry, attributes=attributes)
        self._by_key[entry.dn.key] = self._by_id[entry.id] = changed
        self._reindex(entry.id, entry.attributes, attributes)
        return changed

    def remove(self, entry: Entry) -> None:
        self._displace(entry)
        del self._by_id[entry.id]
        del self._ids[bisect.bisect_left(self._ids, entry.id)]
        self._reindex(entry.id, entry.attributes, {})

    def rename(self, entry: Entry, to: Dn) -> list[tuple[Dn, Dn]]:
        """Gives the entry, and all below it, a new name; old and new names, topmost first."""
        moved: list[tuple[Dn, Dn]] = []
        old = entry.dn
        for each in sorted(self.below(old), key=lambda below: len(below.dn.above)):
            name = to if each.dn.key == old.key else self._schema.dn(each.dn.text.removesuffix(old.text) + to.text)
            self._displace(each)
            self._place(replace(each, dn=name))
            moved.append((each.dn, name))
        return moved

    def below(self, base: Dn) -> Iterable[Entry]:
        """The entry itself and all below it."""
        if not self.has_children(base.key):
            return [self._by_key[base.key]]
        return [each for each in self.entries() if each.dn.under(base.key)]

    def _place(self, entry: Entry) -> None:
        self._by_key[entry.dn.key] = self._by_id[entry.id] = entry
        self._children[entry.dn.parent] = self._children.get(entry.dn.parent, 0) + 1

    def _displace(self, entry: Entry) -> None:
        del self._by_key[entry.dn.key]
        self._children[entry.dn.parent] -= 1

    def _reindex(self, number: int, old: Mapping[str, Attribute], new: Mapping[str, Attribute]) -> None:
        self.with_options.update(name.partition(";")[0] for name in new if ";" in name)
        for name in INDEXED & (old.keys() | new.keys()):
            before, after = old.get(name), new.get(name)
            if before is after:
                continue
            gone, come = ((_NO_VALUES if each is None else each.values).keys() for each in (before, after))
            for key in gone - come:
                found = self._index[name, key]
                found.discard(number)
                if not found:
                    del self._index[name, key]
            for key in come - gone:
                self._index.setdefault((name, key), set()).add(number)
