"""What changes in access between two revisions of the files, and whose approval each change needs. Pure.

Compares what is written, entry by entry: another order, other comments, another file for the same entry are no change.
Owners are those of the base revision. What gives needs the owner of the role and of each environment that it reaches;
what takes away needs any one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from provisioner.ask.approvers import Approvers
from provisioner.ask.spans import Span, covers, united
from provisioner.diagnostics import Location
from provisioner.load.contents import Entry
from provisioner.model.access import DeclaredAccess
from provisioner.model.approval import AccessChange, Approvals, Need
from provisioner.model.assignment import Assignment
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant, format_instant
from provisioner.resolve.roles import environments_held
from provisioner.resolve.time import window

Entries = Mapping[tuple[str, str], Entry]
_Held = tuple[str, str | None]
"""A role, and an environment that it is held in (None: in none)."""
_HOLDERS = ("people", "services")
_TIME = frozenset({"roles", "from", "until", "suspended", "name"})
"""Keys of a person that are told as what they hold, or that give nothing."""


@dataclass(frozen=True)
class Revision:
    """One side: what it declares, and its entries as they are written."""

    declared: DeclaredAccess
    entries: Entries


def approvals(
    base: Revision,
    head: Revision,
    name: str,
    now: Instant,
    *,
    wrote: Collection[str] = (),
    judging: Revision | None = None,
) -> Approvals:
    """Everything that changes from `base` (called `name`) to `head`. `wrote` are the people who wrote it, and do not
    approve it. `judging` says who owns what, where that is not `base`."""
    found = list(_Comparing(base, head, now, judging or base, wrote).changes())
    found.sort(key=lambda c: (c.place.file, c.place.line, c.place.column, c.what))
    return Approvals(name, tuple(found))


class _Comparing:
    def __init__(self, base: Revision, head: Revision, now: Instant, judging: Revision, wrote: Collection[str]) -> None:
        self.base, self.head, self.now = base, head, now
        self.approvers = Approvers(judging.declared, now, judging.entries, wrote)
        self.after = Approvers(head.declared, now, head.entries)

    def changes(self) -> Iterator[AccessChange]:
        renamed = self._renamed()
        for key in sorted({*self.base.entries, *self.head.entries}):
            section, name = key
            before, after = self.base.entries.get(key), self.head.entries.get(key)
            if before is not None and after is not None and before.data == after.data:
                continue
            if section in _HOLDERS:
                if before is not None and after is None and name in renamed:
                    continue  # told with the new id
                told = self._identity(name, before, after)
                entries = [key, *((section, old) for old, new in renamed.items() if new == name)]
            else:
                told = (
                    self._role(name, before, after) if section == "roles" else self._other(section, name, before, after)
                )
                entries = [key]
            for change in told:
                yield replace(change, entries=tuple(entries))

    # -- people and services

    def _renamed(self) -> dict[str, str]:
        """Earlier ids by those who are new under another. Who was there before takes nobody's place."""
        known = self.base.declared.identities
        return {old: i.id for i in self.head.declared.identities.values() if i.id not in known for old in i.was}

    def _identity(self, name: str, before: Entry | None, after: Entry | None) -> Iterator[AccessChange]:
        here = self.head.declared.identities.get(name) if after is not None else None
        old_names = [name, *(here.was if here is not None else ())]
        there = next((i for n in old_names if (i := self.base.declared.identities.get(n)) is not None), None)
        entry = after or before
        assert entry is not None
        had, has = self._held(there), self._held(here)
        lost: list[_Held] = []
        gained: dict[tuple[str, bool, Instant | None], list[str | None]] = {}
        for held in sorted({*had, *has}, key=lambda h: (h[0], h[1] or "")):
            was, now = had.get(held, ()), has.get(held, ())
            if not covers(was, now):
                gained.setdefault((held[0], bool(was), now[-1][1]), []).append(held[1])
            elif not covers(now, was):
                lost.append(held)
        for (role, longer, end), environments in gained.items():
            place = self._line(here, role) or entry.place()
            yield self._gain(name, role, [e for e in environments if e is not None], longer, end, place)
        if lost:
            yield self._loss(name, lost, gone=here is None, entry=entry)
        before = before or (self.base.entries.get((entry.section, there.id)) if there is not None else None)
        if here is not None:
            yield from self._own_keys(name, before, after, there, here)

    def _held(self, identity: Identity | None) -> dict[_Held, tuple[Span, ...]]:
        """When which role is held in which environment. Where a role stands in both revisions its environments are
        those it has afterwards: that they change is told once, with the role."""
        found: dict[_Held, list[Span]] = {}
        if identity is None or identity.suspended is not None:
            return {}
        for assignment in identity.roles:
            span = window(identity, assignment.starts, assignment.until)
            for environment in self._environments(assignment):
                found.setdefault((assignment.role, environment), []).append(span)
        return {key: whole for key, spans in found.items() if (whole := united(spans, self.now))}

    def _environments(self, assignment: Assignment) -> Iterable[str | None]:
        declared = self.head.declared if assignment.role in self.head.declared.roles else self.base.declared
        role = declared.roles.get(assignment.role)
        if role is None:
            return assignment.environments or (None,)
        return environments_held(role, assignment, declared.environments) or (None,)

    def _gain(
        self, name: str, role: str, environments: list[str], longer: bool, end: Instant | None, place: Location
    ) -> AccessChange:
        needs = [self.approvers.of_role(role, [name])]
        needs += [n for e in environments if (n := self.approvers.of_environment(e, [name])) is not None]
        what = f"{name} {'holds' if longer else 'gains'} {role}{_in(environments)}{' longer' if longer else ''}"
        if end is not None:
            what += f", until {format_instant(end)}"
        return AccessChange(what, "widens", name, role, tuple(environments), place, tuple(needs), frozenset({name}))

    def _loss(self, name: str, lost: list[_Held], *, gone: bool, entry: Entry) -> AccessChange:
        needs = [self.approvers.of_role(role, [name]) for role, _ in lost]
        environments = sorted({e for _, e in lost if e is not None})
        needs += [n for e in environments if (n := self.approvers.of_environment(e, [name])) is not None]
        by_role: dict[str, list[str]] = {}
        for role, environment in lost:
            by_role.setdefault(role, []).extend([environment] if environment is not None else [])
        told = ", ".join(f"{role}{_in(held)}" for role, held in by_role.items())
        verb = "leaves, and loses" if gone else "loses, or holds shorter,"
        return AccessChange(
            f"{name} {verb} {told}",
            "narrows",
            name,
            None,
            tuple(environments),
            entry.place(),
            (self.approvers.one_of(needs, [name], narrows=True),),
            frozenset({name}),
        )

    def _own_keys(
        self, name: str, before: Entry | None, after: Entry | None, there: Identity | None, here: Identity
    ) -> Iterator[AccessChange]:
        """Logins, e-mail and earlier ids decide whose accounts are whose; a service's keys what it can do."""
        if after is None or (before is None and here.kind is IdentityKind.PERSON):
            return  # who is new has nothing but their roles
        keys = sorted(k for k in {*_keys(before), *_keys(after)} - _TIME if _value(before, k) != after.value(k))
        if not keys:
            return
        earlier = [i for n in here.was if (i := self.base.declared.identities.get(n)) is not None]
        who = [name, *(i.id for i in earlier)]
        if here.kind is IdentityKind.SERVICE:
            owners = there.owners if there is not None else ()
            need = self.approvers.need(f"service {name}", owners, who)
        else:
            roles = dict.fromkeys(a.role for i in (there, here, *earlier) if i is not None for a in i.roles)
            needs = [self.approvers.of_role(r, who) for r in roles] or [self.approvers.need(f"person {name}", (), who)]
            need = self.approvers.one_of(needs, who)
        more = self._of_all_it_holds(here, who) if before is not None and "identity" in keys else ()
        what = f"{name}: {_and(keys)} changed"
        yield AccessChange(
            what,
            "changes",
            name,
            None,
            (),
            after.place(keys[0]),
            tuple(dict.fromkeys((need, *more))),
            frozenset(who),
        )

    def _of_all_it_holds(self, here: Identity, who: list[str]) -> Iterator[Need]:
        """Another pipeline than before is to have everything that a service without keys holds."""
        for held in here.roles:
            yield self.approvers.of_role(held.role, who)
            for environment in self._environments(held):
                if environment is not None and (need := self.approvers.of_environment(environment, who)) is not None:
                    yield need

    @staticmethod
    def _line(identity: Identity | None, role: str) -> Location | None:
        return next((a.location for a in identity.roles if a.role == role), None) if identity is not None else None

    # -- roles

    def _role(self, name: str, before: Entry | None, after: Entry | None) -> Iterator[AccessChange]:
        entry = after or before
        assert entry is not None
        keys = sorted(k for k in {*_keys(before), *_keys(after)} if _value(before, k) != _value(after, k))
        gains = self.after.holders(name) if after is not None else frozenset()
        needs: list[Need | None] = []
        if before is not None:
            needs.append(self.approvers.of_role(name, gains, all_gain=True))
        environments = self._reached(keys, before, after)
        needs += [self.approvers.of_environment(e, gains, all_gain=True) for e in environments]
        for included in sorted(set(_listed(after, "includes")) - set(_listed(before, "includes"))):
            needs.append(self.approvers.of_role(included, gains, all_gain=True))
        for target in self._given(before, after):
            if not self.approvers.owners_of_target(target):
                continue  # then the role's owners decide alone
            needs.append(self.approvers.of_target(target, gains, all_gain=True))
        known = tuple(dict.fromkeys(n for n in needs if n is not None))
        if not known:
            known = (self.approvers.need(f"role {name}", (), gains, all_gain=True),)
        what = f"role {name} is new" if before is None else f"role {name} is gone" if after is None else ""
        yield AccessChange(
            what or f"role {name}: {_and(keys)} changed",
            "narrows" if after is None else "changes" if before is not None else "widens",
            None,
            name,
            tuple(environments),
            entry.place(keys[0]) if before is not None and after is not None and keys else entry.place(),
            known,
            gains,
        )

    def _reached(self, keys: list[str], before: Entry | None, after: Entry | None) -> list[str]:
        """The environments that it reaches anew; where it gives something else, all that it has."""
        now, was = set(_listed(after, "environments")), set(_listed(before, "environments"))
        gives_else = {"grants", "includes"} & set(keys) and after is not None
        return sorted(now if gives_else else now - was)

    def _given(self, before: Entry | None, after: Entry | None) -> list[str]:
        """The targets on which it gives something that it did not give."""
        was, now = _value(before, "grants"), _value(after, "grants")
        known = was if isinstance(was, dict) else {}
        return sorted(t for t, block in (now.items() if isinstance(now, dict) else ()) if known.get(t) != block)

    # -- everything else

    def _other(self, section: str, name: str, before: Entry | None, after: Entry | None) -> Iterator[AccessChange]:
        entry = after or before
        assert entry is not None
        needs: list[Need | None]
        environments: tuple[str, ...] = ()
        if section == "environments":
            needs = [self.approvers.need(f"environment {name}", self.approvers.owners(section, name), ())]
            environments = (name,)
        elif section == "targets":
            environments = tuple(self._labels(name))
            needs = [self.approvers.of_target(name), *(self.approvers.of_environment(e) for e in environments)]
        elif section == "sources":
            needs = [self.approvers.need(f"source {name}", self.approvers.owners(section, name), ())]
        elif section == "pipelines":
            owners = self.approvers.owners(section, name)
            environments = tuple(sorted({*_below(before, "deploys"), *_below(after, "deploys")}))
            needs = [self.approvers.need(f"pipeline {name}", owners, ())]
            needs += [self.approvers.of_environment(e) for e in environments]
            needs += self._scope(before, after)
        else:
            needs = [self.approvers.of_guardrails("guardrails")]
        thing = f"{_SINGULAR.get(section, section)} {name}".strip()
        keys = sorted(k for k in {*_keys(before), *_keys(after)} if _value(before, k) != _value(after, k))
        how = "is new" if before is None else "is gone" if after is None else ""
        yield AccessChange(
            f"{thing} {how}" if how else f"{thing}: {_and(keys)} changed",
            "changes",
            None,
            None,
            environments,
            entry.place() if how or not keys else entry.place(keys[0]),
            tuple(dict.fromkeys(n for n in needs if n is not None)),
        )

    def _scope(self, before: Entry | None, after: Entry | None) -> Iterator[Need | None]:
        """What the runs of a pipeline may be given anew: for that the owners of each role answer, and of all its
        environments; for another role on a target, the target's. Where the runs are of other code now, all of it is
        new; for whom they run as by schedule, that service's owners answer."""
        moved = any(_value(before, key) != _value(after, key) for key in _WHOSE_CODE)
        for role in sorted(set(_listed(after, "scope")) - set(() if moved else _listed(before, "scope"))):
            yield self.approvers.of_role(role)
            known = self.head.declared.roles.get(role) or self.base.declared.roles.get(role)
            yield from (self.approvers.of_environment(e) for e in sorted(known.environments if known else ()))
        service = _value(after, "schedules")
        if isinstance(service, str) and service != _value(before, "schedules"):
            yield self.approvers.need(f"service {service}", self.approvers.owners("services", service), ())
        was, now = _value(before, "assume"), _value(after, "assume")
        for target in sorted(now if isinstance(now, dict) else ()):
            known_before = was.get(target) if isinstance(was, dict) else None
            if known_before != now[target] and self.approvers.owners_of_target(target):
                yield self.approvers.of_target(target)

    def _labels(self, family: str) -> Iterator[str]:
        """The environments whose things are declared otherwise than before."""
        found: set[str] = set()
        sides = [{t.name: t for t in side.declared.family(family)} for side in (self.base, self.head)]
        for name in {*sides[0], *sides[1]}:
            before, after = sides[0].get(name), sides[1].get(name)
            found |= {t.environment for t in (before, after) if t is not None and t.environment is not None}
            labels = {**(after.object_environments if after else {}), **(before.object_environments if before else {})}
            for (section, thing), label in labels.items():
                told = [
                    (t.objects.data.get(section, {}).get(thing), t.object_environments.get((section, thing)))
                    for t in (before, after)
                    if t is not None
                ]
                if len(told) < 2 or told[0] != told[1]:
                    found |= {label, *(e for _, e in told if e is not None)}
        yield from sorted(found)


_WHOSE_CODE = ("repository", "workflow", "circleci", "github", "gitlab", "jenkins", "bamboo", "cloudbees")
"""What of a pipeline's entry says which runs are meant."""
_SINGULAR = {
    "environments": "environment",
    "targets": "target",
    "pipelines": "pipeline",
    "stores": "store",
    "sources": "source",
}


def _keys(entry: Entry | None) -> Iterable[str]:
    return entry.data.keys() if entry is not None and isinstance(entry.data, dict) else ()


def _value(entry: Entry | None, key: str) -> Any:
    return entry.value(key) if entry is not None else None


def _listed(entry: Entry | None, key: str) -> list[str]:
    found = _value(entry, key)
    return [str(v) for v in found] if isinstance(found, list) else []


def _below(entry: Entry | None, key: str) -> list[str]:
    found = _value(entry, key)
    return list(found) if isinstance(found, dict) else []


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _in(environments: list[str]) -> str:
    return f" in {_and(environments)}" if environments else ""
