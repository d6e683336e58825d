"""Owners as the files name them, into the people who may approve: by the base revision, never whoever gains. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from provisioner.load.contents import Entry
from provisioner.model.access import DeclaredAccess
from provisioner.model.approval import Need
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant
from provisioner.resolve.roles import Roles
from provisioner.resolve.time import When, when, window

ROLE = "role:"
"""Begins the name of an owner who is whoever holds a role."""


class Approvers:
    """Who owns what in the base revision: a change cannot name its own approvers."""

    def __init__(
        self,
        base: DeclaredAccess,
        now: Instant,
        entries: Mapping[tuple[str, str], Entry] | None = None,
        wrote: Collection[str] = (),
    ) -> None:
        """`entries` are the base's as they are written: an entry that today's rules refuse still says whose it is.
        `wrote` are those who wrote the change: it is for others to approve."""
        self.base = base
        self._wrote = frozenset(wrote)
        self._entries = entries or {}
        self._now = now
        self._holders: dict[str, frozenset[str]] = {}
        self._roles = Roles(base)

    def holders(self, role: str) -> frozenset[str]:
        """The people who hold a role now, also by way of one that includes it."""
        found = self._holders.get(role)
        if found is None:
            found = frozenset(i.id for i in self.base.identities.values() if self._holds(i, role))
            self._holders[role] = found
        return found

    def of_role(self, role: str, gains: Iterable[str] = (), *, all_gain: bool = False) -> Need:
        return self.need(f"role {role}", self.owners("roles", role), gains, all_gain=all_gain)

    def of_environment(self, environment: str, gains: Iterable[str] = (), *, all_gain: bool = False) -> Need | None:
        """None where nobody owns it: then its roles' owners decide alone."""
        owners = self.owners("environments", environment)
        if not owners:
            return None
        return self.need(f"environment {environment}", owners, gains, all_gain=all_gain)

    def of_target(self, family: str, gains: Iterable[str] = (), *, all_gain: bool = False) -> Need:
        return self.need(f"target {family}", self.owners_of_target(family), gains, all_gain=all_gain)

    def owners_of_target(self, family: str) -> tuple[str, ...]:
        """Of the target, and of all its instances."""
        owners = dict.fromkeys(o for t in self.base.family(family) for o in t.owners)
        return tuple(owners) or self.owners("targets", family)

    def owners(self, section: str, name: str) -> tuple[str, ...]:
        """The owners that an entry names."""
        entry = self._entries.get((section, name))
        said = entry.value("owners") if entry is not None else None
        return tuple(o for o in said if isinstance(o, str)) if isinstance(said, list) else ()

    def of_guardrails(self, what: str) -> Need:
        return self.need(what, (), ())

    def one_of(self, needs: Iterable[Need], gains: Iterable[str], *, narrows: bool = False) -> Need:
        """One approval, of whoever may give any of these: what takes access away need not wait for everybody, nor for
        owners who are not there."""
        listed = list(dict.fromkeys(needs))
        owners = tuple(dict.fromkeys(o for n in listed for o in n.owners))
        whole = self.need(" or ".join(dict.fromkeys(n.of for n in listed)), owners, gains)
        return replace(whole, approvers=None) if narrows and not whole.approvers else whole

    def need(self, of: str, owners: tuple[str, ...], gains: Iterable[str], *, all_gain: bool = False) -> Need:
        """An approval by one of `owners`; where they name nobody, or nobody but those who gain or wrote it, of the
        guardrails'.

        `all_gain`: a change that gives to all holders of a role. Owners who hold it themselves count if there is no
        other, or roles that everybody holds could not be changed at all."""
        without, wrote = frozenset(gains), self._wrote
        last = self.base.rules.owners
        people = self.people(owners)
        left = people - without - wrote
        if not left and last and owners != last:
            more = self.people(last)
            left, owners = more - without - wrote, (*owners, *(o for o in last if o not in owners))
            people |= more
        if not left and all_gain and people:
            left, without = people - wrote, frozenset()
        if not left and not owners:
            return Need(of, (), None, tuple(sorted(without)))
        told = people & without
        return Need(of, owners, tuple(sorted(left)), tuple(sorted(told)), tuple(sorted((people & wrote) - told)))

    def people(self, owners: Iterable[str]) -> frozenset[str]:
        """The people that owners come to."""
        found: set[str] = set()
        for owner in owners:
            if owner.startswith(ROLE):
                found |= self.holders(owner.removeprefix(ROLE))
            elif (known := self.base.identities.get(owner)) is not None and self._is_here(known):
                found.add(owner)
        return frozenset(found)

    def _is_here(self, identity: Identity) -> bool:
        is_person = identity.kind is IdentityKind.PERSON
        return is_person and identity.present_at(self._now) and identity.suspended is None

    def _holds(self, identity: Identity, role: str) -> bool:
        if not self._is_here(identity):
            return False
        return any(
            when(*window(identity, a.starts, a.until), self._now) is When.NOW
            and any(reached.id == role for reached, _ in self._roles.reached_from(a.role))
            for a in identity.roles
        )
