"""What the applied files say of a CI system: which pipeline a run is of, and where its API is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from provisioner.actor.calls import variable, wrong
from provisioner.model.access import DeclaredAccess
from provisioner.model.target import Target


def pipeline_of(
    declared: DeclaredAccess, key: str, target: Target, names: Collection[str], workflow: Collection[str]
) -> str:
    """The entry under `pipelines:` for a repository by one of its names, on `target` (under `key`): that of the
    workflow, which has several names too, before that of all others. Empty where there is none."""
    rest = ""
    for name, said in declared.pipelines.data.items():
        if not isinstance(said, Mapping) or said.get("repository", name) not in names:
            continue
        if said.get(key, target.family) in (target.family, target.name):
            if said.get("workflow") in workflow:
                return str(name)
            rest = rest or ("" if "workflow" in said else str(name))
    return rest


@dataclass(frozen=True, slots=True)
class Declared:
    """A CI system's own block in an entry of `pipelines:`. `realm` is under which name the files know its accounts."""

    pipeline: str
    url: str
    realm: str
    project: str = ""


def declared_at(declared: DeclaredAccess, key: str, system: str, here: str) -> Declared:
    """The entry whose `url` is `here`, or a page above it. What the job says of where it is only chooses among those
    that the files have: the API has to confirm it. ProvisionError where there is none."""
    found: list[Declared] = []
    for name, said in declared.pipelines.data.items():
        block = said.get(key) if isinstance(said, Mapping) and "workflow" not in said else None
        if isinstance(block, Mapping):  # one that is for a single workflow is none that we could tell here
            url = str(block["url"]).rstrip("/")
            if f"{here.rstrip('/')}/".startswith(f"{url}/"):
                found.append(Declared(str(name), url, str(block.get("people", key)), str(block.get("project", ""))))
    if not found:
        raise wrong(system, f"no entry under `pipelines:` has `{key}: {{url: ...}}` of where this job says it is")
    return max(found, key=lambda one: len(one.url))


def split(url: str) -> tuple[str, str]:
    """Scheme and host of an address, and its path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path


def api_url(target: Target, usual: str, environ: Mapping[str, str], what: str) -> str:
    """The address of a target's API, as the files have it."""
    said: Any = target.settings.data.get("api_url", usual)
    return variable(environ, str(said.get("env")), what) if isinstance(said, Mapping) else str(said)
