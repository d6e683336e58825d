"""The pipelines that `init` writes: valid, audited by others, clean by our own rules, and right step by step."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.files.circleci_config import CONFIG, circleci_config
from provisioner.files.github_workflows import CHECK, DRIFT, EXPIRE, MAIN, PLAN, ROTATE, github_workflows
from tests.cli.conftest import Repository

SCRIPTS = Path(sys.executable).parent
ZIZMOR_IGNORE = " # zizmor: ignore[dangerous-triggers] nothing of the change is checked out or run"
CONTEXTS = """\
targets:
  ci:
    provider: circleci
    organization: gh/acme
    token: {env: CIRCLECI_TOKEN}
    contexts:
      access-plan: {open_to: {projects: [access]}}
      access-apply: {open_to: {groups: [leads], expressions: ['pipeline.git.branch == "main"']}}
      access-expire: {open_to: {expressions: ['pipeline.git.branch == "main"']}}
"""


def loaded(text: str) -> dict[str, Any]:
    """A workflow or configuration; YAML 1.1 reads the key `on` as true."""
    found: dict[str, Any] = {("on" if k is True else k): v for k, v in yaml.safe_load(text).items()}
    return found


@pytest.fixture
def github() -> dict[str, dict[str, Any]]:
    return {path: loaded(text) for path, text in github_workflows("access", "trunk", "0.1.0").items()}


@pytest.fixture
def written(repository: Repository) -> Repository:
    """A repository with what `init` writes for both systems."""
    for path, text in (github_workflows("access", "main", "1.0") | circleci_config("access", "main", "1.0")).items():
        repository.write(path, text)
    return repository


def steps(job: dict[str, Any], name: str) -> dict[str, Any]:
    """The step of that name."""
    found: dict[str, Any] = next(step for step in job["steps"] if step.get("name") == name)
    return found


# By others


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(SCRIPTS / "zizmor"), "--offline", "--format", "plain", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_workflows_pass_the_audit_that_ours_pass(written: Repository) -> None:
    ran = zizmor(written.root / ".github")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 ignored" in ran.stdout + ran.stderr


def test_the_one_thing_that_the_audit_is_told_to_ignore_is_the_trigger_of_the_plan(written: Repository) -> None:
    text = (written.root / PLAN).read_text()
    assert text.count("zizmor: ignore") == 1
    written.write(PLAN, text.replace(ZIZMOR_IGNORE, ""))
    ran = zizmor(written.root / ".github")
    assert ran.returncode != 0
    assert set(re.findall(r"^(?:error|warning|help|info)\[([a-z-]+)\]", ran.stdout, re.MULTILINE)) == {
        "dangerous-triggers"
    }


@pytest.mark.parametrize(
    ("schema", "made"),
    [("vendor.github-workflows", github_workflows), ("vendor.circle-ci", circleci_config)],
)
@pytest.mark.parametrize(("access", "branch"), [("access", "main"), ("iam/files", "release/1.0"), ("access", "1.0")])
def test_they_are_valid_by_the_published_schema(
    tmp_path: Path, schema: str, made: Any, access: str, branch: str
) -> None:
    files = []
    for number, text in enumerate(made(access, branch, "0.1.0").values()):
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_our_own_rules_find_nothing(written: Repository) -> None:
    written.write("access/ci.yaml", CONTEXTS)
    ran = written.run("check-pipeline")
    assert (ran.status, ran.out) == (0, ""), ran.out
    assert "4 files of CI configuration read" in ran.err


@pytest.mark.parametrize(
    ("path", "was", "broken", "code"),
    [
        (PLAN, 'ref: "main"', "ref: ${{ github.event.pull_request.head.sha }}", "branch-checkout"),
        (CONFIG, "context: access-plan", "context: other", "context-not-declared"),
    ],
)
def test_our_own_rules_would_find_what_must_not_be(
    written: Repository, path: str, was: str, broken: str, code: str
) -> None:
    written.write("access/ci.yaml", CONTEXTS)
    text = (written.root / path).read_text()
    assert was in text
    written.write(path, text.replace(was, broken))
    ran = written.run("check-pipeline")
    assert (ran.status, f"error[{code}]" in ran.out) == (1, True), ran.out


# GitHub: who gets what


def test_nothing_is_allowed_that_a_job_does_not_ask_for_and_all_is_pinned(github: dict[str, dict[str, Any]]) -> None:
    for workflow in github.values():
        assert workflow["permissions"] == {}
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step.get("uses", f"a/b@{'0' * 40}"))
                with_ = step.get("with", {})
                if "checkout" in step.get("uses", ""):
                    assert (with_["fetch-depth"], with_["persist-credentials"]) == (0, False)
                assert "${{" not in step.get("run", "")


def test_what_runs_as_the_change_has_it_has_nothing_to_misuse(github: dict[str, dict[str, Any]]) -> None:
    check = github[CHECK]
    assert set(check["on"]) == {"pull_request", "pull_request_review", "merge_group"}
    assert "secrets" not in str(check)
    for job in check["jobs"].values():
        assert "environment" not in job
        assert set(job["permissions"].values()) == {"read"}


def test_the_plan_is_the_branchs_own_job_with_the_branch_alone_checked_out(github: dict[str, dict[str, Any]]) -> None:
    plan = github[PLAN]
    assert plan["on"] == {"pull_request_target": {"branches": ["trunk"]}, "merge_group": None}
    job = plan["jobs"]["plan"]
    same = "github.event.pull_request.head.repo.full_name == github.repository"
    assert job["if"] == f"github.event_name == 'pull_request_target' && {same}"
    assert job["environment"] == "access-plan"
    assert job["permissions"] == {"contents": "read", "id-token": "write", "pull-requests": "write"}
    refs = [step["with"].get("ref") for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert refs == ["trunk"]
    assert steps(job, "Plan")["run"] == 'provision plan --change "$CHANGE" --base HEAD --comment --out plan.json'


def test_who_writes_does_so_on_the_branch_alone_from_its_newest_commit(github: dict[str, dict[str, Any]]) -> None:
    main = github[MAIN]
    assert main["on"]["push"]["branches"] == ["trunk"]
    assert [one["cron"] for one in main["on"]["schedule"]] == [EXPIRE, DRIFT, ROTATE]
    jobs = main["jobs"]
    assert {name: job["environment"] for name, job in jobs.items()} == {
        "apply": "access-apply",
        "expire": "access-expire",
        "drift": "access-plan",
        "rotate": "access-expire",
    }
    for job in jobs.values():
        assert job["if"].endswith("github.ref == 'refs/heads/trunk'")
        assert job["steps"][0]["with"]["ref"] == "trunk"
    assert len({jobs[name]["concurrency"]["group"] for name in ("apply", "expire", "rotate")}) == 3
    assert f"github.event.schedule == '{EXPIRE}'" in jobs["expire"]["if"]
    assert f"github.event.schedule == '{DRIFT}'" in jobs["drift"]["if"]
    assert f"github.event.schedule == '{ROTATE}'" in jobs["rotate"]["if"]


def test_a_merge_queue_waits_for_no_check_that_never_comes(github: dict[str, dict[str, Any]]) -> None:
    """Each required check is a job of a workflow that `merge_group` starts: it runs there, or is skipped: passed."""
    check, plan = github[CHECK], github[PLAN]
    for workflow in (check, plan):
        assert "merge_group" in workflow["on"]
        assert "github.ref" in workflow.get("concurrency", {}).get("group", "github.ref")  # two entries are two groups
    assert check["jobs"]["validate"]["if"] == "github.event_name != 'pull_request_review'"
    assert "if" not in check["jobs"]["approvals"]
    base = steps(check["jobs"]["approvals"], "Approvals")["env"]["BASE"]
    assert base == "${{ github.event.merge_group.base_sha || 'HEAD^1' }}"


# What the steps do


def run_step(folder: Path, script: str, told: list[int], **environment: str) -> tuple[int, list[str]]:
    """A step in bash, with a `provision` that says `told`, one status a call: the step's status, and the calls."""
    commands = folder / "commands"
    commands.mkdir()
    (folder / "told").write_text("".join(f"{status}\n" for status in told))
    for name, lines in {
        "provision": 'echo "$@" >> calls; status=$(head -n 1 told); sed -i 1d told; exit "$status"',
        "sleep": "exit 0",
        "git": 'echo "git $*" >> gits; echo the-base',
    }.items():
        (commands / name).write_text(f"#!/bin/sh\n{lines}\n")
        (commands / name).chmod(0o755)
    env = {"PATH": f"{commands}:{os.environ['PATH']}", **environment}
    ran = subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=env, check=False)
    return ran.returncode, (folder / "calls").read_text().splitlines()


