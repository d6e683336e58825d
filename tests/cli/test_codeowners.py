"""`provision codeowners`: who owns which file, and whether GitHub's file says so."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Repository
from tests.pipelines.examples import EXAMPLES

PAGE = (EXAMPLES.parent / "approvals.md").read_text(encoding="utf-8")
CODEOWNERS = ".github/CODEOWNERS"


@pytest.fixture
def site(repository: Repository) -> Path:
    """The regulated team's repository as the working folder."""
    shutil.rmtree(repository.root / "access")
    shutil.copytree(EXAMPLES / "regulated", repository.root, dirs_exist_ok=True)
    return repository.root


@pytest.mark.parametrize("name", ["regulated", "open-source"])
def test_the_examples_files_are_right(name: str, repository: Repository) -> None:
    shutil.rmtree(repository.root / "access")
    shutil.copytree(EXAMPLES / name, repository.root, dirs_exist_ok=True)
    ran = repository.run("codeowners", "--check")
    assert (ran.status, ran.out, ran.err) == (0, "", "no problems\n")


def test_the_lines_of_the_page(repository: Repository, site: Path) -> None:
    shown = re.search(r"\$ provision codeowners\n((?:.|\n)*?)```", PAGE)
    assert shown is not None
    assert repository.run("codeowners").out == shown[1]


def test_what_somebody_changed_is_told_with_its_line(repository: Repository, site: Path) -> None:
    text = (site / CODEOWNERS).read_text()
    (site / CODEOWNERS).write_text(
        text.replace("/access/targets.yaml            @acme/development-leads", "/access/targets.yaml @me")
    )
    ran = repository.run("codeowners", "--check")
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "targets.yaml" in one)
    assert ran.status == 1
    assert f"{CODEOWNERS}:{line}:1: error[codeowners-differ]" in ran.out


def test_a_changed_owner_must_be_written(repository: Repository, site: Path) -> None:
    targets = site / "access/targets.yaml"
    targets.write_text(
        targets.read_text().replace(
            '    provider: circleci\n    owners: ["role:development-leads"]',
            "    provider: circleci\n    owners: [sven]",
        )
    )
    ran = repository.run("codeowners", "--check")
    assert ran.status == 1
    assert "warning[owners-share-a-file]: `forge` and `ci` have different owners" in ran.err
    before = (site / CODEOWNERS).read_text()
    assert repository.run("codeowners", "--write").status == 0
    after = (site / CODEOWNERS).read_text()
    assert after == before.replace(
        "targets.yaml            @acme/development-leads", "targets.yaml            @acme/development-leads @sven"
    )
    assert repository.run("codeowners", "--check").status == 0


def test_a_line_behind_counts_instead(repository: Repository, site: Path) -> None:
    with (site / CODEOWNERS).open("a") as file:
        file.write("\n# ours\n/access/ @me\n")
    ran = repository.run("codeowners", "--check")
    number = len((site / CODEOWNERS).read_text().splitlines())
    assert ran.status == 1
    assert f"{CODEOWNERS}:{number}:1: error[codeowners-overridden]" in ran.out
    repository.run("codeowners", "--write")
    assert repository.run("codeowners", "--check").status == 0
    assert "/access/ @me\n" in (site / CODEOWNERS).read_text()


def test_without_a_file_it_is_told_and_written(repository: Repository, site: Path) -> None:
    (site / CODEOWNERS).unlink()
    assert repository.run("codeowners", "--check").status == 1
    assert repository.run("codeowners", "--write").err == f"wrote {CODEOWNERS}\n"
    assert repository.run("codeowners", "--check").status == 0


def test_the_file_that_github_looks_at_is_the_one(repository: Repository, site: Path) -> None:
    (site / CODEOWNERS).rename(site / "CODEOWNERS")
    assert repository.run("codeowners", "--check").status == 0
    assert repository.run("codeowners", "--write").err == "wrote CODEOWNERS\n"


def test_nothing_is_written_through_a_link(repository: Repository, site: Path) -> None:
    (site / CODEOWNERS).rename(site / "elsewhere")
    (site / CODEOWNERS).symlink_to(site / "elsewhere")
    ran = repository.run("codeowners", "--write")
    assert ran.status == 1
    assert "error[not-a-file]" in ran.err


def test_a_role_whose_team_others_share_is_its_people(repository: Repository, site: Path) -> None:
    path = site / "access/roles/more.yaml"
    path.write_text("roles:\n  guests: {owners: [lee], grants: {forge: {teams: [development-leads]}}}\n")
    lines = dict(line.split(maxsplit=1) for line in repository.run("codeowners").out.splitlines())
    assert lines["/access/targets.yaml"] == "@leetran"
    assert lines["/access/roles/more.yaml"] == "@leetran"
    assert lines["/access/"] == "@acme/delivery-managers"


def test_without_a_github_target_logins_are_not_known(repository: Repository) -> None:
    ran = repository.run("codeowners")
    assert ran.status == 64
    assert "error[which-forge]: no target of the provider `github` is declared" in ran.err
