"""What is asked of whoever leaves or is suspended, and of nobody else: it would cost too much. Writes nothing.

What can be taken from them comes as resources (by what ways they are a member, roles of the organization, fine-grained
tokens); what a person has to look at comes in words (deploy keys that they added, places where they are named). A list
that the credential may not see is said, and holds nothing back: all of it ends with the membership but deploy keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from provisioner.contract import ProviderError, Trouble
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.address import Address
from provisioner.model.coverage import ScopeCoverage, Verdict
from provisioner.model.resource import Resource
from provisioner.providers.github import convert, names, queries
from provisioner.providers.github.calls import ReadCalls
from provisioner.providers.github.look import Looker

Row = Mapping[str, Any]
_KEYS = {"pushAllowances": "push", "bypassPullRequestAllowances": "bypass"}
_FATAL = (Trouble.CREDENTIAL, Trouble.UNREACHABLE)


@dataclass
class Left:
    """What was found. `hidden` are lists that were not shown, and why."""

    resources: list[Resource] = field(default_factory=list)
    scopes: list[ScopeCoverage] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)


class Leaving:
    """Of one target."""

    def __init__(self, target: str, declared: Mapping[Address, Row], calls: ReadCalls, looker: Looker) -> None:
        """What `declared` controls say is the plan's to compare: nobody is told of it here."""
        self._target = target
        self._declared = frozenset((a.object.lower(), a.slot, key) for a, wanted in declared.items() for key in wanted)
        self._calls = calls
        self._looker = looker

    def read(self, logins: Sequence[str]) -> Left:
        left = Left()
        members = [login for login in logins if self._place(login, left)]
        if members:
            here = {login.lower(): login for login in members}
            self._try(left, "roles of the organization", lambda: self._roles(here, left))
            if self._calls.as_user:
                left.hidden["fine-grained tokens"] = "shown to Apps alone"
        for login in () if self._calls.as_user else members:
            self._try(left, "fine-grained tokens", partial(self._tokens, login, left))
        self._look_around([login for login in logins if "@" not in login], left)
        return left

    def remains(self, people: Mapping[str, str | None]) -> list[Diagnostic]:
        """Of whoever may be gone already, by their login of now where their id is known."""
        left = Left()
        self._look_around([self._login(login, native) for login, native in people.items() if "@" not in login], left)
        return left.warnings

    def _login(self, login: str, native: str | None) -> str:
        try:
            return str(self._calls.user_by_id(native)["login"]) if native is not None else login
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                raise
            return login  # the account is no more, and what it left has its last login

    def _look_around(self, logins: Sequence[str], left: Left) -> None:
        """What works on without them: outside collaborators make such things too."""
        if logins:
            here = {login.lower(): login for login in logins}
            self._try(left, "deploy keys and where they are named", lambda: self._repositories(here, left))
        if left.hidden:
            left.warnings.append(self._not_shown(logins, left.hidden))

    def _place(self, login: str, left: Left) -> bool:
        """Their credentials, and by what ways they are a member. Whether they are one."""
        found, coverage = self._looker.credentials(login)
        row: Row = {}
        try:
            row = self._calls.membership(login) if "@" not in login else {}
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                verdict = Verdict.DENIED if error.trouble is Trouble.DENIED else Verdict.PARTIAL
                coverage = ScopeCoverage(coverage.scope, verdict, f"by what ways they are a member: {error}")
        if row.get("state") == "active":
            found += convert.place(self._target, row)
        left.resources += found
        left.scopes.append(coverage)
        return row.get("state") == "active"

    def _try(self, left: Left, what: str, read: Callable[[], None]) -> None:
        try:
            read()
        except ProviderError as error:
            if error.trouble in _FATAL:
                raise
            left.hidden[what] = error.message

    def _tokens(self, login: str, left: Left) -> None:
        left.resources += self._looker.tokens(login)

    def _roles(self, here: Mapping[str, str], left: Left) -> None:
        try:
            roles = self._calls.organization_roles()
        except ProviderError as error:
            if error.trouble is Trouble.GONE:  # not of this plan of GitHub's
                return
            raise
        for role in roles:
            for row in self._calls.holders_of_role(str(role["id"])):
                if str(row["login"]).lower() in here:
                    left.resources.append(convert.role_held(self._target, role, row))

    # What a person has to look at

    def _repositories(self, here: Mapping[str, str], left: Left) -> None:
        keys: dict[str, list[str]] = {}
        named: dict[str, list[str]] = {}
        cut: list[str] = []
        for repository in self._named():
            name = str(repository["name"])
            if (repository.get("deployKeys") or {}).get("totalCount"):
                for added in self._calls.deploy_keys(name):
                    who = here.get(str(added.get("added_by") or "").lower())
                    if who is not None:
                        keys.setdefault(who, []).append(f"`{added.get('title')}` of {name}")
            for login, slot, key, words in places(repository, cut):
                who = here.get(login.lower())
                if who is not None and (name.lower(), slot, key) not in self._declared:
                    named.setdefault(who, []).append(f"{words} of {name}")
        left.warnings += [self._keys(who, found) for who, found in sorted(keys.items())]
        left.warnings += [self._places(who, found) for who, found in sorted(named.items())]
        if cut:
            left.hidden["all places where they are named"] = f"there are too many in {', '.join(sorted(set(cut))[:5])}"

    def _named(self) -> Iterator[Row]:
        after: str | None = None
        seen = 0
        while True:
            data, errors = self._calls.graphql(queries.NAMED, {"login": self._calls.organization, "after": after})
            if errors:
                raise errors[0]
            found = (data.get("organization") or {}).get("repositories") or {}
            rows = [r for r in found.get("nodes") or () if isinstance(r, Mapping)]
            yield from rows
            seen += len(rows)
            page = found.get("pageInfo") or {}
            if not page.get("hasNextPage") or page.get("endCursor") in (None, after):
                break
            after = str(page["endCursor"])
        if seen != found.get("totalCount"):
            words = f"repositories: {seen} came of {found.get('totalCount')}"
            raise ProviderError(Trouble.PARTIAL, words, call="graphql")

    def _keys(self, who: str, found: Sequence[str]) -> Diagnostic:
        return Diagnostic(
            "github-leaver-keys",
            f"deploy keys that {who} added keep working: {_some(found)}",
            severity=Severity.WARNING,
            target=self._target,
            why="a deploy key is the repository's and does not go with whoever added it; they may have a copy",
            fix="put a new key where it is used, then delete the old one under Settings > Deploy keys",
        )

    def _places(self, who: str, found: Sequence[str]) -> Diagnostic:
        return Diagnostic(
            "github-leaver-named",
            f"{who} stays named: {_some(found)}",
            severity=Severity.NOTE,
            target=self._target,
            why="the files do not declare it, so it stays; without access to the repository it lets nobody in",
            fix="take them out in the settings of the repository, or declare it",
        )

    def _not_shown(self, members: Sequence[str], hidden: Mapping[str, str]) -> Diagnostic:
        told = "; ".join(f"{what} ({why})" for what, why in hidden.items())
        return Diagnostic(
            "github-leaver-unseen",
            f"not seen of {_some(members)}: {told}",
            severity=Severity.NOTE,
            target=self._target,
            why="this credential is not shown it; roles and tokens end with the membership, keys do not",
            fix="look at them by hand, or give the credential what the page of this provider says",
        )


