"""`explain`, `who`, `receipt` and `offboard` by the command line, against the embedded directory."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Repository
from tests.cli.test_documented_examples import steady
from tests.cli.test_help import shown_in_docs


def test_the_story_of_the_commands_page_asked_about(repository: Repository) -> None:
    assert repository.run("apply").status == 0
    for command in ("provision explain grace", "provision who corp-ldap developers", "provision offboard ada"):
        ran = repository.run(*command.split()[1:])
        assert ran.status == 0, ran.err
        assert steady(shown_in_docs(command)) == steady(ran.out)
    repository.commit()
    assert repository.run("apply").status == 0
    ran = repository.run("receipt", "ada")
    assert ran.status == 0, ran.err
    assert steady(shown_in_docs("provision receipt ada")) == steady(ran.out)


def test_a_receipt_before_the_apply_says_what_is_left(repository: Repository) -> None:
    repository.run("apply")
    repository.leave("ada")
    ran = repository.run("receipt", "ada", "--format", "json")
    assert ran.status == 8
    told = json.loads(ran.out)
    assert told["nothing_left"] is False
    left = [item["address"] for item in told["targets"]["corp-ldap"]["left"]]
    assert left == ["corp-ldap:account/ada", "corp-ldap:membership/developers/ada"]


def test_a_receipt_from_a_directory_that_is_down_cannot_say(repository: Repository) -> None:
    repository.run("apply")
    repository.leave("ada")
    repository.commit()
    repository.run("apply")
    repository.server.stop()
    ran = repository.run("receipt", "ada")
    assert ran.status == 5
    assert "corp-ldap: CANNOT SAY" in ran.out and "nothing left" not in ran.out


def test_a_receipt_long_after_they_left_still_finds_what_they_had(repository: Repository) -> None:
    """The target has converged since: neither plan nor history since then know them."""
    repository.run("apply")
    repository.leave("ada")
    gone = repository.commit()
    repository.run("apply")
    repository.person("zoe")
    repository.commit()
    repository.run("apply")
    dn = f"uid=ada,ou=people,{repository.server.suffix}"
    repository.server.delete(dn)
    ran = repository.run("receipt", "ada")
    assert ran.status == 0, ran.err
    assert f"last in {repository.git('rev-parse', gone + '~')[:12]}" in ran.out
    assert "- account ada           gone" in ran.out
    assert "ada has nothing left on 1 target." in ran.out


def test_a_login_that_is_somebody_elses_now_is_not_theirs(repository: Repository) -> None:
    repository.run("apply")
    repository.leave("ada")
    repository.commit()
    repository.run("apply")
    people = f"ou=people,{repository.server.suffix}"
    repository.server.delete(f"uid=ada,{people}")
    other = {
        "objectClass": "inetOrgPerson",
        "uid": "ada",
        "cn": "Ada Other",
        "sn": "Other",
        "mail": "other@example.org",
    }
    repository.server.add(f"uid=ada,{people}", other)
    ran = repository.run("receipt", "ada")
    assert "looks like theirs, and is not known to be: corp-ldap:account/ada" in ran.out
    assert "! account ada" not in ran.out


def test_what_was_added_by_hand_is_explained_as_asked_for_by_nobody(repository: Repository) -> None:
    repository.run("apply")
    group = {"objectClass": "groupOfNames", "cn": "night", "member": f"uid=ada,ou=people,{repository.server.suffix}"}
    repository.server.add(f"cn=night,ou=groups,{repository.server.suffix}", group)
    ran = repository.run("explain", "ada", "corp-ldap")
    assert ran.status == 0
    assert "? member of night       no line asks for it" in ran.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["explain", "adda"], "did you mean `ada`?"),
        (["receipt", "adda"], "did you mean `ada`?"),
        (["offboard", "adda"], "did you mean `ada` (access/people/ada.yaml:2:3)?"),
        (["who", "corp-ldap", "develpers"], "did you mean `developers`?"),
        (["who", "--role", "develper"], "did you mean `developer`?"),
        (["who", "--environment", "moon"], "there are: none at all"),
        (["explain", "ada", "corp-ladp"], "did you mean `corp-ldap`?"),
    ],
)
def test_a_name_that_does_not_exist_is_told(repository: Repository, arguments: list[str], told: str) -> None:
    ran = repository.run(*arguments)
    assert ran.status == 64
    assert ran.out == ""
    assert told in ran.err


def test_a_former_id_leads_to_the_one_of_today(repository: Repository) -> None:
    text = "people:\n  ada-b:\n    name: Ada\n    was: [ada]\n    roles: [developer]\n"
    repository.leave("ada")
    repository.write("access/people/ada-b.yaml", text)
    for command in ("explain", "offboard"):
        ran = repository.run(command, "ada")
        assert ran.status == 64 and "did you mean `ada-b`" in ran.err


def test_asking_writes_nothing(repository: Repository) -> None:
    for arguments in (["explain", "ada"], ["who"], ["receipt", "ada"]):
        repository.run(*arguments)
    assert {name for name, _ in repository.server.requests} <= {"bind", "search", "unbind", "extended", "compare"}
    assert not (repository.root / ".provision").exists()


def test_offboarding_keeps_the_plan_alone_on_stdout_for_machines(repository: Repository) -> None:
    repository.run("apply")
    ran = repository.run("offboard", "ada", "--format", "json")
    assert ran.status == 0
    assert {c["identity"] for c in json.loads(ran.out)["changes"]} == {"ada"}
    assert "--- a/access/people/ada.yaml" in ran.err


def test_offboarding_while_another_file_is_broken_still_edits(repository: Repository) -> None:
    repository.person("grace", roles="[nonsense]")
    ran = repository.run("offboard", "ada")
    assert ran.status == 1
    assert not (repository.root / "access/people/ada.yaml").exists()
    assert "unknown-role" in ran.err and "access/people/ada.yaml is deleted" in ran.out
