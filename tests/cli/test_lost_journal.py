"""A journal that is lost is told until somebody answers for it, and nobody who was cut off gets back in by it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import yaml

from tests.cli.conftest import Repository
from tests.cli.test_cutoff import is_out, restore


def lost(repository: Repository) -> None:
    shutil.rmtree(repository.root / ".provision")


def acknowledge(repository: Repository, told: str) -> None:
    line = next(part for part in told.splitlines() if "acknowledgements: [" in part)
    entries = "guardrails:\n  " + line[line.index("acknowledgements: [") :] + "\n"
    assert yaml.safe_load(entries)["guardrails"]["acknowledgements"][0]["journal"] == "lost"
    repository.write("access/guardrails.yaml", entries)


def test_with_the_journal_gone_the_run_converges_and_says_that_it_is_gone(repository: Repository) -> None:
    assert repository.run("apply").status == 0
    lost(repository)
    for form in ("text", "json", "markdown"):
        ran = repository.run("plan", "--format", form)
        assert ran.status == 0
        assert "journal-missing" in ran.out and str(repository.root / ".provision") in ran.out
    assert json.loads(repository.run("plan", "--format", "json").out)["targets"]["corp-ldap"]["unrecorded"] == 3
    repository.leave("ada")
    repository.person("zoe")
    ran = repository.run("apply")
    assert ran.status == 0
    assert "warning[journal-missing]" in ran.err and "warning[journal-missing]" in ran.out
    assert "In order now: corp-ldap." in ran.out
    assert repository.members("developers") == {"grace", "zoe"}
    again = repository.run("plan", "--detailed-exitcode")
    assert again.status == 0 and "journal-missing" not in again.out
    assert "after a journal that is lost" in repository.run("journal", "show").out


def test_a_hold_that_is_lost_lets_nobody_in_until_that_is_acknowledged(repository: Repository) -> None:
    assert repository.run("apply").status == 0
    assert repository.run("offboard", "ada", "--now").status == 0
    restore(repository)
    lost(repository)
    repository.person("zoe")
    for _ in range(2):  # also once the chain has begun anew
        ran = repository.run("apply")
        assert ran.status == 3
        assert "error[journal-missing]" in ran.err and "nothing is given back to ada" in ran.err
        assert is_out(repository, "ada")
        assert "zoe" in repository.members("developers")
        assert "Not in order yet: corp-ldap" in ran.out
    assert "its records" in repository.run("plan").out
    assert "the journal before" in repository.run("status").out
    acknowledge(repository, ran.err)
    assert repository.run("apply").status == 0
    assert not is_out(repository, "ada")
    (repository.root / "access/guardrails.yaml").unlink()
    assert repository.run("plan", "--detailed-exitcode").status == 0


def test_a_saved_plan_is_not_applied_by_a_journal_that_is_not_the_one_it_was_made_with(
    repository: Repository, tmp_path: Path
) -> None:
    assert repository.run("apply").status == 0
    repository.person("zoe")
    assert repository.run("plan", "--out", str(tmp_path / "plan")).status == 0
    lost(repository)
    ran = repository.run("apply", str(tmp_path / "plan"))
    assert ran.status == 4 and "error[plan-file-other-journal]" in ran.err
    assert "zoe" not in repository.people()


def test_a_file_where_the_journal_should_lie_stops_a_plan_too(repository: Repository) -> None:
    repository.write(".provision", "a file")
    for command in ("plan", "status", "expire"):
        ran = repository.run(command)
        assert ran.status == 1
        assert "error[journal-unreadable]" in ran.err or (command == "expire" and "[journal-not-writable]" in ran.err)
