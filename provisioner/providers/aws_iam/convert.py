"""IAM's answers -> resources. Pure; knows shapes, makes no calls, and decides nothing.

`Details` gathers the pages of GetAccountAuthorizationDetails; the functions turn single answers into the very same
resources, so that a point read and a bulk read of one thing are equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from provisioner.model.address import Address, Kind
from provisioner.model.identity import KEYLESS
from provisioner.model.instant import format_instant
from provisioner.model.mark import Mark
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import NONE_HIDDEN, Facts, Resource
from provisioner.model.state import State
from provisioner.model.way import Ownership, Phase, Way
from provisioner.providers.aws_iam import documents, names, trust
from provisioner.providers.aws_iam.effects import STRENGTH

Row = Mapping[str, Any]

INLINE_WAY = "inline:"
TRUST_WAY = "trust:"
"""What begins the native id of a way: an inline policy of the user, or a principal named in the role's trust policy."""

_INERT = Way(phase=Phase.SUSPENDED)
"""Of what gives nobody anything by being there."""
_LISTS = {"users": "UserDetailList", "groups": "GroupDetailList", "roles": "RoleDetailList", "policies": "Policies"}
_PHASES = {"Active": Phase.ACTIVE, "Inactive": Phase.SUSPENDED, "Expired": Phase.LAPSED}


def person(target: str, login: str) -> Principal:
    return Principal(target, PrincipalKind.PERSON, login)


def group_principal(target: str, group: str) -> Principal:
    return Principal(target, PrincipalKind.GROUP, group)


# Users and groups


def tags_of(row: Row) -> dict[str, str]:
    """By lower-case key, because IAM folds case there."""
    return {tag["Key"].lower(): tag["Value"] for tag in row.get("Tags") or ()}


def account(target: str, row: Row, *, denied: bool) -> Resource:
    """`denied` says whether our deny policy is on the user."""
    tags = tags_of(row)
    text = tags.get(names.TAG)
    mark = Mark.parse(text) if text else None
    attributes: dict[str, Any] = {"enabled": not denied}
    if "email" in tags:
        attributes["email"] = tags["email"]
    path = row.get("Path", "/")
    facts = Facts(
        native_id=row["UserId"],
        email=tags.get("email"),
        name=tags.get("name"),
        disabled_since=mark.disabled_since if mark else None,
        # Whoever wrote something else under our key means something by it: that user is theirs.
        foreign_mark=text if text and mark is None else None,
        more={} if path == "/" else {"path": path},
    )
    return Resource(Address(target, Kind.ACCOUNT, row["UserName"]), attributes, mark=mark, facts=facts)


def role_account(target: str, row: Row, *, denied: bool) -> Resource:
    """A role that is the account of a service."""
    tags = tags_of(row)
    text = tags.get(names.TAG)
    mark = Mark.parse(text) if text else None
    facts = Facts(
        native_id=row["RoleId"],
        disabled_since=mark.disabled_since if mark else None,
        last_used=(row.get("RoleLastUsed") or {}).get("LastUsedDate"),
        foreign_mark=text if text and mark is None else None,
    )
    address = Address(target, Kind.ACCOUNT, KEYLESS + row["RoleName"])
    return Resource(address, {"enabled": not denied}, mark=mark, facts=facts)


def trust_of(target: str, account_id: str, row: Row) -> Resource | None:
    """Whom such a role trusts; None where that is nobody. Where the role carries a mark, so does this."""
    entries = trust.entries_of(row["AssumeRolePolicyDocument"], account_id)
    if not entries:
        return None
    address = Address(target, Kind.CONTROL, names.TRUST, person(target, KEYLESS + row["RoleName"]))
    return Resource(address, {trust.TRUSTS: entries}, mark=Mark.parse(tags_of(row).get(names.TAG, "")))


def group(target: str, row: Row) -> Resource:
    ours, owner = names.group_owner(row.get("Path", "/"))
    mark = Mark(names.slug(row["GroupName"]), owner) if ours else None
    return Resource(Address(target, Kind.GROUP, row["GroupName"]), mark=mark, facts=Facts(native_id=row["GroupId"]))


def membership(target: str, group_name: str, who: Principal) -> Resource:
    return Resource(Address(target, Kind.MEMBERSHIP, group_name, who))


# Grants


def attached(target: str, who: Principal, arn: str, own: Collection[str], facts: Facts | None = None) -> Resource:
    address = Address(target, Kind.GRANT, names.policy_object(arn, own), who)
    return Resource(address, {"arn": arn}, ways=(Way(arn),), facts=facts)


def inline(target: str, who: Principal, policy: str, document: documents.Document | None = None) -> Resource:
    address = Address(target, Kind.GRANT, names.INLINE + policy, who)
    facts = None if document is None else strength_facts(documents.strength(document))
    return Resource(address, ways=(Way(INLINE_WAY + policy),), facts=facts)


