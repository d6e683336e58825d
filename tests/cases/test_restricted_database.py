"""One pipeline, one script, one restricted database: what it reads is what whoever set it going may read.

anna may read X, Y and Z, ben Z and W, the pipeline X, Y and Z. The server itself is asked, and the embedded
GitHub says who began the run.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from provisioner.cli.main import main
from provisioner.records.journal import open_journal
from provisioner.records.runs import Began, Over, runs
from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.github import runs as actions
from provisioner.sandbox.github.things import Repo, Run, User
from tests.cases.company import Company, Said
from tests.rigs.commands import COMMAND
from tests.rigs.postgres import Postgres
from tests.rigs.specs import Checked

ACCESS = """\
records: {{owner: 5f1c0a9b7e3d4c21, journal: {journal}}}
environments: {{production: {{protected: true}}}}
targets:
  warehouse:
    provider: postgresql
    dsn: "host=127.0.0.1 port={port} user=engine"
    password: {{env: MINT_PASSWORD}}
    databases: [app]
  hub: {{provider: github, mode: report, organization: acme, api_url: "{api}", token: {{env: FORGE_TOKEN}}}}
roles:
  shop:
    environments: [production]
    grants: {{warehouse: {{datasets: {{shop.x: [select], shop.y: [select], shop.z: [select]}}}}}}
  stock:
    environments: [production]
    grants: {{warehouse: {{datasets: {{shop.z: [select], shop.w: [select]}}}}}}
  audit:
    environments: [production]
    grants: {{warehouse: {{datasets: {{shop.w: [select]}}}}}}
  nightly:
    environments: [production]
    grants: {{warehouse: {{datasets: {{shop.y: [select]}}}}}}
pipelines:
  report: {{repository: report, scope: [shop], schedules: nightly-bot, max_duration: 20m}}
  other: {{repository: other}}
  long: {{repository: long, scope: [shop], max_duration: 9d}}
  audits: {{repository: report, workflow: audit.yml, scope: [audit]}}
  short: {{repository: short, scope: [shop], max_duration: 5m}}
services:
  nightly-bot: {{owners: [anna], roles: [{{role: nightly, environments: [production]}}]}}
"""
PERSON = """\
people:
  {name}:
    name: {name} Example
    email: {name}@example.com
    accounts: {{hub: {{login: {name}, id: {id}}}}}
    roles: [{{role: {role}, environments: [production]}}]
"""
READ = """\
import os, psycopg
answers = open(os.environ["ANSWERS"], "w")
for table in "xyzw":
    with psycopg.connect("") as session:
        try:
            print(table, session.execute(f"select count(*) from shop.{table}").fetchone()[0], file=answers)
        except psycopg.errors.InsufficientPrivilege as error:
            print(table, error.diag.message_primary, file=answers)
"""
LOOK = """\
import os, pathlib
needles = [n.encode() for n in pathlib.Path(os.environ["NEEDLES"]).read_text().split()]
doors = (b"ACTIONS_ID_TOKEN_REQUEST", b"AWS_", b"PGPASSFILE", b"VAULT_TOKEN", b"PROVISION_")
seen, found, pid, own = [], [], os.getpid(), True
while pid > 1:
    here = pathlib.Path(f"/proc/{pid}")
    texts = {f"{pid} {what}": (here / what).read_bytes() for what in ("environ", "cmdline")}
    if own or "--sealed" in texts[f"{pid} cmdline"].decode():
        open_now = [fd for fd in (here / "fd").iterdir() if int(fd.name) > 2 and fd.exists()]
        texts |= {f"{pid} fd {fd}": os.readlink(fd).encode() for fd in open_now}
        found += [f"{w}: {d.decode()}" for w, t in texts.items() if w.endswith("environ") for d in doors if d in t]
    found += [where for where, text in texts.items() if any(n in text for n in needles)]
    seen.append(pid)
    pid, own = int((here / "stat").read_text().rpartition(")")[2].split()[1]), False
for root in (os.environ["HOME"], "."):
    for path in pathlib.Path(root).rglob("*"):
        if path.is_file() and any(n in path.read_bytes() for n in needles):
            found.append(str(path))
with open(os.environ["ANSWERS"], "a") as answers:
    print(f"found {found} in {len(seen) > 2}", file=answers)
"""
SCRIPT = (sys.executable, "-c", READ)
_SLEEP = "import psycopg; psycopg.connect('').execute('select pg_sleep(600)')"
SLEEP = (sys.executable, "-c", _SLEEP)
STAYS = (sys.executable, "-c", f"import os; os.setsid(); {_SLEEP}")
"""What has left the command's process group."""
MARKED = "select rolname, shobj_description(oid, 'pg_authid') from pg_roles where rolname like 'run%'"
WAITS = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ilike 'alter role%'"
LEFT = (
    "select (select count(*) from pg_roles where rolname like 'run%')"
    " + (select count(*) from pg_stat_activity where usename like 'run%')"
)


