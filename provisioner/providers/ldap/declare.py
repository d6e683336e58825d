"""The pure side: a grants block into groups and memberships, what a change means, and its words. No SDK, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.contract import Capabilities
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block
from provisioner.model.change import Action, Change
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant, parse_instant
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import NOTHING, Resource
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.model.unit import Unit, UnitMode
from provisioner.providers.ldap import dn, names

CAPABILITIES = Capabilities(
    marks=frozenset({Kind.ACCOUNT, Kind.GROUP}),
    disables=True,
    # refint and memberof work in the background after the answer to a rename or delete.
    settle_seconds={Kind.MEMBERSHIP: 5.0, Kind.GRANT: 5.0},
    batch=50,
    folds_case=True,
)


@dataclass
class LdapDeclare:
    """`provisioner.contract.Declare` for one directory."""

    target: Target
    capabilities: Capabilities = CAPABILITIES

    def check(self) -> Iterable[Diagnostic]:
        """Unparsable names and addresses, an unencrypted connection, group names that cannot be."""
        yield from self._check_connection()
        settings = self.target.settings
        base = settings.data.get("base")
        for part in ("people", "groups"):
            text = base.get(part) if isinstance(base, dict) else None
            if isinstance(text, str):
                yield from self._check_dn(text, "base", part)
        bind_dn = settings.data.get("bind_dn")
        if isinstance(bind_dn, str):
            yield from self._check_dn(bind_dn, "bind_dn")
        groups = self._declared_groups()
        yield from self._check_names([(name, ("groups", name)) for name in groups], self.target.objects)
        yield from self._check_twice(list(groups))
        for name, entry in groups.items():
            told = entry.get("description") if isinstance(entry, dict) else None
            if isinstance(told, str) and _is_ours(told):
                yield Diagnostic(
                    "ldap-description",
                    f"the description of `{name}` would be read as an ownership mark",
                    location=self.target.objects.at("groups", name, "description"),
                    why="marks are kept among the values of `description`",
                    fix="write something else",
                    target=self.target.name,
                )

    def _check_connection(self) -> Iterator[Diagnostic]:
        settings = self.target.settings
        url = settings.data.get("url")
        if not isinstance(url, str):
            return
        place = settings.at("url")
        try:
            encrypted = names.server_of(url).scheme == "ldaps"
        except ValueError as error:
            yield Diagnostic(
                "ldap-url",
                str(error),
                location=place,
                why="the directory is reached by this address",
                fix="write for example `url: ldaps://ldap.example.com`",
                target=self.target.name,
            )
            return
        if encrypted and settings.data.get("start_tls"):
            yield Diagnostic(
                "ldap-start-tls",
                "`start_tls` belongs to an ldap:// address; this one is ldaps://",
                location=settings.at("start_tls"),
                why="ldaps:// is encrypted from its first byte",
                fix="remove `start_tls`",
                target=self.target.name,
            )
        if not encrypted and not settings.data.get("start_tls"):
            yield Diagnostic(
                "ldap-plain-text",
                f"{self.target.name} is reached without encryption",
                Severity.WARNING,
                location=place,
                why="the bind password and everything read or written can be seen and changed on the way",
                fix="use ldaps://, or add `start_tls: true`",
                target=self.target.name,
            )

    def _check_dn(self, text: str, *path: str) -> Iterator[Diagnostic]:
        try:
            if dn.parse(text):
                return
            why = "it is empty"
        except ValueError as error:
            why = str(error)
        yield Diagnostic(
            "ldap-dn",
            f"`{text}` is not the name of an entry: {why}",
            location=self.target.settings.at(*path),
            why="names of entries are read as RFC 4514 writes them",
            fix="write for example `ou=people,dc=example,dc=com`",
            target=self.target.name,
        )

    def _check_names(self, found: Iterable[tuple[str, tuple[str | int, ...]]], block: Block) -> Iterator[Diagnostic]:
        for name, path in found:
            told = names.why_not(name, "a group")
            if told is not None:
                yield Diagnostic(
                    "ldap-group-name",
                    told,
                    location=block.at(*path),
                    why="it becomes the `cn` of an entry",
                    fix="choose another name",
                    target=self.target.name,
                )

    def _check_twice(self, found: list[str]) -> Iterator[Diagnostic]:
        first: dict[str, str] = {}
        for name in found:
            known = first.setdefault(dn.fold(name), name)
            if known != name:
                yield Diagnostic(
                    "ldap-same-group",
                    f"`{name}` and `{known}` are one group to the directory",
                    location=self.target.objects.at("groups", name),
                    why="case and white space do not count in its names",
                    fix="declare it once",
                    target=self.target.name,
                )

    def check_grants(self, block: Block) -> Iterable[Diagnostic]:
        return self._check_names([(name, path) for _, name, path in self.names(block)], block)

    def check_login(self, login: str) -> str | None:
        return names.why_not(login, "a login")

    def declared(self) -> Iterable[Resource]:
        for name in self._declared_groups():
            yield self._group(name, sources=True)

    def account(self, identity: Identity, login: str) -> Resource:
        attributes: dict[str, Any] = {"enabled": True}
        if identity.name:
            attributes["name"] = identity.name
        if identity.email:
            attributes["email"] = identity.email
        if self.target.settings.data.get("account_end") and identity.suspended is None:
            # Whoever is suspended is off by the same attribute, and gets their end back when they are on again.
            if identity.until is not None:
                attributes["ends"] = names.end_text(identity.until)
            elif identity.had_end:
                attributes["ends"] = None
        return Resource(Address(self.target.name, Kind.ACCOUNT, login), attributes)

    def expand(self, block: Block, who: Principal) -> Iterable[Resource]:
        for _, name, path in self.names(block):
            source = (block.at(*path),)
            group = self._group(name)
            yield Resource(group.address, group.attributes, sources=source)
            yield Resource(Address(self.target.name, Kind.MEMBERSHIP, name, who), sources=source)

    def unsayable(self, resource: Resource) -> str | None:
        address = resource.address
        if address.kind is Kind.GRANT:
            return "who owns a group is not said by a role"
        if address.kind is not Kind.MEMBERSHIP:
            return f"a {address.kind.value} is not given by a role"
        if "{environment}" in address.object:
            return "the group's name holds `{environment}`, which stands for something else in a role"
        return names.why_not(address.object, "a group")

    def grants_for(self, things: Iterable[Resource]) -> dict[str, Any]:
        return {"groups": sorted({r.address.object for r in things})}

    def objects_for(self, live: State) -> tuple[dict[str, dict[str, Any]], list[tuple[Address, str]]]:
        """Every group that can be named, with the description that people gave it."""
        groups: dict[str, Any] = {}
        unsaid: list[tuple[Address, str]] = []
        known: set[str] = set()
        for group in live.of_kind(Kind.GROUP):
            name = group.address.object
            told = names.why_not(name, "a group") or (
                "another group has nearly its name" if dn.fold(name) in known else None
            )
            if told is not None:
                unsaid.append((group.address, told))
                continue
            known.add(dn.fold(name))
            description = group.attributes.get("description")
            groups[name] = {"description": description} if description else {}
        return {"groups": groups}, unsaid

    def names(self, block: Block) -> Iterable[tuple[str, str, tuple[str | int, ...]]]:
        groups = block.data.get("groups")
        if isinstance(groups, list | tuple):
            for at, name in enumerate(groups):
                if isinstance(name, str):
                    yield "groups", name, ("groups", at)

    def canonical(self, resource: Resource) -> Resource:
        """Nothing: names and values are kept as they are written, and the directory echoes them so."""
        return resource

    def unsupported(self, resource: Resource) -> Diagnostic | None:
        email = resource.attributes.get("email")
        if resource.address.kind is Kind.ACCOUNT and isinstance(email, str) and not email.isascii():
            return Diagnostic(
                "ldap-email",
                f"`{email}` cannot be an e-mail address in a directory",
                location=resource.sources[0] if resource.sources else None,
                why="`mail` holds ASCII only (RFC 4524)",
                fix="write the domain in its ASCII form (xn--...)",
                target=self.target.name,
            )
        return None

    def unit(self, address: Address) -> Unit:
        if address.kind in (Kind.MEMBERSHIP, Kind.GRANT):
            return Unit(f"members:{dn.fold(names.group_of(address))}", UnitMode.DOCUMENT)
        if address.kind is Kind.CREDENTIAL and address.principal is not None:
            return Unit(f"credentials:{dn.fold(address.principal.id)}", UnitMode.DOCUMENT)
        return Unit(f"{address.kind.value}:{dn.fold(address.object)}")

    def effect(self, before: Resource | None, after: Resource | None, around: State) -> Effect:
        resource = after or before
        if resource is None:
            return Effect(Direction.NEUTRAL)
        kind, level = resource.address.kind, Level.ORDINARY
        if kind in (Kind.MEMBERSHIP, Kind.GRANT) and names.is_admin_like(names.group_of(resource.address)):
            level = Level.ADMIN
        elif kind is Kind.GRANT:
            level = Level.ELEVATED  # who owns a group decides who is in it, where access rules say so
        if before is None:
            return Effect(Direction.NEUTRAL if kind is Kind.GROUP else Direction.WIDENS, level)
        if after is None:
            return Effect(Direction.NARROWS, level)
        if kind is Kind.ACCOUNT:
            was, becomes = (
                before.attributes.get("enabled"),
                after.attributes.get("enabled", before.attributes.get("enabled")),
            )
            if was != becomes:
                return Effect(Direction.WIDENS if becomes else Direction.NARROWS, level)
            if _ends_later(before.attributes.get("ends"), after.attributes):
                return Effect(Direction.WIDENS, level)
        return Effect(Direction.NEUTRAL, level)

    def needs(self, resource: Resource) -> Iterable[Address]:
        address = resource.address
        if address.kind in (Kind.MEMBERSHIP, Kind.GRANT):
            yield Address(self.target.name, Kind.GROUP, names.group_of(address))
        who = address.principal
        if who is not None and who.kind in (PrincipalKind.PERSON, PrincipalKind.SERVICE):
            yield Address(self.target.name, Kind.ACCOUNT, who.id)
        elif who is not None and who.kind is PrincipalKind.GROUP:
            yield Address(self.target.name, Kind.GROUP, who.id)

    def words(self, change: Change) -> str:
        return _WORDS[change.address.kind](change)

    def complete(self) -> Iterable[tuple[Kind, Principal]]:
        """What a group of the directory is allowed is said elsewhere."""
        return ()

    def reversible(self, resource: Resource) -> bool:
        """Keys and certificates are dropped from the entry, and nobody keeps a copy."""
        return resource.address.kind is not Kind.CREDENTIAL

    def holds_until(self, resource: Resource) -> Instant | None:
        """A group has no member with an end; an account has one, where the server obeys it."""
        ends = resource.attributes.get("ends")
        return parse_instant(ends) if isinstance(ends, str) else None

    def _declared_groups(self) -> dict[str, Any]:
        groups = self.target.objects.data.get("groups")
        return dict(groups) if isinstance(groups, dict) else {}

    def _group(self, name: str, *, sources: bool = False) -> Resource:
        entry = self._declared_groups().get(name)
        text = entry.get("description") if isinstance(entry, dict) else None
        return Resource(
            Address(self.target.name, Kind.GROUP, name),
            {"description": text} if text else NOTHING,
            sources=(self.target.objects.at("groups", name),) if sources else (),
        )


def _ends_later(was: object, after: Mapping[str, Any]) -> bool:
    """Whether an account that had an end has a later one, or none. To give it one takes nothing that its person has:
    it is no earlier than their own end."""
    if not isinstance(was, str) or "ends" not in after:
        return False
    becomes = after["ends"]
    return not isinstance(becomes, str) or parse_instant(becomes) > parse_instant(was)


def _account_words(change: Change) -> str:
    login = change.address.object
    match change.action:
        case Action.RENAME:
            return f"rename account {(change.before or {}).get('login')} to {login}"
        case Action.DISABLE:
            return f"disable account {login} (new random password, lock, end now, no login shell, no keys)"
        case Action.ENABLE:
            return f"enable account {login} (it needs a new password)"
        case Action.UPDATE:
            return f"set {_listed(change)} of account {login}{_end_words(change)}"
        case Action.ADOPT:
            more = " and ".join(sorted(set(change.after or ()) - {"mark"}))
            return f"adopt account {login} as {change.identity}'s" + (f", and set its {more}" if more else "")
    return f"{change.action.value} account {login}"


def _end_words(change: Change) -> str:
    if "ends" not in (change.after or {}):
        return ""
    ends = (change.after or {})["ends"]
    return f" (it {f'ends by itself at {ends}' if ends else 'has no end any more'})"


def _group_words(change: Change) -> str:
    if change.action is Action.UPDATE:
        return f"set {_listed(change)} of group {change.address.object}"
    return f"{change.action.value} group {change.address.object}"


def _listed(change: Change) -> str:
    return " and ".join(sorted(change.after or {}))


def _membership_words(change: Change) -> str:
    who, group = _holder(change), change.address.object
    return f"remove {who} from group {group}" if change.action is Action.REVOKE else f"add {who} to group {group}"


def _grant_words(change: Change) -> str:
    who, group = _holder(change), names.group_of(change.address)
    verb, word = ("remove", "from") if change.action is Action.REVOKE else ("add", "to")
    return f"{verb} {who} {word} the owners of group {group}"


def _credential_words(change: Change) -> str:
    what, thing = change.address.object, "credential"
    for prefix, name in ((names.SSH_KEY, "SSH key"), (names.CERTIFICATE, "certificate")):
        if what.startswith(prefix):
            what, thing = what.removeprefix(prefix), name
    return f"remove {thing} {what} of {_holder(change)}"


def _control_words(change: Change) -> str:
    return f"{change.action.value} {change.address.object}"


def _holder(change: Change) -> str:
    who = change.address.principal
    if who is None:
        return "nobody"
    return who.id if who.kind in (PrincipalKind.PERSON, PrincipalKind.SERVICE) else f"{who.kind.value} {who.id}"


_WORDS = {
    Kind.ACCOUNT: _account_words,
    Kind.GROUP: _group_words,
    Kind.MEMBERSHIP: _membership_words,
    Kind.GRANT: _grant_words,
    Kind.CREDENTIAL: _credential_words,
    Kind.CONTROL: _control_words,
}


def _is_ours(description: str) -> bool:
    from provisioner.providers.ldap.convert import is_ours  # what reads entries is no part of starting `validate`

    return is_ours(description)
