"""A repository whose pull requests are on the embedded GitHub: its people, owners and branches."""

from __future__ import annotations

from tests.cli.conftest import Repository
from tests.rigs.forge import Forge

ORGANIZATION = """\
targets:
  hub: {provider: github, organization: acme, mode: report, api_url: {env: GITHUB_API_URL}, token: {env: HUB_TOKEN}}
"""
ROLES = """\
roles:
  deployer: {owners: [fatima, grace], environments: [production], grants: {corp-ldap: {groups: [deployers]}}}
environments:
  production: {protected: true, owners: [linus, boss]}
"""
GRANT = "[developer, {role: deployer, environments: [production], reason: CHG-1, until: 2030-03-08T18:00:00Z}]"
PEOPLE = ("ada", "boss", "fatima", "grace", "linus", "peer")


def team(repository: Repository, forge: Forge, rules: str = "") -> str:
    """Everybody's id is pinned, and `main` is on GitHub; the commit."""
    repository.write("access/hub.yaml", ORGANIZATION)
    repository.write("access/roles.yaml", ROLES + rules)
    for name in PEOPLE:
        pinned(repository, forge, name)
    return on_main(repository, forge)


def pinned(repository: Repository, forge: Forge, name: str, roles: str = "[developer]", *, number: int = 0) -> None:
    told = number or forge.user(name).id
    repository.person(name, f"{roles}\n    accounts: {{hub: {{login: {name}, id: {told}}}}}")


def on_main(repository: Repository, forge: Forge, by: str = "boss") -> str:
    """Commits what is there, and pushes it without a pull request."""
    sha = repository.commit()
    forge.push("main", by, sha)
    return sha
