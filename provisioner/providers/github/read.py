"""Reads one organization in bulk. Stands on calls that cannot write.

Members, teams and repositories come in pages of 100 by GraphQL, a page of each in one call. What GraphQL does not have
comes by REST: invitations (one list), a repository's pending invitations (a call for each repository), and what guards
the repositories that the files name. A list that broke off, an error beside the data, or a count that does not fit is
never taken for "nothing there".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from provisioner.contract import Me, Reading, Trouble
from provisioner.diagnostics import Diagnostic
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.resource import NO_FACTS, Resource
from provisioner.model.state import State
from provisioner.model.target import AccountsPolicy, Target
from provisioner.providers.github import convert, names, readers
from provisioner.providers.github.bulk import Bulk, side_by_side
from provisioner.providers.github.calls import ReadCalls
from provisioner.providers.github.controls_read import ControlReader
from provisioner.providers.github.convert import Gathered
from provisioner.providers.github.declare import GithubDeclare
from provisioner.providers.github.leaving import Leaving
from provisioner.providers.github.look import Looker

OTHERS = "whoever keeps the organization's members (`accounts: existing`)"
_BULK = (Kind.ACCOUNT, Kind.GROUP, Kind.MEMBERSHIP, Kind.GRANT, Kind.CONTROL)


class GithubReader:
    """The organization of `target`."""

    def __init__(self, target: Target, declare: GithubDeclare, calls: ReadCalls) -> None:
        self._target = target
        self._name = target.name
        self._declare = declare
        self._calls = calls
        self._system: str | None = None
        self._base = ""
        self._aliases = aliases(target)
        self._controls = ControlReader(self._name, declare, calls)
        self._looker = Looker(self._name, declare, calls, self._controls)
        self._leaving = Leaving(self._name, self._controls.declared, calls, self._looker)

    def system(self) -> str:
        if self._system is None:
            row = self._calls.organization_row()
            self._system = f"organization {row['id']}"
            self._base = str(row.get("default_repository_permission") or "")  # told to owners
        return self._system

    def me(self) -> Me:
        """An App has no account here; a token's owner has, and our access hangs on it."""
        if not self._calls.as_user:
            return Me("a GitHub App")
        login = str(self._calls.me()["login"])
        who = convert.person(self._name, login)
        organization = Address(self._name, Kind.GRANT, names.ORGANIZATION, who)
        return Me(login, frozenset({Address(self._name, Kind.ACCOUNT, login), organization}))

    def close(self) -> None:
        self._calls.close()

    # In bulk

    def read(self, want: frozenset[Scope]) -> Reading:
        sent = self._calls.sent
        found: dict[Address, Resource] = {}
        scopes: list[ScopeCoverage] = []
        warnings: list[Diagnostic] = []
        if any(scope.kind in _BULK for scope in want):
            grants = declared_grants(self._declare)
            bulk = Bulk(self._name, self._calls, Gathered(self._name, self._aliases, frozenset(grants)))
            bulk.custom = {a.principal.id for a, word in grants.items() if a.principal and names.is_custom(word)}
            bulk.read()
            found.update((a, self._as_ours(self._as_all(r))) for a, r in bulk.gathered.resources().items())
            scopes += bulk.scopes()
            warnings += bulk.warnings
            self._controls.learn(bulk.gathered)
            read = self._controls.all(side_by_side)
            found.update(read.resources)
            scopes += read.scopes
            warnings += read.warnings
        leaving = sorted(str(s.of) for s in want if s.kind is Kind.CREDENTIAL and s.of is not None)
        if leaving:
            left = self._leaving.read(leaving)
            found.update((r.address, self._as_ours(self._as_all(r))) for r in left.resources)
            scopes += left.scopes
            warnings += left.warnings
        return Reading(
            State.from_mapping(found),
            Coverage(scopes),
            self._calls.server_time,
            calls=self._calls.sent - sent,
            warnings=tuple(warnings),
        )

    def _as_all(self, resource: Resource) -> Resource:
        """Of an account, what every member has on every repository."""
        if resource.address.kind is not Kind.ACCOUNT or not self._base:
            return resource
        facts = resource.facts or NO_FACTS
        return replace(resource, facts=replace(facts, more={**facts.more, readers.BASE: self._base}))

    def _as_ours(self, resource: Resource) -> Resource:
        """With `accounts: existing` others say who is a member: that is then not ours to end."""
        address = resource.address
        existing = self._target.accounts is AccountsPolicy.EXISTING
        if not existing or address.kind is not Kind.GRANT or address.object != names.ORGANIZATION:
            return resource
        ways = tuple(replace(w, locked_by=OTHERS) for w in resource.ways)
        return replace(resource, ways=ways)

    def remains(self, people: Mapping[str, str | None]) -> Sequence[Diagnostic]:
        """As `Remains`: deploy keys that they added, and where they are named."""
        return self._leaving.remains(people)

    # Point reads

    def look(self, these: Collection[Address]) -> Reading:
        sent = self._calls.sent
        found: dict[Address, Resource] = {}
        settled: set[Address] = set()
        failed: list[ScopeCoverage] = []
        for job, resources, error in side_by_side(list(self._looker.jobs(these)), self._looker.run):
            if error is None:
                settled.update(job.settles)
                asked = {folded(a): a for a in job.settles}
                for resource in resources:
                    address = asked.get(folded(resource.address))
                    if address is not None:
                        found[address] = self._as_ours(_at(resource, address))
            else:
                verdict = Verdict.DENIED if error.trouble is Trouble.DENIED else Verdict.PARTIAL
                failed += [ScopeCoverage(Scope(a.kind, a.object), verdict, str(error)) for a in job.settles]
        return Reading(
            State.from_mapping(found),
            Coverage([*self._looker.hidden, *failed]),
            self._calls.server_time,
            looked=frozenset(settled),
            calls=self._calls.sent - sent,
        )


def folded(address: Address) -> Address:
    """So that two spellings of a login are one; services are looked up as people."""
    who = address.principal
    if who is not None and who.is_account:
        address = address._replace(principal=convert.person(address.target, who.id.lower()))
    return address._replace(object=address.object.lower())


def _at(resource: Resource, address: Address) -> Resource:
    return resource if resource.address == address else replace(resource, address=address)


def aliases(target: Target) -> dict[str, str]:
    """By earlier slug of a team (or name of a repository): the declared one."""
    found: dict[str, str] = {}
    for section in ("teams", "repositories"):
        declared = target.objects.data.get(section)
        for name, body in declared.items() if isinstance(declared, Mapping) else ():
            for old in (body.get("was") or ()) if isinstance(body, Mapping) else ():
                found[str(old).lower()] = str(name).lower()
    return found


def declared_grants(declare: GithubDeclare) -> dict[Address, str]:
    """What the files give teams."""
    given = (r for r in declare.declared() if r.address.kind is Kind.GRANT)
    return {r.address: str(r.attributes["permission"]) for r in given}
