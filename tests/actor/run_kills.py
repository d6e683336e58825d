"""`provision run` killed by SIGKILL at each of its steps, or left without one answer; then its time passes, and what is
left of it is ended by `expire`, or by the next run.

Points are: before each call to a real PostgreSQL is sent, after the server did it, after its answer was read; before
and after each record; while the command runs. And, without a kill, each call that never gets there or whose answer is
lost. So too for `run --end`. Whoever sweeps is killed at one of its calls as well; the one after that is left alone.
The command leaves a process of its own behind, which keeps its session open.

All points: `python -m tests.actor.run_kills [FIRST] [LAST]`; the suite takes a sample.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from provisioner.records.journal import open_journal
from provisioner.records.runs import Began, Over, runs
from tests import canaries
from tests.faults.engine import AtRecord, Ended, Engine
from tests.faults.proxy import Proxy
from tests.faults.script import At, Fault, Kind, nothing
from tests.faults.systems.postgres_wire import PostgresWire
from tests.rigs.postgres import Postgres

ACCESS = """\
records: {{owner: 5f1c0a9b7e3d4c21, journal: "{journal}"}}
environments: {{production: {{protected: true}}}}
targets:
  warehouse:
    provider: postgresql
    dsn: "host=127.0.0.1 port={port} user=engine sslmode=disable gssencmode=disable"
    password: {{env: MINT_PASSWORD}}
    databases: [app]
roles:
  shop: {{environments: [production], grants: {{warehouse: {{datasets: {{"shop.*": [select]}}}}}}}}
  one: {{environments: [production], grants: {{warehouse: {{datasets: {{shop.x: [select]}}}}}}}}
pipelines:
  report: {{repository: report, scope: [one]}}
people:
  anna: {{name: A, email: a@example.com, roles: [{{role: shop, environments: [production]}}]}}
  ben: {{name: B, email: b@example.com, roles: [{{role: shop, environments: [production]}}]}}
"""
COMMAND = """\
import os, time, psycopg
session = psycopg.connect(host="127.0.0.1", port=int(os.environ["REAL_PORT"]), autocommit=True)
session.execute("select count(*) from shop.x")
def said(name, what):
    with open(os.path.join(os.environ["SAID"], name + ".new"), "w") as file:
        file.write(what)
    os.rename(file.name, file.name[:-4])
said("password", os.environ["PGPASSWORD"])
if not os.fork():
    os.setsid()
    said("stays", str(os.getpid()))
    try:
        while True:
            session.execute("select pg_sleep(0.05)")
    finally:
        os._exit(0)
while not os.path.exists(os.path.join(os.environ["SAID"], "stays")):
    time.sleep(0.005)
said("command", str(os.getpid()))
time.sleep(600 if os.environ.get("LASTS") else 0)
os._exit(0)
"""
RUN = ("run", "--environment", "production", "--pipeline", "report", "--person")
PAST = "2026-11-01T00:00:00Z"
KILLS = (Kind.KILL_BEFORE, Kind.KILL_SENT, Kind.KILL_ANSWERED)
LOST = (Kind.REFUSE, Kind.LOSE)
HERE, END = "run", "run --end"

_LOGINS = "select rolname, shobj_description(oid, 'pg_authid') from pg_roles where rolname like 'run!_%' escape '!'"
_SESSIONS = "select usename, count(*) from pg_stat_activity where usename like 'run!_%' escape '!' group by 1"
_HELD = """
select 'in', r.rolname::text, m.rolname::text, '' from pg_auth_members a join pg_roles r on r.oid = a.roleid
  join pg_roles m on m.oid = a.member where a.member >= 16384 and m.rolname <> all(%s)
union all
select c.relname, g.rolname::text, a.privilege_type, a.is_grantable::text from pg_class c
  cross join lateral aclexplode(c.relacl) a join pg_roles g on g.oid = a.grantee
 where c.relnamespace = 'shop'::regnamespace and g.rolname <> all(%s)
union all
select 'default', g.rolname::text, a.privilege_type, '' from pg_default_acl d
  cross join lateral aclexplode(d.defaclacl) a join pg_roles g on g.oid = a.grantee
