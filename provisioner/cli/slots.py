"""Which credentials of services a run is for, and which are due by the journal alone. Calls no system."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from provisioner.contract.credentials import issues_of, tells_login
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant, format_duration
from provisioner.model.rotation import Rotation
from provisioner.model.slot import Names, Slot
from provisioner.model.slots import slots_of
from provisioner.model.target import Mode, Target
from provisioner.plan import rotation
from provisioner.plan.rotation import what_is_due, what_is_over
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
    *,
    gives: bool = True,
) -> list[Slot]:
    """Of services that are there at that time, on targets that this run may write to; all, or those of one service.
    `gives`: only those that may be written into all of their places; what is over is ended whatever the places are."""
    found = []
    for slot in slots_of(declared, kinds()):
        target, who = targets.get(slot.target), declared.identities[slot.service]
        if target is None or target.mode is Mode.REPORT or service not in (None, slot.service):
            continue
        if gives and is_only_told(declared, slot):
            continue  # by `delivery-report-only`
        if slot.service not in held and who.present_at(at) and who.suspended is None:
            found.append(slot)
    return found


def is_only_told(declared: DeclaredAccess, slot: Slot) -> bool:
    """Whether a place of it is on a target in mode `report`: then none is made."""
    stores = (declared.targets.get(d.store) for d in slot.deliveries)
    return any(target is not None and target.mode is Mode.REPORT for target in stores)


def declared_slots(declared: DeclaredAccess) -> tuple[Slot, ...]:
    """All, whether or not their services are there at this time."""
    return slots_of(declared, kinds()) if any(i.credentials for i in declared.identities.values()) else ()


def gone_slots(
    declared: DeclaredAccess,
    targets: Mapping[str, Target],
    journal: Journal,
    service: str | None = None,
    held: Collection[str] = (),
) -> list[Slot]:
    """Slots that the files do not have any more, of services that they still have, with credentials that the journal
    knows. A service that left loses its credentials with its account; one that got another name keeps its slots."""
    has = {str(s.address) for s in slots_of(declared, kinds())}
    names = {old: i for i in declared.identities.values() for old in (i.id, *i.was)}
    found = []
    for name, target in targets.items():
        if target.mode is Mode.REPORT:
            continue
        for credential, known in journal.chain(name).rotations().items():
            if credential in has or not (known.made or known.issuing):
                continue
            address = Address.parse(credential)
            who = names.get(address.principal.id) if address.principal is not None else None
            if who is None or who.id in held or service not in (None, who.id):
                continue
            slot = Slot(address.principal.id if address.principal is not None else who.id, name, address.object)
            if str(replace(slot, service=who.id).address) not in has:
                found.append(slot)
    return found


def of_service(declared: DeclaredAccess, slot: Slot) -> Identity:
    """Whose it is, also where it was made under an older name."""
    found = declared.identities.get(slot.service)
    return found or next(i for i in declared.identities.values() if slot.service in i.was)


def known_of(declared: DeclaredAccess, journal: Journal, slot: Slot) -> Rotation:
    """What the journal says of a slot that the files have."""
    return rotation.known_of(journal.chain(slot.target).rotations(), slot, declared.identities[slot.service].was)


def why_due(declared: DeclaredAccess, journal: Journal, slot: Slot, at: Instant) -> str | None:
    """Why a slot that the files have needs a run, by the journal and the files alone; None where it does not."""
    provider = catalog.all_providers()[declared.targets[slot.target].provider]
    login = of_service(declared, slot).login_on(slot.target) if tells_login(provider) else None
    return what_is_due(slot, known_of(declared, journal, slot), at, login)


def due_notes(
    declared: DeclaredAccess, targets: Mapping[str, Target], journal: Journal, at: Instant, person: str | None
) -> Iterator[Diagnostic]:
    """What an apply would do about credentials, for its plan."""
    for slot in gone_slots(declared, targets, journal, person):
        why = what_is_over(slot, journal.chain(slot.target).rotation(str(slot.address)), at)
        if why is not None:
            yield Diagnostic(
                "credential-ended",
                f"the {slot.kind} of {slot.service} on {slot.target} is not declared any more: {why}",
                Severity.WARNING,
                of_service(declared, slot).location,
                why=f"`apply` switches it off, and {format_duration(slot.overlap)} later it is deleted; what "
                "lies in its stores stays there, and works no more",
                fix="nothing to do, or declare it again before it is applied",
                target=slot.target,
            )
    if all(i.credentials is None for i in declared.identities.values()):
        return
    for slot in slots(declared, targets, at, person):
        why = why_due(declared, journal, slot, at)
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
