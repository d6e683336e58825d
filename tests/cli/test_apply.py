"""`provision apply`: what was planned, once, read back; and what is left is told."""

from __future__ import annotations

import json
from pathlib import Path
from time import sleep

import pytest

from tests.cli.conftest import COMMON, Repository


def test_apply_makes_it_so_and_the_next_plan_is_empty(repository: Repository) -> None:
    ran = repository.run("apply")
    assert ran.status == 0
    assert ran.out.startswith("Done: 5 changes on 1 target, each read back from the live system.\n")
    assert "In order now: corp-ldap." in ran.out
    assert "5 changes on 1 target" in ran.err  # the plan is shown before it is done
    assert ran.err.count("corp-ldap: 5 changes to make\n") == 1
    assert repository.people() == {"ada", "grace"}
    assert repository.members("developers") == {"ada", "grace"}
    assert repository.run("plan").out.startswith("Nothing to do.")
    assert repository.run("apply").out == "Nothing to do.\n\nIn order now: corp-ldap.\n"


def test_the_working_folder_keeps_the_journal_out_of_git(repository: Repository) -> None:
    repository.run("apply")
    assert (repository.root / ".provision" / "journal").is_dir()
    assert repository.git("status", "--porcelain") == ""


def test_a_leaver_is_out_in_one_run_and_others_stay(repository: Repository) -> None:
    repository.run("apply")
    repository.leave("ada")
    repository.commit()
    ran = repository.run("apply")
    assert ran.status == 0
    assert repository.members("developers") == {"grace"}
    assert repository.run("plan", "--detailed-exitcode").status == 0


def saved(repository: Repository, tmp_path: Path, *more: str) -> str:
    file = str(tmp_path / "plan.json")
    assert repository.run("plan", "--out", file, *more).status == 0
    return file


def test_a_saved_plan_is_applied_as_it_is(repository: Repository, tmp_path: Path) -> None:
    ran = repository.run("apply", saved(repository, tmp_path))
    assert ran.status == 0
    assert ran.out.startswith("Done: 5 changes")
    assert "In order now: corp-ldap." in ran.out
    assert repository.run("plan", "--detailed-exitcode").status == 0


def test_a_saved_plan_is_applied_once(repository: Repository, tmp_path: Path) -> None:
    file = saved(repository, tmp_path)
    repository.run("apply", file)
    ran = repository.run("apply", file)
    assert ran.status == 4
    assert "error[plan-file-used]: this plan was already applied: by run " in ran.err


def test_a_saved_plan_of_other_files_is_refused(repository: Repository, tmp_path: Path) -> None:
    file = saved(repository, tmp_path)
    repository.person("zoe")
    ran = repository.run("apply", file)
    assert ran.status == 4
    assert "error[plan-file-other-tree]" in ran.err
    assert repository.people() == set()


def test_a_saved_plan_is_refused_where_another_base_judged_it(repository: Repository, tmp_path: Path) -> None:
    before = repository.git("rev-parse", "HEAD")
    repository.person("zoe")
    repository.commit()
    file = saved(repository, tmp_path, "--base", before)
    for base in ((), ("--base", "HEAD")):  # a limit that this very change raises would count
        ran = repository.run("apply", file, *base)
        assert ran.status == 4
        assert "error[plan-file-other-base]" in ran.err
        assert "give `apply` the `--base` that the plan was made with" in ran.err
    assert repository.people() == set()
    assert repository.run("apply", saved(repository, tmp_path), "--base", before).status == 4
    # The same files under another commit are the same base: a merge that was rewritten, or changed other folders.
    repository.git("checkout", "--quiet", "-b", "again", before)
    repository.write("README.md", "nothing of access")
    again = repository.commit()
    repository.git("checkout", "--quiet", "main")
    assert repository.run("apply", saved(repository, tmp_path, "--base", before), "--base", again).status == 0
    assert repository.people() == {"ada", "grace", "zoe"}


def test_how_long_a_saved_plan_lasts_is_said_by_the_files(repository: Repository, tmp_path: Path) -> None:
    repository.write("access/common.yaml", COMMON.replace("owner: 5f1c0a2b", "owner: 5f1c0a2b, plan_age: 1s"))
    file = saved(repository, tmp_path)
    sleep(2.1)
    ran = repository.run("apply", file)
    assert ran.status == 4
    assert "error[plan-file-old]" in ran.err
    assert "it may be applied for 1s" in ran.err


def test_a_commit_that_changes_no_access_file_does_not_matter(repository: Repository, tmp_path: Path) -> None:
    file = saved(repository, tmp_path)
    repository.write("README.md", "unrelated\n")
    repository.commit()
    assert repository.run("apply", file).status == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "plan-file-unreadable"), (b'{"format": "provision.plan/9"}', "plan-file-version")],
)
def test_what_is_no_plan_is_4_whatever_the_files_say(
    repository: Repository, tmp_path: Path, content: bytes, code: str
) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    repository.write("access/people/ada.yaml", "people: {ada: {roles: [develper]}}\n")
    ran = repository.run("apply", str(tmp_path / "plan.json"))
    assert ran.status == 4
    assert f"error[{code}]" in ran.err


