"""`provision status`: told by the journal, without asking any system."""

from __future__ import annotations

from provisioner.report.status import TargetStatus, text
from tests.builders import NOW, REVISION, day, outstanding
from tests.cli.conftest import Repository


def test_before_the_first_apply_nothing_is_known(repository: Repository) -> None:
    ran = repository.run("status")
    assert ran.status == 0
    assert ran.out.startswith("Nothing is outstanding on 1 target.\n")
    assert "not in order yet, as far as this journal knows" in ran.out
    assert repository.server.requests == []


def test_after_an_apply_it_says_since_when_and_of_which_commit(repository: Repository) -> None:
    repository.run("apply")
    ran = repository.run("status")
    assert f" UTC with commit {repository.git('rev-parse', 'HEAD')[:12]}\n" in ran.out
    assert str(repository.root / ".provision") in ran.out


def test_what_is_outstanding_is_listed_first_with_its_age() -> None:
    behind = TargetStatus(
        "zz", outstanding=(outstanding("revoke", "zz:membership/Dev/ada", "2026-11-20", "no answer", who="ada"),)
    )
    fine = TargetStatus("aa", day("2026-11-21"), REVISION)
    assert text([fine, behind], where="in .provision", now=NOW) == (
        "1 outstanding on 1 of 2 targets, the oldest for 2 days.\n"
        "\n"
        "zz  not in order yet, as far as this journal knows\n"
        "  - revoke zz:membership/Dev/ada of ada\n"
        "      since 2026-11-20 00:00 UTC (2 days): no answer\n"
        "aa  last in order 2026-11-21 00:00 UTC with commit 1f7c9e2a4b6d\n"
        "\n"
        "Told by the journal in .provision; `provision plan` asks the systems themselves.\n"
    )


def test_invalid_files_are_told(repository: Repository) -> None:
    repository.write("access/people/ada.yaml", "people: {ada: {roles: [develper]}}\n")
    ran = repository.run("status")
    assert ran.status == 1
    assert "error[unknown-role]" in ran.err
