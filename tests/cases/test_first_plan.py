"""A directory with a life of its own: the first plan creates what the files declare, and touches nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from provisioner.sandbox.aws import AwsServer
from tests.cases.company import ACCOUNT, Company
from tests.rigs import ldif
from tests.rigs.slapd import Slapd


def test_two_thousand_foreign_people_stay_as_they_are(
    tmp_path: Path, new_slapd: Callable[..., Slapd], aws_server: AwsServer
) -> None:
    slapd = new_slapd()
    slapd.load(ldif.bulk(2000, 40))
    slapd.start()
    aws_server.clear()
    aws_server.create_account(ACCOUNT)
    company = Company(tmp_path / "repository", slapd, aws_server)
    company.commit("the company")
    before = slapd.dump(attributes=("*", "+"))

    plan = company.provision("plan", "--format", "json")
    assert plan.code == 0
    touched = {line.partition(" ")[0] for line in plan.changes}
    assert touched == {"create"}
    ours = {"ada", "bob", "grace", "developers", "vpn", "leads"}
    assert {line.split("/")[-1] for line in plan.changes if "corp-ldap" in line} <= ours
    strays = [s["address"] for s in plan.json["strays"]]
    assert sum(s.startswith("corp-ldap:account/user") for s in strays) == 2000
    assert sum(s.startswith("corp-ldap:group/grp") for s in strays) == 40

    assert company.provision("apply").code == 0
    after = slapd.dump(attributes=("*", "+"))
    assert {dn: after.get(dn) for dn in before} == before
    again = company.provision("plan", "--detailed-exitcode", "--format", "json")
    assert again.code == 0 and again.changes == []

    with slapd.connection() as directory:
        directory.add(f"uid=hand,{slapd.people}", ["inetOrgPerson"], {"cn": "By Hand", "sn": "Hand"})
        directory.add(f"cn=hand-made,{slapd.groups}", ["groupOfNames"], {"member": [f"uid=hand,{slapd.people}"]})
    company.remove("access/people/ada.yaml")
    company.commit("ada leaves")
    assert company.provision("apply").code == 0
    assert company.members("hand-made") == {"hand"}
    last = slapd.dump(attributes=("*", "+"))
    assert {dn: last.get(dn) for dn in before} == before


def test_same_inputs_give_the_same_bytes(company: Company) -> None:
    first, second = (company.provision("plan", "--format", "json").json for _ in range(2))
    for plan in (first, second):
        del plan["as_of"], plan["digest"]
    assert first == second


def test_saved_plan_is_applied_as_it_is_and_once(company: Company) -> None:
    assert company.provision("plan", "--out", "the.plan").code == 0
    assert company.provision("apply", "the.plan").code == 0
    used = company.provision("apply", "the.plan")
    assert used.code == 4 and "used" in used.err
    assert company.members("developers") == {"ada", "bob", "grace"}
    assert company.provision("plan", "--detailed-exitcode").code == 0


def test_thirty_accounts_are_thirty_lines_each_with_its_own_role(company: Company) -> None:
    numbers = [f"{200000000000 + i}" for i in range(30)]
    for number in numbers:
        company.aws.create_account(number)
    lines = "".join(f'      team-{i:02}: {{account: "{n}"}}\n' for i, n in enumerate(numbers))
    company.write("access/targets.yaml", company.targets(lines))
    company.commit("thirty accounts")
    company.aws.reset_calls()
    plan = company.provision("plan", "--format", "json")
    assert plan.code == 0, plan.err
    assert sum(name.startswith("aws/") for name in plan.json["targets"]) == 30
    assert {line for line in plan.changes if "account/ada" in line} >= {
        f"create aws/team-{i:02}:account/ada" for i in range(30)
    }
    reads = {
        account for (account, call), n in company.aws.calls.items() if "GetAccountAuthorizationDetails" in call and n
    }
    assert reads == set(numbers)