def places(repository: Row, cut: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """(login, slot of the control, its key, in words) of each place where one person is named. `cut` gets repositories
    of which not everything came."""
    name = str(repository["name"])

    def rows(connection: Any) -> list[Row]:
        found = connection if isinstance(connection, Mapping) else {}
        listed = [r for r in found.get("nodes") or () if isinstance(r, Mapping)]
        if len(listed) < int(found.get("totalCount") or 0):
            cut.append(name)
        return listed

    for rule in rows(repository.get("branchProtectionRules")):
        slot, pattern = f"{names.BRANCH}{rule['pattern']}", rule["pattern"]
        for key, words in (("pushAllowances", "may push to"), ("bypassPullRequestAllowances", "needs no review on")):
            for allowed in rows(rule.get(key)):
                actor = allowed.get("actor") or {}
                if actor.get("__typename") == "User":
                    yield str(actor["login"]), slot, _KEYS[key], f"{words} {pattern}"
    for environment in rows(repository.get("environments")):
        for rule in rows(environment.get("protectionRules")):
            for reviewer in rows(rule.get("reviewers")):
                if reviewer.get("__typename") == "User":
                    slot = f"{names.ENVIRONMENT}{environment['name']}"
                    yield str(reviewer["login"]), slot, "reviewers", f"reviewer of environment {environment['name']}"


def _some(found: Sequence[str]) -> str:
    more = f" and {len(found) - 20} more" if len(found) > 20 else ""
    return ", ".join(found[:20]) + more
