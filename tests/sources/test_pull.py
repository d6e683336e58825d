"""`provision pull`: the files follow a directory, as a change to review, and everything that people wrote stays."""

from __future__ import annotations

import json

import pytest

from tests.sources.conftest import SOURCE, Company


@pytest.fixture
def settled(company: Company) -> Company:
    company.pull_and_merge()
    assert company.run("apply").status == 0
    return company


def test_a_joiner_is_a_file_to_review_and_then_has_what_the_role_gives(company: Company) -> None:
    native = company.people.id_of("ada")
    ran = company.run("pull", "corp")
    assert ran.status == 0
    assert "2 people join:" in ran.out and "read in 5 calls" in ran.out
    assert "git-users" not in {n.partition(",")[0].removeprefix("cn=") for n in company.files.server.entries()}
    assert company.file("people/ada.yaml") == (
        "people:\n  ada:\n    name: Ada Example\n    email: ada@example.com\n    sources: [corp]\n    accounts:\n"
        f"      corp-ldap: {{id: {native if native[0].isalpha() else chr(34) + native + chr(34)}}}\n"
        "    roles:\n      - {role: developer, source: corp}\n"
    )
    company.files.commit()
    assert company.run("apply").status == 0
    assert company.members("git-users") == {"ada", "grace"}
    assert company.members("consoles") == {"grace"}
    assert "known from corp, which gave developer, operator." in company.run("explain", "grace").out
    told = json.loads(company.run("explain", "grace", "--format", "json").out)
    assert told["known_from"] == {"corp": ["developer", "operator"]}


def test_a_second_pull_changes_nothing(settled: Company) -> None:
    before = settled.files.git("rev-parse", "HEAD^{tree}")
    ran = settled.run("pull", "corp")
    assert (ran.status, ran.out.splitlines()[0][:47]) == (0, "The access files follow corp already; 3 people ")
    assert settled.files.git("status", "--porcelain") == ""
    settled.files.commit()
    assert settled.files.git("rev-parse", "HEAD^{tree}") == before


def test_comments_in_the_source_and_what_people_wrote_stay(settled: Company) -> None:
    assert "# everybody who writes code" in settled.file("corp.yaml")
    text = settled.file("people/ada.yaml")
    text = text.replace("    roles:\n", "    roles:\n      # for the audit of 2026\n      - operator  # by hand\n")
    settled.files.write("access/people/ada.yaml", "# hired in spring\n" + text + "      - developer\n")
    settled.files.commit()
    settled.people.take("ada", "engineering")
    ran = settled.run("pull", "corp")
    assert ran.status == 0
    assert "ada: - developer (in none of the groups of corp)" in ran.out
    left = settled.file("people/ada.yaml")
    assert left.startswith("# hired in spring\npeople:\n  ada:\n")
    assert left.endswith("    roles:\n      # for the audit of 2026\n      - operator  # by hand\n      - developer\n")
    settled.files.commit()
    assert settled.run("apply").status == 0
    assert "ada" in settled.members("git-users")  # the line that somebody wrote still gives it


def test_who_is_in_two_groups_of_one_role_keeps_it_with_either(settled: Company) -> None:
    settled.people.take("grace", "engineering")
    ran = settled.run("pull", "corp")
    assert ran.status == 0
    assert settled.files.git("status", "--porcelain") == ""
    settled.people.put("ada", "on-call")
    settled.people.take("grace", "on-call")
    ran = settled.run("pull", "corp")
    assert "ada: + operator (in engineering, on-call of corp)" in ran.out
    assert "grace: - developer; - operator (in none of the groups of corp)" in ran.out
    assert "roles" not in settled.file("people/grace.yaml")
    settled.files.commit()
    assert settled.run("apply").status == 0
    assert (settled.members("git-users"), settled.members("consoles")) == ({"ada"}, {"ada"})


def test_a_group_within_a_group_counts(settled: Company) -> None:
    settled.people.hire("zoe", "interns")
    group = settled.people.group
    settled.people.connection.modify(group("engineering"), {"member": [("MODIFY_ADD", [group("interns")])]})
    ran = settled.run("pull", "corp")
    assert "zoe (new): + developer (in engineering of corp)" in ran.out


def test_somebody_declared_before_is_known_by_their_mail_and_keeps_their_lines(company: Company) -> None:
    company.files.write(
        "access/people/all.yaml",
        "people:\n  a.example: {name: Ada, email: Ada@example.com, roles: [operator]}  # the first\n"
        "  tom:\n    roles: [operator]\n",
    )
    company.files.commit()
    ran = company.run("pull", "corp")
    assert ran.status == 0
    assert "a.example (declared before): + developer; says otherwise: sources, accounts.corp-ldap, name" in ran.out
    line = company.file("people/all.yaml").splitlines()[1]
    assert line.endswith("}  # the first") and "roles: [operator, {role: developer, source: corp}]" in line
    assert "name: Ada Example" in line and "login: ada" in line and "sources: [corp]" in line
    assert not company.has("people/ada.yaml")
    assert company.run("pull", "corp").out.startswith("The access files follow corp already")


