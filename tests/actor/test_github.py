"""`provision gate` in a job of GitHub Actions: whose run goes on, and what becomes of one that may not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

from provisioner.sandbox.github import pushes, runs
from provisioner.sandbox.service import Exchange
from tests.actor.conftest import Actions


def test_whoever_holds_a_role_there_may_and_their_run_goes_on(settled: Actions) -> None:
    run = settled.start("ada")
    ran = settled.job.gate()
    assert (ran.status, ran.out) == (0, "ada\n"), ran.err
    (decided,) = settled.job.decided(str(run.id))
    assert decided.allowed and decided.people == ("ada",) and decided.environment == "production"
    assert settled.job.gate("--role", "deployer").status == 0  # the lead has it by `includes`
    assert run.conclusion is None


def test_whoever_does_not_may_not_and_the_run_is_cancelled_not_failed(settled: Actions) -> None:
    run = settled.start("bob")
    said = settled.job.refused("not-held")
    assert "bob may not do this: no role is held in production now" in said
    assert "::error title=not-allowed::bob may not do this" in said
    runs.finish(run, "failure")  # what the runner would report of the step's exit status
    assert run.conclusion == "cancelled"
    (decided,) = settled.job.decided(str(run.id))
    assert not decided.allowed and decided.aborted and (decided.people, decided.code) == (("bob",), "not-held")
    assert settled.job.gate(environment="staging").status == 7  # this run is over, for staging as well
    settled.start("bob")
    assert settled.job.gate(environment="staging").status == 0


def test_a_run_started_again_takes_the_rights_of_both(settled: Actions) -> None:
    run = settled.start("ada")
    settled.again(run, "bob")
    assert "bob may not do this" in settled.job.refused("not-held")
    assert run.conclusion == "cancelled"
    run = settled.start("bob")
    settled.again(run, "ada")
    assert "bob may not do this" in settled.job.refused("not-held")
    run = settled.start("ada")
    settled.again(run, "grace")
    assert settled.job.gate().out == "ada\ngrace\n"


def test_code_of_a_fork_and_events_of_strangers_go_nowhere(settled: Actions) -> None:
    world = settled.server.world
    theirs = world.create_repo(world.create_org("mallory-inc", settled.people["mallory"]), "site")
    settled.start("ada", event="pull_request", head_repo=theirs)
    assert "its code comes from mallory-inc/site" in settled.job.refused("fork", environment="staging")
    for event in ("pull_request_target", "workflow_run", "issue_comment", "merge_group", "page_build"):
        settled.start("ada", event=event)
        settled.job.refused("event")
    settled.start("ada", event="pull_request")
    assert "production is protected, and this run is of a change that is not merged" in settled.job.refused(
        "not-merged"
    )
    settled.start("bob", event="pull_request")
    assert settled.job.gate(environment="staging").status == 0


def test_a_run_of_another_is_not_taken_for_ours(settled: Actions) -> None:
    theirs = settled.start("ada")
    runs.finish(theirs, "success")
    assert "it has ended" in settled.job.refused("run-over")
    settled.start("ada")
    settled.job.refused("another-run", GITHUB_SHA="f" * 40)
    settled.start("ada")
    settled.job.refused("another-run", GITHUB_RUN_ATTEMPT="2")


def test_an_option_that_says_nothing_lets_nobody_in(settled: Actions) -> None:
    """A variable that is not set must not turn a question off."""
    run = settled.start("ada")
    for nothing in ("--approver-not", "--role", "--live"):
        for said in ("", " "):
            ran = settled.job.gate(nothing, said)
            assert (ran.status, ran.out) == (64, ""), (nothing, ran)
    assert settled.job.gate("--approver-not", ",").status == 64
    assert settled.job.gate(environment="").status == 64
    assert settled.job.gate().status == 0 and run.conclusion is None, "nor is the run stopped by it"


def test_a_name_with_a_slip_is_told_with_the_one_that_is_meant(settled: Actions) -> None:
    settled.start("ada")
    assert "did you mean `production`?" in settled.job.refused("no-such-environment", environment="prodction")


def test_somebody_who_had_no_hand_in_it_must_have_approved(settled: Actions) -> None:
    world, people = settled.server.world, settled.people
    hands = ("--approver-not", "author,merger,triggerer")
    pushes.push(world, settled.site, "change", people["bob"])
    change = pushes.open_pull(world, settled.site, "change", people["bob"])
    pushes.merge(world, change, people["ada"], "squash", [runs.SHA])
    settled.start("ada")
    assert "nobody has approved this run for production" in settled.job.refused("nobody-approved", *hands)
    for who in ("ada", "bob", "mallory"):
        run = settled.start("ada")
        runs.approve(run, people[who], "prod")
        assert f"approved by {who}" in settled.job.refused("approver-not-another", *hands)
    run = settled.start("ada")
    runs.approve(run, people["grace"], "somewhere-else")
    settled.job.refused("nobody-approved", *hands)
    run = settled.start("ada")
    runs.approve(run, people["grace"], "prod")
    assert settled.job.gate(*hands).status == 0
    settled.again(run, "ada")
    assert "for which attempt" in settled.job.refused("approved-before", *hands)
    run = settled.start("ada", sha="a" * 40)  # pushed without a pull request: who merged it, nobody can say
    runs.approve(run, people["grace"], "prod")
    settled.job.refused("hand-not-told", *hands)


def test_a_job_that_may_neither_stop_the_run_nor_write_the_journal_says_so(settled: Actions) -> None:
    run = settled.start("bob")
    place = settled.job.journal / "decisions"
    place.rename(settled.job.journal / "kept")
    place.write_text("in the way")
    try:
        said = settled.job.refused("not-held", GITHUB_TOKEN=settled.token(actions="read"))
    finally:
        place.unlink()
        (settled.job.journal / "kept").rename(place)
    assert "the decision is not on record: this job may not write to the journal" in said
    assert "the run could not be stopped, so it will be seen as failed" in said
    assert run.conclusion is None


def test_decisions_are_told_and_what_somebody_else_wrote_there_harms_nobody(settled: Actions) -> None:
    run = settled.start("bob")
    settled.job.refused("not-held")
    place = settled.job.journal / "decisions" / "2020-01-01"
    place.mkdir()
    (place / "20200101T000000Z-00000000.json").write_text('{"format": "provision.decision/1", "at": "\\u001b[2J"}')
    asked = ("journal", "decisions", "--journal", str(settled.job.journal), "--person", "bob")
    ran = settled.job.files.run(*asked)
    assert "refused  bob: production; bob may not do this" in ran.out
    assert f"acme/site run {run.id}, attempt 1 on GitHub Actions, stopped" in ran.out
    assert "20200101T000000Z-00000000.json cannot be read" in ran.err
    told = json.loads(settled.job.files.run(*asked, "--format", "json", "--since", "2021-01-01").out)
    (mine,) = [one for one in told["decisions"] if f"run {run.id}," in one["run"]]
    assert (mine["code"], mine["people"], mine["aborted"]) == ("not-held", ["bob"], True)


def test_the_runner_ends_it_while_it_waits(settled: Actions) -> None:
    run = settled.start("bob")
    job = settled.job
    environ = {**os.environ, **job.environ, "PROVISION_JOURNAL": str(job.journal)}
    code = "from provisioner.cli.main import run; run()"
    arguments = [sys.executable, "-c", code, "gate", "--environment", "production", "--wait", "600"]
    with subprocess.Popen(arguments, cwd=job.folder, env=environ, stderr=subprocess.PIPE, text=True) as process:

        def stop(exchange: Exchange) -> None:
            if exchange.call.endswith("/cancel"):
                process.send_signal(signal.SIGINT)  # as GitHub's runner does

        settled.server.watchers.append(stop)
        try:
            said = process.communicate(timeout=300)[1]
        finally:
            settled.server.watchers.remove(stop)
            process.kill()
    assert process.returncode == 130 and "bob may not do this" in said
    assert run.conclusion == "cancelled"
    (told,) = job.decided(str(run.id))
    assert (told.code, told.aborted) == ("not-held", True)


def test_a_schedule_is_nobodys_and_runs_as_the_service_that_the_files_name(hub: Actions) -> None:
    hub.job.apply()
    hub.start("bob", event="schedule")
    assert hub.job.gate().out == "nightly\n"
    hub.start("ada", event="schedule")
    assert "the role lead is not held in production" in hub.job.refused("not-held", "--role", "lead")
    common = hub.job.files.root / "access/common.yaml"
    common.write_text(common.read_text().replace(", schedules: nightly", ""))
    hub.job.apply()
    run = hub.start("ada", event="schedule")
    assert "started by a schedule" in hub.job.refused("schedule")
    assert run.conclusion == "cancelled"


def test_a_bot_is_somebody_only_where_a_service_stands_for_it(hub: Actions) -> None:
    bot = hub.people["bot"] = hub.server.world.create_user("dependabot[bot]", kind="Bot")
    hub.job.apply()
    hub.start("bot")
    assert "is a bot that no service of the files stands for" in hub.job.refused("bot")
    accounts = f"{{github: {{login: 'dependabot[bot]', id: {bot.id}}}}}"
    roles, owners = "[{role: deployer, environments: [production]}]", "    owners: [grace]\n"
    hub.job.declare("robot", roles, accounts=accounts, more=owners, kind="services")
    hub.job.apply()
    hub.start("bot", event="workflow_dispatch")
    assert hub.job.gate().out == "robot\n"


def test_whoever_was_cut_off_a_minute_ago_is_out_though_the_files_still_have_them(hub: Actions) -> None:
    hub.job.apply()
    hub.start("ada")
    assert hub.job.gate().status == 0
    hub.job.cut_off("ada")
    run = hub.start("ada")
    assert "ada may not do this: cut off by `offboard --now`" in hub.job.refused("offboarded-now")
    assert run.conclusion == "cancelled"
    hub.job.apply()  # from main, which still declares them
    hub.start("ada")
    hub.job.refused("offboarded-now")
    assert hub.job.files.run("offboard", "ada", "--undo").status == 0
    hub.start("ada")
    assert hub.job.gate().status == 0


def test_a_hold_that_the_files_have_ended_ends_for_the_gate_too(hub: Actions) -> None:
    hub.job.apply()
    hub.job.files.run("offboard", "ada", "--now")
    hub.job.apply()
    hub.start("ada")
    hub.job.refused("unknown-account")
    hub.job.files.git("revert", "--no-edit", "HEAD")
    hub.start("ada")
    hub.job.refused("unknown-account")
    hub.job.apply()
    hub.start("ada")
    assert hub.job.gate().status == 0


def test_what_a_checkout_says_counts_for_nothing_until_it_is_applied(hub: Actions) -> None:
    hub.job.apply()
    access = hub.job.folder / "access/people"
    access.mkdir(parents=True)
    (access / "bob.yaml").write_text("people: {bob: {roles: [{role: lead, environments: [production]}]}}\n")
    hub.start("bob")
    hub.job.refused("not-held")
    hub.job.declare(
        "bob", "[{role: lead, environments: [production]}]", accounts=f"{{github: {{id: {hub.people['bob'].id}}}}}"
    )
    hub.job.apply("--person", "grace")  # not for all: nobody new comes in by it
    hub.start("bob")
    hub.job.refused("not-held")
    hub.job.apply()
    hub.start("bob")
    assert hub.job.gate().status == 0


def test_expire_takes_a_leaver_out_before_the_apply(hub: Actions) -> None:
    hub.job.apply()
    hub.job.files.leave("ada")
    hub.job.declare(
        "bob", "[{role: lead, environments: [production]}]", accounts=f"{{github: {{id: {hub.people['bob'].id}}}}}"
    )
    hub.job.files.commit()
    assert hub.job.files.run("expire").status == 0
    hub.start("ada")
    hub.job.refused("unknown-account")
    hub.start("bob")
    hub.job.refused("not-held")


def test_a_login_that_somebody_else_has_now_is_not_the_person(hub: Actions) -> None:
    hub.job.apply()
    hub.server.world.rename_user(hub.people["ada"], "ada-b")
    hub.people["taker"] = hub.server.world.create_user("ada")
    hub.start("taker")
    assert "has the login of ada, whose account is another" in hub.job.refused("another-account")
    hub.start("ada")
    assert hub.job.gate().out == "ada\n"
    hub.job.declare("grace", "[{role: lead, environments: [production]}]")
    hub.job.apply()
    hub.start("grace")
    number = hub.people["grace"].id
    assert f"accounts: {{github: {{login: grace, id: {number}}}}}" in hub.job.refused("account-not-pinned")


def test_nobody_is_let_in_where_something_does_not_answer(hub: Actions) -> None:
    ran = hub.job.gate(GITHUB_RUN_ID="1", GITHUB_SHA="a" * 40)
    assert ran.status == 1 and "error[nothing-published]" in ran.err
    hub.job.apply()
    run = hub.start("ada")
    hub.server.fail("GET /repos/{owner}/{repo}/actions/runs", 500, times=None)
    ran = hub.job.gate()
    assert ran.status == 5 and "error[ci-unreadable]" in ran.err
    hub.server.heal()
    assert hub.job.gate(GITHUB_TOKEN="nonsense").status == 5
    assert hub.job.gate(GITHUB_RUN_ID="77").status == 5
    assert hub.job.gate(GITHUB_REPOSITORY="other/site").status == 7
    assert hub.job.gate(environment="prduction").status == 7
    assert run.conclusion == "cancelled"  # the environment that nobody declares was a refusal
    hub.start("ada")
    newest = sorted((hub.job.journal / "published").iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:40])
    ran = hub.job.gate()
    assert ran.status == 1 and "error[journal-broken]" in ran.err


def test_they_must_be_in_the_group_live_where_that_is_asked(hub: Actions) -> None:
    hub.job.apply()
    hub.start("ada")
    assert hub.job.gate("--live", "corp-ldap:leads").status == 0
    assert "not in the group developers of corp-ldap" in hub.job.refused("not-live", "--live", "corp-ldap:developers")
    hub.start("ada")
    hub.job.files.server.stop()
    ran = hub.job.gate("--live", "corp-ldap:leads")
    assert ran.status == 5 and "error[live-unreadable]" in ran.err
