"""The help page is quick, loads nothing, and what the documentation shows of it is real."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from provisioner import __version__
from provisioner.cli.commands import SECTIONS, names, page
from tests.cli.conftest import Repository

ROOT = Path(__file__).parent.parent.parent
DOCS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
HEAVY = ("typer", "click", "pydantic", "yaml", "rich", "rfc8785", "boto3", "botocore", "ldap3", "deepdiff", "tenacity")
RUN = "import sys; from provisioner.cli.main import main; status = main(sys.argv[1:]);"


def loaded_by(*arguments: str) -> set[str]:
    """The top-level packages in memory after a command."""
    code = RUN + "print(*sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stderr.splitlines()[-1].split())


def test_the_help_page_fits_a_narrow_terminal() -> None:
    assert [line for line in page().splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("argument", ["--help", "-h", "--version"])
def test_help_and_version_load_no_library(argument: str) -> None:
    assert not loaded_by(argument) & set(HEAVY)


def test_validate_loads_no_sdk_and_no_engine() -> None:
    assert not loaded_by("validate", "--format", "json") & {
        "boto3",
        "botocore",
        "ldap3",
        "deepdiff",
        "tenacity",
        "requests",
    }


@pytest.mark.parametrize("name", names())
def test_a_commands_own_help_loads_nothing_but_typer(name: str) -> None:
    assert not loaded_by(name, "--help") & {"yaml", "rich", "rfc8785", "boto3", "ldap3"}


@pytest.mark.parametrize("name", names())
def test_each_command_is_a_file_with_a_function_of_its_name(name: str) -> None:
    python_name = name.replace("-", "_")
    assert callable(getattr(import_module(f"provisioner.cli.{python_name}"), python_name))


def shown_in_docs(command: str) -> str:
    """What docs/commands.md says that `command` prints."""
    found = re.search(rf"```console\n\$ {re.escape(command)}\n(.*?)```", DOCS, re.DOTALL)
    assert found is not None, f"docs/commands.md does not show `{command}`"
    return found[1]


def test_the_documented_help_page_is_the_real_one(repository: Repository) -> None:
    assert shown_in_docs("provision --help") == repository.run("--help").out == page()


@pytest.mark.parametrize("name", names())
def test_the_documented_help_of_each_command_is_the_real_one(name: str, repository: Repository) -> None:
    repository.env.setenv("COLUMNS", "80")
    ran = repository.run(name, "--help")
    assert ran.status == 0
    assert shown_in_docs(f"provision {name} --help") == ran.out


def test_version(repository: Repository) -> None:
    assert repository.run("--version").out == f"provision {__version__}\n"


def test_the_page_fits_a_narrow_terminal() -> None:
    assert all(len(line) <= 92 for line in page().splitlines())
    assert all(not line.endswith(".") for section in SECTIONS.values() for line in section.values())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Usage: provision COMMAND"),
        (["plna"], "Did you mean 'plan'?"),
        (["--bogus"], "No such option: --bogus"),
        (["plan", "--bogus"], "No such option: --bogus"),
        (["plan", "--format", "x"], "error: Invalid value for '--format': 'x' is not one of 'text', 'json'"),
        (["plan", "--format", "yaml"], "--format"),
        (["plan", "stray"], "Got unexpected extra argument"),
        (["plan\x1b[2J"], "No such command"),
    ],
)
def test_wrong_usage_is_64_on_stderr(repository: Repository, arguments: list[str], told: str) -> None:
    ran = repository.run(*arguments)
    assert ran.status == 64
    assert ran.out == ""
    assert told in ran.err
    assert "\x1b" not in ran.err
