"""The part of the access files that a pipeline is held against, as plain values.

Read from the blocks as they are declared, by their documented shape, so that it works without the providers of the
systems (their settings are then one block with what is declared under the target).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from provisioner.diagnostics import NOWHERE, Location
from provisioner.model.access import DeclaredAccess
from provisioner.model.block import Block, Path
from provisioner.model.target import Target
from provisioner.pipelines.refs import Allowed

EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Context:
    """A context of CircleCI. `restricted` says by what, in words; empty where everyone may use it."""

    name: str
    target: str
    environment: str | None
    restricted: str
    by_whom: bool
    place: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class ForgeEnvironment:
    """An environment of a repository. `branches` are the patterns of its branch policy; None where it has none, empty
    where it is the protected branches."""

    name: str
    environment: str | None
    reviewed: bool
    branches: tuple[str, ...] | None
    place: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Deploy:
    """What deploys to one environment."""

    environment: str
    protected: bool
    jobs: tuple[str, ...]
    contexts: frozenset[str]
    environments: frozenset[str]
    allowed: Allowed
    places: Mapping[str, Location]

    def names_job(self, *names: str) -> bool:
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.jobs)


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that the access files say of one pipeline. `contexts` is None where no target declares any, and
    `forge` where there is no such repository."""

    pipeline: str
    deploys: tuple[Deploy, ...]
    contexts: Mapping[str, Context]
    forge: Mapping[str, ForgeEnvironment] | None
    repository: str
    forks: str
    forks_place: Location

    @property
    def protected(self) -> tuple[Deploy, ...]:
        return tuple(d for d in self.deploys if d.protected)


def rules_for(access: DeclaredAccess, pipeline: str | None) -> Rules:
    """What is declared for the pipeline of that id; with None for one that has no entry."""
    said: Mapping[str, Any] = access.pipelines.data[pipeline] if pipeline is not None else {}
    contexts = _contexts(_of_kind(access, "circleci", said.get("circleci")))
    repository = str(said.get("repository", pipeline or ""))
    forge = _forge(_of_kind(access, "github", said.get("github")), repository, access)
    deploys = tuple(
        _deploy(access, pipeline, said, environment, contexts.values(), (forge or {}).values())
        for environment in sorted(access.environments)
    )
    place = access.pipelines.at(pipeline, "forks") if pipeline is not None else NOWHERE
    return Rules(pipeline or "", deploys, contexts, forge, repository, str(said.get("forks", "none")), place)


def _deploy(
    access: DeclaredAccess,
    pipeline: str | None,
    said: Mapping[str, Any],
    environment: str,
    contexts: Iterable[Context],
    forge: Iterable[ForgeEnvironment],
) -> Deploy:
    own: Mapping[str, Any] = said.get("deploys", {}).get(environment, {})
    whole = Allowed(tuple(said.get("branches", ("main",))), tuple(said.get("tags", ())))
    jobs = tuple(own.get("jobs", ()))
    places = {
        name: access.pipelines.at(str(pipeline), "deploys", environment, "jobs", index)
        for index, name in enumerate(jobs)
    }
    return Deploy(
        environment,
        access.environments[environment].protected,
        jobs,
        frozenset(own.get("contexts", ())) | {c.name for c in contexts if c.environment == environment},
        _forge_names(environment, own, list(forge)),
        Allowed(tuple(own.get("branches", whole.branches)), tuple(own.get("tags", whole.tags))),
        places,
    )


def _forge_names(environment: str, own: Mapping[str, Any], forge: list[ForgeEnvironment]) -> frozenset[str]:
    """The repository's environments for an environment: those listed, those labelled, and the one of the same name."""
    labelled = {f.name for f in forge if f.environment == environment}
    same_name = {environment} - {f.name for f in forge}
    return frozenset(own.get("environments", ())) | labelled | same_name


def _of_kind(access: DeclaredAccess, provider: str, name: str | None) -> list[Target]:
    """The targets whose things the pipeline uses: those of that name, or all of the provider."""
    return [t for t in access.targets.values() if t.provider == provider and name in (None, t.name, t.family)]


def _section(target: Target, section: str) -> tuple[Mapping[str, Any], Block, Path]:
    """What is declared under a key of the target, and where, whether its provider is known or not."""
    for block in (target.objects, target.settings):
        found = block.data.get(section)
        if isinstance(found, Mapping):
            return found, block, (section,)
    return {}, target.objects, (section,)


def _contexts(targets: Iterable[Target]) -> dict[str, Context]:
    found: dict[str, Context] = {}
    for target in targets:
        declared, block, path = _section(target, "contexts")
        for name, said in declared.items():
            entry = said if isinstance(said, Mapping) else {}
            label = entry.get("environment") or target.object_environments.get(("contexts", name))
            restricted, by_whom = _opened(entry.get("open_to", EVERYONE))
            environment = label if isinstance(label, str) else target.environment
            found[name] = Context(name, target.name, environment, restricted, by_whom, block.at(*path, name))
    return found


def _opened(open_to: Any) -> tuple[str, bool]:
    """By what a context is restricted, and whether that says who may use it or when (not only: for which project)."""
    if open_to == "admins":
        return "administrators", True
    if not isinstance(open_to, Mapping):
        return "", False
    kinds = [kind for kind in ("groups", "projects", "expressions") if open_to.get(kind)]
    return " and ".join(kinds), bool({"groups", "expressions"} & set(kinds))


def _forge(targets: Iterable[Target], repository: str, access: DeclaredAccess) -> dict[str, ForgeEnvironment] | None:
    for target in targets:
        declared, block, path = _section(target, "repositories")
        said = declared.get(repository)
        if not isinstance(said, Mapping):
            continue
        environments = said.get("environments")
        if not isinstance(environments, Mapping):
            return {}
        base = (*path, repository, "environments")
        return {
            name: _forge_environment(name, entry, access, block.at(*base, name)) for name, entry in environments.items()
        }
    return None


def _forge_environment(name: str, said: Any, access: DeclaredAccess, place: Location) -> ForgeEnvironment:
    entry: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    label = entry.get("environment")
    environment = label if isinstance(label, str) else name if name in access.environments else None
    return ForgeEnvironment(name, environment, _some(entry.get("reviewers")), _policy(entry), place)


def _some(reviewers: Any) -> bool:
    """Whether anybody is named, in a list or by kind."""
    if isinstance(reviewers, Mapping):
        return any(_some(v) for v in reviewers.values())
    return bool(reviewers) and reviewers != "none"


def _policy(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    said = entry.get("branches")
    if said == "protected":
        return ()
    if isinstance(said, list) and said:
        return tuple(str(b) for b in said)
    return None
