"""What users of an account have live, and the account's policies: what the sessions of their runs are made from.

One read of the account's own details; policies that nobody in the account has are asked for one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioner.contract import ProviderError, Trouble
from provisioner.model.address import Kind
from provisioner.model.instant import Instant
from provisioner.model.resource import Resource
from provisioner.providers.aws_iam import documents, names, narrow
from provisioner.providers.aws_iam.calls import ReadCalls

_KINDS = ("User", "Group", "LocalManagedPolicy", "AWSManagedPolicy")
_CALL = "iam:GetAccountAuthorizationDetails"


@dataclass
class Held:
    """`attached` and `inline` are by user, as ARNs and by words that name each document; `ready` are the rows of the
    policies that lie ready for runs, by ARN."""

    reads: ReadCalls
    partition: str
    users: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    attached: dict[str, set[str]] = field(default_factory=dict)
    inline: dict[str, dict[str, documents.Document]] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    texts: dict[str, documents.Document] = field(default_factory=dict)
    ready: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def document(self, arn: str) -> documents.Document:
        """Details show no policies of AWS's own that nobody in the account has. One that the files name, that nobody
        has and that is not there at all denies nothing."""
        if arn not in self.texts:
            try:
                self.texts[arn] = self.reads.managed_policy(arn)
            except ProviderError as error:
                if error.trouble is not Trouble.GONE or any(arn in had for had in self.attached.values()):
                    raise
                self.texts[arn] = {}
        return self.texts[arn]

    def arn(self, named: str) -> str:
        """As apply does: the ARN that the files name, else the account's own policy of that name, else AWS's."""
        if named.startswith("arn:"):
            return named
        return self.own.get(named) or f"arn:{self.partition}:iam::aws:policy/{named}"

    def boundary(self, login: str) -> str | None:
        """The permissions boundary on a user."""
        user = self.users.get(login, {})
        return (user.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")


@dataclass(frozen=True, slots=True)
class Given:
    """What the files give to a run, as ARNs: managed policies, and those of which only what they deny counts. Where
    something is in `cannot`, no session can have it."""

    arns: tuple[str, ...]
    denying: frozenset[str]
    cannot: tuple[str, ...]


def read_held(reads: ReadCalls, partition: str, logins: Iterable[str]) -> Held:
    """All that these users have. An account that breaks off raises `partial`."""
    held = Held(reads, partition)
    wanted = {login.casefold(): login for login in logins}
    groups: dict[str, Mapping[str, Any]] = {}
    for page in reads.details(_KINDS):
        for row in page.get("UserDetailList") or ():
            login = wanted.get(row["UserName"].casefold())
            if login is not None:
                held.users[login] = row
        groups |= {row["GroupName"]: row for row in page.get("GroupDetailList") or ()}
        for row in page.get("Policies") or ():
            _policy(held, row)
    for login, user in held.users.items():
        inline = held.inline[login] = {}
        attached = held.attached[login] = _add(inline, f"user {login}", user, "UserPolicyList")
        for name in user.get("GroupList") or ():
            if name not in groups:
                told = f"user {login} is in group {name}, and the account's details have no such group"
                raise ProviderError(Trouble.PARTIAL, told, call=_CALL)
            attached |= _add(inline, f"group {name}", groups[name], "GroupPolicyList")
    return held


def _policy(held: Held, row: Mapping[str, Any]) -> None:
    if row["Arn"].split(":")[4] != "aws":
        if str(row.get("Path")).startswith(names.RUN_PATH):
            held.ready[row["Arn"]] = row
        else:
            held.own[row["PolicyName"]] = row["Arn"]
    for version in row.get("PolicyVersionList") or ():
        if version.get("IsDefaultVersion") and version.get("Document"):
            held.texts[row["Arn"]] = version["Document"]


def _add(inline: dict[str, documents.Document], label: str, row: Mapping[str, Any], key: str) -> set[str]:
    """The policies attached there; inline ones are noted."""
    for policy in row.get(key) or ():
        inline[f"inline policy {policy['PolicyName']} of {label}"] = policy["PolicyDocument"]
    return {policy["PolicyArn"] for policy in row.get("AttachedManagedPolicies") or ()}


def given_by(things: Sequence[Resource], held: Held) -> Given:
    """What is shared by the files, as `narrow.shared` has it, in this account."""
    arns, denying, cannot = set(), set(), []
    for thing in things:
        name = thing.address.object
        if name.startswith(names.ROLE):
            cannot.append(f"a session of {name.removeprefix(names.ROLE)} would go on when the run is over")
        elif thing.address.kind is not Kind.GRANT or name.startswith(names.INLINE):
            cannot.append(f"{thing.address} is no managed policy")
        else:
            arns.add(held.arn(str(thing.attributes.get("arn") or name)))
        denying |= {held.arn(text) for text in thing.attributes.get(narrow.DENIED, ())}
    if not things:
        cannot.append("there is no policy that both have")
    return Given(tuple(sorted(arns)), frozenset(denying), tuple(cannot))


def session_for(
    given: Given, held: Held, logins: Sequence[str], ends: Instant, account: str, owner: str | None
) -> narrow.Session:
    """The session of a run of these users, with all that any of them is denied. `owner` is what of `records.owner` goes
    into names."""
    there = [login for login in logins if login in held.users]
    others = given.denying.union(*(held.attached[login] for login in there)).difference(given.arns)
    inline = {label: document for login in there for label, document in held.inline[login].items()}
    return narrow.session(
        {arn: held.document(arn) for arn in given.arns},
        {arn: held.document(arn) for arn in sorted(others)} | inline,
        ends,
        lambda piece: ready_arn(piece, held, account, owner),
    )


def ready_arn(piece: str, held: Held, account: str, owner: str | None) -> str:
    """Where a piece of a session lies ready."""
    return names.run_policy_arn(names.run_policy(piece, owner), owner, held.partition, account)
