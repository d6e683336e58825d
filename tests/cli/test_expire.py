"""`provision expire`: ends what is due, gives nothing, and works when main is broken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest

from tests.cli.conftest import COMMON, Repository

TWO_ROLES = COMMON.replace("roles:\n", "roles:\n  ops: {owners: [grace], grants: {corp-ldap: {groups: [ops]}}}\n")


@pytest.fixture
def settled(repository: Repository) -> Repository:
    repository.write("access/common.yaml", TWO_ROLES)
    repository.person("ada", roles="[developer, ops]")
    repository.commit()
    assert repository.run("apply").status == 0
    return repository


def records(repository: Repository) -> int:
    return len(list((repository.root / ".provision" / "journal" / "corp-ldap").iterdir()))


def lapsing(repository: Repository) -> None:
    """ada's `ops` ends in a moment; applied while it still holds."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    repository.person("ada", roles=f"[developer, {{role: ops, until: {end:%Y-%m-%dT%H:%M:%SZ}}}]")
    repository.commit()
    sleep(max(0.0, (end - datetime.now(UTC)).total_seconds() + 0.1))


def test_what_has_lapsed_ends_and_the_target_is_in_order(settled: Repository) -> None:
    lapsing(settled)
    ran = settled.run("expire")
    assert ran.status == 0
    assert settled.members("ops") == set()
    assert settled.members("developers") == {"ada", "grace"}
    assert "In order now: corp-ldap." in ran.out


def test_it_gives_nothing_and_leaves_what_is_declared_to_apply(settled: Repository) -> None:
    settled.person("zoe")
    lapsing(settled)
    ran = settled.run("expire")
    assert ran.status == 0
    assert settled.members("ops") == set()
    assert settled.people() == {"ada", "grace"}
    assert "Left to `apply`: 2 changes that this run is not for (corp-ldap 2)." in ran.err
    assert "Not in order yet: corp-ldap: 2 changes are left to `apply`." in ran.out
    assert settled.run("apply").status == 0
    assert "zoe" in settled.people()


def test_a_declared_removal_is_left_to_apply_and_is_not_forgotten(settled: Repository) -> None:
    settled.person("ada")  # `ops` is gone from the files
    settled.commit()
    for _ in range(2):
        assert settled.run("expire").status == 0
        assert settled.members("ops") == {"ada"}
    assert settled.run("apply").status == 0
    assert settled.members("ops") == set()


def test_leavers_go_without_an_apply(settled: Repository) -> None:
    settled.leave("ada")
    settled.commit()
    ran = settled.run("expire")
    assert ran.status == 0
    assert settled.members("developers") == {"grace"}
    assert "In order now: corp-ldap." in ran.out


def test_with_nothing_to_do_it_writes_nothing(settled: Repository) -> None:
    settled.run("expire")
    before = records(settled)
    for _ in range(3):
        assert settled.run("expire").out == "Nothing to do.\n\nIn order now: corp-ldap.\n"
    assert records(settled) == before
    settled.person("zoe")
    settled.commit()
    for _ in range(3):
        assert settled.run("expire").status == 0
    assert records(settled) == before


def broken(repository: Repository) -> str:
    """main as a bad merge left it; the last valid revision."""
    valid = repository.git("rev-parse", "HEAD")
    repository.write("access/people/zoe.yaml", "people: {zoe: {roles: [develper]}}\n")
    repository.commit()
    return valid


def test_on_a_broken_main_the_last_valid_revision_is_worked_from(settled: Repository) -> None:
    lapsing(settled)
    valid = broken(settled)
    ran = settled.run("expire")
    assert ran.status == 0
    assert settled.members("ops") == set()
    assert "warning[files-broken]" in ran.err
    assert "access/people/zoe.yaml:1" in ran.err
    assert f"worked from revision {valid[:12]}" in ran.err
    assert settled.run("apply").status == 1


def test_who_came_with_the_broken_revision_is_not_taken_for_a_leaver(settled: Repository) -> None:
    dn = f"uid=zoe,ou=people,{settled.server.suffix}"
    settled.server.add(
        dn, {"objectClass": "inetOrgPerson", "uid": "zoe", "cn": "Zoe", "sn": "Z", "mail": "zoe@example.com"}
    )
    settled.write("access/people/zoe.yaml", "people: {zoe: {email: zoe@example.com, roles: [develper]}}\n")
    settled.commit()
    before = settled.server.entries()[dn]
    assert settled.run("expire").status == 0
    assert settled.server.entries()[dn] == before


def test_files_that_were_applied_and_are_newer_than_the_last_valid_ones_stop_it(settled: Repository) -> None:
    settled.person("zoe")
    assert settled.run("apply").status == 0  # not committed
    settled.write("access/people/zoe.yaml", "people: {zoe: {roles: [develper]}}\n")
    settled.commit()
    ran = settled.run("expire")
    assert ran.status == 1
    assert "error[no-valid-revision]" in ran.err
    assert settled.members("developers") == {"ada", "grace", "zoe"}


def test_a_shallow_clone_is_an_error_that_says_what_to_do(settled: Repository, tmp_path: Path) -> None:
    settled.person("mia")
    settled.commit()
    broken(settled)
    clone = tmp_path / "clone"
    settled.git("clone", "--quiet", "--depth", "1", f"file://{settled.root}", str(clone))
    ran = settled.run("expire", "--access", str(clone / "access"))
    assert ran.status == 1
    assert "fetch-depth: 0" in ran.err


def test_with_no_valid_revision_at_all_the_errors_are_told(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "nothing")
    repository.write("access/people/ada.yaml", "people: {ada: {roles: [develper]}}\n")
    repository.commit()
    ran = repository.run("expire")
    assert ran.status == 1
    assert "error[unknown-role]" in ran.err
