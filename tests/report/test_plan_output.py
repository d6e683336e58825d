"""What `plan` prints, story by story (tests/report/golden), and the rules behind it.

After a wanted change of the output: `UPDATE_GOLDEN=1 pytest tests/report`, then read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.plan.plan import Plan, Stray
from provisioner.report import markdown
from provisioner.report.colour import Palette
from provisioner.report.safe import safe, width
from provisioner.report.text import text
from tests.builders import at, change, outstanding, plan, view
from tests.report.stories import HOSTILE, STORIES

GOLDEN = Path(__file__).parent / "golden"
DIGEST = "sha256:" + "ab" * 32
APPLY = "provision apply plan.json"


def compare(name: str, shown: str) -> None:
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("story", STORIES)
def test_text_tells_the_story(story: str) -> None:
    compare(f"{story}.txt", text(STORIES[story](), apply_with=APPLY))


@pytest.mark.parametrize("story", STORIES)
def test_markdown_tells_the_story(story: str) -> None:
    compare(f"{story}.md", markdown.text(STORIES[story](), digest=DIGEST))


@pytest.mark.parametrize("story", STORIES)
def test_text_keeps_its_width_and_ends_with_one_newline(story: str) -> None:
    shown = text(STORIES[story](), apply_with=APPLY)
    body = shown.partition("warning[")[0]  # diagnostics keep their compiler form, whatever its length
    assert all(width(line) <= 110 for line in body.splitlines())
    assert shown.endswith("\n")
    assert not shown.endswith("\n\n")
    assert not any(line != line.rstrip() for line in shown.splitlines())


@pytest.mark.parametrize("story", STORIES)
def test_colour_adds_nothing_but_colour(story: str) -> None:
    coloured = text(STORIES[story](), apply_with=APPLY, colours=Palette(True))
    for code in ("0", "1", "2", "31", "32", "33", "36"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert [line.rstrip() for line in coloured.splitlines()] == text(STORIES[story](), apply_with=APPLY).splitlines()


def test_hostile_text_sends_nothing_to_the_terminal_or_the_log() -> None:
    shown = text(STORIES["hostile"](), apply_with=APPLY)
    assert shown.replace("\n", "").isprintable()
    assert "##[" not in shown
    assert not any(line.strip().startswith("::") for line in shown.splitlines())


def test_a_wrapped_line_cannot_begin_as_a_command() -> None:
    padding = "x" * 70
    shown = text(plan(change("create", "t:group/g", "w", why=f"{padding} ::add-mask::{padding}")))
    assert not any(line.strip().startswith("::") for line in shown.splitlines())
    assert ":\\x3aadd-mask::" in shown


def from_outside(shown: str) -> list[str]:
    """All tokens that CommonMark finds in `shown`, by type; plain text with its words."""
    parser = MarkdownIt("commonmark", {"html": True})
    found: list[str] = []
    for token in parser.parse(shown):
        found += [f"{inner.type} {inner.content}" for inner in token.children or [token]]
    return found


def test_markdown_lets_no_link_image_mention_or_html_through() -> None:
    tokens = from_outside(markdown.text(STORIES["hostile"](), digest=DIGEST))
    types = {token.split(" ")[0] for token in tokens}
    assert not types & {"link_open", "image", "html_inline"}
    blocks = [t for t in tokens if t.startswith("html_block")]
    assert all(not b.removeprefix("html_block ").strip().startswith("<img") for b in blocks)
    assert {b.removeprefix("html_block ").strip() for b in blocks} <= {
        "<details><summary>1 stray, left alone</summary>",
        "</details>",
    }
    words = [t for t in tokens if t.startswith("text ")]
    assert not any(mark in word for word in words for mark in ("@", "http", "evil", "<", "`", "\x1b"))
    assert sum(token.startswith("code_inline") and "@org/all" in token for token in tokens) >= 10


@pytest.mark.parametrize("text", ["", " ", "`", "``a`", "a``", " `x` ", "```\nx\n```", "|", "\\", HOSTILE])
def test_a_code_span_gives_back_its_text(text: str) -> None:
    (span,) = [t for t in from_outside(f"a {markdown.code(text)} b") if t.startswith("code_inline")]
    assert span.removeprefix("code_inline ").strip() == safe(text).strip()


def test_a_plan_too_long_for_a_comment_is_cut_with_its_dangers_first() -> None:
    ordinary = [
        change("create", f"corp-ldap:membership/g{n}/p{n}", f"add p{n} to group g{n}" + "x" * 100) for n in range(900)
    ]
    gone = change("delete", "zz:account/bob", "delete account bob", level="admin", reversible=False)
    shown = markdown.text(plan(*ordinary, gone), digest=DIGEST)
    assert len(shown) <= markdown.MOST
    assert shown.index("delete account bob") < 1000
    assert "**Cut here:**" in shown
    assert "901 changes" in shown
    assert shown.endswith("`.\n")


def shown(made: Plan) -> str:
    return text(made, apply_with=APPLY)


def test_people_with_the_same_changes_are_folded_but_never_admins() -> None:
    def join(group: str, who: str, level: str) -> str:
        made = [change("create", f"t:membership/{group}/{w}", f"add {w} to group {group}", level=level) for w in who]
        return shown(plan(*made))

    assert "a + 3 others" in join("dev", "abcd", "ordinary")
    assert "others" not in join("dev", "ab", "ordinary")
    folded = join("admins", "abcd", "admin")
    assert "others" not in folded
    assert folded.count("! + add") == 4


def test_people_are_not_folded_when_anything_differs() -> None:
    made = [change("create", f"t:membership/dev/{w}", f"add {w} to group dev", why=f"role {w}x") for w in "abc"]
    assert "others" not in shown(plan(*made))
    made = [
        change("create", f"t:membership/{g}/{w}", f"add {w} to the group") for w, g in zip("abc", "xxy", strict=True)
    ]
    assert "others" not in shown(plan(*made))


def test_whoever_has_another_login_is_shown_by_themselves() -> None:
    made = [change("create", f"t:membership/dev/{w}.x", f"add {w}.x to group dev", who=w) for w in "abcd"]
    told = shown(plan(*made))
    assert "others" not in told
    assert "a (login a.x)" in told


def test_many_removals_of_one_person_are_folded_with_their_names() -> None:
    made = [change("revoke", f"t:membership/g{n:02}/ada", f"remove ada from group g{n:02}") for n in range(30)]
    told = shown(plan(*made))
    assert told.count("remove ada") == 6
    assert "and 24 more like this: g06, g07" in told
    assert "g29" in told


def test_admin_like_and_narrowing_changes_come_first() -> None:
    made = [
        change("create", "t:membership/a/amy", "add amy to group a"),
        change("revoke", "t:membership/b/bob", "remove bob from group b"),
        change("create", "t:membership/admins/zoe", "add zoe to group admins", level="admin"),
    ]
    told = shown(plan(*made)).partition("(read")[2]
    assert told.index("zoe") < told.index("bob") < told.index("amy")


def test_what_is_outstanding_comes_first_and_only_once() -> None:
    made = change("revoke", "aws:membership/Dev/ada", "remove ada from group Dev")
    left = outstanding("revoke", "aws:membership/Dev/ada", "2026-11-20", "no answer", who="ada")
    told = shown(plan(made, outstanding=[left]))
    assert told.count("remove ada") == 1
    assert told.splitlines()[2:4] == ["Outstanding from earlier runs", "  - remove ada from group Dev (aws)"]


def test_a_calm_line_is_only_for_plans_without_doubt() -> None:
    assert shown(plan(targets={"t": view(account=3)})).startswith("Nothing to do. 1 target read, 3 things seen")
    assert "Nothing to do" not in shown(plan(targets={"t": view(failed="x"), "u": view()}))
    left = outstanding("revoke", "t:membership/Dev/ada", "2026-11-20", "no answer")
    assert "Nothing to do" not in shown(plan(targets={"t": view()}, outstanding=[left]))
    differs = Diagnostic("report-only", "differs", severity=Severity.NOTE, target="t")
    reported = shown(plan(targets={"t": view(account=3)}, diagnostics=[differs]))
    assert reported.startswith("No changes are planned. 1 target read, 3 things seen: 1 difference in mode `report`.")
    assert shown(plan()).startswith("No changes are planned: no target is declared, and no system was asked.")


def test_a_few_strays_are_listed_and_many_are_counted() -> None:
    few = [Stray(at(f"t:account/u{n}"), "nobody declares it") for n in range(20)]
    assert shown(plan(targets={"t": view()}, strays=few)).count("nobody declares it)") == 20
    many = [*few, Stray(at("t:membership/ops/ada"), "ada holds it, and no line asks for it", "ada")]
    told = shown(plan(targets={"t": view()}, strays=many))
    assert "t: 20 accounts, 1 membership" in told
    assert "ada holds it" in told
    assert "t:account/u3" not in told


def test_before_the_first_commit_the_plan_says_so() -> None:
    assert "files that no commit has yet" in shown(plan(revision=None, uncommitted=True))
