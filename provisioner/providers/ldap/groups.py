"""Groups themselves: create, describe, adopt, release, delete. Who is in them is `members.py`."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.contract import AlreadySo, Done, Failed, Outcome, ProviderError, Refused, Trouble
from provisioner.model.change import Action, Change
from provisioner.model.resource import Resource
from provisioner.providers.ldap import convert, dn
from provisioner.providers.ldap.connection import LdapResultError
from provisioner.providers.ldap.convert import Entry
from provisioner.providers.ldap.site import TRIES, Site, outcome_of, third_value, unchanged, why_other
from provisioner.providers.ldap.values import Steps

CLASSES = ("top", "groupOfNames")


@dataclass
class GroupWriter:
    site: Site

    def write(self, change: Change, expect: Resource | None, deadline: float) -> Outcome:
        """Do one change of one group."""
        try:
            if change.action is Action.CREATE:
                return self._create(change, deadline)
            try:
                group = self.site.group(change.address.object)
            except LdapResultError:
                raise
            except ProviderError as error:
                gone = error.trouble is Trouble.GONE and change.action in (Action.DELETE, Action.RELEASE)
                return AlreadySo("the group is not there") if gone else outcome_of(error)
            other = why_other(group, expect)
            if other is not None:
                return Failed(other)
            foreign = self.site.why_foreign(group)
            if foreign is not None:
                return Refused(foreign)
            return (
                self._delete(change, expect, group, deadline)
                if change.action is Action.DELETE
                else self._change(change, expect, group, deadline)
            )
        except ProviderError as error:
            return outcome_of(error)

    def _create(self, change: Change, deadline: float) -> Outcome:
        """A groupOfNames, which must have a member from the start: its own name, which is never counted as one."""
        name = change.address.object
        where = dn.child("cn", name, self.site.groups)
        told = (change.after or {}).get("description")
        mark = self.site.mark(self.site.key(change))
        values = {
            "cn": [name.encode()],
            "member": [where.encode()],
            "description": [text.encode() for text in ([str(told)] if told else []) + [str(mark)]],
        }
        try:
            self.site.calls.add(where, CLASSES, values, deadline)
        except LdapResultError as refusal:
            if refusal.result != 68:
                raise
            there = self.site.calls.entry(where, convert.GROUP_ATTRIBUTES)
            if there is None or not self.site.is_ours(convert.marks(there.texts("description"))[0]):
                raise
            return AlreadySo(f"{where} is there with our mark")
        return Done(f"{where} added")

    def _change(self, change: Change, expect: Resource | None, group: Entry, deadline: float) -> Outcome:
        for attempt in range(TRIES):
            third = _moved(change, expect, group)
            if third is not None:
                return third
            steps = self._steps(change, group)
            if not any(steps.values()):
                return AlreadySo(f"{group.dn} was so already")
            try:
                self.site.calls.modify(group.dn, steps, deadline, only_if=unchanged(group, steps))
            except LdapResultError as refusal:
                if refusal.result not in (16, 20, 122) or attempt == TRIES - 1:
                    raise
                group = self.site.group(change.address.object)
            else:
                return Done(f"{group.dn} changed")
        return Failed(ProviderError(Trouble.CONFLICT, f"{group.dn} keeps changing", call=f"modify {group.dn}"))

    def _steps(self, change: Change, group: Entry) -> Steps:
        if change.action is Action.ADOPT:
            return {"description": self.site.remarked(group, self.site.mark(self.site.key(change)))}
        if change.action is Action.RELEASE:
            return {"description": self.site.remarked(group, None)}
        told = (change.after or {}).get("description")
        if change.action is not Action.UPDATE or not isinstance(told, str):
            raise ProviderError(
                Trouble.INVALID, f"a group cannot be the object of `{change.action.value}`", call="write"
            )
        present = list(group.values.get("description", ()))
        words = [v for v in present if not convert.is_ours(convert.text(v))]
        if words[:1] == [told.encode()]:
            return {}
        # What people wrote first is what we read, so that is what is replaced; the order of the rest stays.
        rest = [v for v in present if v not in (*words[:1], told.encode())]
        return {"description": [("REPLACE", [told.encode(), *rest])]}

    def _delete(self, change: Change, expect: Resource | None, group: Entry, deadline: float) -> Outcome:
        third = _moved(change, expect, group)
        if third is not None:
            return third
        if not self.site.is_ours(convert.marks(group.texts("description"))[0]):
            return Refused(f"{group.dn} does not carry our mark, so it is not deleted")
        self.site.calls.delete(group.dn, deadline, only_if=unchanged(group))
        return Done(f"{group.dn} deleted")


def _moved(change: Change, expect: Resource | None, group: Entry) -> Outcome | None:
    """What somebody else made of the group since it was looked at, where that is a third value."""
    texts = group.texts("description")
    return third_value(change, expect, {"description": convert.own_description(texts)}, convert.marks(texts)[0])
