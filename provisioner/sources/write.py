"""A proposal as edits of the access files: new people in files of their own, everything else where it stands.

All edits or none: where one would touch something that is not the source's, it says so, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from provisioner.files import Edit
from provisioner.files.additions import added_to, new_file, not_edited, path_of, shown
from provisioner.files.change import rename_key, set_text, take_out
from provisioner.files.cut import NotCutError, cut
from provisioner.load import Loaded
from provisioner.model.assignment import Assignment
from provisioner.model.source import Source
from provisioner.sources.proposal import Kind, Person, Proposal


def edits_for(proposal: Proposal, loaded: Loaded, access: Path) -> list[Edit]:
    """One edit for each file that changes. ProvisionError where one cannot be made."""
    return _Writing(proposal, loaded, access).edits()


class _Writing:
    def __init__(self, proposal: Proposal, loaded: Loaded, access: Path) -> None:
        self.proposal, self.loaded, self.access = proposal, loaded, access
        self.source = proposal.source
        self.files: dict[str, bytes | None] = {}
        self.new: list[Edit] = []

    def edits(self) -> list[Edit]:
        for person in self.proposal.people:
            if person.identity is None:
                entry = {"people": {person.id: _newcomer(person, self.source)}}
                self.new.append(new_file(f"people/{person.id}.yaml", entry, self.loaded, self.access))
            elif person.kind is Kind.LEAVES:
                self._change(self._file(person), partial(_without, person.id), f"take out {person.id}")
            else:
                self._person(person)
        self._source()
        changed = [
            Edit(self.access / path, shown(self.loaded, path), self.loaded.files[path], after)
            for path, after in self.files.items()
            if after != self.loaded.files[path]
        ]
        return [*changed, *self.new]

    def _person(self, person: Person) -> None:
        """What goes first: the places of lines are those of the file as it is."""
        path = self._file(person)
        below = ("people", person.id)
        if person.lines:
            said = "take out " + ", ".join(line_of(h) for h in person.loses)
            self._change(path, partial(take_out, path=(*below, "roles"), places=person.lines), said)
        for where, value in person.said.changed:
            self._change(path, partial(set_text, path=(*below, *where), value=value), f"{'.'.join(where)}: {value}")
        adds = dict(person.said.adds)
        assert person.identity is not None
        if person.binds and self.source.id not in person.identity.sources:
            adds["sources"] = [self.source.id]
        if person.gains:
            adds["roles"] = [assigned(g, self.source) for g in person.gains]
        if adds:
            data = self.files.get(path, self.loaded.files[path])
            assert data is not None
            self.files[path] = added_to(data, shown(self.loaded, path), {"people": {person.id: adds}})

    def _source(self) -> None:
        path = path_of(self.loaded, self.source.location)
        if self.proposal.pins:
            data = self.files.get(path, self.loaded.files[path])
            assert data is not None
            tree = {"sources": {self.source.id: self.proposal.pins}}
            self.files[path] = added_to(data, shown(self.loaded, path), tree)
        for old, new in self.proposal.renamed.items():
            where = ("sources", self.source.id, "groups", old)
            self._change(path, partial(rename_key, path=where, name=new), f"call the group {old} {new}")

    def _file(self, person: Person) -> str:
        assert person.identity is not None
        return path_of(self.loaded, person.identity.location)

    def _change(self, path: str, change: Callable[[str], str | None], said: str) -> None:
        data = self.files.get(path, self.loaded.files[path])
        assert data is not None
        try:
            after = change(data.decode())
        except (NotCutError, UnicodeDecodeError) as why:
            raise not_edited(shown(self.loaded, path), why, said) from None
        self.files[path] = None if after is None else after.encode()


def _without(who: str, text: str) -> str | None:
    return cut(text, "people", who)


def assigned(given: Assignment, source: Source) -> dict[str, Any]:
    """A line that a source gives."""
    said: dict[str, Any] = {"role": given.role}
    if given.environments is not None:
        said["environments"] = list(given.environments)
    if given.reason is not None:
        said["reason"] = given.reason
    return said | {"source": source.id}


def line_of(held: Assignment) -> str:
    """A role with where it is held, in words."""
    return held.role + (f" in {', '.join(held.environments)}" if held.environments else "")


def roles_of(held: Iterable[Assignment]) -> str:
    """Several of them."""
    return ", ".join(line_of(h) for h in held)


def _newcomer(person: Person, source: Source) -> dict[str, Any]:
    said = dict(person.said.adds)
    accounts = said.pop("accounts", None)
    said["sources"] = [source.id]
    if accounts:
        said["accounts"] = accounts
    said["roles"] = [assigned(g, source) for g in person.gains]
    return said
