"""Each system under test, once for the whole suite of cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioner.sandbox.aws import AwsServer
from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.ldap import LdapServer
from tests.conformance.aws import AwsHarness
from tests.conformance.database import PostgresHarness
from tests.conformance.directory import LdapHarness
from tests.conformance.forge import GithubHarness
from tests.conformance.harness import Harness, Stand
from tests.conformance.memory import MemoryHarness
from tests.rigs.slapd import Slapd
from tests.rigs.specs import Checked

SYSTEMS = ["memory", "ldap-slapd", "ldap-sandbox", "aws-iam", "github", "postgresql"]


@pytest.fixture(scope="session")
def aws_server() -> Iterator[AwsServer]:
    """One embedded AWS for the suite: its state is global to a process."""
    with AwsServer() as server:
        yield server


@pytest.fixture(params=SYSTEMS)
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    match request.param:
        case "memory":
            yield MemoryHarness()
        case "ldap-slapd":
            slapd: Slapd = request.getfixturevalue("slapd")
            service = (slapd.service_dn, slapd.service_password)
            yield LdapHarness("ldap-slapd", slapd.url, service, (slapd.admin_dn, slapd.admin_password), slapd.dump)
        case "ldap-sandbox":
            with LdapServer() as server:
                service = (server.service_dn, server.service_password)
                admin = (server.root_dn, server.root_password)
                yield LdapHarness("ldap-sandbox", server.url, service, admin, server.entries)
        case "aws-iam":
            yield AwsHarness(request.getfixturevalue("aws_server"))
        case "postgresql":
            yield PostgresHarness(request.getfixturevalue("postgres"))
        case "github":
            with GitHubServer() as github:
                checked = Checked("github").watch(github)
                yield GithubHarness(github)
                assert not checked.problems, "\n".join(checked.problems)


@pytest.fixture
def stand(harness: Harness) -> Stand:
    return Stand(harness)
