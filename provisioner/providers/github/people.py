"""Everything of one person, in one sequence: an invitation goes out with its teams, and taking somebody out of the
organization comes before taking them out of anything else.

Whoever is meant is known by number: a removal names the user id that was read, and an invitation the id that the files
pin. A login that belongs to another id by now stops the sequence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from provisioner.contract import AlreadySo, Done, Failed, Outcome, ProviderError, Refused, Trouble, Unknown, Waiting
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.resource import Resource
from provisioner.model.way import Phase, Way
from provisioner.providers.github import names
from provisioner.providers.github.calls import WriteCalls, part
from provisioner.providers.github.convert import (
    COLLABORATOR,
    INVITATION,
    LAPSES,
    MEMBER,
    ORGANIZATION_ROLE,
    REPOSITORY_INVITATION,
    TOKEN,
)
from provisioner.providers.github.teams import Teams

Expect = Mapping[Address, Resource]
_INVITED_AS = {"pull": "read", "push": "write"}
"""An invitation to a repository has other words for permissions than a collaborator."""


class Stop(Exception):  # noqa: N818
    """What is to be said of a change instead of doing it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def outcome_of(error: ProviderError) -> Outcome:
    return Unknown(error=error) if error.trouble is Trouble.UNKNOWN else Failed(error)


def login_of(change: Change) -> str:
    address = change.address
    return address.object if address.kind is Kind.ACCOUNT or address.principal is None else address.principal.id


def is_organization(change: Change) -> bool:
    return change.address.kind is Kind.GRANT and change.address.object == names.ORGANIZATION


