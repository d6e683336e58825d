"""`guardrails:` of one file as typed values that know their lines. Checks nothing: `schema` and `references` do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from provisioner.load.places import At, Source
from provisioner.load.schema import AcknowledgementModel, GuardrailsModel
from provisioner.model.address import Kind
from provisioner.model.block import Block
from provisioner.model.rules import Acknowledgement, Administrators, Limit, Rules, Separate


def rules_of(source: Source, model: GuardrailsModel) -> Rules:
    """The rules that stand in `source`."""
    at = At(source, ("guardrails",))
    said = at.source.below((*at.base, "removals"))
    removals = model.removals
    return Rules(
        _limit(at, said, "group", removals.group),
        _limit(at, said, "target", removals.target),
        {
            name: Administrators(rule.minimum, tuple(rule.required), at.key(("administrators", name)))
            for name, rule in model.administrators.items()
        },
        {name: at.key(("break_glass", index)) for index, name in enumerate(model.break_glass)},
        tuple(_separate(at, model)),
        tuple(_acknowledgement(a, at, n) for n, a in enumerate(model.acknowledgements)),
        tuple(model.owners),
        bool(model.approvals),
    )


def _limit(at: At, said: Any, key: str, percent: int) -> Limit:
    written = isinstance(said, Mapping) and key in said
    return Limit(percent, at.key(("removals", key)) if written else None)


def _separate(at: At, model: GuardrailsModel) -> Iterator[Separate]:
    for number, rule in enumerate(model.separate):
        sides: list[dict[str, Block]] = []
        for side, blocks in enumerate(rule.not_both):
            base = (*at.base, "separate", number, "not_both", side)
            sides.append({name: At(at.source, (*base, name)).block(data) for name, data in blocks.items()})
        yield Separate(rule.name, (sides[0], sides[1]), at.key(("separate", number)))


def _acknowledgement(said: AcknowledgementModel, at: At, number: int) -> Acknowledgement:
    return Acknowledgement(
        said.reason,
        said.until,
        tuple(said.people),
        said.role,
        tuple(said.addresses),
        said.target,
        None if (kind := cast("str | None", said.kind)) is None else Kind(kind),
        said.count,
        said.system,
        said.removals,
        at.key(("acknowledgements", number)),
        said.journal is not None,
    )
