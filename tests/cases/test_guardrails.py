"""Mistakes that would take very much away, on a real slapd and the embedded AWS: refused by name with a way through."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from provisioner.sandbox.aws import AwsServer
from tests.cases.company import ACCOUNT, Company, Said
from tests.rigs.slapd import Slapd

DEPLOYERS = [f"dev{n:02}" for n in range(20)]
STAFF = """\
roles:
  staff: {owners: [head], grants: {corp-ldap: {groups: [staff]}}}
"""
DEPLOY = """\
roles:
  deployer: {owners: [head], grants: {corp-ldap: {groups: [deployers]}}}
"""


def directory_alone(company: Company) -> Company:
    """Forty people in one directory, half of them deployers."""
    text = company.targets()
    company.write("access/targets.yaml", text[: text.index("  aws:")])
    for who in ("grace", "ada", "bob"):
        company.remove(f"access/people/{who}.yaml")
    company.write("access/roles.yaml", STAFF)
    company.write("access/roles/deploy.yaml", DEPLOY)
    company.person("head", "staff")
    for who in (f"staff{n:02}" for n in range(19)):
        company.person(who, "staff")
    for who in DEPLOYERS:
        company.person(who, "staff, deployer")
    company.commit("forty people")
    return company


@pytest.fixture
def forty(tmp_path: Path, slapd: Slapd, aws_server: AwsServer) -> Company:
    company = directory_alone(Company(tmp_path / "repository", slapd, aws_server))
    done = company.provision("apply")
    assert done.code == 0, done.err
    return company


def proposed(said: Said) -> str:
    """The acknowledgement that the refusal prints, as a file."""
    line = next(part for part in said.err.splitlines() if "acknowledgements: [" in part)
    return "guardrails:\n  " + line[line.index("acknowledgements: [") :] + "\n"


def refused(company: Company, code: str, *words: str) -> Said:
    """An apply that is refused under this name, and has not touched the directory."""
    before = company.slapd.dump(attributes=("*", "+"))
    said = company.provision("apply", *words)
    assert said.code == 3, said.err
    assert f"error[{code}]" in said.err
    assert company.slapd.dump(attributes=("*", "+")) == before
    return said


def undo(company: Company) -> None:
    company.git("checkout", "-q", "--", ".")
    company.git("clean", "-fdq", "access")


def test_nineteen_of_twenty_deployers_are_refused_and_what_is_printed_lets_them_go(forty: Company) -> None:
    for who in DEPLOYERS[1:]:
        forty.person(who, "staff")
    said = refused(forty, "removals-of-group")
    assert "19 of 20 (95 %) of deployers" in said.err
    plan = forty.provision("plan", "--format", "json")
    assert plan.code == 3 and plan.changes == []
    assert {w["rule"] for w in plan.json["withheld"]} == {"removals-of-group"}

    forty.write("access/guardrails.yaml", proposed(said))
    assert yaml.safe_load(proposed(said))["guardrails"]["acknowledgements"][0]["removals"] is True
    assert forty.provision("validate").code == 0
    done = forty.provision("apply")
    assert done.code == 0, done.err
    assert forty.members("deployers") == {DEPLOYERS[0]}
    assert len(forty.members("staff")) == 40


def test_a_bad_merge_a_lost_file_and_an_empty_list_are_refused_by_name_and_one_offboarding_passes(
    forty: Company,
) -> None:
    for path in (forty.folder / "access/people").iterdir():
        path.unlink()
    forty.write("access/roles.yaml", "roles: {staff: {grants: {corp-ldap: {groups: [staff]}}}}\n")
    forty.write("access/roles/deploy.yaml", "roles: {deployer: {grants: {corp-ldap: {groups: [deployers]}}}}\n")
    assert "all 40 people are gone" in refused(forty, "source-emptied").err
    forty.commit("a bad merge")
    assert "all 40 people" in refused(forty, "source-emptied", "--base", "HEAD").err  # the scheduled run after it
    forty.git("reset", "-q", "--hard", "HEAD~1")

    for who in DEPLOYERS:
        forty.person(who, "staff")
    forty.remove("access/roles/deploy.yaml")
    assert "20 of 20 (100 %) of deployers" in refused(forty, "removals-of-group").err
    undo(forty)

    forty.write("access/roles/deploy.yaml", DEPLOY.replace("[deployers]", "[]"))
    assert "20 of 20 (100 %) of deployers" in refused(forty, "removals-of-group").err

    # The same change that empties the group raises the limit: the base judges.
    forty.write("access/guardrails.yaml", "guardrails: {removals: {group: 100, target: 100}}\n")
    said = refused(forty, "removals-of-group", "--base", "HEAD")
    assert "at most 50 %" in said.err
    undo(forty)

    forty.remove(f"access/people/{DEPLOYERS[0]}.yaml")
    done = forty.provision("apply")
    assert done.code == 0, done.err
    assert forty.members("deployers") == set(DEPLOYERS[1:])


def test_another_directory_behind_the_same_settings_is_asked_for_its_name_and_no_more(forty: Company) -> None:
    before = forty.slapd.dump(attributes=("entryUUID",))[forty.slapd.suffix]["entryUUID"][0].decode()
    forty.slapd.reset()
    after = forty.slapd.dump(attributes=("entryUUID",))[forty.slapd.suffix]["entryUUID"][0].decode()
    assert before != after
    said = refused(forty, "system-changed")
    assert before in said.err and after in said.err
    assert forty.members("staff") == set()
    assert before in forty.provision("status").out
    forty.write("access/guardrails.yaml", proposed(said))
    done = forty.provision("apply")
    assert done.code == 0, done.err
    assert len(forty.members("staff")) == 40
    (forty.folder / "access/guardrails.yaml").unlink()
    assert forty.provision("plan", "--detailed-exitcode").code == 0  # pinned anew


def test_our_own_account_is_left_alone_when_somebody_makes_it_a_leaver(forty: Company) -> None:
    """The account that binds is adopted as a service, and the service's file is lost."""
    entry = forty.slapd.dump(forty.slapd.people, attributes=("entryUUID",))[forty.slapd.service_dn]
    pinned = "{corp-ldap: {id: " + entry["entryUUID"][0].decode() + "}}"
    forty.write("access/services.yaml", f"services: {{svc: {{owners: [head], roles: [staff], accounts: {pinned}}}}}\n")
    done = forty.provision("apply")
    assert done.code == 0, done.err
    assert "svc" in forty.members("staff")
    forty.remove("access/services.yaml")
    said = refused(forty, "own-access")
    assert forty.slapd.service_dn in said.err
    assert forty.slapd.can_bind(forty.slapd.service_dn, forty.slapd.service_password)


