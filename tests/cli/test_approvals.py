"""`provision approvals`: between two revisions of a repository."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.cli.conftest import Repository

PAGE = (Path(__file__).parents[2] / "docs/approvals.md").read_text(encoding="utf-8")
ROLES = """\
roles:
  deployer: {owners: [grace], environments: [production], grants: {corp-ldap: {groups: [deployers]}}}
environments:
  production: {protected: true, owners: [grace, linus]}
"""
GRANT = "[developer, {role: deployer, environments: [production], until: 2030-03-08T18:00:00Z}]"


def production(repository: Repository) -> None:
    repository.write("access/roles.yaml", ROLES)
    repository.person("linus")
    repository.commit()


def test_the_example_of_the_page(repository: Repository) -> None:
    production(repository)
    repository.person("ada", roles=GRANT)
    repository.write("access/roles.yaml", ROLES.replace("{owners: [grace], env", "{owners: [ada], env"))
    ran = repository.run("approvals", "--base", "HEAD")
    shown = re.search(r"\$ provision approvals --base HEAD\n((?:.|\n)*?)```", PAGE)
    assert shown is not None
    assert (ran.status, ran.out) == (0, shown[1])


def test_a_grant_is_red_until_its_owners_have_approved(repository: Repository) -> None:
    production(repository)
    repository.person("ada", roles=GRANT)
    repository.commit()
    for approved, status in ((["ada"], 3), (["linus"], 3), (["grace"], 0), (["linus", "grace"], 0)):
        options = [word for name in approved for word in ("--approved-by", name)]
        ran = repository.run("approvals", "--base", "HEAD~1", *options)
        assert ran.status == status, approved
        assert ("MISSING" in ran.out) == (status == 3)
    assert (
        "role deployer: grace; MISSING" in repository.run("approvals", "--base", "HEAD~1", "--approved-by", "linus").out
    )


def test_json(repository: Repository) -> None:
    production(repository)
    repository.person("ada", roles=GRANT)
    ran = repository.run("approvals", "--base", "main", "--approved-by", "linus", "--format", "json")
    found = json.loads(ran.out)
    assert (ran.status, found["format"], found["complete"]) == (3, "provision.approvals/1", False)
    assert found["base"] == repository.git("rev-parse", "main")
    (change,) = found["changes"]
    assert {n["of"]: n["given"] for n in change["needs"]} == {"role deployer": False, "environment production": True}


def test_no_change_and_no_such_revision(repository: Repository) -> None:
    ran = repository.run("approvals", "--base", "HEAD")
    assert (ran.status, ran.out) == (0, "No access changes since HEAD.\n")
    wrong = repository.run("approvals", "--base", "nowhere")
    assert wrong.status == 1
    assert "error[unknown-revision]" in wrong.err


def test_files_that_are_wrong_are_told(repository: Repository) -> None:
    repository.person("ada", roles="[nobody]")
    ran = repository.run("approvals", "--base", "HEAD")
    assert ran.status == 1
    assert "unknown-role" in ran.out + ran.err


def test_nothing_is_called(repository: Repository) -> None:
    repository.server.stop()
    repository.person("ada", roles="[]")
    ran = repository.run("approvals", "--base", "HEAD")
    assert (ran.status, ran.out.splitlines()[0]) == (0, "ada loses, or holds shorter, developer")


def test_names_from_the_base_are_escaped(repository: Repository) -> None:
    ran = repository.run("approvals", "--base", "HEAD", "--approved-by", "\x1b[2J")
    assert "\x1b" not in ran.out + ran.err
