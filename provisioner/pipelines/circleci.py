"""A CircleCI configuration as the jobs of its workflows: which contexts each uses, what it waits for, where it runs.

Matrices are multiplied out. What a parameter of the pipeline decides is not known: whoever starts it may choose.
https://circleci.com/docs/configuration-reference/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product

from provisioner.pipelines.conditions import Condition, Facts
from provisioner.pipelines.document import Node
from provisioner.pipelines.languages import circleci_condition, circleci_expression
from provisioner.pipelines.refs import Ref, anything, filtered, lets_all_in

MOST_JOBS = 2000
"""Jobs that one file may come to."""
_MOST = 256
"""Jobs that one matrix is multiplied out to."""
_HOLE = re.compile(r"<<\s*([\w.-]+)\s*>>")


@dataclass(frozen=True, slots=True)
class Named:
    """A name in the file, and where it stands. `name` is None where a parameter decides it."""

    name: str | None
    node: Node


@dataclass(frozen=True, slots=True)
class Needed:
    """A job that must have ended before. `succeeded`: only when it went well."""

    name: str
    node: Node
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a workflow. `names` are all that it goes by; `key` is its line, `body` what stands below."""

    workflow: str
    name: str
    names: frozenset[str]
    key: Node
    body: Node
    is_approval: bool
    contexts: tuple[Named, ...]
    requires: tuple[Needed, ...]
    conditions: tuple[Condition, ...]
    triggers: tuple[Node, ...]

    def refs(self) -> Iterator[Ref]:
        """The branches and tags that it runs for."""
        return _refs(self.body.get("filters"), self.conditions)

    def scheduled(self) -> list[Ref] | None:
        """Those that its workflow's schedules name; None where it is started by pushes."""
        if not self.triggers:
            return None
        return [r for trigger in self.triggers for r in _refs(trigger.get("schedule", "filters"), self.conditions)]


def facts_for(ref: Ref) -> Facts:
    """What a condition sees on that branch or tag."""
    branch, tag = (ref.name, "") if ref.kind == "branch" else ("", ref.name)
    return {"pipeline.git.branch": branch, "pipeline.git.tag": tag}


def jobs_of(root: Node) -> list[Job]:
    """Every job of every workflow, multiplied out; at most one more than MOST_JOBS."""
    choices = _choices(root.get("parameters"))
    found: list[Job] = []
    for name, workflow in root.get("workflows").items():
        if name.text == "version" or not workflow.is_map:
            continue
        for entry in workflow.get("jobs").each():
            found += islice(_expanded(name.text, workflow, entry, root, choices), MOST_JOBS + 1 - len(found))
            if len(found) > MOST_JOBS:
                return found
    return found


def remote_orbs(root: Node) -> Iterator[tuple[str, Node]]:
    """The orbs whose content stands elsewhere."""
    for name, orb in root.get("orbs").items():
        if orb.is_text:
            yield name.text, orb


def _expanded(
    workflow: str, body: Node, entry: Node, root: Node, choices: Mapping[str, tuple[str, ...]]
) -> Iterator[Job]:
    if entry.is_text:
        key, details = entry, Node("absent", entry.place)
    elif entry.is_map and entry.keys:
        key, details = next(iter(entry.items()))
    else:
        return
    conditions = _conditions(body, details)
    triggers = tuple(t for t in body.get("triggers").each() if t.is_map)
    kind = details.get("type").text or root.get("jobs", key.text, "type").text
    matrix = details.get("matrix")
    for values in _matrix(matrix.get("parameters"), matrix.get("exclude")):
        name = _filled(details.get("name").text or key.text, values)
        if values and not details.get("name").is_text:
            name = "-".join([name, *values.values()])
        alias = matrix.get("alias").text or key.text if values else name
        yield Job(
            workflow,
            name,
            frozenset({name, alias}),
            key,
            details,
            kind == "approval",
            tuple(_contexts(details.get("context"), values, choices)),
            tuple(_needed(details.get("requires"), values)),
            conditions,
            triggers,
        )


def _conditions(workflow: Node, details: Node) -> tuple[Condition, ...]:
    when, unless = circleci_condition(workflow.get("when")), circleci_condition(workflow.get("unless"))
    found = [when] if when is not None else []
    if unless is not None:
        found.append(Condition("not", (unless,)))
    if details.get("filters").is_text:
        found.append(circleci_expression(details.get("filters").text))
    return tuple(found)


def _matrix(parameters: Node, excluded: Node) -> Iterator[dict[str, str]]:
    """The values of each job of a matrix, by their name in `<< >>`; one without any where there is no matrix."""
    axes = [[(key.text, n.text) for n in values.words()] for key, values in parameters.items()]
    left_out = [{k.text: v.text for k, v in e.items()} for e in excluded.each()]
    for number, chosen in enumerate(product(*axes)):
        if number >= _MOST:
            return
        if axes and dict(chosen) in left_out:
            continue
        yield {f"matrix.{name}": value for name, value in chosen}


def _choices(parameters: Node) -> dict[str, tuple[str, ...]]:
    """The values that a parameter of the pipeline may have, where it lists them."""
    return {
        f"pipeline.parameters.{name.text}": tuple(n.text for n in parameter.get("enum").words())
        for name, parameter in parameters.items()
        if parameter.get("type").text == "enum"
    }


def _contexts(node: Node, values: Mapping[str, str], choices: Mapping[str, tuple[str, ...]]) -> Iterator[Named]:
    for word in node.words():
        name = _filled(word.text, values)
        holes = _HOLE.findall(name)
        if not holes and "<<" not in name:
            yield Named(name, word)
        elif len(holes) == 1 and (options := choices.get(holes[0])):
            for option in options:
                yield Named(_HOLE.sub(lambda _, text=option: text, name), word)  # type: ignore[misc]
        else:
            yield Named(None, word)


def _needed(node: Node, values: Mapping[str, str]) -> Iterator[Needed]:
    for entry in node.each():
        if entry.is_text:
            yield Needed(_filled(entry.text, values), entry, True)
        for key, ends in entry.items():
            yield Needed(_filled(key.text, values), key, [n.text for n in ends.words()] == ["success"])


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda m: values.get(m[1], m[0]), text) if values else text


def _refs(filters: Node, conditions: tuple[Condition, ...]) -> Iterator[Ref]:
    """What a filter lets in. Without one: all branches, and no tag."""
    if filters.is_text:
        yield from anything("branch", conditions)
        yield from anything("tag", conditions)
        return
    branches, tags = filters.get("branches"), filters.get("tags")
    yield from _side("branch", branches, conditions, everything=True)
    yield from _side("tag", tags, conditions, everything=False)


def _side(kind: str, node: Node, conditions: tuple[Condition, ...], *, everything: bool) -> Iterator[Ref]:
    only = [n.text for n in node.get("only").words()]
    ignored = [n.text for n in node.get("ignore").words()]
    if only:
        yield from filtered(kind, only, conditions)
    elif not lets_all_in(ignored) and (ignored or everything):
        yield from anything(kind, conditions)
