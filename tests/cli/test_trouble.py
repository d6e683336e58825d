"""Each way to end has its status; expected trouble never shows a traceback, and a bug says that it is one."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import typer

from provisioner.cli.exit_codes import EXPLAINED, Exit, first, of_error
from provisioner.cli.trouble import explained
from provisioner.diagnostics import Diagnostic, ProvisionError

ROOT = Path(__file__).parent.parent.parent


def raising(error: BaseException) -> Callable[[], int]:
    def call() -> NoReturn:
        raise error

    return call


def told(call: Callable[[], int]) -> tuple[int, str]:
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        status = explained(call)
    return int(status), err.getvalue()


def problem(code: str) -> ProvisionError:
    return ProvisionError(Diagnostic(code, "m", why="w", fix="f"))


def test_the_gravest_status_wins() -> None:
    assert list(Exit) == [70, 130, 64, 6, 4, 1, 3, 8, 5, 7, 2, 0]
    assert first(Exit.PENDING, Exit.INCOMPLETE, Exit.REFUSED) is Exit.REFUSED
    assert first(Exit.FAILED, Exit.INCOMPLETE) is Exit.FAILED
    assert first() is Exit.DONE


def test_every_status_is_explained_here_and_in_the_documentation_in_order() -> None:
    assert set(EXPLAINED) == set(Exit)
    rows = re.findall(
        r"^\| (\d+) \| (.*?) \|", (ROOT / "docs/exit-status.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert rows == [(str(status.value), EXPLAINED[status]) for status in Exit]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("unknown-role", 1),
        ("history-incomplete", 1),
        ("journal-broken", 1),
        ("journal-in-working-folder", 3),
        ("journal-moved-on", 6),
        ("plan-file-edited", 4),
        ("plan-file-used", 4),
        ("option-value", 64),
    ],
)
def test_expected_trouble_has_the_status_of_its_code(code: str, status: int) -> None:
    assert of_error(problem(code)) == status
    assert told(raising(problem(code))) == (status, f"error[{code}]: m\n  why: w\n  fix: f\n")


def test_interruption_is_130() -> None:
    assert told(raising(KeyboardInterrupt())) == (130, "interrupted\n")
    assert told(raising(typer.Abort())) == (130, "interrupted\n")


def test_wrong_usage_raised_by_a_command_is_64() -> None:
    status, err = told(raising(typer.BadParameter("not both")))
    assert (status, err) == (64, "error: Invalid value: not both\n")


def test_a_bug_says_so_and_writes_its_traceback_where_only_we_can_read(tmp_path: Path) -> None:
    code = "from provisioner.cli.trouble import explained; raise SystemExit(explained(lambda: {}['\\x1b[2J']))"
    env = {name: value for name, value in os.environ.items() if name != "PROVISION_DEBUG"} | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, env=env)
    assert done.returncode == 70
    assert "this is a bug in provision, not in your files: KeyError: " in done.stderr
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.stderr
    (file,) = tmp_path.iterdir()
    assert str(file) in done.stderr
    assert "KeyError" in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_bug_shows_its_traceback_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_DEBUG", "1")
    status, err = told(raising(ZeroDivisionError("x")))
    assert status == 70
    assert "Traceback (most recent call last)" in err


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from provisioner.cli.main import run; run()", *arguments]


def test_a_reader_that_goes_away_is_no_trouble() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command("--help"), stdout=write, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full to fill here")
@pytest.mark.parametrize(
    "arguments", [("--version",), ("validate", "--format", "json"), ("gate", "--help"), ("journal", "runs", "-h")]
)
def test_output_that_cannot_be_written_is_never_a_silent_success(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(*arguments), stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT
        )
    assert done.returncode == 64
    assert "error[output-not-written]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="shells there close no streams")
@pytest.mark.parametrize(("closed", "status"), [(">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0)])
def test_a_stream_that_whoever_started_it_closed_is_no_trouble(tmp_path: Path, closed: str, status: int) -> None:
    (tmp_path / "access").mkdir()
    (tmp_path / "access" / "a.yaml").write_text("records: {owner: 5f1c0a2b}\n")
    line = f"{shlex.join(command('plan'))} {closed}"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    done = subprocess.run(["sh", "-c", line], check=False, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == status, done
    assert not list(tmp_path.glob("provision-bug-*"))


def test_what_is_opened_never_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    code = "from provisioner.cli import process; process.own(); import os; print(os.open('.', os.O_RDONLY))"
    line = f"{shlex.join([sys.executable, '-c', code])} <&- 2>&-"
    done = subprocess.run(["sh", "-c", line], check=False, cwd=ROOT, capture_output=True, text=True)
    assert int(done.stdout) > 2


def test_a_locale_that_cannot_say_it_gets_escapes(tmp_path: Path) -> None:
    (tmp_path / "access").mkdir()
    (tmp_path / "access" / "a.yaml").write_text("people: {zoë: 1}\n", encoding="utf-8")
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command("validate"), capture_output=True, check=False, cwd=tmp_path, env=env)
    assert done.returncode == 1
    assert b"zo\\xeb" in done.stdout
    assert b"Traceback" not in done.stderr


def test_ctrl_c_ends_with_130_and_no_traceback() -> None:
    code = (
        "import os, signal; from provisioner.cli.trouble import explained;"
        "raise SystemExit(explained(lambda: os.kill(os.getpid(), signal.SIGINT) or signal.pause() or 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