LOCKED = [
    ("apply", [6, 6, 0], 0, 3),
    ("apply", [6, 8], 8, 2),
    ("apply", [3], 3, 1),
    ("apply", [6] * 20, 6, 10),
    ("expire", [6], 0, 1),
    ("expire", [8], 8, 1),
    ("expire", [0], 0, 1),
    ("rotate", [6], 0, 1),
    ("rotate", [3], 3, 1),
]


@pytest.mark.parametrize(("job", "told", "expected", "calls"), LOCKED)
def test_who_meets_another_run_waits_or_leaves_it_to_the_next(
    github: dict[str, dict[str, Any]], tmp_path: Path, job: str, told: list[int], expected: int, calls: int
) -> None:
    script = steps(github[MAIN]["jobs"][job], job.title())["run"]
    status, called = run_step(tmp_path, script, told, BASE="abc", REVIEWED="--reviewed=pull-request")
    assert (status, len(called)) == (expected, calls)


@pytest.mark.parametrize(
    ("reviewed", "called"),
    [("--reviewed=pull-request", "apply --reviewed=pull-request --base abc"), ("", "apply --base abc")],
)
def test_a_merge_applies_what_was_reviewed_and_somebody_by_hand_all(
    github: dict[str, dict[str, Any]], tmp_path: Path, reviewed: str, called: str
) -> None:
    script = steps(github[MAIN]["jobs"]["apply"], "Apply")["run"]
    assert run_step(tmp_path, script, [0], BASE="abc", REVIEWED=reviewed) == (0, [called])


