"""One bulk read of an organization, list by list: what came, and what did not. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from provisioner.contract import ProviderError, Trouble
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.address import Kind
from provisioner.model.coverage import Scope, ScopeCoverage, Verdict
from provisioner.providers.github import queries
from provisioner.providers.github.calls import ReadCalls
from provisioner.providers.github.convert import Gathered, Invitation, is_of_enterprise
from provisioner.providers.github.lists import Listed

PARALLEL = 8
_SIZES = (100, 50, 20, 5)
"""How many teams and repositories to ask for at once: fewer where GitHub cannot answer in its time."""
Row = Mapping[str, Any]
T = TypeVar("T")


def side_by_side(items: Sequence[Any], one: Callable[[Any], T]) -> list[T]:
    """`one` of each of `items`, a few at a time."""
    if len(items) <= 1:
        return [one(item) for item in items]
    with ThreadPoolExecutor(min(PARALLEL, len(items))) as pool:
        return list(pool.map(one, items))


class Bulk:
    """One bulk read, list by list. Each list ends complete, short (with the reason), or was never shown."""

    def __init__(self, target: str, calls: ReadCalls, gathered: Gathered) -> None:
        """`custom` are declared teams that are given roles of the organization's own, which GraphQL does not name."""
        self._target = target
        self._calls = calls
        self.gathered = gathered
        self.custom: set[str] = set()
        self.warnings: list[Diagnostic] = []
        self._short: dict[str, ProviderError] = {}
        self._lists = {part: Listed(part) for part in _KEYS}
        self._size = 0
        self._asked = 0

    def read(self) -> None:
        self._pages()
        if self._nothing_came:
            raise next(iter(self._short.values()))
        self._enterprise_teams()
        self._invitations()
        self._repository_invitations()

    @property
    def _nothing_came(self) -> bool:
        return not self.gathered.members and "members" in self._short

    # GraphQL

    def _pages(self) -> None:
        """The first question, until each of its lists is at its end."""
        more: dict[str, str | None] = dict.fromkeys(_KEYS)
        while more:
            variables: dict[str, Any] = {"login": self._calls.organization}
            for part in _KEYS:
                variables[part] = part in more
                variables[f"{part}After"] = more.get(part)
            answer = self._ask(variables, more)
            if answer is None:
                return
            organization, errors = answer
            if not isinstance(organization, Mapping):
                words = f"there is no organization {self._calls.organization}"
                raise errors[0] if errors else ProviderError(Trouble.GONE, words, call="graphql")
            self._heed(organization, errors, more)
            for part, key in _KEYS.items():
                if part in more:
                    cursor = self._page(part, organization.get(key))
                    if cursor is None:
                        del more[part]
                    else:
                        more[part] = cursor

    def _heed(self, organization: Row, errors: Sequence[ProviderError], more: Iterable[str]) -> None:
        """An error beside the data is about what it names, or else about everything. And who does not belong to an
        organization is shown what is public, as if there was no more."""
        for error in errors:
            named = [part for part, key in _KEYS.items() if part in error.message or key in error.message]
            for part in named or more:
                self._short.setdefault(part, error)
        if self._calls.as_user and organization.get("viewerIsAMember") is not True:
            words = f"this token's owner does not belong to {self._calls.organization} and is shown what is public"
            for part in more:
                self._short.setdefault(part, ProviderError(Trouble.DENIED, words, call="graphql"))

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

    def _page(self, part: str, connection: Any) -> str | None:
        """Takes in one page; the cursor of the next, or None at the end."""
        take = {
            "members": self._member,
            "pending": self._pending,
            "teams": self._team,
            "repositories": self._repository,
        }[part]
        listed = self._lists[part]
        rows, cursor = listed.take(connection)
        for row in rows:
            take(row)
        if listed.error is not None:
            self._short.setdefault(part, listed.error)
        return cursor

    def _member(self, edge: Row) -> None:
        node = edge["node"]
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
        if gathered.slug(slug) in self.custom:
            self._by_name(slug)
        if node.get("invitations") is not None:
            gathered.team_invited[slug] = self._whole(
                "teams", node["invitations"], queries.TEAM_INVITATIONS, {"slug": slug}, ("team", "invitations")
            )

    def _by_name(self, slug: str) -> None:
        """What a team has, with the names of roles."""
        try:
            rows = list(self._calls.team_repositories(slug))
        except ProviderError as error:
            self._short.setdefault("grants", error)
            return
        named = {str(r["name"]): str(r["role_name"]) for r in rows if r.get("role_name")}
        self.gathered.team_grants[slug] = [
            {**edge, "permission": named.get(str(edge["node"]["name"]), edge["permission"])}
            for edge in self.gathered.team_grants[slug]
        ]

    def _repository(self, node: Row) -> None:
        name = str(node["name"])
        self.gathered.repositories[name] = node
        self.gathered.collaborators[name] = self._whole(
            "grants", node.get("collaborators"), queries.COLLABORATORS, {"name": name}, ("repository", "collaborators")
        )
        if any(edge.get("permissionSources") is None for edge in self.gathered.collaborators[name]):
            words = f"by what way people have {name} is not shown"
            self._short.setdefault("grants", ProviderError(Trouble.DENIED, words, call="graphql"))

    def _whole(self, part: str, connection: Any, query: str, asked: Row, path: tuple[str, str]) -> list[Row]:
        """The rows of a list within a list, the pages after the first one by one."""
        listed = Listed(f"{path[1]} of {next(iter(asked.values()))}")

        def following(cursor: str) -> Any:
            variables = {"login": self._calls.organization, **asked, "after": cursor}
            data, errors = self._calls.graphql(query, variables)
            if errors:
                raise errors[0]
            return ((data.get("organization") or {}).get(path[0]) or {}).get(path[1])

        rows = listed.to_the_end(connection, following)
        if listed.error is not None:
            self._short.setdefault(part, listed.error)
        return rows

    # REST

    def _enterprise_teams(self) -> None:
        """Teams that the enterprise gave the organization: GraphQL has none of them."""
        gathered = self.gathered
        try:
            for row in self._calls.enterprise_teams():
                slug = str(row["slug"])
                if not is_of_enterprise(slug) or slug in gathered.teams:
                    continue  # a server that does not know the question answers with all teams
                gathered.teams[slug] = {**row, "databaseId": row["id"], "parentTeam": None}
                gathered.team_members[slug] = [
                    {"role": str(m.get("role") or "member"), "node": {"login": m["login"], "databaseId": m["id"]}}
                    for m in self._calls.team_members(slug)
                ]
        except ProviderError as error:
            if error.trouble in (Trouble.CREDENTIAL, Trouble.UNREACHABLE):
                raise
            self._short.setdefault("teams", error)

    def _invitations(self) -> None:
        gathered = self.gathered
        try:
            gathered.invitations = [Invitation.of(row) for row in self._calls.invitations()]
        except ProviderError as error:
            if error.trouble in (Trouble.CREDENTIAL, Trouble.UNREACHABLE):
                raise
            self._short["invitations"] = error
            return
        if gathered.invitations and gathered.teams.keys() - gathered.team_invited.keys():
            words = "which teams are offered by an invitation is not shown"
            self._short.setdefault("teams", ProviderError(Trouble.DENIED, words, call="graphql"))
        missing = gathered.pending.keys() - {(i.login or "").lower() for i in gathered.invitations}
        if missing and "pending" not in self._short:
            words = f"the invitation of {min(missing)} is not in the list"
            self._short.setdefault("invitations", ProviderError(Trouble.PARTIAL, words, call="invitations"))
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
        counted = ", ".join(f"{len(listed.rows)} of {listed.total} {part}" for part, listed in self._lists.items())
        needs = {
            Kind.ACCOUNT: ("members", "invitations", "pending", "repositories", "grants"),
            Kind.GROUP: ("teams", "pending"),  # whoever is no owner is shown neither invitations nor secret teams
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
