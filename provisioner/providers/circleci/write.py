"""Writing to one CircleCI organization: one context at a time, one restriction at a time, each looked at after.

The order is such that after each step nobody may use the context who could not before and is not to be able to
(`steps.py`); what CircleCI makes of the last restriction going is read, not assumed. A context with variables is never
deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from provisioner.contract import AlreadySo, Done, Failed, Outcome, ProviderError, Refused, Trouble, Unknown
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.resource import Resource
from provisioner.model.unit import Unit
from provisioner.providers.circleci import convert, openness
from provisioner.providers.circleci.calls import WriteCalls
from provisioner.providers.circleci.convert import EXPRESSION, GROUP, PROJECT, Place, Restriction
from provisioner.providers.circleci.declare import CircleDeclare
from provisioner.providers.circleci.steps import steps, swaps_two

Keys = set[tuple[str, str]]


class _Stop(Exception):  # noqa: N818 - an answer on its way out, not an error
    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class CircleWriter:
    """The organization of one target."""

    def __init__(self, declare: CircleDeclare, calls: WriteCalls) -> None:
        self._calls = calls
        self._declare = declare
        said = declare.target.settings.data.get("group_ids")
        self._said = {convert.group_name(n): str(i) for n, i in said.items()} if isinstance(said, Mapping) else {}
        self._slugs = {openness.short(p): p for _, body in declare.contexts() for p in _projects(body)}

    def write(
        self,
        unit: Unit,
        changes: Sequence[Change],
        *,
        expect: Mapping[Address, Resource],
        token: str,
        deadline: float,
    ) -> Sequence[Outcome]:
        return [self._one(change, deadline) for change in changes]

    def _one(self, change: Change, deadline: float) -> Outcome:
        if change.address.kind is not Kind.CONTROL:
            return Refused("CircleCI has no people or groups of its own to change here")
        try:
            match change.action:
                case Action.CREATE | Action.UPDATE:
                    return self._open(change, deadline)
                case Action.REVOKE | Action.DELETE:
                    return self._delete(change.address.object, deadline)
                case Action.RELEASE:
                    return Done("the context is left as it is")
                case _:
                    return Refused(f"a context takes no {change.action.value}")
        except _Stop as stop:
            return stop.outcome
        except ProviderError as error:
            return Unknown(error=error) if error.trouble is Trouble.UNKNOWN else Failed(error)

    def _id(self, name: str) -> str | None:
        return next((str(r["id"]) for r in self._calls.contexts() if r.get("name") == name), None)

    def _delete(self, name: str, deadline: float) -> Outcome:
        context = self._id(name)
        if context is None:
            return AlreadySo("there is no such context")
        variables = self._calls.variables(context)
        if variables:
            return Refused(
                f"it holds {len(variables)} variables, whose values nobody could bring back: delete it by hand"
            )
        self._calls.delete_context(context, deadline)
        return Done(f"context {name} is deleted")

    def _open(self, change: Change, deadline: float) -> Outcome:
        name, wanted_value = change.address.object, (change.after or {})["open_to"]
        place = self._declare.place(self._calls.organization_id())
        wanted = self._wanted(wanted_value, place)  # before anything is made: what is not known stops it here
        context = self._id(name)
        if context is None:
            if change.action is Action.UPDATE:
                return Refused(f"context {name} is gone")
            context = self._calls.create_context(name, deadline)
        have = self._restrictions(context)
        everybody = (GROUP, place.id)
        if not place.has_groups:
            wanted |= {everybody} & set(have)  # not ours to give or take
            if swaps_two(list(have), wanted, everybody):
                return Refused(_ONE_BY_ONE)
        for step in steps(list(have), wanted, everybody):
            if step.adds:
                self._calls.add_restriction(context, *step.key, deadline)
                have = self._asserted(context, name, {*have, step.key})
            else:
                self._calls.delete_restriction(context, have[step.key].id, deadline)
                have = self._asserted(context, name, set(have) - {step.key})
        found = convert.open_to(have.values(), place)
        if found != wanted_value:
            words = f"context {name} is open to {openness.shown(found)} now, not {openness.shown(wanted_value)}"
            return Failed(ProviderError(Trouble.CONFLICT, words, call="restrictions"))
        return Done(f"read after each step: open to {openness.shown(found)}")

    def _restrictions(self, context: str) -> dict[tuple[str, str], Restriction]:
        listed = (Restriction.of(row) for row in self._calls.restrictions(context))
        return {r.key: r for r in listed}

    def _asserted(self, context: str, name: str, expected: Keys) -> dict[tuple[str, str], Restriction]:
        """The restrictions as they are now; stops where a step did something else than it was to."""
        have = self._restrictions(context)
        if set(have) != expected:
            words = f"context {name} has other restrictions than the step before should have left"
            raise _Stop(Failed(ProviderError(Trouble.CONFLICT, words, call="restrictions")))
        return have

    def _wanted(self, value: openness.OpenTo, place: Place) -> Keys:
        everybody: Keys = {(GROUP, place.id)} if place.has_groups else set()
        if value == openness.EVERYONE:
            return everybody
        if value == openness.ADMINS or (not place.has_groups and "groups" in value):
            if not place.has_groups:
                raise _Stop(Refused("CircleCI limits contexts by group in GitHub organizations alone"))
            return set()
        wanted = set(self._groups(value["groups"])) if "groups" in value else everybody
        wanted |= {(PROJECT, self._project(p)) for p in value.get("projects", ())}
        return wanted | {(EXPRESSION, e) for e in value.get("expressions", ())}

    def _groups(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        known = self._group_ids(set(names))
        for name in names:
            if name not in known:
                raise _Stop(Refused(f"CircleCI tells no group {name}: {_BY_HAND}"))
            yield GROUP, known[name]

    def _group_ids(self, wanted: set[str]) -> dict[str, str]:
        """By name: from the files, from CircleCI's list where there is one, or from contexts that name them already."""
        known = dict(self._said)
        if wanted <= known.keys():
            return known
        try:
            known |= {convert.group_name(str(r.get("name"))): str(r["id"]) for r in self._calls.groups()}
        except ProviderError as error:
            if error.trouble not in (Trouble.GONE, Trouble.INVALID):
                raise
        for row in self._calls.contexts():
            if wanted <= known.keys():
                break
            listed = self._restrictions(str(row["id"])).values()
            known |= {convert.group_name(r.name): r.value for r in listed if r.kind == GROUP}
        return known

    def _project(self, name: str) -> str:
        if name in self._declare.project_ids:
            return self._declare.project_ids[name]
        slug = self._slugs.get(name, name)
        slug = slug if "/" in slug else f"{self._calls.organization}/{slug}"
        try:
            return str(self._calls.project(slug)["id"])
        except ProviderError as error:
            if error.trouble is Trouble.GONE:
                raise _Stop(Refused(f"CircleCI knows no project {slug}")) from None
            raise

    def cut(self, account: Address, deadline: float) -> Outcome:
        return Refused(
            "not possible here: CircleCI shows nobody another's tokens; they end with the forge's membership"
        )

    def settle(self, receipt: str, deadline: float) -> Outcome:
        return Refused("CircleCI has nothing that finishes later")

    def close(self) -> None:
        self._calls.close()


_ONE_BY_ONE = (
    "projects and rules are both exchanged for others, and without groups nothing shuts the context while that lasts: "
    "change the one, apply it, then the other"
)
_BY_HAND = (
    "it copies teams every few hours and lists them to nobody; limit one context to it by hand, or write its id under "
    "`group_ids`"
)


def _projects(body: Mapping[str, object]) -> Sequence[str]:
    wanted = body.get("open_to")
    listed = wanted.get("projects") if isinstance(wanted, Mapping) else None
    return [str(p) for p in listed or ()]
