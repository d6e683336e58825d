"""The embedded AWS: IAM and STS over HTTP on loopback, for `provision demo`, `provision sandbox` and the tests.

moto's backends hold the state and moto's server does the ordinary answers; in front of them stands a strict layer
(`strict.py` and its neighbours) that adds what AWS has and moto lacks: pages, what blocks a delete, limits and
names, service-specific credentials, honest keys and signatures, trust between accounts, throttling.

Accounts: a key belongs to the account that made it, and a call acts in the account of its key. Unknown keys are
refused (moto alone would let them act in its default account, 123456789012). `exports()` gives the keys of a session
of the role `sandbox-operator`, an administrator; other accounts are made with `create_account` and reached with
AssumeRole, as in life. Only the partition `aws` exists.

moto's backends are global to a Python process: starting a server empties them, and two servers running in one process
would share accounts and users. It refuses to know what a test expects, and anything of providers, model and contract.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any, Self
from urllib.parse import parse_qs

from provisioner.sandbox.aws import answers
from provisioner.sandbox.aws.world import Caller, Fault, Refused, World, extra
from provisioner.sandbox.wire import Answer, HangUp, Listening

OPERATOR = "sandbox-operator"
REGION = "us-east-1"
_TEN_YEARS = 10 * 365 * 24 * 3600
_READS = ("Get", "List", "Generate", "Simulate", "AssumeRole", "Decode")
_UNSIGNED = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")
MEMBER_ROLES: Mapping[str, tuple[str, ...]] = {
    "provision-read": ("IAMReadOnlyAccess",),
    "provision-write": ("IAMFullAccess",),
}


class AwsServer(World, Listening):
    """One emulated AWS. Start it with `start()` or as a context manager; the switches are those of `World`."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, hub_account: str = "000000000000") -> None:
        """`port` 0 takes a free one. `hub_account` (12 digits) is where `exports()` acts, and what members trust."""
        super().__init__()
        if len(hub_account) != 12 or not hub_account.isdigit():
            raise ValueError(f"an AWS account id has 12 digits: {hub_account!r}")
        self.hub_account = hub_account
        self._address = (host, port)
        self._session: Any = None
        self._other_services: Any = None

    # Life

    def start(self, *, keep: bool = False) -> Self:
        """Empty moto's backends, make the hub account, and serve from a thread of this process (about a second).

        `keep`: serve what a stopped server held, its accounts, keys and switches; on another port where 0 was asked.
        """
        self._refuse_a_second_start()
        if not keep:
            self.clear()
        self._listen("aws", self._serve)
        return self

    def clear(self) -> None:
        """As new, without a new start: no accounts but an empty hub, no faults, every switch off, no calls counted.

        Keys and sessions given before are unknown afterwards.
        """
        from moto.core.base_backend import BackendDict

        with self.lock:
            BackendDict.reset()
            self.forget()
            self._operator(self.hub_account)

    # Accounts and clients

    def exports(self, account: str | None = None) -> dict[str, str]:
        """Environment variables for any AWS client: endpoint, region, and keys of an administrator of the account.

        Without an account it is the hub. They are a role's session keys, so the session token belongs to them, and
        roles that they assume are chained (one hour at most), like those of a CI job.
        """
        with self.lock:
            session = self._operator(account or self.hub_account)
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
            "AWS_SESSION_TOKEN": session.session_token,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, account: str | None = None, **credentials: str) -> Any:
        """A boto3 client of the server, as an administrator of the account or with the given `aws_...` credentials."""
        import boto3
        from botocore.config import Config

        if not credentials:
            names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
            exports = self.exports(account)
            credentials = {name.lower(): exports[name] for name in names}
        config = Config(retries={"mode": "standard", "total_max_attempts": 1})
        with self.lock:  # a boto3 session is not safe to share, but costs a tenth of a second to make
            self._session = self._session or boto3.session.Session()
            make: Any = self._session.client  # its stubs want a literal service name
            return make(service, endpoint_url=self.url, region_name=REGION, config=config, **credentials)

    def create_account(
        self, account_id: str, roles: Mapping[str, Iterable[str]] | Iterable[str] = MEMBER_ROLES
    ) -> None:
        """Make an account with roles that trust the hub account.

        `roles` maps names to policies (AWS's own by name, or ARNs); plain names get AdministratorAccess. The default
        is one that may read IAM and one that may write it. An account that is there keeps what it has.
        """
        if len(account_id) != 12 or not account_id.isdigit():
            raise ValueError(f"an AWS account id has 12 digits: {account_id!r}")
        given = roles if isinstance(roles, Mapping) else dict.fromkeys(roles, ("AdministratorAccess",))
        with self.lock:
            for name, policies in given.items():
                self._role(account_id, name, policies)
            self.changed(account_id)

    def _role(self, account: str, name: str, policies: Iterable[str]) -> Any:
        from provisioner.sandbox.aws.iam import need_policy
        from provisioner.sandbox.aws.strict import backend_of

        backend = backend_of(account)
        found = next((role for role in backend.get_roles() if role.name == name), None)
        if found is not None:
            return found
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.hub_account}:root"}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]})
        role = backend.create_role(name, document, "/", None, "", [], "43200")
        for policy in policies:
            arn = policy if policy.startswith("arn:") else f"arn:aws:iam::aws:policy/{policy}"
            need_policy(backend, arn).attach_to(role)
        return role

    def _operator(self, account: str) -> Any:
        from provisioner.sandbox.aws.sts import open_session

        return open_session(self, self._role(account, OPERATOR, ("AdministratorAccess",)), "sandbox", _TEN_YEARS)

    def backend(self, account: str | None = None) -> Any:
        """moto's IAM backend, to seed thousands of users quickly. Call `changed(account)` after writing to it."""
        from provisioner.sandbox.aws.strict import backend_of

        return backend_of(account or self.hub_account)

    def truth(self, account: str | None = None) -> dict[str, dict[str, dict[str, Any]]]:
        """What the account really holds, from the backend itself and not through any answer.

        `{"users": {name: {...}}, "groups": {name: {"policies", "attached", "inline", "members"}}}`; see the source for
        the keys of a user. Secrets are not in it.
        """
        with self.lock:
            backend = self.backend(account)
            users = {name: _truth_of_user(backend, user) for name, user in backend.users.items()}
            groups = {
                name: {
                    "attached": sorted(group.managed_policies),
                    "inline": dict(group.policies),
                    "policies": sorted([*group.managed_policies, *group.policies]),
                    "members": sorted(user.name for user in group.users),
                }
                for name, group in backend.groups.items()
            }
        return {"users": users, "groups": groups}

    # Behaviour

    def enforce(self, on: bool = True) -> None:
        """Evaluate policies from now on (or stop it). The operator of `exports()` is an administrator and may all."""
        self.enforcing = on

    def throttle(self, action: str | None = None, times: int | None = 1, *, account: str | None = None) -> None:
        """The next `times` calls (of the action) get 400 Throttling."""
        self.fail(action, "Throttling", 400, times, message="Rate exceeded", account=account)

    def fail(
        self,
        action: str | None = None,
        code: str | None = "ServiceFailure",
        status: int = 500,
        times: int | None = 1,
        *,
        message: str = "Injected by the sandbox.",
        account: str | None = None,
        after: int = 0,
        lost: bool = False,
    ) -> None:
        """The next `times` calls (None: all) of `action` ("CreateUser", "iam.CreateUser", None: any) go wrong.

        `code` None closes the connection without an answer. `after` lets that many calls pass first. `lost` carries
        the call out and only then spoils the answer. Earlier faults come first; `heal()` ends them all.
        """
        with self.lock:
            self.faults.append(Fault(action, account, code, message, status, times, after, lost))

    def heal(self) -> None:
        """No more faults, throttling, lag, delay or downtime."""
        with self.lock:
            self.faults.clear()
        self.down, self.lag, self.delay = False, 0.0, 0.0

    def expire_sessions(self) -> None:
        """End every assumed role's session now; the operator's stay."""
        from provisioner.sandbox.aws.world import now

        with self.lock:
            for session in self.sessions.values():
                if not session.role_arn.endswith(f"/{OPERATOR}"):
                    session.expiration = now()

    def reset_calls(self) -> None:
        """Forget the counted `calls`."""
        with self.lock:
            self.calls.clear()

    # Wire

    def _serve(self, environ: dict[str, Any], body: bytes) -> Answer:
        from provisioner.sandbox.aws.strict import WireRequest, check_signature, find_caller

        if self.down:
            raise HangUp
        if self.delay:
            time.sleep(self.delay)
        environ["wsgi.input"], environ["wsgi.errors"] = io.BytesIO(body), sys.stderr
        fields = parse_qs(body.decode("utf-8", "replace"))
        action = fields.get("Action", [""])[0]
        scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition(",")[0].split("/")
        service = "sts" if action in _UNSIGNED else scope[3] if len(scope) == 5 else ""
        with self.lock:
            if service not in ("iam", "sts"):
                return self._elsewhere(environ)
            try:
                if action in _UNSIGNED:
                    caller, request = self._nobody(fields), WireRequest(environ)
                else:
                    caller, credentials = find_caller(self, scope[0])
                    request = WireRequest(environ)
                    check_signature(request, body, credentials)
                return self._answer(service, action, request, caller)
            except Refused as refused:
                return answers.error(service, refused)

    def _elsewhere(self, environ: dict[str, Any]) -> Answer:
        """Other services are plain moto."""
        from werkzeug.test import run_wsgi_app

        if self._other_services is None:
            from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

            self._other_services = DomainDispatcherApplication(create_backend_app)
        parts, status, headers = run_wsgi_app(self._other_services, environ, buffered=True)
        return int(status.split()[0]), list(headers.items()), b"".join(parts)

    def _nobody(self, fields: dict[str, list[str]]) -> Caller:
        """Who asks with a token of elsewhere: nobody of AWS, in the account of the role that is wanted."""
        from provisioner.sandbox.aws.sts import find_role

        role = find_role(fields.get("RoleArn", [""])[0])
        return Caller(role.account_id if role is not None else self.hub_account, "", "")

    def _answer(self, service: str, action: str, request: Any, caller: Caller) -> Answer:
        call = f"{service}.{action}"
        self.calls[caller.account, call] += 1
        fault = next((one for one in self.faults if one.takes(caller.account, call)), None)
        if fault is None:
            return self._perform(service, action, request, caller)
        if fault.lost:
            self._perform(service, action, request, caller)
        if fault.code is None:
            raise HangUp
        raise Refused(fault.code, fault.message, fault.status)

    def _perform(self, service: str, action: str, request: Any, caller: Caller) -> Answer:
        from provisioner.sandbox.aws.iam import StrictIam
        from provisioner.sandbox.aws.sts import StrictSts

        answer: Answer = (StrictIam if service == "iam" else StrictSts)(self, caller).answer(request)
        if not action.startswith(_READS):
            self.changed(caller.account)
        return answer


def _truth_of_user(backend: Any, user: Any) -> dict[str, Any]:
    return {
        "id": user.id,
        "path": user.path,
        "groups": sorted(group.name for group in backend.groups.values() if user in group.users),
        "attached": sorted(user.managed_policies),
        "inline": dict(user.policies),
        "boundary": (getattr(user, "permissions_boundary", None) or {}).get("PermissionsBoundaryArn"),
        "keys": {key.access_key_id: key.status for key in user.access_keys},
        "password": bool(user.password),
        "mfa": sorted(user.mfa_devices),
        "ssh": {key.ssh_public_key_id: key.status for key in user.ssh_public_keys},
        "certs": {one.id: one.status for one in user.signing_certificates.values()},
        "services": {one["ServiceSpecificCredentialId"]: one["Status"] for one in extra(user).services},
        "tags": dict(backend.tagger.get_tag_dict_for_resource(user.arn)),
    }
