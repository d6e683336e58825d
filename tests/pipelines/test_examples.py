"""The worked examples are clean, and each way of breaking them is told with its line."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.pipelines.examples import EXAMPLES, copy_of

CI = ".circleci/config.yml"
SITE = ".github/workflows/site.yml"
RELEASE = ".github/workflows/release.yml"
PUBLISH = ".github/workflows/publish.yml"
GREET = ".github/workflows/greet.yml"
TEST = ".github/workflows/test.yml"
TARGETS = "access/targets.yaml"


@pytest.mark.parametrize("name", sorted(p.parent.name for p in EXAMPLES.glob("*/.github")))
def test_a_worked_example_is_clean(name: str, tmp_path: Path) -> None:
    checked = copy_of(name, tmp_path).checked()
    assert checked.diagnostics == ()
    assert any(file.startswith(".circleci/") for file in checked.files)
    assert any(file.startswith(".github/") for file in checked.files)


class Broken(NamedTuple):
    """One change of an example, and the line and code that it must be told by."""

    example: str
    file: str
    old: str
    new: str
    told: str
    code: str
    at: str = ""
    """The file that it is told in, where it is not the one that was changed."""
    nth: int = 1


DEPLOY = """\
          requires: [hold-production]
          context: [release-prod]
          filters: *main-only
"""
BROKEN = {
    "no approval": Broken(
        "regulated", CI, "[hold-production]", "[scan]", "requires: [scan]", "deploy-without-approval"
    ),
    "approval that did not succeed": Broken(
        "regulated",
        CI,
        "requires: [hold-production]",
        "requires: [hold-production: failed]",
        "[hold-production: failed]",
        "deploy-without-approval",
    ),
    "no context": Broken(
        "regulated", CI, "          context: [release-prod]\n", "", "- deploy:", "deploy-without-context"
    ),
    "another context": Broken(
        "regulated", CI, "[release-prod]", "[security]", "context: [security]", "deploy-without-context", nth=2
    ),
    "no branch filter": Broken(
        "regulated", CI, "          filters: *main-only\n", "", "- deploy:", "deploy-without-branch-filter"
    ),
    "one branch too many": Broken(
        "regulated",
        CI,
        "          filters: *main-only\n",
        "          filters:\n            branches: {only: [main, hotfix]}\n",
        "only: [main, hotfix]",
        "deploy-without-branch-filter",
    ),
    "a filter that only leaves out": Broken(
        "regulated",
        CI,
        "          filters: *main-only\n",
        "          filters:\n            branches: {ignore: [develop]}\n",
        "ignore: [develop]",
        "deploy-without-branch-filter",
    ),
    "tags as well": Broken(
        "regulated",
        CI,
        "          filters: *main-only\n",
        "          filters:\n            branches: {only: main}\n            tags: {only: /.*/}\n",
        "tags: {only: /.*/}",
        "deploy-without-branch-filter",
    ),
    "a job renamed": Broken(
        "regulated",
        CI,
        "name: deploy-production",
        "name: ship-production",
        "jobs: [deploy-production, publish]",
        "deploy-job-missing",
        at="access/pipelines.yaml",
    ),
    "a context that is not declared": Broken(
        "regulated", CI, "context: [test]", "context: [tests]", "[tests]", "context-not-declared"
    ),
    "a context that whoever starts it names": Broken(
        "regulated",
        CI,
        "context: [security]",
        "context: [<< pipeline.parameters.which >>]",
        "<< pipeline.parameters.which >>",
        "context-not-declared",
    ),
    "a context open to everyone": Broken(
        "regulated",
        TARGETS,
        "test: {open_to: {groups: [developers], projects: [site]}, environment: test}",
        "test: {open_to: everyone, environment: test}",
        "context: [test]",
        "context-unrestricted",
        at=CI,
    ),
    "no environment": Broken(
        "regulated", SITE, "    environment: production\n", "", "  publish:", "deploy-without-environment"
    ),
    "an environment that is not declared": Broken(
        "open-source",
        RELEASE,
        "environment: release",
        "environment: relase",
        "environment: ${{",
        "environment-not-declared",
        at=PUBLISH,
    ),
    "an environment without reviewers": Broken(
        "regulated",
        TARGETS,
        "            reviewers: {teams: [delivery-managers]}\n",
        "",
        "environment: production",
        "deploy-without-approval",
        at=SITE,
    ),
    "the pull request checked out": Broken(
        "open-source",
        GREET,
        "    steps:\n",
        "    steps:\n      - uses: actions/checkout@v5\n"
        "        with:\n          ref: ${{ github.event.pull_request.head.sha }}\n",
        "ref: ${{",
        "pull-request-checkout",
    ),
    "a stranger's text in a script": Broken(
        "open-source",
        GREET,
        "run: gh issue comment",
        'run: echo "${{ github.event.issue.title }}"; gh issue comment',
        "github.event.issue.title",
        "fork-reaches-secrets",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_way_of_breaking_it_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    broken = BROKEN[name]
    example = copy_of(broken.example, tmp_path)
    example.change(broken.file, broken.old, broken.new)
    if broken.code == "pull-request-checkout":
        example.change(GREET, "  issues:\n    types: [opened]\n", "  pull_request_target:\n")
    file = broken.at or broken.file
    place = f"{file}:{example.line(file, broken.told, broken.nth)} {broken.code}"
    told = example.told()
    assert told == [place]
