"""Who leaves a directory is cut off by the next `expire`, and then proposed; never more than it allows, never by a read
that is not whole; and back only by a person."""

from __future__ import annotations

import pytest

from provisioner.sandbox.ldap.search import SizeLimit
from tests.cli.test_locking import OTHER, other
from tests.sources.conftest import SOURCE, Company

TWENTY = [f"p{n:02}" for n in range(20)]


@pytest.fixture
def settled(company: Company) -> Company:
    company.pull_and_merge()
    assert company.run("apply").status == 0
    return company


@pytest.fixture
def twenty(company: Company) -> Company:
    """Twenty people of the source, with what its group gives."""
    for name in ("ada", "grace"):
        company.people.dismiss(name)
    for name in TWENTY:
        company.people.hire(name, "engineering")
    company.pull_and_merge()
    assert company.run("apply").status == 0
    assert company.members("git-users") == set(TWENTY)
    return company


def test_who_is_gone_is_cut_off_before_the_files_change_and_then_proposed(settled: Company) -> None:
    native = settled.people.id_of("grace")
    settled.people.dismiss("grace")
    settled.people.put("ada", "on-call")
    # The directory took their entry, and refint no membership of ours: cut off they are all the same.
    ran = settled.run("expire")
    assert ran.status == 0, ran.err
    assert f"grace is gone from corp (id {native}): cut off now" in ran.err
    assert settled.members("git-users") == {"ada"}
    assert settled.has("people/grace.yaml")
    told = settled.run("status").err
    assert "warning[cut-by-source]: grace is declared, and was cut off by `expire` at " in told
    assert "provision offboard grace --undo" in told
    ran = settled.run("pull", "corp")
    assert ran.status == 0
    assert f"grace: grace is gone from corp (id {native})" in ran.out
    assert not settled.has("people/grace.yaml")
    settled.files.commit()
    ran = settled.run("apply")
    assert (ran.status, "cut-by-source" in ran.err) == (0, False)
    assert settled.run("plan", "--detailed-exitcode").status == 0


def test_who_is_locked_is_cut_off_and_the_record_says_why(settled: Company) -> None:
    settled.people.lock("grace")
    ran = settled.run("expire")
    assert ran.status == 0, ran.err
    assert "grace is disabled in corp (id " in ran.err
    assert (settled.members("git-users"), settled.members("consoles")) == ({"ada"}, set())
    shown = settled.run("journal", "show", "--format", "json").out
    assert '"cause":"source"' in shown.replace(" ", "")
    assert "grace was cut off by `expire` at" in settled.run("receipt", "grace").out
    for command in ("apply", "expire", "apply"):
        ran = settled.run(command)
        assert ran.status == 0
        assert "warning[cut-by-source]" in ran.err
        assert (settled.members("git-users"), settled.members("consoles")) == ({"ada"}, set())


def test_nobody_is_let_in_again_but_by_a_person(settled: Company) -> None:
    settled.people.lock("grace")
    settled.run("expire")
    settled.people.unlock("grace")
    for command in ("expire", "apply"):
        ran = settled.run(command)
        assert ran.status == 0
        assert settled.members("git-users") == {"ada"}
    assert "warning[back-at-source]: grace is in corp again, and stays cut off" in settled.run("expire").err
    assert "warning[back-at-source]" in settled.run("pull", "corp").err
    assert settled.run("offboard", "grace", "--undo").status == 0
    assert settled.run("apply").status == 0
    assert settled.members("git-users") == {"ada", "grace"}
    assert "grace" in settled.members("engineering")  # what the directory says of itself was never touched
    assert "back-at-source" not in settled.run("expire").err


def test_lifting_the_cut_lasts_only_while_the_directory_agrees(settled: Company) -> None:
    settled.people.lock("grace")
    settled.run("expire")
    assert "the next `provision expire` cuts them off again" in settled.run("offboard", "grace", "--undo").err
    settled.run("apply")
    assert "grace" in settled.members("git-users")
    settled.run("expire")
    assert "grace" not in settled.members("git-users")
    text = settled.file("people/grace.yaml")
    settled.files.write(
        "access/people/grace.yaml", text.replace("    sources: [corp]\n", "").replace(", source: corp", "")
    )
    settled.files.commit()
    settled.run("offboard", "grace", "--undo")
    settled.run("apply")
    ran = settled.run("expire")
    assert (ran.status, "grace" in settled.members("git-users")) == (0, True)  # theirs by hand from now on


