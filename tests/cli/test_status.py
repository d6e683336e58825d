"""`provision status`: told by the journal, without asking any system."""

from __future__ import annotations

from provisioner.records.entries import intent_body
from provisioner.records.folder import FolderStore
from provisioner.records.journal import Journal
from provisioner.records.record import RecordKind
from provisioner.report.status import TargetStatus, text
from tests.builders import NOW, REVISION, change, day, outstanding
from tests.cli.conftest import Repository
from tests.cli.test_locking import OTHER, other


def test_before_the_first_apply_nothing_is_known(repository: Repository) -> None:
    ran = repository.run("status")
    assert ran.status == 0
    assert ran.out.startswith("Nothing is outstanding on 1 target.\n")
    assert "not in order yet, as far as this journal knows" in ran.out
    assert repository.server.requests == []


def test_after_an_apply_it_says_since_when_and_of_which_commit(repository: Repository) -> None:
    repository.run("apply")
    ran = repository.run("status")
    assert f" UTC with commit {repository.git('rev-parse', 'HEAD')[:12]}\n" in ran.out
    assert str(repository.root / ".provision") in ran.out


def test_what_is_outstanding_is_listed_first_with_its_age() -> None:
    behind = TargetStatus(
        "zz", outstanding=(outstanding("revoke", "zz:membership/Dev/ada", "2026-11-20", "no answer", who="ada"),)
    )
    fine = TargetStatus("aa", day("2026-11-21"), REVISION)
    assert text([fine, behind], where="in .provision", now=NOW) == (
        "1 outstanding on 1 of 2 targets, the oldest for 2 days.\n"
        "\n"
        "zz  not in order yet, as far as this journal knows\n"
        "  - revoke zz:membership/Dev/ada of ada\n"
        "      since 2026-11-20 00:00 UTC (2 days): no answer\n"
        "aa  last in order 2026-11-21 00:00 UTC with commit 1f7c9e2a4b6d\n"
        "\n"
        "Told by the journal in .provision; `provision plan` asks the systems themselves.\n"
    )


def test_invalid_files_are_told(repository: Repository) -> None:
    repository.write("access/people/ada.yaml", "people: {ada: {roles: [develper]}}\n")
    ran = repository.run("status")
    assert ran.status == 1
    assert "error[unknown-role]" in ran.err


SECOND = """\
targets:
  old-ldap:
    provider: ldap
    url: {env: LDAP_URL}
    bind_dn: {env: LDAP_BIND_DN}
    password: {env: LDAP_PASSWORD}
    base: {people: "ou=people,dc=example,dc=test", groups: "ou=groups,dc=example,dc=test"}
"""


def test_a_run_that_is_at_work_is_named_and_what_it_has_begun_is_not_outstanding(repository: Repository) -> None:
    repository.run("apply")
    chain = Journal(FolderStore(repository.root / ".provision")).chain("corp-ldap")
    with other(repository):
        begun = change("revoke", "corp-ldap:membership/developers/ada", who="ada")
        chain.append(RecordKind.INTENT, intent_body([begun]), run=OTHER, at=NOW)
        ran = repository.run("status")
    assert ran.out.startswith("Nothing is outstanding on 1 target; a run is at work on 1 of them.")
    assert f"run {OTHER.id}" in ran.out and "has its lock" in " ".join(ran.out.split())
    assert "revoke corp-ldap:membership/developers/ada of ada\n      that run is at it" in ran.out
    ran = repository.run("status")
    assert ran.out.startswith("1 outstanding on 1 of 1 target")
    assert "lock" not in ran.out


def test_a_target_that_is_gone_from_the_files_is_told_until_it_was_ended_properly(repository: Repository) -> None:
    role = "roles: {old: {owners: [grace], grants: {old-ldap: {groups: [developers]}}}}\n"
    repository.write("access/old.yaml", SECOND + role)
    repository.person("ada", "[developer, old]")
    repository.commit()
    assert repository.run("apply").status == 0
    repository.write("access/old.yaml", "")
    (repository.root / "access/old.yaml").unlink()
    repository.person("ada")
    repository.commit()
    for _ in range(3):  # the other target converges meanwhile, and that settles nothing
        ran = repository.run("apply")
        assert "In order now: corp-ldap." in ran.out
        assert ran.err.count("warning[target-gone]: old-ldap is no longer declared") == 1
    ran = repository.run("status")
    assert "old-ldap" in ran.out and "the files do not declare it any more" in ran.out
    assert "warning[target-gone]" in ran.err

    repository.write("access/old.yaml", SECOND)
    repository.commit()
    assert repository.run("apply").status == 0
    (repository.root / "access/old.yaml").unlink()
    repository.commit()
    for command in ("plan", "status", "apply"):
        ran = repository.run(command)
        assert "target-gone" not in ran.out + ran.err
    assert "old-ldap" not in repository.run("status").out
