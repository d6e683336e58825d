"""Nothing from outside moves a cursor, hides, reorders, or is taken for a command."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.report.safe import guard, pad, safe, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, as it is", "plain text, as it is"),
        ("Zoë Müller 李雷 👩", "Zoë Müller 李雷 👩"),
        ("cn=a\\,b,dc=example", "cn=a\\,b,dc=example"),
        ("a\u202eb", "a\\u202eb"),
        ("\x1b[2J", "\\x1b[2J"),
        ("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree"),
        ("\x85\x9b1m", "\\x85\\x9b1m"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("no\xa0break", "no\\xa0break"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("\u3164filler", "\\u3164filler"),
        ("\u0301combining first", "\\u0301combining first"),
        ("\ud800", "\\ud800"),
        ("##[add-mask]x ##vso[task] ## [fine]", "##\\x5badd-mask]x ##vso\\x5btask] ## [fine]"),
    ],
)
def test_what_is_not_plainly_visible_is_escaped(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text())
def test_no_control_format_or_line_character_survives(text: str) -> None:
    assert {unicodedata.category(c) for c in safe(text)} <= {
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "Sm", "Sc", "Sk", "So", "Zs",
    }  # fmt: skip


def test_long_text_is_cut() -> None:
    assert safe("x" * 300, 80) == "x" * 77 + "..."


@pytest.mark.parametrize("line", ["::error::x", "   ::add-mask::x", "\t::stop-commands::x"])
def test_no_line_begins_as_a_workflow_command(line: str) -> None:
    assert not guard(line).strip().startswith("::")


def test_two_colons_elsewhere_stay() -> None:
    assert guard("  - arn:aws:iam::111111111111:user/ada") == "  - arn:aws:iam::111111111111:user/ada"


def test_columns_count_what_a_terminal_shows() -> None:
    assert width("李雷") == 4
    assert width("e\u0301") == 1
    assert pad("李", 4) == "李  "
    assert pad("longer", 3) == "longer"
