"""A developer leaves: one deleted file, one plan, one apply, and a receipt from the live systems."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cases.company import ACCOUNT, Company


def use_everything(company: Company) -> None:
    """Ada makes herself at home, also by hand."""
    slapd = company.slapd
    with slapd.connection() as directory:
        members = [f"uid=ada,{slapd.people}", f"uid=svc,{slapd.people}"]
        directory.add(f"cn=hand-made,{slapd.groups}", ["groupOfNames"], {"member": members})
        directory.modify(f"uid=ada,{slapd.people}", {"userPassword": [("MODIFY_REPLACE", ["correct horse 1"])]})
    assert slapd.can_bind(f"uid=ada,{slapd.people}", "correct horse 1")
    iam = company.aws.client("iam", ACCOUNT)
    iam.create_access_key(UserName="ada")
    iam.create_access_key(UserName="ada")
    iam.create_login_profile(UserName="ada", Password="Correct-horse-1")
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="ada")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName="ada", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    iam.create_service_specific_credential(UserName="ada", ServiceName="codecommit.amazonaws.com")
    iam.create_group(GroupName="HandMade")
    iam.add_user_to_group(GroupName="HandMade", UserName="ada")
    iam.add_user_to_group(GroupName="HandMade", UserName="bob")
    iam.attach_user_policy(UserName="ada", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.put_user_policy(
        UserName="ada",
        PolicyName="mine",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
    )


def is_out_of_the_directory(company: Company) -> bool:
    slapd = company.slapd
    groups = slapd.dump(slapd.groups)
    dn = f"uid=ada,{slapd.people}".encode()
    held = [name for name, entry in groups.items() if dn in entry.get("member", [])]
    return not held and not slapd.can_bind(dn.decode(), "correct horse 1")


def is_out_of_aws(company: Company) -> bool:
    ada = company.user("ada")
    usable = [k for k, status in ada["keys"].items() if status == "Active"]
    return not (usable or ada["password"] or ada["mfa"] or ada["groups"] or ada["attached"]) and set(ada["inline"]) == {
        "provision-deny"
    }


def test_offboarding_is_one_deleted_file(company: Company) -> None:
    assert company.provision("apply").code == 0
    use_everything(company)
    others = {n: company.user(n) for n in ("bob", "grace")}
    entries = company.slapd.dump(company.slapd.people)

    company.remove("access/people/ada.yaml")
    company.commit("ada leaves")
    plan = company.provision("plan", "--format", "json")
    assert plan.code == 0
    assert {c["identity"] for c in plan.json["changes"]} == {"ada"}
    assert {c["effect"] for c in plan.json["changes"]} == {"narrows"}
    done = company.provision("apply")
    assert done.code == 0, done.err

    assert is_out_of_the_directory(company) and is_out_of_aws(company)
    assert {n: company.user(n) for n in others} == others
    now = company.slapd.dump(company.slapd.people)
    ada = f"uid=ada,{company.slapd.people}"
    assert {dn: e for dn, e in now.items() if dn != ada} == {dn: e for dn, e in entries.items() if dn != ada}
    assert company.members("hand-made") == {"svc"}

    again = company.provision("plan", "--detailed-exitcode", "--format", "json")
    assert again.code == 0 and again.changes == []
    assert sorted(w["address"] for w in again.json["waiting"]) == ["aws/main:account/ada", "corp-ldap:account/ada"]


def test_what_aws_missed_comes_first_in_the_next_plan_of_a_fresh_clone(company: Company, tmp_path: Path) -> None:
    assert company.provision("apply").code == 0
    use_everything(company)
    company.remove("access/people/ada.yaml")
    company.commit("ada leaves")
    company.aws.down = True
    cut_off = company.provision("apply")
    assert cut_off.code == 5 and is_out_of_the_directory(company) and not is_out_of_aws(company)
    company.aws.down = False

    company.person("zoe", "developer")
    company.commit("an unrelated commit")
    clone = tmp_path / "clone"
    company.git("clone", "-q", str(company.folder), str(clone))
    shutil.copytree(company.folder / ".provision", clone / ".provision")
    plan = company.provision("plan", "--format", "json", folder=clone)
    assert plan.changes[0].startswith("revoke aws/main:credential/")
    assert plan.json["changes"][0]["identity"] == "ada"
    done = company.provision("apply", folder=clone)
    assert done.code == 0, done.err
    assert is_out_of_aws(company)
    assert company.provision("plan", "--detailed-exitcode", folder=clone).code == 0


def test_shallow_clone_is_refused_by_name(company: Company, tmp_path: Path) -> None:
    company.remove("access/people/ada.yaml")
    company.commit("ada leaves")
    clone = tmp_path / "clone"
    company.git("clone", "-q", "--depth", "1", f"file://{company.folder}", str(clone))
    refused = company.provision("plan", folder=clone)
    assert refused.code not in (0, 2, 70) and "fetch-depth: 0" in refused.err


def test_receipt_says_so_from_live_reads(company: Company) -> None:
    company.provision("apply")
    use_everything(company)
    company.remove("access/people/ada.yaml")
    company.commit("ada leaves")
    before = company.provision("receipt", "ada", "--format", "json")
    company.provision("apply")
    after = company.provision("receipt", "ada", "--format", "json")
    assert "hand-made" in before.out and after.code == 0
    company.aws.down = True
    blind = company.provision("receipt", "ada")
    assert blind.code == 5


@pytest.mark.parametrize("mark", ["history", "mark"])
def test_leaver_is_found_by_history_and_by_mark(company: Company, mark: str) -> None:
    assert company.provision("apply").code == 0
    company.remove("access/people/ada.yaml")
    if mark == "mark":
        shutil.rmtree(company.folder / ".git")
        shutil.rmtree(company.folder / ".provision")
        company.git("init", "-q", "-b", "main")
        company.commit("a new history, without ada")
    else:
        company.commit("ada leaves")
    changes = company.provision("plan", "--format", "json").changes
    assert "disable corp-ldap:account/ada" in changes and "disable aws/main:account/ada" in changes
