"""Fixtures that every room may use: a real OpenLDAP server and a real PostgreSQL; canary secrets, looked for after
every test; and the count of exchanges that vendors' specifications checked."""

import os
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from provisioner.sandbox.github import GitHubServer
from tests import canaries
from tests.rigs.need import need
from tests.rigs.postgres import Postgres, postgres_missing_reason
from tests.rigs.slapd import Slapd, slapd_missing_reason
from tests.rigs.slapd_config import Options
from tests.rigs.specs import (  # noqa: F401 - hooks
    Checked,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)
from tests.rigs.tls import Authority

# The same examples in every run, and no verdict that depends on how busy the machine is.
settings.register_profile("project", derandomize=True, deadline=None, database=None)
settings.load_profile("project")


def pytest_configure() -> None:
    """Every run of the command line in this suite, in this process or in another, has these in its environment."""
    os.environ.update(canaries.in_the_environment())
    os.environ.pop("GITHUB_STEP_SUMMARY", None)  # what the tests' own plans say is no news of this run
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts background jobs so, and every process that a test starts would never notice its Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test during which a canary was said, or left in a file of the product's, has failed."""
    report = yield
    if report.when == "call" and report.passed:
        wrong = canaries.in_texts({"stdout": report.capstdout, "stderr": report.capstderr, "log": report.caplog})
        folder = getattr(item, "funcargs", {}).get("tmp_path")
        if isinstance(folder, Path):
            wrong += canaries.in_files(canaries.left_behind(folder))
        if wrong:
            report.outcome = "failed"
            report.longrepr = "a canary secret was found: " + "; ".join(wrong)
    return report


@pytest.fixture(scope="session")
def github_session() -> Iterator[tuple[GitHubServer, Checked]]:
    """One embedded GitHub for each test process. Take `embedded_github`."""
    with GitHubServer() as server:
        yield server, Checked("github").watch(server)


@pytest.fixture
def embedded_github(github_session: tuple[GitHubServer, Checked]) -> Iterator[GitHubServer]:
    """An empty GitHub; what the test exchanges with it is held against what GitHub published."""
    server, checked = github_session
    server.clear()
    checked.problems.clear()
    yield server
    assert not checked.problems, "\n".join(checked.problems)


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The CA that signs the test servers' certificates."""
    return Authority.new()


@pytest.fixture(scope="session")
def slapd_session(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Slapd]:
    """One running slapd for each test process. Take `slapd` unless the test only looks."""
    need(slapd_missing_reason())
    with Slapd(tmp_path_factory.mktemp("slapd") / "server", authority=authority) as server:
        yield server


@pytest.fixture
def slapd(slapd_session: Slapd) -> Slapd:
    """A running slapd with the default options and nothing but its base tree, whatever the test before it did."""
    slapd_session.reset()
    return slapd_session


@pytest.fixture
def new_slapd(tmp_path: Path, authority: Authority) -> Iterator[Callable[..., Slapd]]:
    """Makes a slapd with options of its own: `new_slapd(lpk=True, size_hard=10)`.

    It is not started, so that it can be loaded first; it is stopped at the end of the test.
    """
    need(slapd_missing_reason())
    made: list[Slapd] = []

    def make(**options: Any) -> Slapd:
        made.append(Slapd(tmp_path / f"slapd{len(made)}", Options(**options), authority=authority))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="session")
def postgres_session() -> Iterator[Postgres]:
    """One running PostgreSQL for each test process. Take `postgres` unless the test only looks."""
    need(postgres_missing_reason())
    with Postgres() as server:
        yield server


@pytest.fixture
def postgres(postgres_session: Postgres) -> Postgres:
    """A running PostgreSQL with an empty database `app` and no roles but its own, whatever the test before it did."""
    postgres_session.reset()
    return postgres_session
