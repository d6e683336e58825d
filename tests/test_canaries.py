"""The net that the whole suite hangs over is whole itself."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests import canaries


def test_every_test_has_canaries_in_its_environment() -> None:
    planted = {v for k, v in os.environ.items() if k.startswith("CANARY_")}
    assert planted == {canaries.secret(n) for n in range(16)}


@pytest.mark.parametrize("number", [0, 15, 63])
def test_a_canary_is_found_however_it_is_spelled(number: int) -> None:
    one = canaries.secret(number)
    spelled = (
        one.encode(),
        base64.b64encode(one.encode()),
        one.encode().hex().encode(),
        quote(one).encode(),
        json.dumps(one).encode(),
        repr(one).encode(),
    )
    for text in spelled:
        assert canaries.found_in(b"a long line with " + text + b" in it"), text
    assert canaries.found_in(b"nothing of the kind") is None


def test_secrets_that_systems_made_are_found_too() -> None:
    assert canaries.in_texts({"stdout": "key wJalrXUtnFEMI/K7MDENG"}, ["wJalrXUtnFEMI/K7MDENG"])
    assert canaries.in_texts({"stdout": "key wJalrXUtnFEMI/K7MDENG"}, ["something else"]) == []


def test_journals_plans_and_tracebacks_are_looked_into_and_servers_are_not(tmp_path: Path) -> None:
    places = (".provision/journal/corp/00000001.json", "out/plan.json", "provision-bug-abc.txt", "access/people.yaml")
    for place in places:
        (tmp_path / "work" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "work" / place).write_text(f"{{{canaries.secret(3)}}}", encoding="utf-8")
    packed = tmp_path / "work/.provision/declared/t.json.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(canaries.secret(4).encode()))
    server = tmp_path / "slapd0/server/conf/x.txt"
    server.parent.mkdir(parents=True)
    server.write_text(canaries.secret(5), encoding="utf-8")
    found = canaries.in_files(canaries.left_behind(tmp_path))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.unlink()  # or this test would fail by the very rule that it is about
    assert len(found) == len(places) + 1 and not any("slapd0" in f for f in found)


def test_a_test_that_says_or_leaves_a_canary_has_failed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_configure, pytest_runtest_makereport\n")
    (tmp_path / "test_it.py").write_text(
        "import os\n"
        "def test_says(): print(os.environ['CANARY_TOKEN_00'])\n"
        "def test_leaves(tmp_path):\n"
        "    (tmp_path / '.provision').mkdir()\n"
        "    (tmp_path / '.provision' / 'x').write_text(os.environ['CANARY_TOKEN_04'])\n"
        "def test_holds_its_tongue(): print('fine')\n"
    )
    base = tmp_path_factory.mktemp("base")
    options = ("-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "--basetemp", str(base))
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.splitlines()[-1].startswith("2 failed, 1 passed"), ended.stderr
