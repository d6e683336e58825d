"""`provision validate`: all problems of all files in one run, for people, machines and forges."""

from __future__ import annotations

import json

from tests.cli.conftest import Repository


def test_good_files_end_with_0_and_say_what_they_declare(repository: Repository) -> None:
    ran = repository.run("validate")
    assert (ran.status, ran.out) == (0, "")
    assert ran.err == "access: no problems; 2 people, 0 services, 1 role, 0 environments, 1 target\n"


def two_mistakes(repository: Repository) -> None:
    repository.write("access/people/ada.yaml", "people:\n  ada:\n    roles: [develper]\n")
    repository.write("access/people/grace.yaml", "people:\n  grace:\n    emial: x@example.com\n")


def test_two_mistakes_in_two_files_are_told_in_one_run(repository: Repository) -> None:
    two_mistakes(repository)
    ran = repository.run("validate")
    assert ran.status == 1
    assert "access/people/ada.yaml:3:13: error[unknown-role]" in ran.out
    assert "  3 |     roles: [develper]\n    |             ^^^^^^^^\n" in ran.out
    assert "access/people/grace.yaml:3:5: error[unknown-key]" in ran.out
    assert ran.out.index("ada.yaml") < ran.out.index("grace.yaml")
    assert ran.err.startswith("access: 2 errors in 2 files")


def test_json_is_on_stdout_and_nothing_else(repository: Repository) -> None:
    two_mistakes(repository)
    ran = repository.run("validate", "--format", "json")
    assert ran.status == 1
    found = json.loads(ran.out)["diagnostics"]
    assert [d["code"] for d in found] == ["unknown-role", "unknown-key"]
    assert set(found[0]) == {"code", "severity", "file", "line", "column", "message", "why", "fix"}


def test_github_gets_annotations_on_stderr(repository: Repository) -> None:
    two_mistakes(repository)
    assert "::error" not in repository.run("validate").err
    repository.env.setenv("GITHUB_ACTIONS", "true")
    ran = repository.run("validate", "--format", "json")
    assert "::error file=access/people/ada.yaml,line=3,col=13,endColumn=21,title=unknown-role::" in ran.err
    json.loads(ran.out)


def test_a_missing_folder_is_an_error_and_never_an_empty_one(repository: Repository) -> None:
    ran = repository.run("validate", "--access", "acess")
    assert ran.status == 1
    assert "error[no-access-folder]" in ran.out


def test_a_reference_to_somebody_who_left_is_a_warning(repository: Repository) -> None:
    repository.leave("grace")  # who owns the role `developer`
    ran = repository.run("validate")
    assert ran.status == 0
    assert "warning[departed]" in ran.out


def test_a_reference_to_somebody_who_never_was_is_an_error(repository: Repository) -> None:
    repository.write(
        "access/common.yaml", (repository.root / "access/common.yaml").read_text().replace("[grace]", "[grcae]")
    )
    ran = repository.run("validate")
    assert ran.status == 1
    assert "error[unknown-owner]" in ran.out


def test_validate_needs_neither_git_nor_credentials(repository: Repository) -> None:
    repository.server.stop()
    for name in ("LDAP_URL", "LDAP_BIND_DN", "LDAP_PASSWORD"):
        repository.env.delenv(name)
    repository.git("checkout", "--quiet", "--orphan", "nothing")
    assert repository.run("validate").status == 0


def test_roles_that_give_two_things_which_nobody_may_hold_both_of_are_told_offline(repository: Repository) -> None:
    repository.write(
        "access/more.yaml",
        "roles: {releaser: {owners: [grace], grants: {corp-ldap: {groups: [release]}}}}\n"
        "guardrails:\n  separate:\n    - name: build-or-release\n"
        "      not_both: [{corp-ldap: {groups: [developers]}}, {corp-ldap: {groups: [release]}}]\n",
    )
    assert repository.run("validate").status == 0
    repository.person("ada", "[developer, releaser]")
    ran = repository.run("validate")
    assert ran.status == 1
    assert "access/more.yaml:4:7: error[separate]: `build-or-release`: ada would hold both" in ran.out
    repository.person("ada", "[developer, {role: releaser, until: 2020-01-01T00:00:00Z}]")
    assert repository.run("validate").status == 0
