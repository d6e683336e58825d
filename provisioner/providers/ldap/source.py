"""Reading who is in a directory, for the access files to follow: people with what is told of them elsewhere, groups.

The same searches as those of a target, with the source's own filter and attributes. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from provisioner.contract import Listing
from provisioner.model.address import Kind
from provisioner.model.coverage import Scope
from provisioner.model.source import Source
from provisioner.providers.ldap import convert, dn
from provisioner.providers.ldap.calls import ReadCalls
from provisioner.providers.ldap.convert import Entry
from provisioner.providers.ldap.read import Gathered, LdapReader

_ID = "entryUUID"
_AT_ONCE = 50
"""How many ids one search asks for."""


class LdapSource:
    """`provisioner.contract.SourceReader` for one directory."""

    def __init__(self, target: str, people: str, groups: str, calls: ReadCalls, source: Source) -> None:
        self._calls = calls
        self._base = people
        self._filter = f"(&{convert.ACCOUNT_FILTER}{source.filter})" if source.filter else convert.ACCOUNT_FILTER
        self._disabled = source.disabled
        self._more = source.attributes.named
        self._reader = _People(target, people, groups, calls, self._filter, self._more)

    def system(self) -> str:
        return self._reader.system()

    def close(self) -> None:
        self._calls.close()

    def people(self, *, groups: bool) -> Listing:
        kinds = (Kind.ACCOUNT, Kind.GROUP, Kind.MEMBERSHIP) if groups else (Kind.ACCOUNT,)
        reading = self._reader.read(frozenset(Scope(kind) for kind in kinds))
        values = {}
        for entry in self._reader.found:
            native = entry.first(_ID)
            if native is not None and groups:
                values[native] = {name: tuple(told) for name in self._more if (told := entry.texts(name))}
        off: frozenset[str] = frozenset()
        if self._disabled is not None:
            found = self._calls.search(self._base, f"(&{self._filter}{self._disabled})", (_ID,))
            off = frozenset(native for e in found if (native := e.first(_ID)) is not None)
        return Listing(reading, values, off, self._calls.count)

    def there(self, ids: Collection[str]) -> frozenset[str]:
        asked, found = sorted(ids), set[str]()
        for start in range(0, len(asked), _AT_ONCE):
            part = "".join(f"({_ID}={dn.escape_filter(native)})" for native in asked[start : start + _AT_ONCE])
            for entry in self._calls.search(self._base, f"(&{self._filter}(|{part}))", (_ID,)):
                found.update(entry.texts(_ID))
        return frozenset(found)


class _People(LdapReader):
    """The reader of a target that finds people by another filter, and keeps their entries as they came."""

    def __init__(
        self, target: str, people: str, groups: str, calls: ReadCalls, filter_: str, more: Sequence[str]
    ) -> None:
        super().__init__(target, people, groups, calls)
        self.found: list[Entry] = []
        self._filter, self._more = filter_, more

    def _gather(self, base: str, filter_: str, attributes: Sequence[str]) -> Gathered:
        if filter_ != convert.ACCOUNT_FILTER:
            return super()._gather(base, filter_, attributes)
        wanted = dict.fromkeys((*attributes, *self._more))
        gathered = super()._gather(base, self._filter, tuple(wanted))
        self.found = gathered.entries
        return gathered

    def _check_own_entry(self, people: Gathered) -> None:
        """A filter may leave us out ourselves: then our absence says nothing about what a rule hides."""
        if self._filter == convert.ACCOUNT_FILTER:
            super()._check_own_entry(people)