class Warehouse(Company):
    """The repository of the access files, the database, the pipeline's repository on GitHub."""

    def __init__(self, folder: Path, server: Postgres, github: GitHubServer) -> None:
        self.folder, self.server, self.github = folder, server, github
        world = github.world
        self.people = {name: world.create_user(name) for name in ("boss", "anna", "ben", "cleo")}
        org = world.create_org("acme", self.people["boss"])
        self.report = world.create_repo(org, "report")
        self.journal = folder.parent / "journal"
        self.job = folder.parent / "job"
        self.job.mkdir()
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.job),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "MINT_PASSWORD": "engine-secret",
            "ANSWERS": str(folder.parent / "answers"),
            "FORGE_TOKEN": github.fine_grained_token(self.people["boss"]),
        }
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        text = ACCESS.format(journal=self.journal, port=server.port, api=github.url)
        self.write("access/access.yaml", text)
        for name, role in (("anna", "shop"), ("ben", "stock"), ("cleo", "audit")):
            self.write(f"access/{name}.yaml", PERSON.format(name=name, role=role, id=self.people[name].id))
        self.commit("access")
        done = self.here("apply")
        assert done.code == 0, done.out + done.err
        given = {"metadata": "read", "contents": "read", "actions": "write"}
        github.create_app(org, "runner", given)
        installation = list(github.keys.installations.values())[-1]
        self.environ["GITHUB_TOKEN"] = github.keys.of_installation(installation, given, {self.report.id}).secret

    def begins(self, who: str, **more: object) -> tuple[Run, dict[str, str]]:
        """A run of the pipeline, and the variables of its job."""
        user: User = self.people[who]
        repo: Repo = self.report
        run = actions.start(self.github.world, repo, user, **more)  # type: ignore[arg-type]
        return run, {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "acme/report",
            "GITHUB_RUN_ID": str(run.id),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_SHA": run.head,
            "GITHUB_ACTOR": "anna",  # whatever the job says, it is not believed
            "PROVISION_JOURNAL": str(self.journal),
        }

    def triggered_by(self, who: str, *command: str, options: tuple[str, ...] = (), **more: object) -> Said:
        """The pipeline's own step, as somebody set it going."""
        _, variables = self.begins(who, **more)
        words = ("run", "--environment", "production", "--wait", "0", *options, "--", *(command or SCRIPT))
        return self.here(*words, folder=self.job, more=variables)

    def here(self, *words: str, folder: Path | None = None, more: Mapping[str, str] | None = None) -> Said:
        """The command line in this process; the script's answers count as its output."""
        answers = Path(self.environ["ANSWERS"])
        answers.unlink(missing_ok=True)
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patched:
            patched.chdir(folder or self.folder)
            for name in os.environ:
                patched.delenv(name)
            for name, value in {**self.environ, **(more or {})}.items():
                patched.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = main(words)
        told = answers.read_text() if answers.exists() else ""
        return Said(status, out.getvalue() + told, err.getvalue())

    def said_for(self, who: str, *words: str, **more: str) -> Said:
        """On a laptop."""
        said = ("--environment", "production", "--person", who, "--pipeline", "report")
        return self.here("run", *said, *words, more=more)

    def left(self) -> int:
        """Logins and sessions of runs, by the server's own word."""
        return int(self.server.run(LEFT)[0][0])

    def time_passes(self) -> None:
        """What runs were given is over, for the server and for us."""
        for role, comment in self.server.run(MARKED):
            past = "2026-11-01T00:00:00Z"
            over = re.sub(r"ends \S+", f"ends {past}", comment)
            self.server.run(f"alter role {role} valid until '{past}'", f"comment on role {role} is '{over}'")

    def of(self, who: str, run: str = "") -> tuple[Began, Over]:
        """The newest run for somebody, or the one of that id, as the journal has it."""
        found = [r for r in runs(open_journal(str(self.journal), self.folder).store) if not isinstance(r, str)]
        began = max(
            (r for r in found if isinstance(r, Began) and r.people == (who,) and run in ("", r.run)),
            key=lambda r: (r.at, not r.proven),
        )
        return began, next(r for r in found if isinstance(r, Over) and r.run == began.run)


