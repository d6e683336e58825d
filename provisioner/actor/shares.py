"""What a run may be given: what whoever set it going holds in the environment now, and the pipeline's scope has too.

Pure. Never wider than any of them, in any of the states of the files that count. What a system cannot narrow to is
said, and then nothing is given at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import reduce
from typing import Any

from provisioner.actor.decide import Asked, Decision
from provisioner.contract import Declare, Mints, Narrows, Provider, Shared
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.assignment import Assignment
from provisioner.model.canonical import digest
from provisioner.model.desired import Desired
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant, parse_duration
from provisioner.model.resource import Resource
from provisioner.model.target import Mode, Target
from provisioner.resolve.desired import Resolver
from provisioner.resolve.roles import Roles, environments_held

MAX = timedelta(hours=1)
"""The longest run of a pipeline that does not say `max_duration`."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who a run is for: all of `people` set it going. `pipeline` is its entry under `pipelines:`."""

    asked: Asked
    people: tuple[str, ...]
    pipeline: str
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """What is to be given on one target. `login` is the account there of whom it is for, `others` those of whoever set
    the run going too. `ends`: when the first of what it comes from ends; `settings` are what the pipeline's entry says
    of the target."""

    target: Target
    login: str
    things: tuple[Resource, ...]
    cannot: tuple[str, ...] = ()
    ends: Instant | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """What it gives, a line each: `select on sales.orders`, `in analysts`."""
        return tuple(_words(one) for one in self.things)


def refused(asking: Asking, trees: Sequence[DeclaredAccess]) -> Decision | None:
    """Why no run of this pipeline is given anything; None where it may be."""
    for declared in trees:
        if not asking.pipeline or asking.pipeline not in declared.pipelines.data:
            named = asking.pipeline or "this repository or job"
            sentence = f"the applied files declare no pipeline for {named}, so no run of it is given anything"
            return Decision(False, asking.people, sentence, "no-pipeline", "declare it under `pipelines:`, and apply")
        if not said_of(declared, asking.pipeline).get("scope"):
            sentence = f"the pipeline {asking.pipeline} has no scope, so no run of it is given anything"
            fix = f"name the roles that it may ever use: `pipelines: {{{asking.pipeline}: {{scope: [ROLE]}}}}`"
            return Decision(False, asking.people, sentence, "no-scope", fix)
    return None


def max_duration(asking: Asking, trees: Sequence[DeclaredAccess]) -> timedelta:
    """The longest that a run of the pipeline may last."""
    found = [said_of(declared, asking.pipeline).get("max_duration") for declared in trees]
    return min((parse_duration(str(text)) if text else MAX for text in found), default=MAX)


def shares(
    asking: Asking, trees: Sequence[DeclaredAccess], providers: Mapping[str, Provider], now: Instant
) -> tuple[Share, ...]:
    """For each target of the first tree on which all parties have something: what they share, if only nothing."""
    found = []
    parties = [_parties(asking, declared, providers, now) for declared in trees]
    for name, target in trees[0].targets.items():
        if asking.target not in (None, name, target.family) or any(name not in held for held in parties):
            continue
        each = [_among(held[name]) for held in parties]
        declare = parties[0][name].declare
        shared = reduce(lambda one, other: _both(declare, one, other), each[1:], each[0])
        cannot = tuple(dict.fromkeys((*(c for held in parties for c in held[name].cannot), *shared.cannot)))
        ends = [r.until for held in parties for one in held[name].things for r in one if r.until is not None]
        role = assumed(trees[0], asking.pipeline, target)
        settings = {} if role is None else {"assume": role}
        login, *others = (_known(trees[0], who).login_on(name) for who in asking.people)
        found.append(Share(target, login, shared.things, cannot, min(ends, default=None), settings, tuple(others)))
    return tuple(found)


def assumed(declared: DeclaredAccess, pipeline: str, target: Target) -> str | None:
    """The role that runs of the pipeline take on a target."""
    said = said_of(declared, pipeline).get("assume") or {}
    role = said.get(target.name, said.get(target.family))
    return None if role is None else str(role)


@dataclass(frozen=True, slots=True)
class _Held:
    """What each party has on one target; `cannot` is what the system takes from none of them."""

    declare: Narrows
    things: tuple[tuple[Resource, ...], ...]
    cannot: tuple[str, ...]


