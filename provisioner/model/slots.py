"""The credentials that the files say services shall have, one `Slot` each: `slots_of`.

Pure. What is said wrongly is told when the files are loaded; here it is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any

from provisioner.model.access import DeclaredAccess
from provisioner.model.identity import Identity
from provisioner.model.instant import parse_duration
from provisioner.model.slot import DEFAULT_OVERLAP, Delivery, Names, Slot


def slots_of(declared: DeclaredAccess, kinds: Mapping[str, Mapping[str, Names]]) -> tuple[Slot, ...]:
    """Of all services, in order. `kinds` has by provider what its targets issue, with the usual names."""
    found = [s for i in declared.identities.values() for s in _of(i, declared, kinds)]
    return tuple(sorted(found, key=lambda s: (s.target, s.service, s.kind)))


def split(to: str, stores: Collection[str], targets: Collection[str]) -> tuple[str, str] | None:
    """`vault/site/aws` into the store or target that it names and the place there; the longest name counts."""
    parts = to.split("/")
    for count in range(len(parts), 0, -1):
        name = "/".join(parts[:count])
        if name in stores or name in targets:
            return name, "/".join(parts[count:])
    return None


def _of(identity: Identity, declared: DeclaredAccess, kinds: Mapping[str, Mapping[str, Names]]) -> Iterator[Slot]:
    if identity.credentials is None:
        return
    block = identity.credentials
    for name, by_kind in block.data.items():
        target = declared.targets.get(name)
        if target is None or not isinstance(by_kind, Mapping):
            continue
        for kind, said in by_kind.items():
            usual = kinds.get(target.provider, {}).get(kind)
            if usual is None or not isinstance(said, Mapping):
                continue
            deliveries = []
            for index, one in enumerate(said.get("deliver_to", ())):
                where = split(one["to"], declared.stores.data, declared.targets)
                if where is not None:
                    names = names_of(one.get("as"), usual)
                    at = block.at(name, kind, "deliver_to", index)
                    deliveries.append(Delivery(one["to"], where[0], where[1] or identity.id, names, at))
            yield Slot(
                identity.id,
                name,
                kind,
                _duration(said.get("rotate_after")),
                _duration(said.get("overlap")) or DEFAULT_OVERLAP,
                tuple(deliveries),
                block.at(name, kind),
            )


def names_of(said: Any, usual: Names) -> Names:
    """What `as` says: one name for all of it, names by part, or nothing, and then the usual ones."""
    if isinstance(said, str):
        return Names(whole=said)
    if isinstance(said, Mapping):
        return Names(user=said.get("user"), secret=said.get("secret"))
    return usual


def _duration(text: Any) -> timedelta | None:
    return parse_duration(text) if isinstance(text, str) else None
