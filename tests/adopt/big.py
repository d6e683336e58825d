"""How long adopting takes, and how many requests: a real slapd, then the embedded AWS, then one person leaves.

    python -m tests.adopt.big --people 2000 --groups 120

Everything is said by the commands that people type, and checked on the way; times are of the whole process.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from pathlib import Path

from provisioner.sandbox.aws import AwsServer
from tests.adopt.repository import Adopting
from tests.adopt.town import ACCOUNT, Town
from tests.cases.company import Said
from tests.performance.servers import Counted
from tests.rigs.slapd import Slapd


class Story:
    """Runs commands, and notes what each took. `patience` is what a command may take at most, in seconds."""

    def __init__(self, files: Adopting, counted: Counted, aws: AwsServer) -> None:
        self.files, self.counted, self.aws = files, counted, aws

    def run(self, *words: str, note: str = "") -> Said:
        self.counted.take()
        self.aws.reset_calls()
        began = time.monotonic()
        said = self.files.provision(*words, patience=3600)
        took = time.monotonic() - began
        ldap = sum(self.counted.take().values())
        aws = sum(self.aws.calls.values())
        _say(f"| `provision {' '.join(words)}` | {took:.1f} s | {ldap:,} | {aws:,} | {note or _told(said)} |")
        if said.code != 0:
            raise SystemExit(f"status {said.code}\n{said.out}\n{said.err}")
        return said


def _told(said: Said) -> str:
    """The counts that a command tells."""
    lines = [x.strip() for x in said.out.splitlines()]
    picked = [x for x in lines if re.match(r"[\d,]+ (new (person|people|role)|change|account)", x)]
    return "; ".join(x.partition(":")[0] for x in picked) or (lines[0] if lines else said.err.splitlines()[-1])


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a report on standard output


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--people", type=int, default=2000)
    options.add_argument("--groups", type=int, default=120)
    chosen = options.parse_args()
    town = Town(chosen.people, chosen.groups)
    with tempfile.TemporaryDirectory() as folder:
        slapd = Slapd(Path(folder) / "slapd")
        slapd.load(town.ldif())
        with slapd, AwsServer() as aws:
            aws.create_account(ACCOUNT)
            town.fill(aws.backend(ACCOUNT))
            aws.changed(ACCOUNT)
            aws.client("iam", ACCOUNT).get_account_authorization_details(MaxItems=1)
            files = Adopting(Path(folder) / "repository", slapd, aws)
            held = sum(map(len, town.members.values()))
            _say(f"{town.people:,} people, {len(town.members)} groups, {held:,} memberships")
            _say("| command | took | LDAP requests | AWS requests | told |\n| --- | --- | --- | --- | --- |")
            _story(Story(files, Counted(slapd), aws), town)


def _story(story: Story, town: Town) -> None:
    files = story.files
    held = {g: files.members(g) for g in town.members}
    for target in ("corp-ldap", "aws"):
        story.run("adopt", target)
        story.run("validate")
        plan = story.run("plan", "--target", target, "--format", "json", note="only ADOPT")
        kinds = {line.partition(" ")[0] for line in plan.changes}
        _check(kinds == {"adopt"}, f"the plan has {kinds}")
        files.commit(f"what {target} says")
        story.run("apply", "--target", target)
        again = story.run("plan", "--target", target, "--format", "json", note="empty")
        _check(again.changes == [], "the second plan is not empty")
    _check({g: files.members(g) for g in town.members} == held, "memberships have changed")
    leaver = town.login(10)
    files.remove(f"access/people/{leaver}.yaml")
    files.commit("they leave")
    theirs = {f"corp-ldap:membership/{g}/{leaver}" for g in town.groups_of(10)}
    user = town.user(10)
    theirs |= {f"aws:membership/{s}/{user}" for s in town.squads(10)} | {f"aws:grant/Audit/{user}"}
    plan = story.run("plan", "--format", "json", note="exactly theirs")
    found = {line.partition(" ")[2] for line in plan.changes if line.startswith("revoke ")}
    _check(found == theirs, f"revoked {sorted(found ^ theirs)}")
    disabled = {f"disable corp-ldap:account/{leaver}", f"disable aws:account/{user}"}
    _check({x for x in plan.changes if not x.startswith("revoke ")} == disabled, "more than theirs is changed")
    story.run("apply")
    _check(
        {g: files.members(g) for g in town.members} == {g: m - {leaver} for g, m in held.items()},
        "others lost something",
    )


def _check(so: bool, told: str) -> None:
    if not so:
        raise SystemExit(told)


if __name__ == "__main__":
    main()
