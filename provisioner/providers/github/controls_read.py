"""Reads what guards repositories: of the controls that the files declare, and no others. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioner.contract import ProviderError, Trouble
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import Scope, ScopeCoverage, Verdict
from provisioner.model.resource import Resource
from provisioner.providers.github import names, payloads
from provisioner.providers.github.calls import ReadCalls
from provisioner.providers.github.convert import Gathered
from provisioner.providers.github.declare import GithubDeclare

Row = Mapping[str, Any]
BYPASS = frozenset({"bypass"})
_FATAL = (Trouble.CREDENTIAL, Trouble.UNREACHABLE)


@dataclass
class ControlsRead:
    resources: dict[Address, Resource] = field(default_factory=dict)
    scopes: list[ScopeCoverage] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)


class ControlReader:
    """Of one target."""

    def __init__(self, target: str, declare: GithubDeclare, calls: ReadCalls) -> None:
        self._target = target
        self._calls = calls
        self.declared: dict[Address, Row] = {address: wanted for address, wanted, _ in declare.controls()}
        self._slugs: dict[int, str] | None = None
        self._logins: dict[int, str | None] = {}

    def learn(self, gathered: Gathered) -> None:
        """Names for ids, from a bulk read."""
        self._slugs = {int(row["databaseId"]): gathered.slug(slug) for slug, row in gathered.teams.items()}
        self._logins.update({int(row["databaseId"]): login for login, row in gathered.members.items()})

    def all(self, side_by_side: Callable[[Sequence[Any], Callable[[Any], Any]], Iterable[Any]]) -> ControlsRead:
        out = ControlsRead()
        out.scopes.append(ScopeCoverage(Scope(Kind.CONTROL), Verdict.COMPLETE, "each declared control asked for"))
        hidden: set[str] = set()
        for address, found in side_by_side(sorted(self.declared, key=str), self._one):
            if isinstance(found, ProviderError):
                verdict = Verdict.DENIED if found.trouble is Trouble.DENIED else Verdict.PARTIAL
                out.scopes.append(ScopeCoverage(Scope(Kind.CONTROL, address.object), verdict, str(found)))
            elif found is not None:
                out.resources[address] = found
                if found.hides and "bypass" in self.declared[address]:
                    hidden.add(str(address))
        if hidden:
            out.warnings.append(self._not_shown(sorted(hidden)))
        return out

    def _not_shown(self, rulesets: list[str]) -> Diagnostic:
        return Diagnostic(
            "github-bypass-hidden",
            f"who may go round {', '.join(rulesets)} is not shown to this credential, and not compared",
            severity=Severity.WARNING,
            target=self._target,
            why="GitHub shows `bypass_actors` only to whoever may change the ruleset; a plan by such a credential has "
            "a change more where they are otherwise, and an apply of something else there sets them as declared",
            fix="look at them by hand, or plan with a credential that may write rulesets",
        )

    def _one(self, address: Address) -> tuple[Address, Resource | ProviderError | None]:
        try:
            return address, self.control(address)
        except ProviderError as error:
            if error.trouble in _FATAL:
                raise
            return address, error

    def control(self, address: Address) -> Resource | None:
        """One control as it is; None where there is none."""
        slot, repository = address.slot or "", address.object
        try:
            if slot.startswith(names.BRANCH):
                row = self._calls.protection(repository, slot.removeprefix(names.BRANCH))
                return Resource(address, payloads.protection_attributes(row))
            if slot.startswith(names.ENVIRONMENT):
                return self._environment(address, repository, slot.removeprefix(names.ENVIRONMENT))
            if slot.startswith(names.RULESET):
                return self._ruleset(address, repository, slot.removeprefix(names.RULESET))
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                raise
        return None

    def _environment(self, address: Address, repository: str, name: str) -> Resource:
        row = self._calls.environment(repository, name)
        policy = row.get("deployment_branch_policy")
        patterns = None
        if isinstance(policy, Mapping) and policy.get("custom_branch_policies"):
            patterns = [str(p["name"]) for p in self._calls.deployment_branches(repository, name)]
        return Resource(address, payloads.environment_attributes(row, patterns))

    def ruleset_row(self, repository: str, name: str) -> Row | None:
        """The ruleset of that name, whole; None where there is none."""
        where = None if repository == names.ORGANIZATION else repository
        for row in self._calls.rulesets(where):
            inherited = where is not None and row.get("source_type") not in (None, "Repository")
            if row.get("name") == name and not inherited:
                return self._calls.ruleset(where, str(row["id"]))
        return None

    def _ruleset(self, address: Address, repository: str, name: str) -> Resource | None:
        row = self.ruleset_row(repository, name)
        if row is None:
            return None
        attributes = payloads.ruleset_attributes(row, self.declared.get(address, {}), self._slug, self._login)
        return Resource(address, attributes, hides=frozenset() if "bypass" in attributes else BYPASS)

    def _slug(self, native: int) -> str | None:
        if self._slugs is None:
            rows = self._calls.listed(f"{self._calls.org_path}/teams")
            self._slugs = {int(row["id"]): str(row["slug"]) for row in rows}
        return self._slugs.get(native)

    def _login(self, native: int) -> str | None:
        if native not in self._logins:
            try:
                self._logins[native] = str(self._calls.user_by_id(str(native))["login"])
            except ProviderError as error:
                if error.trouble is not Trouble.GONE:
                    raise
                self._logins[native] = None
        return self._logins[native]
