"""Taking an entry out changes nothing else, down to the byte, in whatever way the file is written."""

from __future__ import annotations

import pytest

from provisioner.files.cut import NotCutError, cut

PLAIN = """\
# yaml-language-server: $schema=../../docs/access.schema.json
people:
  # payments
  ada:
    name: Ada      # with a comment
    roles:
      - developer
    # she leaves in May

  mia:   {name: Mia,   roles: [ developer ]}   # odd spaces stay

  # operations
  zoe:
    name: "Zoe"
"""


def test_only_their_lines_go() -> None:
    assert (
        cut(PLAIN, "people", "ada")
        == """\
# yaml-language-server: $schema=../../docs/access.schema.json
people:
  # payments

  mia:   {name: Mia,   roles: [ developer ]}   # odd spaces stay

  # operations
  zoe:
    name: "Zoe"
"""
    )


def test_a_one_line_entry_goes_with_its_blank_line() -> None:
    assert cut(PLAIN, "people", "mia") == PLAIN.replace(
        "  mia:   {name: Mia,   roles: [ developer ]}   # odd spaces stay\n\n", ""
    )


def test_the_last_entry_leaves_the_comment_above_it() -> None:
    assert cut(PLAIN, "people", "zoe") == PLAIN.replace('  zoe:\n    name: "Zoe"\n', "")


def test_a_file_that_holds_nobody_else_goes_whole() -> None:
    assert cut("# about ada\npeople:\n  ada:\n    name: Ada\n", "people", "ada") is None


def test_the_only_person_beside_other_sections_takes_the_section_along() -> None:
    text = "roles:\n  r: {}\n\npeople:\n  ada:\n    name: Ada\n\nservices:\n  bot: {owners: [mia]}\n"
    assert cut(text, "people", "ada") == "roles:\n  r: {}\n\nservices:\n  bot: {owners: [mia]}\n"


def test_the_only_person_at_the_end_takes_the_blank_line_along() -> None:
    assert cut("roles:\n  r: {}\n\npeople:\n  ada:\n    name: Ada\n", "people", "ada") == "roles:\n  r: {}\n"


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_line_ends_stay_as_they_are(newline: str) -> None:
    text = "people:\n  ada:\n    name: Ada\n  mia:\n    name: Mia\n".replace("\n", newline)
    assert cut(text, "people", "ada") == "people:\n  mia:\n    name: Mia\n".replace("\n", newline)
    assert cut(text, "people", "mia") == "people:\n  ada:\n    name: Ada\n".replace("\n", newline)


def test_no_line_end_at_the_end() -> None:
    text = "people:\n  mia:\n    name: Mia\n  ada:\n    name: Ada"
    assert cut(text, "people", "ada") == "people:\n  mia:\n    name: Mia\n"


def test_a_byte_order_mark_stays() -> None:
    text = "\ufeffpeople:\n  ada: {}\n  mia: {}\n"
    assert cut(text, "people", "ada") == "\ufeffpeople:\n  mia: {}\n"


def test_text_beyond_ascii_does_not_shift_the_cut() -> None:
    text = "people:\n  zoë1: {name: 'Zoë 😀'}  # 😀\n  ada: {name: Ada}\n  mia: {name: 'Mía\u2028'}\n"
    assert cut(text, "people", "ada") == text.replace("  ada: {name: Ada}\n", "")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("people: {ada: {name: Ada}, mia: {name: Mia}}\n", "people: {mia: {name: Mia}}\n"),
        ("people: {mia: {name: Mia}, ada: {name: Ada}}\n", "people: {mia: {name: Mia}}\n"),
        ("people: { mia: {},ada: {},zoe: {} }\n", "people: { mia: {},zoe: {} }\n"),
        ("people: {mia: {}, ada: {},}\n", "people: {mia: {}, }\n"),
        ("{people: {ada: {}}, roles: {}}\n", "{roles: {}}\n"),
        ("{roles: {}, people: {ada: {}}}\n", "{roles: {}}\n"),
        (
            "people: {\n  ada: {name: Ada},  # first\n  mia: {name: Mia},  # second\n}\n",
            "people: {\n  mia: {name: Mia},  # second\n}\n",
        ),
        (
            "people: {\n  mia: {name: Mia},\n  # the last\n  ada: {\n    name: Ada\n  },\n}\n",
            "people: {\n  mia: {name: Mia},\n  # the last\n}\n",
        ),
        ("people: {mia: {}, ada: {\n  name: Ada}}\n", "people: {mia: {}}\n"),
        ('people: {"ada": {}, mia: {}}\n', "people: {mia: {}}\n"),
    ],
)
def test_flow_style_loses_the_entry_and_its_comma(text: str, left: str) -> None:
    assert cut(text, "people", "ada") == left


@pytest.mark.parametrize(
    "entry",
    [
        '  "ada":\n    name: Ada\n',
        "  ? ada\n  : name: Ada\n",
        "  ada:\n    name: >-\n      Ada\n      Moreau\n",
        "  ada:\n    name: |\n      Ada\n    # a comment inside\n",
        "  ada: &who\n    name: Ada\n",
        "  ada:\n    roles:\n    - developer\n    - {role: deployer,\n       environments: [production]}\n",
        "  ada:\n    name: &n Ada\n    email: *n\n",
    ],
)
def test_block_style_in_all_its_forms(entry: str) -> None:
    assert cut(f"people:\n  zoe: {{}}\n{entry}  mia:\n    name: Mia\n", "people", "ada") == (
        "people:\n  zoe: {}\n  mia:\n    name: Mia\n"
    )


def test_an_anchor_that_others_use_is_not_taken_away() -> None:
    text = "people:\n  ada:\n    roles: &usual [developer]\n  mia:\n    roles: *usual\n"
    with pytest.raises(NotCutError, match="&usual"):
        cut(text, "people", "ada")
    assert cut(text, "people", "mia") == "people:\n  ada:\n    roles: &usual [developer]\n"


def test_somebody_on_what_only_looks_like_one_line_is_not_taken_along() -> None:
    """To YAML a next-line character ends the comment, and mia stands behind it."""
    with pytest.raises(NotCutError, match="would not say what it says now"):
        cut("people:\n  ada: {}  # x\x85  mia: {}\n  zoe: {}\n", "people", "ada")


def test_an_entry_that_is_an_alias_goes_alone() -> None:
    text = "people:\n  mia: &same\n    name: Mia\n  ada: *same\n"
    assert cut(text, "people", "ada") == "people:\n  mia: &same\n    name: Mia\n"


def test_a_section_that_is_an_alias_is_refused() -> None:
    with pytest.raises(NotCutError):
        cut("services: &all\n  ada: {}\n  mia: {}\npeople: *all\n", "people", "ada")


def test_a_comment_below_at_the_keys_depth_stays() -> None:
    text = "people:\n  ada:\n    name: Ada\n  # about mia\n  mia: {}\n"
    assert cut(text, "people", "ada") == "people:\n  # about mia\n  mia: {}\n"


def test_another_section_with_the_same_name_in_it_stays() -> None:
    text = "roles:\n  ada: {}\npeople:\n  ada: {}\n  mia: {}\n"
    assert cut(text, "people", "ada") == "roles:\n  ada: {}\npeople:\n  mia: {}\n"


def test_what_is_not_there_is_not_cut() -> None:
    with pytest.raises(NotCutError):
        cut(PLAIN, "people", "nobody")
