"""`provision gate` on GitLab, Jenkins, Bamboo and CD/RO, each a small server that tells what its documents say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.actor.conftest import DEPLOYER, LEAD, PLACES, Job
from tests.rigs.ci_servers import Bamboo, Build, CloudBees, GitLab, Jenkins, Launch, PlanResult
from tests.rigs.ci_servers import Job as GitLabJob

ADA, BOB, GRACE, MIA = 11, 12, 13, 14
PIPELINES = """\
pipelines:
  site:
    schedules: nightly
    gitlab: {url: "%s/acme/site"}
    jenkins: {url: "%s/ci/job/acme/job/site", people: corp-ldap}
    bamboo: {url: "%s/bamboo/browse/ACME-SITE"}
    cloudbees: {url: "%s", project: Acme}
"""


@dataclass
class Servers:
    """The four; `ada`, `grace` and `mia` may deploy to production, `bob` may not."""

    job: Job
    gitlab: GitLab
    jenkins: Jenkins
    bamboo: Bamboo
    cloudbees: CloudBees

    def on_gitlab(self, started: GitLabJob) -> Job:
        return self._in(
            GITLAB_CI="true",
            CI_PROJECT_URL=f"{self.gitlab.url}/acme/site",
            CI_JOB_TOKEN=started.token,
            GITLAB_TOKEN="glpat-full",
            GITLAB_USER_LOGIN="ada",
        )

    def on_jenkins(self, build: Build) -> Job:
        url = self.jenkins.url_of(build)
        return self._in(
            JENKINS_URL=url, BUILD_URL=url, JENKINS_USER="gate", JENKINS_API_TOKEN="full", BUILD_USER_ID="ada"
        )

    def on_bamboo(self, build: PlanResult) -> Job:
        plan, _, number = build.key.rpartition("-")
        return self._in(
            bamboo_buildResultKey=build.key,
            bamboo_planKey=plan,
            bamboo_buildNumber=number,
            bamboo_resultsUrl=f"{self.bamboo.url}/bamboo/browse/{build.key}",
            BAMBOO_TOKEN="full",
            bamboo_ManualBuildTriggerReason_userName="ada",
        )

    def on_cloudbees(self, launch: Launch) -> Job:
        name = "COMMANDER_FLOWRUNTIMEID" if launch.flow else "COMMANDER_JOBID"
        return self._in(COMMANDER_SERVER="127.0.0.1", COMMANDER_SESSIONID="full", **{name: launch.id})

    def _in(self, **variables: str) -> Job:
        self.job.environ.clear()
        self.job.environ |= variables
        return self.job


@pytest.fixture(scope="module")
def servers(applied: Job) -> Iterator[Servers]:
    with GitLab() as gitlab, Jenkins() as jenkins, Bamboo() as bamboo, CloudBees() as cloudbees:
        gitlab.tokens |= {"glpat-full": "api", "glpat-read": "read_api"}
        jenkins.tokens |= {"gate:full": True, "gate:read": False}
        bamboo.tokens |= {"full": True, "read": False}
        cloudbees.sessions |= {"full": True, "read": False}
        said = PIPELINES % (gitlab.url, jenkins.url, bamboo.url, cloudbees.url)
        applied.files.write("access/common.yaml", (PLACES % applied.journal) + said)
        for name, roles, number in (
            ("ada", LEAD, ADA),
            ("bob", "[developer]", BOB),
            ("grace", LEAD, GRACE),
            ("mia", LEAD, MIA),
        ):
            applied.declare(name, roles, accounts=f"{{gitlab: {{login: {name}, id: {number}}}}}")
        applied.declare("nightly", DEPLOYER, more="    owners: [grace]\n", kind="services")
        applied.apply()
        yield Servers(applied, gitlab, jenkins, bamboo, cloudbees)


def test_gitlab_the_jobs_user_and_the_pipelines(servers: Servers) -> None:
    hub = servers.gitlab
    ada, bob, grace = hub.user(ADA, "ada"), hub.user(BOB, "bob"), hub.user(GRACE, "grace")
    assert servers.on_gitlab(hub.begin(ada)).gate().out == "ada\n"
    started = hub.begin(bob)
    assert "bob may not do this" in servers.on_gitlab(started).refused("not-held")
    assert started.status == "canceled"
    assert "bob may not" in servers.on_gitlab(hub.begin(ada, retried_by=bob)).refused("not-held")
    assert "bob may not" in servers.on_gitlab(hub.begin(bob, retried_by=ada)).refused("not-held")
    assert servers.on_gitlab(hub.begin(ada, retried_by=grace)).gate().out == "ada\ngrace\n"
    assert servers.on_gitlab(hub.begin(bob, source="schedule")).gate().out == "nightly\n"
    assert "bob may not" in servers.on_gitlab(hub.begin(ada, source="schedule", retried_by=bob)).refused("not-held")
    servers.on_gitlab(hub.begin(ada, source="parent_pipeline")).refused("event")
    bot = hub.user(99, "project_42_bot_1", bot=True)
    servers.on_gitlab(hub.begin(bot)).refused("bot")
    servers.on_gitlab(hub.begin(hub.user(77, "ada"))).refused("another-account")
    servers.on_gitlab(hub.begin(ada)).refused("approvals-not-told", "--approver-not", "triggerer")


def test_gitlab_a_forks_merge_request_is_foreign_code_whoever_runs_it(servers: Servers) -> None:
    hub = servers.gitlab
    ada = hub.user(ADA, "ada")
    hub.requests["7"] = {"iid": 7, "source_project_id": 666, "target_project_id": 42}
    hub.requests["8"] = {"iid": 8, "source_project_id": 42, "target_project_id": 42}
    theirs = hub.begin(ada, source="merge_request_event", ref="refs/merge-requests/7/head")
    servers.on_gitlab(theirs).refused("fork", environment="staging")
    ours = hub.begin(ada, source="merge_request_event", ref="refs/merge-requests/8/merge")
    servers.on_gitlab(ours).refused("not-merged")


def test_gitlab_without_an_answer_or_the_right_to_stop(servers: Servers) -> None:
    hub = servers.gitlab
    started = hub.begin(hub.user(BOB, "bob"))
    assert servers.on_gitlab(started).gate(CI_JOB_TOKEN="glcbt-wrong").status == 5
    assert servers.on_gitlab(started).gate(CI_PROJECT_URL="https://gitlab.example.com/acme/site").status == 7
    assert "could not be stopped" in servers.on_gitlab(started).refused("not-held", GITLAB_TOKEN="glpat-read")
    assert started.status == "running"


def test_jenkins_every_cause_must_be_acceptable(servers: Servers) -> None:
    hub = servers.jenkins
    assert servers.on_jenkins(hub.begin(hub.by("ada"))).gate().out == "ada\n"
    build = hub.begin(hub.by("bob"))
    assert "bob may not do this" in servers.on_jenkins(build).refused("not-held")
    assert build.result == "ABORTED"
    assert servers.on_jenkins(hub.begin(hub.timer())).gate().out == "nightly\n"
    assert "bob may not" in servers.on_jenkins(hub.begin(hub.timer(), hub.by("bob"))).refused("not-held")
    assert servers.on_jenkins(hub.begin(hub.by("ada"), hub.by("grace"))).gate().out == "ada\ngrace\n"
    servers.on_jenkins(hub.begin(hub.by(None))).refused("unknown-account")
    for cause in ("hudson.triggers.SCMTrigger$SCMTriggerCause", "hudson.model.Cause$RemoteCause", "a.b.New"):
        servers.on_jenkins(hub.begin(hub.by("ada"), hub.other(cause))).refused("event")
    replay = hub.other("org.jenkinsci.plugins.workflow.cps.replay.ReplayCause")
    assert "edited its pipeline" in servers.on_jenkins(hub.begin(hub.by("ada"), replay)).refused("replayed")


def test_jenkins_a_build_after_another_is_of_whoever_began_that(servers: Servers) -> None:
    hub = servers.jenkins
    by_ada, by_bob = (hub.begin(hub.by(who), job="job/acme/job/lib") for who in ("ada", "bob"))
    assert servers.on_jenkins(hub.begin(hub.after(by_ada))).gate().out == "ada\n"
    assert "bob may not" in servers.on_jenkins(hub.begin(hub.after(by_bob))).refused("not-held")
    circle = hub.begin()
    circle.causes.append(hub.after(circle))
    assert servers.on_jenkins(circle).gate().status == 5
    gone = hub.begin(hub.after(by_ada))
    hub.builds.remove(by_ada)
    assert servers.on_jenkins(gone).gate().status == 5


def test_jenkins_the_job_of_a_pull_request_may_have_anybodys_code(servers: Servers) -> None:
    hub = servers.jenkins
    for name in ("PR-12", "PR-12-merge", "MR-3-head"):
        build = hub.begin(hub.by("ada"), job=f"job/acme/job/site/job/{name}")
        assert "of a pull request" in servers.on_jenkins(build).refused("fork")
        assert build.result == "ABORTED"
    assert servers.on_jenkins(hub.begin(hub.by("ada"), job="job/acme/job/site/job/main")).gate().out == "ada\n"


def test_jenkins_a_build_that_is_over_or_elsewhere_is_not_ours(servers: Servers) -> None:
    hub = servers.jenkins
    build = hub.begin(hub.by("ada"))
    for wrong in (
        f"{hub.url}/ci/job/other/3/",
        f"{hub.url}/ci/job/acme/job/site/../../other/3/",
        "https://elsewhere/1/",
    ):
        assert servers.on_jenkins(build).gate(BUILD_URL=wrong).status == 7
    build.result = "SUCCESS"
    servers.on_jenkins(build).refused("run-over")
    build = hub.begin(hub.by("bob"))
    assert "could not be stopped" in servers.on_jenkins(build).refused("not-held", JENKINS_API_TOKEN="read")


def test_bamboo_a_person_is_named_by_the_link_alone(servers: Servers) -> None:
    hub = servers.bamboo
    assert servers.on_bamboo(hub.begin(hub.by("ada"))).gate().out == "ada\n"
    build = hub.begin(hub.by("bob", "ada"))
    assert "bob may not do this" in servers.on_bamboo(build).refused("not-held")
    assert build.state == "NotBuilt"
    assert servers.on_bamboo(hub.begin("Scheduled build")).gate().out == "nightly\n"
    link = hub.by("ada").removeprefix("Manual run ")
    for reason in (f"Changes {link}", f"{hub.by('bob')} and {link}", "Manual run by ada", f"Rerun {link}", ""):
        servers.on_bamboo(hub.begin(reason)).refused("event")
    done = hub.begin(hub.by("ada"))
    done.state = "Finished"
    servers.on_bamboo(done).refused("run-over")
    assert servers.on_bamboo(hub.begin(hub.by("ada"), "ACME-SITE0")).gate().status == 7
    assert "could not be stopped" in servers.on_bamboo(hub.begin(hub.by("bob"))).refused(
        "not-held", BAMBOO_TOKEN="read"
    )


def test_cloudbees_jobs_and_pipelines(servers: Servers) -> None:
    hub = servers.cloudbees
    for flow in (False, True):
        assert servers.on_cloudbees(hub.begin("ada", flow=flow)).gate().out == "ada\n"
        launch = hub.begin("bob", flow=flow)
        assert "bob may not do this" in servers.on_cloudbees(launch).refused("not-held")
        assert launch.outcome == "aborted"
        servers.on_cloudbees(hub.begin("ada", flow=flow, project="Other")).refused("another-run")
        servers.on_cloudbees(hub.begin("project: Acme", flow=flow)).refused("event")
        scheduled = hub.begin("project: Acme", flow=flow, schedule="each night")
        assert servers.on_cloudbees(scheduled).gate().out == "nightly\n"
    launch = hub.begin("bob")
    assert "could not be stopped" in servers.on_cloudbees(launch).refused("not-held", COMMANDER_SESSIONID="read")
    assert servers.on_cloudbees(launch).gate(COMMANDER_JOBID="../users/1").status == 7
    assert servers.on_cloudbees(launch).gate(COMMANDER_SERVER="evil.example.com").status == 7
    assert servers.on_cloudbees(launch).gate(COMMANDER_SESSIONID="none").status == 5


def test_whoever_was_cut_off_a_minute_ago_is_out_on_each_of_them(servers: Servers) -> None:
    gitlab, jenkins, bamboo, cloudbees = servers.gitlab, servers.jenkins, servers.bamboo, servers.cloudbees
    mia = gitlab.user(MIA, "mia")

    def jobs() -> Iterator[tuple[Callable[[], Job], Callable[[], str]]]:
        """A job of theirs on each CI, and what has become of the run."""
        started, build = gitlab.begin(mia), jenkins.begin(jenkins.by("mia"))
        result, launch = bamboo.begin(bamboo.by("mia")), cloudbees.begin("mia")
        yield lambda: servers.on_gitlab(started), lambda: started.status
        yield lambda: servers.on_jenkins(build), lambda: str(build.result)
        yield lambda: servers.on_bamboo(result), lambda: result.state
        yield lambda: servers.on_cloudbees(launch), lambda: str(launch.outcome)

    for job, _ in jobs():
        assert job().gate().out == "mia\n"
    servers.job.cut_off("mia")
    ended = []
    for job, became in jobs():
        assert "mia may not do this: cut off by `offboard --now`" in job().refused("offboarded-now")
        ended.append(became())
    assert ended == ["canceled", "ABORTED", "NotBuilt", "aborted"]
