"""Which credentials of services a run is for, and which are due by the journal alone. Calls no system."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from provisioner.contract.credentials import issues_of
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.access import DeclaredAccess
from provisioner.model.instant import Instant
from provisioner.model.slot import Names, Slot
from provisioner.model.slots import slots_of
from provisioner.model.target import Mode, Target
from provisioner.plan.rotation import what_is_due
from provisioner.providers import catalog
from provisioner.records.journal import Journal


def kinds() -> Mapping[str, Mapping[str, Names]]:
    """By provider, the credentials that it makes."""
    return {name: issues_of(provider) for name, provider in catalog.all_providers().items()}


def slots(
    declared: DeclaredAccess,
    targets: Mapping[str, Target],
    at: Instant,
    service: str | None = None,
    held: Collection[str] = (),
) -> list[Slot]:
    """Of services that are there at that time, on targets that this run may write to; all, or those of one service."""
    found = []
    for slot in slots_of(declared, kinds()):
        target, who = targets.get(slot.target), declared.identities[slot.service]
        if target is None or target.mode is Mode.REPORT or service not in (None, slot.service):
            continue
        if slot.service not in held and who.present_at(at) and who.suspended is None:
            found.append(slot)
    return found


def due_notes(
    declared: DeclaredAccess, targets: Mapping[str, Target], journal: Journal, at: Instant, person: str | None
) -> Iterator[Diagnostic]:
    """What an apply would do about credentials, for its plan."""
    if all(i.credentials is None for i in declared.identities.values()):
        return
    for slot in slots(declared, targets, at, person):
        why = what_is_due(slot, journal.chain(slot.target).rotation(str(slot.address)), at)
        if why is not None:
            yield Diagnostic(
                "credential-due",
                f"the {slot.kind} of {slot.service} on {slot.target}: {why}",
                Severity.NOTE,
                slot.location,
                why=f"it is delivered to {', '.join(d.to for d in slot.deliveries)}",
                fix="nothing to do: `apply` makes it, after the changes of this plan, or `provision rotate --due`",
                target=slot.target,
            )
