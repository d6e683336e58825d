"""Reads one CircleCI organization: its contexts, who each is open to, and the names of variables. Writes nothing.

CircleCI has no people of its own: those scopes are complete and empty. A list that broke off is never taken for "no
restriction", which would read as "open to all".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from provisioner.contract import Me, ProviderError, Reading, Trouble
from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.providers.circleci import convert
from provisioner.providers.circleci.calls import ReadCalls
from provisioner.providers.circleci.convert import Place, Restriction
from provisioner.providers.circleci.declare import CircleDeclare
from provisioner.providers.circleci.settings import told_by

PARALLEL = 4
Row = Mapping[str, Any]
_NONE_OF_ITS_OWN = (Kind.ACCOUNT, Kind.GROUP, Kind.MEMBERSHIP, Kind.GRANT, Kind.CREDENTIAL)
_FATAL = (Trouble.CREDENTIAL, Trouble.UNREACHABLE)


class CircleReader:
    """The organization of `target`."""

    def __init__(self, target: Target, declare: CircleDeclare, calls: ReadCalls) -> None:
        self._name = target.name
        self._target = target
        self._declare = declare
        self._calls = calls

    def system(self) -> str:
        return f"organization {self._calls.organization_id()}"

    def me(self) -> Me:
        row = self._calls.me()
        return Me(str(row.get("login") or row.get("name") or row.get("id")))

    def close(self) -> None:
        self._calls.close()

    def read(self, want: frozenset[Scope]) -> Reading:
        sent = self._calls.sent
        rows = self._calls.contexts()
        found: dict[Address, Resource] = {}
        proof = "CircleCI has none of its own: people come through the forge's teams"
        scopes = [ScopeCoverage(Scope(kind), Verdict.COMPLETE, proof) for kind in _NONE_OF_ITS_OWN]
        scopes.append(ScopeCoverage(Scope(Kind.CONTROL), Verdict.COMPLETE, f"{len(rows)} contexts, to the last page"))
        scopes += [
            ScopeCoverage(Scope(Kind.CREDENTIAL, s.of), Verdict.COMPLETE, "tokens of others are shown to nobody")
            for s in want
            if s.kind is Kind.CREDENTIAL and s.of is not None
        ]
        warnings: list[Diagnostic] = []
        for row, read in self._side_by_side(rows):
            name = str(row["name"])
            if isinstance(read, ProviderError):
                verdict = Verdict.DENIED if read.trouble is Trouble.DENIED else Verdict.PARTIAL
                scopes.append(ScopeCoverage(Scope(Kind.CONTROL, name), verdict, str(read)))
            else:
                found[read.address] = read
        warnings += self._renamed(found)
        warnings += self._variables({str(r["name"]): str(r["id"]) for r in rows}, found)
        return Reading(
            State.from_mapping(found),
            Coverage(scopes),
            self._calls.server_time,
            calls=self._calls.sent - sent,
            warnings=tuple(warnings),
        )

    def _side_by_side(self, rows: Sequence[Row]) -> list[tuple[Row, Resource | ProviderError]]:
        place = self._declare.place(self._calls.organization_id())

        def one(row: Row) -> tuple[Row, Resource | ProviderError]:
            try:
                return row, self._context(row, place)
            except ProviderError as error:
                if error.trouble in _FATAL:
                    raise
                return row, error

        if not rows:
            return []
        with ThreadPoolExecutor(min(PARALLEL, len(rows))) as pool:
            return list(pool.map(one, rows))

    def _context(self, row: Row, place: Place) -> Resource:
        listed = [Restriction.of(r) for r in self._calls.restrictions(str(row["id"]))]
        return convert.context(self._name, row, listed, place)

    # What a person should know

    def _renamed(self, found: Mapping[Address, Resource]) -> Iterator[Diagnostic]:
        there = {a.object for a in found}
        for name, body in self._declare.contexts():
            for old in body.get("was") or ():
                if old in there:
                    yield self._problem(
                        "circleci-context-renamed",
                        f"context `{old}` is to give way to `{name}`, and is still there with its variables",
                        self._target.objects.at("contexts", name),
                        why="CircleCI cannot rename a context, and nobody can read its variables to copy them",
                        fix=f"store the variables in `{name}`, change the jobs, and delete `{old}` by hand",
                    )

    def _variables(self, ids: Mapping[str, str], found: dict[Address, Resource]) -> Iterator[Diagnostic]:
        """The names that are there against those that are declared; a context's are kept as a fact of it."""
        for name, body in self._declare.contexts():
            if body.get("variables") is not None and name in ids:
                have, problem = self._names("context", name, ids[name])
                address = Address(self._name, Kind.CONTROL, name)
                if have is not None and address in found:
                    found[address] = convert.holding(found[address], have)
                yield from self._compared("context", name, body["variables"], have, problem)
        for name, body in self._declare.projects():
            if body.get("variables") is not None:
                slug = name if "/" in name else f"{self._calls.organization}/{name}"
                have, problem = self._names("project", name, slug)
                yield from self._compared("project", name, body["variables"], have, problem)

    def _names(self, kind: str, name: str, asked: str) -> tuple[Sequence[str] | None, str]:
        """What is there; None, and why, where that could not be read."""
        try:
            read = self._calls.variables if kind == "context" else self._calls.project_variables
            return read(asked), ""
        except ProviderError as error:
            if error.trouble in _FATAL:
                raise
            return None, f"the names of variables of {kind} `{name}` could not be read: {error}"

    def _compared(
        self, kind: str, name: str, wanted: Sequence[str], have: Sequence[str] | None, problem: str
    ) -> Iterator[Diagnostic]:
        place = self._target.objects.at(f"{kind}s", name, "variables")
        if have is None:
            yield self._problem(
                "circleci-variables-unread",
                problem,
                place,
                why="whether they are those that are declared cannot be told",
                fix="see what the token may read",
            )
            return
        have = [n for n in have if told_by(n) not in wanted]  # what says which credential is in one that is declared
        missing, more = sorted(set(wanted) - set(have)), sorted(set(have) - set(wanted))
        if missing or more:
            told = [f"missing {', '.join(missing)}"] if missing else []
            told += [f"not declared {', '.join(more)}"] if more else []
            yield self._problem(
                "circleci-variables",
                f"{kind} `{name}` holds other variables than are declared: {'; '.join(told)}",
                place,
                why="values are nobody's to read, so variables are neither set nor removed here",
                fix="set or remove them in CircleCI, or change the list",
            )

    def _problem(self, code: str, message: str, place: Location | None, *, why: str, fix: str) -> Diagnostic:
        return Diagnostic(code, message, severity=Severity.WARNING, location=place, target=self._name, why=why, fix=fix)

    # Point reads

    def look(self, these: Collection[Address]) -> Reading:
        sent = self._calls.sent
        place = self._declare.place(self._calls.organization_id())
        asked = {a.object: a for a in these if a.kind is Kind.CONTROL}
        settled = {a for a in these if a.kind is not Kind.CONTROL}
        found: dict[Address, Resource] = {}
        failed: list[ScopeCoverage] = []
        rows = {str(r["name"]): r for r in self._calls.contexts()} if asked else {}
        for name, address in asked.items():
            try:
                if name in rows:
                    found[address] = self._context(rows[name], place)
                settled.add(address)
            except ProviderError as error:
                if error.trouble in _FATAL:
                    raise
                if error.trouble is Trouble.GONE:
                    settled.add(address)
                    continue
                verdict = Verdict.DENIED if error.trouble is Trouble.DENIED else Verdict.PARTIAL
                failed.append(ScopeCoverage(Scope(Kind.CONTROL, name), verdict, str(error)))
        return Reading(
            State.from_mapping(found),
            Coverage(failed),
            self._calls.server_time,
            looked=frozenset(settled),
            calls=self._calls.sent - sent,
        )
