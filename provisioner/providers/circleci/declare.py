"""The pure side for one CircleCI organization: declared contexts into resources, effects, units, words. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from provisioner.contract import Capabilities, Exposure
from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block
from provisioner.model.change import Action, Change
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant
from provisioner.model.principal import Principal
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.model.unit import Unit, UnitMode
from provisioner.providers.circleci import openness
from provisioner.providers.circleci.convert import VARIABLES, Place

_NO_GROUPS = "limit it by `projects` or `expressions`"
_UNGUARDED = (
    "there are no groups for contexts here: limit it by `expressions` to the protected branch, and acknowledge it"
)
MOST = 200
"""Characters of a context's name."""


class CircleDeclare:
    """The organization of `target`."""

    copied_within = timedelta(hours=24)
    """CircleCI says "every few hours"."""

    def __init__(self, target: Target, capabilities: Capabilities) -> None:
        self.target = target
        self.capabilities = capabilities
        forge = target.settings.data.get("forge")
        self._forge = forge if isinstance(forge, str) else None
        self._slug = str(target.settings.data.get("organization", ""))
        self.has_groups = self._slug.startswith(("gh/", "github/"))
        """Whether contexts can be limited by group there; elsewhere whoever is a member counts, always."""
        said = target.settings.data.get("project_ids")
        self.project_ids = {openness.short(n): str(i) for n, i in said.items()} if isinstance(said, Mapping) else {}

    # Checks

    def check(self) -> Iterator[Diagnostic]:
        folded: dict[str, str] = {}
        for name, body in self.contexts():
            place = self._at("contexts", name)
            if len(name) > MOST or name != name.strip() or not name:
                yield self._problem(
                    "circleci-name",
                    f"`{name}` cannot be the name of a context",
                    place,
                    why=f"a context's name has at most {MOST} characters and no space around it",
                    fix="write it as CircleCI shows it",
                )
            if name.casefold() in folded:
                yield self._problem(
                    "circleci-near-names",
                    f"contexts `{folded[name.casefold()]}` and `{name}` differ only in case",
                    place,
                    severity=Severity.WARNING,
                    why="to CircleCI they are two, and a job that names the wrong one runs without a word",
                    fix="name one of them otherwise",
                )
            folded.setdefault(name.casefold(), name)
            yield from self._check_open(name, body)

    def _check_open(self, name: str, body: Mapping[str, Any]) -> Iterator[Diagnostic]:
        if self.has_groups:
            return
        wanted = openness.declared(body.get("open_to"))
        place = self._at("contexts", name, "open_to")
        named = wanted if isinstance(wanted, Mapping) else {}
        if wanted == openness.ADMINS or "groups" in named:
            says = "names groups" if named else "is for administrators alone"
            yield self._problem(
                "circleci-no-groups",
                f"context `{name}` {says}, and {self._slug} is no GitHub organization",
                self._at("contexts", name, "open_to", "groups") if named else place,
                why="CircleCI limits contexts by group, which shuts out members, only in organizations of the type "
                "`github`",
                fix=_NO_GROUPS,
            )
        if unknown := self._unknown(wanted):
            yield self._problem(
                "circleci-project-id",
                f"context `{name}` names `{unknown[0]}`, whose id is not known",
                self._at("contexts", name, "open_to", "projects"),
                why="outside of GitHub organizations a project's slug is made of ids, so its name leads nowhere",
                fix="write its id (Project Settings > Overview) under `project_ids` of the target",
            )

    def check_grants(self, block: Block) -> Iterator[Diagnostic]:
        return iter(())

    def check_login(self, login: str) -> str | None:
        return "CircleCI has no accounts of its own: people come through the forge"

    def unsupported(self, resource: Resource) -> Diagnostic | None:
        return None

    def _problem(self, code: str, message: str, place: Location, **more: Any) -> Diagnostic:
        return Diagnostic(code, message, location=place, target=self.target.name, **more)

    # Resources

    def declared(self) -> Iterator[Resource]:
        for name, body in self.contexts():
            attributes = {"open_to": openness.declared(body.get("open_to"))}
            yield Resource(self._context(name), attributes, sources=(self._at("contexts", name),))

    def complete(self) -> Iterable[tuple[Kind, Principal]]:
        return ()

    def account(self, identity: Identity, login: str) -> Resource:
        return Resource(Address(self.target.name, Kind.ACCOUNT, login), {"enabled": True})

    def expand(self, block: Block, who: Principal) -> Iterator[Resource]:
        return iter(())

    def unsayable(self, resource: Resource) -> str | None:
        return "CircleCI gives nothing to people by itself"

    def grants_for(self, things: Iterable[Resource]) -> dict[str, Any]:
        return {}

    def objects_for(self, live: State) -> tuple[dict[str, dict[str, Any]], list[tuple[Address, str]]]:
        """Contexts as they are open."""
        contexts: dict[str, Any] = {}
        unsaid: list[tuple[Address, str]] = []
        for resource in live.of_kind(Kind.CONTROL):
            value = resource.attributes["open_to"]
            if isinstance(value, Mapping) and value.get("groups") == []:
                unsaid.append(
                    (resource.address, "open to administrators alone, and within limits: files cannot say both")
                )
            elif isinstance(value, Mapping) and openness.ALL in value.get("groups", ()):
                unsaid.append((resource.address, "open to all members, and to groups besides: files cannot say both"))
            elif unknown := self._unknown(value):
                unsaid.append((resource.address, f"the id of project {unknown[0]} has to stand under `project_ids`"))
            else:
                contexts[resource.address.object] = {"open_to": value}
        return {"contexts": contexts}, unsaid

    def names(self, block: Block) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
        return iter(())

    def canonical(self, resource: Resource) -> Resource:
        return resource

    # What a change is

    def unit(self, address: Address) -> Unit:
        """A context is one sequence: its restrictions are looked at after each step."""
        return Unit(str(address), UnitMode.SEQUENCE)

    def effect(self, before: Resource | None, after: Resource | None, around: State) -> Effect:
        was = before.attributes.get("open_to") if before is not None else None
        becomes = after.attributes.get("open_to") if after is not None else None
        if before is None:  # a new context holds nothing yet; what comes into one that is open, anyone can read
            return Effect(Direction.WIDENS if openness.members(becomes) else Direction.NEUTRAL, Level.ELEVATED)
        return Effect(openness.direction(was, becomes), Level.ELEVATED)

    def needs(self, resource: Resource) -> Iterator[Address]:
        """The forge's teams that a context names."""
        wanted = resource.attributes.get("open_to")
        if self._forge is not None and isinstance(wanted, Mapping):
            for group in wanted.get("groups", ()):
                if group != openness.ALL:
                    yield Address(self._forge, Kind.GROUP, group)

    def words(self, change: Change) -> str:
        name = change.address.object
        before, after = (change.before or {}).get("open_to"), (change.after or {}).get("open_to")
        match change.action:
            case Action.CREATE:
                return f"create context {name}, open to {openness.shown(after)}{_late(after)}"
            case Action.UPDATE:
                told = f"open context {name} to {openness.shown(after)}, no longer to {openness.shown(before)}"
                return told + _late(after)
            case Action.REVOKE | Action.DELETE:
                return f"delete context {name}; the values of its variables cannot be had back"
            case Action.RELEASE:
                return f"leave context {name} as it is"
            case _:
                return f"{change.action.value} context {name}"

    def reversible(self, resource: Resource) -> bool:
        """A deleted context's variables cannot be read back."""
        return False

    def holds_until(self, resource: Resource) -> Instant | None:
        return None

    # What comes late

    def opened_to(self, live: State) -> Mapping[Address, Sequence[str]]:
        """Contexts by the forge's teams that they are open to."""
        found: dict[Address, list[str]] = {}
        for resource in live.of_kind(Kind.CONTROL):
            for group in self.needs(resource):
                found.setdefault(group, []).append(f"context `{resource.address.object}`")
        return found

    def opens(self, place: str, held: Resource, states: Mapping[str, State]) -> str | None:
        """As `Readers.opens`: by a team that the context is open to. Who is in it at all is the forge's to say."""
        context = states[self.target.name].get(self._context(place.removeprefix("contexts/")))
        group = Address(held.address.target, Kind.GROUP, held.address.object)
        if context is None or held.address.kind is not Kind.MEMBERSHIP or group not in set(self.needs(context)):
            return None
        return f"the team {group.object} of {group.target}, which the context is open to"

    # What stands open

    def exposure(self, resource: Resource, guarded: str | None) -> Exposure | None:
        value = resource.attributes.get("open_to")
        thing = f"context `{resource.address.object}`"
        if resource.address.kind is not Kind.CONTROL or not openness.members(value):
            return None
        if openness.unconditional(value):
            how = "open to every member: anyone could extract its variables"
            why = "whoever may run a job with a context can print what it holds"
            fix = "name `groups` under `open_to`, or write `admins`" if self.has_groups else _NO_GROUPS
            return Exposure("circleci-open-context", thing, how, why, fix)
        if guarded is None:
            return None
        how = f"for `{guarded}` and open to no group in particular: anyone who may run a job there could extract it"
        why = f"`{guarded}` is protected, and projects and expressions say where it may be used, not by whom"
        fix = "name `groups` under `open_to`" if self.has_groups else _UNGUARDED
        return Exposure("circleci-unguarded-context", thing, how, why, fix)

    def secrets_to_come(self, live: Resource) -> tuple[str, ...]:
        """Variables by name; known only where the names were read."""
        there = live.facts.more.get(VARIABLES) if live.facts is not None else None
        wanted = next((body.get("variables") for name, body in self.contexts() if name == live.address.object), None)
        return tuple(sorted(set(wanted or ()) - set(there.split()))) if there is not None else ()

    # Parts

    def _unknown(self, open_to: Any) -> list[str]:
        """Projects that no slug can be made of, and whose id is not told."""
        named = open_to.get("projects", ()) if isinstance(open_to, Mapping) else ()
        return [p for p in named if p not in self.project_ids] if self._slug.startswith("circleci/") else []

    def place(self, organization_id: str) -> Place:
        """What a reader and a writer have to know of the organization."""
        return Place(organization_id, self.has_groups, {i: name for name, i in self.project_ids.items()})

    def contexts(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        yield from self._section("contexts")

    def projects(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        yield from self._section("projects")

    def _section(self, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        listed = self.target.objects.data.get(key)
        for name, body in listed.items() if isinstance(listed, Mapping) else ():
            yield str(name), body if isinstance(body, Mapping) else {}

    def _context(self, name: str) -> Address:
        return Address(self.target.name, Kind.CONTROL, name)

    def _at(self, *path: str | int) -> Location:
        return self.target.objects.at(*path)


def _late(value: Any) -> str:
    """CircleCI copies teams from the forge now and then."""
    named = isinstance(value, Mapping) and value.get("groups")
    return " (who is in those teams, CircleCI learns hours later)" if named else ""
