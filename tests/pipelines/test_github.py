"""What counts as protection in GitHub Actions, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diagnostics import Severity
from tests.pipelines.small import ACCESS, small

JOB = """
jobs:
  ship:
    runs-on: x
    environment: unguarded{condition}
"""


def codes(told: list[str]) -> list[str]:
    return [t.partition(":")[0] for t in told]


def deploy(on: str, condition: str = "") -> str:
    """A workflow that deploys through an environment which has reviewers and no branch policy."""
    return f"on: {on}" + JOB.format(condition=f"\n    if: {condition}" if condition else "")


@pytest.mark.parametrize(
    ("on", "condition"),
    [
        ("{push: {branches: [main]}}", ""),
        ("{push: {branches: [main, 'release/**']}}", ""),
        ("{push: {branches: ['release/1', '!release/2']}}", ""),
        ("{push: {tags: ['v*']}}", ""),
        ("push", "github.ref == 'refs/heads/main'"),
        ("{push: {branches: ['**']}}", "github.ref_name == 'main' && github.actor != 'x'"),
        ("push", "${{ github.ref == 'refs/heads/main' || startsWith(github.ref, 'refs/heads/release/') }}"),
        ("[push, workflow_dispatch]", "always() && github.ref == 'refs/heads/main'"),
        ("[push, pull_request]", "github.event_name == 'push' && github.ref == 'refs/heads/main'"),
        ("{schedule: [{cron: 0 0 * * *}]}", ""),
        ("push", "false"),
    ],
)
def test_what_keeps_other_branches_out(on: str, condition: str, tmp_path: Path) -> None:
    made = small(tmp_path)
    assert set(codes(made.github(deploy(on, condition)))) <= {"filter-in-the-file-alone"}
    assert made.checked().ok


@pytest.mark.parametrize(
    ("on", "condition", "case"),
    [
        ("push", "", "any branch"),
        ("{push: {branches: [main, dev]}}", "", "the branch `dev`"),
        ("{push: {branches-ignore: [main]}}", "", "any branch"),
        ("{push: {branches: ['re*']}}", "", "branches such as `re*`"),
        ("{push: {tags: ['*']}}", "", "any tag"),
        ("workflow_dispatch", "", "any branch"),
        ("[push, workflow_dispatch]", "github.event_name != 'push' || github.ref == 'refs/heads/main'", "any branch"),
        ("pull_request", "", "pull requests"),
        ("{pull_request: {branches: [main]}}", "", "pull requests"),
        ("merge_group", "", "the merge queue"),
        ("release", "", "any tag"),
        ("push", "github.ref == 'refs/heads/main' || github.actor == 'boss'", "any branch"),
        ("push", "contains(github.ref, 'main')", "any branch"),
        ("push", "contains(github.event.head_commit.message, 'deploy')", "any branch"),
        ("push", "startsWith(github.ref, 'refs/heads/rel')", "the branch `rel`"),
        ("push", "${{ github.ref == 'refs/heads/main' }} ", None),
        ("push", "${{ github.ref == 'refs/heads/main' }} || x", "any branch"),
        ("push", "vars.BRANCH == github.ref_name", "any branch"),
        ("push", "github.ref != 'refs/heads/dev'", "any branch"),
        ("push", "github.ref == 'refs/heads/main' ? 1", "any branch"),
        ("push", "github.ref_name == 'main'", "the tag `main`"),
    ],
)
def test_what_does_not(on: str, condition: str, case: str | None, tmp_path: Path) -> None:
    made = small(tmp_path)
    told = made.github(deploy(on, condition))
    if case is None:
        assert codes(told) == ["filter-in-the-file-alone"]
        return
    assert codes(told) == ["deploy-without-branch-filter"]
    assert f"from {case}" in made.messages()[0]


def test_a_condition_of_a_job_that_is_needed_counts_unless_the_status_is_overruled(tmp_path: Path) -> None:
    text = """
        on: push
        jobs:
          gate: {runs-on: x, if: github.ref == 'refs/heads/main'}
          build: {runs-on: x, needs: gate}
          ship: {runs-on: x, needs: [build], environment: unguarded%s}
        """
    assert small(tmp_path).github(text % "") == [
        "filter-in-the-file-alone: ship: {runs-on: x, needs: [build], environment: unguarded}"
    ]
    assert codes(small(tmp_path).github(text % ", if: always()")) == ["deploy-without-branch-filter"]


def test_the_environments_own_branch_policy_is_enough(tmp_path: Path) -> None:
    assert small(tmp_path).github(deploy("push").replace("unguarded", "production")) == []


@pytest.mark.parametrize("policy", ["all", "[main, dev]", "['*']"])
def test_a_branch_policy_that_lets_more_in_is_none(policy: str, tmp_path: Path) -> None:
    access = ACCESS.replace(
        "{reviewers: {teams: [leads]}, branches: [main]}", f"{{reviewers: {{teams: [a]}}, branches: {policy}}}"
    )
    told = small(tmp_path, access).github(deploy("push").replace("unguarded", "production"))
    assert codes(told) == ["deploy-without-branch-filter"]


def test_no_reviewers_is_no_approval(tmp_path: Path) -> None:
    access = ACCESS.replace("[unguarded]", "[free]")
    told = small(tmp_path, access).github(deploy("{push: {branches: [main]}}").replace("unguarded", "free"))
    assert codes(told) == ["deploy-without-approval", "filter-in-the-file-alone"]


def test_an_environment_that_is_chosen_by_an_expression(tmp_path: Path) -> None:
    """On other branches it is another one, so nothing but main enters production."""
    chosen = "${{ github.ref == 'refs/heads/main' && 'unguarded' || 'staging' }}"
    assert codes(small(tmp_path).github(deploy("push").replace("unguarded", chosen))) == ["filter-in-the-file-alone"]
    unclear = "${{ github.actor == 'boss' && 'unguarded' || 'staging' }}"
    assert codes(small(tmp_path).github(deploy("push").replace("unguarded", unclear))) == [
        "deploy-without-branch-filter"
    ]


def test_a_matrix_and_the_choices_of_a_start_by_hand(tmp_path: Path) -> None:
    matrix = """
        on: push
        jobs:
          ship:
            strategy: {matrix: {to: [staging, unguarded]}}
            environment: ${{ matrix.to }}
        """
    assert codes(small(tmp_path).github(matrix)) == ["deploy-without-branch-filter"]
    assert small(tmp_path).github(matrix.replace(", unguarded", "")) == []
    included = matrix.replace("[staging, unguarded]}", "[staging], include: [{to: unguarded}]}")
    assert codes(small(tmp_path).github(included)) == ["deploy-without-branch-filter"]
    choice = """
        on: {workflow_dispatch: {inputs: {to: {type: choice, options: [staging%s]}}}}
        jobs:
          ship: {environment: "${{ inputs.to }}"}
        """
    assert small(tmp_path).github(choice % "") == []
    assert codes(small(tmp_path).github(choice % ", unguarded")) == ["deploy-without-branch-filter"]


def test_an_environment_that_nobody_can_tell_may_be_a_protected_one(tmp_path: Path) -> None:
    text = "on: workflow_dispatch\njobs:\n  ship: {environment: '${{ inputs.to }}'}\n"
    assert codes(small(tmp_path).github(text)) == ["deploy-without-branch-filter"]


def test_environments_that_the_access_files_do_not_have(tmp_path: Path) -> None:
    text = "on: {push: {branches: [main]}}\njobs:\n  ship: {environment: prodution}\n"
    made = small(tmp_path)
    assert codes(made.github(text)) == ["environment-not-declared"]
    assert "did you mean `production`" in made.checked().diagnostics[0].fix
    unknown_repository = ACCESS.replace("pipelines:\n  site:\n", "pipelines:\n  shop:\n")
    assert small(tmp_path, unknown_repository).github(text) == []
    assert codes(small(tmp_path, unknown_repository).github(text.replace("prodution", "production"))) == [
        "environment-not-declared"
    ]


CALLER = "on: {push: {branches: [%s]}}\njobs:\n  ship:\n    uses: ./.github/workflows/called.yml\n    with: {to: %s}\n"
CALLED = """\
on: {workflow_call: {inputs: {to: {type: string, default: unguarded}}}}
jobs:
  inner: {runs-on: x, environment: "${{ inputs.to }}"}