def circle_step(job: str) -> str:
    found = loaded(circleci_config("access", "main", "0.1.0")[CONFIG])["jobs"][job]
    script: str = next(s["run"]["command"] for s in found["steps"] if isinstance(s, dict) and "command" in str(s))
    return script


@pytest.mark.parametrize(
    ("job", "environment", "told", "expected", "called"),
    [
        ("plan", {"CIRCLE_SHA1": "abc"}, [0], 0, ["plan --change abc --base origin/main"]),
        (
            "plan",
            {"CIRCLE_SHA1": "abc", "CIRCLE_PULL_REQUEST": "https://github.com/a/b/pull/1"},
            [3],
            3,
            ["plan --change abc --base origin/main --comment"],
        ),
        ("plan-merged", {"BASE": "abc"}, [5], 5, ["plan --base abc --out plan.json"]),
        ("plan-merged", {"BASE": ""}, [5], 5, ["plan --base HEAD^1 --out plan.json"]),
        ("apply", {"BASE": "abc"}, [6, 0], 0, ["apply --reviewed /tmp/reviewed/plan.json --base the-base"] * 2),
        ("expire", {}, [6], 0, ["expire"]),
        ("expire", {}, [8], 8, ["expire"]),
        ("rotate", {}, [6], 0, ["rotate --due"]),
        ("rotate", {}, [3], 3, ["rotate --due"]),
    ],
)
def test_circleci_does_the_same(
    tmp_path: Path, job: str, environment: dict[str, str], told: list[int], expected: int, called: list[str]
) -> None:
    assert run_step(tmp_path, circle_step(job), told, **environment) == (expected, called)


def test_on_circleci_a_forks_branch_gets_no_context_and_apply_waits_for_somebody() -> None:
    flows = loaded(circleci_config("access", "main", "0.1.0")[CONFIG])["workflows"]
    plan = next(job["plan"] for job in flows["change"]["jobs"] if "plan" in job)
    assert plan["filters"]["branches"]["ignore"] == ["main", r"/pull\/.*/"]
    merge = {name: job for one in flows["merge"]["jobs"] if isinstance(one, dict) for name, job in one.items()}
    assert merge["approve"]["type"] == "approval"
    assert merge["apply"]["requires"] == ["approve"] and "serial-group" in merge["apply"]
    contexts = {name: job["context"] for flow in flows.values() for one in flow["jobs"] if isinstance(one, dict)
                for name, job in one.items() if "context" in job}  # fmt: skip
    assert contexts == {
        "plan": "access-plan",
        "plan-merged": "access-plan",
        "apply": "access-apply",
        "expire": "access-expire",
        "drift": "access-plan",
        "rotate": "access-expire",
    }


