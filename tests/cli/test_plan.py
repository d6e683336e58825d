"""`provision plan`: reads, shows, and changes nothing; its exit status says what a pipeline must know."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from provisioner.plan.planfile import parse
from tests.cli.conftest import COMMON, Repository


def test_a_first_plan_shows_what_would_be_created_and_changes_nothing(repository: Repository) -> None:
    ran = repository.run("plan")
    assert ran.status == 0
    assert ran.out.startswith("5 changes on 1 target, for 2 identities: 4 give access")
    assert "+ create account ada" in ran.out
    assert re.search(r"\+ add ada to group developers\s+role developer; access/people/ada.yaml:5:13", ran.out)
    assert ran.out.endswith("Nothing was changed. To apply: provision apply\n")
    assert "corp-ldap: read" in ran.err
    assert repository.people() == set()
    assert not (repository.root / ".provision").exists()
    assert not {"add", "modify", "delete", "modify_dn"} & {operation for operation, _ in repository.server.requests}


def test_the_same_situation_gives_the_same_plan_but_for_the_time(repository: Repository) -> None:
    def made() -> dict[str, object]:
        found: dict[str, object] = json.loads(repository.run("plan", "--format", "json").out)
        return {key: value for key, value in found.items() if key not in ("as_of", "digest", "waiting")}

    assert made() == made()


def test_the_plan_file_and_the_json_are_the_same_object(repository: Repository, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    ran = repository.run("plan", "--out", str(file), "--format", "json")
    assert json.loads(ran.out) == json.loads(file.read_bytes())
    assert ran.out.isascii()
    assert parse(file.read_bytes()).revision == repository.git("rev-parse", "HEAD")


def test_the_command_that_applies_it_is_shown(repository: Repository, tmp_path: Path) -> None:
    assert repository.run("plan", "--person", "ada").out.endswith("To apply: provision apply --person ada\n")
    file = tmp_path / "a plan.json"
    assert repository.run("plan", "--out", str(file)).out.endswith(f"To apply: provision apply '{file}'\n")


def test_markdown_is_for_a_pull_request(repository: Repository) -> None:
    ran = repository.run("plan", "--format", "markdown")
    assert ran.out.startswith("### provision plan\n")
    assert "- `+` `add ada to group developers`: `role developer`, `access/people/ada.yaml:5:13`" in ran.out


def test_pending_changes_are_2_only_when_asked_for(repository: Repository) -> None:
    assert repository.run("plan").status == 0
    assert repository.run("plan", "--detailed-exitcode").status == 2
    assert repository.run("apply").status == 0
    assert repository.run("plan", "--detailed-exitcode").status == 0


def test_a_target_that_cannot_be_read_is_5_and_said_loudly(repository: Repository) -> None:
    repository.server.stop()
    ran = repository.run("plan", "--detailed-exitcode")
    assert ran.status == 5
    assert "! corp-ldap could not be read" in ran.out
    assert "Nothing to do" not in ran.out


def test_a_short_read_removes_nothing_and_creates_no_account(repository: Repository) -> None:
    repository.run("apply")
    for number in range(10):
        dn = f"uid=olaf{number},ou=people,{repository.server.suffix}"
        repository.server.add(dn, {"objectClass": "inetOrgPerson", "uid": f"olaf{number}", "cn": "Olaf", "sn": "Olaf"})
    repository.server.size_limit = 4
    repository.leave("ada")
    repository.person("zoe")
    ran = repository.run("plan", "--format", "json")
    assert ran.status == 5
    changes = json.loads(ran.out)["changes"]
    assert [c for c in changes if c["effect"] == "narrows" or c["address"].startswith("corp-ldap:account")] == []


def test_errors_in_the_files_stop_it_in_each_format(repository: Repository) -> None:
    repository.write("access/people/ada.yaml", "people:\n  ada:\n    roles: [develper]\n")
    text = repository.run("plan")
    assert (text.status, text.out) == (1, "")
    assert "error[unknown-role]" in text.err
    as_json = repository.run("plan", "--format", "json")
    assert as_json.status == 1
    assert as_json.out == repository.run("validate", "--format", "json").out
    as_markdown = repository.run("plan", "--format", "markdown")
    assert "- **error** `unknown-role` `access/people/ada.yaml:3:13`" in as_markdown.out
    assert repository.server.requests == []


def test_target_and_person_narrow_the_plan(repository: Repository) -> None:
    ran = repository.run("plan", "--target", "corp-ldap", "--person", "ada")
    assert "ada" in ran.out
    assert "grace" not in ran.out
    wrong = repository.run("plan", "--target", "corp-ldpa")
    assert wrong.status == 64
    assert "did you mean `corp-ldap`?" in wrong.err


def test_a_plan_of_uncommitted_files_says_so(repository: Repository) -> None:
    assert "not committed" not in repository.run("plan").out
    repository.person("zoe")
    assert "with changes that are not committed" in repository.run("plan").out


def test_before_the_first_commit_there_is_a_plan_without_a_revision(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "nothing")
    ran = repository.run("plan", "--format", "json")
    assert ran.status == 0
    assert json.loads(ran.out)["revision"] is None


def test_a_person_whose_file_is_gone_loses_everything(repository: Repository) -> None:
    repository.run("apply")
    repository.leave("ada")
    revision = repository.commit()
    ran = repository.run("plan")
    assert ran.out.startswith("2 changes on 1 target, for ada: 2 take access away.")
    assert f"Plan of commit {revision[:12]}" in ran.out
    assert "ada's account on corp-ldap is kept until" in ran.out


def test_a_shallow_clone_is_an_error_that_names_the_remedy(repository: Repository, tmp_path: Path) -> None:
    repository.person("zoe")
    repository.commit()
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", "--depth", "1", f"file://{repository.root}", str(clone))
    ran = repository.run("plan", "--access", str(clone / "access"))
    assert ran.status == 1
    assert "error[history-incomplete]" in ran.err
    assert "fetch-depth: 0" in ran.err


def test_a_plan_file_that_cannot_be_written_is_wrong_usage(repository: Repository) -> None:
    ran = repository.run("plan", "--out", "no/such/folder/plan.json")
    assert ran.status == 64
    assert "error[option-value]" in ran.err


def test_under_review_a_change_cannot_point_a_target_elsewhere(repository: Repository) -> None:
    repository.env.setenv("EVIL_URL", "ldap://127.0.0.1:1")
    repository.write("access/common.yaml", COMMON.replace("LDAP_URL", "EVIL_URL"))
    assert repository.run("plan").status == 5
    ran = repository.run("plan", "--base", "HEAD")
    assert ran.status == 0
    assert "note[connection-of-base]" in ran.out
    assert "+ create account ada" in ran.out


def test_under_review_a_new_target_is_not_called(repository: Repository) -> None:
    elsewhere = COMMON.partition("targets:\n")[2].replace("corp-ldap", "new-ldap")
    repository.write("access/new.yaml", "targets:\n" + elsewhere)
    repository.env.setenv("LDAP_URL", repository.server.url)
    ran = repository.run("plan", "--base", "HEAD", "--format", "json")
    found = json.loads(ran.out)
    assert list(found["targets"]) == ["corp-ldap"]
    assert "planned-after-merge" in [d["code"] for d in found["diagnostics"]]


def test_an_unknown_base_is_told(repository: Repository) -> None:
    ran = repository.run("plan", "--base", "nowhere")
    assert ran.status == 1
    assert "error[unknown-revision]" in ran.err


@pytest.mark.parametrize("secret", ["svc-secret"])
def test_no_secret_is_in_any_output(repository: Repository, secret: str) -> None:
    shown = [repository.run("plan", *more) for more in ((), ("--format", "json"), ("--format", "markdown"))]
    shown.append(repository.run("apply"))
    assert not any(secret in ran.out + ran.err for ran in shown)


def test_as_of_shows_what_will_have_ended_and_cannot_be_applied(repository: Repository, tmp_path: Path) -> None:
    repository.person("ada", roles="[{role: developer, until: 2098-01-01T00:00:00Z}]")
    assert repository.run("apply").status == 0
    file = str(tmp_path / "later.json")
    ran = repository.run("plan", "--as-of", "2099-01-01T00:00:00Z", "--out", file)
    assert ran.status == 0
    assert "as it will be at 2099-01-01 00:00 UTC: this plan cannot be applied" in ran.out
    assert "remove ada from group developers" in ran.out
    assert "To apply" not in ran.out
    ran = repository.run("apply", file)
    assert ran.status == 4
    assert "error[plan-file-as-of]" in ran.err
    assert "plan-file-ahead" not in ran.err
    assert repository.members("developers") == {"ada", "grace"}


@pytest.mark.parametrize("text", ["tomorrow", "2099-01-01", "2020-01-01T00:00:00Z"])
def test_as_of_takes_a_time_to_come(repository: Repository, text: str) -> None:
    ran = repository.run("plan", "--as-of", text)
    assert ran.status == 64
    assert "--as-of" in ran.err


def test_the_last_target_that_is_gone_is_told_and_never_called_in_order(repository: Repository) -> None:
    repository.run("apply")
    repository.write("access/common.yaml", "roles:\n  developer: {}\n")
    repository.commit()
    ran = repository.run("plan")
    assert ran.out.startswith("No changes are planned: no target is declared")
    assert "warning[target-gone]: corp-ldap is no longer declared" in ran.err + ran.out
    assert repository.members("developers") == {"ada", "grace"}