def _parties(
    asking: Asking, declared: DeclaredAccess, providers: Mapping[str, Provider], now: Instant
) -> dict[str, _Held]:
    """By target: what the people have, one by one, and what the scope has; where one of them has nothing, no entry."""
    declares, narrows = narrowing(declared.targets, providers)
    people = [_known(declared, who) for who in asking.people]
    roles = Roles(declared)
    identities = [held_there(person, declared, roles, asking.asked) for person in people]
    identities.append(scope_of(declared, asking.pipeline, asking.asked.environment))
    resolver = Resolver(declared, declares, now)
    resolved = [resolver.resolve([identity]) for identity in identities]
    found = {}
    for name, narrow in narrows.items():
        things = tuple(things_of(one[name]) for one in resolved)
        if all(things):
            cannot = tuple(dict.fromkeys(d.message for one in resolved for d in one[name].unsupported))
            found[name] = _Held(narrow, things, cannot)
    return found


def narrowing(
    targets: Mapping[str, Target], providers: Mapping[str, Provider]
) -> tuple[dict[str, Declare], dict[str, Narrows]]:
    """The pure sides of those targets where a run can be given something, twice the same ones."""
    declares: dict[str, Declare] = {}
    narrows: dict[str, Narrows] = {}
    for name, target in targets.items():
        provider = providers[target.provider]
        mints = isinstance(provider, Mints) and target.mode is not Mode.REPORT
        declare = provider.declare(target) if mints else None
        if declare is not None and isinstance(declare, Narrows):
            declares[name], narrows[name] = declare, declare
    return declares, narrows


def things_of(desired: Desired) -> tuple[Resource, ...]:
    """What of it is somebody's, but for their account."""
    return tuple(r for r in desired.state if r.address.kind is not Kind.ACCOUNT and r.address.principal is not None)


def _known(declared: DeclaredAccess, who: str) -> Identity:
    """Somebody in one state of the files, where they may have another id. Whoever is not there has nothing."""
    known = declared.identities.get(who)
    if known is None:
        known = next((i for i in declared.identities.values() if who in i.was), None)
    return known or Identity(IdentityKind.PERSON, who)


def held_there(identity: Identity, declared: DeclaredAccess, roles: Roles, asked: Asked) -> Identity:
    """Somebody as if they held nothing but what they hold in the environment, whenever that is, and of one role only
    where that is asked for. `roles` are those of `declared`."""
    found = []
    for held in identity.roles:
        reached = roles.reached_from(held.role)
        if not reached:
            continue
        own = environments_held(reached[0][0], held, declared.environments)
        for role, _ in reached if asked.role is not None else reached[:1]:
            if asked.environment in own & frozenset(role.environments) and asked.role in (None, role.id):
                found.append(held._replace(role=role.id, environments=(asked.environment,)))
    return replace(identity, roles=tuple(found))


def scope_of(declared: DeclaredAccess, pipeline: str, environment: str) -> Identity:
    """The pipeline as if it were a service that holds its scope in the environment, as far as its roles are there."""
    place = declared.pipelines.at(pipeline, "scope")
    named = [str(r) for r in said_of(declared, pipeline).get("scope") or ()]
    known = [r for r in named if r in declared.roles and environment in declared.roles[r].environments]
    roles = [Assignment(r, (environment,), location=place) for r in known]
    return Identity(IdentityKind.SERVICE, pipeline, roles=tuple(roles), location=place)


def _among(held: _Held) -> Shared:
    """What all parties of one state of the files share."""
    different: dict[str, tuple[Resource, ...]] = {}
    for things in held.things:
        different.setdefault(_fingerprint(things), things)
    first, *rest = different.values()
    found = held.declare.shared(first, rest[0] if rest else first)
    for more in rest[1:]:
        found = _both(held.declare, found, Shared(more))
    return found


def _both(declare: Narrows, one: Shared, other: Shared) -> Shared:
    if _fingerprint(one.things) == _fingerprint(other.things):
        return Shared(one.things, (*one.cannot, *other.cannot))
    found = declare.shared(one.things, other.things)
    return Shared(found.things, (*one.cannot, *other.cannot, *found.cannot))


def _fingerprint(things: Sequence[Resource]) -> str:
    """The same for the same things, whoever has them."""
    told = [[r.address.kind.value, r.address.object, r.address.slot or "", dict(r.attributes)] for r in things]
    return digest(sorted(told, key=digest))


def said_of(declared: DeclaredAccess, pipeline: str) -> Mapping[str, Any]:
    """A pipeline's entry."""
    said = declared.pipelines.data.get(pipeline)
    return said if isinstance(said, Mapping) else {}


def _words(one: Resource) -> str:
    address = one.address
    if address.kind is Kind.MEMBERSHIP:
        return f"in {address.object}"
    return f"{address.slot} on {address.object}" if address.slot else address.object
