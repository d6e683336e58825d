"""GitHub Actions workflows as jobs, with the cases in which each runs: which event, which branch, from a fork or not.

Matrices are multiplied out; reusable workflows and composite actions of the repository are read where they are used,
with what they are given. https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product

from provisioner.pipelines.conditions import (
    UNKNOWN,
    Condition,
    Facts,
    Value,
    is_certainly_false,
    possible,
    truth,
    value_of,
)
from provisioner.pipelines.document import Node
from provisioner.pipelines.languages import github_expression, github_value

_MOST = 256
_DEEPEST = 4
"""Levels of reusable workflows, and of composite actions: GitHub takes no more of the former."""
_MOST_CONDITIONS = 50
_STATUS = re.compile(r"\b(?:always|failure|cancelled)\s*\(", re.IGNORECASE)

Read = Callable[[str], Node | None]
"""A YAML file of the repository by its path below the top; None where it is not there."""


@dataclass(frozen=True, slots=True)
class Event:
    """One trigger: its name, and its filters."""

    name: str
    node: Node
    filters: Node


@dataclass(frozen=True)
class Workflow:
    """One file, as itself or as it is called from another. `given` is what is known of its inputs."""

    file: str
    root: Node
    events: tuple[Event, ...]
    given: Facts = field(default_factory=dict)
    caller: Job | None = None

    def conditions(self, job: str) -> Iterator[Condition]:
        """Its own and those of what it needs: where any of them is false, it does not run."""
        seen = {job}
        queue = [job]
        while queue:
            body = self.root.get("jobs", queue.pop())
            text = body.get("if").text
            if text:
                yield github_expression(text)
            if not _STATUS.search(text):
                needed = {n.text for n in body.get("needs").words()} - seen
                seen |= needed
                queue += sorted(needed)


@dataclass(frozen=True, eq=False)
class Job:
    """A job with the values of its matrix and its inputs. `names` are all that it goes by, also through its caller."""

    workflow: Workflow
    id: str
    names: frozenset[str]
    key: Node
    body: Node
    given: Facts
    conditions: tuple[Condition, ...]
    environment: Condition | None

    @property
    def own_names(self) -> frozenset[str]:
        """Those that it does not have from its caller."""
        caller = self.workflow.caller
        return self.names - caller.names if caller is not None else self.names

    @property
    def callers(self) -> tuple[Job, ...]:
        """The jobs by which its workflow is called, the nearest first."""
        caller = self.workflow.caller
        return () if caller is None else (caller, *caller.callers)

    @property
    def events(self) -> tuple[Event, ...]:
        """What starts it: of a called workflow, what starts the first caller."""
        caller = self.workflow.caller
        return self.workflow.events if caller is None else caller.events

    @property
    def all_conditions(self) -> tuple[Condition, ...]:
        """With those of whoever calls it."""
        caller = self.workflow.caller
        return self.conditions + (caller.all_conditions if caller is not None else ())

    def runs(self, facts: Facts) -> bool:
        """Whether it may run in this case."""
        known = {**facts, **self.given}
        if any(is_certainly_false(c, known) for c in self.conditions):
            return False
        caller = self.workflow.caller
        return caller is None or caller.runs(facts)

    def environments(self, facts: Facts) -> set[str | None]:
        """The environments that it may enter in this case; None among them where that cannot be told."""
        if self.environment is None:
            return set()
        found = possible(self.environment, {**facts, **self.given})
        return {v if isinstance(v, str) else None for v in found if v is None or truth(v) is not False}

    @property
    def environment_node(self) -> Node:
        said = self.body.get("environment")
        return said.get("name") if said.is_map else said

    @property
    def uses(self) -> str:
        return self.body.get("uses").text


@dataclass(frozen=True, slots=True)
class Step:
    """A step, and what is known of the inputs where it stands in a composite action."""

    body: Node
    given: Facts

    def runs(self, facts: Facts) -> bool:
        text = self.body.get("if").text
        return not text or not is_certainly_false(github_expression(text), {**facts, **self.given})


def events_of(root: Node) -> tuple[Event, ...]:
    """The triggers of a workflow file."""
    on = root.get("on")
    if on.is_map:
        return tuple(Event(key.text, key, value) for key, value in on.items())
    return tuple(Event(n.text, n, Node("absent", n.place)) for n in on.words())


def jobs_of(file: str, root: Node, read: Read) -> Iterator[Job]:
    """Every job that the file's own triggers start, with those of the workflows that it calls."""
    events = events_of(root)
    own = tuple(e for e in events if e.name != "workflow_call")
    yield from _jobs(Workflow(file, root, own or events), read, 1)


