"""`provision demo`: the whole story on embedded servers, told by the commands themselves.

Every `$ provision ...` line is that command, run in this process against the servers over the wire. What the story
claims is then held against what the servers really hold; where it is not so, the demo fails.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.sandbox.company import Company

LEAVER, INVITED = "ada", "ivan"
"""Who leaves; and who leaves before they accepted their invitation to GitHub."""
COLUMNS = 96
_HEAD, _TAIL, _BRIEF, _DONE = 24, 8, 22, 9
_NOT_OURS = ("ACCESS_", "AWS_", "GIT_", "LDAP_", "PROVISION_")
_CLEARED = frozenset(
    {
        "CI",
        "CIRCLECI",
        "GITHUB_ACTIONS",
        "GITLAB_CI",
        "JENKINS_URL",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
    }
)


def demo() -> int:
    """Tell the whole story on embedded servers: plan, apply, offboard, prove. Needs no network."""
    from provisioner.cli.sandbox import require_extra

    require_extra()
    from provisioner.sandbox.company import Company

    with tempfile.TemporaryDirectory(prefix="provision-demo-") as folder:
        root = Path(folder) / "acme"
        with _surroundings(root), Company() as company:
            os.environ.update(company.exports())
            return _Story(root, company).tell()


class _Story:
    """Runs the commands, shows what they print, and keeps count of what was not as told."""

    def __init__(self, root: Path, company: Company) -> None:
        self.root = root
        self.company = company
        self.wrong = 0

    def tell(self) -> int:
        from provisioner.cli.exit_codes import Exit
        from provisioner.cli.output import show, tell
        from provisioner.cli.sample import new_repository

        new_repository(self.root)
        before = self.company.foreign()
        self._first_apply()
        self._offboarding()
        self._proof(before)
        if not self.wrong:
            self._database()
        if self.wrong:
            tell(f"the demo failed: {self.wrong} of the things above are not as they should be\n")
            return Exit.FAILED
        show("\nThat is all of it. Play on with `provision sandbox --sample DIR`, or begin with `provision init`.\n")
        return Exit.DONE

    def _first_apply(self) -> None:
        self._say(
            "A company of twelve people and three services keeps its access in files, one person a file.",
            "A directory (LDAP), three AWS accounts, a GitHub organization and its CircleCI run inside this",
            "process, with people and groups of their own in them already. Nothing leaves this machine.",
        )
        self._run("validate")
        self._say("What would a first apply do? Planning only reads.")
        self._run("plan", head=_HEAD, tail=_TAIL)
        self._say("Make it so. Every change is read back from the live system before it is called done.")
        self._run("apply")
        self.company.forge.accept()
        self.company.forge.copy_teams()
        self._say(
            f"On GitHub all but {INVITED} accept their invitation, and CircleCI copies the teams, as it does by",
            "itself every few hours. Plan again: nothing is left to do. What nobody declared is listed, and",
            "left alone.",
        )
        self._run("plan", "--detailed-exitcode")

    def _offboarding(self) -> None:
        self.company.by_hand(LEAVER)
        self._say(
            f"Meanwhile somebody adds {LEAVER} to a group by hand, and in AWS {LEAVER} gets a console password,",
            "an MFA device and an access key. No file says so.",
        )
        self._run("explain", LEAVER, "aws/payments-staging")
        self._check(f"{LEAVER} may use CircleCI's context release-prod", self.company.forge.may_use(LEAVER))
        self._say(f"{LEAVER} leaves. One command deletes their file and shows what follows from it, on all systems.")
        self._run("offboard", LEAVER)
        self._say(f"{INVITED}, a contractor, will not come after all. His file goes in the same change.")
        self._run("offboard", INVITED, head=_BRIEF)
        self._say("In life this is a pull request. Here it is committed: one plan, and one apply.")
        self._commit(f"{LEAVER} and {INVITED} leave")
        self._run("apply", head=_DONE, tail=4)
        self._say("The receipt is read from the live systems, not from what was just done.")
        self._run("receipt", LEAVER)
        self.company.forge.copy_teams()
        self._say(f"A few hours later CircleCI has copied the teams. {INVITED} has nothing to come back by either.")
        self._run("receipt", INVITED, head=3, tail=1)
        self._say("Plan once more: nothing to do. The locked accounts go when their retention is over.")
        self._run("plan", "--detailed-exitcode", head=12)

    def _proof(self, before: dict[str, object]) -> None:
        company = self.company
        self._say("And what do the servers themselves hold?")
        self._check(f"{LEAVER} is in no group of the directory, and locked", not company.left_in_directory(LEAVER))
        self._check(
            f"{LEAVER} has no key, password, MFA, group or policy in AWS, but the one that denies all",
            not company.left_in_aws(LEAVER),
        )
        self._check(f"{LEAVER} is not in the GitHub organization, nor in a team of it", not company.forge.left(LEAVER))
        self._check(f"{LEAVER} may use no context of CircleCI any more", not company.forge.may_use(LEAVER))
        self._check(f"{INVITED}'s invitation to GitHub is cancelled", not company.forge.left(INVITED))
        self._check("sana, added to the same group by hand, is still in it", company.members("night-shift") == ["sana"])
        self._check("mia, who was there before the files, kept her group", "mia" in company.members("workshop"))
        self._check("all that nobody declared is as it was, to the last attribute", company.foreign() == before)

    def _database(self) -> None:
        """The restricted database, where there is a PostgreSQL."""
        from provisioner.cli.sample import new_repository
        from provisioner.cli.sandbox import installed
        from provisioner.sandbox.postgres import missing_reason
        from provisioner.sandbox.warehouse import Warehouse

        if missing_reason() is not None or not installed("psycopg"):
            self._say("One more story needs PostgreSQL, which is not installed here: see docs/worked-examples.md.")
            return
        self._say(
            "One more story, on a real PostgreSQL. anna may read orders, prices and stock; ben may read stock",
            "and suppliers. The pipeline `report` may read orders, prices and stock. It has no account of its",
            "own: `provision run` gives its script, for minutes, what whoever started it and it both have.",
        )
        root = self.root.parent / "warehouse"
        new_repository(root, "restricted-database")
        os.chdir(root)
        with Warehouse() as warehouse:
            os.environ.update(warehouse.exports())
            self._run("apply", head=_DONE, tail=2)
            self._say("anna starts the pipeline.")
            self._pipeline("anna")
            self._say("ben starts the same pipeline, and the database itself answers otherwise.")
            self._pipeline("ben")
            self._say("And afterwards?")
            self._check("no login of a run is left, and no session of one", not warehouse.of_runs())

    def _pipeline(self, who: str) -> None:
        """What the pipeline's job does; its script writes to our own output."""
        from provisioner.cli.main import main
        from provisioner.cli.output import show

        said = ("--environment", "production", "--person", who, "--pipeline", "report")
        show(f"$ provision run {' '.join(said)} -- python report.py\n")
        with contextlib.redirect_stderr(io.StringIO()):
            status = main(("run", *said, "--", sys.executable, "report.py"))
        _go_on(status)
        self.wrong += status != 0

    # How it is told

    def _say(self, *lines: str) -> None:
        from provisioner.cli.output import show

        show("\n" + "".join(f"# {line}\n" for line in lines) + "\n")

    def _check(self, claim: str, true: bool) -> None:
        from provisioner.cli.output import show

        self.wrong += not true
        show(f"  {'yes' if true else 'NO '}  {claim}\n")

    def _commit(self, message: str) -> None:
        from provisioner.cli.output import show
        from provisioner.cli.sample import commit

        show(f'$ git commit --all --message "{message}"\n\n')
        commit(self.root, message)

    def _run(self, *arguments: str, head: int = 0, tail: int = 0) -> None:
        """One command, as if typed. Of a long answer the first `head` and last `tail` lines are shown."""
        from provisioner.cli.main import main
        from provisioner.cli.output import show, tell

        show(f"$ provision {' '.join(arguments)}\n")
        out, err = _Screen(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(arguments)
        show(_shortened(out.getvalue(), head, tail) if out.getvalue() else err.getvalue())
        _go_on(status)
        if status != 0:
            self.wrong += 1
            tell(f"`provision {arguments[0]}` ended with status {status}:\n{err.getvalue()}")


def _go_on(status: int) -> None:
    """A command that a signal ended has taken the signal: the story ends with it."""
    from provisioner.cli.exit_codes import Exit

    if status == Exit.INTERRUPTED:
        raise KeyboardInterrupt


class _Screen(io.StringIO):
    """Keeps what is written; coloured where our own output is."""

    def isatty(self) -> bool:
        return sys.__stdout__ is not None and sys.__stdout__.isatty()


def _shortened(text: str, head: int, tail: int) -> str:
    lines = text.splitlines(keepends=True)
    left_out = len(lines) - head - tail
    if not head or left_out < 4:
        return text
    return "".join([*lines[:head], f"[... {left_out} more lines ...]\n", *(lines[-tail:] if tail else [])])


@contextlib.contextmanager
def _surroundings(root: Path) -> Iterator[None]:
    """The working folder and environment of the story: nothing of whoever runs it gets in, and nothing stays."""
    before, folder = dict(os.environ), Path.cwd()
    root.mkdir()
    try:
        for name in before:
            if name.startswith(_NOT_OURS) or name in _CLEARED:
                del os.environ[name]
        os.environ.update(
            COLUMNS=str(COLUMNS),
            GIT_CONFIG_GLOBAL=os.devnull,
            GIT_CONFIG_NOSYSTEM="1",
            GIT_AUTHOR_DATE="2026-01-05T09:00:00Z",
            GIT_COMMITTER_DATE="2026-01-05T09:00:00Z",
            NO_PROXY="127.0.0.1,localhost",
        )
        os.chdir(root)
        yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)
