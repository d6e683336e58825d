"""Where new roles of one target reach, so that they give nothing on another: labels, environments, and known roles.

A role's grants are for all instances of a target. For one of several they are kept to it by its labels, or by an
environment that it alone has; where nothing tells it from the others, that is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

from provisioner.adopt.found import REASON, Found, Held
from provisioner.adopt.roles import Atom
from provisioner.contract import Combines
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.access import DeclaredAccess
from provisioner.model.assignment import Assignment
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import format_duration
from provisioner.model.target import Target
from provisioner.resolve.desired import desire


@dataclass(frozen=True)
class Reach:
    """`where` are the labels that a new role's grants need."""

    found: Found
    where: Mapping[str, str]

    @classmethod
    def of(cls, found: Found) -> Reach:
        """ProvisionError where nothing tells the instance from its siblings."""
        return cls(found, _where(found.declared, found.target))

    def held(self, role: str, environment: str | None) -> Held:
        """One assignment: the environment is named where a bare name would not mean it."""
        known = None if environment is None else self.found.declared.environments.get(environment)
        needs = known is not None and known.needs_reason
        named = environment if known is not None and (known.protected or needs or self._wide(role)) else None
        return Held(role, named, REASON if needs else None)

    def _wide(self, role: str) -> bool:
        """Whether a role of the files has more environments than one."""
        known = self.found.declared.roles.get(role)
        return known is not None and len(known.environments) > 1

    def why_not_in(self, environment: str | None, kind: IdentityKind) -> str | None:
        """Why nobody can be given something there for good, in words. The rule binds people, not services."""
        known = self.found.declared.environments.get(environment or "")
        if known is None or known.max_duration is None or kind is IdentityKind.SERVICE:
            return None
        return f"`{known.id}` allows at most {format_duration(known.max_duration)} at a time, and it has no end"

    def known(self, environment: str | None) -> dict[str, frozenset[Atom]]:
        """Roles of the files that give things on this target alone, held there in that environment."""
        return self._known.get(environment, {})

    @cached_property
    def _known(self) -> dict[str | None, dict[str, frozenset[Atom]]]:
        """Each role is held by somebody made up, and what that comes to on every target is looked at."""
        declared, name = self.found.declared, self.found.target.name
        probes: dict[str, tuple[str | None, str]] = {}
        people: list[Identity] = []
        for role in declared.roles.values():
            for environment in (None, *role.environments) if not role.environments else role.environments:
                probe = f"\x00{len(people)}"
                lines = (Assignment(role.id, None if environment is None else (environment,)),)
                people.append(Identity(IdentityKind.PERSON, probe, roles=lines))
                probes[probe] = (environment, role.id)
        nobody: DeclaredAccess = replace(declared, identities={})
        given: dict[str, set[Atom]] = {}
        elsewhere: set[str] = set()
        for target, desired in desire(nobody, self.found.declares, None, only=people).items():
            levels = isinstance(self.found.declares[target], Combines)
            for address, resource in desired.state.resources.items():
                who = address.principal
                if who is None or who.id not in probes:
                    continue
                if target != name:
                    elsewhere.add(who.id)
                given.setdefault(who.id, set()).add(Atom.of(resource, levels=levels))
        out: dict[str | None, dict[str, frozenset[Atom]]] = {}
        for probe, (environment, role_id) in probes.items():
            if probe in given and probe not in elsewhere:
                out.setdefault(environment, {})[role_id] = frozenset(given[probe])
        return out


def _where(declared: DeclaredAccess, target: Target) -> dict[str, str]:
    others = [t for t in declared.family(target.family) if t.name != target.name]
    if not others:
        return {}
    labels = sorted(target.labels.items())
    for size in range(1, len(labels) + 1):
        for chosen in combinations(labels, size):
            if not any(all(t.labels.get(k) == v for k, v in chosen) for t in others):
                return dict(chosen)
    if target.environment is not None and all(t.environment not in (None, target.environment) for t in others):
        return {}
    raise ProvisionError(
        Diagnostic(
            "adopt-instance",
            f"nothing tells {target.name} from the other instances of {target.family}",
            location=target.location,
            why="a role's grants reach all instances: the roles of this one would give the same on the others",
            fix=f"give it a label of its own, such as `labels: {{instance: {target.name.partition('/')[2]}}}`",
            target=target.name,
        )
    )
