"""What is worked out with much unknown is never wrong: by chance, against working it out with all known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.pipelines.conditions import (
    UNKNOWN,
    Begins,
    Condition,
    Facts,
    Value,
    literal,
    possible,
    truth,
    value_of,
)
from provisioner.pipelines.document import parse
from provisioner.pipelines.languages import circleci_expression, github_expression
from provisioner.pipelines.refs import Allowed, Ref, anything, as_glob, filtered

WORDS = ["main", "release/1", "release/", "dev", "", "re"]
NAMES = ["github.ref_name", "a", "b"]

variables = st.sampled_from(NAMES).map(lambda name: Condition("variable", name=name))
texts = st.sampled_from(WORDS).map(literal)
atoms = variables | texts | st.booleans().map(literal)


def joined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    two = st.tuples(inner, inner)
    compared = st.tuples(variables, texts | variables)
    return (
        st.tuples(st.sampled_from(["and", "or"]), two).map(lambda p: Condition(p[0], p[1]))
        | inner.map(lambda c: Condition("not", (c,)))
        | st.tuples(st.sampled_from(["==", "!="]), compared).map(lambda p: Condition(p[0], p[1]))
        | compared.map(lambda p: Condition("call", p, name="startswith"))
    )


conditions = st.recursive(atoms, joined, max_leaves=12)
all_known = st.fixed_dictionaries({name: st.sampled_from([*WORDS, "other", "release/2"]) for name in NAMES})


@settings(max_examples=250)
@given(conditions, all_known, st.sets(st.sampled_from(NAMES)))
def test_what_is_known_with_gaps_holds_without_them(
    condition: Condition, known: dict[str, Value], gaps: set[str]
) -> None:
    whole = value_of(condition, known)
    partly: Facts = {name: value for name, value in known.items() if name not in gaps}
    guess = value_of(condition, partly)
    assert guess is UNKNOWN or truth(guess) == truth(whole)
    options = possible(condition, partly)
    assert UNKNOWN in options or whole in options or (False in options and not truth(whole))


@settings(max_examples=400)
@given(conditions, st.sampled_from([*WORDS, "other", "release/2", "maintenance", "zzz"]), all_known)
def test_some_case_tried_stands_for_every_branch(condition: Condition, branch: str, known: dict[str, Value]) -> None:
    """If a job runs for a branch, then for one of the cases that are tried too: none is overlooked."""
    runs = truth(value_of(condition, {**known, "github.ref_name": branch}))
    if not runs or not branch:
        return
    tried = [
        r
        for r in anything("branch", [condition])
        if truth(value_of(condition, {"github.ref_name": r.name})) is not False
    ]
    assert any(r.name == branch or (isinstance(r.name, Begins) and branch.startswith(r.name.start)) for r in tried), [
        r.name for r in tried
    ]


FILTERS = ["main", "release/1", "/release\\/.*/", "/.*/", "/^main$/", "/ma.n/", "/re.*/", "/main|dev/", "/v[0-9]+/"]
BRANCHES = ["main", "mein", "dev", "release/1", "release/x", "re", "v7", "anything"]
ALLOWED = ["main", "release/*", "/release\\/.*/", "v*", "dev"]


@settings(max_examples=250)
@given(
    st.lists(st.sampled_from(FILTERS), min_size=1, max_size=3),
    st.sampled_from(BRANCHES),
    st.lists(st.sampled_from(ALLOWED), min_size=1, max_size=3),
)
def test_a_filter_that_passes_lets_in_nothing_else(filters: list[str], branch: str, allowed: list[str]) -> None:
    """Regular expressions are tried as CircleCI tries them: on the whole name."""

    def lets_in(word: str) -> bool:
        return re.fullmatch(word[1:-1], branch) is not None if word.startswith("/") else word == branch

    passes = all(Allowed(tuple(allowed), ()).holds(r) for r in filtered("branch", filters, []))
    meant = any(re.fullmatch((as_glob(a) or "").replace("*", ".*"), branch) for a in allowed)
    assert not (passes and any(map(lets_in, filters)) and not meant)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "!" * 5000,
        "a" * 100_000,
        "a && " * 5000,
        "'",
        "a[",
        "f(",
        "1 = 2",
        "a ?? b",
        "\x00",
        "é",
        "a..b",
        "${{ a",
    ],
)
def test_odd_expressions_are_unknown_and_quick(text: str) -> None:
    for read in (github_expression, circleci_expression):
        assert value_of(read(text), {}) is UNKNOWN


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: [" * 3000, "too-many-values"),
        ("a: b\n---\nc: d\n", "pipeline-shape"),
        ("- a\n", "pipeline-shape"),
        ("", "pipeline-shape"),
        ("a: 1\na: 2\n", "duplicate-key"),
        ("a: *b\n", "pipeline-shape"),
        ("a: &a [*a]\n", "pipeline-shape"),
        ("? [a]\n: b\n", "pipeline-shape"),
        ("a: [\n", "yaml-syntax"),
        ("a: \x01\n", "control-character"),
        (
            "x0: &x0 [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(f"x{n}: &x{n} [{','.join([f'*x{n - 1}'] * 10)}]\n" for n in range(1, 12)),
            "too-many-values",
        ),
    ],
)
def test_files_that_are_refused(text: str, code: str) -> None:
    assert [d.code for d in parse("f.yml", text.encode())[1]] == [code]


def test_every_scalar_keeps_its_line() -> None:
    root, said = parse("f.yml", b"on:\n  push:\n  pull_request: ~\nx: &x {a: 1}\ny:\n  <<: *x\n  b: no\n")
    assert said == []
    assert root is not None
    assert root.get("on", "push").absent
    assert "push" in root.get("on").keys
    assert root.get("y", "a").place.line == 4
    assert (root.get("y", "b").text, root.get("y", "b").place.line) == ("no", 7)
    assert Ref("branch", "x").words == "the branch `x`"


def test_folders_elsewhere_are_not_read(tmp_path: Path) -> None:
    from provisioner.pipelines.github import local

    assert local("./../other/action") is None
    assert local("./.github/actions/x") == local("$/.github/actions/x") == ".github/actions/x"
