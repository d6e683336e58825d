"""One target's live access as what the files would have to say: people, roles, things of the target; and the rest.

What comes out gives nobody anything that they do not hold, and takes nothing away. What the files cannot say stays as
it is, and is listed with the reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.adopt.found import Doubt, Found, Held, How, Kept, Recognised, Taken
from provisioner.adopt.people import needs_pin, recognise
from provisioner.adopt.reach import Reach
from provisioner.adopt.roles import Atom, cut_into_roles
from provisioner.adopt.settled import Settled, check_logins, check_owners
from provisioner.contract import Combines
from provisioner.files.names import id_from, sayable
from provisioner.load.fields import EMAIL
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block, nowhere
from provisioner.model.identity import IdentityKind
from provisioner.model.instant import Instant
from provisioner.model.ownership import ownership
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.way import Ownership, Phase

_EMAIL = re.compile(EMAIL.removesuffix("$") + r"\Z")


@dataclass(frozen=True)
class Person:
    """What is written for one person or service: all of it where they are `new`, else what they have not yet."""

    id: str
    kind: IdentityKind
    new: bool
    how: How
    name: str | None = None
    email: str | None = None
    login: str | None = None
    pin: str | None = None
    suspended: Instant | None = None
    owners: tuple[str, ...] = ()
    roles: tuple[Held, ...] = ()

    @property
    def changes(self) -> bool:
        return self.new or bool(self.login or self.pin or self.roles)


@dataclass(frozen=True, slots=True)
class NewRole:
    """`grants` is the target's block, with `where` where its family has other instances."""

    id: str
    environment: str | None
    grants: Mapping[str, Any]


