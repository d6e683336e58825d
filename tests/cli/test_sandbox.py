"""`provision sandbox`: what it prints is enough for a second process to plan and apply the sample company."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
import requests

from tests.cli.conftest import Repository

ROOT = Path(__file__).parent.parent.parent
RUN = "from provisioner.cli.main import run; import sys; sys.argv[0] = 'provision'; run()"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", RUN, *arguments]


def surroundings(home: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), **more}


def test_a_second_terminal_plans_the_sample_company(tmp_path: Path) -> None:
    playground = tmp_path / "playground"
    with subprocess.Popen(
        command("sandbox", "--sample", str(playground)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=surroundings(tmp_path),
        cwd=tmp_path,
    ) as servers:
        assert servers.stdout is not None and servers.stderr is not None
        try:
            exports = {}
            while "AWS_EC2_METADATA_DISABLED" not in exports:
                line = servers.stdout.readline()
                assert re.fullmatch(r"export [A-Z_0-9]+=\S+\n", line), line or servers.stderr.read()
                name, _, value = shlex.split(line)[1].partition("=")
                exports[name] = value
            planned = subprocess.run(
                command("plan", "--detailed-exitcode"),
                cwd=playground,
                env=surroundings(tmp_path, **exports),
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            github, circleci = exports["ACCESS_GITHUB_URL"], exports["ACCESS_CIRCLECI_URL"]
            bearer = {"Authorization": f"Bearer {exports['ACCESS_GITHUB_WRITE_TOKEN']}"}
            requests.post(f"{github}/orgs/acme/teams", json={"name": "movers"}, headers=bearer, timeout=60)
            token = {"Circle-Token": exports["ACCESS_CIRCLECI_TOKEN"]}
            (org,) = requests.get(f"{circleci}/me/collaborations", headers=token, timeout=60).json()
            until = monotonic() + 60
            groups: list[str] = []
            while "movers" not in groups and monotonic() < until:
                found = requests.get(f"{circleci}/organizations/{org['id']}/groups", headers=token, timeout=60).json()
                groups = [group["name"] for group in found["items"]]
                sleep(0.2)
        finally:
            servers.send_signal(signal.SIGINT)
        out, err = servers.communicate(timeout=60)
    assert planned.returncode == 2, planned.stderr
    assert "234 changes on 6 targets, for 15 identities" in planned.stdout
    assert groups == ["alumni", "movers", "payments", "release-managers", "workshop"]
    assert (servers.returncode, out) == (0, "")
    assert "stopped" in err


def test_a_folder_with_something_in_it_is_left_alone(repository: Repository) -> None:
    ran = repository.run("sandbox", "--sample", str(repository.root))
    assert ran.status == 64
    assert "is not empty" in ran.err and ran.out == ""


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = subprocess.run(
            command("sandbox", "--ldap-port", str(taken.getsockname()[1])),
            env=surroundings(tmp_path),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.returncode == 64
    assert "the servers cannot listen" in ran.stderr and "Traceback" not in ran.stderr


def test_what_cannot_be_a_folder_or_a_port_is_wrong_usage(repository: Repository) -> None:
    (repository.root / "file").write_text("")
    for arguments, told in (
        (("--sample", str(repository.root / "file")), "cannot be made a folder of sample files"),
        (("--sample", str(repository.root / "file" / "below")), "cannot be made a folder of sample files"),
        (("--ldap-port", "65536"), "'--ldap-port'"),
        (("--aws-port", "-1"), "'--aws-port'"),
    ):
        ran = repository.run("sandbox", *arguments)
        assert ran.status == 64 and told in ran.err, ran.err


@pytest.mark.parametrize("name", ["demo", "sandbox"])
def test_without_the_extra_the_command_to_install_it_is_named(tmp_path: Path, name: str) -> None:
    """As on a machine without moto: the finder that would find it is told not to."""
    hidden = (
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'moto': raise ModuleNotFoundError(name)\n"
    )
    code = hidden + "sys.meta_path.insert(0, Hide())\n" + RUN
    ran = subprocess.run(
        [sys.executable, "-c", code, name],
        env=surroundings(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert "pip install 'provision-access[sandbox]'" in ran.stderr and "Traceback" not in ran.stderr