"""


def test_a_workflow_of_the_repository_is_read_where_it_is_called(tmp_path: Path) -> None:
    made = small(tmp_path)
    made.write(".github/workflows/called.yml", CALLED)
    made.github(CALLER % ("main", "unguarded"))
    assert codes(made.lines(".github/workflows/called.yml")) == ["filter-in-the-file-alone"]
    made.github(CALLER % ("dev", "unguarded"))
    assert codes(made.lines(".github/workflows/called.yml")) == ["deploy-without-branch-filter"]
    made.github(CALLER % ("dev", "staging"))
    assert made.lines(".github/workflows/called.yml") == []
    made.github((CALLER % ("dev", "x")).replace("    with: {to: x}\n", ""))
    assert codes(made.lines(".github/workflows/called.yml")) == ["deploy-without-branch-filter"]


def test_a_condition_before_the_call_counts_with_the_callers_own_words(tmp_path: Path) -> None:
    made = small(tmp_path)
    made.write(".github/workflows/called.yml", CALLED)
    caller = (CALLER % ("dev", "unguarded")).replace("  ship:\n", "  ship:\n    if: github.ref == 'refs/heads/main'\n")
    made.github(caller)
    assert made.lines(".github/workflows/called.yml") == []


def test_a_workflow_of_another_repository_is_not_read(tmp_path: Path) -> None:
    access = ACCESS.replace("{environments: [unguarded]}", "{jobs: [ship]}")
    text = "on: {push: {branches: [main]}}\njobs:\n  ship:\n    uses: acme/ci/.github/workflows/d.yml@v1\n"
    assert small(tmp_path, access).github(text) == [
        "deploy-without-environment: ship:",
        "not-read: uses: acme/ci/.github/workflows/d.yml@v1",
    ]


def test_workflows_that_call_each_other_come_to_an_end(tmp_path: Path) -> None:
    made = small(tmp_path)
    text = "on: [push, workflow_call]\njobs:\n  a: {uses: ./.github/workflows/%s.yml}\n"
    text += "  b: {uses: ./.github/workflows/%s.yml}\n"
    made.write(".github/workflows/one.yml", text % ("two", "two"))
    made.write(".github/workflows/two.yml", text % ("one", "one"))
    assert made.told() == []


# -- strangers

CHECKOUT = """
on: {on}
jobs:
  look:
    runs-on: x{condition}
    steps:
      - uses: actions/checkout@v5
        with:
          ref: {ref}