order by 1, 2, 3"""
_MADE = "select rolname from pg_roles where shobj_description(oid, 'pg_authid') like '% select on app/shop.x'"


@dataclass(frozen=True)
class Point:
    """Where it happens to `phase`: at its `number`-th call (`kind`), at its `number`-th record, or (0) as the command
    runs."""

    phase: str
    number: int
    kind: Kind | None = None
    after: bool = False

    def __str__(self) -> str:
        if self.kind is not None:
            return f"{self.phase}: {self.kind.value}, call {self.number}"
        where = f"{'after' if self.after else 'before'} record {self.number}" if self.number else "as the command runs"
        return f"{self.phase}: killed {where}"

    @property
    def kills(self) -> bool:
        return self.kind not in LOST


@dataclass
class Stage:
    """A repository that was applied, a PostgreSQL behind a proxy, and somebody else's run, which goes on all the
    time."""

    folder: Path
    server: Postgres
    proxy: Proxy
    engine: Engine
    kills: int = 0
    again: int = 0
    missed: int = 0
    other: str = ""
    since: float = 0.0
    held: list[tuple[object, ...]] = field(default_factory=list)
    texts: list[Ended] = field(default_factory=list)

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def said(self) -> Path:
        return self.folder / "said"

    def start(self, words: Sequence[str], *, die: AtRecord | None = None, **more: str) -> None:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "MINT_PASSWORD": "engine-secret",
            "REAL_PORT": str(self.server.port),
            "SAID": str(self.said),
            **more,
        }
        self.engine.start(words, self.folder / "repository", environ, die=die)

    def ended(self) -> Ended:
        found = self.engine.wait(300)
        self.proxy.settle()
        self.proxy.script = nothing
        self.texts.append(found)
        assert "Traceback" not in found.err, found.err
        return found

    def run(self, *words: str, fault: At | None = None, die: AtRecord | None = None) -> Ended:
        self.proxy.script = fault or nothing
        self.start(words, die=die)
        return self.ended()

    def here(self, who: str = "anna", *command: str) -> tuple[str, ...]:
        return (*RUN, who, "--", *(command or (sys.executable, "-c", COMMAND)))

    # What is there, by the server's word and the journal's

    def logins(self) -> dict[str, str]:
        """Of runs, but for the one that goes on; with their comments."""
        return {name: told for name, told in self.server.run(_LOGINS) if name != f"run_{self.other}"}

    def sessions(self) -> int:
        return sum(count for name, count in self.server.run(_SESSIONS) if name != f"run_{self.other}")

    def rights(self) -> list[tuple[object, ...]]:
        """Who holds what, but for the dataset role that runs make for what is shared, which may be there or not."""
        with self.server.connect("app") as session:
            made = [name for (name,) in session.execute(_MADE).fetchall()]
            left = [[f"run_{self.other}"], made]
            return [row for row in session.execute(_HELD, left).fetchall() if row[1] not in made or row[0] == "in"]

    def open_runs(self) -> list[str]:
        """Those whose beginning is on record, and no end."""
        found = list(runs(open_journal(str(self.journal), self.folder).store))
        assert not [one for one in found if isinstance(one, str)], found
        over = {one.run for one in found if isinstance(one, Over) and one.settled}
        return [one.run for one in found if isinstance(one, Began) and one.run not in (*over, self.other)]

    def process(self, name: str) -> int | None:
        place = self.said / name
        return int(place.read_text()) if place.exists() else None

    # A case

    def clear(self) -> None:
        shutil.rmtree(self.said, ignore_errors=True)
        self.said.mkdir()
        for (name,) in self.server.run(_MADE):
            self.server.run(f"drop owned by {name}", f"drop role {name}")
        if time.monotonic() > self.since + 1800:  # it goes on for an hour
            gone, self.other = self.other, self.sealed("another's")
            self.since = time.monotonic()
            assert not gone or self.run("run", "--end", gone).status == 0
        self.texts.clear()

    def time_passes(self) -> None:
        """What runs were given is over, for the server and for us."""
        for role, comment in self.logins().items():
            over = re.sub(r"ends \S+", f"ends {PAST}", comment)
            self.server.run(f"alter role {role} valid until '{PAST}'", f"comment on role {role} is '{over}'")
        for place in (self.journal / "runs").rglob("*-begin.json"):
            if f"-{self.other}-" not in place.name:
                place.write_text(re.sub(r'"ends":"[^"]*"', f'"ends":"{PAST}"', place.read_text()))

    def unlock(self) -> None:
        """That a dead run's lock is taken over from after its lease is told elsewhere, and takes a while."""
        shutil.rmtree(self.journal / "lock", ignore_errors=True)

    def play(self, point: Point) -> None:
        self.clear()
        words: tuple[str, ...] = self.here()
        if point.phase == END:
            words = ("run", "--end", self.sealed("box"))
        first = self.hit(point, words)
        alive = self.process("command")
        until(lambda: alive is None or not lives(alive), f"{point}: the command goes on")
        if not first.killed:
            self.honest(point, first)
        self.time_passes()
        self.told(point, self.open_runs())
        chance = Random(str(point))
        sweeps = [("expire",), self.here("ben", "true")]
        chance.shuffle(sweeps)
        second = self.run(*sweeps[0], fault=At(chance.randint(1, 40), Fault(chance.choice(KILLS))))
        self.again += second.killed
        self.unlock()
        self.time_passes()
        last = self.run(*sweeps[1])
        assert last.status == 0, f"{point}: {last.out}{last.err}"
        if self.open_runs():  # a later run ends what is left on the server; what is only unsaid, `expire` says
            last = self.run("expire")
            assert last.status == 0, f"{point}: {last.out}{last.err}"
        self.nothing_left(point)

    def hit(self, point: Point, words: Sequence[str]) -> Ended:
        if point.kind is not None:
            ended = self.run(*words, fault=At(point.number, Fault(point.kind)))
        elif point.number:
            ended = self.run(*words, die=AtRecord(point.number, point.after))
        else:
            self.start(words, LASTS="1")
            until(lambda: self.process("command") is not None, f"{point}: the command did not begin")
            self.engine.kill()
            ended = self.ended()
        if point.kills:
            self.kills += ended.killed
            self.missed += not ended.killed
        return ended

    def honest(self, point: Point, ended: Ended) -> None:
        """A run that ended by itself left nothing, or says that it did."""
        left = self.logins()
        if left or self.sessions():
            assert ended.status, f"{point}: it left {left}, with status 0: {ended.err}"
            assert "left: warehouse" in ended.err, f"{point}: it left {left} and does not say it: {ended.err}"
            over = [r for r in runs(open_journal(str(self.journal), self.folder).store) if isinstance(r, Over)]
            told = [o for o in over if f"run_{o.run}" in left and o.left]
            assert len(told) == len(left), f"{point}: left, and not on record: {left}"
        else:
            assert not self.open_runs(), f"{point}: it is over and not on record as that: {ended.err}"

    def nothing_left(self, point: Point) -> None:
        assert not self.logins(), f"{point}: left {self.logins()}"
        assert not self.sessions(), f"{point}: {self.sessions()} sessions"
        stays = self.process("stays")
        until(lambda: stays is None or not lives(stays), f"{point}: what it left behind still has a session")
        assert self.rights() == self.held, f"{point}: {set(self.rights()) ^ set(self.held)}"
        assert not self.open_runs(), f"{point}: no end is on record of {self.open_runs()}"
        assert len(self.server.run(_LOGINS)) == 1, f"{point}: somebody else's run was ended"
        self.told(point, [])
        if (self.said / "password").exists():
            secret = [(self.said / "password").read_text()]
            texts = {f"{n} {x}": getattr(e, x) for n, e in enumerate(self.texts) for x in ("out", "err")}
            assert not canaries.in_texts(texts, secret), point
            files = [p for root in ("journal", "repository") for p in (self.folder / root).rglob("*") if p.is_file()]
            assert not canaries.in_files([*files, self.server.log], secret), point

    def told(self, point: Point, found: Sequence[str]) -> None:
        """`status` names what is open, and nothing else."""
        status = self.run("status")
        assert status.status == 0, status.err
        named = re.findall(r"run ([0-9a-f]{12}) for", " ".join(status.out.split()))
        assert sorted(named) == sorted(found), f"{point}: {found} are open, and told is: {status.out}"

    def sealed(self, name: str) -> str:
        """A run whose credentials nobody has opened; its id."""
        for place in (self.folder / name, self.folder / "key"):
            place.unlink(missing_ok=True)
        key = self.run("run", "--new-key", str(self.folder / "key")).out.strip()
        made = self.run(*RUN, "ben", "--for", "1h", "--sealed-for", key, "--out", str(self.folder / name))
        assert made.status == 0, made.err
        return made.out.strip()

    def measured(self, phase: str) -> list[Point]:
        """Of a run without trouble: every point there is."""
        self.clear()
        words = self.here() if phase == HERE else ("run", "--end", self.sealed("box"))
        self.proxy.forget()
        before = len(list((self.journal / "runs").rglob("*.json")))
        ran = self.run(*words)
        assert ran.status == 0 and not self.logins() and not self.sessions(), ran.err
        calls = [c for c in self.proxy.log.calls if c.name != "goodbye"]
        records = len(list((self.journal / "runs").rglob("*.json"))) - before
        found = [Point(phase, n, kind) for kind in (*KILLS, *LOST) for n in range(1, len(calls) + 1)]
        found += [Point(phase, n, None, after) for n in range(1, records + 1) for after in (False, True)]
        return [*found, Point(phase, 0)] if phase == HERE else found