@pytest.fixture(scope="module")
def shop(
    postgres_session: Postgres,
    github_session: tuple[GitHubServer, Checked],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Warehouse]:
    server, (github, checked) = postgres_session, github_session
    server.reset()
    github.clear()
    server.run("create role engine login superuser password 'engine-secret'", "create schema shop")
    server.run(*(f"create table shop.{table} (id int)" for table in "xyzw"))
    yield Warehouse(tmp_path_factory.mktemp("shop") / "repository", server, github)
    assert not checked.problems, "\n".join(checked.problems)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_same_script_reads_what_whoever_started_it_may_read(shop: Warehouse) -> None:
    denied = "permission denied for table"
    anna = shop.triggered_by("anna")
    assert anna.out.splitlines() == ["x 0", "y 0", "z 0", f"w {denied} w"], anna.err
    ben = shop.triggered_by("ben")
    assert ben.out.splitlines() == [f"x {denied} x", f"y {denied} y", "z 0", f"w {denied} w"], ben.err
    assert (anna.code, ben.code, shop.left()) == (0, 0, 0)
    assert "warehouse: for ben: select on shop.z; until " in ben.err
    scheduled = shop.triggered_by("anna", event="schedule")
    assert scheduled.out.splitlines()[:2] == [f"x {denied} x", "y 0"], scheduled.err
    began, over = shop.of("nightly-bot")
    assert (began.proven, began.pipeline, began.ci) == (True, "report", "GitHub Actions")
    assert began.given == {"warehouse": ("select on shop.y",)} and over.how == "it ended with status 0"
    assert over.ended == (f"warehouse: run_{began.run}",) and not over.left


def test_whoever_shares_nothing_with_it_is_refused_and_their_run_is_stopped(shop: Warehouse) -> None:
    run, variables = shop.begins("cleo")
    words = ("run", "--environment", "production", "--wait", "0", "--", *SCRIPT)
    said = shop.here(*words, folder=shop.job, more=variables)
    assert (said.code, said.out, run.conclusion) == (7, "", "cancelled"), said.err
    assert "cleo and the pipeline report have nothing in common on production" in said.err
    stranger = shop.triggered_by("boss")
    assert stranger.code == 7 and "is nobody whom the applied files declare" in stranger.err
    assert shop.left() == 0


def test_a_workflow_with_an_entry_of_its_own_has_that_ones_scope(shop: Warehouse) -> None:
    path, denied = ".github/workflows/audit.yml", "permission denied for table"
    told = shop.triggered_by("cleo", path=path)
    assert told.out.splitlines() == [*(f"{t} {denied} {t}" for t in "xyz"), "w 0"], told.err
    assert shop.of("cleo")[0].pipeline == "audits"
    assert shop.triggered_by("anna", path=path).code == 7, "the scope of the other workflow is not this one's"
    assert shop.left() == 0


def test_a_run_started_again_by_another_has_what_both_of_them_have(shop: Warehouse) -> None:
    run, variables = shop.begins("anna")
    actions.finish(run, "failure")
    actions.again(run, shop.people["ben"])
    words = ("run", "--environment", "production", "--wait", "0", "--", *SCRIPT)
    said = shop.here(*words, folder=shop.job, more={**variables, "GITHUB_RUN_ATTEMPT": "2"})
    assert [line[0] for line in said.out.splitlines() if line.endswith(" 0")] == ["z"], said.err
    assert "for anna and ben: select on shop.z" in said.err


def test_on_a_laptop_it_is_said_who_it_is_for_and_the_record_says_so(shop: Warehouse) -> None:
    said = shop.said_for("ben", "--", *SCRIPT)
    assert said.code == 0 and "z 0" in said.out and "x 0" not in said.out
    began, over = shop.of("ben")
    assert (began.proven, began.ci, over.left) == (False, "by hand", ())
    place = shop.journal / "runs" / f"{began.at:%Y-%m-%d}" / "20261128T000000Z-ffffff-begin.json"
    place.write_text('{"format": "provision.run/1", "what": "begin"}')
    told = shop.here("journal", "runs", "--person", "ben")
    assert f"{began.run}  begun  ben: production, report; warehouse: select on shop.z; until " in told.out
    assert "as whoever ran it said" in told.out and "nightly-bot" not in told.out and "is left out" in told.err
    place.unlink()
    _, variables = shop.begins("ben")
    assert shop.said_for("anna", "--", *SCRIPT, **variables).code == 64, "in a job nobody says who they are"
    assert shop.said_for("anna", "--for", "2h", "--", *SCRIPT).code == 64
    none = shop.said_for("anna", "--target", "wharehouse", "--", *SCRIPT)
    assert none.code == 64 and "no target named" in none.err
    assert shop.said_for("anna", "--pipeline", "other", "--", *SCRIPT).code == 7
    assert shop.said_for("anna", "--role", "stock", "--", *SCRIPT).code == 7


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--environment", ""), 64, "--environment is empty"),
        (("--role", " "), 64, "--role is empty"),
        (("--target", "wherehouse"), 64, "did you mean `warehouse`?"),
        (("--environment", "prod"), 7, "did you mean `production`?"),
        (("--role", "analist"), 7, "no role analist is declared"),
        (("--for", "25h"), 64, "ask for --for 20m or less"),
        (("--pipeline", "long", "--for", "25h"), 64, "ask for --for 1d or less"),
        (("--for", "0m"), 64, "`0m` is no time at all"),
        (("--sealed", "box", "--key", "key"), 64, "cannot be said with --sealed"),
    ],
)
def test_a_slip_is_told_with_what_to_write(shop: Warehouse, options: Sequence[str], code: int, told: str) -> None:
    said = shop.said_for("anna", *options, "--", "true")
    assert said.code == code and told in said.err and shop.left() == 0, said.err