@pytest.mark.parametrize("made", [github_workflows, circleci_config])
def test_every_option_that_a_pipeline_gives_is_one_that_the_command_has(repository: Repository, made: Any) -> None:
    text = "\n".join(made("access", "main", "0.1.0").values())
    found = re.findall(r"\bprovision (validate|plan|apply|expire|drift|rotate|approvals)\b([^\n|]*)", text)
    assert len(found) >= 6
    for command, rest in found:
        shown = repository.run(command, "--help").out
        for option in re.findall(r"(?<=\s)--[a-z-]+", rest):
            assert option in shown, f"{command} {option}"


# The documented workflow that proposes what a directory says


def follow(tmp_path: Path) -> Path:
    page = (Path(__file__).resolve().parents[2] / "docs/sources.md").read_text(encoding="utf-8")
    workflow = tmp_path / "repository/.github/workflows/follow.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("name: follow" + page.partition("```yaml\nname: access follow")[2].partition("```")[0])
    return workflow


def test_the_workflow_that_follows_a_directory_is_valid_and_passes_the_audit(tmp_path: Path) -> None:
    workflow = follow(tmp_path)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(workflow)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    ran = zizmor(workflow.parents[1])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    job = loaded(workflow.read_text())["jobs"]["pull"]
    pins = [step["uses"] for step in job["steps"] if "uses" in step]
    assert pins and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", pin) for pin in pins)


PROPOSED = [  # is there a branch on GitHub, and is it the same; is a pull request open; what is done then
    ("", "0", ["push --force origin follow-corp", "pr create"]),
    ("same", "1", []),
    ("other", "1", ["push --force origin follow-corp"]),
    ("same", "0", ["pr create"]),
]


@pytest.mark.parametrize(("pushed", "opened", "done"), PROPOSED)
def test_what_a_directory_says_is_proposed_once(tmp_path: Path, pushed: str, opened: str, done: list[str]) -> None:
    script = steps(loaded(follow(tmp_path).read_text())["jobs"]["pull"], "Pull")["run"]
    git, work = tmp_path / "origin.git", tmp_path / "work"

    def run(*words: str) -> None:
        subprocess.run(["git", *words], cwd=work, check=True, capture_output=True)

    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(git)], check=True)
    subprocess.run(["git", "clone", "-q", str(git), str(work)], check=True, capture_output=True)
    for name in ("user.name", "user.email"):
        run("config", name, "x@example.com")
    (work / "access").mkdir()
    (work / "access/a.yaml").write_text("old\n")
    run("add", ".")
    run("commit", "-qm", "one")
    run("push", "-q", "origin", "main")
    if pushed:
        (work / "access/a.yaml").write_text("new\n" if pushed == "same" else "newer\n")
        run("commit", "-qam", "earlier")
        run("push", "-q", "origin", "HEAD:follow-corp")
        run("reset", "-q", "--hard", "origin/main")
    commands = tmp_path / "commands"
    commands.mkdir()
    for name, lines in {
        "provision": 'git checkout -qb "$4" && echo new > access/a.yaml && git commit -qam x && git checkout -q main',
        "gh": f'case "$1 $2" in "pr list") echo {opened};; "pr create") echo "pr create" >> "$DONE";; esac',
        "git": '[ "$1" != push ] || echo "$*" >> "$DONE"; exec "$GIT" "$@"',
    }.items():
        (commands / name).write_text(f"#!/bin/sh\n{lines}\n")
        (commands / name).chmod(0o755)
    env = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "DONE": str(tmp_path / "done")}
    env["GIT"] = shutil.which("git") or ""
    (tmp_path / "done").touch()
    ran = subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=work, env=env, check=False, capture_output=True)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "done").read_text().splitlines() == done
    shown = subprocess.run(["git", "--git-dir", str(git), "show", "follow-corp:access/a.yaml"], capture_output=True)
    assert shown.stdout == b"new\n"


def test_gitlabs_example_is_valid_by_the_published_schema(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/pipeline.md").read_text(encoding="utf-8")
    example = page.partition("## GitLab CI\n\n```yaml\n")[2].partition("```")[0]
    (tmp_path / "ci.yml").write_text(example)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"]
    ran = subprocess.run([*command, str(tmp_path / "ci.yml")], capture_output=True, text=True, check=False)
    assert example and ran.returncode == 0, ran.stdout + ran.stderr
