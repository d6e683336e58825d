"""Reads one organization in bulk. Stands on calls that cannot write.

Members, teams and repositories come in pages of 100 by GraphQL, a page of each in one call. What GraphQL does not have
comes by REST: invitations (one list), a repository's pending invitations (a call for each repository), and what guards
the repositories that the files name. A list that broke off, an error beside the data, or a count that does not fit is
never taken for "nothing there".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from provisioner.contract import Me, ProviderError, Reading, Trouble
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.providers.github import convert, names, queries
from provisioner.providers.github.calls import ReadCalls
from provisioner.providers.github.controls_read import ControlReader
from provisioner.providers.github.convert import Gathered, Invitation
from provisioner.providers.github.declare import GithubDeclare
from provisioner.providers.github.look import Looker

PARALLEL = 8
_BULK = (Kind.ACCOUNT, Kind.GROUP, Kind.MEMBERSHIP, Kind.GRANT, Kind.CONTROL)
_SIZES = (100, 50, 20, 5)
"""How many teams and repositories to ask for at once: fewer where GitHub cannot answer in its time."""
Row = Mapping[str, Any]
T = TypeVar("T")


class GithubReader:
    """The organization of `target`."""

    def __init__(self, target: Target, declare: GithubDeclare, calls: ReadCalls) -> None:
        self._target = target
        self._name = target.name
        self._declare = declare
        self._calls = calls
        self._system: str | None = None
        self._aliases = aliases(target)
        self._controls = ControlReader(self._name, declare, calls)
        self._looker = Looker(self._name, declare, calls, self._controls)

    def system(self) -> str:
        if self._system is None:
            self._system = f"organization {self._calls.organization_row()['id']}"
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
            bulk = Bulk(self._name, self._calls, self._aliases, declared_grants(self._declare))
            bulk.read()
            found.update(bulk.gathered.resources())
            scopes += bulk.scopes()
            warnings += bulk.warnings
            self._controls.learn(bulk.gathered)
            read = self._controls.all(side_by_side)
            found.update(read.resources)
            scopes += read.scopes
            warnings += read.warnings
        for scope in sorted(s for s in want if s.kind is Kind.CREDENTIAL and s.of is not None):
            resources, coverage = self._looker.credentials(str(scope.of))
            found.update((r.address, r) for r in resources)
            scopes.append(coverage)
        return Reading(
            State.from_mapping(found),
            Coverage(scopes),
            self._calls.server_time,
            calls=self._calls.sent - sent,
            warnings=tuple(warnings),
        )

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
                        found[address] = _at(resource, address)
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


def side_by_side(items: Sequence[Any], one: Callable[[Any], T]) -> list[T]:
    """`one` of each of `items`, a few at a time."""
    if len(items) <= 1:
        return [one(item) for item in items]
    with ThreadPoolExecutor(min(PARALLEL, len(items))) as pool:
        return list(pool.map(one, items))


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


def declared_grants(declare: GithubDeclare) -> frozenset[Address]:
    return frozenset(r.address for r in declare.declared() if r.address.kind is Kind.GRANT)


class Bulk:
    """One bulk read, list by list. Each list ends complete, short (with the reason), or was never shown."""

    def __init__(self, target: str, calls: ReadCalls, aliases: Mapping[str, str], declared: frozenset[Address]) -> None:
        self._target = target
        self._calls = calls
        self.gathered = Gathered(target, aliases, declared)
        self.warnings: list[Diagnostic] = []
        self._short: dict[str, ProviderError] = {}
        self._counts: dict[str, tuple[int, int]] = {}
        self._size = 0
        self._asked = 0

    def read(self) -> None:
        self._pages()
        if self._nothing_came:
            raise next(iter(self._short.values()))
        self._invitations()
        self._repository_invitations()

    @property
    def _nothing_came(self) -> bool:
        return not self.gathered.members and "members" in self._short

    # GraphQL

    def _pages(self) -> None:
        """The first question, until each of its lists is at its end."""
        more: dict[str, str | None] = dict.fromkeys(("members", "pending", "teams", "repositories"))
        loops: set[tuple[str, str]] = set()
        while more:
            variables: dict[str, Any] = {"login": self._calls.organization}
            for part in ("members", "pending", "teams", "repositories"):
                variables[part] = part in more
                variables[f"{part}After"] = more.get(part)
            answer = self._ask(variables, more)
            if answer is None:
                return
            organization, errors = answer
            if organization is None:
                raise (
                    errors[0]
                    if errors
                    else ProviderError(
                        Trouble.GONE, f"there is no organization {self._calls.organization}", call="graphql"
                    )
                )
            for part, key in (
                ("members", "membersWithRole"),
                ("pending", "pendingMembers"),
                ("teams", "teams"),
                ("repositories", "repositories"),
            ):
                if part in more:
                    cursor = self._page(part, organization.get(key), errors)
                    if cursor is None or (part, cursor) in loops:
                        if cursor is not None:
                            self._cut(part, "its pages go round in a circle")
                        del more[part]
                    else:
                        loops.add((part, cursor))
                        more[part] = cursor

    def _ask(self, variables: dict[str, Any], more: Iterable[str]) -> tuple[Any, list[ProviderError]] | None:
        """One page of each; smaller ones where GitHub runs out of time. None: this is all that can be had."""
        while True:
            size = _SIZES[self._size]
            asked = {**variables, "teamsFirst": size, "repositoriesFirst": size}
            try:
                data, errors = self._calls.graphql(queries.ORGANIZATION, asked)
                self._asked += 1
                return data.get("organization"), errors
            except ProviderError as error:
                if error.code in ("500", "502", "503", "504") and self._size + 1 < len(_SIZES):
                    self._size += 1
                    continue
                if not self._asked:
                    raise
                for part in more:
                    self._short[part] = error
                return None

    def _page(self, part: str, connection: Any, errors: Sequence[ProviderError]) -> str | None:
        """Takes in one page; the cursor of the next, or None at the end."""
        if not isinstance(connection, Mapping):
            told = next(iter(errors), None)
            self._short[part] = told or ProviderError(Trouble.DENIED, f"{part} are not shown", call="graphql")
            return None
        rows = connection.get("edges") if "edges" in connection else connection.get("nodes")
        rows = [r for r in rows or () if isinstance(r, Mapping)]
        take = {
            "members": self._member,
            "pending": self._pending,
            "teams": self._team,
            "repositories": self._repository,
        }[part]
        for row in rows:
            take(row)
        total = int(connection.get("totalCount") or 0)
        read = self._counts.get(part, (0, 0))[0] + len(rows)
        self._counts[part] = (read, total)
        if errors and part not in self._short:
            touching = [e for e in errors if part in e.message or _KEYS[part] in e.message]
            if touching:
                self._short[part] = touching[0]
        page = connection.get("pageInfo") or {}
        if page.get("hasNextPage") and page.get("endCursor"):
            return str(page["endCursor"])
        if page.get("hasNextPage"):
            self._cut(part, "it says that there is more, and not where")
        elif read != total:
            self._cut(part, f"{read} came of {total}")
        return None

    def _cut(self, part: str, why: str) -> None:
        self._short.setdefault(part, ProviderError(Trouble.PARTIAL, f"{part}: {why}", call="graphql"))

    def _member(self, edge: Row) -> None:
        node = edge.get("node")
        if not isinstance(node, Mapping) or node.get("databaseId") is None:
            self._cut("members", "somebody is not shown")
            return
        self.gathered.members[str(node["login"])] = node
        if str(edge.get("role")) == "ADMIN":
            self.gathered.owners.add(str(node["login"]))

    def _pending(self, node: Row) -> None:
        self.gathered.pending[str(node.get("login")).lower()] = node

    def _team(self, node: Row) -> None:
        slug = str(node["slug"])
        gathered = self.gathered
        gathered.teams[slug] = node
        gathered.team_members[slug] = self._whole(
            "teams", node.get("members"), queries.TEAM_MEMBERS, {"slug": slug}, ("team", "members")
        )
        gathered.team_grants[slug] = self._whole(
            "grants", node.get("repositories"), queries.TEAM_REPOSITORIES, {"slug": slug}, ("team", "repositories")
        )
        if node.get("invitations") is not None:
            gathered.team_invited[slug] = self._whole(
                "teams", node["invitations"], queries.TEAM_INVITATIONS, {"slug": slug}, ("team", "invitations")
            )

    def _repository(self, node: Row) -> None:
        name = str(node["name"])
        self.gathered.repositories[name] = node
        self.gathered.collaborators[name] = self._whole(
            "grants", node.get("collaborators"), queries.COLLABORATORS, {"name": name}, ("repository", "collaborators")
        )

    def _whole(self, part: str, connection: Any, query: str, asked: Row, path: tuple[str, str]) -> list[Row]:
        """The rows of a list within a list, the pages after the first one by one."""
        label = f"{path[1]} of {next(iter(asked.values()))}"
        if not isinstance(connection, Mapping):
            self._short.setdefault(part, ProviderError(Trouble.DENIED, f"{label} are not shown", call="graphql"))
            return []
        rows = _rows(connection)
        total, page = int(connection.get("totalCount") or 0), connection.get("pageInfo") or {}
        seen: set[str] = set()
        while page.get("hasNextPage"):
            cursor = str(page.get("endCursor"))
            if cursor in seen or not page.get("endCursor"):
                break
            seen.add(cursor)
            variables = {"login": self._calls.organization, **asked, "after": cursor}
            try:
                data, errors = self._calls.graphql(query, variables)
            except ProviderError as error:
                self._short.setdefault(part, error)
                return rows
            if errors:
                self._short.setdefault(part, errors[0])
            inner = ((data.get("organization") or {}).get(path[0]) or {}).get(path[1])
            if not isinstance(inner, Mapping):
                break
            rows += _rows(inner)
            page = inner.get("pageInfo") or {}
        if len(rows) != total:
            self._short.setdefault(
                part, ProviderError(Trouble.PARTIAL, f"{label}: {len(rows)} came of {total}", call="graphql")
            )
        return rows

    # REST

    def _invitations(self) -> None:
        gathered = self.gathered
        try:
            gathered.invitations = [Invitation.of(row) for row in self._calls.invitations()]
        except ProviderError as error:
            if error.trouble in (Trouble.CREDENTIAL, Trouble.UNREACHABLE):
                raise
            self._short["invitations"] = error
            return
        try:
            for row in self._calls.failed_invitations():
                self.warnings.append(self._lapsed(row))
        except ProviderError:
            return  # only told, nothing hangs on it

    def _lapsed(self, row: Row) -> Diagnostic:
        who = str(row.get("login") or row.get("email") or row.get("id"))
        return Diagnostic(
            "github-invitation-lapsed",
            f"the invitation of {who} has lapsed: {row.get('failed_reason') or 'GitHub gives no reason'}",
            severity=Severity.NOTE,
            target=self._target,
            why="GitHub ends an invitation that is not accepted in seven days",
            fix="if they are declared, the next apply invites them again",
        )

    def _repository_invitations(self) -> None:
        def one(name: str) -> tuple[str, list[Row] | ProviderError]:
            try:
                return name, list(self._calls.repository_invitations(name))
            except ProviderError as error:
                return name, error

        for name, rows in side_by_side(sorted(self.gathered.repositories), one):
            if isinstance(rows, ProviderError):
                self._short.setdefault("grants", rows)
            else:
                self.gathered.repository_invitations[name] = rows

    # What it covers

    def scopes(self) -> Iterator[ScopeCoverage]:
        counted = ", ".join(f"{read} of {total} {part}" for part, (read, total) in self._counts.items())
        needs = {
            Kind.ACCOUNT: ("members", "invitations", "pending", "repositories", "grants"),
            Kind.GROUP: ("teams",),
            Kind.MEMBERSHIP: ("teams", "invitations", "members"),
            Kind.GRANT: ("members", "invitations", "teams", "repositories", "grants"),
        }
        for kind, parts in needs.items():
            short = [self._short[p] for p in parts if p in self._short]
            if not short:
                yield ScopeCoverage(Scope(kind), Verdict.COMPLETE, f"each list to its end: {counted}")
                continue
            denied = all(e.trouble is Trouble.DENIED for e in short)
            verdict = Verdict.DENIED if denied else Verdict.PARTIAL
            yield ScopeCoverage(Scope(kind), verdict, "; ".join(str(e) for e in short[:3]))
        yield ScopeCoverage(Scope(Kind.CREDENTIAL), Verdict.UNREAD, "read by holder")


_KEYS = {
    "members": "membersWithRole",
    "pending": "pendingMembers",
    "teams": "teams",
    "repositories": "repositories",
}


def _rows(connection: Row) -> list[Row]:
    rows = connection.get("edges") if "edges" in connection else connection.get("nodes")
    return [r for r in rows or () if isinstance(r, Mapping)]
