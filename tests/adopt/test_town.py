"""A live directory and an AWS account that no files ever knew: adopted, taken over, and one person offboarded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.adopt.repository import Adopting
from tests.adopt.town import ACCOUNT, Town
from tests.rigs.slapd import Slapd

TOWN = Town(60, 12)


@pytest.fixture(scope="module")
def aws_server() -> Iterator[AwsServer]:
    with AwsServer() as server:
        yield server


def test_a_directory_then_an_account_are_adopted_into_the_same_files(
    tmp_path: Path, new_slapd: Callable[..., Slapd], aws_server: AwsServer
) -> None:
    slapd = new_slapd()
    slapd.load(TOWN.ldif())
    slapd.start()
    aws_server.clear()
    aws_server.create_account(ACCOUNT)
    TOWN.fill(aws_server.backend(ACCOUNT))
    aws_server.changed(ACCOUNT)
    files = Adopting(tmp_path / "repository", slapd, aws_server)
    held = {g: files.members(g) for g in TOWN.members}
    told_before = files.provision("validate").out  # a plain connection, and no more

    said = files.provision("adopt", "corp-ldap")
    assert said.code == 0, said.err
    assert f"{TOWN.people} new people, 0 merged" in said.out
    assert "read in 3 calls" in said.out or "read in 4 calls" in said.out, said.out
    for told in ("twin1", "backup-bot", "a nested group", "its holder is unknown", "another owner"):
        assert told in said.out
    checked = files.provision("validate")
    assert checked.code == 0 and checked.out == told_before
    plan = files.provision("plan", "--target", "corp-ldap", "--format", "json")
    assert {line.partition(" ")[0] for line in plan.changes} == {"adopt"} and len(plan.changes) == TOWN.people
    files.commit("what the directory says")
    assert files.provision("apply", "--target", "corp-ldap").code == 0
    assert files.provision("plan", "--target", "corp-ldap", "--format", "json").changes == []
    assert {g: files.members(g) for g in TOWN.members} == held

    before = files.people()
    said = files.provision("adopt", "aws")
    assert said.code == 0, said.err
    users = sum(TOWN.has_user(n) for n in range(TOWN.people))
    assert f"0 new people, {users} merged" in said.out, said.out
    assert files.people() == before  # not one file more
    assert "terraform" in said.out and "an inline policy" in said.out
    assert files.provision("validate").out == told_before
    plan = files.provision("plan", "--format", "json")
    assert {line.partition(" ")[0] for line in plan.changes} == {"adopt"} and len(plan.changes) == users
    files.commit("what the account says")
    assert files.provision("apply").code == 0
    assert files.provision("plan", "--format", "json").changes == []

    leaver = TOWN.login(10)
    (files.folder / f"access/people/{leaver}.yaml").unlink()
    files.commit("they leave")
    changes = set(files.provision("plan", "--format", "json").changes)
    user = TOWN.user(10)
    assert changes == {
        *(f"revoke corp-ldap:membership/{g}/{leaver}" for g in TOWN.groups_of(10)),
        f"disable corp-ldap:account/{leaver}",
        *(f"revoke aws:membership/{s}/{user}" for s in TOWN.squads(10)),
        f"revoke aws:grant/Audit/{user}",
        f"disable aws:account/{user}",
    }
    assert files.provision("apply").code == 0
    assert {g: files.members(g) for g in TOWN.members} == {g: m - {leaver} for g, m in held.items()}
    assert files.provision("plan", "--format", "json").changes == []
