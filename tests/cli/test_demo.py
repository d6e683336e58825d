"""`provision demo` in a process of its own: what it tells, and that it fails when the servers do not hold it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.sandbox.postgres import missing_reason

ROOT = Path(__file__).parent.parent.parent
GOLDEN = Path(__file__).parent / "golden" / "demo.txt"
RUN = "from provisioner.cli.main import run; import sys; sys.argv = ['provision', 'demo']; run()"
MEDDLED = """
import provisioner.sandbox.company as company
class Meddled(company.Company):
    def by_hand(self, login):
        super().by_hand(login)
        # what is foreign changes
        self.ldap.delete('cn=alumni,ou=groups,dc=example,dc=com')
        self.aws.backend('222222222222').users['terraform'].path = '/moved/'
        self.aws.changed('222222222222')
        # AWS keeps a password
        self.aws.fail('DeleteLoginProfile', times=None)
        # CircleCI never copies the teams again
        self.forge.copy_teams = lambda: None
company.Company = Meddled
"""
LAST = "\n# One more story"
_VARIES = (
    (re.compile(r"\b[0-9a-f]{12}\b"), "<hash>"),
    (re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?"), "<time>"),
    (re.compile(r"(?<=\[\.\.\. )\d+"), "<n>"),
    (re.compile(r"AKIA[0-9A-Z]{16}"), "<key>"),
)


@dataclass(frozen=True)
class Told:
    """What a demo came to, and the folder that was its home and place for temporary files."""

    status: int
    out: str
    err: str
    folder: Path


def told(code: str, folder: Path) -> Told:
    """Runs `code` as whoever has neither git user nor home, on a machine whose proxy and AWS settings lead nowhere."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    wrong = {
        "AWS_PROFILE": "nobody",
        "http_proxy": "http://127.0.0.1:9",
        "LDAP_URL": "ldap://127.0.0.1:9",
        "CI": "true",
    }
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**clean, **wrong, "GIT_DIR": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return Told(ran.returncode, ran.stdout, ran.stderr, folder)


def steady(text: str) -> str:
    """Without what differs from run to run."""
    for pattern, name in _VARIES:
        text = pattern.sub(name, text)
    return text


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return told(RUN, tmp_path_factory.mktemp("demo"))


def test_the_demo_ends_well_and_says_nothing_on_stderr(demo: Told) -> None:
    assert (demo.status, demo.err) == (0, "")


def test_the_demo_tells_the_same_story_each_time(demo: Told) -> None:
    golden = GOLDEN.read_text(encoding="utf-8")
    if missing_reason() is not None:  # the last story is of a real server
        golden, demo_out = golden.partition(LAST)[0], demo.out.partition(LAST)[0]
    else:
        demo_out = demo.out
    assert steady(demo_out) == golden


def test_the_demo_is_plain_narrow_and_without_places_of_this_machine(
    demo: Told,
) -> None:
    assert "\x1b" not in demo.out
    assert max(map(len, demo.out.splitlines())) <= 100
    assert "/tmp" not in demo.out and "127.0.0.1" not in demo.out and "provision-demo" not in demo.out


def test_the_story_has_all_its_turns(demo: Told) -> None:
    turns = [
        "234 changes on 6 targets, for 15 identities",
        "Done: 234 changes on 6 targets, each read back from the live system.",
        "Nothing to do. 6 targets read",
        "github waits for ivan to accept",
        "? credential password",
        "  yes  ada may use CircleCI's context release-prod",
        "access/people/ada.yaml is deleted:",
        "! until ci has copied payments, release-managers from github, ada may still use",
        "- remove ada from group night-shift",
        "- remove ada-acme from team release-managers",
        "access/people/ivan.yaml is deleted:",
        "Done: 35 changes on 4 targets, each read back from the live system.",
        "- cancel the invitation of ivan-acme to the organization (github)",
        "! ci copies groups of github by itself",
        "ada has nothing left on 6 targets.",
        "ivan has nothing left on 6 targets.",
        "Nothing to do. 6 targets read",
        "  yes  ada may use no context of CircleCI any more",
        "  yes  ivan's invitation to GitHub is cancelled",
        "  yes  all that nobody declared is as it was, to the last attribute",
        "# One more story",
    ]
    place = 0
    for turn in turns:
        place = demo.out.find(turn, place)
        assert place >= 0, f"the story does not get to: {turn}"
        place += len(turn)


def test_the_demo_leaves_nothing_behind(demo: Told) -> None:
    assert [p.name for p in demo.folder.iterdir() if "provision" in p.name] == []


@pytest.fixture(scope="module")
def meddled(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return told(MEDDLED + RUN, tmp_path_factory.mktemp("meddled"))


@pytest.mark.parametrize(
    "claim",
    [
        "all that nobody declared is as it was",
        "ada has no key, password",
        "ada may use no context of CircleCI",
    ],
)
def test_the_demo_tells_what_the_servers_do_not_hold(meddled: Told, claim: str) -> None:
    assert f"  NO   {claim}" in meddled.out


def test_the_demo_fails_for_each_thing_that_the_servers_do_not_hold(meddled: Told) -> None:
    assert meddled.status == 8
    not_as_told = meddled.out.count("  NO   ") + meddled.err.count("ended with status")
    assert f"the demo failed: {not_as_told} of the things above" in meddled.err


if __name__ == "__main__":  # `python -m tests.cli.test_demo` writes the golden file anew, to be read before it is kept
    with tempfile.TemporaryDirectory() as home:
        GOLDEN.write_text(steady(told(RUN, Path(home)).out), encoding="utf-8")


def test_a_command_that_a_signal_ended_ends_the_story() -> None:
    """The command had taken the signal; the next ones would begin where it broke off."""
    from provisioner.cli.demo import _go_on

    for status in (0, 2, 8):
        _go_on(status)
    with pytest.raises(KeyboardInterrupt):
        _go_on(130)
