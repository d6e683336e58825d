"""Which CI system is asked: the table from what `ci/` recognises to what asks its API."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any, Protocol

from provisioner.actor.decide import Hand
from provisioner.actor.found import Aborted, Found
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.access import DeclaredAccess

_TABLE = {
    "GitHub Actions": "github_actions",
    "CircleCI": "circleci",
    "GitLab CI": "gitlab",
    "Jenkins": "jenkins",
    "Bamboo": "bamboo",
    "CloudBees CD/RO": "cloudbees",
}


class Run(Protocol):
    """The run that we are in, as its CI's API knows it."""

    def found(self, environment: str, approver_not: Collection[Hand]) -> Found:
        """Asks. ProvisionError where that does not come out whole."""
        ...

    def abort(self) -> Aborted:
        """Stops the run, so that it is seen as stopped and not as failed."""
        ...


def open_run(system: str, declared: DeclaredAccess, environ: Mapping[str, str]) -> Run:
    """The run of a CI system, by the name that `ci/` has for it. ProvisionError where it cannot be asked about."""
    module = _TABLE.get(system)
    if module is None:
        raise ProvisionError(
            Diagnostic(
                "ci-unknown",
                "no CI system runs this" if not system else "the CI system that runs this is none that can be asked",
                why="`gate` asks the CI's API who started the run that it is in",
                fix=f"run it in a job of {', '.join(_TABLE)}",
            )
        )
    opened: Any = import_module(f"provisioner.actor.{module}").open_run(declared, environ)
    run: Run = opened
    return run
