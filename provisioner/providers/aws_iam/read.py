"""Reads one AWS account: in bulk, one person's credentials, or single addresses. Stands on clients that cannot write.

A bulk read is GetAccountAuthorizationDetails alone: it has everything but credentials, which no list of AWS has for all
users together with their ids. Those are read for the logins that a scope names (leavers, mostly). Nothing here takes a
list that broke off, a refusal or a report of an hour ago for "nothing there".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from provisioner.contract import Me, ProviderError, Reading, Trouble
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.identity import is_keyless
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.providers.aws_iam import convert, documents, keys, names, trust
from provisioner.providers.aws_iam.calls import ReadCalls
from provisioner.providers.aws_iam.connect import PARALLEL, Clients
from provisioner.providers.aws_iam.identify import Identified
from provisioner.providers.aws_iam.issuers import ISSUER_FIX, issuer_missing
from provisioner.providers.aws_iam.report import CredentialReport, Rows, keys_that_work

REPORT_WORTH = 50
"""From so many logins on, a credential report may spare calls."""
_BULK = (Kind.ACCOUNT, Kind.GROUP, Kind.MEMBERSHIP, Kind.GRANT, Kind.CONTROL)
_FATAL = (Trouble.CREDENTIAL, Trouble.UNREACHABLE)


@dataclass(frozen=True)
class _Job:
    """One point read: the addresses that it settles, and the resources that it finds."""

    settles: tuple[Address, ...]
    run: Callable[[], Iterable[Resource]]


class AwsReader:
    """The account of `target`."""

    def __init__(self, target: Target, account: str, clients: Clients, identified: Identified) -> None:
        self._target = target
        self._name = target.name
        self._account = account
        self._calls = ReadCalls(clients)
        self._identified = identified
        self._own: dict[str, str] | None = None
        self._lock = threading.Lock()

    def system(self) -> str:
        return self._identified.check(self._calls)

    def me(self) -> Me:
        self.system()
        return self._identified.me(self._calls, self._name)

    def close(self) -> None:
        """Nothing is held open that would outlive the process."""

    # In bulk

    def read(self, want: frozenset[Scope]) -> Reading:
        self.system()
        sent = self._calls.sent
        found: dict[Address, Resource] = {}
        scopes: list[ScopeCoverage] = []
        warnings: tuple[Diagnostic, ...] = ()
        if any(scope.kind in _BULK for scope in want):
            report = self._begin_report() if keys.are_asked_for(self._target) else None
            roles = frozenset(s.of for s in want if s.kind is Kind.ACCOUNT and s.of is not None and is_keyless(s.of))
            state, verdict, proof = self._details(roles)
            found.update(state.resources)
            scopes += [ScopeCoverage(Scope(kind), verdict, proof) for kind in _BULK]
            warnings = self._issuers() if roles else ()
            if report is not None:
                warnings += self._note_keys(report, found)
        logins = sorted(s.of for s in want if s.kind is Kind.CREDENTIAL and s.of is not None)
        for resources, coverage in self._credentials_of(logins):
            found.update((r.address, r) for r in resources)
            scopes.append(coverage)
        return Reading(
            State.from_mapping(found),
            Coverage(scopes),
            self._calls.server_time,
            calls=self._calls.sent - sent,
            warnings=warnings,
        )

    def _begin_report(self) -> CredentialReport | ProviderError:
        """Before anything else, since AWS takes a while over it."""
        try:
            return CredentialReport(self._calls)
        except ProviderError as error:
            if error.trouble in _FATAL:
                raise
            return error

    def _note_keys(
        self, report: CredentialReport | ProviderError, found: dict[Address, Resource]
    ) -> tuple[Diagnostic, ...]:
        """Puts on each account which keys of it work. A report of some hours ago will do for telling."""
        try:
            if isinstance(report, ProviderError):
                raise report
            rows, made = report.rows()
        except ProviderError as error:
            if error.trouble in _FATAL:
                raise
            return (keys.unread(self._target, str(error)),)
        for login, row in rows.items():
            address = Address(self._name, Kind.ACCOUNT, login)
            working, account = keys_that_work(row), found.get(address)
            if working and account is not None and account.facts is not None:
                more = {**account.facts.more, **keys.noted(working, made)}
                found[address] = replace(account, facts=replace(account.facts, more=more))
        return ()

    def _issuers(self) -> tuple[Diagnostic, ...]:
        """What stands in the way of pipelines that take on roles here: the account must know who signs their tokens."""
        why = issuer_missing(self._calls, self._identified, trust.GITHUB)
        if why is None:
            return ()
        return (
            Diagnostic(
                "aws-oidc-provider",
                f"account {self._account} takes no token of GitHub Actions: {why}",
                severity=Severity.WARNING,
                why="a role can trust an issuer only where the account has an OIDC provider for it; it is the whole "
                "account's, so that it is not made here, and until it is there no role is made to trust it",
                fix=ISSUER_FIX.format(issuer=trust.GITHUB, audience=trust.AUDIENCE),
                target=self._name,
            ),
        )

    def _details(self, roles: Collection[str] = ()) -> tuple[State, Verdict, str]:
        details = convert.Details(self._name, self._account, roles)
        pages = 0
        try:
            for page in self._calls.details():
                details.add(page)
                pages += 1
        except ValueError as error:
            told = f"{error}: one page may have come in the place of another"
            return details.state(), Verdict.PARTIAL, told
        except ProviderError as error:
            if not pages and error.trouble is not Trouble.DENIED:
                raise
            verdict = Verdict.PARTIAL if pages else Verdict.DENIED
            return details.state(), verdict, f"broke off after {pages} pages: {error}"
        self._own = details.own
        counted = ", ".join(f"{number} {label}" for label, number in details.counts.items())
        return details.state(), Verdict.COMPLETE, f"IsTruncated false after {pages} pages: {counted}"

    # Credentials

    def _credentials_of(self, logins: list[str]) -> Iterator[tuple[list[Resource], ScopeCoverage]]:
        if not logins:
            return iter(())
        rows = self._fresh_report() if len(logins) >= REPORT_WORTH else {}
        return self._side_by_side(logins, lambda login: self._credentials(login, rows.get(login)))

    def _side_by_side(self, items: list[Any], one: Callable[[Any], Any]) -> Iterator[Any]:
        if len(items) <= 1:
            return iter([one(item) for item in items])
        with ThreadPoolExecutor(min(PARALLEL, len(items))) as pool:
            return iter(list(pool.map(one, items)))

    def _credentials(self, login: str, row: Mapping[str, str] | None) -> tuple[list[Resource], ScopeCoverage]:
        """All credentials of one user. `row`, of a report made since this read began, spares the lists that it shows to
        hold nothing that works; it knows nothing of SSH keys and service-specific credentials."""
        calls, scope = self._calls, Scope(Kind.CREDENTIAL, login)
        if is_keyless(login):
            return [], ScopeCoverage(scope, Verdict.COMPLETE, "a role has no credentials")

        def asked(*columns: str) -> bool:
            return row is None or any(row.get(column) != "false" for column in columns)

        try:
            # Asked first: it answers NoSuchEntity where there is no such user, and so has no credentials.
            services = calls.service_credentials(login)
            found = convert.credentials(
                self._name,
                login,
                services=services,
                ssh_keys=calls.ssh_keys(login),
                keys=calls.keys(login) if asked("access_key_1_active", "access_key_2_active") else (),
                password=asked("password_enabled") and calls.has_password(login),
                mfa=calls.mfa_devices(login) if asked("mfa_active") else (),
                certificates=calls.certificates(login) if asked("cert_1_active", "cert_2_active") else (),
            )
            resources = list(found)
        except ProviderError as error:
            if error.trouble is Trouble.GONE:
                return [], ScopeCoverage(scope, Verdict.COMPLETE, "no such user")
            verdict = Verdict.DENIED if error.trouble is Trouble.DENIED else Verdict.PARTIAL
            return [], ScopeCoverage(scope, verdict, str(error))
        proof = "each list of credentials read to its end" + ("" if row is None else ", or a report made just now")
        return resources, ScopeCoverage(scope, Verdict.COMPLETE, proof)

    def _fresh_report(self) -> Rows:
        """The credential report by login, if AWS makes a new one now; empty where it keeps to one made before."""
        began = self._calls.server_time
        try:
            rows, made = CredentialReport(self._calls).rows()
        except ProviderError as error:
            if error.trouble in _FATAL:
                raise
            return {}
        if began is None or made < began:
            return {}
        return rows

    # Point reads

    def look(self, these: Collection[Address]) -> Reading:
        self.system()
        sent = self._calls.sent
        found: dict[Address, Resource] = {}
        settled: set[Address] = set()
        failed: list[ScopeCoverage] = []
        for job, resources, error in self._side_by_side(list(self._jobs(these)), self._run):
            if error is None:
                settled.update(job.settles)
                # An account may be asked for as a service's; everything else of the address is the same.
                at = {_as_read(address): address for address in job.settles}
                for resource in resources:
                    if resource.address in at:
                        asked = at[resource.address]
                        found[asked] = resource if asked == resource.address else replace(resource, address=asked)
            else:
                verdict = Verdict.DENIED if error.trouble is Trouble.DENIED else Verdict.PARTIAL
                failed += [ScopeCoverage(Scope(a.kind, a.object), verdict, str(error)) for a in job.settles]
        return Reading(
            State.from_mapping(found),
            Coverage(failed),
            self._calls.server_time,
            looked=frozenset(settled),
            calls=self._calls.sent - sent,
        )

    def _run(self, job: _Job) -> tuple[_Job, list[Resource], ProviderError | None]:
        try:
            return job, list(job.run()), None
        except ProviderError as error:
            if error.trouble is Trouble.GONE:  # what it would hang on is not there
                return job, [], None
            if error.trouble in _FATAL:
                raise
            return job, [], error

    def _jobs(self, these: Collection[Address]) -> Iterator[_Job]:
        """The least number of reads that settles all: one for all memberships of a holder, and so on."""
        by_list: dict[tuple[str, Principal], list[Address]] = {}
        for address in these:
            who, thing = address.principal, address.object
            if address.kind is Kind.ACCOUNT:
                yield _Job((address,), partial(self._look_account, thing))
            elif address.kind is Kind.GROUP:
                yield _Job((address,), partial(self._look_group, thing))
            elif who is None:
                continue
            elif address.kind is Kind.GRANT and thing.startswith(names.ROLE):
                yield _Job((address,), partial(self._look_role, thing.removeprefix(names.ROLE), who))
            elif address.kind is Kind.MEMBERSHIP:
                by_list.setdefault(("memberships", who), []).append(address)
            elif address.kind is Kind.GRANT:
                label = "inline" if thing.startswith(names.INLINE) else "attached"
                by_list.setdefault((label, who), []).append(address)
            elif address.kind is Kind.CONTROL and thing == names.TRUST and names.role_of(who.id) is not None:
                yield _Job((address,), partial(self._look_trust, names.role_of(who.id) or ""))
            elif address.kind is Kind.CREDENTIAL:
                by_list.setdefault(("credentials", who), []).append(address)
        looks: dict[str, Callable[[Principal], list[Resource]]] = {
            "memberships": self._look_memberships,
            "attached": self._look_attached,
            "inline": self._look_inline,
            "credentials": self._look_credentials,
        }
        for (label, who), addresses in by_list.items():
            yield _Job(tuple(addresses), partial(looks[label], who))

    def _look_account(self, login: str) -> list[Resource]:
        role = names.role_of(login)
        if role is not None:
            denied = self._is_denied(login)
            return [convert.role_account(self._name, self._calls.role(role), denied=denied)]
        row = self._calls.user(login)
        return [convert.account(self._name, row, denied=self._is_denied(row["UserName"]))]

    def _look_group(self, name: str) -> list[Resource]:
        return [convert.group(self._name, self._calls.group(name))]

    def _is_denied(self, login: str) -> bool:
        document = self._document(login, names.DENY_POLICY)
        return document is not None and documents.is_deny_all(document)

    def _look_trust(self, role: str) -> list[Resource]:
        found = convert.trust_of(self._name, self._account, self._calls.role(role))
        return [] if found is None else [found]

    def _document(self, login: str, policy: str) -> documents.Document | None:
        role = names.role_of(login)
        try:
            if role is not None:
                return self._calls.role_policy(role, policy)
            return self._calls.user_policy(login, policy)
        except ProviderError as error:
            if error.trouble is Trouble.GONE:
                return None
            raise

    def _look_memberships(self, who: Principal) -> list[Resource]:
        if names.role_of(who.id) is not None:
            return []  # IAM has no groups of roles
        return [convert.membership(self._name, group, _person(who)) for group in self._calls.groups_of(who.id)]

    def _look_attached(self, who: Principal) -> list[Resource]:
        role = names.role_of(who.id)
        if who.kind is PrincipalKind.GROUP:
            arns = self._calls.attached_to_group(who.id)
        else:
            arns = self._calls.attached_to_user(who.id) if role is None else self._calls.attached_to_role(role)
        own = self._own_policies() if arns else {}
        return [convert.attached(self._name, _person(who), arn, own) for arn in arns]

    def _own_policies(self) -> dict[str, str]:
        with self._lock:
            if self._own is None:
                self._own = self._calls.own_policies()
            return self._own

    def _look_inline(self, who: Principal) -> list[Resource]:
        if who.kind is PrincipalKind.GROUP:
            return [convert.inline(self._name, who, policy) for policy in self._calls.inline_of_group(who.id)]
        role = names.role_of(who.id)
        policies = self._calls.inline_of_user(who.id) if role is None else self._calls.inline_of_role(role)
        if names.DENY_POLICY in policies and self._is_denied(who.id):
            policies.remove(names.DENY_POLICY)
        return [convert.inline(self._name, _person(who), policy) for policy in policies]

    def _look_role(self, role: str, who: Principal) -> list[Resource]:
        trusted: list[str] = []
        try:
            trusting = self._calls.role(role)["AssumeRolePolicyDocument"]
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                raise
        else:
            trusted = self._named_as(who, trusting)
        policy = None
        if who.kind is not PrincipalKind.UNKNOWN:
            policy = self._document(who.id, names.ASSUME_PREFIX + role)
        found = convert.role_grant(self._name, self._account, role, _person(who), policy, trusted)
        return [] if found is None else [found]

    def _named_as(self, who: Principal, policy: documents.Document) -> list[str]:
        """Under which names a trust policy has `who`. Their unique id is only asked for where one might be meant."""
        listed = list(documents.trusted(policy))
        if who.kind is PrincipalKind.UNKNOWN:
            return [name for name in listed if name == who.id]
        if is_keyless(who.id):
            return []  # only users are looked for in trust policies
        logins: dict[str, str] = {}
        if any(names.user_of(name) is None and not name.startswith("arn:") and name != "*" for name in listed):
            try:
                logins = {self._calls.user(who.id)["UserId"]: who.id}
            except ProviderError as error:
                if error.trouble is not Trouble.GONE:
                    raise
        named = (name for name in listed if names.names_user(name) or name in logins)
        return [n for n in named if convert.trusted_person(self._name, self._account, n, logins) == _person(who)]

    def _look_credentials(self, who: Principal) -> list[Resource]:
        resources, coverage = self._credentials(who.id, None)
        if coverage.verdict is not Verdict.COMPLETE:
            trouble = Trouble.DENIED if coverage.verdict is Verdict.DENIED else Trouble.PARTIAL
            raise ProviderError(trouble, coverage.proof, call="iam:credentials")
        return resources


def _person(who: Principal) -> Principal:
    """A holder as readers name them: every account is a person's until somebody declares it a service's."""
    return who._replace(kind=PrincipalKind.PERSON) if who.kind is PrincipalKind.SERVICE else who


def _as_read(address: Address) -> Address:
    return address if address.principal is None else address._replace(principal=_person(address.principal))
