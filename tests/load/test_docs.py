"""The page on access files knows every key, and its examples are read without complaint."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provisioner.load import load_files, schema
from provisioner.load.mistakes import keys_of
from provisioner.providers.catalog import all_providers
from tests.load.kinds import KINDS
from tests.load.tiny import load

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs/access-files.md").read_text(encoding="utf-8")
EXAMPLES = [e for e in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if not e.startswith("#")]
MODELS = [m for m in vars(schema).values() if isinstance(m, type) and issubclass(m, schema.Shape)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_explained(model: type[schema.Shape]) -> None:
    missing = [key for key in keys_of(model) if not re.search(rf"\b{re.escape(key)}\b", PAGE)]
    assert missing == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.partition(":")[0])
def test_every_example_is_of_the_right_shape(example: str) -> None:
    """Names that other examples declare are not known here; everything else is."""
    loaded = load_files({"example.yaml": example.encode()}, all_providers())
    assert [d for d in loaded.diagnostics if d.is_error and not d.code.startswith("unknown-")] == []


def test_every_code_of_broken_input_has_a_paragraph() -> None:
    told = set(re.findall(r"^### ([a-z0-9-]+)$", (TOP / "docs/errors.md").read_text(encoding="utf-8"), re.MULTILINE))
    codes = {d.code for text, _ in KINDS.values() for d in load(text).diagnostics if not d.code.startswith("tiny-")}
    assert codes - told == set()
