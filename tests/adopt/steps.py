"""The steps of an adoption over the memory provider, without the command line: read, adopt, load what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from provisioner.adopt import Adoption, Found, Settled, adopt
from provisioner.adopt.proof import unexpected
from provisioner.adopt.write import edits_for
from provisioner.contract import Connection
from provisioner.engine import Planned, Situation, make_plan
from provisioner.load import Loaded, load_files
from provisioner.model.change import Action
from provisioner.providers.memory import PROVIDER
from tests.builders import NOW
from tests.worlds import OWNER

PROVIDERS = {"memory": PROVIDER}


def situation_of(loaded: Loaded) -> Situation:
    connections = {
        n: Connection(t, PROVIDER, PROVIDER.declare(t), {}, OWNER) for n, t in loaded.declared.targets.items()
    }
    return Situation(loaded.declared, connections, NOW)


def planned(loaded: Loaded, name: str) -> Planned:
    here = situation_of(loaded)
    return make_plan(replace(here, connections={name: here.connections[name]}))


def adopted(
    loaded: Loaded, name: str, settled: Mapping[str, Settled] | None = None
) -> tuple[Adoption, Loaded, Planned]:
    """The adoption, the files with it, and the plan before."""
    before = planned(loaded, name)
    side = before.sides[name]
    found = Found(
        target=side.target,
        declare=side.declare,
        live=side.reading.state,
        matched=side.matched,
        desired=side.desired,
        declared=loaded.declared,
        declares={n: PROVIDER.declare(t) for n, t in loaded.declared.targets.items()},
        now=NOW,
        owner=OWNER,
        going=frozenset(c.address for c in before.plan.changes if c.action is Action.REVOKE),
    )
    adoption = adopt(found, settled or {})
    edits = edits_for(adoption, loaded, Path("nowhere"))
    files = {**loaded.files, **{str(e.path.relative_to("nowhere")): e.after or b"" for e in edits}}
    return adoption, load_files(files, PROVIDERS), before


def new_changes(before: Planned, after: Planned) -> list[str]:
    (asked,) = before.desired.values()
    return [f"{c.action.value} {c.address}" for c in unexpected(before.plan.changes, after.plan.changes, asked)]
