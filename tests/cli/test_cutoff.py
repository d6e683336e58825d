"""`provision offboard PERSON --now`: out at once, kept out until the files say so, and never a grant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Repository
from tests.cli.test_locking import OTHER, other


@pytest.fixture
def settled(repository: Repository) -> Repository:
    assert repository.run("apply").status == 0
    return repository


def is_out(repository: Repository, who: str) -> bool:
    entry = repository.server.entries()[f"uid={who},ou=people,{repository.server.suffix}"]
    return who not in repository.members("developers") and "pwdAccountLockedTime" in entry


def restore(repository: Repository) -> None:
    """main as it is before the offboarding is merged."""
    repository.git("checkout", "--quiet", "--", "access")


def test_they_are_cut_off_and_the_file_is_edited_for_the_review(settled: Repository) -> None:
    settled.person("zoe")  # not applied yet: none of this run's business
    ran = settled.run("offboard", "ada", "--now")
    assert ran.status == 0
    assert is_out(settled, "ada")
    assert "zoe" not in settled.people()
    assert "remove ada from group developers" in ran.out
    assert not (settled.root / "access/people/ada.yaml").exists()
    assert "access/people/ada.yaml is deleted" in ran.err
    assert "provision receipt ada" in ran.err
    assert settled.run("receipt", "ada").status == 0


def test_the_next_scheduled_runs_from_main_give_nothing_back(settled: Repository) -> None:
    settled.run("offboard", "ada", "--now")
    restore(settled)
    for command in ("apply", "expire", "apply"):
        ran = settled.run(command)
        assert ran.status == 0
        assert "warning[offboarded-now]: ada is declared, and was cut off by `offboard --now`" in ran.err
        assert "provision offboard ada --undo" in ran.err
        assert is_out(settled, "ada")
    assert "offboarded-now" in settled.run("status").err
    assert settled.run("plan", "--detailed-exitcode").status == 0


def test_what_was_not_reached_is_finished_from_main(settled: Repository) -> None:
    settled.server.stop()
    assert settled.run("offboard", "ada", "--now").status == 5
    restore(settled)
    settled.server.start()
    settled.env.setenv("LDAP_URL", settled.server.url)
    assert settled.run("expire").status == 0
    assert is_out(settled, "ada")


def test_a_run_that_has_the_lock_keeps_nobody_in(settled: Repository) -> None:
    with other(settled):
        ran = settled.run("offboard", "ada", "--now")
        assert ran.status == 6
        assert "error[locked]" in ran.err and OTHER.id in ran.err
        assert "ada may not be cut off yet, and is held: the next `provision apply`" in ran.err
        assert not is_out(settled, "ada")
        assert (settled.root / "access/people/ada.yaml").exists()
        assert "offboarded-now" in settled.run("status").err
    assert settled.run("expire").status == 0
    assert is_out(settled, "ada")


def test_when_it_is_merged_the_hold_is_over_and_they_may_come_back_later(settled: Repository) -> None:
    settled.run("offboard", "ada", "--now")
    settled.commit()
    ran = settled.run("apply")
    assert ran.status == 0
    assert "offboarded-now" not in ran.err
    settled.person("ada")
    settled.commit()
    ran = settled.run("apply")
    assert ran.status == 0
    assert "offboarded-now" not in ran.err
    assert not is_out(settled, "ada")
    assert settled.members("developers") == {"ada", "grace"}


def test_undo_gives_back_what_the_files_say_with_the_next_apply(settled: Repository) -> None:
    settled.run("offboard", "ada", "--now")
    restore(settled)
    ran = settled.run("offboard", "ada", "--undo")
    assert ran.status == 0
    assert "that is lifted" in ran.out
    assert is_out(settled, "ada")
    assert settled.run("apply").status == 0
    assert settled.members("developers") == {"ada", "grace"}
    assert settled.run("offboard", "ada", "--undo").status == 64


def test_a_saved_plan_from_before_gives_them_nothing(settled: Repository, tmp_path: Path) -> None:
    settled.person("ada", roles="[developer, ops]")
    common = (settled.root / "access/common.yaml").read_text()
    settled.write(
        "access/common.yaml", common.replace("roles:\n", "roles:\n  ops: {grants: {corp-ldap: {groups: [ops]}}}\n")
    )
    settled.person("zoe")
    settled.commit()
    file = str(tmp_path / "plan.json")
    settled.run("plan", "--out", file)
    settled.run("offboard", "ada", "--now")
    restore(settled)
    ran = settled.run("apply", file)
    assert ran.status == 0
    assert is_out(settled, "ada")
    assert "ada" not in settled.members("ops")
    assert "zoe" in settled.people()
    assert "1 change was held back" in ran.out
    assert "offboarded-now" in ran.err


def test_a_saved_plan_from_under_a_hold_takes_nothing_once_it_is_lifted(settled: Repository, tmp_path: Path) -> None:
    settled.server.stop()
    settled.run("offboard", "ada", "--now")  # nothing could be taken
    restore(settled)
    settled.server.start()
    settled.env.setenv("LDAP_URL", settled.server.url)
    file = str(tmp_path / "plan.json")
    assert "remove ada from group developers" in settled.run("plan", "--out", file).out
    settled.run("offboard", "ada", "--undo")
    ran = settled.run("apply", file)
    assert ran.status == 0
    assert "2 changes were held back" in ran.out
    assert settled.members("developers") == {"ada", "grace"}


def test_the_receipt_tells_what_is_left_while_the_files_still_declare_them(settled: Repository) -> None:
    settled.run("offboard", "ada", "--now")
    restore(settled)
    ran = settled.run("receipt", "ada")
    assert ran.status == 0, ran.out + ran.err
    settled.run("offboard", "grace", "--now")
    restore(settled)
    holder = f"uid=grace,ou=people,{settled.server.suffix}"
    group = {"objectClass": "groupOfNames", "cn": "by-hand", "member": holder}
    settled.server.add(f"cn=by-hand,ou=groups,{settled.server.suffix}", group)
    assert settled.run("receipt", "grace").status == 8


def test_the_edit_can_go_on_a_branch_and_the_working_folder_stays(settled: Repository) -> None:
    settled.write("README.md", "half an edit\n")
    ran = settled.run("offboard", "ada", "--now", "--branch", "ada-leaves")
    assert ran.status == 0
    assert is_out(settled, "ada")
    assert settled.git("status", "--porcelain") == "?? README.md"
    assert settled.git("diff", "--name-status", "main", "ada-leaves") == "D\taccess/people/ada.yaml"
    assert "git push origin ada-leaves" in ran.out
    settled.git("merge", "--quiet", "--no-ff", "-m", "Merge", "ada-leaves")
    ran = settled.run("apply")
    assert (ran.status, "offboarded-now" in ran.err) == (0, False)


def test_a_branch_may_take_lines_out_of_a_file_that_holds_others(settled: Repository) -> None:
    settled.write("access/people/two.yaml", "people:\n  mia:\n    roles: [developer]\n  tom:\n    roles: [developer]\n")
    settled.commit()
    ran = settled.run("offboard", "tom", "--branch", "tom-leaves")
    assert ran.status == 0
    assert settled.git("show", "tom-leaves:access/people/two.yaml") == "people:\n  mia:\n    roles: [developer]"
    assert settled.git("log", "-1", "--format=%s", "tom-leaves") == "access: tom leaves"
    assert "tom" not in settled.people()  # without --now no system is asked


@pytest.mark.parametrize("name", ["main", "bad..name", "-x"])
def test_a_branch_that_cannot_be_made_is_told_before_anything_is_done(settled: Repository, name: str) -> None:
    ran = settled.run("offboard", "ada", "--now", f"--branch={name}")
    assert ran.status == 64
    assert not is_out(settled, "ada")


def test_a_slip_of_the_pen_is_told_before_anything_is_done(settled: Repository) -> None:
    ran = settled.run("offboard", "adda", "--now")
    assert ran.status == 64
    assert "did you mean `ada`?" in ran.err


def test_broken_files_keep_nobody_in(settled: Repository) -> None:
    settled.write("access/people/zoe.yaml", "people: {zoe: {roles: [develper]}}\n")
    settled.commit()
    ran = settled.run("offboard", "ada", "--now")
    assert is_out(settled, "ada")
    assert "warning[files-broken]" in ran.err
    assert ran.status == 0
    assert not (settled.root / "access/people/ada.yaml").exists()


def test_an_edit_that_cannot_be_made_is_told_after_the_cut(settled: Repository) -> None:
    settled.write("access/people/ada.yaml", "people:\n  ada:\n    roles: &r [developer]\n  eve:\n    roles: *r\n")
    settled.commit()
    ran = settled.run("offboard", "ada", "--now")
    assert is_out(settled, "ada")
    assert ran.status == 1
    assert "error[file-not-edited]" in ran.err


def test_who_has_left_already_is_cut_off_without_an_edit(settled: Repository) -> None:
    settled.leave("ada")
    settled.commit()
    ran = settled.run("offboard", "ada", "--now")
    assert ran.status == 0
    assert is_out(settled, "ada")
    assert not (settled.root / ".provision/holds").exists()


def test_a_hold_that_cannot_be_read_lets_nobody_in(settled: Repository) -> None:
    settled.run("offboard", "ada", "--now")
    restore(settled)
    (hold,) = (settled.root / ".provision/holds").iterdir()
    hold.write_bytes(b"")
    ran = settled.run("apply")
    assert (ran.status, "error[journal-broken]" in ran.err) == (1, True)
    assert is_out(settled, "ada")


def test_the_record_has_who_was_cut_off_and_let_in_again(settled: Repository) -> None:
    settled.run("offboard", "ada", "--now")
    restore(settled)
    assert settled.run("offboard", "ada", "--undo").status == 0
    told = settled.run("journal", "show", "--person", "ada").out
    assert "hold         ada is cut off until the files say so" in told
    assert "lift         ada is not cut off any more" in told
    assert "`offboard --now` of" in told and "`offboard --undo` of" in told
    assert "is cut off" not in settled.run("journal", "show", "--person", "grace").out
    found = json.loads(settled.run("journal", "show", "--format", "json").out)["records"]
    holds = [r for r in found if r["kind"] in ("hold", "lift")]
    assert [(r["kind"], r["identity"], r["command"]) for r in holds] == [
        ("hold", "ada", "offboard --now"),
        ("lift", "ada", "offboard --undo"),
    ]
    events = [json.loads(line) for line in settled.run("journal", "export").out.splitlines()]
    ours = [e for e in events if e["metadata"]["log_name"] == "holds"]
    assert [(e["activity_name"], e["user"]["name"], e["status"]) for e in ours] == [
        ("Cut Off", "ada", "Success"),
        ("Lift Cut Off", "ada", "Success"),
    ]
    assert {key for e in events for key in e} == {key for e in ours for key in e} | {"group"}
    (settled.root / ".provision/holds/ada.00000001.json").write_text("{}")
    ran = settled.run("journal", "show")
    assert ran.status == 1 and "error[journal-broken]" in ran.err and "account/grace" in ran.out
