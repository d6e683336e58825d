"""The worked examples of the documentation, from the first plan to a leaving, on the organization each is about."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.cli.main import main
from provisioner.cli.sample import commit, new_repository
from provisioner.sandbox.forge import Forge
from provisioner.sandbox.postgres import missing_reason
from provisioner.sandbox.schemes import EXAMPLES
from provisioner.sandbox.warehouse import Warehouse
from tests.rigs.need import need
from tests.rigs.specs import Checked


@dataclass
class Ran:
    """What one command came to."""

    status: int
    out: str


@dataclass
class Example:
    """One example in a repository of its own, with its servers."""

    root: Path
    forge: Forge
    capsys: pytest.CaptureFixture[str]
    project: str

    def provision(self, *arguments: str) -> Ran:
        self.capsys.readouterr()
        status = main(arguments)
        return Ran(status, self.capsys.readouterr().out)

    def changes(self) -> list[str]:
        planned = self.provision("plan", "--format", "json")
        assert planned.status == 0
        return [f"{c['action']} {c['address']}" for c in json.loads(planned.out)["changes"]]

    def settled(self) -> None:
        """Everybody accepts, and CircleCI copies the teams."""
        self.forge.accept()
        self.forge.copy_teams()

    def users_of(self, context: str) -> set[str]:
        """Who gets the context's variables in a job of the project on the main branch."""
        return {key for key in self.forge.people if self.forge.may_use(key, context, self.project)}


@pytest.fixture
def example(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Example]:
    name, project = request.param
    forge = Forge(EXAMPLES[name]).start()
    github, circleci = Checked("github").watch(forge.github), Checked("circleci").watch(forge.circleci)
    root = tmp_path / name
    new_repository(root, name)
    monkeypatch.chdir(root)
    for variable in ("CI", "GITHUB_ACTIONS", "CIRCLECI"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in forge.exports().items():
        monkeypatch.setenv(variable, value)
    yield Example(root, forge, capsys, project)
    forge.stop()
    assert not github.problems + circleci.problems


def begun(example: Example) -> None:
    """From nothing to a plan without changes."""
    assert example.provision("validate").status == 0
    assert example.provision("check-pipeline").status == 0
    assert example.provision("codeowners", "--check").status == 0
    applied = example.provision("apply")
    assert applied.status == 0, applied.out
    assert example.changes() == []


@pytest.mark.parametrize("example", [("regulated", "site")], indirect=True)
def test_delivery_managers_alone_release_until_they_leave(example: Example) -> None:
    begun(example)
    example.settled()
    assert example.changes() == []
    assert example.users_of("release-prod") == {"dana"}
    assert example.users_of("test") == {"lee", "mara"} and example.users_of("security") == {"lee", "sven"}
    (site,) = example.forge.github.world.repos_of(example.forge.org)
    assert set(site.protections) == {"main"} and set(site.environments) == {"production"}

    offboarding = example.provision("offboard", "dana")
    assert "until ci has copied delivery-managers from forge, dana may still use context" in offboarding.out
    commit(example.root, "dana leaves")
    assert example.provision("apply").status == 0
    receipt = example.provision("receipt", "dana")
    assert receipt.status == 0 and "dana has nothing left on 2 targets." in receipt.out
    example.settled()
    assert example.users_of("release-prod") == set() and example.changes() == []


@pytest.mark.parametrize("example", [("regulated", "site")], indirect=True)
def test_the_context_of_production_is_not_opened_by_a_slip(example: Example) -> None:
    begun(example)
    targets = example.root / "access" / "targets.yaml"
    text = targets.read_text(encoding="utf-8")
    assert text.count("          groups: [delivery-managers]\n") == 1
    targets.write_text(text.replace("          groups: [delivery-managers]\n", ""), encoding="utf-8")
    commit(example.root, "one line less")
    planned = example.provision("plan")
    assert planned.status == 3 and "circleci-unguarded-context: context `release-prod` would be" in planned.out
    assert example.provision("apply").status == 3
    example.settled()
    assert example.users_of("release-prod") == {"dana"}


@pytest.mark.parametrize("example", [("open-source", "parser")], indirect=True)
def test_inner_core_releases_outer_core_merges_and_the_community_sorts_issues(example: Example) -> None:
    begun(example)
    example.settled()
    assert example.changes() == ["update forge:membership/inner-core/ineskeller"]  # a maintainer, now that she accepted
    assert example.provision("apply").status == 0 and example.changes() == []
    assert example.users_of("release") == {"ines"} and example.users_of("coverage") == {"ines", "obi"}
    parser = example.forge.github.truth(example.forge.org)["repos"]["parser"]
    assert parser["collaborators"] == {"priya": "triage"}

    example.provision("offboard", "obi")
    example.provision("offboard", "priya")
    commit(example.root, "obi and priya leave")
    assert example.provision("apply").status == 0
    for who in ("obi", "priya"):
        assert example.provision("receipt", who).status == 0
        assert example.forge.left(who) == []
    example.settled()
    assert example.users_of("coverage") == {"ines"} and example.changes() == []


def test_the_report_reads_what_whoever_started_it_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    need(missing_reason())
    root = tmp_path / "report"
    new_repository(root, "restricted-database")
    monkeypatch.chdir(root)
    for variable in ("CI", "GITHUB_ACTIONS", "CIRCLECI"):
        monkeypatch.delenv(variable, raising=False)
    with Warehouse() as warehouse:
        for variable, value in warehouse.exports().items():
            monkeypatch.setenv(variable, value)
        assert main(("validate",)) == 0 and main(("apply",)) == 0 and main(("plan", "--detailed-exitcode")) == 0
        read = {}
        for who in ("anna", "ben"):
            capfd.readouterr()
            said = ("--environment", "production", "--person", who, "--pipeline", "report")
            assert main(("run", *said, "--", sys.executable, "report.py")) == 0
            read[who] = capfd.readouterr().out.splitlines()
        no = "permission denied for table"
        assert read["anna"] == ["orders: 120 rows", "prices: 40 rows", "stock: 60 rows", f"suppliers: {no} suppliers"]
        assert read["ben"][:2] == [f"orders: {no} orders", f"prices: {no} prices"]
        assert read["ben"][2:] == ["stock: 60 rows", f"suppliers: {no} suppliers"]
        assert warehouse.of_runs() == 0