"""
HEAD = "${{ github.event.pull_request.head.sha }}"
SAME = "github.event.pull_request.head.repo.full_name == github.repository"


def looking(on: str, ref: str = HEAD, condition: str = "") -> str:
    return CHECKOUT.format(on=on, ref=ref, condition=f"\n    if: {condition}" if condition else "")


@pytest.mark.parametrize(
    ("on", "ref", "condition"),
    [
        ("pull_request_target", HEAD, ""),
        ("{pull_request_target: {branches: [main]}}", HEAD, ""),
        ("pull_request_target", "${{ github.head_ref }}", ""),
        ("pull_request_target", "refs/pull/${{ github.event.number }}/merge", ""),
        ("pull_request_target", HEAD, "contains(github.event.pull_request.labels.*.name, 'safe')"),
        ("pull_request_target", HEAD, "github.actor == 'dependabot[bot]'"),
        ("pull_request_target", HEAD, f"{SAME} || github.actor == 'x'"),
        ("pull_request_target", HEAD, "github.repository == 'acme/site'"),
        ("pull_request_target", "${{ steps.x.outputs.sha }}", ""),
        ("workflow_run", "${{ github.event.workflow_run.head_sha }}", ""),
        (
            "workflow_run",
            "${{ github.event.workflow_run.head_sha }}",
            "github.event.workflow_run.conclusion == 'success'",
        ),
        (
            "workflow_run",
            "${{ github.event.workflow_run.head_sha }}",
            "github.event.workflow_run.head_branch == 'main'",
        ),
        ("issue_comment", "${{ steps.x.outputs.sha }}", "github.event.issue.pull_request"),
    ],
)
def test_a_strangers_code_with_secrets(on: str, ref: str, condition: str, tmp_path: Path) -> None:
    assert small(tmp_path).github(looking(on, ref, condition)) == [f"pull-request-checkout: ref: {ref}"]


@pytest.mark.parametrize(
    ("on", "ref", "condition"),
    [
        ("pull_request", HEAD, ""),
        ("[push, pull_request_target]", HEAD, "github.event_name == 'push'"),
        ("pull_request_target", "${{ github.event.pull_request.base.sha }}", ""),
        ("pull_request_target", "${{ github.base_ref || github.ref }}", ""),
        ("pull_request_target", "main", ""),
        ("workflow_run", "${{ github.event.workflow_run.head_sha }}", "github.event.workflow_run.event == 'push'"),
        (
            "workflow_run",
            "${{ github.event.workflow_run.head_sha }}",
            "github.event.workflow_run.head_repository.full_name == github.repository",
        ),
        ("push", HEAD, ""),
    ],
)
def test_where_no_stranger_gets_to(on: str, ref: str, condition: str, tmp_path: Path) -> None:
    assert small(tmp_path).github(looking(on, ref, condition)) == []


OWN_ALONE = [
    SAME,
    "github.repository == github.event.pull_request.head.repo.full_name",
    "${{ !github.event.pull_request.head.repo.fork }}",
    "github.event.pull_request.head.repo.owner.login == 'acme'",
    "github.event.pull_request.head.repo.fork == false && github.actor != 'x'",
]


@pytest.mark.parametrize("condition", OWN_ALONE)
def test_a_branchs_own_code_as_the_default_branchs_run_is_a_warning(condition: str, tmp_path: Path) -> None:
    made = small(tmp_path)
    assert made.github(looking("pull_request_target", HEAD, condition)) == [f"branch-checkout: ref: {HEAD}"]
    assert [d.severity for d in made.checked().diagnostics] == [Severity.WARNING]


def test_a_branchs_own_code_in_an_environment_of_the_default_branch_is_an_error(tmp_path: Path) -> None:
    made, text = small(tmp_path), looking("pull_request_target", HEAD, f"{SAME}\n    environment: staging")
    assert made.github(text) == [f"branch-checkout: ref: {HEAD}"]
    assert [d.severity for d in made.checked().diagnostics] == [Severity.ERROR]
    assert made.github(text.replace(HEAD, "${{ github.event.pull_request.base.sha }}")) == []


@pytest.mark.parametrize(
    "run",
    [
        "gh pr checkout 7",
        "git fetch origin pull/7/head && make",
        "git fetch origin refs/pull/7/merge",
        "git checkout ${{ github.event.pull_request.head.sha }}",
        'git checkout "$SHA"',
    ],
)
def test_a_strangers_code_by_a_script(run: str, tmp_path: Path) -> None:
    text = f"""
        on: pull_request_target
        env: {{SHA: "{HEAD}"}}
        jobs:
          look:
            steps:
              - name: x
                run: {run}
        """
    assert codes(small(tmp_path).github(text)) == ["pull-request-checkout"]


def test_a_composite_action_of_the_repository_is_read(tmp_path: Path) -> None:
    made = small(tmp_path)
    action = "inputs: {ref: {default: main}}\nruns:\n  using: composite\n  steps:\n"
    action += "  - uses: actions/checkout@v5\n    with:\n      ref: ${{ inputs.ref }}\n"
    made.write(".github/actions/get/action.yml", action)
    text = "on: pull_request_target\njobs:\n  look:\n    steps:\n      - uses: ./.github/actions/get\n"
    made.github(text)
    assert made.told() == []
    made.github(text + f'        with: {{ref: "{HEAD}"}}\n')
    assert made.told() == [".github/actions/get/action.yml:7 pull-request-checkout"]


def test_a_step_that_does_not_run_for_strangers(tmp_path: Path) -> None:
    text = looking("pull_request_target") + f"        if: {SAME}\n"
    assert codes(small(tmp_path).github(text)) == ["branch-checkout"]


def test_what_a_workflow_run_follows_decides_whether_strangers_can_start_it(tmp_path: Path) -> None:
    made = small(tmp_path)
    follow = looking("{workflow_run: {workflows: [first]}}", "${{ github.event.workflow_run.head_sha }}")
    made.write(".github/workflows/first.yml", "name: first\non: push\njobs: {}\n")
    assert made.github(follow) == []
    made.write(".github/workflows/first.yml", "name: first\non: [push, pull_request]\njobs: {}\n")
    assert codes(made.github(follow)) == ["pull-request-checkout"]


@pytest.mark.parametrize(
    ("on", "expression", "told"),
    [
        ("issue_comment", "github.event.comment.body", 1),
        ("issues", "github.event.issue.title", 1),
        ("pull_request_target", "github.head_ref", 1),
        ("pull_request_target", "format('{0}', github.event.pull_request.title)", 1),
        ("workflow_run", "github.event.workflow_run.head_branch", 1),
        ("pull_request_target", "github.event.pull_request.number", 0),
        ("pull_request", "github.event.pull_request.title", 0),
        ("push", "github.event.head_commit.message", 0),
    ],
)
def test_a_strangers_words_in_a_script(on: str, expression: str, told: int, tmp_path: Path) -> None:
    script = f"on: {on}\njobs:\n  say:\n    steps:\n      - run: echo ${{{{ {expression} }}}}\n"
    assert codes(small(tmp_path).github(script)) == ["fork-reaches-secrets"] * told
    module = script.replace("run: echo", "uses: actions/github-script@v8\n        with:\n          script:")
    assert codes(small(tmp_path).github(module)) == ["fork-reaches-secrets"] * told
    quoted = script.replace("run: echo", 'run: echo "$X"\n        env:\n          X:')
    assert small(tmp_path).github(quoted) == []


def test_secrets_that_forks_are_given(tmp_path: Path) -> None:
    text = """
        on: pull_request
        jobs:
          a: {env: {A: "${{ secrets.KEY }}", B: "${{ secrets.GITHUB_TOKEN }}"}}
          b: {if: github.event.pull_request.head.repo.full_name == github.repository, env: {A: "${{ secrets.KEY }}"}}
          c: {uses: ./.github/workflows/x.yml, secrets: inherit}
        """
    assert codes(small(tmp_path).github(text)) == ["not-read"]
    given = small(tmp_path, ACCESS.replace("  site:\n    branches", "  site:\n    forks: secrets\n    branches"))
    told = given.github(text)
    assert codes(told) == ["fork-reaches-secrets", "not-read", "fork-reaches-secrets"]
    assert "secrets: inherit" in told[2]
