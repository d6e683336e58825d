"""Problems are told with their place, the line itself, why, and how to mend it."""

from __future__ import annotations

import io

import pytest

from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.report.annotations import github
from provisioner.report.colour import PLAIN, Palette, palette
from provisioner.report.diagnostics import Sources, count, one, text, to_json

UNKNOWN = Diagnostic(
    "unknown-role",
    "no role named `db-writter`",
    location=Location("access/teams/payments.yaml", 14, 11),
    length=10,
    why="an assignment may only name a role declared under `roles:`",
    fix="did you mean `db-writer` (access/roles.yaml:31:3)?",
)


def sources(content: str, file: str = "teams/payments.yaml") -> Sources:
    return Sources({file: content.encode()}, "access")


def test_a_problem_looks_as_the_style_guide_says() -> None:
    files = sources("\n" * 13 + "    role: db-writter\n")
    assert text([UNKNOWN], files) == (
        "access/teams/payments.yaml:14:11: error[unknown-role]: no role named `db-writter`\n"
        "  14 |     role: db-writter\n"
        "     |           ^^^^^^^^^^\n"
        "  why: an assignment may only name a role declared under `roles:`\n"
        "  fix: did you mean `db-writer` (access/roles.yaml:31:3)?\n"
    )


@pytest.mark.parametrize(
    ("line", "column", "length", "expected"),
    [
        ("\trole: x", 8, 1, "  1 |     role: x\n    |           ^"),
        ("李雷: x", 5, 1, "  1 | 李雷: x\n    |       ^"),
        ("e\u0301: x", 5, 1, "  1 | e\u0301: x\n    |    ^"),
        ("李雷: x", 1, 2, "  1 | 李雷: x\n    | ^^^^"),
        ("a: \x1b[2J", 4, 4, "  1 | a: \\x1b[2J\n    |    ^^^^^^^"),
        ("short", 99, 5, "  1 | short\n    |      ^"),
        ("short", 3, 99, "  1 | short\n    |   ^^^"),
    ],
)
def test_carets_stand_below_what_is_meant(line: str, column: int, length: int, expected: str) -> None:
    files = sources(line, "a.yaml")
    told = one(Diagnostic("c", "m", location=Location("access/a.yaml", 1, column), length=length), files)
    assert told == f"access/a.yaml:1:{column}: error[c]: m\n{expected}\n"


def test_a_long_line_is_shown_around_what_is_meant() -> None:
    files = sources("x" * 400 + "HERE" + "y" * 400, "a.yaml")
    lines = one(Diagnostic("c", "m", location=Location("access/a.yaml", 1, 401), length=4), files).splitlines()
    assert max(map(len, lines)) <= 120
    assert lines[1][lines[2].index("^") :].startswith("HERE")


def test_lines_end_where_yaml_ends_them() -> None:
    files = sources("one\r\ntwo\u2028three\x85four", "a.yaml")
    assert [files.line(Location("access/a.yaml", n)) for n in range(1, 6)] == ["one", "two", "three", "four", None]


def test_a_file_that_was_not_read_only_costs_the_excerpt() -> None:
    told = text([UNKNOWN], sources("secret", "elsewhere.yaml"))
    assert told.startswith("access/teams/payments.yaml:14:11: error")
    assert "|" not in told


def test_the_excerpt_is_of_the_file_as_it_was_read_below_any_folder() -> None:
    files = Sources({"people.yaml": b"one"}, ".")
    assert files.line(Location("people.yaml", 1)) == "one"


def test_all_are_told_once_and_sorted_by_place() -> None:
    later = Diagnostic("a", "later", location=Location("b.yaml", 2))
    first = Diagnostic("b", "first", location=Location("a.yaml", 9))
    nowhere = Diagnostic("c", "nowhere", target="corp-ldap")
    assert [line.split(":")[0] for line in text([later, nowhere, first, first]).splitlines()] == [
        "a.yaml",
        "b.yaml",
        "corp-ldap",
    ]