def lives(process: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    return False


def until(true: Callable[[], bool], why: str) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, why
        time.sleep(0.01)


@contextmanager
def stage(folder: Path, server: Postgres) -> Iterator[Stage]:
    """The server is a fresh one, or reset."""
    server.run("create role engine login superuser password 'engine-secret'", "create schema shop")
    server.run("create table shop.x (id int)", "create table shop.y (id int)")
    root = folder / "repository"
    (root / "access").mkdir(parents=True)
    (folder / "said").mkdir()
    engine = Engine(folder / "engine", ["warehouse", "run"])
    try:
        with Proxy("warehouse", PostgresWire(), ("127.0.0.1", server.port)) as proxy:
            proxy.kill = engine.kill
            text = ACCESS.format(journal=folder / "journal", port=proxy.port)
            (root / "access" / "access.yaml").write_text(text)
            git = ["git", "-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
            for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "access"]):
                subprocess.run([*git, *words], cwd=root, check=True)
            made = Stage(folder, server, proxy, engine)
            done = made.run("apply")
            assert done.status == 0, done.out + done.err
            made.clear()
            made.held = made.rights()
            yield made
    finally:
        engine.stop()


def main(arguments: Sequence[str]) -> int:
    first, last = (int(arguments[0]) if arguments else 1), (int(arguments[1]) if len(arguments) > 1 else 100_000)
    wrong, done = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder, Postgres() as server:
        server.reset()
        with stage(Path(folder), server) as play:
            every = [point for phase in (HERE, END) for point in play.measured(phase)]
            print(f"{len(every)} points", flush=True)  # noqa: T201
            for number, point in enumerate(every, 1):
                if not first <= number <= last:
                    continue
                if number % 25 == 0:
                    print(f"at {number}", flush=True)  # noqa: T201
                done[f"{point.phase}, {'kill' if point.kills else 'lost'}"] += 1
                try:
                    play.play(point)
                except AssertionError as error:
                    wrong += 1
                    print(f"{number}: {point}: WRONG: {error}", flush=True)  # noqa: T201
            told = ", ".join(f"{what} {count}" for what, count in done.items())
            print(f"{told}: {play.kills} kills and {play.again} of who sweeps, "  # noqa: T201
                  f"{play.missed} over before, {wrong} wrong", flush=True)  # fmt: skip
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
