"""Writing to one organization. Each write is safe to run twice, and none is repeated here.

What a person has goes through `people`; teams and what they have are single calls; what guards a repository is read,
changed where the files say so, and put back whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.contract import Accepted, AlreadySo, Done, Failed, Outcome, ProviderError, Refused, Trouble
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.principal import PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.target import Target
from provisioner.model.unit import Unit
from provisioner.providers.github import names, payloads
from provisioner.providers.github.calls import WriteCalls, part
from provisioner.providers.github.controls_read import ControlReader
from provisioner.providers.github.declare import GithubDeclare
from provisioner.providers.github.people import People, outcome_of
from provisioner.providers.github.teams import Teams, earlier_names

Expect = Mapping[Address, Resource]


class GithubWriter:
    """The organization of `target`."""

    def __init__(self, target: Target, declare: GithubDeclare, calls: WriteCalls) -> None:
        self._target = target
        self._calls = calls
        self._saml = target.settings.data.get("saml") is True
        self._teams = Teams(calls, earlier_names(target.objects.data))
        self._people = People(calls, self._teams)
        self._controls = ControlReader(target.name, declare, calls)

    def write(
        self,
        unit: Unit,
        changes: Sequence[Change],
        *,
        expect: Mapping[Address, Resource],
        token: str,
        deadline: float,
    ) -> Sequence[Outcome]:
        first = changes[0].address
        if first.kind is Kind.ACCOUNT or (first.principal is not None and first.principal.is_account):
            return self._people.write(changes, expect, deadline)
        return [self._one(change, deadline) for change in changes]

    def _one(self, change: Change, deadline: float) -> Outcome:
        try:
            match change.address.kind:
                case Kind.GROUP:
                    return self._team(change, deadline)
                case Kind.GRANT:
                    return self._team_grant(change, deadline)
                case Kind.CONTROL:
                    return self._control(change, deadline)
                case _:
                    return Refused(f"GitHub has nothing to {change.action.value} there")
        except ProviderError as error:
            if error.trouble is Trouble.GONE and change.action in (Action.REVOKE, Action.DELETE):
                return AlreadySo("it is not there")
            return outcome_of(error)

    # Teams

    def _team(self, change: Change, deadline: float) -> Outcome:
        slug, after = change.address.object, change.after or {}
        match change.action:
            case Action.CREATE:
                return self._create_team(slug, after, deadline)
            case Action.UPDATE:
                now = str(self._teams.row(slug)["slug"])
                self._calls.write("PATCH", self._calls.team_path(now), self._team_body(after), deadline=deadline)
                self._teams.forget(slug)
                return Done(f"team {slug} is changed")
            case Action.RELEASE:
                return Done(f"team {slug} is left as it is")
            case Action.REVOKE | Action.DELETE:
                now = str(self._teams.row(slug)["slug"])
                below = [str(t["slug"]) for t in self._calls.child_teams(now)]
                if below:
                    return Refused(f"teams below it would be deleted too: {', '.join(sorted(below)[:10])}")
                self._calls.write("DELETE", self._calls.team_path(now), deadline=deadline)
                self._teams.forget(slug)
                return Done(f"team {slug} is deleted")
            case _:
                return Refused(f"a team takes no {change.action.value}")

    def _team_body(self, after: Mapping[str, Any]) -> dict[str, Any]:
        body = {k: after[k] for k in ("name", "description", "privacy") if k in after}
        if "parent" in after:
            body["parent_team_id"] = self._teams.native(after["parent"]) if after["parent"] else None
        return body

    def _create_team(self, slug: str, after: Mapping[str, Any], deadline: float) -> Outcome:
        body = {"name": slug, "privacy": "closed", **self._team_body(after)}
        try:
            _, made = self._calls.write("POST", f"{self._calls.org_path}/teams", body, deadline=deadline)
        except ProviderError as error:
            if error.code != "422":
                raise
            try:
                self._teams.row(slug)
            except ProviderError:
                raise error from None
            return AlreadySo(f"team {slug} is there")
        if not isinstance(made, Mapping) or not made.get("slug"):
            raise ProviderError(Trouble.UNKNOWN, f"no team is told to have been made for {slug}", call="POST teams")
        if self._calls.as_user:  # who makes a team with a token of their own is put into it
            me = str(self._calls.me()["login"])
            path = f"{self._calls.team_path(str(made['slug']))}/memberships/{part(me)}"
            try:
                self._calls.write("DELETE", path, deadline=deadline)
            except ProviderError as error:
                if error.trouble is not Trouble.GONE:
                    raise
        if str(made["slug"]) != slug:
            words = f"GitHub called the new team {made['slug']}, not {slug}"
            return Failed(ProviderError(Trouble.CONFLICT, words, call="POST teams"))
        return Done(f"team {slug} is made")

    def _team_grant(self, change: Change, deadline: float) -> Outcome:
        who = change.address.principal
        if who is None or who.kind is not PrincipalKind.GROUP:
            return Refused("it is nobody's")
        slug, repository = self._teams.slug(who.id), change.address.object
        owner = part(self._calls.organization)
        path = f"{self._calls.team_path(slug)}/repos/{owner}/{part(repository)}"
        if change.action is Action.REVOKE:
            self._calls.write("DELETE", path, deadline=deadline)
            return Done(f"team {slug} has no access of its own to {repository}")
        permission = str((change.after or {})["permission"])
        self._calls.write("PUT", path, {"permission": permission}, deadline=deadline)
        return Done(f"team {slug} has {permission} on {repository}")

    # Controls

    def _control(self, change: Change, deadline: float) -> Outcome:
        slot, repository = change.address.slot or "", change.address.object
        if slot.startswith(names.BRANCH):
            return self._branch(change, repository, slot.removeprefix(names.BRANCH), deadline)
        if slot.startswith(names.ENVIRONMENT):
            return self._environment(change, repository, slot.removeprefix(names.ENVIRONMENT), deadline)
        if slot.startswith(names.RULESET):
            return self._ruleset(change, repository, slot.removeprefix(names.RULESET), deadline)
        return Refused(f"nothing is known of {slot}")

    def _after(self, change: Change) -> Mapping[str, Any]:
        """All that the files declare of it: a document is put back whole."""
        return {**self._controls.declared.get(change.address, {}), **(change.after or {})}

    def _branch(self, change: Change, repository: str, branch: str, deadline: float) -> Outcome:
        path = f"{self._calls.repo_path(repository)}/branches/{part(branch)}/protection"
        if change.after is None:
            self._calls.write("DELETE", path, deadline=deadline)
            return Done(f"branch {branch} is not protected any more")
        live = self._if_there(lambda: self._calls.protection(repository, branch))
        body = payloads.protection_body(live, change.after)
        self._calls.write("PUT", path, body, deadline=deadline)
        return Done(f"branch {branch} of {repository} is protected so")

    def _environment(self, change: Change, repository: str, name: str, deadline: float) -> Outcome:
        calls = self._calls
        path = f"{calls.repo_path(repository)}/environments/{part(name)}"
        if change.after is None:
            return Refused("an environment is not deleted: its secrets would go with it")
        live = self._if_there(lambda: calls.environment(repository, name))
        after = change.after
        body = payloads.environment_body(live, after, self._teams.native, self._user_id)
        calls.write("PUT", path, body, deadline=deadline)
        if isinstance(after.get("branches"), list | tuple):
            self._patterns(path, repository, name, set(after["branches"]), deadline)
        return Done(f"environment {name} of {repository} is so")

    def _patterns(self, path: str, repository: str, name: str, wanted: set[str], deadline: float) -> None:
        """What is missing is added before what is too much is taken: never a moment without any."""
        have = {str(p["name"]): str(p["id"]) for p in self._calls.deployment_branches(repository, name)}
        for pattern in sorted(wanted - have.keys()):
            body = {"name": pattern}
            self._calls.write("POST", f"{path}/deployment-branch-policies", body, deadline=deadline)
        for pattern in sorted(have.keys() - wanted):
            self._calls.write("DELETE", f"{path}/deployment-branch-policies/{part(have[pattern])}", deadline=deadline)

    def _ruleset(self, change: Change, repository: str, name: str, deadline: float) -> Outcome:
        where = None if repository == names.ORGANIZATION else repository
        base = self._calls.org_path if where is None else self._calls.repo_path(where)
        live = self._controls.ruleset_row(repository, name)
        if change.after is None:
            if live is None:
                return AlreadySo("there is no such ruleset")
            self._calls.write("DELETE", f"{base}/rulesets/{part(str(live['id']))}", deadline=deadline)
            return Done(f"ruleset {name} is gone")
        body = payloads.ruleset_body(name, live, self._after(change), self._teams.native, self._user_id)
        if where is None and "repository_name" not in body["conditions"]:
            body["conditions"]["repository_name"] = {"include": ["~ALL"], "exclude": []}
        if live is None:
            self._calls.write("POST", f"{base}/rulesets", body, deadline=deadline)
        else:
            self._calls.write("PUT", f"{base}/rulesets/{part(str(live['id']))}", body, deadline=deadline)
        return Done(f"ruleset {name} is so")

    def _if_there(self, read: Any) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = read()
        except ProviderError as error:
            if error.trouble is Trouble.GONE:
                return None
            raise
        return found

    def _user_id(self, login: str) -> int:
        return int(self._calls.user(login)["id"])

    # Sessions

    def cut(self, account: Address, deadline: float) -> Outcome:
        """Only a SAML organization can end what its members signed in with."""
        if not self._saml:
            return Refused("not possible here: tokens and sessions are the person's own; they end with the membership")
        login = account.object
        path = f"{self._calls.org_path}/credential-authorizations/{part(login)}/revoke"
        try:
            self._calls.write("POST", path, deadline=deadline)
        except ProviderError as error:
            return AlreadySo("nothing is authorized") if error.trouble is Trouble.GONE else outcome_of(error)
        return Accepted(f"credentials:{login}")

    def settle(self, receipt: str, deadline: float) -> Outcome:
        login = receipt.removeprefix("credentials:")
        try:
            left = list(self._calls.credential_authorizations(login))
        except ProviderError as error:
            return AlreadySo("nothing is authorized") if error.trouble is Trouble.GONE else outcome_of(error)
        return Accepted(receipt) if left else Done("no credential of theirs is authorized any more")

    def close(self) -> None:
        self._calls.close()