def test_hundreds_of_problems_are_cut_with_their_number() -> None:
    many = [Diagnostic("c", f"m{n}", location=Location("a.yaml", n + 1)) for n in range(450)]
    told = text(many)
    assert told.count("error[c]") == 200
    assert told.endswith("... and 250 more; --format json has them all\n")


def test_warnings_alike_are_folded_and_errors_never() -> None:
    many = [Diagnostic("w", f"m{n}", Severity.WARNING) for n in range(30)]
    many += [Diagnostic("e", f"m{n}") for n in range(30)]
    told = text(many, fold=10)
    assert told.count("warning[w]") == 10
    assert told.count("error[e]") == 30
    assert told.startswith("error[e]")
    assert "... and 20 more of w" in told


def test_text_from_files_cannot_write_to_the_terminal() -> None:
    told = text([Diagnostic("c", "\x1b[2J\r", location=Location("a\u202e.yaml"), why="::error::\n", fix="\x07")])
    assert told == "a\\u202e.yaml:1:1: error[c]: \\x1b[2J\\r\n  why: ::error::\\n\n  fix: \\x07\n"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([], "no problems"),
        ([UNKNOWN], "1 error in 1 file"),
        ([UNKNOWN, Diagnostic("x", "y", Severity.WARNING)], "1 error and 1 warning in 1 file"),
        (
            [
                UNKNOWN,
                Diagnostic("x", "y", location=Location("b")),
                *(Diagnostic("n", str(n), Severity.NOTE) for n in range(3)),
            ],
            "2 errors and 3 notes in 2 files",
        ),
    ],
)
def test_the_count_names_errors_and_files(found: list[Diagnostic], told: str) -> None:
    assert count(found) == told


def test_json_has_exactly_the_documented_fields() -> None:
    assert to_json([UNKNOWN])["diagnostics"] == [
        {
            "code": "unknown-role",
            "severity": "error",
            "file": "access/teams/payments.yaml",
            "line": 14,
            "column": 11,
            "message": "no role named `db-writter`",
            "why": "an assignment may only name a role declared under `roles:`",
            "fix": "did you mean `db-writer` (access/roles.yaml:31:3)?",
        }
    ]
    assert to_json([Diagnostic("x", "y")])["diagnostics"][0]["file"] is None


def test_an_annotation_is_one_command_on_one_line() -> None:
    assert github([UNKNOWN]) == (
        "::error file=access/teams/payments.yaml,line=14,col=11,endColumn=21,title=unknown-role::"
        "no role named `db-writter`%0Awhy: an assignment may only name a role declared under `roles:`%0A"
        "fix: did you mean `db-writer` (access/roles.yaml:31:3)?\n"
    )


def test_an_annotation_cannot_be_broken_out_of() -> None:
    hostile = Diagnostic(
        "c",
        "100%\n::set-env name=X::y",
        Severity.WARNING,
        Location("a,b:c%.yaml\n::x", 1, 2),
        why="\r",
        fix="::error::",
    )
    (line,) = github([hostile]).splitlines()
    assert line == (
        "::warning file=a%2Cb%3Ac%25.yaml\\n%3A%3Ax,line=1,col=2,title=c::"
        "100%25\\n::set-env name=X::y%0Awhy: \\r%0Afix: ::error::"
    )


def test_notes_are_notices_and_errors_come_first() -> None:
    found = [Diagnostic("n", "n", Severity.NOTE, Location("a")), Diagnostic("e", "e", location=Location("b"))]
    assert [line.split(" ")[0] for line in github(found).splitlines()] == ["::error", "::notice"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals_that_want_it() -> None:
    assert palette(Terminal(), {"TERM": "xterm"}).on
    assert not palette(io.StringIO(), {"TERM": "xterm"}).on
    assert not palette(Terminal(), {"NO_COLOR": "1"}).on
    assert not palette(Terminal(), {"TERM": "dumb"}).on


def test_without_colour_the_text_is_the_same() -> None:
    coloured = text([UNKNOWN], colours=Palette(True))
    assert coloured != text([UNKNOWN], colours=PLAIN)
    for code in ("31", "1", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == text([UNKNOWN], colours=PLAIN)
