"""The pure side of the memory provider."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.contract import Capabilities
from provisioner.diagnostics import Diagnostic
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block
from provisioner.model.change import Action, Change
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.model.unit import Unit, UnitMode

CAPABILITIES = Capabilities(marks=frozenset({Kind.ACCOUNT}), settle_seconds=dict.fromkeys(Kind, 0.2), batch=5)


class MemoryDeclare:
    """The group `admins`, privileges `own`, and groups that have one are admin-like."""

    capabilities = CAPABILITIES

    def __init__(self, target: Target) -> None:
        self.target = target

    def check(self) -> Iterable[Diagnostic]:
        for name, control in self.target.objects.data.get("controls", {}).items():
            if not control["open_to"]:
                yield Diagnostic(
                    "control-empty",
                    f"control `{name}` is open to an empty list",
                    location=self.target.objects.at("controls", name, "open_to"),
                    why="whether an empty list means everybody or nobody differs between systems",
                    fix="write who is let in",
                )

    def check_grants(self, block: Block) -> Iterable[Diagnostic]:
        return ()

    def check_login(self, login: str) -> str | None:
        return "it is empty" if not login else None

    def declared(self) -> Iterable[Resource]:
        objects = self.target.objects
        for name, group in objects.data.get("groups", {}).items():
            attributes = {"description": group["description"]} if group.get("description") else {}
            yield Resource(self._address(Kind.GROUP, name), attributes, sources=(objects.at("groups", name),))
            who = Principal(self.target.name, PrincipalKind.GROUP, name)
            for path, privileges in (group.get("objects") or {}).items():
                for index, privilege in enumerate(privileges):
                    source = (objects.at("groups", name, "objects", path, index),)
                    yield Resource(Address(self.target.name, Kind.GRANT, path, who, privilege), sources=source)
        for name, control in objects.data.get("controls", {}).items():
            attributes = {"open_to": sorted(control["open_to"])}
            yield Resource(self._address(Kind.CONTROL, name), attributes, sources=(objects.at("controls", name),))

    def account(self, identity: Identity, login: str) -> Resource:
        attributes = {"enabled": True, "name": identity.name or identity.id}
        if identity.email:
            attributes["email"] = identity.email
        return Resource(self._address(Kind.ACCOUNT, login), attributes)

    def expand(self, block: Block, who: Principal) -> Iterable[Resource]:
        for index, name in enumerate(block.data.get("groups", [])):
            sources = (block.at("groups", index),)
            yield Resource(self._address(Kind.GROUP, name), sources=sources)
            yield Resource(self._address(Kind.MEMBERSHIP, name, who), sources=sources)
        for path, privileges in block.data.get("objects", {}).items():
            for index, privilege in enumerate(privileges):
                sources = (block.at("objects", path, index),)
                yield Resource(Address(self.target.name, Kind.GRANT, path, who, privilege), sources=sources)

    def unsayable(self, resource: Resource) -> str | None:
        kind = resource.address.kind
        return None if kind in (Kind.MEMBERSHIP, Kind.GRANT) else f"a {kind.value} is not given by a role"

    def grants_for(self, things: Iterable[Resource]) -> dict[str, Any]:
        groups: set[str] = set()
        objects: dict[str, set[str]] = {}
        for address in (r.address for r in things):
            if address.kind is Kind.MEMBERSHIP:
                groups.add(address.object)
            else:
                objects.setdefault(address.object, set()).add(address.slot or "")
        found: dict[str, Any] = {"groups": sorted(groups)} if groups else {}
        if objects:
            found["objects"] = {path: sorted(privileges) for path, privileges in sorted(objects.items())}
        return found

    def objects_for(self, live: State) -> tuple[dict[str, dict[str, Any]], list[tuple[Address, str]]]:
        groups: dict[str, Any] = {}
        for group in live.of_kind(Kind.GROUP):
            told = group.attributes.get("description")
            groups[group.address.object] = {"description": told} if told else {}
        controls = {
            c.address.object: {"open_to": list(c.attributes["open_to"])}
            for c in live.of_kind(Kind.CONTROL)
            if c.attributes.get("open_to")
        }
        unsaid = [
            (c.address, "it is open to an empty list, and what that means is not said")
            for c in live.of_kind(Kind.CONTROL)
            if c.address.object not in controls
        ]
        return {"groups": groups, "controls": controls}, unsaid

    def names(self, block: Block) -> Iterable[tuple[str, str, tuple[str | int, ...]]]:
        for index, name in enumerate(block.data.get("groups", [])):
            yield "groups", name, ("groups", index)

    def canonical(self, resource: Resource) -> Resource:
        return resource

    def unsupported(self, resource: Resource) -> Diagnostic | None:
        email = str(resource.attributes.get("email", ""))
        if email.isascii():
            return None
        return Diagnostic(
            "memory-email",
            f"the memory world holds ASCII only, and `{email}` has other characters",
            why="some systems hold less than the files can say",
            fix="write an address of ASCII characters",
        )

    def unit(self, address: Address) -> Unit:
        if address.kind is Kind.GRANT:
            return Unit(f"{self.target.name}:policy", UnitMode.DOCUMENT)
        return Unit(str(address))

    def effect(self, before: Resource | None, after: Resource | None, around: State) -> Effect:
        address = (after or before).address  # type: ignore[union-attr]
        level = Level.ORDINARY
        if address.object == "admins" or address.slot == "own" or self._owns(address, around):
            level = Level.ADMIN
        if address.kind is Kind.CONTROL:
            return Effect(_control_direction(before, after), level)
        if before is None:
            return Effect(Direction.WIDENS, level)
        if after is None:
            return Effect(Direction.NARROWS, level)
        return Effect(Direction.NEUTRAL, level)

    def _owns(self, address: Address, around: State) -> bool:
        """Whether it is a membership of a group that owns something."""
        if address.kind is not Kind.MEMBERSHIP:
            return False
        held = around.held_by(Principal(address.target, PrincipalKind.GROUP, address.object))
        return any(r.address.slot == "own" and r.gives_access for r in held)

    def needs(self, resource: Resource) -> Iterable[Address]:
        address = resource.address
        if address.kind is Kind.MEMBERSHIP:
            yield self._address(Kind.GROUP, address.object)
        who = address.principal
        if who is not None:
            yield self._address(Kind.GROUP if who.kind is PrincipalKind.GROUP else Kind.ACCOUNT, who.id)

    def words(self, change: Change) -> str:
        address = change.address
        who = str(address.principal) if address.principal is not None else address.object
        verb = _VERBS[change.action]
        if address.kind is Kind.MEMBERSHIP:
            word = "from" if change.action is Action.REVOKE else "to"
            return f"{'remove' if word == 'from' else 'add'} {who} {word} group {address.object}"
        if address.kind is Kind.GRANT:
            return f"{verb} {address.slot} on {address.object} for {who}"
        if address.kind is Kind.CREDENTIAL:
            return f"{verb} key {address.object} of {who}"
        return f"{verb} {address.kind.value} {address.object}"

    def reversible(self, resource: Resource) -> bool:
        return True

    def holds_until(self, resource: Resource) -> Instant | None:
        return None

    def complete(self) -> Iterable[tuple[Kind, Principal]]:
        for name, group in self.target.objects.data.get("groups", {}).items():
            if group.get("objects") is not None:
                yield Kind.GRANT, Principal(self.target.name, PrincipalKind.GROUP, name)

    def _address(self, kind: Kind, name: str, who: Principal | None = None) -> Address:
        return Address(self.target.name, kind, name, who)


_VERBS = {
    Action.CREATE: "create",
    Action.UPDATE: "change",
    Action.RENAME: "rename",
    Action.ENABLE: "enable",
    Action.ADOPT: "adopt",
    Action.RELEASE: "release",
    Action.ROTATE: "rotate",
    Action.REVOKE: "revoke",
    Action.DISABLE: "disable",
    Action.DELETE: "delete",
}


def _control_direction(before: Resource | None, after: Resource | None) -> Direction:
    """A restriction that goes lets more in; one that comes lets fewer in."""
    if after is None:
        return Direction.WIDENS
    if before is None:
        return Direction.NARROWS
    was, becomes = set(before.attributes.get("open_to", ())), set(after.attributes.get("open_to", ()))
    if was < becomes:
        return Direction.WIDENS
    return Direction.NARROWS if becomes < was else Direction.BOTH
