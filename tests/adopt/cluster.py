"""A PostgreSQL with thousands of grants: adopted, planned empty, one person leaves. How many statements, how long.

    python -m tests.adopt.cluster --people 1900 --groups 100 --tables 300 --grants 20000

Everything is said by the commands that people type, and checked on the way; times are of the whole process. Statements
are those in the server's own log.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from pathlib import Path

from tests.adopt.big import _check, _say, _told
from tests.cases.company import Company, Said
from tests.rigs.postgres import Postgres

TARGETS = """\
records: {{owner: 5f1c0a9b7e3d4c21, journal: {journal}}}
targets:
  warehouse:
    provider: postgresql
    dsn: "host={host} port={port} user=svc"
    databases: [app]
    reassign_to: app_owner
"""
SCHEMAS = 10
VERBS = ("select", "insert", "update", "delete")


class OnCluster(Company):
    """A repository that declares one target and nobody."""

    def __init__(self, folder: Path, server: Postgres) -> None:
        self.folder, self.server = folder, server
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        text = TARGETS.format(journal=folder.parent / "journal", host=server.folder, port=server.port)
        self.write("access/targets.yaml", text)
        self.commit("one target")


def fill(server: Postgres, people: int, groups: int, tables: int, grants: int) -> None:
    """Roles, memberships, tables and privileges, the same ones every time."""
    chance = random.Random(7)
    with server.connect("app") as connection:
        connection.autocommit = False
        run = connection.execute
        run("create role svc login superuser")
        run("create role app_owner")
        for s in range(SCHEMAS):
            run(f"create schema s{s} authorization app_owner")
        run("set role app_owner")
        for t in range(tables):
            run(f"create table s{t % SCHEMAS}.t{t} (id int)")
        run("reset role")
        names = [f"person{i:05}" for i in range(people)]
        teams = [f"team{g:03}" for g in range(groups)]
        for team in teams:
            run(f"create role {team}")
        for name in names:
            run(f"create role {name} login")
            for team in chance.sample(teams, 3):
                run(f"grant {team} to {name}")
        holders = [*teams, *chance.sample(names, len(names) // 4)]
        given: set[tuple[str, int, str]] = set()
        while len(given) < grants:
            # Two thirds to teams, whom people are in; the rest to people, by hand.
            holder = chance.choice(teams if chance.random() < 0.67 else holders)
            given.add((holder, chance.randrange(tables), chance.choice(VERBS)))
        for holder, table, verb in sorted(given):
            run(f"grant {verb} on s{table % SCHEMAS}.t{table} to {holder}")
        for team in teams:
            run(f"grant usage on schema {', '.join(f's{s}' for s in range(SCHEMAS))} to {team}")
        connection.commit()


class Story:
    """Runs commands, and notes what each took."""

    def __init__(self, files: OnCluster) -> None:
        self.files, self.log = files, files.server.log

    def run(self, *words: str, note: str = "") -> Said:
        before, began = self.log.stat().st_size, time.monotonic()
        said = self.files.provision(*words, patience=3600)
        took = time.monotonic() - began
        with self.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(before)
            told = [x for x in log if " LOG:  statement: " in x or " LOG:  execute " in x]
        count = sum(not x.rstrip().endswith(("BEGIN", "ROLLBACK", "COMMIT")) and "BEGIN" not in x for x in told)
        commits = sum(x.rstrip().endswith("COMMIT") for x in told)
        _say(f"| `provision {' '.join(words)}` | {took:.1f} s | {count:,} | {commits} | {note or _told(said)} |")
        if said.code != 0:
            raise SystemExit(f"status {said.code}\n{said.out}\n{said.err}")
        return said


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--people", type=int, default=1900)
    options.add_argument("--groups", type=int, default=100)
    options.add_argument("--tables", type=int, default=300)
    options.add_argument("--grants", type=int, default=20000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, Postgres() as server:
        server.reset()
        fill(server, chosen.people, chosen.groups, chosen.tables, chosen.grants)
        _say(f"{chosen.people + chosen.groups:,} roles, {chosen.tables} tables, {chosen.grants:,} grants")
        _say("| command | took | statements | commits | told |\n| --- | --- | --- | --- | --- |")
        _story(Story(OnCluster(Path(folder) / "repository", server)), server)


_HELD = """select grantee::regrole::text, count(*) from pg_class c, aclexplode(c.relacl)
            where grantee >= 16384 group by 1
           union all select member::regrole::text, count(*) from pg_auth_members where member >= 16384 group by 1"""


def _story(story: Story, server: Postgres) -> None:
    files = story.files
    held = sorted(server.run(_HELD))
    story.run("adopt", "warehouse")
    story.run("validate")
    plan = story.run("plan", "--format", "json", note="only ADOPT")
    kinds = {line.partition(" ")[0] for line in plan.changes}
    _check(kinds == {"adopt"}, f"the plan has {kinds}")
    files.commit("what the cluster says")
    story.run("apply")
    again = story.run("plan", "--format", "json", note="empty")
    _check(again.changes == [], "the second plan is not empty")
    _check(sorted(server.run(_HELD)) == held, "somebody holds something else now")
    leaver = next(who for who, _ in held if who.startswith("person") and sum(w == who for w, _ in held) == 2)
    (files.folder / f"access/people/{leaver}.yaml").unlink()
    files.commit("they leave")
    plan = story.run("plan", "--format", "json", note="exactly theirs")
    _check(all(line.endswith(leaver) or f"/{leaver}" in line for line in plan.changes), "more than theirs is changed")
    story.run("apply", note=f"{len(plan.changes)} changes of one person")
    now = sorted(server.run(_HELD))
    _check(now == [row for row in held if row[0] != leaver], "others lost something, or they kept something")
    _check(not server.can_log_in(leaver), "they can still log in")


if __name__ == "__main__":
    main()
