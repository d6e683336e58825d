"""Whatever files hold, loading them ends with diagnostics and never with a traceback."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.diagnostics import Diagnostic
from provisioner.load import Loaded, load_files, ordinary
from provisioner.load.nodes import Tree, build, read_with_care
from tests.load.kinds import BASE, COMPANY, KINDS
from tests.load.tiny import PROVIDERS

SEEDS = [COMPANY.encode(), BASE.encode(), *(t if isinstance(t, bytes) else t.encode() for t, _ in KINDS.values())]
PIECES = [
    *b"\n\t[]{}'\"|>#,\r\0\xff".decode("latin-1"),
    *["  ", ": ", "- ", "&a ", "*a", "<<: *a", "!!str ", "? ", "---\n", "...\n", "%YAML 1.1\n", "\r\n", "\\x00"],
    *["null", "no", "012", "1e999", "9" * 30, "2027-02-30", "2027-01-31T00:00:00Z", "role:x", "{environment}"],
    *["\u202e", "\u0435", "e\u0301", "\u2028", "\x85", "\ufeff"],
    *["people:\n", "roles:\n", "ENC[", "sops: {}\n", "<<<<<<< a\n"],
]
DOCUMENTED = set(
    re.findall(r"^### ([a-z0-9-]+)$", (Path(__file__).parents[2] / "docs/errors.md").read_text("utf-8"), re.MULTILINE)
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _check(files: dict[str, bytes]) -> Loaded:
    loaded = load_files(files, PROVIDERS)
    assert list(loaded.diagnostics) == sorted(loaded.diagnostics, key=Diagnostic.sort_key)
    for told in loaded.diagnostics:
        assert told.code in DOCUMENTED or told.code.startswith("tiny-"), told
        assert all(c.isprintable() for c in told.message + told.fix + told.why), told
        assert told.length > 0
        if told.location is not None:
            assert told.location.line > 0
            assert told.location.column > 0
            assert told.location.file.removeprefix("access/") in files
            assert loaded.line(told.location) is not None or told.location.line >= 1
    return loaded


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + draw(st.integers(1, 12))] = b""
            case 1:
                data[at:at] = draw(st.sampled_from(PIECES)).encode()
            case 2 if at < len(data):
                data[at] = draw(st.integers(0, 255))
            case _:
                other = draw(st.sampled_from(SEEDS))
                start = draw(st.integers(0, len(other)))
                data[at:at] = other[start : start + draw(st.integers(0, 40))]
    return bytes(data)


@QUICK
@given(mutated(), st.booleans())
def test_no_bytes_make_a_traceback(data: bytes, beside: bool) -> None:
    _check({"a.yaml": data, "b.yaml": BASE.encode()} if beside else {"a.yaml": data})


ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "no",
    "Ünï",
    [],
    {},
    ["x"],
    [[]],
    {"env": "X"},
    {"x": None},
    {"role": 3},
]


@st.composite
def misshapen(draw: st.DrawFn) -> str:
    """The whole language with a few of its values replaced, renamed or taken out."""
    tree: Any = json.loads(json.dumps(yaml.safe_load(COMPANY), default=str))
    for _ in range(draw(st.integers(1, 4))):
        at: Any = tree
        parent: Any = None
        step: Any = None
        while isinstance(at, dict | list) and at and (parent is None or draw(st.integers(0, 3))):
            parent = at
            step = draw(st.sampled_from(sorted(at))) if isinstance(at, dict) else draw(st.integers(0, len(at) - 1))
            at = at[step]
        if parent is None:
            break
        if draw(st.booleans()):
            parent[step] = deepcopy(draw(st.sampled_from(ODD)))
        elif isinstance(parent, dict):
            parent[draw(st.sampled_from(["x", "rolse", "no", "", "Groups", str(step) + "s"]))] = parent.pop(step)
        else:
            del parent[step]
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)


@QUICK
@given(misshapen())
def test_no_shape_makes_a_traceback(text: str) -> None:
    _check({"a.yaml": text.encode()})


@QUICK
@given(mutated())
def test_what_is_accepted_is_read_alike_by_an_independent_parser(data: bytes) -> None:
    """A file without problems holds what the pure Python parser of PyYAML sees in it."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    tree = build("x", text)
    if tree.problems or tree.root is None:
        return
    assert _as_text(tree.root) == _as_text(yaml.load(text, yaml.SafeLoader))


@QUICK
@given(mutated())
def test_the_quick_way_reads_what_the_careful_way_reads(data: bytes) -> None:
    """Where the quick way has an answer, the careful one has the same, at the same places, and no complaint."""
    for text in (data.decode("latin-1"), data[:3000].decode("latin-1")):
        quick = ordinary.read(text)
        if quick is None:
            continue
        careful = Tree()
        read_with_care("x", text, careful)
        assert careful.problems == []
        assert _placed(*quick) == _placed(careful.root, careful.marks)


def _placed(value: Any, marks: dict[int, list[Any]]) -> Any:
    """The value and its kind, with the places of everything in it."""
    if not isinstance(value, dict | list):
        return type(value), value
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [(m.line, m.column) for m in marks[id(value)]], [(k, _placed(v, marks)) for k, v in inner]


def _as_text(value: object) -> object:
    """Times as the day they begin with: that parser makes dates of them."""
    if isinstance(value, dict):
        return {k: _as_text(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_as_text(v) for v in value]
    text = str(value)
    return "a time" if re.match(r"\d{4}-\d\d?-\d\d?", text) else value