def test_another_login_name_and_place_is_the_same_person(settled: Company) -> None:
    settled.people.unit("berlin")
    settled.people.rename("ada", "ada-b", unit="ou=berlin,")
    settled.people.change("ada-b", cn="Ada Byron", mail="ada.byron@example.com")
    ran = settled.run("expire")
    assert "cut off" not in ran.err
    assert (ran.status, "error[login-differs]" in ran.err) == (3, True)  # until the files say the new login
    ran = settled.run("pull", "corp")
    assert ran.status == 0
    text = settled.file("people/ada.yaml")
    assert "name: Ada Byron" in text and "email: ada.byron@example.com" in text and "login: ada-b" in text
    settled.files.commit()
    assert settled.run("plan", "--detailed-exitcode").status == 0
    assert settled.run("pull", "corp").out.startswith("The access files follow corp already")


def test_a_group_that_is_renamed_is_followed_by_its_id(settled: Company) -> None:
    settled.people.rename_group("engineering", "engineers")
    ran = settled.run("pull", "corp")
    assert ran.status == 0
    assert "The group engineering is called engineers by now." in ran.out
    assert "      engineers: {roles: [developer]" in settled.file("corp.yaml")
    assert "# everybody who writes code" in settled.file("corp.yaml")
    assert settled.files.git("status", "--porcelain").split() == ["M", "access/corp.yaml"]
    settled.files.commit()
    assert settled.run("pull", "corp").out.startswith("The access files follow corp already")


def test_a_group_that_is_gone_or_made_anew_takes_nothing_from_anybody(settled: Company) -> None:
    settled.people.connection.delete(settled.people.group("engineering"))
    ran = settled.run("pull", "corp")
    assert ran.status == 3
    assert "error[source-group-missing]: corp has no group `engineering` of that id, by whatever name" in ran.err
    assert settled.files.git("status", "--porcelain") == ""
    settled.people.put("ada", "engineering")  # of that name, and another group
    settled.people.hire("eve", "engineering")
    ran = settled.run("pull", "corp")
    assert ran.status == 3
    assert "the one of that name is another: nobody gains or loses what it gives" in ran.err
    assert settled.files.git("status", "--porcelain") == ""


def test_a_group_that_was_emptied_takes_a_role_from_few_at_once(settled: Company) -> None:
    for name in ("mia", "tom", "zoe"):
        settled.people.hire(name, "engineering")
    settled.pull_and_merge()
    for name in ("ada", "mia", "tom", "zoe"):
        settled.people.put(name, "lunch")
        settled.people.take(name, "engineering")
    ran = settled.run("pull", "corp")
    assert ran.status == 3
    assert "4 of 5 (80 %) would lose developer, which corp gave them: nobody does: ada, mia, tom, zoe" in ran.err
    assert "acknowledgements: [{people: [ada, mia, tom, zoe], removals: true" in ran.err
    assert settled.files.git("status", "--porcelain") == ""
    settled.files.write(
        "access/rails.yaml",
        "guardrails: {acknowledgements: [{people: [ada, mia, tom, zoe], removals: true, reason: moved, "
        "until: 2999-01-01}]}\n",
    )
    assert settled.run("pull", "corp").status == 0
    assert "roles" not in settled.file("people/mia.yaml")


def test_nothing_is_written_of_whoever_cannot_be_told_for_sure(company: Company) -> None:
    company.files.write("access/people/tom.yaml", "people: {tom: {email: tom@example.org, roles: [operator]}}\n")
    company.people.hire("tom", "engineering")  # with another e-mail
    company.people.hire("svc-backup", "engineering")
    company.people.hire("ada2", "engineering", mail="ada@example.com")
    company.people.hire("evil", "engineering", cn="Eve\u202eliv")
    ran = company.run("pull", "corp", "--format", "json")
    told = json.loads(ran.out)
    assert ran.status == 0
    assert {d["login"]: d["why"].split(":")[0] for d in told["doubts"]} == {
        "ada": "its e-mail ada@example.com is that of another entry, too",
        "ada2": "its e-mail ada@example.com is that of another entry, too",
        "evil": "its name cannot stand in an access file",
        "svc-backup": "it looks like a machine's",
        "tom": "its login is tom's, its e-mail tom@example.com is not",
    }
    assert [p["id"] for p in told["joins"]] == ["evil", "grace"]
    assert "name" not in company.file("people/evil.yaml").replace("evil", "")
    assert company.run("validate").status == 0


