"""The composite action, and this repository's own workflows, which use it on the sample company."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github/actions/provision"
DEFAULTS = {"access": "access", "comment": "false"}


def run(folder: Path, inputs: dict[str, str], told: tuple[int, ...] = (0,)) -> tuple[int, list[list[str]], str]:
    """run.sh with the action's inputs as action.yml hands them over, and a `provision` that says `told`: the status,
    the arguments of each call, and what was said."""
    commands = folder / "commands"
    commands.mkdir()
    (folder / "told").write_text("".join(f"{status}\n" for status in told))
    script = 'printf "%s\\0" "$@" END >> calls; status=$(head -n 1 told); sed -i 1d told; exit "$status"'
    for name, lines in (("provision", script), ("sleep", "exit 0")):
        (commands / name).write_text(f"#!/bin/sh\n{lines}\n")
        (commands / name).chmod(0o755)
    given = {**dict.fromkeys(action()["inputs"], ""), **DEFAULTS, **inputs}
    step = action()["runs"]["steps"][-1]
    env = {"PATH": f"{commands}:{os.environ['PATH']}"}
    for name, value in step["env"].items():
        env[name] = given[value.removeprefix("${{ inputs.").removesuffix(" }}")]
    ran = subprocess.run(
        ["bash", str(ACTION / "run.sh")], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    calls = (folder / "calls").read_text().split("END\0") if (folder / "calls").exists() else []
    return ran.returncode, [call.split("\0")[:-1] for call in calls if call], ran.stderr


def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ACTION / "action.yml").read_text())
    return found


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"command": "validate", "access": "iam"}, ["validate", "--access=iam"]),
        (
            {"command": "plan", "change": "abc", "base": "HEAD", "comment": "true", "out": "plan.json"},
            ["plan", "--access=access", "--base=HEAD", "--change=abc", "--out=plan.json", "--comment"],
        ),
        (
            {"command": "apply", "reviewed": "pull-request", "base": "abc"},
            ["apply", "--access=access", "--base=abc", "--reviewed=pull-request"],
        ),
        ({"command": "drift", "target": "aws"}, ["drift", "--access=access", "--target=aws", "--detailed-exitcode"]),
        ({"command": "rotate"}, ["rotate", "--access=access", "--due"]),
        ({"command": "approvals", "base": "HEAD^1"}, ["approvals", "--access=access", "--base=HEAD^1"]),
    ],
)
def test_inputs_are_the_commands_options(tmp_path: Path, inputs: dict[str, str], expected: list[str]) -> None:
    assert run(tmp_path, inputs) == (0, [expected], "")


@pytest.mark.parametrize("value", ["$(touch evil)", "`touch evil`", "; touch evil", "--apply", "a b\nc", "${IFS}x*"])
def test_a_value_is_never_run_split_or_taken_for_an_option(tmp_path: Path, value: str) -> None:
    status, calls, _ = run(tmp_path, {"command": "plan", "target": value})
    assert (status, calls) == (0, [["plan", "--access=access", f"--target={value}"]])
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "inputs", [{"command": "offboard"}, {"command": ""}, {"command": "plan; x"}, {"command": "expire", "out": "x"}]
)
def test_what_the_action_does_not_have_is_refused_and_nothing_called(tmp_path: Path, inputs: dict[str, str]) -> None:
    status, calls, said = run(tmp_path, inputs)
    assert (status, calls) == (64, []) and said


@pytest.mark.parametrize(
    ("command", "told", "expected", "calls"),
    [
        ("apply", (6, 6, 3), 3, 3),
        ("apply", (6,) * 12, 6, 10),
        ("expire", (6,), 0, 1),
        ("rotate", (6,), 0, 1),
        ("plan", (6, 0), 6, 1),
    ],
)
def test_a_merge_waits_for_another_run_and_expire_leaves_it_to_the_next(
    tmp_path: Path, command: str, told: tuple[int, ...], expected: int, calls: int
) -> None:
    status, called, _ = run(tmp_path, {"command": command}, told)
    assert (status, len(called)) == (expected, calls)


def test_every_input_goes_through_the_environment() -> None:
    steps = action()["runs"]["steps"]
    assert not any("${{" in step.get("run", "") for step in steps)
    handed = str(steps[-1]["env"]) + steps[-1]["working-directory"]
    assert all(f"inputs.{name} " in handed for name in action()["inputs"])


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-actions", [ACTION / "action.yml"]),
        ("vendor.github-workflows", sorted((ROOT / ".github/workflows").glob("*.yml"))),
    ],
)
def test_ours_are_valid_by_the_published_schema(schema: str, files: list[Path]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_audit_finds_nothing_in_ours_and_is_told_to_ignore_nothing() -> None:
    command = [str(Path(sys.executable).parent / "zizmor"), "--offline", "--format", "plain", str(ROOT / ".github")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert " ignored" not in ran.stdout + ran.stderr


def test_our_own_rules_find_nothing_in_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-pipeline", str(ROOT), "--access", str(ROOT / "access")]) == 0
    assert capsys.readouterr().out == ""


def test_our_workflow_gives_the_sample_company_no_secret_and_no_right_to_write() -> None:
    text = (ROOT / ".github/workflows/access.yml").read_text()
    (job,) = yaml.safe_load(text)["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    assert "secrets." not in text and "token" not in text
    used = [step["with"]["command"] for step in job["steps"] if step.get("uses", "").startswith("$/")]
    assert used == ["validate", "check-pipeline", "plan"]
