"""The documentation names what there is: every command, every problem's code, every provider."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.providers import catalog

TOP = Path(__file__).parents[1]
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)+\Z")
TELLERS = {"Diagnostic", "problem", "unknown", "_told", "say", "_say", "_block", "over", "_refusal"}


def codes() -> Iterator[str]:
    """The first argument, or `code=`, of everything that makes a diagnostic."""
    for path in sorted((TOP / "provisioner").rglob("*.py")):
        if path.parent.name == "memory":  # for tests; nobody's target
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                chosen = [k.value for k in node.keywords if k.arg == "code"]
                if name in TELLERS:
                    chosen += node.args[:2]
                for value in chosen:
                    if isinstance(value, ast.Constant) and isinstance(value.value, str) and CODE.match(value.value):
                        yield value.value


def test_every_code_has_a_paragraph() -> None:
    text = (TOP / "docs/errors.md").read_text()
    told = re.findall(r"^### `?([a-z0-9-]+)`?", text, re.MULTILINE)
    assert sorted(set(codes()) - set(told)) == []
    assert told == sorted(told)


@pytest.mark.parametrize("name", sorted(catalog.all_providers()))
def test_every_provider_has_a_page_with_the_shared_headings(name: str) -> None:
    text = (TOP / f"docs/providers/{name}.md").read_text().casefold()
    for heading in ("permissions needed", "what is managed", "ownership mark", "rotation", "limits"):
        assert re.search(rf"^## .*{heading}", text, re.MULTILINE), heading


def test_every_refusal_of_the_gate_has_a_line() -> None:
    text = (TOP / "docs/gate.md").read_text()
    found = set()
    for path in (TOP / "provisioner/actor").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_No", "Sign"):
                found |= {str(code.value) for code in node.args[:1] if isinstance(code, ast.Constant)}
    assert len(found) > 20
    assert sorted(code for code in found if f"`{code}`" not in text.partition("| code | |")[2]) == []