def test_six_of_twenty_gone_at_once_means_that_nobody_leaves(twenty: Company) -> None:
    for name in TWENTY[:6]:
        twenty.people.lock(name)
    ran = twenty.run("expire")
    assert ran.status == 3
    assert "error[too-many-leavers]: 6 of 20 (30 %) people of corp are gone or disabled there: nobody leaves" in ran.err
    assert "p00, p01, p02, p03, p04, p05" in ran.err
    assert twenty.members("git-users") == set(TWENTY)
    assert not (twenty.files.root / ".provision/holds").exists()
    ran = twenty.run("pull", "corp")
    assert (ran.status, "error[too-many-leavers]" in ran.err) == (3, True)
    assert twenty.files.git("status", "--porcelain") == ""
    way = ran.err[ran.err.index("acknowledgements: [{people") :].splitlines()[0]
    twenty.files.write("access/rails.yaml", "guardrails:\n  " + way + "\n")
    twenty.files.commit()
    ran = twenty.run("expire")
    assert ran.status == 0, ran.err
    assert twenty.members("git-users") == set(TWENTY[6:])


def test_what_goes_little_by_little_is_counted_together_until_it_is_merged(twenty: Company) -> None:
    for name in TWENTY[:4]:
        twenty.people.lock(name)
    assert twenty.run("expire").status == 0
    assert twenty.members("git-users") == set(TWENTY[4:])
    twenty.people.lock("p04")
    ran = twenty.run("expire")
    assert (ran.status, "5 of 20 (25 %) people of corp" in ran.err) == (3, True)
    assert twenty.members("git-users") == set(TWENTY[4:])  # those before stay out, and the fifth in
    ran = twenty.run("pull", "corp")
    assert ran.status == 3
    assert "4 people leave:" in ran.out and "p04" not in ran.out
    twenty.files.commit()
    assert twenty.run("apply").status == 0
    assert twenty.run("expire").status == 0
    assert twenty.members("git-users") == set(TWENTY[5:])


def test_a_read_that_broke_off_means_that_nobody_leaves(twenty: Company) -> None:
    twenty.people.lock("p00")
    server = twenty.files.server
    server.limit(server.service_dn, SizeLimit(5))
    ran = twenty.run("expire")
    assert (ran.status, "warning[source-incomplete]: corp could not be read completely" in ran.err) == (5, True)
    ran = twenty.run("pull", "corp")
    assert (ran.status, "[source-incomplete]" in ran.err) == (5, True)
    assert twenty.files.git("status", "--porcelain") == ""
    server.limit(server.service_dn, None)
    assert twenty.members("git-users") == set(TWENTY)
    assert twenty.run("expire").status == 0
    assert twenty.members("git-users") == set(TWENTY[1:])


def test_another_directory_behind_the_same_settings_means_that_nobody_leaves(settled: Company) -> None:
    text = settled.file("corp.yaml")
    system = text.partition("system: ")[2].split()[0].strip('"')
    settled.files.write("access/corp.yaml", text.replace(system, "0" + system[1:-1] + "z"))
    settled.files.commit()
    settled.people.lock("grace")
    for command in (("expire",), ("pull", "corp")):
        ran = settled.run(*command)
        assert (ran.status, "error[source-other-system]" in ran.err) == (3, True)
    assert "grace" in settled.members("git-users")
    settled.files.write("access/corp.yaml", text.replace(text[text.index("    system:") :], ""))
    settled.files.commit()
    ran = settled.run("expire")
    assert (ran.status, "warning[source-unpinned]" in ran.err) == (0, True)
    assert "grace" in settled.members("git-users")
    settled.pull_and_merge()
    assert settled.run("expire").status == 0
    assert "grace" not in settled.members("git-users")


