"""An organization of 1,500 members, 400 nested teams and 300 repositories, adopted and planned empty; and an hour
of work on it within GitHub's budget. `python -m tests.providers.github.large [MEMBERS TEAMS REPOSITORIES]`

The hour is that of a busy repository: `expire` every ten minutes, the plans of pull requests, the nightly `drift`.
Prints the figures; ends with status 1 where one is not as it should be.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioner.sandbox.circleci import CircleCiServer
from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.service import Exchange
from tests.providers.github.rig import Hub
from tests.providers.github.test_command_line import Forge
from tests.providers.github.test_read import big

SIZE = (1500, 400, 300)
PLANS = 8
BUDGET = 5000


class Watch:
    """Counts what is asked, and each answer that says a limit was hit."""

    def __init__(self, server: GitHubServer) -> None:
        self.calls: Counter[str] = Counter()
        self.limited = 0
        server.watchers.append(self.see)

    def see(self, exchange: Exchange) -> None:
        self.calls["graphql" if exchange.call == "POST /graphql" else "rest"] += 1
        refused = exchange.answer[0] in (403, 429)
        self.limited += refused and b"rate limit" in exchange.answer[2].lower()

    def taken(self) -> tuple[int, int]:
        """GraphQL and REST since it was last asked."""
        found = (self.calls["graphql"], self.calls["rest"])
        self.calls.clear()
        return found


@contextmanager
def organization(members: int, teams: int, repos: int) -> Iterator[tuple[Forge, Watch]]:
    """On servers of its own; somebody waits for an invitation to be accepted, in each of ten teams."""
    with GitHubServer() as server, CircleCiServer() as circle, tempfile.TemporaryDirectory() as folder:
        hub = Hub(server)
        big(hub, members, teams, repos)
        for i in range(min(10, teams)):
            team = server.world.team(hub.org, f"team-{i}")
            assert team is not None
            server.world.invite(hub.org, hub.boss, user=hub.user(f"newcomer-{i}"), teams={team.id: "member"})
        yield Forge(Path(folder) / "repository", hub, circle), Watch(server)


def run(members: int, teams: int, repos: int) -> int:
    """The story, told in figures."""
    wrong = 0

    def say(what: str, good: bool, started: float) -> None:
        nonlocal wrong
        wrong += not good
        sys.stdout.write(f"{'ok' if good else 'NO':3} {what} ({time.monotonic() - started:.1f} s)\n")
        sys.stdout.flush()

    with organization(members, teams, repos) as (forge, watch):
        bound = max(-(-members // 100), -(-teams // 100), -(-repos // 100))
        started = time.monotonic()
        adopted = forge.provision("adopt", "github")
        graphql, rest = watch.taken()
        say(f"adopt: {graphql} GraphQL, {rest} REST", adopted.code == 0, started)
        forge.commit("what it says")
        started = time.monotonic()
        planned = forge.provision("plan", "--target", "github", "--format", "json")
        graphql, rest = watch.taken()
        seen = planned.json["targets"]["github"]["read"] if planned.code == 0 else {}
        say(f"plan: {seen}, {len(planned.changes)} changes", planned.code == 0 and planned.changes == [], started)
        say(f"plan: {graphql} GraphQL calls, and {bound} pages of 100 are the fewest", graphql == bound, started)
        say(f"plan: {rest} REST calls: {repos} repositories and {rest - repos} more", rest <= repos + 5, started)
        started = time.monotonic()
        first = forge.provision("apply", "--target", "github")
        say("apply: nothing to do, in order now", first.code == 0, started)

        forge.hub.server.clock.advance(hours=1)  # a new hour's budget
        watch.taken()
        started = time.monotonic()
        work = [*[("expire", "--target", "github")] * 6, *[("plan", "--target", "github")] * PLANS, ("drift",)]
        codes = []
        for step in work:
            codes.append(forge.provision(*step).code)
            forge.hub.server.clock.advance(minutes=60 / len(work) - 0.5)
        graphql, rest = watch.taken()
        say(f"an hour of {len(work)} runs: {rest} REST and {graphql} GraphQL calls", set(codes) == {0}, started)
        say(f"of {BUDGET} an hour each, and {watch.limited} answers that a limit was hit", not watch.limited, started)
    return 1 if wrong else 0


if __name__ == "__main__":
    sizes = [int(text) for text in sys.argv[1:4]]
    raise SystemExit(run(*(sizes if len(sizes) == 3 else SIZE)))
