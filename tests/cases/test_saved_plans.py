"""A saved plan, applied after the world has moved on: over a real slapd and AWS, by the command line alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.cases.company import ACCOUNT, Company
from tests.rigs.commands import COMMAND


def test_what_moved_is_refused_by_name_what_is_so_is_told_and_the_rest_is_done(
    company: Company, tmp_path: Path
) -> None:
    assert company.provision("apply").code == 0
    company.remove("access/people/ada.yaml")  # leaves
    company.write(
        "access/people/bob.yaml",
        "people:\n  bob:\n    name: Bob the Builder\n    email: bob@example.com\n    roles: [lead]\n",
    )
    company.commit("ada leaves, bob leads and has another name")
    file = str(tmp_path / "plan.json")
    planned = company.provision("plan", "--out", file, "--format", "json")
    assert planned.code == 0, planned.err
    assert "update corp-ldap:account/bob" in planned.changes

    slapd, iam = company.slapd, company.aws.client("iam", ACCOUNT)
    with slapd.connection() as directory:
        # already gone, already there, and a third value
        directory.modify(f"cn=vpn,{slapd.groups}", {"member": [("MODIFY_DELETE", [f"uid=ada,{slapd.people}"])]})
        directory.modify(f"cn=leads,{slapd.groups}", {"member": [("MODIFY_ADD", [f"uid=bob,{slapd.people}"])]})
        directory.modify(f"uid=bob,{slapd.people}", {"cn": [("MODIFY_REPLACE", ["Robert"])]})
    iam.remove_user_from_group(GroupName="Developers", UserName="ada")

    applied = company.provision("apply", file)
    assert applied.code == 8, applied.out + applied.err
    failed = applied.out.partition(" failed\n")[2]
    assert "1 failed" in applied.out
    assert "bob" in failed
    assert "the live value has moved" in " ".join(failed.split())
    assert applied.out.count("was so already") >= 3
    assert company.members("developers") == {"bob", "grace"}
    assert company.members("leads") == {"bob", "grace"}
    assert not company.user("ada")["groups"]
    entry = slapd.dump(slapd.people)[f"uid=bob,{slapd.people}"]
    assert entry["cn"] == [b"Robert"]

    again = company.provision("apply", file)
    assert again.code == 4
    assert "error[plan-file-used]" in again.err
    assert company.provision("apply").code == 0
    assert company.provision("plan", "--detailed-exitcode").code == 0


def test_of_two_runs_with_the_same_plan_file_one_gets_it(company: Company, tmp_path: Path) -> None:
    file = str(tmp_path / "plan.json")
    assert company.provision("plan", "--out", file).code == 0
    command = [sys.executable, "-c", COMMAND, "apply", file]
    runs = [
        subprocess.Popen(
            command, cwd=company.folder, env=company.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    told = [run.communicate(timeout=120) for run in runs]
    statuses = sorted(run.returncode for run in runs)
    assert statuses[0] == 0, told
    assert statuses[1] in (4, 6), told
    journal = company.folder / ".provision" / "journal"
    records = [json.loads(p.read_bytes()) for p in sorted((journal / "corp-ldap").glob("*.json"))]
    assert len({r["run"] for r in records if r["kind"] == "intent"}) == 1
    assert company.provision("plan", "--detailed-exitcode").code == 0
