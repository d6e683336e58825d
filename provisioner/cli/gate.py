"""`provision gate`: may whoever set this run going do this? If not, the run is stopped, so that it does not count as
failed. Reads the published declarations and the CI's API; changes nothing but its own run.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import check_said

if TYPE_CHECKING:
    from provisioner.actor.decide import Asked, Decision, Hand
    from provisioner.actor.found import Found
    from provisioner.actor.published import Published
    from provisioner.actor.systems import Run
    from provisioner.records.journal import Journal

JOURNAL = "PROVISION_JOURNAL"


def gate(
    environment: Annotated[str, typer.Option("--environment", metavar="E", help="Where it is about to be done.")],
    role: Annotated[
        str | None, typer.Option("--role", metavar="R", help="The role that it takes there; by default any will do.")
    ] = None,
    approver_not: Annotated[
        str | None,
        typer.Option(
            "--approver-not",
            metavar="WHO",
            help="Somebody must have approved the run who is none of these: author,merger,triggerer.",
        ),
    ] = None,
    live: Annotated[
        list[str] | None,
        typer.Option("--live", metavar="TARGET:GROUP", help="They must also be in this group now, as the target says."),
    ] = None,
    journal: Annotated[
        str | None,
        typer.Option("--journal", metavar="PLACE", help=f"The journal that `apply` writes; by default {JOURNAL}."),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait to be stopped, once refused.")
    ] = 60.0,
) -> int:
    """May whoever set this run going do this? If not, the run is stopped, and not failed."""
    from provisioner.actor.decide import Asked, decide
    from provisioner.actor.published import published
    from provisioner.actor.systems import open_run
    from provisioner.ci.recognise import this_run
    from provisioner.cli.deciding import told_journal
    from provisioner.cli.wiring import now
    from provisioner.providers import catalog

    check_said(environment=environment, role=role)
    asked = Asked(environment, role, _hands(approver_not))
    groups = [_group(text) for text in live or ()]
    opened = told_journal(journal)
    counting = published(opened, catalog.all_providers(), catalog.PLANNED)
    run = open_run(this_run(os.environ).system, counting.declared, os.environ)
    found = run.found(environment, asked.approver_not)
    at = now()
    decision = decide(asked, found, counting.counting, at)
    if decision.allowed and groups:
        decision = _live(decision, groups, counting)
    return _carried_out(run, asked, found, decision, opened, counting, wait)


def _carried_out(
    run: Run, asked: Asked, found: Found, decision: Decision, journal: Journal, counting: Published, wait: float
) -> int:
    from provisioner.cli.deciding import recorded, refuse_and_stop
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.output import show, tell
    from provisioner.report.safe import guard, safe

    if not decision.allowed:
        return refuse_and_stop(run, asked, found, decision, journal, counting, wait)
    tell(f"{guard(safe(decision.sentence, 400))} ({safe(found.run, 200)})\n")
    recorded(journal, asked, found, decision, counting, None)
    show("".join(f"{who}\n" for who in decision.people))
    return Exit.DONE


def _live(decision: Decision, groups: list[tuple[str, str]], counting: Published) -> Decision:
    from provisioner.actor.decide import Decision as Decided
    from provisioner.actor.live import missing
    from provisioner.contract import Connection
    from provisioner.providers import catalog

    declared = counting.declared
    people = [declared.identities[who] for who in decision.people]
    for name, group in groups:
        target = declared.targets.get(name)
        if target is None:
            return Decided(False, decision.people, f"no target {name} is declared", "no-such-target")
        provider = catalog.load(target.provider)
        connection = Connection(target, provider, provider.declare(target), os.environ, declared.records.owner)
        told = missing(connection, group, people)
        if told:
            return Decided(False, decision.people, told, "not-live")
    return decision


def _hands(text: str | None) -> frozenset[Hand]:
    from provisioner.actor.decide import Hand

    if text is None:
        return frozenset()
    try:
        return frozenset(Hand(part.strip()) for part in text.split(","))
    except ValueError:
        told = "--approver-not takes author, merger and triggerer, with commas between"
        raise typer.BadParameter(f"{told}, and not `{text}`") from None


def _group(text: str) -> tuple[str, str]:
    target, _, group = text.partition(":")
    if not target or not group:
        raise typer.BadParameter(f"`{text}` is not TARGET:GROUP, such as corp-ldap:deployers")
    return target, group