def test_logins_and_ids_elsewhere_come_from_attributes(company: Company) -> None:
    company.files.write(
        "access/corp.yaml",
        SOURCE.replace(
            "    groups:",
            "    attributes: {name: displayName, accounts: {elsewhere: {login: labeledURI, id: employeeNumber}}}\n"
            "    groups:",
        ),
    )
    company.files.write("access/more.yaml", "targets: {elsewhere: {provider: aws-iam, account: '111111111111'}}\n")
    company.people.change("ada", labeledURI="ada-at-forge", employeeNumber="583231", displayName="Ada B.")
    company.pull_and_merge()
    text = company.file("people/ada.yaml")
    assert 'elsewhere: {login: ada-at-forge, id: "583231"}' in text
    assert "name: Ada B." in text and "email" not in text
    company.people.change("ada", employeeNumber="1", labeledURI="ada-renamed")
    ran = company.run("pull", "corp")
    assert "ada: the files have the id 583231 for ada on elsewhere, corp says 1" in ran.out
    assert company.files.git("status", "--porcelain") == ""
    company.people.change("ada", employeeNumber="583231")
    company.run("pull", "corp")
    assert 'elsewhere: {login: ada-renamed, id: "583231"}' in company.file("people/ada.yaml")


def test_who_left_and_is_there_again_gets_the_id_back_and_nobody_else_does(settled: Company) -> None:
    settled.files.git("rm", "--quiet", "access/people/ada.yaml")
    settled.files.commit()
    ran = settled.run("pull", "corp", "--diff")
    assert "ada (new): + developer" in ran.out
    settled.people.dismiss("ada")
    settled.people.hire("ada", "engineering", mail="ada2@example.com")  # another person
    ran = settled.run("pull", "corp", "--diff")
    assert "ada: `ada` was the id of somebody who is gone, and an id is never given again" in ran.out


def test_the_change_can_go_on_a_branch_and_the_working_folder_stays(company: Company) -> None:
    company.files.write("README.md", "half an edit\n")
    ran = company.run("pull", "corp", "--branch", "follow")
    assert ran.status == 0 and "git push origin follow" in ran.out
    assert company.files.git("status", "--porcelain") == "?? README.md"
    assert company.files.git("diff", "--name-status", "main", "follow").split() == [
        "M", "access/corp.yaml", "A", "access/people/ada.yaml", "A", "access/people/grace.yaml",
    ]  # fmt: skip
    assert company.files.git("log", "-1", "--format=%s", "follow") == "access: follow corp"
    company.files.write("access/common.yaml", company.file("common.yaml") + "# not committed\n")
    ran = company.run("pull", "corp", "--branch", "again")
    assert ran.status == 64 and "changes that are not committed" in ran.err


def test_what_validate_would_refuse_is_not_written(company: Company) -> None:
    company.files.write(
        "access/common.yaml",
        company.file("common.yaml").replace("  operator: {", "  operator: {environments: [production], ")
        + "environments: {production: {protected: true, needs_reason: true, max_duration: 8h}}\n",
    )
    company.files.write(
        "access/corp.yaml",
        SOURCE.replace("[operator, developer]", "[{role: operator, environments: [production]}]"),
    )
    ran = company.run("pull", "corp")
    assert ran.status == 1
    assert "error[pull-not-valid]" in ran.err and "missing-reason" in ran.err and "missing-end" in ran.err
    assert not company.has("people/grace.yaml")
    company.files.write(
        "access/common.yaml",
        company.file("common.yaml").replace("protected: true", "protected: true, standing: [operator]"),
    )
    company.files.write(
        "access/corp.yaml",
        SOURCE.replace("[operator, developer]", "[{role: operator, environments: [production], reason: rota}]"),
    )
    assert company.run("pull", "corp").status == 0
    said = "{role: operator, environments: [production], reason: rota, source: corp}"
    assert said in company.file("people/grace.yaml")


def test_a_source_that_is_not_there_or_not_reached_is_told(company: Company) -> None:
    ran = company.run("pull", "crop")
    assert (ran.status, "did you mean `corp`?" in ran.err) == (64, True)
    company.files.server.stop()
    ran = company.run("pull", "corp")
    assert (ran.status, "[source-incomplete]: corp could not be read completely" in ran.err) == (5, True)


def test_what_a_group_means_is_for_the_owners_of_the_source_to_approve(settled: Company) -> None:
    text = settled.file("corp.yaml")
    settled.files.write("access/corp.yaml", text + "    owners: [grace]\n")
    settled.files.commit()
    settled.files.write(
        "access/corp.yaml", text.replace("[developer]", "[developer, operator]") + "    owners: [grace]\n"
    )
    ran = settled.run("approvals", "--base", "HEAD", "--format", "json")
    (change,) = json.loads(ran.out)["changes"]
    assert change["what"] == "source corp: groups changed"
    assert [(n["of"], n["approvers"]) for n in change["needs"]] == [("source corp", ["grace"])]
