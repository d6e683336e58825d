"""`provision check-pipeline`: what it prints, in which format, and how it ends."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Repository
from tests.pipelines.examples import EXAMPLES

PAGE = (EXAMPLES.parent / "check-pipeline.md").read_text(encoding="utf-8")


@pytest.fixture
def site(repository: Repository) -> Path:
    """The regulated team's repository in the folder `site`."""
    shutil.copytree(EXAMPLES / "regulated", repository.root / "site")
    return repository.root / "site"


def break_approval(site: Path) -> None:
    config = site / ".circleci/config.yml"
    config.write_text(config.read_text().replace("[hold-production]", "[scan]"))


def test_a_sound_pipeline_ends_with_0(repository: Repository, site: Path) -> None:
    ran = repository.run("check-pipeline", "site", "--access", "site/access")
    assert (ran.status, ran.out) == (0, "")
    assert ran.err == "no problems; 2 files of CI configuration read\n"


def test_the_example_of_the_page_is_what_is_printed(repository: Repository, site: Path) -> None:
    break_approval(site)
    shown = re.search(r"\$ (provision check-pipeline .*)\n((?:.|\n)*?)```", PAGE)
    assert shown is not None
    ran = repository.run(*shown[1].split()[1:])
    assert (ran.status, ran.out) == (1, shown[2])


def test_json_and_annotations_name_the_line(repository: Repository, site: Path) -> None:
    break_approval(site)
    repository.env.setenv("GITHUB_ACTIONS", "true")
    ran = repository.run("check-pipeline", "site", "--access", "site/access", "--format", "json")
    (found,) = json.loads(ran.out)["diagnostics"]
    assert (found["code"], found["file"], found["line"]) == (
        "deploy-without-approval",
        "site/.circleci/config.yml",
        59,
    )
    assert "::error file=site/.circleci/config.yml,line=59," in ran.err


def test_without_a_path_the_working_folder_is_checked(repository: Repository, site: Path) -> None:
    break_approval(site)
    repository.env.chdir(site)
    assert repository.run("check-pipeline").status == 1


def test_one_file_alone_is_checked_as_what_it_is(repository: Repository, site: Path) -> None:
    break_approval(site)
    workflow = repository.run("check-pipeline", "site/.github/workflows/site.yml", "--access", "site/access")
    assert (workflow.status, workflow.out) == (0, "")
    config = repository.run("check-pipeline", "site/.circleci/config.yml", "--access", "site/access")
    assert config.status == 1


def test_a_folder_without_any_is_an_error(repository: Repository) -> None:
    ran = repository.run("check-pipeline")
    assert ran.status == 1
    assert "error[no-pipeline]" in ran.out


def test_wrong_access_files_are_told_and_nothing_is_checked(repository: Repository, site: Path) -> None:
    (site / "access/broken.yaml").write_text("people: {mara2: {roles: [nobody]}}\n")
    ran = repository.run("check-pipeline", "site", "--access", "site/access")
    assert (ran.status, ran.out) == (1, "")
    assert "error[unknown-role]" in ran.err
    assert "the pipeline was not checked" in ran.err


def test_which_of_several_pipelines_it_is(repository: Repository, site: Path) -> None:
    (site / "access/more.yaml").write_text("pipelines: {shop: {repository: shop}}\n")
    named_like_the_folder = repository.run("check-pipeline", "site", "--access", "site/access")
    assert named_like_the_folder.status == 0
    site.rename(repository.root / "elsewhere")
    ran = repository.run("check-pipeline", "elsewhere", "--access", "elsewhere/access")
    assert ran.status == 64
    assert "error[which-pipeline]" in ran.err
    said = repository.run("check-pipeline", "elsewhere", "--access", "elsewhere/access", "--pipeline", "site")
    assert said.status == 0
    wrong = repository.run("check-pipeline", "elsewhere", "--access", "elsewhere/access", "--pipeline", "sites")
    assert "did you mean `site`?" in wrong.err


def test_a_link_is_not_followed(repository: Repository, site: Path) -> None:
    config = site / ".circleci/config.yml"
    elsewhere = repository.root / "config.yml"
    config.rename(elsewhere)
    config.symlink_to(elsewhere)
    ran = repository.run("check-pipeline", "site", "--access", "site/access")
    assert ran.status == 1
    assert "site/.circleci/config.yml:1:1: error[unreadable-file]" in ran.out


def test_no_sdk_is_loaded(repository: Repository, site: Path) -> None:
    from tests.cli.test_help import loaded_by

    loaded = loaded_by("check-pipeline", str(EXAMPLES / "regulated"), "--access", str(EXAMPLES / "regulated/access"))
    assert not loaded & {"boto3", "botocore", "ldap3", "requests", "deepdiff"}