def calls(root: Node) -> Iterator[str]:
    """The reusable workflows of the repository that a file calls, by path."""
    for _, body in root.get("jobs").keys.values():
        path = local(body.get("uses").text)
        if path is not None:
            yield path


def local(uses: str) -> str | None:
    """The path of what `uses: ./…` or `uses: $/…` names."""
    if not uses.startswith(("./", "$/")) or ".." in uses.split("/"):
        return None
    return uses[2:].partition("@")[0].rstrip("/")


def steps_of(job: Job, read: Read) -> Iterator[Step]:
    """The steps of a job, with those of the composite actions of the repository in their place."""
    yield from _steps(job.body.get("steps"), job.given, read, 1)


def _steps(node: Node, given: Facts, read: Read, depth: int) -> Iterator[Step]:
    for body in node.entries:
        step = Step(body, given)
        yield step
        path = local(body.get("uses").text)
        if path is None or depth > _DEEPEST:
            continue
        action = read(f"{path}/action.yml") or read(f"{path}/action.yaml")
        if action is not None:
            inputs = _inputs(action.get("inputs"), body.get("with"), given)
            yield from _steps(action.get("runs", "steps"), inputs, read, depth + 1)


def _jobs(workflow: Workflow, read: Read, depth: int) -> Iterator[Job]:
    for key, body in workflow.root.get("jobs").items():
        for values in _matrix(body.get("strategy", "matrix")):
            given = {**workflow.given, **values}
            conditions = tuple(islice(workflow.conditions(key.text), _MOST_CONDITIONS + 1))
            if len(conditions) > _MOST_CONDITIONS:
                conditions = ()  # more than are followed: it may always run
            job = Job(workflow, key.text, _names(workflow, key.text), key, body, given, conditions, _environment(body))
            yield job
            path = local(job.uses)
            called = read(path) if path is not None and depth <= _DEEPEST else None
            if called is not None:
                inputs = _inputs(called.get("on", "workflow_call", "inputs"), body.get("with"), given)
                yield from _jobs(Workflow(str(path), called, (), inputs, job), read, depth + 1)


def _names(workflow: Workflow, job: str) -> frozenset[str]:
    stem = workflow.file.rpartition("/")[2].rpartition(".")[0]
    names = {job, f"{stem}/{job}"}
    if workflow.caller is not None:
        names |= workflow.caller.names
    return frozenset(names)


def _environment(body: Node) -> Condition | None:
    said = body.get("environment")
    name = said.get("name") if said.is_map else said
    return github_value(name.text) if name.is_text else None


def _matrix(node: Node) -> Iterator[dict[str, Value]]:
    """The values of each job of a matrix; of what is not written out, nothing is known."""
    axes: list[list[tuple[str, str]]] = []
    for key, values in node.items():
        words = [n.text for n in values.words()] if values.is_list else []
        if key.text not in ("include", "exclude") and words and not any("${{" in w for w in words):
            axes.append([(f"matrix.{key.text}".casefold(), word) for word in words])
    made: list[dict[str, Value]] = [dict(chosen) for _, chosen in zip(range(_MOST), product(*axes), strict=False)]
    out = [_row(entry) for entry in node.get("exclude").entries]
    made = [row for row in made if not any(entry and entry.items() <= row.items() for entry in out)]
    more = [_row(entry) for entry in node.get("include").entries]
    if more and not axes:
        made = []
    for entry in more:
        fitting = [row for row in made if all(row.get(k, v) == v for k, v in entry.items())] if axes else []
        if fitting and any(k in row for row in fitting for k in entry):
            for row in fitting:
                row.update(entry)
        else:
            made.append(dict(entry))
    yield from made[:_MOST] or [{}]


def _row(entry: Node) -> dict[str, Value]:
    return {
        f"matrix.{k.text}".casefold(): v.text if v.is_text and "${{" not in v.text else UNKNOWN
        for k, v in entry.items()
    }


def _inputs(declared: Node, passed: Node, given: Facts) -> dict[str, Value]:
    """What a called workflow or action knows of its inputs: what is passed, else the default."""
    found: dict[str, Value] = {}
    for key, said in declared.items():
        default = said.get("default")
        value = passed.get(key.text)
        text = value if value.is_text else default
        known: Value = value_of(github_value(text.text), given) if text.is_text else ""
        found[f"inputs.{key.text}".casefold()] = known
    return found


def choices(event: Event) -> Mapping[str, tuple[str, ...]]:
    """The inputs of a start by hand whose values are listed."""
    return {
        key.text: tuple(n.text for n in said.get("options").words())
        for key, said in event.filters.get("inputs").items()
        if said.get("type").text == "choice"
    }
