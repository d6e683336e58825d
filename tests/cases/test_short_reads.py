"""A read that is cut short takes nothing away and makes no account; the other target goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.cases.company import ACCOUNT, Company
from tests.rigs import ldif
from tests.rigs.slapd import Slapd


@pytest.fixture
def limited(tmp_path: Path, new_slapd: Callable[..., Slapd], aws_server: AwsServer) -> Company:
    """slapd gives at most 300 of its 900 people, pages or not."""
    slapd = new_slapd(size_soft=300, size_hard=300, size_prtotal=300)
    slapd.load(ldif.bulk(900, 20))
    slapd.start()
    aws_server.clear()
    aws_server.create_account(ACCOUNT)
    company = Company(tmp_path / "repository", slapd, aws_server)
    company.commit("the company")
    return company


def harmless(changes: list[str]) -> bool:
    """Nothing is taken from the directory, and no account made there."""
    here = [c for c in changes if " corp-ldap:" in c]
    removals = ("revoke", "disable", "delete", "create corp-ldap:account")
    return not [c for c in here if c.startswith(removals)]


def test_size_limit_below_the_number_of_entries(limited: Company) -> None:
    plan = limited.provision("plan", "--format", "json")
    assert plan.code == 5 and harmless(plan.changes)
    assert not plan.json["targets"]["corp-ldap"]["complete"]
    assert "create aws/main:account/ada" in plan.changes
    before = limited.slapd.dump(limited.slapd.people)
    assert limited.provision("apply").code == 5
    assert limited.slapd.dump(limited.slapd.people) == before
    assert limited.user("ada") is not None


def test_server_stopped(company: Company) -> None:
    assert company.provision("apply").code == 0
    company.remove("access/people/ada.yaml")
    company.commit("ada leaves")
    company.slapd.stop()
    try:
        plan = company.provision("plan", "--format", "json")
        assert plan.code == 5
        assert not [c for c in plan.changes if " corp-ldap:" in c]
        assert "disable aws/main:account/ada" in plan.changes
        text = company.provision("plan")
        assert "corp-ldap" in text.out and text.code == 5
    finally:
        company.slapd.start()


def test_leaver_is_not_taken_for_gone_when_aws_answers_short(company: Company) -> None:
    assert company.provision("apply").code == 0
    company.remove("access/people/ada.yaml")
    company.commit("ada leaves")
    company.aws.fail("GetAccountAuthorizationDetails", code="AccessDenied", status=403, times=None)
    plan = company.provision("plan", "--format", "json")
    assert plan.code == 5
    assert not [c for c in plan.changes if " aws/main:" in c] and "disable corp-ldap:account/ada" in plan.changes
    assert company.provision("apply").code == 5
    company.aws.heal()
    after = company.provision("plan", "--format", "json")
    assert "disable aws/main:account/ada" in after.changes
