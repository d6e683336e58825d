"""The pure side for one AWS account: blocks of access files into resources, units, words (how much a change gives is
told by `effects.py`). No SDK, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provisioner.contract import Capabilities, Shared
from provisioner.diagnostics import Diagnostic, Location
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block
from provisioner.model.change import Change
from provisioner.model.effect import Effect, Level
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant, parse_instant
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.rotation import Rotation
from provisioner.model.state import State
from provisioner.model.target import AccountsPolicy, Target
from provisioner.model.unit import Unit, UnitMode
from provisioner.providers.aws_iam import documents, effects, keyless, keys, names, narrow
from provisioner.providers.aws_iam.wording import describe

PLACEHOLDER = "{environment}"


class AwsDeclare:
    """The account of `target`."""

    def __init__(self, target: Target, capabilities: Capabilities) -> None:
        self.target = target
        self.capabilities = capabilities
        self._account = str(target.settings.data.get("account", ""))

    # Checks

    def check(self) -> Iterator[Diagnostic]:
        yield from self._check_roles()
        for name, body in self._groups():
            place = self.target.objects.at("groups", name)
            yield from self._told("group", name, place)
            for policy, at in self._policies(name, body):
                yield from self._check_policy(policy, at)

    def _check_roles(self) -> Iterator[Diagnostic]:
        block = self.target.settings
        roles = block.data.get("assume_role")
        for key, arn in roles.items() if isinstance(roles, Mapping) else ():
            parts = str(arn).split(":")
            if len(parts) > 4 and parts[4] not in ("{account}", self._account):
                yield Diagnostic(
                    "aws-role-elsewhere",
                    f"{self.target.name} is account {self._account}, and its role {arn} is in account {parts[4]}",
                    location=block.at("assume_role", key),
                    why="a session of that role would read and change another account",
                    fix="write {account} in place of the digits",
                    target=self.target.name,
                )

    def check_grants(self, block: Block) -> Iterator[Diagnostic]:
        data = block.data
        for section, kind in (("groups", "group"), ("assume", "role")):
            for index, name in enumerate(_texts(data.get(section))):
                if PLACEHOLDER not in name:
                    yield from self._told(kind, name, block.at(section, index))
        for index, policy in enumerate(_texts(data.get("policies"))):
            if PLACEHOLDER not in policy:
                yield from self._check_policy(policy, block.at("policies", index))

    def _told(self, kind: str, name: str, place: Location) -> Iterator[Diagnostic]:
        why = names.why_not(kind, name)
        if why is not None:
            yield Diagnostic(
                "aws-name",
                f"`{name}` cannot name an IAM {kind}",
                location=place,
                length=len(name),
                why=why,
                fix=f"write the {kind}'s name as IAM shows it, without path or ARN",
                target=self.target.name,
            )

    def _check_policy(self, policy: str, place: Location) -> Iterator[Diagnostic]:
        if not policy.startswith("arn:"):
            if names.is_reserved(policy):
                yield Diagnostic(
                    "aws-name",
                    f"`{policy}` cannot be written as a bare name",
                    location=place,
                    length=len(policy),
                    why="names that begin with `inline.` or `role.` mean other things in our addresses",
                    fix=f"write its ARN: arn:aws:iam::{self._account or 'ACCOUNT'}:policy/{policy}",
                    target=self.target.name,
                )
                return
            yield from self._told("policy", policy, place)
            return
        parsed = names.parse_policy_arn(policy)
        if parsed is None:
            yield Diagnostic(
                "aws-name",
                f"`{policy}` is not the ARN of a managed policy",
                location=place,
                length=len(policy),
                why="such an ARN reads arn:aws:iam::ACCOUNT:policy/NAME, or arn:aws:iam::aws:policy/NAME for AWS's own",
                fix="copy the ARN from IAM, or write the policy's bare name",
                target=self.target.name,
            )
        elif self._account and parsed.account not in ("aws", self._account):
            yield Diagnostic(
                "aws-policy-elsewhere",
                f"{policy} is a policy of account {parsed.account}, {self.target.name} is {self._account}",
                location=place,
                length=len(policy),
                why="a policy can only be attached in its own account",
                fix=f"write the bare name `{parsed.name}`: in each account it means that account's policy",
                target=self.target.name,
            )

    def check_login(self, login: str) -> str | None:
        return names.why_not("user", login)

    def inspect(
        self,
        live: State,
        whose: Callable[[str], Identity | None],
        made: Callable[[Identity, str], Rotation | None],
        now: Instant,
    ) -> Iterator[Diagnostic]:
        return keys.inspect(self.target, live, whose, made, now)

    def check_trust(self, key: str, block: Block) -> Iterator[Diagnostic]:
        return keyless.check(key, block, self.target)

    def check_keyless(self, block: Block) -> Iterator[tuple[str, tuple[str | int, ...]]]:
        return keyless.check_grants(block)

    def trusts(self, identity: Identity, who: Principal) -> Iterator[Resource]:
        return keyless.trusts(identity, who, self.target)

    def keyless_for(self, place: Mapping[str, Any]) -> dict[str, Any] | None:
        return keyless.instead_of_a_key(place)

    def unsupported(self, resource: Resource) -> Diagnostic | None:
        """The names that a role's `{environment}` makes are known only once it is replaced."""
        address = resource.address
        place = resource.sources[0] if resource.sources else Location("-")
        if address.kind in (Kind.GROUP, Kind.MEMBERSHIP):
            return next(self._told("group", address.object, place), None)
        if address.kind is Kind.GRANT:
            if address.object.startswith(names.ROLE):
                return next(self._told("role", address.object.removeprefix(names.ROLE), place), None)
            return next(self._check_policy(address.object, place), None)
        return None

    # From blocks to resources

    def declared(self) -> Iterator[Resource]:
        for name, body in self._groups():
            yield Resource(self._group(name), sources=(self.target.objects.at("groups", name),))
            holder = Principal(self.target.name, PrincipalKind.GROUP, name)
            for policy, place in self._policies(name, body):
                yield self._policy(policy, holder, (place,))

    def complete(self) -> Iterator[tuple[Kind, Principal]]:
        """Groups whose `policies` are declared: what else is attached to them, or written into them, is to go."""
        for name, body in self._groups():
            if isinstance(body, Mapping) and body.get("policies") is not None:
                yield Kind.GRANT, Principal(self.target.name, PrincipalKind.GROUP, name)

    def account(self, identity: Identity, login: str) -> Resource:
        attributes: dict[str, Any] = {"enabled": True}
        ours = names.role_of(login) is None and self.target.accounts is AccountsPolicy.CREATE
        if ours and identity.email and names.fits_tag(identity.email):
            attributes["email"] = identity.email
        return Resource(Address(self.target.name, Kind.ACCOUNT, login), attributes, sources=(identity.location,))

    def expand(self, block: Block, who: Principal) -> Iterator[Resource]:
        data = block.data
        for index, name in enumerate(_texts(data.get("groups"))):
            place = (block.at("groups", index),)
            yield Resource(self._group(name), sources=place)
            yield Resource(Address(self.target.name, Kind.MEMBERSHIP, name, who), sources=place)
        for index, policy in enumerate(_texts(data.get("policies"))):
            yield self._policy(policy, who, (block.at("policies", index),))
        for index, role in enumerate(_texts(data.get("assume"))):
            address = Address(self.target.name, Kind.GRANT, names.ROLE + role, who)
            yield Resource(address, {"intact": True, names.ENDS: None}, sources=(block.at("assume", index),))

    def unsayable(self, resource: Resource) -> str | None:
        address = resource.address
        thing = address.object
        if address.kind is Kind.MEMBERSHIP:
            return "its name holds `{environment}`" if PLACEHOLDER in thing else names.why_not("group", thing)
        if address.kind is not Kind.GRANT:
            return f"a {address.kind.value} is not given by a role"
        if thing.startswith(names.INLINE):
            return "an inline policy: the files attach managed policies only"
        if thing.startswith(names.ROLE):
            if resource.attributes.get("intact") is not True:
                return "our own inline policy for assuming that role was changed by hand"
            return "it ends by itself, and an end belongs to the line of a person" if effects.end_of(resource) else None
        if thing.startswith("arn:") and names.policy_object(thing) != thing:
            return "a policy of AWS's own, by the name of one of the account's: the files would mean that one"
        told = next(self._check_policy(thing, Location("-")), None)
        return None if told is None else told.message

    def grants_for(self, things: Iterable[Resource]) -> dict[str, Any]:
        found: dict[str, set[str]] = {"groups": set(), "policies": set(), "assume": set()}
        for address in (r.address for r in things):
            if address.kind is Kind.MEMBERSHIP:
                found["groups"].add(address.object)
            elif address.object.startswith(names.ROLE):
                found["assume"].add(address.object.removeprefix(names.ROLE))
            else:
                found["policies"].add(address.object)
        return {section: sorted(listed) for section, listed in found.items() if listed}

    def objects_for(self, live: State) -> tuple[dict[str, dict[str, Any]], list[tuple[Address, str]]]:
        """Groups with their policies: declared completely, so not where an inline policy would be taken off by it."""
        groups: dict[str, Any] = {}
        unsaid: list[tuple[Address, str]] = []
        for group in live.of_kind(Kind.GROUP):
            name = group.address.object
            held = live.held_by(Principal(self.target.name, PrincipalKind.GROUP, name))
            told = [(r.address, why) for r in held if (why := self.unsayable(r)) is not None]
            unsaid += told
            if held and not told and names.why_not("group", name) is None:
                groups[name] = {"policies": sorted(r.address.object for r in held)}
        return {"groups": groups}, unsaid

    def names(self, block: Block) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
        for index, name in enumerate(_texts(block.data.get("groups"))):
            yield "groups", name, ("groups", index)

    def canonical(self, resource: Resource) -> Resource:
        """Blocks are read into canonical form at once, and the reader speaks it too."""
        return resource

    # What a change means

    def unit(self, address: Address) -> Unit:
        """Leave to assume a role may stand in the role's trust policy: a document that is written whole."""
        if address.kind is Kind.GRANT and address.object.startswith(names.ROLE):
            return Unit(f"{address.target}:{address.object}", UnitMode.DOCUMENT)
        return Unit(str(address))

    def effect(self, before: Resource | None, after: Resource | None, around: State) -> Effect:
        return effects.effect(before, after, around, self._given_by)

    def opens(self, place: str, held: Resource, states: Mapping[str, State]) -> str | None:
        """As `Readers.opens`: only of administrators; what a policy lets others read is not worked out."""
        if held.address.target != self.target.name:
            return None
        admin = self.effect(held, None, states[self.target.name]).level is Level.ADMIN
        return "an administrator's rights in the account" if admin else None

    def needs(self, resource: Resource) -> Iterator[Address]:
        address = resource.address
        who = address.principal
        if address.kind is Kind.MEMBERSHIP:
            yield self._group(address.object)
        if who is not None and who.kind in (PrincipalKind.PERSON, PrincipalKind.SERVICE):
            yield Address(self.target.name, Kind.ACCOUNT, who.id)
        elif who is not None and who.kind is PrincipalKind.GROUP:
            yield self._group(who.id)

    def words(self, change: Change) -> str:
        return describe(change)

    def reversible(self, resource: Resource) -> bool:
        """Keys, certificates and service credentials are made inactive; passwords and MFA devices are removed."""
        address = resource.address
        return address.kind is not Kind.CREDENTIAL or not address.object.startswith(("password", "mfa."))

    def with_end(self, resource: Resource) -> Resource:
        """Leave to assume a role stands in a policy of ours, with a condition on time: never earlier than the end."""
        if resource.until is None or names.ENDS not in resource.attributes:
            return resource
        return replace(resource, attributes={**resource.attributes, names.ENDS: documents.ending(resource.until)})

    def holds_until(self, resource: Resource) -> Instant | None:
        """IAM ends nothing else by itself: users, memberships and attachments have no time."""
        ends = effects.end_of(resource)
        return None if ends is None else parse_instant(ends)

    def shared(self, person: Sequence[Resource], scope: Sequence[Resource]) -> Shared:
        """As `Narrows.shared`, by the rule of `narrow`."""
        return narrow.shared(self._given_by, person, scope)

    # Parts

    def _given_by(self, group: str) -> list[Resource] | None:
        """The policies that a group is declared to have; None where the files do not say."""
        groups = self.target.objects.data.get("groups")
        body = groups.get(group) if isinstance(groups, Mapping) else None
        if not isinstance(body, Mapping) or body.get("policies") is None:
            return None
        holder = Principal(self.target.name, PrincipalKind.GROUP, group)
        return [self._policy(policy, holder, (place,)) for policy, place in self._policies(group, body)]

    def _group(self, name: str) -> Address:
        return Address(self.target.name, Kind.GROUP, name)

    def _policy(self, policy: str, who: Principal, sources: tuple[Location, ...]) -> Resource:
        if not policy.startswith("arn:"):
            return Resource(Address(self.target.name, Kind.GRANT, policy, who), sources=sources)
        address = Address(self.target.name, Kind.GRANT, names.policy_object(policy), who)
        return Resource(address, {"arn": policy}, sources=sources)

    def _groups(self) -> Iterable[tuple[str, Any]]:
        groups = self.target.objects.data.get("groups")
        return groups.items() if isinstance(groups, Mapping) else ()

    def _policies(self, group: str, body: Any) -> Iterator[tuple[str, Location]]:
        listed = body.get("policies") if isinstance(body, Mapping) else None
        for index, policy in enumerate(_texts(listed)):
            yield policy, self.target.objects.at("groups", group, "policies", index)


def _texts(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list | tuple) else []