def test_each_thing_that_is_missing_is_named(shop: Warehouse) -> None:
    said = shop.here("run", "--environment", "production", "--person", "anna", "--", "true")
    assert said.code == 64 and "--pipeline ID is missing" in said.err
    said = shop.here("run", "--environment", "production")
    assert said.code == 64 and "what to run is missing" in said.err


def test_its_time_is_its_end_and_the_command_decides_the_status(shop: Warehouse) -> None:
    over = shop.said_for("anna", "--for", "1s", "--", "sleep", "600")
    assert (over.code, shop.left()) == (124, 0), over.err
    assert shop.said_for("anna", "--", "sh", "-c", "exit 3").code == 3
    short = ("run", "--environment", "production", "--person", "anna", "--pipeline", "short")
    assert shop.here(*short, "--", "true").code == 0, "without --for it lasts as long as it may"
    assert shop.here(*short, "--for", "6m", "--", "true").code == 64
    assert shop.said_for("anna", "--", "there-is-no-such-command").code == 127
    assert shop.left() == 0


def test_what_makes_credentials_is_out_of_reach_where_another_job_does(shop: Warehouse) -> None:
    """The set-up of docs/run.md: one job mints, one works, one ends."""
    work, environ = shop.job, {**shop.environ, "NEEDLES": str(shop.folder.parent / "needles")}
    public = shop.here("run", "--new-key", str(work / "key")).out.strip()
    private, (_, variables) = (work / "key").read_text(), shop.begins("ben")
    seal = ("run", "--environment", "production", "--sealed-for", public, "--out", str(work / "box"))
    minted = shop.here(*seal, folder=shop.folder, more=variables)
    assert minted.code == 0 and shop.left() == 1, minted.err
    secrets = [environ.pop(name) for name in ("MINT_PASSWORD", "FORGE_TOKEN", "GITHUB_TOKEN")]
    Path(environ["NEEDLES"]).write_text("\n".join([*secrets, private]))
    shop.here("run", "--new-key", str(work / "another"))
    opened = ("run", "--sealed", "box", "--key")
    wrong = shop.here(*opened, "another", "--", "true", folder=work)
    assert wrong.code == 64 and "it was not sealed for this key" in wrong.err
    (work / "another").unlink()
    nowhere = shop.here("run", "--sealed", "b" * 300, "--key", "key", "--", "true", folder=work)
    assert nowhere.code == 64 and "cannot be read: File name too long" in nowhere.err, nowhere.err
    answers = Path(environ["ANSWERS"])
    answers.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *opened, "key", "--", sys.executable, "-c", READ + "answers.close()\n" + LOOK],
        cwd=work, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert answers.read_text().splitlines()[2:] == ["z 0", "w permission denied for table w", "found [] in True"]
    ended = shop.here("run", "--end", minted.out.strip(), folder=work, more=variables)
    assert (ended.code, ended.out, shop.left()) == (0, "1 ended.\n", 0), ended.err
    assert shop.of("ben", minted.out.strip())[1].how == "ended by `run --end`"