def test_an_edited_plan_is_refused(repository: Repository, tmp_path: Path) -> None:
    file = Path(saved(repository, tmp_path))
    content = json.loads(file.read_bytes())
    content["changes"][0]["address"] = "corp-ldap:group/admins"
    file.write_text(json.dumps(content), encoding="utf-8")
    ran = repository.run("apply", str(file))
    assert ran.status == 4
    assert "error[plan-file-edited]" in ran.err
    assert repository.people() == set()


def test_a_plan_file_that_is_not_there_is_wrong_usage(repository: Repository) -> None:
    ran = repository.run("apply", "nowhere.json")
    assert ran.status == 64
    assert "cannot be read" in ran.err


def test_a_saved_plan_takes_no_narrowing_options(repository: Repository, tmp_path: Path) -> None:
    ran = repository.run("apply", saved(repository, tmp_path), "--person", "ada")
    assert ran.status == 64
    assert "belong to `plan`" in ran.err


def test_a_plan_for_one_person_does_not_bring_the_target_in_order(repository: Repository, tmp_path: Path) -> None:
    ran = repository.run("apply", saved(repository, tmp_path, "--person", "ada"))
    assert ran.status == 0
    assert repository.people() == {"ada"}
    assert "Not in order yet: corp-ldap: the plan was not for everybody." in ran.out


def test_a_change_whose_live_value_moved_is_refused_by_name(repository: Repository, tmp_path: Path) -> None:
    repository.run("apply")
    repository.leave("ada")
    file = saved(repository, tmp_path)
    repository.server.delete(f"uid=ada,ou=people,{repository.server.suffix}")
    dn = f"uid=ada,ou=people,{repository.server.suffix}"
    repository.server.add(dn, {"objectClass": "inetOrgPerson", "uid": "ada", "cn": "Another Ada", "sn": "Ada"})
    ran = repository.run("apply", file)
    assert ran.status == 8
    assert "failed" in ran.out
    assert "account ada" in ran.out.partition("failed\n")[2]
    assert "userPassword" not in repository.server.entries()[dn]


def test_a_target_that_is_down_is_5_and_what_is_left_comes_first_later(repository: Repository) -> None:
    repository.run("apply")
    repository.leave("ada")
    repository.server.stop()
    ran = repository.run("apply")
    assert ran.status == 5
    assert "Not in order yet: corp-ldap" in ran.out
    repository.server.start()
    repository.env.setenv("LDAP_URL", repository.server.url)
    assert repository.run("apply").status == 0
    assert repository.members("developers") == {"grace"}


def test_in_ci_a_journal_that_goes_with_the_runner_is_refused(repository: Repository, tmp_path: Path) -> None:
    repository.env.setenv("CI", "true")
    ran = repository.run("apply")
    assert ran.status == 3
    assert "error[journal-in-working-folder]" in ran.err
    assert repository.people() == set()
    journal = tmp_path / "shared" / "journal"
    repository.write("access/common.yaml", COMMON.replace("owner: 5f1c0a2b", f'owner: 5f1c0a2b, journal: "{journal}"'))
    assert repository.run("apply").status == 0
    assert journal.is_dir()


def test_the_merge_that_names_the_journals_first_place_has_it_there(repository: Repository, tmp_path: Path) -> None:
    repository.env.setenv("CI", "true")
    journal, other = tmp_path / "journal", tmp_path / "other"
    repository.write("access/common.yaml", COMMON.replace("5f1c0a2b", f"5f1c0a2b, journal: {journal}"))
    repository.commit()
    assert repository.run("apply", "--base", "HEAD~1").status == 0
    assert list(journal.rglob("*.json")) and not (repository.root / ".provision").exists()
    repository.write("access/common.yaml", COMMON.replace("5f1c0a2b", f"5f1c0a2b, journal: {other}"))
    repository.commit()
    assert repository.run("apply", "--base", "HEAD~1").status == 0
    assert not other.exists()  # a place that the base has is the base's to change


def test_a_fresh_clone_with_the_journal_knows_who_left(repository: Repository, tmp_path: Path) -> None:
    journal = tmp_path / "shared" / "journal"
    repository.write("access/common.yaml", COMMON.replace("owner: 5f1c0a2b", f'owner: 5f1c0a2b, journal: "{journal}"'))
    repository.commit()
    assert repository.run("apply").status == 0
    repository.leave("ada")
    repository.commit()
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", str(repository.root), str(clone))
    ran = repository.run("apply", "--access", str(clone / "access"))
    assert ran.status == 0
    assert repository.members("developers") == {"grace"}


def test_who_left_is_known_without_any_commit_by_what_was_published(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "nothing")
    assert repository.run("apply").status == 0
    repository.leave("ada")
    ran = repository.run("plan")
    assert "ada is no longer declared" in ran.out
    assert "remove ada from group developers" in ran.out


def test_a_journal_that_cannot_be_written_stops_everything(repository: Repository) -> None:
    repository.write(".provision", "a file where the journal's folder should be")
    ran = repository.run("apply")
    assert ran.status == 1
    assert "error[journal-unreadable]" in ran.err
    assert repository.people() == set()
