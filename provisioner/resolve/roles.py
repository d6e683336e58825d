"""Which roles somebody holds, where, and until when.

An included role is held in the same environments as the role that includes it, as far as it has them: an `includes`
line never opens an environment that the assignment did not.
"""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.model.access import DeclaredAccess
from provisioner.model.assignment import Assignment
from provisioner.model.environment import Environment
from provisioner.model.role import Role


def environments_held(role: Role, assignment: Assignment, environments: Mapping[str, Environment]) -> frozenset[str]:
    """Those named, as far as the role has them; where none is named, those of the role that are not protected."""
    if assignment.environments is not None:
        return frozenset(assignment.environments) & frozenset(role.environments)
    return frozenset(e for e in role.environments if e not in environments or not environments[e].protected)


class Roles:
    """The roles of one tree, with what each includes worked out once."""

    def __init__(self, declared: DeclaredAccess) -> None:
        self._declared = declared
        self._reached: dict[str, tuple[tuple[Role, tuple[str, ...]], ...]] = {}

    def reached_from(self, role: str) -> tuple[tuple[Role, tuple[str, ...]], ...]:
        """The role and all it includes, each once, with the shortest path to it. Unknown names are passed over: `load`
        has refused them, and a past revision may hold them."""
        if role not in self._reached:
            found: dict[str, tuple[Role, tuple[str, ...]]] = {}
            queue: list[tuple[str, tuple[str, ...]]] = [(role, ())]
            while queue:
                name, path = queue.pop(0)
                here = self._declared.roles.get(name)
                if here is None or name in found:
                    continue
                found[name] = (here, (*path, name))
                queue += [(included, (*path, name)) for included in here.includes]
            self._reached[role] = tuple(found.values())
        return self._reached[role]
