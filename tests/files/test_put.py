"""Adding to a file leaves every other byte where it was, or is refused."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.diagnostics import ProvisionError
from provisioner.files import Edit, NotPutError, lines, put, write_all

BLOCK = """\
# the top
people:
  ada:      # since 2019
    name: "Ada"   # x
    roles:
      - developer   # by hand

  # about those below
  bob: {name: Bob, roles: []}

roles: {}
"""


def added(before: str, after: str) -> list[str]:
    """The lines that came; none may have gone but those that something was put into."""
    return [line[2:] for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line.startswith("+ ")]


def gone(before: str, after: str) -> list[str]:
    return [line[2:] for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line.startswith("- ")]


def test_lines_come_behind_the_last_of_their_mapping() -> None:
    made = put(BLOCK, {"people": {"ada": {"roles": ["ops"], "accounts": {"aws": {"login": "ada-b"}}}}})
    assert gone(BLOCK, made) == []
    assert added(BLOCK, made) == ["      - ops", "    accounts:", "      aws: {login: ada-b}"]


def test_flow_style_stays_on_its_line() -> None:
    made = put(BLOCK, {"people": {"bob": {"roles": ["a", "b"], "email": "bob@example.com"}}, "roles": {"a": {}}})
    assert "  bob: {name: Bob, roles: [a, b], email: bob@example.com}\n" in made
    assert "roles: {a: {}}\n" in made


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_any_line_end_and_none_at_the_end(end: str) -> None:
    text = (end or "\n").join(["people:", "  ada:", "    name: Ada"]) + end
    made = put(text, {"people": {"ada": {"email": "a@b.example"}}})
    assert made.count("\r") == made.count("\n") * (end == "\r\n")
    assert yaml.safe_load(made) == {"people": {"ada": {"name": "Ada", "email": "a@b.example"}}}
    assert made.startswith(text)


def test_a_byte_order_mark_stays() -> None:
    assert put("\ufeffa: {}\n", {"a": {"b": "c"}}) == "\ufeffa: {b: c}\n"


@pytest.mark.parametrize(
    "text",
    [
        "people: &all\n  ada: {}\nservices: *all\n",  # both would change
        "people:\n  ada: one\n",
        "- people\n",
        "people: {ada: {roles: developer}}\n",
    ],
)
def test_what_cannot_be_added_alone_is_refused(text: str) -> None:
    with pytest.raises(NotPutError):
        put(text, {"people": {"ada": {"roles": ["ops"]}}})


words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn", "Cf"]), min_size=1, max_size=12)
values = st.recursive(
    words, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=6
)


class Texts(yaml.SafeLoader):
    """Every scalar as its text."""


Texts.yaml_implicit_resolvers = {}


@settings(max_examples=50)
@given(st.dictionaries(words, values, max_size=4), st.dictionaries(words, values, min_size=1, max_size=4))
def test_what_is_written_is_what_is_read(before: dict[str, Any], more: dict[str, Any]) -> None:
    text = "".join(f"{line}\n" for line in lines({"top": before, "rest": {"x": "y"}})) if before else "top: {}\n"
    more = {k: v for k, v in more.items() if k not in before}
    made = put(text, {"top": more}) if more else text
    assert yaml.load(made, Loader=Texts)["top"] == {**before, **more}  # noqa: S506
    assert yaml.safe_load(made)  # plain words mean themselves to every reader, or are quoted


def test_several_files_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_bytes(b"old\n")
    blocked = tmp_path / "blocked"
    blocked.write_bytes(b"a file, and no folder")
    edits = [
        Edit(tmp_path / "new" / "deep.yaml", "deep.yaml", None, b"new\n"),
        Edit(tmp_path / "old.yaml", "old.yaml", b"old\n", b"newer\n"),
        Edit(blocked / "x.yaml", "x.yaml", None, b"x\n"),
    ]
    with pytest.raises(ProvisionError):
        write_all(edits)
    assert (tmp_path / "old.yaml").read_bytes() == b"old\n"
    assert not (tmp_path / "new" / "deep.yaml").exists()
    write_all(edits[:2])
    assert (tmp_path / "old.yaml").read_bytes() == b"newer\n"
    assert (tmp_path / "new" / "deep.yaml").read_bytes() == b"new\n"
    with pytest.raises(ProvisionError):
        write_all(edits[:1])  # it is there now