def test_only_what_a_run_was_given_is_ended_by_its_id_and_what_was_not_is_told(shop: Warehouse) -> None:
    public = shop.here("run", "--new-key", str(shop.job / "third")).out.strip()
    run = shop.said_for("ben", "--sealed-for", public, "--out", str(shop.job / "third-box")).out.strip()
    before = sorted(shop.journal.rglob("*"))
    for place in (shop.job / "third-box", shop.job / "nowhere" / "box"):
        said = shop.said_for("ben", "--sealed-for", public, "--out", str(place))
        assert said.code == 64 and str(place) in said.err, "told before anything is made or on record"
    for wrong in ("nosuchrun", "", "../../../../evil/x"):
        said = shop.here("run", "--end", wrong)
        assert (said.code, said.out) == (64, ""), said.err
        assert "no run of that id is on record" in said.err
    assert sorted(shop.journal.rglob("*")) == before, "nothing is on record of what never was"
    closed = shop.here("run", "--end", run, more={"MINT_PASSWORD": ""})
    assert (closed.code, closed.out, shop.left()) == (8, "", 1)
    assert "left: warehouse: " in closed.err and "could be made" not in closed.err
    over = shop.of("ben", run)[1]
    assert over.left and not over.ended
    ended = shop.here("run", "--end", run)
    assert (ended.code, ended.out, shop.left()) == (0, "1 ended.\n", 0), ended.err
    again = shop.here("run", "--end", run)
    assert (again.code, again.out) == (0, "Nothing of it is left.\n"), again.err
    there = next((shop.journal / "runs").rglob(f"*-{run}-begin.json"))
    other = there.with_name(there.name.replace(run, "abc123"))
    other.write_text(there.read_text().replace(run, "abc123").replace('"warehouse"', '"gone"'))
    gone = shop.here("run", "--end", "abc123", more={"MINT_PASSWORD": ""})
    assert (gone.code, gone.out) == (8, "") and "left: gone: the files that count have no such target" in gone.err
    assert "warehouse" not in gone.err, "it was given nothing there"


def test_expire_ends_what_no_later_run_does(shop: Warehouse) -> None:
    public = shop.here("run", "--new-key", str(shop.job / "unused")).out.strip()
    minted = shop.said_for("ben", "--sealed-for", public, "--out", str(shop.job / "nobody's"))
    assert minted.code == 0, minted.err
    assert shop.here("expire").code == 0 and shop.left() == 1, "its time is not over"
    shop.time_passes()
    done = shop.here("expire")
    assert done.code == 0 and "of an earlier run is ended" in done.err and shop.left() == 0
    assert shop.of("ben", minted.out.strip())[1].how == "ended by `expire`"


def test_no_signal_and_no_full_disk_leaves_a_login_behind(shop: Warehouse) -> None:
    begun = ("run", "--environment", "production", "--person", "anna", "--pipeline", "report", "--")
    ran = shop.job / "ran"
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(
            [sys.executable, "-c", COMMAND, *begun, "touch", str(ran)], cwd=shop.folder, env=shop.environ,
            stdout=subprocess.DEVNULL, stderr=full, check=False,
        )  # fmt: skip
    assert told.returncode != 0 and shop.left() == 0 and not ran.exists(), shop.of("anna")
    assert shop.of("anna")[1].how == "broken off"
    ours = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *begun, *SLEEP], cwd=shop.folder, env=shop.environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(lambda: shop.left() == 2)
    ((role, _),) = shop.server.run(MARKED)
    with contextlib.closing(shop.server.connect()) as other:
        other.autocommit = False
        other.execute(f"alter role {role} connection limit 9")
        ours.send_signal(signal.SIGTERM)
        until(lambda: shop.server.run(WAITS)[0][0] == 1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            ours.send_signal(number)
        time.sleep(0.2)  # a wait for nothing: what should not happen has its chance
        assert ours.poll() is None
        other.rollback()
    _, err = ours.communicate(timeout=60)
    assert (ours.returncode, shop.left()) == (128 + signal.SIGTERM, 0), err
    assert shop.of("anna")[1].how == "ended by SIGTERM"


def test_what_a_killed_run_leaves_is_ended_by_the_next(shop: Warehouse) -> None:
    begun = ("run", "--environment", "production", "--person", "anna", "--pipeline", "report", "--")
    asked = ("sh", "-c", '"$@" & wait', "sh", *STAYS)
    killed = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *begun, *asked], cwd=shop.folder, env=shop.environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    until(lambda: shop.left() == 2)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    going_on = shop.said_for("ben", "--", "true")
    assert going_on.code == 0 and shop.left() == 2, "its time is not over"
    shop.time_passes()
    assert shop.left() == 2, "VALID UNTIL ends no session"
    told = shop.here("drift", "--target", "warehouse")
    assert "of a run for anna is over and still there" in told.out + told.err
    next_one = shop.said_for("ben", "--", "true")
    assert next_one.code == 0 and "of an earlier run is ended" in next_one.err
    assert shop.left() == 0
    plan = shop.here("plan", "--target", "warehouse", "--detailed-exitcode")
    assert plan.code == 0, plan.out
