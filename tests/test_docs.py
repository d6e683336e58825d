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
