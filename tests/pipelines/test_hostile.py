"""Files by chance: whatever stands in them, they are told about and never an exception."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.load import load_access
from provisioner.pipelines import judge_circleci, judge_github
from provisioner.pipelines.check import check
from provisioner.pipelines.declared import rules_for
from provisioner.pipelines.document import parse
from provisioner.providers import catalog
from tests.pipelines.examples import EXAMPLES

LOADED = load_access(
    EXAMPLES / "regulated/access",
    root=EXAMPLES / "regulated",
    providers=catalog.all_providers(),
    planned=catalog.PLANNED,
)
RULES = rules_for(LOADED.declared, "site")
CIRCLECI = yaml.safe_load((EXAMPLES / "regulated/.circleci/config.yml").read_text())
GITHUB = yaml.load((EXAMPLES / "open-source/.github/workflows/release.yml").read_text(), yaml.BaseLoader)  # noqa: S506
ODD: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "main", "<< matrix.x >>", "${{ a }}", "./x", "\u202e"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "type", "requires", "context", "branches", "matrix", "steps", "with"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


@given(st.sampled_from(places(CIRCLECI)), ODD)
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_a_circleci_file_with_anything_anywhere(place: tuple[Any, ...], odd: Any) -> None:
    root, _ = parse("c.yml", yaml.safe_dump(changed(CIRCLECI, place, odd)).encode())
    if root is not None:
        judge_circleci.judge(root, RULES)


@given(st.sampled_from(places(GITHUB)), ODD)
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_a_workflow_with_anything_anywhere(place: tuple[Any, ...], odd: Any) -> None:
    root, _ = parse("w.yml", yaml.safe_dump(changed(GITHUB, place, odd)).encode())
    if root is not None:
        judge_github.judge({"w.yml": root}, RULES, lambda path: root if path.endswith("publish.yml") else None)


def hungry() -> dict[str, tuple[str, str]]:
    """Files made to take long: what is too much for each, and the code that says so (none: it is followed)."""
    many = range(300)
    calls = "".join(f"  j{n}: {{uses: ./w.yml}}\n" for n in many)
    steps = "".join("      - uses: ./\n" for _ in many)
    chain = "".join(
        f"  j{n}: {{needs: [{', '.join(f'j{m}' for m in range(n))}], if: a == '{n}', environment: production}}\n"
        for n in range(80)
    )
    names = " || ".join(f"github.ref == 'x{n}'" for n in range(40))
    axes = ", ".join(f"a{n}: [1, 2, 3, 4, 5, 6, 7, 8, 9]" for n in range(9))
    every = ", ".join(f"j{n}" for n in range(150))
    statement = ", ".join(f"{{equal: [x{n}, << pipeline.git.branch >>]}}" for n in range(3000))
    return {
        "workflows that call themselves": ("on: [push, workflow_call]\njobs:\n" + calls, "too-many-values"),
        "actions that use themselves": (
            "on: pull_request_target\njobs:\n  a:\n    steps: &s\n" + steps + "runs: {steps: *s}\n",
            "too-many-values",
        ),
        "jobs that need all before": ("on: push\njobs:\n" + chain, ""),
        "a matrix of millions": (
            f'on: push\njobs:\n  a: {{strategy: {{matrix: {{{axes}}}}}, if: "{names}", environment: production}}\n',
            "",
        ),
        "circleci: a matrix of millions": (
            "workflows:\n  w:\n    jobs:\n"
            + f"    - a: {{matrix: {{parameters: {{{axes}}}}}, context: release-prod}}\n" * 10,
            "too-many-values",
        ),
        "circleci: all wait for all": (
            "workflows:\n  w:\n    jobs:\n"
            + "".join(f"    - j{n}: {{requires: [{every}], context: release-prod}}\n" for n in range(150)),
            "",
        ),
        "circleci: a long statement": (
            f"workflows:\n  w:\n    when: {{or: [{statement}]}}\n    jobs: [a: {{context: release-prod}}]\n",
            "",
        ),
    }


@pytest.mark.parametrize("name", hungry())
def test_files_that_are_made_to_take_long_do_not(name: str) -> None:
    text, code = hungry()[name]
    root, said = parse("w.yml", text.encode())
    assert root is not None and said == []
    began = time.process_time()
    if name.startswith("circleci"):
        found, _ = judge_circleci.judge(root, RULES)
    else:
        found, _ = judge_github.judge({"w.yml": root}, RULES, lambda _: root)
    assert time.process_time() - began < 10
    assert not code or code in {d.code for d in found}


@pytest.mark.parametrize("name", ["config.yml", "a\u202eb.yml", "x\n::error::y.yml"])
def test_hostile_names_and_texts_are_escaped_where_they_are_shown(name: str, tmp_path: Path) -> None:
    from provisioner.report.annotations import github
    from provisioner.report.diagnostics import Sources, text

    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    hostile = "\x1b[31m\u202e::error::x\r\n##[add-mask]y"
    body = {"on": "pull_request_target", "jobs": {hostile: {"environment": hostile, "uses": "x/y/z@" + hostile}}}
    (folder / name).write_text(yaml.safe_dump(body))
    found = check(tmp_path, LOADED.declared, "site")
    assert len(found.diagnostics) > 1
    shown = text(found.diagnostics, Sources(found.files, "."))
    assert not any(c in shown for c in "\x1b\u202e\r")
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
    commands = github(found.diagnostics)
    assert all(line.startswith("::") for line in commands.splitlines())
    assert len(commands.splitlines()) == len(found.diagnostics)
    assert "##[add-mask]" not in shown + commands
