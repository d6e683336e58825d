"""Declared access to what should exist, one `Desired` per target.

Role blocks are expanded once per role, environments and target, and stamped for every holder: with ten thousand people
that is what keeps a plan quick. What only few are asked about (on whose word somebody holds something) is worked out
when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from provisioner.contract import Combines, Declare, HoldsEnds, Trusts
from provisioner.diagnostics import Location
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind, address_of
from provisioner.model.assignment import Assignment
from provisioner.model.desired import Because, Desired, Over
from provisioner.model.identity import Identity, IdentityKind, is_keyless
from provisioner.model.instant import Instant
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import NOTHING, Resource
from provisioner.model.role import GrantBlock
from provisioner.model.target import AccountsPolicy, Target
from provisioner.model.way import DIRECT
from provisioner.resolve.blocks import block_for
from provisioner.resolve.roles import Roles, environments_held
from provisioner.resolve.time import Span, When, carried_on, earliest, latest, when, window

_WHO = "\x00who"
_DIRECTLY = (DIRECT,)
_NOW = When.NOW


@dataclass(frozen=True, slots=True)
class _Template:
    resource: Resource
    path: tuple[str, ...]
    environments: frozenset[str]
    grant: Location


_Bundle = list[tuple[str, list[_Template]]]


def desire(
    declared: DeclaredAccess,
    declares: Mapping[str, Declare],
    now: Instant | None,
    *,
    only: Iterable[Identity] | None = None,
) -> dict[str, Desired]:
    """What each target in `declares` should hold at `now`; with `now=None` at any time at all (for past revisions).
    `only` limits it to some identities; groups and controls are always there.
    """
    resolver = Resolver(declared, declares, now)
    return resolver.resolve(declared.identities.values() if only is None else only, things=True)


class Resolver:
    """Resolves the identities of one state of the files, all or some of them."""

    def __init__(self, declared: DeclaredAccess, declares: Mapping[str, Declare], now: Instant | None) -> None:
        self._declared = declared
        self._declares = declares
        self._now = now
        self._roles = Roles(declared)
        self._families: dict[str, list[Target]] = {}
        self._out: dict[str, Desired] = {}
        self._floating: dict[str, set[Address]] = {}
        self._following: dict[str, dict[Address, list[Span]]] = {}
        self._holding = {name: d for name, d in declares.items() if isinstance(d, HoldsEnds)}
        for name, target in declared.targets.items():
            if name in declares:
                self._families.setdefault(target.family, []).append(target)
        self._begin()
        self._expanded: dict[tuple[int, frozenset[str], str], tuple[Resource, ...]] = {}
        self._bundles: dict[tuple[str, tuple[str, ...] | None], _Bundle] = {}

    @property
    def declared(self) -> DeclaredAccess:
        return self._declared

    def target(self, name: str) -> Target:
        """The target as this state of the files is read for it."""
        return self._declared.targets[name]

    def _begin(self) -> None:
        self._out = {t.name: Desired(t) for family in self._families.values() for t in family}
        self._floating, self._following = {}, {}

    def resolve(self, identities: Iterable[Identity], *, things: bool = False) -> dict[str, Desired]:
        """What these should hold; with `things` also the groups and controls that there should be."""
        self._begin()
        if things:
            self._things()
        for identity in identities:
            if self._now is not None and identity.departed_at(self._now):
                continue
            self._holdings(identity)
        out = self._out
        for name, desired in out.items():
            declare = self._holding.get(name)
            if declare is not None:
                resources = desired.state.resources
                floating = self._floating.get(name, ())
                for address, spans in self._following.get(name, {}).items():
                    if (given := resources.get(address)) is not None:  # what follows at once is no end for the system
                        resources[address] = replace(given, until=carried_on(given.until, spans))
                bounded = [r for a, r in resources.items() if r.until is not None and a not in floating]
                resources.update((r.address, declare.with_end(r)) for r in bounded)
            desired.because = _Reasons(self, name, desired.logins)
        return out

    def _things(self) -> None:
        """Groups and controls: what targets declare, and what any role names in any of its environments."""
        for name, out in self._out.items():
            for resource in self._declares[name].declared():
                told = self._declares[name].unsupported(resource)
                if told is not None:
                    out.unsupported.append(told)
                    continue
                out.state.resources[resource.address] = resource
                out.explicit.add(resource.address)
                self._note_managed(out, resource)
        for role in self._declared.roles.values():
            for grant in role.grants:
                for target in self._instances(grant):
                    for resource in self._expand(grant, frozenset(role.environments), target):
                        out = self._out[target.name]
                        self._note_managed(out, resource)
                        if resource.address.principal is None or resource.address.principal.id != _WHO:
                            self._add_thing(out, resource)

    def _add_thing(self, out: Desired, resource: Resource) -> None:
        known = out.state.resources.get(resource.address)
        if known is None:
            out.state.resources[resource.address] = resource
        elif not set(resource.sources) <= set(known.sources):
            merged = tuple(sorted({*known.sources, *resource.sources}))
            out.state.resources[resource.address] = replace(known, sources=merged)

    def _note_managed(self, out: Desired, resource: Resource) -> None:
        address = resource.address
        out.managed.add((address.kind, address.object))
        if address.kind is Kind.GROUP:
            out.managed.add((Kind.MEMBERSHIP, address.object))

    def _instances(self, grant: GrantBlock) -> list[Target]:
        found = self._families.get(grant.target, [])
        if not grant.where:
            return found
        return [t for t in found if all(t.labels.get(k) == v for k, v in grant.where.items())]

    def _expand(self, grant: GrantBlock, environments: frozenset[str], target: Target) -> tuple[Resource, ...]:
        key = (id(grant), environments, target.name)
        found = self._expanded.get(key)
        if found is None:
            declare = self._declares[target.name]
            block = block_for(grant.block, environments, target, declare)
            resources: list[Resource] = []
            if block is not None:
                who = Principal(target.name, PrincipalKind.PERSON, _WHO)
                for resource in declare.expand(block, who):
                    told = declare.unsupported(resource)
                    if told is not None:
                        self._out[target.name].unsupported.append(told)
                        continue
                    sources = resource.sources or (grant.location,)
                    resources.append(declare.canonical(replace(resource, sources=sources)))
            found = self._expanded[key] = tuple(resources)
        return found

    def _bundle(self, assignment: Assignment) -> list[tuple[str, list[_Template]]]:
        """What one assignment gives, by target: the same for everybody who has that line."""
        key = (assignment.role, assignment.environments)
        found = self._bundles.get(key)
        if found is not None:
            return found
        by_target: dict[str, list[_Template]] = {}
        reached = self._roles.reached_from(assignment.role)
        own = environments_held(reached[0][0], assignment, self._declared.environments) if reached else frozenset()
        for role, path in reached:
            held = own & frozenset(role.environments)
            for grant in role.grants:
                for target in self._instances(grant):
                    for resource in self._expand(grant, held, target):
                        if resource.address.principal is not None and resource.address.principal.id == _WHO:
                            template = _Template(resource, path, held, grant.location)
                            by_target.setdefault(target.name, []).append(template)
        found = self._bundles[key] = list(by_target.items())
        return found

    def _holdings(self, identity: Identity) -> None:
        kind = PrincipalKind.PERSON if identity.kind is IdentityKind.PERSON else PrincipalKind.SERVICE
        has_account: dict[str, Principal] = {}
        bounded = identity.starts is not None or identity.until is not None
        for assignment in identity.roles:
            starts, until, at = None, None, _NOW
            if bounded or assignment.starts is not None or assignment.until is not None:
                starts, until = window(identity, assignment.starts, assignment.until)
                at = _NOW if self._now is None else when(starts, until, self._now)
            for name, templates in self._bundle(assignment):
                who = has_account.get(name) or Principal(name, kind, identity.login_on(name))
                out = self._out[name]
                if at is _NOW:
                    has_account[name] = who
                    if assignment.floats:  # reviewed before anybody knows the end, which so cannot be part of it
                        floating = (t.resource.address._replace(principal=who) for t in templates)
                        self._floating.setdefault(name, set()).update(floating)
                    self._hold(out, who, templates, assignment, starts, until)
                    continue
                for template in templates:
                    address = template.resource.address._replace(principal=who)
                    if at is When.LATER and starts is not None:
                        known = out.later.get(address)
                        if known is None or starts < known[0]:
                            out.later[address] = (starts, identity.id)
                        if name in self._holding:
                            self._following.setdefault(name, {}).setdefault(address, []).append((starts, until))
                    elif at is When.OVER and until is not None:
                        out.over[address] = Over(until, identity.id, (assignment.location, *template.resource.sources))
        for name, who in has_account.items():
            self._account(self._out[name], identity, who)

    def _hold(
        self,
        out: Desired,
        who: Principal,
        templates: list[_Template],
        assignment: Assignment,
        starts: Instant | None,
        until: Instant | None,
    ) -> None:
        """The inner loop of resolving: once for everything that anybody holds."""
        line, resources = assignment.location, out.state.resources
        for template in templates:
            given = template.resource
            target, kind, thing, _, slot = given.address
            address = address_of((target, kind, thing, who, slot))
            sources = (line, *given.sources)
            held = Resource(address, given.attributes, _DIRECTLY, sources, starts, until)
            known = resources.setdefault(address, held)
            if known is held:
                continue
            if known.attributes != held.attributes:
                known, held = self._combined(out, known, held)
                starts, until = held.starts, held.until
            resources[address] = replace(
                known,
                sources=tuple(dict.fromkeys((*known.sources, *sources))),
                starts=earliest(known.starts, starts),
                until=latest(known.until, until),
            )

    def _combined(self, out: Desired, one: Resource, other: Resource) -> tuple[Resource, Resource]:
        """Two lines that give one thing at different levels: the stronger, for as long as that one lasts."""
        declare = self._declares[out.target.name]
        if not isinstance(declare, Combines):
            return one, other
        attributes = declare.combine(one.attributes, other.attributes)
        if attributes == other.attributes:
            return replace(one, attributes=attributes, starts=other.starts, until=other.until), other
        if attributes == one.attributes:
            return one, replace(other, starts=one.starts, until=one.until)
        return replace(one, attributes=attributes), other

    def _account(self, out: Desired, identity: Identity, who: Principal) -> None:
        declare = self._declares[out.target.name]
        resource = declare.canonical(declare.account(identity, who.id))
        told = declare.unsupported(resource) if out.target.accounts is AccountsPolicy.CREATE else None
        if told is not None:  # without an account nothing of theirs can be
            place = told.location or identity.location
            out.unsupported.append(replace(told, location=place, target=out.target.name))
            out.impossible.add(identity.id)
        suspended = identity.suspended
        enabled = not (suspended and (self._now is None or suspended.since <= self._now))
        existing = out.target.accounts is AccountsPolicy.EXISTING
        if existing or resource.attributes.get("enabled") is not enabled or not resource.sources:
            attributes = NOTHING if existing else {**resource.attributes, "enabled": enabled}
            sources = resource.sources or (identity.location,)
            resource = Resource(resource.address, attributes, _DIRECTLY, sources)
        out.logins[who.id] = identity
        out.state.resources[resource.address] = resource
        if is_keyless(who.id) and isinstance(declare, Trusts):
            for found in declare.trusts(identity, who):
                out.state.resources[found.address] = replace(declare.canonical(found), until=identity.until)

    def reasons(self, target: str, identity: Identity) -> Iterator[tuple[Address, Because]]:
        """On whose word `identity` should hold what it should hold now, address by address."""
        for assignment in identity.roles:
            if self._now is not None:
                starts, until = window(identity, assignment.starts, assignment.until)
                if when(starts, until, self._now) is not When.NOW:
                    continue
            for name, templates in self._bundle(assignment):
                if name == target:
                    for t in templates:
                        yield t.resource.address, Because(t.path, assignment, t.environments, t.grant)


class _Reasons(Mapping[Address, tuple[Because, ...]]):
    """`Desired.because`: by holder, worked out when one of their addresses is asked for."""

    def __init__(self, resolver: Resolver, target: str, logins: Mapping[str, Identity]) -> None:
        self._resolver, self._target, self._logins = resolver, target, logins
        self._known: dict[str, dict[Address, tuple[Because, ...]]] = {}

    def _of(self, login: str) -> Mapping[Address, tuple[Because, ...]]:
        found = self._known.get(login)
        if found is None:
            identity = self._logins.get(login)
            found = self._known[login] = {}
            if identity is not None:
                kind = PrincipalKind.PERSON if identity.kind is IdentityKind.PERSON else PrincipalKind.SERVICE
                who = Principal(self._target, kind, login)
                for held, because in self._resolver.reasons(self._target, identity):
                    address = held._replace(principal=who)
                    found[address] = (*found.get(address, ()), because)
        return found

    def __getitem__(self, address: Address) -> tuple[Because, ...]:
        if address.principal is None:
            raise KeyError(address)
        return self._of(address.principal.id)[address]

    def __iter__(self) -> Iterator[Address]:
        return (address for login in self._logins for address in self._of(login))

    def __len__(self) -> int:
        return sum(len(self._of(login)) for login in self._logins)
