"""JSON Schema of one access file, for editors: what to write where, while it is written.

Put together from the same models that `validate` uses. It knows less than `validate` does, which looks across files:
which target a role's block is for, for example, stands in another file, so here any provider's block will do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from provisioner.contract.protocols import Provider
from provisioner.load import fields, schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{model}"
_BY_ID: dict[str, type[BaseModel]] = {
    "people": schema.PersonModel,
    "services": schema.ServiceModel,
    "roles": schema.RoleModel,
    "environments": schema.EnvironmentModel,
    "stores": schema.StoreModel,
    "pipelines": schema.PipelineModel,
    "sources": schema.SourceModel,
}
_ONCE: dict[str, type[BaseModel]] = {"guardrails": schema.GuardrailsModel, "records": schema.RecordsModel}
_LATER_KEYS = ("provider", "instances")

Json = dict[str, Any]


def editor_schema(providers: Mapping[str, Provider]) -> Json:
    """The schema of one `*.yaml` file below the access folder, with the blocks of these providers."""
    models: list[type[BaseModel]] = [*_BY_ID.values(), *_ONCE.values(), schema.InstanceModel, schema.TargetModel]
    models += [m for p in providers.values() for m in (p.settings, p.grants, p.objects)]
    asked: list[tuple[type[BaseModel], Literal["validation", "serialization"]]]
    asked = [(m, "validation") for m in dict.fromkeys(models)]
    refs, made = models_json_schema(asked, ref_template=_REF)
    defs: Json = made["$defs"]
    names = {model: ref["$ref"].removeprefix(_REF.format(model="")) for (model, _), ref in refs.items()}

    def of(model: type[BaseModel]) -> Json:
        found: Json = defs[names[model]]
        return found

    of(schema.RoleModel)["properties"]["grants"] = {
        "type": "object",
        "description": "What the role gives, by target.",
        "additionalProperties": {"anyOf": [_with_where(of(p.grants)) for _, p in sorted(providers.items())]},
    }
    targets = [_target(name, of, provider) for name, provider in sorted(providers.items())]
    sections: Json = {name: _by_id({"$ref": _REF.format(model=names[model])}) for name, model in _BY_ID.items()}
    sections["targets"] = _by_id({"oneOf": targets} if targets else {"type": "object"})
    sections |= {name: {"$ref": _REF.format(model=names[model])} for name, model in _ONCE.items()}
    whole = {
        "$schema": DIALECT,
        "title": "provision access file",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": sections,
        "$defs": defs,
    }
    found: Json = _tidy(whole)
    found["$defs"] = _used(found)
    return found


def _by_id(entry: Json) -> Json:
    return {"type": "object", "propertyNames": {"pattern": fields.ID}, "additionalProperties": entry}


def _with_where(grants: Json) -> Json:
    where = {
        "type": "object",
        "description": "Only the instances with these labels.",
        "additionalProperties": {"type": "string"},
    }
    return {**grants, "properties": {"where": where, **grants.get("properties", {})}}


def _target(name: str, of: Any, provider: Provider) -> Json:
    """A target of one provider. What is required may stand in its instances instead, so nothing but `provider` is."""
    common = {k: v for k, v in of(schema.TargetModel)["properties"].items() if k not in _LATER_KEYS}
    own = {**common, **of(provider.settings).get("properties", {}), **of(provider.objects).get("properties", {})}
    instance = {"type": "object", "properties": own, "additionalProperties": False}
    return {
        "type": "object",
        "description": of(provider.settings).get("description", ""),
        "properties": {"provider": {"const": name}, **own, "instances": _by_id(instance)},
        "required": ["provider"],
        "additionalProperties": False,
    }


def _tidy(value: Any) -> Any:
    """Without the `null`s that stand for a key that is left out (files hold none), and without defaults that are not as
    one would write them."""
    if isinstance(value, list):
        return [_tidy(v) for v in value]
    if not isinstance(value, dict):
        return value
    kept = {k: _tidy(v) for k, v in value.items() if not (k == "default" and (v is None or isinstance(v, dict)))}
    options = kept.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        left = [option for option in options if option != {"type": "null"}]
        del kept["anyOf"]
        kept |= left[0] if len(left) == 1 else {"anyOf": left}
    if isinstance(kept.get("pattern"), str) and not re.search(kept["pattern"], str(kept.get("default", ""))):
        kept.pop("default", None)
    return kept


def _used(whole: Json) -> Json:
    """The definitions that something still refers to."""
    defs: Json = whole["$defs"]
    queue: list[Any] = [whole["properties"]]
    found: set[str] = set()
    while queue:
        value = queue.pop()
        if isinstance(value, list):
            queue += value
        elif isinstance(value, dict):
            queue += value.values()
            name = str(value.get("$ref", "")).removeprefix(_REF.format(model=""))
            if name in defs and name not in found:
                found.add(name)
                queue.append(defs[name])
    return {name: defs[name] for name in sorted(found)}
