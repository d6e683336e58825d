"""What counts as protection in CircleCI, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.small import ACCESS, small

HOLD = "- hold: {type: approval}\n"


def deploy(filters: str = "", when: str = "") -> str:
    """A workflow whose only question is from where it deploys."""
    return (
        f"when: {when}\n" if when else ""
    ) + f"jobs:\n- hold: {{type: approval}}\n- ship: {{requires: [hold], context: release{filters}}}\n"


SHIP = "deploy-without-branch-filter: - ship: "


@pytest.mark.parametrize(
    "filters",
    [
        "{branches: {only: main}}",
        "{branches: {only: [main, release/1]}}",
        r"{branches: {only: '/release\/.*/'}}",
        r"{branches: {only: ['/^main$/', '/^release\/.+$/']}}",
        "{branches: {ignore: /.*/}, tags: {only: /v.*/}}",
        "{branches: {only: main}, tags: {only: v1}}",
        """'pipeline.git.branch == "main"'""",
        """'pipeline.git.branch == "main" and not job.ssh.enabled'""",
        """'pipeline.git.branch starts-with "release/" or pipeline.git.branch == "main"'""",
    ],
)
def test_filters_that_let_in_what_is_allowed(filters: str, tmp_path: Path) -> None:
    assert small(tmp_path).circleci(deploy(f", filters: {filters}")) == []


@pytest.mark.parametrize(
    ("filters", "case"),
    [
        ("{branches: {only: [main, develop]}}", "the branch `develop`"),
        ("{branches: {only: /.*/}}", "any branch"),
        ("{branches: {only: /main.*/}}", "branches such as `/main.*/`"),
        ("{branches: {only: /maina*/}}", "branches such as `/maina*/`"),
        ("{branches: {only: /(main|x)/}}", "branches such as `/(main|x)/`"),
        ("{branches: {ignore: main}}", "any branch"),
        ("{branches: {only: main}, tags: {ignore: x}}", "any tag"),
        ("{branches: {only: main}, tags: {only: /.*/}}", "any tag"),
        ("{tags: {only: /v.*/}}", "any branch"),
        ("""'pipeline.git.branch != "x"'""", "any branch"),
        ("""'pipeline.git.branch == "main" or pipeline.git.branch == "x"'""", "the branch `x`"),
        ("""'pipeline.git.branch starts-with "rel"'""", "the branch `rel`"),
        ("""'pipeline.git.branch matches /main/'""", "any branch"),
        ("""'pipeline.parameters.go == "main"'""", "any branch"),
    ],
)
def test_filters_that_let_in_more(filters: str, case: str, tmp_path: Path) -> None:
    made = small(tmp_path)
    (told,) = made.circleci(deploy(f", filters: {filters}"))
    assert told.startswith("deploy-without-branch-filter")
    assert f"from {case}" in made.messages()[0]


@pytest.mark.parametrize(
    "when",
    [
        "{equal: [main, << pipeline.git.branch >>]}",
        "{and: [{equal: [main, << pipeline.git.branch >>]}, << pipeline.parameters.go >>]}",
        "{or: [{equal: [main, << pipeline.git.branch >>]}, {equal: [<< pipeline.git.branch >>, release/7]}]}",
        "{matches: {pattern: ^main$, value: << pipeline.git.branch >>}}",
        "{not: {not: {equal: [main, << pipeline.git.branch >>]}}}",
        """'pipeline.git.branch == "main"'""",
    ],
)
def test_conditions_of_the_workflow_that_keep_others_out(when: str, tmp_path: Path) -> None:
    assert small(tmp_path).circleci(deploy(when=when)) == []


@pytest.mark.parametrize(
    "when",
    [
        "<< pipeline.parameters.go >>",
        "{equal: [main, << pipeline.parameters.branch >>]}",
        "{or: [{equal: [main, << pipeline.git.branch >>]}, << pipeline.parameters.force >>]}",
        "{matches: {pattern: main, value: << pipeline.git.branch >>}}",
        "{not: {equal: [main, << pipeline.git.branch >>]}}",
        "{something: [main]}",
    ],
)
def test_conditions_that_do_not(when: str, tmp_path: Path) -> None:
    told = small(tmp_path).circleci(deploy(when=when))
    assert [t.partition(":")[0] for t in told] == ["deploy-without-branch-filter"]


def test_a_schedule_runs_for_its_own_branches_alone(tmp_path: Path) -> None:
    for branch, expected in (("main", 0), ("develop", 1)):
        triggers = f"triggers: [{{schedule: {{cron: 0 0 * * *, filters: {{branches: {{only: [{branch}]}}}}}}}}]\n"
        assert len(small(tmp_path).circleci(triggers + deploy())) == expected


def test_an_approval_counts_however_far_before_it_stands(tmp_path: Path) -> None:
    workflow = """\
        jobs:
        - hold: {type: approval}
        - build: {requires: [hold]}
        - test: {requires: [build]}
        - ship: {requires: [test], context: release, filters: {branches: {only: main}}}
        """
    assert small(tmp_path).circleci(workflow) == []


@pytest.mark.parametrize("link", ["hold: failed", "hold: [success, failed]", "hold: terminal", "hold: canceled"])
def test_an_approval_that_need_not_succeed_does_not_count(link: str, tmp_path: Path) -> None:
    workflow = f"""\
        jobs:
        - hold: {{type: approval}}
        - ship: {{requires: [{{{link}}}], context: release, filters: {{branches: {{only: main}}}}}}
        """
    told = small(tmp_path).circleci(workflow)
    assert [t.partition(":")[0] for t in told] == ["deploy-without-approval"]


def test_jobs_that_wait_for_each_other_are_no_approval_and_no_endless_search(tmp_path: Path) -> None:
    workflow = """\
        jobs:
        - one: {requires: [two]}
        - two: {requires: [one]}
        - ship: {requires: [two], context: release, filters: {branches: {only: main}}}
        """
    told = small(tmp_path).circleci(workflow)
    assert [t.partition(":")[0] for t in told] == ["deploy-without-approval"]


def test_waiting_for_a_job_that_is_not_there(tmp_path: Path) -> None:
    told = small(tmp_path).circleci("jobs:\n- build: {requires: [biuld]}\n")
    assert told == ["pipeline-shape: - build: {requires: [biuld]}"]


def test_contexts_of_every_job_are_looked_at(tmp_path: Path) -> None:
    workflow = """\
        jobs:
        - a: {context: team}
        - b: {context: [team, open]}
        - c: {context: tema}
        - d: {context: shared}
        """
    made = small(tmp_path)
    assert made.circleci(workflow) == [
        "context-unrestricted: - b: {context: [team, open]}",
        "context-not-declared: - c: {context: tema}",
    ]
    assert "did you mean `team`" in made.checked().diagnostics[1].fix


def test_a_protected_environment_asks_for_more_than_a_project(tmp_path: Path) -> None:
    told = small(tmp_path).circleci(
        deploy(", filters: {branches: {only: main}}").replace("release", "release-loose", 1)
    )
    assert [t.partition(":")[0] for t in told] == ["context-unrestricted"]


def test_a_matrix_is_multiplied_out(tmp_path: Path) -> None:
    workflow = """\
        jobs:
        - ship:
            name: ship-<< matrix.to >>
            matrix:
              parameters: {to: [team, release], size: [s, m]}
              exclude: [{to: release, size: m}]
            context: << matrix.to >>
            filters: {branches: {only: main}}
        """
    made = small(tmp_path)
    assert made.circleci(workflow) == ["deploy-without-approval: - ship:"]
    assert made.messages() == ["the job `ship-release` deploys to `production`, and nobody approves it first"]


def test_the_choices_of_a_parameter_are_all_looked_at(tmp_path: Path) -> None:
    made = small(tmp_path)
    made.circleci("jobs: [{ship: {context: << pipeline.parameters.to >>}}]")
    config = made.root / ".circleci/config.yml"
    text = config.read_text()
    assert [t.partition(":")[0] for t in made.lines(".circleci/config.yml")] == ["context-not-declared"]
    config.write_text(text + "\nparameters: {to: {type: enum, enum: [team, release], default: team}}\n")
    assert {t.partition(":")[0] for t in made.lines(".circleci/config.yml")} == {
        "deploy-without-approval",
        "deploy-without-branch-filter",
    }


def test_a_name_that_a_parameter_completes_may_be_the_one_that_deploys(tmp_path: Path) -> None:
    access = ACCESS.replace("{environments: [unguarded]}", "{jobs: [ship-production]}")
    told = small(tmp_path, access).circleci("jobs: [{ship: {name: ship-<< pipeline.parameters.to >>}}]")
    assert "deploy-without-context" in {t.partition(":")[0] for t in told}


def test_anchors_and_merge_keys_are_followed_to_where_the_words_stand(tmp_path: Path) -> None:
    made = small(tmp_path)
    made.write(
        ".circleci/config.yml",
        "version: 2.1\n"
        "x: &shared\n  context: open\n  filters: {branches: {only: main}}\n"
        "workflows:\n  w:\n    jobs:\n    - a: {<<: *shared}\n    - b: {<<: [*shared], context: team}\n",
    )
    assert made.lines(".circleci/config.yml") == ["context-unrestricted: context: open"]


def test_orbs_are_not_read_and_it_is_said_what_they_are_given(tmp_path: Path) -> None:
    made = small(tmp_path)
    made.write(
        ".circleci/config.yml",
        "version: 2.1\norbs:\n  cloud: acme/cloud@1.2.3\n  mine: {jobs: {x: {}}}\n"
        "workflows: {w: {jobs: [cloud/push: {context: team}, mine/x]}}\n",
    )
    assert made.lines(".circleci/config.yml") == ["not-read: cloud: acme/cloud@1.2.3"]
    assert made.checked().ok
    assert "`acme/cloud@1.2.3`" in made.messages()[0]
    assert "given the variables of `team`" in made.messages()[0]


def test_a_setup_configuration_is_followed_to_the_file_that_it_names(tmp_path: Path) -> None:
    made = small(tmp_path)
    made.write(".circleci/config.yml", "version: 2.1\nsetup: true\nworkflows: {s: {jobs: [x]}}\n")
    assert made.lines(".circleci/config.yml") == ["not-read: setup: true"]
    made.write(
        ".circleci/config.yml",
        "version: 2.1\nsetup: true\nworkflows: {s: {jobs: [go/on: {configuration_path: .circleci/more.yml}]}}\n",
    )
    made.write(".circleci/more.yml", "version: 2.1\nworkflows: {w: {jobs: [a: {context: open}]}}\n")
    assert made.lines(".circleci/more.yml") == ["context-unrestricted: workflows: {w: {jobs: [a: {context: open}]}}"]


def test_forks_that_get_secrets_reach_contexts_without_groups(tmp_path: Path) -> None:
    workflow = """\
        jobs:
        - a: {context: shared}
        - b: {context: team}
        - c: {context: shared, filters: {branches: {only: main}}}
        - d: {context: shared, filters: 'pipeline.git.branch == "main"'}
        """
    assert small(tmp_path).circleci(workflow) == []
    told = small(tmp_path, ACCESS.replace("  site:\n    branches", "  site:\n    forks: secrets\n    branches"))
    assert told.circleci(workflow) == ["fork-reaches-secrets: - a: {context: shared}"]


def test_a_file_that_is_no_configuration_does_not_pass_for_a_good_one(tmp_path: Path) -> None:
    made = small(tmp_path)
    (told,) = made.checked("access/all.yaml").diagnostics
    assert told.code == "pipeline-shape" and "it is no CI configuration" in told.message
    made.write("parts.yml", "commands: {greet: {steps: [run: echo]}}\n")
    assert not made.checked("parts.yml").diagnostics
