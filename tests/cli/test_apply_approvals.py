"""`apply` asks who approved what was merged: on record always, and with `approvals: required` nothing else is given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.github.things import Pull
from tests.cli import reviewed
from tests.cli.conftest import Ran, Repository
from tests.rigs.forge import Forge

REQUIRED = "guardrails: {approvals: required, owners: [boss]}\n"


@pytest.fixture
def forge(embedded_github: GitHubServer) -> Forge:
    return Forge(embedded_github)


class Trunk:
    """Everybody has their access, and what comes next is merged into `main`."""

    def __init__(self, repository: Repository, forge: Forge, folder: Path, rules: str) -> None:
        self.repository, self.forge, self.journal = repository, forge, folder / "journal"
        common = (repository.root / "access/common.yaml").read_text()
        place = f'records: {{owner: 5f1c0a2b, journal: "{self.journal}"}}'
        repository.write("access/common.yaml", common.replace("records: {owner: 5f1c0a2b}", place))
        reviewed.team(repository, forge, rules)
        repository.env.setenv("HUB_TOKEN", forge.server.token(forge.user("boss")))
        forge.job(repository.env, folder)
        self.first = self.apply()
        assert self.first.status == 0, self.first.err

    def apply(self, *more: str) -> Ran:
        return self.repository.run("apply", "--target", "corp-ldap", *more)

    def grant(self, *approvers: str, who: str = "ada", roles: str = reviewed.GRANT, method: str = "merge") -> Pull:
        """A pull request by ada that is approved by some and merged by boss."""
        git = self.repository.git
        git("checkout", "--quiet", "-b", "grant")
        reviewed.pinned(self.repository, self.forge, who, roles)
        self.forge.push("grant", "ada", self.repository.commit())
        pull = self.forge.open("grant", "ada")
        for name in approvers:
            self.forge.review(pull, name)
        git("checkout", "--quiet", "main")
        if method == "merge":
            git("merge", "--quiet", "--no-ff", "--no-edit", "grant")
        else:
            git("merge", "--quiet", "--squash", "grant")
            self.repository.commit()
        git("branch", "--quiet", "-D", "grant")
        self.forge.merge(pull, "boss", git("rev-parse", "HEAD"), method=method)
        return pull

    def push(self) -> str:
        return reviewed.on_main(self.repository, self.forge)

    def deployers(self) -> set[str]:
        return self.repository.members("deployers")

    def last_record(self) -> dict[str, object]:
        files = sorted((self.journal / "journal/corp-ldap").glob("*.json"))
        found = json.loads(files[-1].read_text())["trigger"]
        assert isinstance(found, dict)
        return found


@pytest.fixture
def trunk(repository: Repository, forge: Forge, tmp_path: Path) -> Trunk:
    return Trunk(repository, forge, tmp_path, REQUIRED)


def test_what_its_owners_approved_is_given_and_put_on_record(trunk: Trunk) -> None:
    pull = trunk.grant("grace", "linus")
    ran = trunk.apply()
    assert ran.status == 0, ran.err
    assert trunk.deployers() == {"ada"}
    told = trunk.last_record()
    assert told["pull_request"] == "https://github.com/acme/access/pull/1"
    assert told["approvers"] == ["grace", "linus"]
    assert told["reviews"] == dict(zip(["grace", "linus"], sorted(pull.reviews), strict=True))
    shown = trunk.repository.run("journal", "show", "--target", "corp-ldap")
    assert "approved by grace, linus" in shown.out


@pytest.mark.parametrize("approvers", [(), ("grace",), ("peer", "linus")])
def test_what_lacks_an_approval_waits_and_late_approval_lets_it_through(
    trunk: Trunk, approvers: tuple[str, ...]
) -> None:
    pull = trunk.grant(*approvers)
    ran = trunk.apply()
    assert ran.status == 3
    assert trunk.deployers() == set()
    assert "error[approval-missing]: ada gains deployer in production" in ran.err
    assert "acme/access#1" in ran.err
    assert trunk.apply().status == 3
    for name in ("grace", "linus"):
        trunk.forge.review(pull, name)
    assert trunk.apply().status == 0
    assert trunk.deployers() == {"ada"}


def test_an_unapproved_grant_does_not_come_in_with_the_next_merge_nor_hold_it_up(trunk: Trunk) -> None:
    trunk.grant("peer", who="peer")
    assert trunk.apply().status == 3
    trunk.grant("grace", "linus", method="squash")
    ran = trunk.apply()
    assert ran.status == 3
    assert trunk.deployers() == {"ada"}
    assert "error[approval-missing]: peer gains deployer in production" in ran.err
    reviewed.pinned(trunk.repository, trunk.forge, "peer")
    trunk.push()  # taken back, which gives nothing
    assert trunk.apply().status == 0


def test_a_push_without_a_pull_request_gives_nothing_and_takes_all_the_same(trunk: Trunk) -> None:
    reviewed.pinned(trunk.repository, trunk.forge, "ada", reviewed.GRANT)
    trunk.repository.leave("peer")
    trunk.push()
    ran = trunk.apply()
    assert ran.status == 3
    assert trunk.deployers() == set() and trunk.repository.members("developers") == {*reviewed.PEOPLE} - {"peer"}
    assert "it came without a pull request" in ran.err
    assert trunk.last_record()["approvers"] is None


def test_a_github_that_cannot_be_read_gives_nothing_and_takes_all_the_same(trunk: Trunk) -> None:
    trunk.grant("grace", "linus")
    trunk.repository.leave("peer")
    trunk.push()
    trunk.forge.server.fail("GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews", 404, None)
    ran = trunk.apply()
    assert ran.status == 3
    assert "error[reviews-unread]" in ran.err and "run again when GitHub can be read" in ran.err
    assert trunk.deployers() == set() and "peer" not in trunk.repository.members("developers")
    trunk.forge.server.heal()
    assert trunk.apply().status == 0
    assert trunk.deployers() == {"ada"}


def test_neither_the_rule_nor_a_target_moves_without_its_owners(trunk: Trunk) -> None:
    """By a push that nobody reviewed the rule goes, and the directory is another one, which waits for our password."""
    text = (trunk.repository.root / "access/roles.yaml").read_text()
    trunk.repository.write("access/roles.yaml", text.replace(REQUIRED, ""))
    common = (trunk.repository.root / "access/common.yaml").read_text()
    trunk.repository.write("access/common.yaml", common.replace("{env: LDAP_URL}", "ldap://127.0.0.1:9"))
    trunk.push()
    trunk.grant(roles=reviewed.GRANT)
    ran = trunk.apply()
    assert ran.status == 3
    assert trunk.deployers() == set()
    assert "guardrails is gone: the approval of boss is missing" in ran.err
    assert "warning[target-not-approved]" in ran.err and "corp-ldap: read" in ran.err
    assert "error[approval-missing]: ada gains deployer in production" in ran.err


def test_a_saved_plan_is_held_to_the_same(trunk: Trunk, tmp_path: Path) -> None:
    trunk.grant("linus")
    plan = tmp_path / "plan.json"
    made = trunk.repository.run("plan", "--target", "corp-ldap", "--out", str(plan))
    assert made.status == 0, made.err
    ran = trunk.repository.run("apply", str(plan))
    assert ran.status == 3
    assert trunk.deployers() == set()


def test_without_the_rule_it_is_done_and_told(repository: Repository, forge: Forge, tmp_path: Path) -> None:
    trunk = Trunk(repository, forge, tmp_path, "")
    trunk.grant("linus")
    ran = trunk.apply("--base", "HEAD~1")
    assert ran.status == 0
    assert trunk.deployers() == {"ada"}
    assert "warning[approval-missing]: ada gains deployer in production" in ran.err
    assert trunk.last_record()["approvers"] == ["linus"]
    forge.server.fail("GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls", 403, None)
    ran = trunk.apply()
    assert ran.status == 0 and "note[reviews-unread]" in ran.err
