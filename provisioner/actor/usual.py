"""The runs that may come any day, of each person and pipeline of the files: what some targets lay ready for. Pure.

Only runs that one person alone sets going: of two, it would be all pairs. Decides nothing about who may run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from provisioner.actor.decide import Asked
from provisioner.actor.shares import Asking, assumed, held_there, said_of, shares
from provisioner.contract import Prepares, Provider, Usual
from provisioner.diagnostics import NOWHERE
from provisioner.model.access import DeclaredAccess
from provisioner.model.assignment import Assignment
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant
from provisioner.model.target import Mode, Target
from provisioner.resolve.roles import Roles

_Held = tuple[Assignment, ...]


def prepared_targets(providers: Mapping[str, Provider], targets: Mapping[str, Target]) -> dict[str, Target]:
    """Those on which something can lie ready for runs, and that we may write to."""
    return {
        name: target
        for name, target in targets.items()
        if isinstance(providers[target.provider], Prepares) and target.mode is not Mode.REPORT
    }


def usual_runs(
    declared: DeclaredAccess, providers: Mapping[str, Provider], now: Instant, held: Collection[str]
) -> dict[str, list[Usual]]:
    """By target. `held` are those who were cut off."""
    found: dict[str, list[Usual]] = {}
    ready = prepared_targets(providers, declared.targets)
    roles = Roles(declared)
    for pipeline in declared.pipelines.data:
        there = {name: t for name, t in ready.items() if assumed(declared, pipeline, t) is not None}
        if not there or not said_of(declared, pipeline).get("scope"):
            continue
        alike = _alike(i for i in _starters(declared, pipeline) if i.id not in held and i.present_at(now))
        for asked, who in _asked(alike, declared, roles):
            for share in shares(Asking(asked, (who[0].id,), pipeline), [declared], providers, now):
                name = share.target.name
                if name in there and share.things and not share.cannot:
                    found.setdefault(name, []).extend(
                        Usual(one.id, one.login_on(name), pipeline, share.things) for one in who
                    )
    return found


def _starters(declared: DeclaredAccess, pipeline: str) -> Iterator[Identity]:
    """Whoever may set it going: people, and the service that its schedules run as."""
    schedules = said_of(declared, pipeline).get("schedules")
    for identity in declared.identities.values():
        if identity.suspended is None and (identity.kind is IdentityKind.PERSON or identity.id == schedules):
            yield identity


def _alike(starters: Iterable[Identity]) -> list[list[Identity]]:
    """Those who hold the same roles together: many people hold what others do."""
    alike: dict[_Held, list[Identity]] = {}
    for identity in starters:
        alike.setdefault(tuple(map(_what, identity.roles)), []).append(identity)
    return list(alike.values())


def _asked(
    alike: Iterable[list[Identity]], declared: DeclaredAccess, roles: Roles
) -> Iterator[tuple[Asked, list[Identity]]]:
    """What runs of them may be asked for: in each environment all that they hold there, and each role by itself."""
    for who in alike:
        reached = {role.id for held in who[0].roles for role, _ in roles.reached_from(held.role)}
        for environment in declared.environments:
            seen = set()
            for role in (None, *sorted(reached)):
                asked = Asked(environment, role)
                there = frozenset(map(_what, held_there(who[0], declared, roles, asked).roles))
                if there and there not in seen:
                    seen.add(there)
                    yield asked, who


def _what(held: Assignment) -> Assignment:
    """Without where and why it stands."""
    return held._replace(location=NOWHERE, reason=None, source=None)
