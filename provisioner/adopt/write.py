"""An adoption as edits of the access files: new people in files of their own, everything else added to what is there.

Refuses to overwrite. An edit adds what it is about; where that cannot be done without touching something else, it says
so, and nothing is written at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.adopt.adoption import Adoption, Person
from provisioner.adopt.found import Held
from provisioner.files import Edit
from provisioner.files.additions import Trees, added_to, merge, new_file, path_of, shown
from provisioner.load import Loaded
from provisioner.model.identity import IdentityKind
from provisioner.model.instant import format_instant

SECTIONS = {IdentityKind.PERSON: "people", IdentityKind.SERVICE: "services"}
SUSPENDED = "was switched off before these files were made"


def edits_for(adoption: Adoption, loaded: Loaded, access: Path) -> list[Edit]:
    """Roles first, then the target's things, then people: each part stands without those behind it."""
    trees: Trees = {}
    if adoption.roles:
        path = f"roles/{adoption.target.replace('/', '-')}.yaml"
        trees[path] = {"roles": {r.id: _role(r.environment, _grants(adoption, r.grants)) for r in adoption.roles}}
    if any(adoption.objects.values()):
        merge(trees, *_target(adoption, loaded))
    for person in adoption.people:
        if person.new:
            section = SECTIONS[person.kind]
            merge(trees, f"{section}/{person.id}.yaml", {section: {person.id: _newcomer(adoption.target, person)}})
        elif person.changes:
            identity = loaded.declared.identities[person.id]
            added = {SECTIONS[identity.kind]: {person.id: _more(adoption.target, person)}}
            merge(trees, path_of(loaded, identity.location), added)
    new = {f"{SECTIONS[p.kind]}/{p.id}.yaml" for p in adoption.people if p.new}
    return [_edit(path, tree, loaded, access, new=path in new) for path, tree in trees.items()]


def _edit(path: str, tree: Mapping[str, Any], loaded: Loaded, access: Path, *, new: bool) -> Edit:
    if path not in loaded.files or new:
        return new_file(path, tree, loaded, access)
    name = shown(loaded, path)
    return Edit(access / path, name, loaded.files[path], added_to(loaded.files[path], name, tree))


def _target(adoption: Adoption, loaded: Loaded) -> tuple[str, dict[str, Any]]:
    """Where the target is declared, and what is added to it: to the instance, where it is one."""
    target = loaded.declared.targets[adoption.target]
    family, slash, instance = adoption.target.partition("/")
    objects = {section: dict(entries) for section, entries in adoption.objects.items() if entries}
    body = {"instances": {instance: objects}} if slash else objects
    return path_of(loaded, target.location), {"targets": {family: body}}


def _grants(adoption: Adoption, block: Mapping[str, Any]) -> dict[str, Any]:
    return {adoption.target.partition("/")[0]: dict(block)}


def _role(environment: str | None, grants: dict[str, Any]) -> dict[str, Any]:
    return {"environments": [environment], "grants": grants} if environment is not None else {"grants": grants}


def _newcomer(target: str, person: Person) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if person.name is not None:
        said["name"] = person.name
    if person.email is not None:
        said["email"] = person.email
    if person.owners:
        said["owners"] = list(person.owners)
    if person.suspended is not None:
        since = format_instant(person.suspended.replace(microsecond=0))
        said["suspended"] = {"since": since, "reason": SUSPENDED}
    return said | _more(target, person) or {"roles": []}


def _more(target: str, person: Person) -> dict[str, Any]:
    said: dict[str, Any] = {}
    account = {k: v for k, v in (("login", person.login), ("id", person.pin)) if v is not None}
    if account:
        said["accounts"] = {target: account}
    if person.roles:
        said["roles"] = [_held(h) for h in person.roles]
    return said


def _held(held: Held) -> Any:
    if held.environment is None:
        return held.role
    said: dict[str, Any] = {"role": held.role, "environments": [held.environment]}
    return said | ({"reason": held.reason} if held.reason else {})
