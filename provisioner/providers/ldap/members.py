"""Who is in a group: all additions, or all removals, of one group in one request.

A removal takes every spelling of the member and every attribute it stands in. Values that nobody asked about are never
sent, so that what others change at the same time stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from provisioner.contract import AlreadySo, Done, Failed, Outcome, ProviderError, Trouble
from provisioner.model.address import Kind
from provisioner.model.change import Action, Change
from provisioner.model.principal import PrincipalKind
from provisioner.providers.ldap import convert, dn, memberships, names
from provisioner.providers.ldap.connection import LdapResultError
from provisioner.providers.ldap.convert import Entry
from provisioner.providers.ldap.site import TRIES, Site, outcome_of

Step = tuple[str, str, bytes]
"""`ADD` or `DELETE`, attribute, value."""
_MOVED = frozenset({16, 20, 65, 122})
"""Results that say: the group is not as it was read a moment ago."""


@dataclass
class MemberWriter:
    site: Site

    def write(self, changes: Sequence[Change], deadline: float) -> list[Outcome]:
        """One outcome for each change, in order. All changes are of one group."""
        try:
            self.site.know(
                c.address.principal.id for c in changes if c.address.principal is not None and _is_account(c)
            )
        except ProviderError as error:
            return [outcome_of(error) for _ in changes]
        return self._together(changes, deadline)

    def _together(self, changes: Sequence[Change], deadline: float) -> list[Outcome]:
        last: ProviderError | None = None
        for _ in range(TRIES):
            try:
                group = self.site.group(names.group_of(changes[0].address))
            except ProviderError as error:
                return [self._without_group(c, error) for c in changes]
            work = [self._steps(c, group) for c in changes]
            modifications = modifications_for(group, [s for w in work if isinstance(w, list) for s in w])
            if not modifications:
                return [_outcome(w, group) for w in work]
            try:
                self.site.calls.modify(group.dn, modifications, deadline)
            except LdapResultError as refusal:
                last = refusal
                if refusal.result in _MOVED:
                    continue
                break
            except ProviderError as error:
                return [outcome_of(error) if w and isinstance(w, list) else _outcome(w, group) for w in work]
            return [_outcome(w, group) for w in work]
        if len(changes) > 1:  # one of them may be what the server refuses; the others go on
            return [outcome for change in changes for outcome in self._together([change], deadline)]
        assert last is not None
        return [outcome_of(last)]

    @staticmethod
    def _without_group(change: Change, error: ProviderError) -> Outcome:
        if error.trouble is Trouble.GONE and change.action is Action.REVOKE and not isinstance(error, LdapResultError):
            return AlreadySo("the group is not there")
        return outcome_of(error)

    def _steps(self, change: Change, group: Entry) -> list[Step] | ProviderError:
        if change.action is Action.REVOKE:
            keys, uids = self._standing_for(change)
            return [
                ("DELETE", attribute, value)
                for attribute, value in memberships.values_of(group, _attributes(change), keys, uids)
            ]
        who = change.address.principal
        holder = self.site.holder(who) if who is not None else None
        if holder is None:
            told = f"there is no account `{who.id if who else ''}` to put into the group"
            return ProviderError(Trouble.GONE, told, call=f"modify {group.dn}")
        wanted = [convert.OWNER_ATTRIBUTE] if change.address.kind is Kind.GRANT else own_attributes(group)
        steps: list[Step] = []
        for attribute in wanted:
            if not memberships.values_of(group, (attribute,), {dn.loose_key(holder.dn)}, holder.uids):
                value = holder.login if attribute in convert.UID_ATTRIBUTES else holder.dn
                steps.append(("ADD", attribute, value.encode()))
        return steps

    def _standing_for(self, change: Change) -> tuple[set[str], set[str]]:
        """The entry names and uids whose values end with this change: the account's, and those of its ways."""
        keys: set[str] = set()
        uids: set[str] = set()
        who = change.address.principal
        holder = self.site.holder(who) if who is not None else None
        if holder is not None:
            keys.add(dn.loose_key(holder.dn))
            uids |= holder.uids
        elif who is not None and _is_account(change):
            keys.add(dn.key(dn.child("uid", who.id, self.site.people)))
            uids.add(dn.fold(who.id))
        for way in change.ways:
            attribute, colon, value = way.native_id.partition(":")
            if colon and attribute in convert.UID_ATTRIBUTES:
                uids.add(dn.fold(value))
            elif colon:
                keys.add(dn.loose_key(memberships.strip_unique_id(value)))
        return keys, uids

    def strip(self, account_dn: str, uids: Iterable[str], deadline: float) -> int:
        """Take an entry's name and uids out of every group, and out of their owners. How many groups had them."""
        folded = {dn.fold(uid) for uid in uids}
        attributes = (*convert.MEMBER_ATTRIBUTES, convert.OWNER_ATTRIBUTE)
        return self._everywhere(
            account_dn,
            uids,
            deadline,
            lambda group: [
                ("DELETE", attribute, value)
                for attribute, value in memberships.values_of(group, attributes, {dn.loose_key(account_dn)}, folded)
            ],
        )

    def follow(self, old: tuple[str, str], new: tuple[str, str], deadline: float) -> int:
        """Write the new name and uid of a renamed account wherever the old ones stand. How many groups had them."""
        attributes = (*convert.MEMBER_ATTRIBUTES, convert.OWNER_ATTRIBUTE)

        def steps(group: Entry) -> list[Step]:
            result: list[Step] = []
            for attribute in attributes:
                there = memberships.values_of(group, (attribute,), {dn.loose_key(new[0])}, {dn.fold(new[1])})
                # Where the name stays and only the uid changes, the old value is the new one.
                old_ones = memberships.values_of(group, (attribute,), {dn.loose_key(old[0])}, {dn.fold(old[1])})
                gone = [found for found in old_ones if found not in there]
                result += [("DELETE", attribute, value) for _, value in gone]
                if gone and not there:
                    value = new[1] if attribute in convert.UID_ATTRIBUTES else new[0]
                    result.append(("ADD", attribute, value.encode()))
            return result

        return self._everywhere(old[0], [old[1]], deadline, steps)

    def _everywhere(
        self, account_dn: str, uids: Iterable[str], deadline: float, steps: Callable[[Entry], list[Step]]
    ) -> int:
        filter_ = memberships.holds_filter(account_dn, uids)
        groups = self.site.calls.search(self.site.groups, filter_, convert.GROUP_ATTRIBUTES)
        for found in groups:
            self._one_group(found, deadline, steps)
        return len(groups)

    def _one_group(self, found: Entry, deadline: float, steps: Callable[[Entry], list[Step]]) -> None:
        group: Entry | None = found
        for attempt in range(TRIES):
            if group is None:
                return
            group = self.site.calls.whole(group)
            modifications = modifications_for(group, steps(group))
            if not modifications:
                return
            try:
                self.site.calls.modify(group.dn, modifications, deadline)
            except LdapResultError as refusal:
                if refusal.result not in _MOVED or attempt == TRIES - 1:
                    raise
                group = self.site.calls.entry(group.dn, convert.GROUP_ATTRIBUTES)
            else:
                return