def test_policies_of_a_group_that_are_emptied_by_mistake_are_counted_by_who_is_in_it(company: Company) -> None:
    for who in ("cyd", "dan", "eve"):
        company.person(who, "developer")
    company.commit("six developers")
    assert company.provision("apply", "--target", "aws").code == 0
    before = company.aws.truth(ACCOUNT)
    company.write("access/targets.yaml", company.targets().replace("{policies: [ReadOnlyAccess]}", "{policies: []}"))
    said = company.provision("apply", "--target", "aws")
    assert said.code == 3 and "error[removals-of-group]" in said.err
    assert "6 of 6 (100 %) of Developers" in said.err
    assert company.aws.truth(ACCOUNT) == before
    company.write("access/guardrails.yaml", proposed(said))
    done = company.provision("apply", "--target", "aws")
    assert done.code == 0, done.err
    assert company.aws.truth(ACCOUNT)["groups"]["Developers"] != before["groups"]["Developers"]


def test_the_user_that_we_are_in_aws_stays_with_its_group_and_what_that_may_do(company: Company) -> None:
    """The pipeline's own IAM user is declared as a service; then its file is lost, and its group's rights with it."""
    iam = company.aws.client("iam", ACCOUNT)
    iam.create_user(UserName="ci")
    iam.attach_user_policy(UserName="ci", PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess")
    key = iam.create_access_key(UserName="ci")["AccessKey"]
    native = iam.get_user(UserName="ci")["User"]["UserId"]
    ours = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    company.environ = {k: v for k, v in company.environ.items() if k != "AWS_SESSION_TOKEN"} | ours
    text = company.targets()
    without = text[: text.index("    assume_role:")] + text[text.index("    groups: {Developers") :]
    company.write("access/targets.yaml", without)
    company.write(
        "access/services.yaml",
        f"services: {{ci: {{owners: [grace], roles: [developer], accounts: {{aws: {{id: {native}}}}}}}}}\n",
    )
    company.commit("the pipeline")
    done = company.provision("apply", "--target", "aws")
    assert done.code == 0, done.err
    before = company.user("ci")
    assert before["groups"] and before["keys"]
    company.remove("access/services.yaml")
    company.write("access/targets.yaml", without.replace("{policies: [ReadOnlyAccess]}", "{policies: []}"))
    said = company.provision("apply", "--target", "aws")
    assert said.code == 3 and "error[own-access]" in said.err
    assert f"arn:aws:iam::{ACCOUNT}:user/ci" in said.err
    assert company.user("ci") == before
    assert company.aws.truth(ACCOUNT)["groups"]["Developers"]["attached"]
