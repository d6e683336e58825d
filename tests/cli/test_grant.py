"""`provision grant`: one line more in a file, checked before it is written; a grant that begins with the apply."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from time import sleep

import pytest

from provisioner.model.instant import parse_instant
from tests.cli.conftest import Repository

FILES = """\
records: {owner: 5f1c0a2b}
environments:
  production: {protected: true, max_duration: 7d, needs_reason: true}
roles:
  developer: {owners: [grace], grants: {corp-ldap: {groups: [developers]}}}
  ops: {owners: [grace], environments: [production], grants: {corp-ldap: {groups: [ops]}}}
targets:
  corp-ldap:
    provider: ldap
    url: {env: LDAP_URL}
    bind_dn: {env: LDAP_BIND_DN}
    password: {env: LDAP_PASSWORD}
    base: {people: "ou=people,dc=example,dc=test", groups: "ou=groups,dc=example,dc=test"}
"""
ASKED = ("--environment", "production", "--reason", "CHG-1")


@pytest.fixture
def company(repository: Repository) -> Repository:
    repository.write("access/common.yaml", FILES)
    repository.commit()
    return repository


def file_of(repository: Repository, who: str = "ada") -> str:
    return (repository.root / f"access/people/{who}.yaml").read_text()


def test_it_adds_one_line_and_shows_what_would_be_given_and_who_ends_it(company: Repository) -> None:
    before = file_of(company)
    ran = company.run("grant", "ada", "ops", "--for", "4h", *ASKED)
    assert ran.status == 0, ran.err
    after = file_of(company)
    assert after.startswith(before.rstrip("]\n"))
    line = after.removeprefix(before.rstrip("]\n"))
    end = parse_instant(line.partition('until: "')[2].partition('"')[0])
    assert timedelta(hours=3, minutes=50) < end - datetime.now(UTC) <= timedelta(hours=4)
    assert f"until {end:%Y-%m-%d %H:%M} UTC, by expire" in ran.out
    assert "no system has changed" in ran.err and company.people() == set()


def test_what_the_files_would_be_wrong_with_is_not_written(company: Repository) -> None:
    before = file_of(company)
    for arguments, told in (
        (("ada", "ops", "--for", "9d", *ASKED), "error[too-long]"),
        (("ada", "opps", "--for", "4h", *ASKED), "error[unknown-role]"),
        (("ada", "developer", "--for", "4h", *ASKED), "error[environment-not-of-role]"),
        (("ada", "ops", "--for", "9d", "--from", "merge", *ASKED), "error[too-long]"),
    ):
        ran = company.run("grant", *arguments)
        assert ran.status == 1 and told in ran.err, ran.err
    ran = company.run("grant", "adda", "ops", "--for", "4h", *ASKED)
    assert ran.status == 64 and "did you mean `ada`?" in ran.err
    assert company.run("grant", "ada", "ops", "--for", "4 hours", *ASKED).status == 64
    assert company.run("grant", "ada", "ops", "--for", "4h", "--from", "today", *ASKED).status == 64
    assert file_of(company) == before


def test_what_cannot_be_meant_is_wrong_usage(company: Repository) -> None:
    before = file_of(company)
    asked = ("grant", "ada", "ops", "--for", "4h", "--environment", "production")
    for more, told in (
        (("--reason", " "), "--reason is empty"),
        (("--reason", "x", "--environment", ""), "--environment is empty"),
        (("--reason", "x", "--from", "2031-01-31"), "write for example 2031-01-31T00:00:00Z"),
        (("--reason", "x", "--for", "0h"), "`0h` is no time at all"),
    ):
        ran = company.run(*asked, *more)
        assert ran.status == 64 and told in ran.err, ran.err
    assert file_of(company) == before
    assert company.run(*asked, "--reason", "x", "--from", "2031-01-31T00:00:00Z").status == 0, "as it was told"


def test_who_stands_in_a_file_that_cannot_be_read_is_not_called_unknown_alone(company: Repository) -> None:
    company.write("access/people/ada.yaml", "people: {ada: {name: Ada\n")
    ran = company.run("grant", "ada", "ops", "--for", "4h", *ASKED)
    assert ran.status == 64 and "error[yaml-syntax]" in ran.err and "mend the files first" in ran.err


def test_a_long_line_is_shown_to_its_end(company: Repository) -> None:
    for _ in range(4):
        ran = company.run("grant", "ada", "ops", "--for", "4h", *ASKED)
    added = next(line for line in ran.out.splitlines() if line.startswith("+    roles"))
    assert len(added) > 300 and added.endswith("reason: CHG-1}]")


def test_what_would_be_over_already_is_not_written(company: Repository) -> None:
    company.person("ada", roles="[developer]\n    until: 2099-01-01T00:00:00Z")
    company.person("bob", roles="[developer]\n    until: 2020-01-01T00:00:00Z")
    before = file_of(company), file_of(company, "bob")
    for who, more, told in (
        ("ada", ("--from", "2020-01-01T00:00:00Z"), "`ada` would never hold it: it ends 2020-01-01T04:00:00Z"),
        ("ada", ("--from", "2099-02-01T00:00:00Z"), "`ada` would never hold it: their own time ends 2099-01-01T"),
        ("bob", (), "`bob` would never hold it: their own time ends 2020-01-01T00:00:00Z"),
        ("bob", ("--from", "merge"), "`bob` would never hold it: their own time ends 2020-01-01T00:00:00Z"),
    ):
        ran = company.run("grant", who, "ops", "--for", "4h", *more, *ASKED)
        assert ran.status == 1 and "error[already-over]" in ran.err and told in ran.err, ran.err
    assert (file_of(company), file_of(company, "bob")) == before


def test_what_they_have_for_good_is_told(company: Repository) -> None:
    company.person("bob", roles="[{role: ops, environments: [production], reason: on call}]")
    company.write("access/common.yaml", FILES.replace("needs_reason: true", "needs_reason: true, standing: [ops]"))
    company.commit()
    told = "bob holds ops in production already, without an end: the line gives nothing more"
    assert told in company.run("grant", "bob", "ops", "--for", "4h", "--branch", "more", *ASKED).err
    assert told in company.run("grant", "bob", "ops", "--for", "4h", *ASKED).err
    assert "already" not in company.run("grant", "ada", "ops", "--for", "4h", *ASKED).err


def test_on_a_branch_the_working_folder_stays_as_it_is(company: Repository) -> None:
    before = file_of(company)
    ran = company.run("grant", "ada", "ops", "--for", "4h", "--branch", "for-ada", *ASKED)
    assert ran.status == 0 and "Branch for-ada gives ada the role ops" in ran.out
    assert file_of(company) == before
    assert "role: ops" in company.git("show", "for-ada:access/people/ada.yaml")


def begun(repository: Repository) -> list[str]:
    newest = sorted((repository.root / ".provision/published").iterdir())[-1]
    return list(json.loads(newest.read_bytes())["begun"].values())


def taken_at(repository: Repository, when: datetime) -> bool:
    """Whether a plan as of then takes ada out of the group."""
    ran = repository.run("plan", "--as-of", f"{when:%Y-%m-%dT%H:%M:%SZ}")
    assert ran.status == 0, ran.err
    return "remove ada from group ops" in ran.out


def test_from_merge_it_begins_with_the_first_apply_and_no_later_one_moves_the_end(company: Repository) -> None:
    ran = company.run("grant", "ada", "ops", "--for", "4h", "--from", "merge", *ASKED)
    assert ran.status == 0 and 'from: merge, for: "4h"' in file_of(company)
    company.commit()
    assert company.run("expire").status == 0
    assert not begun(company)  # a review takes its time, which is not taken from the grant
    sleep(1.1)
    before = datetime.now(UTC).replace(microsecond=0)
    assert company.run("apply").status == 0
    assert company.members("ops") == {"ada"}
    (start,) = begun(company)
    assert parse_instant(start) >= before
    company.person("zoe")
    company.commit()
    assert company.run("apply").status == 0 and company.run("expire").status == 0
    assert begun(company) == [start]
    end = parse_instant(start) + timedelta(hours=4)
    assert taken_at(company, end) and not taken_at(company, end - timedelta(seconds=1))
    assert f"until {end:%Y-%m-%d %H:%M} UTC" in company.run("explain", "ada").out


def test_a_second_longer_grant_of_the_same_is_not_cut(company: Repository) -> None:
    short = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    long = short + timedelta(hours=2)
    ends = ", ".join(
        f"{{role: ops, environments: [production], until: {end:%Y-%m-%dT%H:%M:%SZ}, reason: x}}"
        for end in (short, long)
    )
    company.person("ada", roles=f"[developer, {ends}]")
    company.commit()
    assert company.run("apply").status == 0
    assert not taken_at(company, short + timedelta(seconds=1)) and taken_at(company, long)
    ran = company.run("plan")
    assert f"ada as ops in production: until {long:%Y-%m-%d %H:%M} UTC" in ran.err + ran.out
    assert f"until {short:%Y-%m-%d %H:%M}" not in ran.err + ran.out


def test_from_merge_and_for_belong_together(company: Repository) -> None:
    for line in (
        "from: merge",
        "for: 4h",
        "from: merge, for: 4h, until: 2030-01-01T00:00:00Z",
        "from: 2030-01-01T00:00:00Z, for: 4h",
    ):
        company.person("ada", roles=f"[{{role: ops, environments: [production], reason: x, {line}}}]")
        ran = company.run("validate")
        assert ran.status == 1 and "error[bad-start]" in ran.out + ran.err, (line, ran)