def role_grant(
    target: str,
    account_id: str,
    role: str,
    who: Principal,
    policy: documents.Document | None,
    trusted_as: Iterable[str],
    facts: Facts | None = None,
) -> Resource | None:
    """Leave of `who` to assume `role`: by our inline `policy`, and by the names under which the role trusts them."""
    ways: list[Way] = []
    intact, mark, ends = True, None, None
    if policy is not None:
        intact, ours, owner, ends = documents.read_assume(policy, account_id, role)
        mark = Mark(names.slug(who.id), owner) if ours else None
        ways.append(Way(INLINE_WAY + names.ASSUME_PREFIX + role, until=ends))
    # An entry in a trust policy carries no mark: it is nobody's by itself.
    ways += [Way(TRUST_WAY + name, ownership=Ownership.UNCLAIMED) for name in sorted(trusted_as)]
    if not ways:
        return None
    address = Address(target, Kind.GRANT, names.ROLE + role, who)
    # A role that trusts them by name lets them in whatever the policy says: that has no end of its own.
    hides = frozenset({names.ENDS}) if any(w.native_id.startswith(TRUST_WAY) for w in ways) else NONE_HIDDEN
    attributes = {"intact": intact, names.ENDS: None if ends is None else format_instant(ends)}
    return Resource(address, attributes, ways=tuple(ways), mark=mark, facts=facts, hides=hides)


def strength_facts(strength: str) -> Facts | None:
    return _STRENGTHS.get(strength)


_STRENGTHS = {s: Facts(more={STRENGTH: s}) for s in ("ordinary", "elevated", "admin", documents.DENIES)}


def trusted_person(target: str, account_id: str, name: str, logins: Mapping[str, str]) -> Principal:
    """Who a user named in a trust policy is: somebody here (`logins` has them by id too), or unknown."""
    user = names.user_of(name)
    if user is not None and user[0] == account_id:
        return person(target, user[1])
    if name in logins:
        return person(target, logins[name])
    return Principal(target, PrincipalKind.UNKNOWN, name)


# Credentials


def credential(target: str, login: str, name: str, native: str, status: str = "Active") -> Resource:
    address = Address(target, Kind.CREDENTIAL, name, person(target, login))
    return Resource(address, ways=(Way(native, _PHASES.get(status, Phase.ACTIVE)),))


def credentials(
    target: str,
    login: str,
    *,
    keys: Iterable[Row] = (),
    password: bool = False,
    mfa: Iterable[Row] = (),
    ssh_keys: Iterable[Row] = (),
    services: Iterable[Row] = (),
    certificates: Iterable[Row] = (),
) -> Iterator[Resource]:
    for row in keys:
        key = row["AccessKeyId"]
        yield credential(target, login, f"access-key.{key}", key, row["Status"])
    if password:
        yield credential(target, login, "password", "login-profile")
    for row in mfa:
        yield credential(target, login, f"mfa.{row['SerialNumber']}", row["SerialNumber"])
    for row in ssh_keys:
        yield credential(target, login, f"ssh-key.{row['SSHPublicKeyId']}", row["SSHPublicKeyId"], row["Status"])
    for row in services:
        native = row["ServiceSpecificCredentialId"]
        yield credential(target, login, f"service.{native}", native, row["Status"])
    for row in certificates:
        yield credential(target, login, f"certificate.{row['CertificateId']}", row["CertificateId"], row["Status"])


# In bulk


