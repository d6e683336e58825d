"""`provision drift`: what was changed by hand, against the embedded directory; and that it changes nothing itself."""

from __future__ import annotations

import json
from typing import Any

import ldap3
import pytest

from tests.cli.conftest import COMMON, Repository


@pytest.fixture
def by_hand(repository: Repository) -> Any:
    """An administrator's connection, and two people in order."""
    assert repository.run("apply").status == 0
    server = ldap3.Server(repository.server.url, get_info=ldap3.NONE)
    link = ldap3.Connection(
        server,
        repository.server.service_dn,
        repository.server.service_password,
        auto_bind=True,
        check_names=False,
    )
    yield link
    link.unbind()


def member(repository: Repository, link: Any, operation: str, login: str) -> None:
    dn = f"uid={login},ou=people,{repository.server.suffix}"
    group = f"cn=developers,ou=groups,{repository.server.suffix}"
    assert link.modify(group, {"member": [(operation, [dn])]}), link.result


def test_in_order_there_is_nothing_and_status_zero(repository: Repository, by_hand: Any) -> None:
    ran = repository.run("drift", "--detailed-exitcode")
    assert ran.status == 0
    assert ran.out.startswith("0 changes by hand, 0 not applied yet, 1 stray on 1 target.")


def test_what_was_taken_away_by_hand_is_told_and_nothing_is_done(repository: Repository, by_hand: Any) -> None:
    member(repository, by_hand, ldap3.MODIFY_DELETE, "ada")
    repository.person("new")
    repository.commit()
    before = repository.server.entries()
    journal = {p: p.read_bytes() for p in repository.root.glob(".provision/**/*") if p.is_file()}
    ran = repository.run("drift", "--detailed-exitcode")
    assert ran.status == 2
    assert "1 change by hand, 2 not applied yet" in ran.out
    assert "gone since it was in order; the files ask for it:" in ran.out
    assert "- add ada to group developers" in ran.out
    assert repository.server.entries() == before
    assert {p: p.read_bytes() for p in repository.root.glob(".provision/**/*") if p.is_file()} == journal
    assert repository.run("drift").status == 0
    found = json.loads(repository.run("drift", "--format", "json").out)
    assert found["format"] == "provision.drift/1" and found["complete"]
    kinds = [d["differs"] for d in found["targets"]["corp-ldap"]["differences"]]
    assert sorted(kinds) == ["missing", "pending", "pending"]


def test_ignored_strays_are_counted_and_listed_when_asked_for(repository: Repository, by_hand: Any) -> None:
    entry = '    ignore: [{address: "corp-ldap:account/svc", owner: grace, reason: signs us in, until: 2999-01-01}]\n'
    repository.write("access/common.yaml", COMMON + entry)
    repository.commit()
    ran = repository.run("drift")
    assert "0 strays, 1 ignored" in ran.out and "signs us in" not in ran.out
    ran = repository.run("drift", "--all")
    assert "= corp-ldap:account/svc  grace: signs us in until 2999-01-01 23:59 UTC" in ran.out


def test_an_incomplete_read_is_status_five(repository: Repository, by_hand: Any) -> None:
    repository.write("access/common.yaml", COMMON.replace("ou=groups", "ou=nowhere"))
    ran = repository.run("drift", "--detailed-exitcode")
    assert ran.status == 5 and "was not read completely" in ran.out


def test_an_entry_without_an_end_is_an_error(repository: Repository) -> None:
    repository.write(
        "access/common.yaml", COMMON + '    ignore: [{address: "corp-ldap:account/svc", owner: grace, reason: r}]\n'
    )
    ran = repository.run("validate")
    assert ran.status == 1 and "ignore-without-end" in ran.out


def test_a_group_that_is_named_no_more_loses_our_mark_and_keeps_its_members(
    repository: Repository, by_hand: Any
) -> None:
    """RELEASE on a real directory: told in the plan, done by apply, gone from the next plan."""
    by_hand.add(
        f"uid=zed,ou=people,{repository.server.suffix}", ["inetOrgPerson"], {"cn": "Zed", "sn": "Z", "uid": "zed"}
    )
    member(repository, by_hand, ldap3.MODIFY_ADD, "zed")
    repository.write("access/common.yaml", COMMON.replace("groups: [developers]", "groups: [others]"))
    repository.commit()
    ran = repository.run("plan")
    assert "release group developers: 1 membership stays as it is" in ran.out
    assert repository.run("apply").status == 0
    entry = repository.server.entries()[f"cn=developers,ou=groups,{repository.server.suffix}"]
    assert not any(b"provision/1" in v for v in entry.get("description", []))
    assert repository.members("developers") == {"zed"}
    assert repository.run("plan", "--detailed-exitcode").status == 0