@dataclass(frozen=True)
class Adoption:
    """What to write for `target`, and what is left. `holdings` counts what the roles give to whom; `bare` are accounts
    that hold nothing that a role could give: no plan adopts them."""

    target: str
    people: tuple[Person, ...] = ()
    roles: tuple[NewRole, ...] = ()
    objects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kept: tuple[Kept, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    holdings: int = 0
    bare: tuple[str, ...] = ()


def adopt(found: Found, settled: Mapping[str, Settled]) -> Adoption:
    """ProvisionError where the map cannot be followed, or the target's roles could not be kept to it."""
    check_logins(settled, {a.address.object for a in found.live.of_kind(Kind.ACCOUNT)}, found.target.name)
    for row in settled.values():
        _check(found, row)
    recognised = recognise(found, settled)
    reach = Reach.of(found)
    holdings = _Holdings(found, recognised, reach)
    given = holdings.by_environment()
    roles: list[NewRole] = []
    held: dict[str, list[Held]] = {}
    taken = set(found.declared.roles)
    for environment in sorted(given, key=lambda e: e or ""):
        cut = cut_into_roles(
            given[environment],
            {n: atoms for n, atoms in reach.known(environment).items() if atoms},
            taken,
            id_from(found.target.name.replace("/", "-")),
        )
        taken.update(cut.made)
        roles += [NewRole(name, environment, holdings.block(atoms)) for name, atoms in cut.made.items()]
        for who, names in cut.held.items():
            held.setdefault(who, []).extend(reach.held(name, environment) for name in names)
    check_owners((t for t in settled.values() if not t.leave_alone), _people(found, recognised), taken)
    objects, unsaid = _objects(found)
    mails = Counter(_mail(i.email) for i in found.declared.identities.values())
    mails.update(_mail(t.facts.email) for t in recognised.taken if t.identity is None)
    people = tuple(_person(found, t, tuple(held.get(t.login, ())), mails) for t in recognised.taken)
    return Adoption(
        found.target.name,
        people,
        tuple(roles),
        objects,
        tuple(sorted({*recognised.kept, *holdings.kept, *unsaid}, key=lambda k: (str(k.address), k.why))),
        tuple(recognised.doubts),
        sum(len(atoms) for by_login in given.values() for atoms in by_login.values()),
        tuple(t.login for t in recognised.taken if not holdings.reached(t)),
    )


def _people(found: Found, recognised: Recognised) -> set[str]:
    """Everybody whom the files name as a person, or would."""
    person = IdentityKind.PERSON
    declared = {i.id for i in found.declared.identities.values() if i.kind is person}
    return declared | {t.id for t in recognised.taken if t.kind is person}


def _check(found: Found, row: Settled) -> None:
    """Whether a row of the map can be followed, as far as the files alone tell."""
    if row.leave_alone:
        return
    identity = found.declared.identities.get(row.id)
    if identity is not None and row.kind is IdentityKind.SERVICE and identity.kind is not IdentityKind.SERVICE:
        row.refuse(f"`{row.id}` is declared as a person, not as a service")
    if identity is None and row.kind is IdentityKind.SERVICE and not row.owners:
        row.refuse(
            f"`{row.id}` would be a new service, and nobody owns it", "name people or `role:NAME` under `owners`"
        )


class _Holdings:
    """What each account is to be given by roles, and what of theirs no role can say."""

    def __init__(self, found: Found, recognised: Recognised, reach: Reach) -> None:
        self._found, self._reach = found, reach
        self._recognised = recognised
        self._sample: dict[Atom, Resource] = {}
        self._why_not: dict[Atom, str | None] = {}
        self._labels: dict[Atom, str | None] = {}
        self.kept: list[Kept] = []
        self._reached: set[str] = set()

    def by_environment(self) -> dict[str | None, dict[str, frozenset[Atom]]]:
        """By environment (None: not labelled) and login."""
        out: dict[str | None, dict[str, set[Atom]]] = {}
        taken = {t.login: t for t in self._recognised.taken}
        left = {d.account.address.object for d in self._recognised.doubts}
        left |= {k.address.object for k in self._recognised.kept if k.address.kind is Kind.ACCOUNT}
        for resource in self._found.live:
            address = resource.address
            who = address.principal
            if who is None or address.kind not in (Kind.MEMBERSHIP, Kind.GRANT) or not resource.gives_access:
                continue
            if not who.is_account:
                if who.kind is not PrincipalKind.GROUP or address.kind is Kind.MEMBERSHIP:
                    self._keep(
                        address,
                        "a nested group" if who.kind is PrincipalKind.GROUP else f"its holder is {who.kind.value}",
                    )
                continue
            owner = taken.get(who.id)
            if owner is None:
                if who.id not in left:
                    self._keep(address, "its holder has no account here that was read")
                continue
            self._one(resource, owner, out)
        return {e: {who: frozenset(atoms) for who, atoms in by.items()} for e, by in out.items()}

    def _one(self, resource: Resource, owner: Taken, out: dict[str | None, dict[str, set[Atom]]]) -> None:
        address = resource.address
        declared = _as_declared(address, owner, self._found)
        if declared in self._found.desired.state:
            self._reached.add(owner.login)
            return  # the files say it already
        why = self._why_left(resource, declared)
        if why is not None:
            self._keep(address, why)
            return
        atom = self._atom(resource)
        self._sample.setdefault(atom, resource)
        environment = self._label(atom, resource)
        told = self._reach.why_not_in(environment, owner.kind)
        if told is not None:
            self._keep(address, told)
            return
        self._reached.add(owner.login)
        out.setdefault(environment, {}).setdefault(owner.login, set()).add(atom)

    def _why_left(self, resource: Resource, declared: Address) -> str | None:
        desired = self._found.desired
        if resource.address in self._found.going or declared in self._found.going:
            return "the plan takes it away"
        if declared in desired.over:
            return "the files say that its time has ended"
        if declared in desired.later:
            return "the files say that it begins later"
        direct = [w for w in resource.ways if w.via is None]
        if not direct:
            return "it comes through something else, and goes with that"
        if any(w.locked_by for w in direct):
            return f"it comes from {next(w.locked_by for w in direct if w.locked_by)}, and cannot be changed here"
        if any(w.ownership is Ownership.FOREIGN for w in direct) or (
            resource.mark is not None and ownership(resource, self._found.owner) is Ownership.FOREIGN
        ):
            return "it carries the mark of another owner (`records.owner`)"
        if any(w.until is not None for w in direct):
            return "it ends by itself"
        if all(w.phase is not Phase.ACTIVE and w.phase is not Phase.PENDING for w in direct):
            return f"it is {direct[0].phase.value}"
        atom = self._atom(resource)
        if atom not in self._why_not:
            self._why_not[atom] = self._found.declare.unsayable(resource)
            if self._why_not[atom] is None and not _sayable(atom):
                self._why_not[atom] = "its name holds characters that mislead a reader of the files"
        return self._why_not[atom]

    def _atom(self, resource: Resource) -> Atom:
        return Atom.of(resource, levels=isinstance(self._found.declare, Combines))

    def _label(self, atom: Atom, resource: Resource) -> str | None:
        if atom not in self._labels:
            target = self._found.target
            block = Block(self._found.declare.grants_for([resource]), nowhere())
            named = ((section, name) for section, name, _ in self._found.declare.names(block))
            labels = (target.object_environments.get(thing) for thing in named)
            self._labels[atom] = target.environment or next((x for x in labels if x is not None), None)
        return self._labels[atom]

    def block(self, atoms: Iterable[Atom]) -> dict[str, Any]:
        block = self._found.declare.grants_for(self._sample[a] for a in sorted(atoms, key=Atom.sort_key))
        return {"where": dict(self._reach.where), **block} if self._reach.where else block

    def reached(self, taken: Taken) -> bool:
        return taken.login in self._reached

    def _keep(self, address: Address, why: str) -> None:
        self.kept.append(Kept(address, why))


def _as_declared(address: Address, owner: Taken, found: Found) -> Address:
    """The same under the name that the files have for its holder."""
    if owner.identity is None:
        return address
    kind = PrincipalKind.SERVICE if owner.identity.kind is IdentityKind.SERVICE else PrincipalKind.PERSON
    login = owner.identity.login_on(found.target.name)
    return address._replace(principal=Principal(found.target.name, kind, login))


def _sayable(atom: Atom) -> bool:
    return sayable(atom.object, is_name=True) and (atom.slot is None or sayable(atom.slot, is_name=True))


def _person(found: Found, taken: Taken, roles: tuple[Held, ...], mails: Mapping[str, int]) -> Person:
    name, email = None, None
    identity = taken.identity
    if identity is None:
        name = taken.facts.name if sayable(taken.facts.name) else None
        once = mails[_mail(taken.facts.email)] == 1  # nobody else's, declared or new
        email = taken.facts.email if once and _may_be_written(taken.facts.email) else None
    login = None
    if (identity.login_on(found.target.name) if identity is not None else taken.id) != taken.login:
        login = taken.login if taken.how is not How.KNOWN else None
    known = identity.email if identity is not None else email
    pin = taken.facts.native_id if needs_pin(taken, known, found.target.accounts) else None
    suspended = None
    if identity is None and taken.account.attributes.get("enabled") is False:
        suspended = taken.facts.disabled_since or found.now
    return Person(
        taken.id,
        taken.kind,
        identity is None,
        taken.how,
        name,
        email,
        login,
        pin,
        suspended,
        taken.owners if identity is None else (),
        roles,
    )


def _mail(text: str | None) -> str:
    return (text or "").casefold()


def _may_be_written(email: str | None) -> bool:
    """Whether the files take it."""
    return bool(email and len(email) <= 254 and email.isascii() and _EMAIL.match(email))


def _objects(found: Found) -> tuple[dict[str, dict[str, Any]], list[Kept]]:
    """What the target itself may declare: only what it does not yet, and nothing of another owner's."""
    foreign = {
        r.address.object
        for r in found.live.of_kind(Kind.GROUP)
        if ownership(r, found.owner) is Ownership.FOREIGN or any(w.locked_by for w in r.ways)
    }
    sections, unsaid = found.declare.objects_for(found.live)
    kept = [Kept(address, why) for address, why in unsaid]
    out: dict[str, dict[str, Any]] = {}
    for section, entries in sections.items():
        known = found.target.objects.data.get(section)
        known = known if isinstance(known, Mapping) else {}
        for name, body in sorted(entries.items()):
            if name in known or (section == "groups" and name in foreign):
                continue
            if not sayable(name, is_name=True):
                kept.append(
                    Kept(Address(found.target.name, Kind.GROUP, name), "its name holds characters that mislead")
                )
                continue
            said = {k: v for k, v in body.items() if not isinstance(v, str) or sayable(v)}
            out.setdefault(section, {})[name] = said
    return out, kept