class Details:
    """One account, from its pages. What needs the whole (is a policy's name the account's own?) waits for `state`."""

    def __init__(self, target: str, account_id: str, roles: Collection[str] = ()) -> None:
        """`roles` are logins of roles that are accounts, whatever they carry; all with a mark are."""
        self._wanted = {login.casefold() for login in roles}
        self._target = target
        self._account = account_id
        self._found: dict[Address, Resource] = {}
        self._attached: list[tuple[Principal, str]] = []
        self._assume: dict[tuple[str, Principal], documents.Document] = {}
        self._trust: list[tuple[str, documents.Document]] = []
        self._roles: list[Row] = []
        self._logins: dict[str, str] = {}
        self._strengths: dict[str, str] = {}
        self.own: dict[str, str] = {}
        self.counts = dict.fromkeys(_LISTS, 0)

    def add(self, page: Row) -> None:
        """ValueError where the page has somebody who was on an earlier one: it may have come in another's place."""
        ids = {row["UserId"]: row["UserName"] for row in page.get("UserDetailList") or ()}
        again = next((login for user, login in ids.items() if user in self._logins), None)
        if again is not None:
            raise ValueError(f"user {again} is on two pages")
        for row in page.get("UserDetailList") or ():
            self._user(row)
        for row in page.get("GroupDetailList") or ():
            self._group(row)
        for row in page.get("RoleDetailList") or ():
            self._roles.append(row)
            self._role(row)
            self._trust.append((row["RoleName"], row["AssumeRolePolicyDocument"]))
        for row in page.get("Policies") or ():
            self._policy(row)
        for label, rows in _LISTS.items():
            self.counts[label] += len(page.get(rows) or ())

    def state(self) -> State:
        facts = {arn: strength_facts(self._strength(arn)) for _, arn in self._attached}
        for who, arn in self._attached:
            self._keep(attached(self._target, who, arn, self.own, facts[arn]))
        self._role_grants()
        self._strong_ones()
        return State.from_mapping(self._found)

    def _keep(self, resource: Resource) -> None:
        self._found[resource.address] = resource

    def _user(self, row: Row) -> None:
        login = row["UserName"]
        who = person(self._target, login)
        self._logins[row["UserId"]] = login
        self._keep(account(self._target, row, denied=self._inline(who, row.get("UserPolicyList") or ())))
        for group_name in row.get("GroupList") or ():
            self._keep(membership(self._target, group_name, who))
        self._attached += ((who, policy["PolicyArn"]) for policy in row.get("AttachedManagedPolicies") or ())

    def _inline(self, who: Principal, policies: Iterable[Row]) -> bool:
        """Keeps the inline policies of an account. Whether our deny is among them."""
        denied = False
        for policy in policies:
            name, document = policy["PolicyName"], policy["PolicyDocument"]
            if name == names.DENY_POLICY and documents.is_deny_all(document):
                denied = True
            elif name.startswith(names.ASSUME_PREFIX):
                self._assume[name.removeprefix(names.ASSUME_PREFIX), who] = document
            else:
                self._keep(inline(self._target, who, name, document))
        return denied

    def _role(self, row: Row) -> None:
        """A role that a service has in place of a user. All others give access, and have none of their own here."""
        login = KEYLESS + row["RoleName"]
        if names.TAG not in tags_of(row) and login.casefold() not in self._wanted:
            return
        who = person(self._target, login)
        self._keep(role_account(self._target, row, denied=self._inline(who, row.get("RolePolicyList") or ())))
        self._attached += ((who, policy["PolicyArn"]) for policy in row.get("AttachedManagedPolicies") or ())
        trusted = trust_of(self._target, self._account, row)
        if trusted is not None:
            self._keep(trusted)

    def _group(self, row: Row) -> None:
        self._keep(group(self._target, row))
        holder = group_principal(self._target, row["GroupName"])
        for policy in row.get("GroupPolicyList") or ():
            self._keep(inline(self._target, holder, policy["PolicyName"], policy["PolicyDocument"]))
        self._attached += ((holder, policy["PolicyArn"]) for policy in row.get("AttachedManagedPolicies") or ())

    def _policy(self, row: Row) -> None:
        self.own[row["PolicyName"]] = row["Arn"]
        for version in row.get("PolicyVersionList") or ():
            if version.get("IsDefaultVersion") and version.get("Document") is not None:
                self._strengths[row["Arn"]] = documents.strength(version["Document"])

    def _strength(self, arn: str) -> str:
        known = self._strengths.get(arn)
        return known if known is not None else documents.strength_of_name(arn.rpartition("/")[2])

    def _role_grants(self) -> None:
        trusted: dict[tuple[str, Principal], list[str]] = {}
        for role, document in self._trust:
            for name in documents.trusted(document):
                if names.names_user(name) or name in self._logins:
                    who = trusted_person(self._target, self._account, name, self._logins)
                    trusted.setdefault((role, who), []).append(name)
        strengths = {row["RoleName"]: strength_facts(self._strength_of_role(row)) for row in self._roles}
        for role, who in sorted({*self._assume, *trusted}):
            found = role_grant(
                self._target,
                self._account,
                role,
                who,
                self._assume.get((role, who)),
                trusted.get((role, who), ()),
                strengths.get(role),
            )
            if found is not None:
                self._keep(found)

    def _strong_ones(self) -> None:
        """Own policies and roles that give more than the ordinary, or take: also those that nobody holds yet."""
        strengths = {names.POLICY + name: self._strength(arn) for name, arn in self.own.items()}
        strengths |= {names.ROLE + row["RoleName"]: self._strength_of_role(row) for row in self._roles}
        for thing, strength in strengths.items():
            if strength != "ordinary":
                address = Address(self._target, Kind.CONTROL, thing)
                self._keep(Resource(address, ways=(_INERT,), facts=strength_facts(strength)))

    def _strength_of_role(self, row: Row) -> str:
        found = [self._strength(p["PolicyArn"]) for p in row.get("AttachedManagedPolicies") or ()]
        found += [documents.strength(p["PolicyDocument"]) for p in row.get("RolePolicyList") or ()]
        for strength in ("admin", "elevated"):
            if strength in found:
                return strength
        return "ordinary"
