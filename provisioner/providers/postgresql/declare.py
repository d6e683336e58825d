"""The pure side: a grants block into memberships and privileges, units and words; how much a change gives is told by
`effects.py`. No SDK, no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from provisioner.contract import Capabilities, Shared
from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block
from provisioner.model.change import Change
from provisioner.model.effect import Effect
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.model.unit import Unit, UnitMode
from provisioner.providers.postgresql import effects, names
from provisioner.providers.postgresql.names import Thing
from provisioner.providers.postgresql.narrow import shared
from provisioner.providers.postgresql.wording import describe

CAPABILITIES = Capabilities(
    marks=frozenset({Kind.ACCOUNT}),
    disables=True,
    holds_until=frozenset({Kind.ACCOUNT}),
    passing=names.UNREAD,
)
PLACEHOLDER = "{environment}"
_SECRET = re.compile(r"(?:^|\s)password\s*=|://[^/@\s]*:[^/@\s]*@", re.IGNORECASE)
_TLS = re.compile(r"sslmode\s*=\s*'?(?:verify-full|verify-ca)", re.IGNORECASE)
_LOCAL = re.compile(r"(?:^|\s)host\s*=\s*'?(?:/|localhost\b|127\.)|@(?:localhost|127\.)|host=(?:/|%2F)", re.IGNORECASE)


@dataclass
class PostgresDeclare:
    """`provisioner.contract.Declare` for one cluster."""

    target: Target
    capabilities: Capabilities = CAPABILITIES

    # What validate sees

    def check(self) -> Iterator[Diagnostic]:
        """Secrets and plain text in `dsn`, names that cannot be, datasets written otherwise than their one way."""
        yield from self._check_dsn()
        settings, objects = self.target.settings, self.target.objects
        for index, name in enumerate(_texts(settings.data.get("databases"))):
            if PLACEHOLDER in name or len(name.encode()) > names.LONGEST:
                yield self._name_problem(f"`{name}` cannot be a database", settings.at("databases", index))
        for key in ("creators",):
            for index, name in enumerate(_texts(settings.data.get(key))):
                yield from self._check_role(name, settings.at(key, index))
        heir = settings.data.get("reassign_to")
        if isinstance(heir, str):
            yield from self._check_role(heir, settings.at("reassign_to"))
        for name, body in self._section("roles").items():
            yield from self._check_role(name, objects.at("roles", name))
            if name in names.PREDEFINED:
                told = f"`{name}` is the server's own and cannot be declared"
                yield self._name_problem(told, objects.at("roles", name))
            data = body.get("datasets") if isinstance(body, Mapping) else None
            yield from self._check_datasets(data, objects, ("roles", name, "datasets"))
        for path, body in self._section("datasets").items():
            yield from self._check_path(path, objects.at("datasets", path))
            for index, name in enumerate(_texts(body.get("creators") if isinstance(body, Mapping) else None)):
                yield from self._check_role(name, objects.at("datasets", path, "creators", index))

    def _check_dsn(self) -> Iterator[Diagnostic]:
        settings = self.target.settings
        dsn = settings.data.get("dsn")
        if not isinstance(dsn, str):
            return
        if _SECRET.search(dsn):
            yield Diagnostic(
                "postgresql-dsn",
                "`dsn` holds a password",
                location=settings.at("dsn"),
                why="a secret comes from the environment, never from a file",
                fix="take it out, and write `password: {env: PGPASSWORD}` beside `dsn`",
                target=self.target.name,
            )
        if not _TLS.search(dsn) and not _LOCAL.search(dsn):
            yield Diagnostic(
                "postgresql-plain-text",
                f"{self.target.name} is reached without knowing whom one talks to",
                Severity.WARNING,
                location=settings.at("dsn"),
                why="without `sslmode=verify-full` libpq does not check the server's certificate",
                fix="add `sslmode=verify-full`, and `sslrootcert=` where the authority is your own",
                target=self.target.name,
            )

    def check_grants(self, block: Block) -> Iterator[Diagnostic]:
        for index, name in enumerate(_texts(block.data.get("roles"))):
            if PLACEHOLDER not in name:
                yield from self._check_role(name, block.at("roles", index))
        yield from self._check_datasets(block.data.get("datasets"), block, ("datasets",))

    def _check_role(self, name: str, place: Location) -> Iterator[Diagnostic]:
        told = names.why_not(name, "a role")
        if told is not None:
            yield self._name_problem(told, place)

    def _name_problem(self, told: str, place: Location) -> Diagnostic:
        return Diagnostic(
            "postgresql-name",
            told,
            location=place,
            why="names of roles and databases are kept as they are written, with these limits",
            fix="choose another name",
            target=self.target.name,
        )

    def _check_datasets(self, data: Any, block: Block, at: tuple[str | int, ...]) -> Iterator[Diagnostic]:
        for path, privileges in data.items() if isinstance(data, Mapping) else ():
            if not isinstance(path, str):
                continue
            yield from self._check_path(path, block.at(*at, path))
            thing = self._thing(path)
            for index, privilege in enumerate(_texts(privileges)):
                if thing is not None and privilege not in thing.privileges:
                    yield Diagnostic(
                        "postgresql-privilege",
                        f"`{privilege}` is no privilege on `{path}`",
                        location=block.at(*at, path, index),
                        why=f"what can be given there is {', '.join(sorted(thing.privileges))}",
                        fix="name the table (`schema.table`, `schema.*`) or the schema that is meant",
                        target=self.target.name,
                    )
            if thing is not None and thing.everything and not self._creators(thing):
                yield Diagnostic(
                    "postgresql-creators",
                    f"`{path}` covers the tables that are there, and none that is still to come",
                    Severity.WARNING,
                    location=block.at(*at, path),
                    why="PostgreSQL gives rights on tables to come only for those that a named role makes",
                    fix="name the roles that make tables there under `creators` of the target",
                    target=self.target.name,
                )

    def _check_path(self, path: str, place: Location) -> Iterator[Diagnostic]:
        try:
            thing = names.parse(path, self._main)
        except ValueError as error:
            told, fix = f"`{path}` is not a dataset: {error}", "write for example `sales.orders`, `sales.*` or `sales`"
        else:
            if thing.text(self._main) == path:
                if thing.database in self._databases or PLACEHOLDER in path:
                    return
                told = f"`{path}` lies in database `{thing.database}`, which `databases` does not name"
                fix = "add it to `databases`, or correct the path"
            else:
                told, fix = f"`{path}` has another spelling", f"write `{thing.text(self._main)}`"
        why = "a path is `[database/]schema[.table[.column]]`, and each thing has one spelling"
        yield Diagnostic("postgresql-dataset", told, location=place, why=why, fix=fix, target=self.target.name)

    def check_login(self, login: str) -> str | None:
        if login in names.PREDEFINED:
            return f"`{login}` is a name that PostgreSQL keeps for itself"
        return names.why_not(login, "an account")

    def unsupported(self, resource: Resource) -> Diagnostic | None:
        """Names that `{environment}` made are known only once it is replaced."""
        address = resource.address
        place = resource.sources[0] if resource.sources else Location("-")
        if address.kind in (Kind.GROUP, Kind.MEMBERSHIP):
            return next(self._check_role(address.object, place), None)
        if address.kind is Kind.GRANT and not names.is_other(address.object):
            return next(self._check_path(address.object, place), None)
        return None

    # From blocks to resources

    def declared(self) -> Iterator[Resource]:
        objects = self.target.objects
        for name, body in self._section("roles").items():
            place = (objects.at("roles", name),)
            yield Resource(self._group(name), sources=place)
            who = Principal(self.target.name, PrincipalKind.GROUP, name)
            data = body.get("datasets") if isinstance(body, Mapping) else None
            yield from self._privileges(data, who, objects, ("roles", name, "datasets"))

    def complete(self) -> Iterator[tuple[Kind, Principal]]:
        """Roles whose `datasets` are declared: whatever else they hold directly is to go."""
        for name, body in self._section("roles").items():
            if isinstance(body, Mapping) and body.get("datasets") is not None:
                yield Kind.GRANT, Principal(self.target.name, PrincipalKind.GROUP, name)

    def account(self, identity: Identity, login: str) -> Resource:
        """`until` is the end that the server holds as well: never earlier than the person's own. `cut` is a leaver
        whose sessions were ended, until their role is disabled; whoever is declared is not."""
        until = format_instant(identity.until) if identity.until is not None else None
        return Resource(Address(self.target.name, Kind.ACCOUNT, login), {"enabled": True, "until": until, "cut": False})

    def expand(self, block: Block, who: Principal) -> Iterator[Resource]:
        for index, name in enumerate(_texts(block.data.get("roles"))):
            place = (block.at("roles", index),)
            if name not in names.PREDEFINED:
                yield Resource(self._group(name), sources=place)
            yield Resource(Address(self.target.name, Kind.MEMBERSHIP, name, who), sources=place)
        yield from self._privileges(block.data.get("datasets"), who, block, ("datasets",))

    def _privileges(self, data: Any, who: Principal, block: Block, at: tuple[str | int, ...]) -> Iterator[Resource]:
        for path, privileges in data.items() if isinstance(data, Mapping) else ():
            thing = self._thing(path)
            text = path if thing is None else thing.text(self._main)
            attributes = names.INTACT
            if thing is not None and thing.everything:
                attributes = {**names.INTACT, "creators": sorted(self._creators(thing)), "not_covered": []}
            for index, privilege in enumerate(_texts(privileges)):
                address = Address(self.target.name, Kind.GRANT, text, who, privilege)
                yield Resource(address, attributes, sources=(block.at(*at, path, index),))

    def unsayable(self, resource: Resource) -> str | None:
        address, thing = resource.address, resource.address.object
        more = resource.facts.more if resource.facts is not None else {}
        if PLACEHOLDER in thing:
            return "its name holds `{environment}`, which stands for something else in a role"
        if address.kind is Kind.MEMBERSHIP:
            if more.get("admin"):
                return "it is held with the right to give it to others"
            return names.why_not(thing, "a role")
        if address.kind is not Kind.GRANT:
            return f"a {address.kind.value} is not given by a role"
        if names.is_other(thing):
            return "a role gives privileges on databases, schemas, tables and columns only"
        if more.get("grantable"):
            return "it is held with the right to give it to others"
        found = self._thing(thing)
        if found is None or address.slot not in found.privileges or found.database not in self._databases:
            return "no path and privilege of the files says it"
        return None

    def grants_for(self, things: Iterable[Resource]) -> dict[str, Any]:
        roles: set[str] = set()
        datasets: dict[str, set[str]] = {}
        for address in (r.address for r in things):
            if address.kind is Kind.MEMBERSHIP:
                roles.add(address.object)
            else:
                datasets.setdefault(address.object, set()).add(address.slot or "")
        found: dict[str, Any] = {"roles": sorted(roles)} if roles else {}
        if datasets:
            found["datasets"] = {path: sorted(privileges) for path, privileges in sorted(datasets.items())}
        return found

    def objects_for(self, live: State) -> tuple[dict[str, dict[str, Any]], list[tuple[Address, str]]]:
        """Roles with what they hold: declared completely, so not where something of it cannot be said."""
        roles: dict[str, Any] = {}
        unsaid: list[tuple[Address, str]] = []
        for group in live.of_kind(Kind.GROUP):
            name = group.address.object
            told = names.why_not(name, "a role")
            if told is not None:
                unsaid.append((group.address, told))
                continue
            held = live.held_by(Principal(self.target.name, PrincipalKind.GROUP, name))
            held = [r for r in held if r.address.kind is Kind.GRANT]
            cannot = [(r.address, why) for r in held if (why := self.unsayable(r)) is not None]
            unsaid += cannot
            roles[name] = {} if cannot or not held else self.grants_for(held)
        return {"roles": roles}, unsaid

    def names(self, block: Block) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
        """Of a dataset also each declared one that is a part of it, or that it is a part of: a label on one of them
        cannot be walked round by naming another."""
        for index, name in enumerate(_texts(block.data.get("roles"))):
            yield "roles", name, ("roles", index)
        datasets = block.data.get("datasets")
        for path in datasets if isinstance(datasets, Mapping) else ():
            yield "datasets", path, ("datasets", path)
            thing = self._thing(path)
            for name, other in self._labelled.items():
                if thing is not None and name != path and thing.overlaps(other):
                    yield "datasets", name, ("datasets", path)

    def canonical(self, resource: Resource) -> Resource:
        """Blocks are read into canonical form at once, and the reader speaks it too."""
        return resource

    # What a change means

    def unit(self, address: Address) -> Unit:
        """A transaction for each database; what the whole cluster has goes with the first one's."""
        database = self._main
        if address.kind is Kind.GRANT:
            database = names.database_of(address.object, self._main)
        return Unit(f"database:{database if database in self._databases else self._main}", UnitMode.TRANSACTION)

    def effect(self, before: Resource | None, after: Resource | None, around: State) -> Effect:
        return effects.effect(before, after, around)

    def needs(self, resource: Resource) -> Iterator[Address]:
        address, who = resource.address, resource.address.principal
        if address.kind is Kind.MEMBERSHIP:
            yield self._group(address.object)
        if who is not None and who.is_account:
            yield Address(self.target.name, Kind.ACCOUNT, who.id)
        elif who is not None and who.kind is PrincipalKind.GROUP:
            yield self._group(who.id)

    def words(self, change: Change) -> str:
        return describe(change, self._heir)

    def reversible(self, resource: Resource) -> bool:
        """What somebody owned is not given back."""
        return resource.address.slot != names.OWNER

    def holds_until(self, resource: Resource) -> Instant | None:
        """A role's end; memberships and privileges have none."""
        until = resource.attributes.get("until")
        return parse_instant(until) if resource.address.kind is Kind.ACCOUNT and isinstance(until, str) else None

    def shared(self, person: Sequence[Resource], scope: Sequence[Resource]) -> Shared:
        """`provisioner.contract.Narrows`: what a declared role holds counts as held by whoever is in it."""
        complete = {who.id for _, who in self.complete()}
        inside: dict[str, tuple[Resource, ...]] = dict.fromkeys(complete, ())
        for resource in self.declared():
            who = resource.address.principal
            if who is not None and who.id in complete:
                inside[who.id] += (resource,)
        return shared(person, scope, inside, self._main)

    # Parts

    @cached_property
    def _databases(self) -> list[str]:
        return _texts(self.target.settings.data.get("databases")) or ["postgres"]

    @property
    def _main(self) -> str:
        return self._databases[0]

    @property
    def _heir(self) -> str | None:
        heir = self.target.settings.data.get("reassign_to")
        return heir if isinstance(heir, str) else None

    @cached_property
    def _labelled(self) -> dict[str, Thing]:
        found = ((path, self._thing(path)) for path in self._section("datasets"))
        return {path: thing for path, thing in found if thing is not None}

    def _creators(self, thing: Thing) -> list[str]:
        own = self._section("datasets").get(thing.text(self._main))
        listed = own.get("creators") if isinstance(own, Mapping) else None
        return _texts(self.target.settings.data.get("creators") if listed is None else listed)

    def _thing(self, path: str) -> Thing | None:
        try:
            return names.parse(path, self._main)
        except ValueError:
            return None

    def _section(self, name: str) -> Mapping[str, Any]:
        found = self.target.objects.data.get(name)
        return found if isinstance(found, Mapping) else {}

    def _group(self, name: str) -> Address:
        return Address(self.target.name, Kind.GROUP, name)


def _texts(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list | tuple) else []