def test_people_who_never_were_in_it_break_glass_and_services_do_not_leave_it(settled: Company) -> None:
    settled.files.write(
        "access/more.yaml",
        "people: {tom: {roles: [developer]}}\n"
        "services: {bot: {owners: [tom], roles: [developer]}}\n"
        "guardrails: {break_glass: [grace]}\n",
    )
    settled.files.commit()
    settled.people.hire("tom")
    settled.people.hire("bot")
    assert settled.run("apply").status == 0
    settled.people.lock("tom")
    settled.people.lock("bot")
    settled.people.lock("grace")
    ran = settled.run("expire")
    assert (ran.status, "warning[break-glass]: grace is disabled in corp" in ran.err) == (0, True)
    assert settled.members("git-users") == {"ada", "bot", "grace", "tom"}
    assert settled.run("pull", "corp").status == 0
    assert settled.files.git("status", "--porcelain") == ""


def test_whoever_the_files_have_suspended_or_not_begun_is_no_leaver(settled: Company) -> None:
    for name, key in (
        ("ada", "suspended: {since: 2026-01-01T00:00:00Z, reason: leave}"),
        ("grace", "from: 2999-01-01T00:00:00Z"),
    ):
        text = settled.file(f"people/{name}.yaml")
        settled.files.write(f"access/people/{name}.yaml", text.replace("    roles:", f"    {key}\n    roles:"))
        settled.people.lock(name)
    settled.files.commit()
    ran = settled.run("expire")
    assert (ran.status, "cut off" in ran.err) == (0, False)
    ran = settled.run("pull", "corp")
    assert (ran.status, settled.files.git("status", "--porcelain")) == (0, "")


def test_a_filter_says_who_is_meant_and_who_is_switched_off(company: Company) -> None:
    company.files.write(
        "access/corp.yaml",
        SOURCE.replace(
            "    groups:", '    filter: "(employeeType=staff)"\n    disabled: "(title=former)"\n    groups:'
        ),
    )
    for name in ("ada", "grace"):
        company.people.change(name, employeeType="staff")
    company.people.hire("guest", "engineering")
    ran = company.pull_and_merge()
    assert "2 people join:" in ran.out
    assert "note[source-strangers]: 1 members of engineering are nobody of corp" in ran.err
    company.run("apply")
    company.people.change("grace", title="former")
    assert company.run("expire").status == 0
    assert company.members("git-users") == {"ada"}


def test_a_lock_that_is_ours_is_no_sign_and_who_is_gone_is(settled: Company) -> None:
    """Where the accounts of the directory are made by these files, they are locked and unlocked by them too."""
    text = settled.file("common.yaml")
    settled.files.write("access/common.yaml", text.replace("    accounts: existing   ", "    accounts: create   "))
    settled.files.commit()
    assert settled.run("apply").status == 0  # takes the accounts over, by their ids
    settled.run("offboard", "grace", "--now")
    settled.files.git("checkout", "--quiet", "--", "access")
    settled.run("offboard", "grace", "--undo")
    ran = settled.run("expire")
    assert (ran.status, "cut off" in ran.err) == (0, False)
    settled.run("apply")
    assert "grace" in settled.members("git-users")


def test_a_run_that_died_after_it_held_them_is_finished_by_the_next(settled: Company) -> None:
    settled.people.lock("grace")
    with other(settled.files):
        ran = settled.run("expire")
        assert (ran.status, OTHER.id in ran.err) == (6, True)
        assert "grace may not be cut off yet, and nothing is given to them" in ran.err
        assert "grace" in settled.members("git-users")
    settled.people.unlock("grace")  # too late: the word was given, and only a person takes it back
    assert settled.run("apply").status == 0
    assert settled.members("git-users") == {"ada"}


def test_expire_of_one_target_asks_the_source_all_the_same(settled: Company) -> None:
    settled.people.lock("grace")
    assert settled.run("expire", "--target", "corp-ldap").status == 0
    assert settled.members("git-users") == {"ada"}
