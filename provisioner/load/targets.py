"""A target's entry into one `Target`, or one for each of its instances.

The engine's own keys are every target's; which of the others are settings and which are declared objects, the
provider's schemas say. An instance's keys override the target's, key by key; declared objects entry by entry.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.contract.protocols import Provider
from provisioner.diagnostics import Diagnostic
from provisioner.load import fields, schema
from provisioner.load.checked import checked
from provisioner.load.display import several, show
from provisioner.load.mistakes import keys_of
from provisioner.load.places import At, Overlaid
from provisioner.load.suggest import did_you_mean
from provisioner.model.target import EMPTY, AccountsPolicy, Ignore, Mode, Target

COMMON_KEYS = frozenset(keys_of(schema.InstanceModel))
TARGET_KEYS = frozenset(keys_of(schema.TargetModel))
_is_id = re.compile(fields.ID.removesuffix("$") + r"\Z").match


@dataclass
class TargetEntry:
    """One key under `targets:` and the targets that it makes. `sound` are those whose settings and objects the
    provider's schemas accept as they stand.
    """

    name: str
    at: At
    provider: str = ""
    has_instances: bool = False
    targets: list[Target] = field(default_factory=list)
    places: dict[str, At] = field(default_factory=dict)
    sound: set[str] = field(default_factory=set)


class TargetReader:
    """Reads the entry at `at`, telling what is wrong to `problems`."""

    def __init__(
        self, name: str, at: At, providers: Mapping[str, Provider], planned: Collection[str], problems: list[Diagnostic]
    ) -> None:
        self.at = at
        self.problems = problems
        self.providers = providers
        self.planned = planned
        self.entry = TargetEntry(name, at)
        self.settings: frozenset[str] | None = None
        self.objects: frozenset[str] = frozenset()

    def read(self) -> TargetEntry:
        entry = self.entry
        raw = self.at.source.below(self.at.base)
        left_empty = (id(raw), "instances") in self.at.source.read().empty
        has_instances = left_empty or (isinstance(raw, dict) and "instances" in raw)
        common = checked(
            self.at, schema.TargetModel, "a target", self.problems, lambda: _only(self._raw(self.at), TARGET_KEYS)
        )
        if not isinstance(raw, dict):
            return entry
        if common is None:
            return entry
        self._provider(str(raw.get("provider", "")))
        self._unknown_keys(self.at, TARGET_KEYS)
        instances = raw.get("instances")
        if has_instances and not isinstance(instances, dict):
            return entry
        if not isinstance(instances, dict):
            self._add(entry.name, self.at)
            return entry
        entry.has_instances = True
        for name in list(instances):
            at = At(self.at.source, (*self.at.base, "instances", name))
            if not _is_id(name):
                code, why = fields.PATTERN_WORDS[fields.ID]
                self.problems.append(
                    at.problem(
                        code,
                        f"{show(name)} cannot be the name of an instance",
                        (),
                        on_key=True,
                        why=why,
                        fix="write a name of those characters",
                    )
                )
                continue
            self._unknown_keys(at, COMMON_KEYS)
            self._add(f"{entry.name}/{name}", Overlaid(self.at, at))
        return entry

    def _provider(self, name: str) -> None:
        self.entry.provider = name
        provider = self.providers.get(name)
        if provider is not None:
            self.settings = frozenset(keys_of(provider.settings))
            self.objects = frozenset(keys_of(provider.objects))
        elif name in self.planned:
            self.problems.append(
                self.at.problem(
                    "provider-not-available",
                    f"the provider {show(name)} is not available in this version",
                    ("provider",),
                    why=f"the providers of this version are {several(sorted(self.providers))}",
                    fix="take the target out until it is; nothing can be planned for it",
                )
            )
        elif name:
            self.problems.append(
                self.at.problem(
                    "unknown-provider",
                    f"there is no provider {show(name)}",
                    ("provider",),
                    why=f"the providers are {several(sorted(self.providers)) or 'none'}",
                    fix=did_you_mean(name, [*self.providers, *self.planned]) or "write one of them",
                )
            )

    def _unknown_keys(self, at: At, common: frozenset[str]) -> None:
        if self.settings is None:
            return
        known = common | self.settings | self.objects
        raw = self._raw(at)
        for key in [k for k in raw if k not in known]:
            self.problems.append(
                at.problem(
                    "unknown-key",
                    f"a target of the provider {show(self.entry.provider)} has no key {show(key)}",
                    (key,),
                    on_key=True,
                    why=f"the keys here are {several(sorted(known), 30)}",
                    fix=did_you_mean(key, known) or "take it out, or move it where it belongs",
                )
            )
            at.drop((key,))

    def _add(self, name: str, at: At) -> None:
        common = checked(
            at, schema.InstanceModel, "a target", self.problems, lambda: _only(self._merged(at), COMMON_KEYS)
        )
        model = common[1] if common is not None else schema.InstanceModel()
        sound = common is not None and self.settings is not None
        provider = self.providers.get(self.entry.provider)
        if provider is not None:
            sound &= self._fits(at, provider.settings, lambda: _only(self._merged(at), self.settings or ()))
        settings = (
            _only(self._merged(at), self.settings)
            if self.settings is not None
            else {k: v for k, v in self._merged(at).items() if k not in TARGET_KEYS}
        )
        environments: dict[tuple[str, str], str] = {}
        if provider is not None:
            sound &= self._fits(at, provider.objects, lambda: self._objects(at, environments))
        objects = self._objects(at, environments)
        if sound:
            self.entry.sound.add(name)
        self.entry.places[name] = at
        self.entry.targets.append(
            Target(
                name,
                self.entry.name,
                self.entry.provider,
                Mode(model.mode),
                AccountsPolicy(model.accounts),
                model.retention,
                model.environment,
                model.labels,
                at.block(settings),
                at.block(objects) if objects else EMPTY,
                environments,
                self._ignored(at, model),
                at.key(()),
                tuple(model.owners),
            )
        )

    def _fits(self, at: At, model: type[Any], pick: Any) -> bool:
        before = len(self.problems)
        checked(at, model, f"the target {show(self.entry.name)}", self.problems, pick)
        return len(self.problems) == before

    def _objects(self, at: At, environments: dict[tuple[str, str], str]) -> dict[str, Any]:
        """What is declared under the target, without the environments of single things, which are noted."""
        environments.clear()
        out: dict[str, Any] = {}
        for section, body in _only(self._merged(at), self.objects).items():
            out[section] = body
            if not isinstance(body, dict):
                continue
            out[section] = {}
            for name, entry in body.items():
                label = entry.get("environment") if isinstance(entry, dict) else None
                if label is None:
                    out[section][name] = entry
                    continue
                out[section][name] = {k: v for k, v in entry.items() if k != "environment"}
                if isinstance(label, str):
                    environments[section, name] = label
                else:
                    self.problems.append(
                        at.problem(
                            "wrong-type",
                            f"`environment` is {show(label)}, and must be text",
                            (section, name, "environment"),
                            why="it names one of the environments",
                            fix="write the name of an environment",
                        )
                    )
                    at.drop((section, name, "environment"))
        return out

    def _ignored(self, at: At, model: schema.InstanceModel) -> tuple[Ignore, ...]:
        """An entry without an end is told here, not by the schema: earlier revisions have some, and are still read."""
        for index in (i for i, entry in enumerate(model.ignore) if entry.until is None):
            self.problems.append(
                at.problem(
                    "ignore-without-end",
                    f"{show(model.ignore[index].address)} would be ignored for ever",
                    ("ignore", index),
                    why="what was meant once is looked at again: an entry has an owner, a reason and an end",
                    fix="add `until:` with the day on which somebody looks again",
                )
            )
        return tuple(
            Ignore(i.address, i.owner, i.reason, i.until, at.key(("ignore", index)))
            for index, i in enumerate(model.ignore)
        )

    def _raw(self, at: At) -> dict[str, Any]:
        raw = at.source.below(at.base)
        return raw if isinstance(raw, dict) else {}

    def _merged(self, at: At) -> dict[str, Any]:
        """The keys of a target, or of an instance over its target's."""
        if not isinstance(at, Overlaid):
            return self._raw(at)
        outer, own = self._raw(at.target), self._raw(at.instance)
        merged = {**outer, **own}
        for section in self.objects & outer.keys() & own.keys():
            if isinstance(outer[section], dict) and isinstance(own[section], dict):
                merged[section] = {**outer[section], **own[section]}
        return merged


def _only(raw: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {k: v for k, v in raw.items() if k in keys}