def own_attributes(group: Entry) -> list[str]:
    """Where this group keeps its members. One that is both kinds keeps POSIX members only if it already has some."""
    classes = group.classes
    by_name = [a for c, a in convert.GROUP_CLASSES.items() if c in classes and a not in convert.UID_ATTRIBUTES]
    if "posixgroup" in classes and (not by_name or group.values.get("memberuid")):
        by_name.append("memberUid")
    return list(dict.fromkeys(by_name))


def modifications_for(group: Entry, steps: Sequence[Step]) -> Mapping[str, list[tuple[str, list[bytes]]]]:
    """The steps by attribute. A group that may not be empty keeps its own name as its last member, and loses it again
    when it gets a real one."""
    result: dict[str, list[tuple[str, list[bytes]]]] = {}
    for attribute in dict.fromkeys(a for _, a, _ in steps):
        adds = list(dict.fromkeys(v for how, a, v in steps if a == attribute and how == "ADD"))
        deletes = list(dict.fromkeys(v for how, a, v in steps if a == attribute and how == "DELETE"))
        if any(c in convert.NEVER_EMPTY and convert.GROUP_CLASSES[c] == attribute for c in group.classes):
            present = list(group.values.get(attribute.lower(), ()))
            own = [v for _, v in memberships.values_of(group, (attribute,), {dn.loose_key(group.dn)}, ())]
            left = [v for v in present if v not in deletes]
            if adds:
                deletes += [v for v in own if v not in deletes]
            elif deletes and not left:
                adds = [group.dn.encode()]
        result[attribute] = [(how, values) for how, values in (("ADD", adds), ("DELETE", deletes)) if values]
    return result


def _attributes(change: Change) -> Sequence[str]:
    return (convert.OWNER_ATTRIBUTE,) if change.address.kind is Kind.GRANT else convert.MEMBER_ATTRIBUTES


def _is_account(change: Change) -> bool:
    who = change.address.principal
    return who is not None and who.kind in (PrincipalKind.PERSON, PrincipalKind.SERVICE)


def _outcome(work: list[Step] | ProviderError, group: Entry) -> Outcome:
    if isinstance(work, ProviderError):
        return Failed(work)
    if not work:
        return AlreadySo(f"{group.dn} was so already")
    verb = "added to" if work[0][0] == "ADD" else "removed from"
    return Done(f"{len(work)} {'value' if len(work) == 1 else 'values'} {verb} {group.dn}")