class People:
    """Of one target."""

    def __init__(self, calls: WriteCalls, teams: Teams) -> None:
        self._calls = calls
        self._teams = teams
        self._ids: dict[str, str] = {}

    def write(self, changes: Sequence[Change], expect: Expect, deadline: float) -> list[Outcome]:
        if changes[0].narrows and all(c.action in (Action.REVOKE, Action.DELETE) for c in changes):
            return self._narrow(changes, deadline)
        return self._widen(changes, expect, deadline)

    # Taking away

    def _narrow(self, changes: Sequence[Change], deadline: float) -> list[Outcome]:
        """The organization first: with it go all teams, which is then only read back."""
        told: dict[str, Outcome] = {}
        gone = False
        for change in sorted(changes, key=lambda c: not is_organization(c)):
            if gone and change.address.kind is Kind.MEMBERSHIP:
                told[change.id] = Done("it went with the organization")
                continue
            told[change.id] = self._take(change, deadline)
            if is_organization(change):
                gone = isinstance(told[change.id], Done | AlreadySo)
        return [told[c.id] for c in changes]

    def _take(self, change: Change, deadline: float) -> Outcome:
        try:
            if change.address.kind is Kind.ACCOUNT:
                return self._remove_altogether(change, deadline)
            done = [self._end(change, way, deadline) for way in change.ways]
            return Done("; ".join(done))
        except Stop as stop:
            return stop.outcome
        except ProviderError as error:
            if error.trouble is Trouble.GONE:
                return AlreadySo("it is not there")
            return outcome_of(error)

    def _end(self, change: Change, way: Way, deadline: float) -> str:
        calls, address = self._calls, change.address
        kind, _, number = way.native_id.partition(":")
        if way.native_id.startswith(REPOSITORY_INVITATION):
            path = f"{calls.repo_path(address.object)}/invitations/{part(number)}"
            self._delete(path, deadline)
            return f"invitation {number} is cancelled"
        if way.native_id.startswith(INVITATION) and is_organization(change):
            self._delete(f"{calls.org_path}/invitations/{part(number)}", deadline)
            return f"invitation {number} is cancelled"
        if way.native_id.startswith(TOKEN):
            self._delete(f"{calls.org_path}/personal-access-tokens/{part(number)}", deadline, {"action": "revoke"})
            return f"token {number} reaches the organization no more"
        if way.native_id.startswith(ORGANIZATION_ROLE):
            role, _, user = number.partition(":")
            login = self._login(user)
            self._delete(f"{calls.org_path}/organization-roles/users/{part(login)}/{part(role)}", deadline)
            return f"{login} has the role no more"
        login = login_of(change)
        if way.native_id.startswith((MEMBER, COLLABORATOR)) and number.isdigit():
            login = self._login(number)
        elif "@" in login:
            raise Stop(Refused(f"{login} is invited by e-mail: a team can only be taken off with the whole invitation"))
        if is_organization(change):
            self._delete(f"{calls.org_path}/memberships/{part(login)}", deadline)
            return f"{login} is out of the organization"
        if address.kind is Kind.MEMBERSHIP:
            slug = self._teams.slug(address.object)
            self._delete(f"{calls.team_path(slug)}/memberships/{part(login)}", deadline)
            return f"{login} is out of team {slug}"
        if address.kind is Kind.GRANT and kind == COLLABORATOR.rstrip(":"):
            self._delete(f"{calls.repo_path(address.object)}/collaborators/{part(login)}", deadline)
            return f"{login} is no collaborator of {address.object} any more"
        if address.kind is Kind.CREDENTIAL:
            self._delete(f"{calls.org_path}/credential-authorizations/{part(number)}", deadline)
            return f"authorization {number} is revoked"
        raise Stop(Refused(f"nothing is known to end {way.native_id or 'this'} with"))

    def _delete(self, path: str, deadline: float, body: Mapping[str, str] | None = None) -> None:
        """Twice is fine. What GitHub ends by something else than DELETE has a body."""
        try:
            self._calls.write("POST" if body else "DELETE", path, body, deadline=deadline)
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                raise

    def _login(self, native: str) -> str:
        """The login that a user id has now."""
        login = str(self._calls.user_by_id(native)["login"])
        self._ids[login.lower()] = native
        return login

    def _remove_altogether(self, change: Change, deadline: float) -> Outcome:
        """Whatever is left of somebody: membership, an invitation, every repository of an outside collaborator."""
        calls, native, login = self._calls, (change.before or {}).get("id"), change.address.object
        if "@" in login:
            for row in calls.invitations():
                if str(row.get("email") or "").lower() == login.lower():
                    self._delete(f"{calls.org_path}/invitations/{part(str(row['id']))}", deadline)
            return Done(f"nothing is left of {login}")
        if native:
            login = self._login(str(native))
        self._delete(f"{calls.org_path}/memberships/{part(login)}", deadline)
        self._delete(f"{calls.org_path}/outside_collaborators/{part(login)}", deadline)
        return Done(f"{login} is removed from the organization and its repositories")

    # Giving

    def _widen(self, changes: Sequence[Change], expect: Expect, deadline: float) -> list[Outcome]:
        told: dict[str, Outcome] = {}
        try:
            self._check(changes)
            told.update(self._invite(changes, deadline))
        except (Stop, ProviderError) as stop:
            outcome = stop.outcome if isinstance(stop, Stop) else outcome_of(stop)
            return [outcome] * len(changes)
        for change in changes:
            if change.id not in told and change.address.kind is not Kind.ACCOUNT:
                told[change.id] = self._give(change, expect, deadline)
        rest = [told[c.id] for c in changes if c.id in told]
        for change in changes:
            if change.id not in told:
                told[change.id] = _of_account(rest)
        return [told[c.id] for c in changes]

    def _check(self, changes: Sequence[Change]) -> None:
        """Whether the login is the pinned id's, where an account is to come."""
        for change in changes:
            if change.address.kind is Kind.ACCOUNT and change.action is not Action.CREATE:
                raise Stop(Refused(f"accounts are people's own on GitHub: nothing to {change.action.value} there"))
            if change.address.kind is not Kind.ACCOUNT:
                continue
            native = str((change.after or {}).get("id", ""))
            if not native.isdigit():
                raise Stop(Refused("the numeric id of the account is not known"))
            try:
                login = self._login(native)
            except ProviderError as error:
                if error.trouble is Trouble.GONE:
                    raise Stop(Refused(f"GitHub knows no user with the id {native}")) from None
                raise
            if login.lower() != change.address.object.lower():
                raise Stop(
                    Refused(f"the id {native} is `{login}`, not `{change.address.object}`: nothing is given to either")
                )

    def _invite(self, changes: Sequence[Change], deadline: float) -> dict[str, Outcome]:
        """Whoever is new gets one invitation with all their teams, by their number."""
        joins = next((c for c in changes if is_organization(c) and c.action is Action.CREATE), None)
        account = next((c for c in changes if c.address.kind is Kind.ACCOUNT), None)
        if joins is None or account is None:
            return {}
        teams = [c for c in changes if c.address.kind is Kind.MEMBERSHIP and c.action is Action.CREATE]
        role = "admin" if (joins.after or {}).get("role") == "admin" else "direct_member"
        body = {
            "invitee_id": int((account.after or {})["id"]),
            "role": role,
            "team_ids": [self._teams.native(c.address.object) for c in teams],
        }
        try:
            self._calls.write("POST", f"{self._calls.org_path}/invitations", body, deadline=deadline)
        except ProviderError as error:
            if error.code != "422":
                raise
            return {}  # invited or a member already: what follows says which, and adds what is missing
        return {c.id: _invited(login_of(joins)) for c in (account, joins, *teams)}

    def _give(self, change: Change, expect: Expect, deadline: float) -> Outcome:
        try:
            if is_organization(change):
                return self._join(change, deadline)
            if change.address.kind is Kind.MEMBERSHIP:
                return self._add(change, deadline)
            if change.address.kind is Kind.GRANT:
                return self._share(change, expect, deadline)
            return Refused(f"nothing to {change.action.value} there")
        except Stop as stop:
            return stop.outcome
        except ProviderError as error:
            return outcome_of(error)

    def _join(self, change: Change, deadline: float) -> Outcome:
        login, role = login_of(change), (change.after or {}).get("role", "member")
        _, row = self._calls.write(
            "PUT", f"{self._calls.org_path}/memberships/{part(login)}", {"role": role}, deadline=deadline
        )
        return self._as_told(row, login, f"{login} is {role} of the organization")

    def _add(self, change: Change, deadline: float) -> Outcome:
        """Only somebody who is in the organization, or invited: GitHub would invite any stranger of that login."""
        login, role = login_of(change), (change.after or {}).get("role", "member")
        try:
            self._same(self._calls.membership(login), login)
        except ProviderError as error:
            if error.trouble is Trouble.GONE:
                raise Stop(Refused(f"{login} is neither in the organization nor invited to it")) from None
            raise
        slug = self._teams.slug(change.address.object)
        _, row = self._calls.write(
            "PUT", f"{self._calls.team_path(slug)}/memberships/{part(login)}", {"role": role}, deadline=deadline
        )
        return self._as_told(row, login, f"{login} is in team {slug}")

    def _same(self, row: Any, login: str) -> None:
        """That an answer is about the person who was meant."""
        user = row.get("user") if isinstance(row, Mapping) else None
        native = str(user.get("id")) if isinstance(user, Mapping) else None
        known = self._ids.get(login.lower())
        if native is not None and known is not None and native != known:
            raise Stop(Refused(f"`{login}` has the id {native} now, and {known} is meant"))

    def _as_told(self, row: Any, login: str, proof: str) -> Outcome:
        self._same(row, login)
        return _invited(login) if isinstance(row, Mapping) and row.get("state") == "pending" else Done(proof)

    def _share(self, change: Change, expect: Expect, deadline: float) -> Outcome:
        calls, login = self._calls, login_of(change)
        repository, permission = change.address.object, str((change.after or {}).get("permission", "pull"))
        live = expect.get(change.address)
        waiting = next((w for w in live.ways if w.phase is Phase.PENDING), None) if live is not None else None
        if change.action is Action.UPDATE and waiting is not None:
            number = waiting.native_id.removeprefix(REPOSITORY_INVITATION)
            body = {"permissions": _INVITED_AS.get(permission, permission)}
            calls.write("PATCH", f"{calls.repo_path(repository)}/invitations/{part(number)}", body, deadline=deadline)
            return Waiting(login, waiting.until)
        path = f"{calls.repo_path(repository)}/collaborators/{part(login)}"
        try:
            status, row = calls.write("PUT", path, {"permission": permission}, deadline=deadline)
            if isinstance(row, Mapping) and row.get("expired"):  # the one of then, which nobody can accept any more
                self._delete(f"{calls.repo_path(repository)}/invitations/{part(str(row['id']))}", deadline)
                status, row = calls.write("PUT", path, {"permission": permission}, deadline=deadline)
        except ProviderError as error:
            if error.code == "422" and "cannot assign" in error.message.lower():
                return Refused(f"covered: they have more by the organization already ({error.message})")
            raise
        if status != 201 or not isinstance(row, Mapping):
            return Done(f"{login} has {permission} on {repository}")
        invitee = row.get("invitee")
        self._same({"user": invitee}, login)
        return _invited(login)


def _invited(login: str) -> Waiting:
    return Waiting(login, datetime.now(UTC).replace(microsecond=0) + LAPSES)


def _of_account(rest: Sequence[Outcome]) -> Outcome:
    """An account is there when anything was given to it, or waits as that does."""
    for kind in (Done, Waiting, AlreadySo):
        found = next((o for o in rest if isinstance(o, kind)), None)
        if found is not None:
            return found
    return rest[0] if rest else Refused("there is nothing to invite them to")
