"""`provision apply --reviewed`: what was reviewed and is still right, what is due, and nothing else that is new."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import COMMON, Repository


def reviewed(repository: Repository, tmp_path: Path) -> str:
    """A plan as a pull request has it."""
    file = str(tmp_path / "reviewed.json")
    assert repository.run("plan", "--out", file).status == 0
    return file


@pytest.fixture
def settled(repository: Repository) -> Repository:
    assert repository.run("apply").status == 0
    return repository


def test_what_was_reviewed_is_done_and_new_access_waits(settled: Repository, tmp_path: Path) -> None:
    settled.person("zoe")
    file = reviewed(settled, tmp_path)
    settled.person("mia")  # merged by somebody else in between
    settled.commit()
    ran = settled.run("apply", "--reviewed", file)
    assert ran.status == 0
    assert settled.people() == {"ada", "grace", "zoe"}
    assert settled.members("developers") == {"ada", "grace", "zoe"}
    assert "not-reviewed: it is not in the plan that was reviewed" in ran.err
    assert "add mia to group developers" in ran.err
    assert "note[reviewed-other-tree]" in ran.err
    assert "2 changes were held back" in ran.out
    assert "Not in order yet: corp-ldap: some changes were held back." in ran.out
    assert settled.run("apply").status == 0
    assert "mia" in settled.people()


def test_the_same_file_may_be_used_again_and_then_finds_nothing_to_do(settled: Repository, tmp_path: Path) -> None:
    settled.person("zoe")
    settled.commit()
    file = reviewed(settled, tmp_path)
    assert settled.run("apply", "--reviewed", file).status == 0
    ran = settled.run("apply", "--reviewed", file)
    assert ran.status == 0
    assert "In order now: corp-ldap." in ran.out


def test_a_leaver_whom_nobody_saw_in_the_review_goes_all_the_same(settled: Repository, tmp_path: Path) -> None:
    settled.person("zoe")
    file = reviewed(settled, tmp_path)
    settled.leave("ada")
    settled.commit()
    ran = settled.run("apply", "--reviewed", file)
    assert ran.status == 0
    assert settled.members("developers") == {"grace", "zoe"}
    assert "In order now: corp-ldap." in ran.out


def test_a_removal_that_the_files_ask_for_and_nobody_reviewed_waits(settled: Repository, tmp_path: Path) -> None:
    settled.person("zoe")
    file = reviewed(settled, tmp_path)
    settled.person("ada", roles="[]")
    settled.commit()
    ran = settled.run("apply", "--reviewed", file)
    assert ran.status == 0
    assert settled.members("developers") == {"ada", "grace", "zoe"}
    assert "remove ada from group developers" in ran.err


def test_what_was_reviewed_and_is_not_asked_for_any_more_is_not_done(settled: Repository, tmp_path: Path) -> None:
    settled.person("zoe")
    file = reviewed(settled, tmp_path)
    settled.leave("zoe")
    settled.commit()
    ran = settled.run("apply", "--reviewed", file)
    assert ran.status == 0
    assert settled.people() == {"ada", "grace"}


def test_an_edited_file_or_one_of_another_time_is_no_review(settled: Repository, tmp_path: Path) -> None:
    settled.person("zoe")
    file = Path(reviewed(settled, tmp_path))
    content = file.read_bytes()
    file.write_bytes(content.replace(b"zoe", b"eve"))
    ran = settled.run("apply", "--reviewed", str(file))
    assert (ran.status, "error[plan-file-edited]" in ran.err) == (4, True)
    settled.run("plan", "--as-of", "2099-01-01T00:00:00Z", "--out", str(file))
    ran = settled.run("apply", "--reviewed", str(file))
    assert (ran.status, "error[plan-file-as-of]" in ran.err) == (4, True)
    assert settled.people() == {"ada", "grace"}


def test_a_saved_plan_is_not_a_review_of_itself(settled: Repository, tmp_path: Path) -> None:
    file = reviewed(settled, tmp_path)
    assert settled.run("apply", file, "--reviewed", file).status == 64


def test_a_grant_that_begins_by_its_own_time_waits_for_a_plain_apply(settled: Repository, tmp_path: Path) -> None:
    file = reviewed(settled, tmp_path)
    settled.write(
        "access/common.yaml", COMMON.replace("roles:\n", "roles:\n  ops: {grants: {corp-ldap: {groups: [ops]}}}\n")
    )
    settled.person("ada", roles="[developer, {role: ops, from: 2026-01-01T00:00:00Z}]")
    settled.commit()
    ran = settled.run("apply", "--reviewed", file)
    assert ran.status == 0
    assert "add ada to group ops" in ran.err
    assert not any(dn.startswith("cn=ops") for dn in settled.server.entries())
