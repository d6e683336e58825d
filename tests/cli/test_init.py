"""What `init` writes is valid as it stands, can be gone on with, and never lies over anything."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from provisioner.files.starter import beginner, slug
from tests.cli.conftest import Repository

WORKFLOW = ".github/workflows/access.yml"


@pytest.fixture
def empty(repository: Repository) -> Repository:
    """A repository with nothing in it, and a git user."""
    repository.git("rm", "-r", "--quiet", "access")
    repository.git("config", "user.name", "Zoë O'Neil")
    repository.git("config", "user.email", "zoe@acme.example")
    return repository


def uncommented(path: Path, after: str) -> str:
    """The commented lines behind the line `after`, made live."""
    head, _, tail = path.read_text(encoding="utf-8").partition(after)
    return head + re.sub(r"(?m)^(\s*)# ", r"\1", tail)


def test_the_files_are_valid_without_a_warning(empty: Repository) -> None:
    made = empty.run("init")
    assert made.status == 0, made.err
    ran = empty.run("validate", "--format", "json")
    assert (ran.status, json.loads(ran.out)) == (0, {"diagnostics": []})
    assert "1 person, 0 services, 1 role, 1 environment, 0 targets" in ran.err


def test_the_first_person_is_who_git_says(empty: Repository) -> None:
    empty.run("init")
    text = (empty.root / "access/people/zoe-o-neil.yaml").read_text(encoding="utf-8")
    person = yaml.safe_load(text)["people"]["zoe-o-neil"]
    assert person == {"name": "Zoë O'Neil", "email": "zoe@acme.example", "roles": ["everyone"]}


def test_the_target_in_the_comment_works_once_it_is_live(empty: Repository) -> None:
    empty.run("init")
    targets, roles = empty.root / "access/targets.yaml", empty.root / "access/roles.yaml"
    targets.write_text(
        uncommented(targets, "targets: {}\n# In place of {}:\n").replace("\n  corp", "\ntargets:\n  corp")
    )
    roles.write_text(re.sub(r"(?m)^    # ", "    ", roles.read_text(encoding="utf-8")))
    ran = empty.run("validate")
    assert ran.status == 0, ran.out
    assert "1 target" in ran.err


def test_every_file_points_to_the_schema_beside_them(empty: Repository) -> None:
    empty.run("init")
    for path in (empty.root / "access").rglob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        pointed = (path.parent / first.partition("$schema=")[2]).resolve()
        assert json.loads(pointed.read_text(encoding="utf-8"))["$schema"].startswith("https://json-schema.org/")


def test_the_owner_id_is_new_each_time(empty: Repository, tmp_path: Path) -> None:
    empty.run("init")
    owners = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        empty.env.chdir(tmp_path / name)
        empty.run("init")
        owners.add(yaml.safe_load((tmp_path / name / "access/records.yaml").read_text())["records"]["owner"])
    assert len(owners) == 2 and all(re.fullmatch("[0-9a-f]{16}", owner) for owner in owners)


def test_a_second_init_changes_nothing(empty: Repository) -> None:
    empty.run("init")
    before = {p: p.read_bytes() for p in empty.root.rglob("*") if p.is_file() and ".git/" not in str(p)}
    ran = empty.run("init")
    assert ran.status == 1 and "file-exists" in ran.err and ran.out == ""
    assert before == {p: p.read_bytes() for p in empty.root.rglob("*") if p.is_file() and ".git/" not in str(p)}


def test_one_file_in_the_way_stops_all_of_it(empty: Repository) -> None:
    empty.write(WORKFLOW, "name: ours\n")
    assert empty.run("init").status == 1
    assert not (empty.root / "access").exists()
    assert (empty.root / WORKFLOW).read_text() == "name: ours\n"


def test_gitignore_is_added_to_once(empty: Repository) -> None:
    empty.write(".gitignore", "*.pyc")
    empty.run("init")
    assert (empty.root / ".gitignore").read_text() == "*.pyc\n.provision/\n"


def test_another_folder_stands_in_files_and_commands(empty: Repository) -> None:
    assert empty.run("init", "--access", "iam/files").status == 0
    assert empty.run("validate", "--access", "iam/files").status == 0
    written = "".join(path.read_text() for path in (empty.root / ".github/workflows").iterdir())
    assert written.count("--access iam/files") == 7


@pytest.mark.parametrize(
    ("there", "asked", "written"),
    [
        ([], [], {".github/workflows"}),
        ([".circleci"], [], {".circleci"}),
        ([".circleci", ".github"], [], {".circleci", ".github/workflows"}),
        ([], ["--ci", "circleci"], {".circleci"}),
        ([".circleci"], ["--ci", "github"], {".circleci", ".github/workflows"}),
        ([], ["--ci", "none"], set()),
    ],
)
def test_the_pipeline_is_of_the_system_that_is_there_or_asked_for(
    empty: Repository, there: list[str], asked: list[str], written: set[str]
) -> None:
    for folder in there:
        (empty.root / folder).mkdir()
    assert empty.run("init", *asked).status == 0
    assert {f for f in (".circleci", ".github/workflows") if (empty.root / f).is_dir()} == written
    github = ".github/workflows" in written
    assert (empty.root / WORKFLOW).exists() == github
    assert (empty.root / ".circleci/config.yml").exists() == (bool(written) and not github)


@pytest.mark.parametrize("folder", [".", "a b", "a;b"])
def test_a_folder_that_cannot_stand_in_a_command_is_refused(empty: Repository, folder: str) -> None:
    assert empty.run("init", "--access", folder).status == 64


@pytest.mark.parametrize(
    ("name", "email", "user", "expected"),
    [
        ("Ada Byron", "ada@example.com", "x", ("ada-byron", "Ada Byron", "ada@example.com")),
        ("", "ada.b@example.com", "x", ("ada-b", "ada-b", "ada.b@example.com")),
        ("", "", "root", ("root", "root", None)),
        ("李", "not an address", "", ("first-person", "李", None)),
        ("A" * 200, "", "", ("a" * 63, "A" * 200, None)),
    ],
)
def test_whoever_runs_it_gets_an_id_that_is_one(
    name: str, email: str, user: str, expected: tuple[str, str, str | None]
) -> None:
    made = beginner(name, email, user)
    assert (made.id, made.name, made.email) == expected
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", made.id)


@pytest.mark.parametrize(
    "name", ["no", "Yes", "0123", "1e5", "x: y", '"; rm', "Tab\there", "back\\slash", "Ünïcödé Ødegård"]
)
def test_any_name_survives_as_text(empty: Repository, name: str) -> None:
    empty.git("config", "user.name", name)
    assert empty.run("init").status == 0
    assert empty.run("validate").status == 0
    (file,) = (empty.root / "access/people").iterdir()
    (person,) = yaml.safe_load(file.read_text(encoding="utf-8"))["people"].values()
    assert person["name"] == " ".join(name.split())


def test_a_slug_has_no_marks_left() -> None:
    assert slug("Zoë O'Neil") == "zoe-o-neil"
