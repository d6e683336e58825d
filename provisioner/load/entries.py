"""One access file into what it declares: a function of its bytes alone, so that the result can be kept and used again.

What is wrong is told and left out, and the rest is kept: a mistake in one entry does not hide those in the next, and an
old revision that today's rules refuse still says who held what. Nothing here knows other files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from provisioner.contract.protocols import Provider
from provisioner.diagnostics import Diagnostic, Location
from provisioner.load import fields, schema
from provisioner.load.checked import Model, checked, mended
from provisioner.load.decode import decode, in_place_of_yaml
from provisioner.load.display import show
from provisioner.load.nodes import Tree, build
from provisioner.load.places import At, Source
from provisioner.load.sources import source_of
from provisioner.load.suggest import did_you_mean
from provisioner.load.targets import TargetEntry, TargetReader
from provisioner.model.access import Records
from provisioner.model.assignment import Assignment
from provisioner.model.environment import Environment
from provisioner.model.identity import AccountName, Identity, IdentityKind, Suspension, role_accounts
from provisioner.model.role import GrantBlock, Role
from provisioner.model.source import Source as DirectorySource

SECTIONS = (
    "people",
    "services",
    "roles",
    "environments",
    "targets",
    "stores",
    "pipelines",
    "sources",
    "guardrails",
    "records",
)
_is_id = re.compile(fields.ID.removesuffix("$") + r"\Z").match


_NOTHING: Any = MappingProxyType({})


class FileEntries:
    """What one file declares. `named` has every id of every section, also of entries that are wrong: they exist."""

    __slots__ = (
        "carried",
        "environments",
        "identities",
        "models",
        "named",
        "only_people",
        "problems",
        "records",
        "roles",
        "source",
        "sources",
        "targets",
        "unread",
    )

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Diagnostic] = []
        self.named: list[tuple[str, str]] = []
        self.identities: dict[str, Identity] = {}
        self.records: Records | None = None
        self.only_people = False
        self.unread = False
        # Most files declare one person: they share one set of empty mappings for all that they do not have.
        self.roles: dict[str, Role] = _NOTHING
        self.environments: dict[str, Environment] = _NOTHING
        self.targets: dict[str, TargetEntry] = _NOTHING
        self.sources: dict[str, DirectorySource] = _NOTHING
        self.carried: dict[str, dict[str, Any]] = _NOTHING
        self.models: dict[str, Any] = _NOTHING

    def own(self) -> None:
        """Gives the file mappings of its own for more than people."""
        self.roles, self.environments, self.targets, self.sources, self.carried, self.models = {}, {}, {}, {}, {}, {}


def read_entries(
    file: str, data: bytes, providers: Mapping[str, Provider], planned: Collection[str] = ()
) -> FileEntries:
    """Everything that the file at `file` (as told to people) declares."""
    text, said = decode(file, data)
    source = Source(file, text or "")
    entries = FileEntries(source)
    entries.problems.extend(said)
    if text is None:
        entries.unread = True
        return entries
    tree = source.tree = build(file, text)
    if tree.root.__class__ is not dict or "sops" in tree.root:
        blob = in_place_of_yaml(file, data)
        if blob is not None:
            entries.problems, entries.unread = [blob], True
            return entries
    if tree.problems:
        entries.problems.extend(tree.problems)
    if tree.root is None:
        entries.unread = not any(p.code == "empty-file" for p in tree.problems)
    elif not isinstance(tree.root, dict):
        entries.problems.append(
            At(source).problem(
                "wrong-type",
                f"the file is {show(tree.root)}, and must be a mapping",
                (),
                why="a file declares people, roles and the like by their key",
                fix="begin with `people:` or another key",
            )
        )
    else:
        _Reader(entries, tree, providers, planned).file()
    if tree.problems:
        _tell_once(entries, tree)
    entries.only_people = all(section == "people" for section, _ in entries.named)
    if entries.only_people and not entries.problems:
        source.forget()
    return entries


def _tell_once(entries: FileEntries, tree: Tree) -> None:
    """Where reading the text already complained about a value, the schema need not."""
    places = {p.location for p in tree.problems}
    told = set(map(id, tree.problems))
    entries.problems = [p for p in entries.problems if id(p) in told or p.location not in places]


class _Reader:
    def __init__(
        self, entries: FileEntries, tree: Tree, providers: Mapping[str, Provider], planned: Collection[str]
    ) -> None:
        self.entries = entries
        self.source = entries.source
        self.tree = tree
        self.providers = providers
        self.planned = planned

    def file(self) -> None:
        named = self.entries.named
        root = self.tree.root
        if len(root) > 1 or "people" not in root:
            self.entries.own()
        for section in list(root):
            body = root[section]
            read = _READERS.get(section)
            if read is None:
                self._single(section)
            elif body.__class__ is not dict:
                self._wrong_section(section, body)
            else:
                for name in list(body):
                    if _is_id(name):
                        named.append((section, name))
                        read(self, section, name)
                    else:
                        self._bad_id(section, name)

    # -- the sections

    def _person(self, section: str, name: str) -> None:
        raw = self.tree.root[section][name]
        try:
            model = schema.PersonModel.__pydantic_validator__.validate_python(raw)
        except ValidationError as wrong:
            at = At(self.source, (section, name))
            rest = mended(wrong, raw, at, schema.PersonModel, "a person", self.entries.problems, lambda: raw)
            if rest is None:
                return
            model = rest[1]
        self.entries.identities.setdefault(name, self._identity(IdentityKind.PERSON, section, name, raw, model))

    def _service(self, section: str, name: str) -> None:
        found = self._check(schema.ServiceModel, (section, name), "a service")
        if found is None:
            return
        raw, model = found
        at = At(self.source, (section, name))
        identity = self._identity(
            IdentityKind.SERVICE,
            section,
            name,
            raw,
            model,
            owners=tuple(model.owners),
            credentials=At(self.source, (*at.base, "credentials")).block(raw["credentials"])
            if "credentials" in raw
            else None,
            keyless=At(self.source, (*at.base, "identity")).block(raw["identity"]) if "identity" in raw else None,
        )
        if model.identity:
            identity = replace(identity, accounts={**identity.accounts, **role_accounts(identity)})
        if self.entries.identities.setdefault(name, identity) is identity:
            self.entries.models[name] = model

    def _identity(
        self, kind: IdentityKind, section: str, name: str, raw: dict[str, Any], model: schema.HolderModel, **more: Any
    ) -> Identity:
        file, marks = self.source.file, self.tree.marks
        accounts: dict[str, AccountName] = {}
        if model.accounts:
            places = marks[id(raw["accounts"])][::2]
            for (target, account), mark in zip(model.accounts.items(), places, strict=True):
                accounts[target] = AccountName(account.login, account.id, _place(file, mark))
        roles: list[Assignment] = []
        if model.roles:
            for held, mark in zip(model.roles, marks[id(raw["roles"])], strict=True):
                if held.__class__ is str:
                    at = _place(file, mark)
                    roles.append(_make(Assignment, (held, None, None, None, None, at, None, None, False)))
                else:
                    roles.append(_assignment(held, _place(file, mark)))
        suspended = Suspension(model.suspended.since, model.suspended.reason) if model.suspended else None
        return Identity(
            kind,
            name,
            model.name or "",
            model.email,
            tuple(model.was),
            model.starts,
            model.until,
            suspended,
            accounts,
            tuple(roles),
            location=self._key(section, name),
            sources=tuple(model.sources) if model.__class__ is schema.PersonModel else (),
            **more,
        )

    def _role(self, section: str, name: str) -> None:
        found = self._check(schema.RoleModel, (section, name), "a role")
        if found is None:
            return
        raw, model = found
        grants = []
        for target, block in raw.get("grants", {}).items():
            at = At(self.source, (section, name, "grants", target))
            where = self._where(at, block)
            rest = {k: v for k, v in block.items() if k != "where"} if "where" in block else block
            grants.append(GrantBlock(target, at.block(rest), where, at.key(())))
        self.entries.roles[name] = Role(
            name,
            tuple(model.owners),
            tuple(model.includes),
            tuple(model.environments),
            tuple(grants),
            self._key(section, name),
        )

    def _where(self, at: At, block: dict[str, Any]) -> dict[str, str]:
        where = block.get("where", {})
        if isinstance(where, dict) and all(isinstance(v, str) for v in where.values()):
            return where
        self.entries.problems.append(
            at.problem(
                "wrong-type",
                "`where` must be a mapping of labels to text",
                ("where",),
                why="it picks the instances whose labels are equal",
                fix='write for example `where: {product: "payments"}`',
            )
        )
        return {}

    def _environment(self, section: str, name: str) -> None:
        found = self._check(schema.EnvironmentModel, (section, name), "an environment")
        if found is None:
            return
        model = found[1]
        self.entries.environments[name] = Environment(
            name,
            model.protected,
            model.max_duration,
            model.needs_reason,
            tuple(model.standing),
            tuple(model.owners),
            self._key(section, name),
            model.newcomers,
        )

    def _target(self, section: str, name: str) -> None:
        at = At(self.source, (section, name))
        self.entries.targets[name] = TargetReader(name, at, self.providers, self.planned, self.entries.problems).read()

    def _store(self, section: str, name: str) -> None:
        found = self._check(schema.StoreModel, (section, name), "a store")
        if found is not None:
            self.entries.carried.setdefault(section, {})[name] = found[0]

    def _pipeline(self, section: str, name: str) -> None:
        found = self._check(schema.PipelineModel, (section, name), "a pipeline")
        if found is not None:
            self.entries.carried.setdefault(section, {})[name] = found[0]

    def _source(self, section: str, name: str) -> None:
        found = self._check(schema.SourceModel, (section, name), "a source")
        if found is None:
            return
        self.entries.sources[name] = source_of(found[1], At(self.source, (section, name)))

    def _single(self, section: str) -> None:
        entries = self.entries
        if section == "guardrails":
            entries.named.append((section, ""))
            rails = self._check(schema.GuardrailsModel, (section,), "`guardrails`")
            if rails is not None:
                entries.models["guardrails"] = rails[1]
        elif section == "records":
            entries.named.append((section, ""))
            records = self._check(schema.RecordsModel, (section,), "`records`")
            if records is not None:
                model = records[1]
                entries.records = Records(model.owner, model.journal, model.lease, model.deadline, model.plan_age)
        else:
            entries.problems.append(
                At(self.source).problem(
                    "unknown-key",
                    f"there is no key {show(section)} at the top of an access file",
                    (section,),
                    on_key=True,
                    why=f"the keys here are {', '.join(SECTIONS)}",
                    fix=did_you_mean(section, SECTIONS)
                    or "put the entry under `people:`, `roles:` or where it belongs",
                )
            )

    # -- checking

    def _check(self, model: type[Model], base: tuple[str, ...], what: str) -> tuple[Any, Model] | None:
        return checked(At(self.source, base), model, what, self.entries.problems)

    def _wrong_section(self, name: str, body: Any, path: tuple[str, ...] = ()) -> None:
        self.entries.problems.append(
            At(self.source).problem(
                "wrong-type",
                f"{show(name)} is {show(body)}, and must be a mapping",
                path or (name,),
                why="its entries are found by their key",
                fix="write `key: value` lines under it, or {} for none",
            )
        )

    def _bad_id(self, section: str, name: str) -> None:
        code, why = fields.PATTERN_WORDS[fields.ID]
        plain = "".join(c for c in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(c))
        tidy = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:63]
        self.entries.problems.append(
            At(self.source).problem(
                code,
                f"{show(name)} cannot be an id",
                (section, name),
                on_key=True,
                why=why,
                fix=f"write for example `{tidy}`" if tidy else "write an id of those characters",
            )
        )

    def _key(self, section: str, name: str) -> Location:
        body = self.tree.root[section]
        marks = self.tree.marks[id(body)]
        return _place(self.source.file, marks[0] if len(marks) == 2 else marks[2 * self.source.order(body, name)])


def _place(file: str, mark: Any) -> Location:
    return _make(Location, (file, mark.line + 1, mark.column + 1))


# Half the cost of calling a named tuple's class; a large tree makes a hundred thousand of these.
_make = tuple.__new__


def _assignment(held: Any, place: Location) -> Assignment:
    environments = tuple(held.environments) if held.environments is not None else None
    starts = None if held.starts == fields.MERGE else held.starts
    return Assignment(held.role, environments, starts, held.until, held.reason, place, held.source, held.length)


_READERS: dict[str, Callable[[_Reader, str, str], None]] = {
    "people": _Reader._person,
    "services": _Reader._service,
    "roles": _Reader._role,
    "environments": _Reader._environment,
    "targets": _Reader._target,
    "stores": _Reader._store,
    "pipelines": _Reader._pipeline,
    "sources": _Reader._source,
}
