"""Changing what stands at one place of a file: everything else stays, down to the byte, or nothing is changed."""

from __future__ import annotations

import pytest

from provisioner.files.change import rename_key, set_text, take_out
from provisioner.files.cut import NotCutError

BLOCK = """\
# people
people:
  ada:   # first
    name: Ada
    roles:
      # for the audit
      - {role: developer, source: corp}  # by corp
      - operator  # by hand
      - role: deployer
        source: corp
        environments: [production]
      # the end
  tom: {name: "Tom", roles: [a, {role: b, source: corp}, c]}
"""


def test_a_text_is_replaced_where_it_stands() -> None:
    assert set_text(BLOCK, ("people", "ada", "name"), "Ada Byron") == BLOCK.replace("name: Ada\n", "name: Ada Byron\n")
    assert set_text(BLOCK, ("people", "tom", "name"), "no") == BLOCK.replace('"Tom"', '"no"')


def test_a_key_is_renamed_where_it_stands() -> None:
    assert rename_key(BLOCK, ("people", "ada"), "ada-b") == BLOCK.replace("  ada:", "  ada-b:")
    with pytest.raises(NotCutError, match="there already"):
        rename_key(BLOCK, ("people", "ada"), "tom")


@pytest.mark.parametrize(
    ("places", "gone"),
    [
        ((0,), ["      - {role: developer, source: corp}  # by corp\n"]),
        ((2,), ["      - role: deployer\n        source: corp\n        environments: [production]\n"]),
        ((0, 1), ["      - {role: developer, source: corp}  # by corp\n", "      - operator  # by hand\n"]),
    ],
)
def test_entries_of_a_list_in_block_style_go_as_whole_lines(places: tuple[int, ...], gone: list[str]) -> None:
    wanted = BLOCK
    for lines in gone:
        wanted = wanted.replace(lines, "")
    assert take_out(BLOCK, ("people", "ada", "roles"), places) == wanted


@pytest.mark.parametrize(
    ("places", "left"),
    [
        ((0,), "[{role: b, source: corp}, c]"),
        ((1,), "[a, c]"),
        ((2,), "[a, {role: b, source: corp}]"),
        ((0, 2), "[{role: b, source: corp}]"),
        ((1, 2), "[a]"),
    ],
)
def test_entries_of_a_list_in_flow_style_go_with_their_comma(places: tuple[int, ...], left: str) -> None:
    assert take_out(BLOCK, ("people", "tom", "roles"), places) == BLOCK.replace("[a, {role: b, source: corp}, c]", left)


def test_a_list_of_which_nothing_is_left_goes_with_its_key() -> None:
    text = take_out(BLOCK, ("people", "tom", "roles"), (0, 1, 2))
    assert text.endswith('  tom: {name: "Tom"}\n')
    text = take_out(BLOCK, ("people", "ada", "roles"), (0, 1, 2))
    assert "roles:\n" not in text and "ada:   # first\n    name: Ada\n" in text


def test_what_stands_elsewhere_is_not_changed_here() -> None:
    text = "people:\n  ada: {roles: &r [a, b]}\n  tom: {roles: *r}\n"
    with pytest.raises(NotCutError):
        take_out(text, ("people", "tom", "roles"), (0,))
    with pytest.raises(NotCutError):
        take_out(text, ("people", "ada", "roles"), (0,))
    with pytest.raises(NotCutError):
        set_text("people:\n  ada:\n    name: |\n      Ada\n", ("people", "ada", "name"), "x")
