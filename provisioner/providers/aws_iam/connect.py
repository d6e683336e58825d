"""Opens an AWS account: whose credentials, which role, which endpoint; and a client that cannot write, for readers.

Credentials come from the SDK's own chain. Where the environment handed in is not this process's own (a pull request
judged by its base, a test), a chain over just that environment is made, so that nothing else is picked up.
This file, `calls.py` and `limits.py` are the only ones that import the SDK.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    AssumeRoleWithWebIdentityCredentialFetcher,
    ContainerProvider,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
    EnvProvider,
)
from botocore.exceptions import BotoCoreError
from botocore.hooks import HierarchicalEmitter
from botocore.session import Session
from botocore.utils import FileWebIdentityTokenLoader, parse_timestamp

from provisioner import __version__
from provisioner.contract import ProviderError, Trouble
from provisioner.providers.aws_iam.limits import limited
from provisioner.providers.aws_iam.settings import Settings

PARALLEL = 8
"""Calls in hand at a time for one account; IAM answers `Throttling` soon after."""
_CONNECT_TIMEOUT, _READ_TIMEOUT = 5, 30
_WRITE_TIMEOUT = 10
_READ_ATTEMPTS = 8
_READS = ("Get", "List", "GenerateCredentialReport", "Simulate")


class Counter:
    """How many requests were sent, retries too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.sent = 0

    def __call__(self, **_: Any) -> None:
        with self._lock:
            self.sent += 1


@dataclass(frozen=True, slots=True)
class Clients:
    """`base` asks who we are before a role is assumed; None where none is, or where it could not be an IAM user."""

    iam: Any
    sts: Any
    base: Any
    role: str | None
    counter: Counter = field(default_factory=Counter)
    more: Callable[..., Any] | None = None
    """A client of another service in the same session (`more("secretsmanager")`), or with other credentials."""


class Base:
    """The credentials that everything starts from, shared by all accounts opened with one environment."""

    def __init__(self, environ: Mapping[str, str], loader: Any = None) -> None:
        """`loader` has the SDK's models, which are slow to read, from another base."""
        self.environ = {k: v for k, v in environ.items() if k.startswith("AWS_")}
        self._own_process = self.environ == {k: v for k, v in os.environ.items() if k.startswith("AWS_")}
        # The SDK's own handlers, registered once: with thirty accounts that is half of what opening them takes.
        self.hooks = HierarchicalEmitter()
        self.session = Session(event_hooks=self.hooks) if self._own_process else _isolated(self.environ, self.hooks)
        _date_quickly(self.session)
        if loader is not None:
            self.session.register_component("data_loader", loader)
        self.loader = self.session.get_component("data_loader")
        # What GetCallerIdentity said of these credentials: the same for every account.
        self.caller: str | None = None

    def region(self, settings: Settings) -> str:
        named = settings.region or self.environ.get("AWS_REGION") or self.environ.get("AWS_DEFAULT_REGION")
        return named or self.session.get_config_variable("region") or "us-east-1"

    def attempts(self) -> int:
        """The SDK's own variable wins, as people expect of it."""
        text = self.environ.get("AWS_MAX_ATTEMPTS", "")
        return int(text) if text.isdigit() and int(text) > 0 else _READ_ATTEMPTS

    def config(self, *, attempts: int, read_timeout: int = _READ_TIMEOUT) -> Config:
        options: dict[str, Any] = {
            "retries": {"mode": "standard", "total_max_attempts": attempts},
            "connect_timeout": _CONNECT_TIMEOUT,
            "read_timeout": read_timeout,
            "max_pool_connections": PARALLEL,
            "user_agent_extra": f"provision/{__version__}",
        }
        if not self._own_process:
            options["ignore_configured_endpoint_urls"] = True
        return Config(**options)

    def endpoint(self, service: str) -> str | None:
        """None leaves it to the SDK, which reads variables and profile itself."""
        if self._own_process:
            return None
        return self.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or self.environ.get("AWS_ENDPOINT_URL")


def open_account(settings: Settings, purpose: str, base: Base) -> Clients:
    """Clients for reading (`plan`) or writing (`apply`). Makes no call yet.

    Raises ProviderError (credential) where the SDK's configuration cannot be read.
    """
    try:
        return _open(settings, purpose, base)
    except (BotoCoreError, ValueError) as error:
        raise ProviderError(Trouble.CREDENTIAL, f"AWS client settings: {error}", call="settings") from error


def _open(settings: Settings, purpose: str, base: Base) -> Clients:
    reading = purpose == "plan"
    region = base.region(settings)
    # A write is not sent again by the SDK: whether that is safe, and whether there is time, the engine knows.
    config = base.config(attempts=base.attempts()) if reading else base.config(attempts=1, read_timeout=_WRITE_TIMEOUT)
    patient = base.config(attempts=base.attempts())
    counter = Counter()

    def make(session: Session, service: str, with_config: Config, **credentials: Any) -> Any:
        made = session.create_client(
            service, region_name=region, endpoint_url=base.endpoint(service), config=with_config, **credentials
        )
        made.meta.events.register("before-send", counter)
        return made

    role = settings.role_for(purpose)
    session, before = base.session, None
    if role is not None:

        def assuming(service: str, **credentials: Any) -> Any:
            return make(base.session, service, patient, **credentials)

        session = _in_role(base, role, f"provision-{purpose}", assuming)
        if _may_be_user(base.session):
            before = make(base.session, "sts", patient)
    iam, sts = make(session, "iam", config), make(session, "sts", patient)
    if not reading:
        limited(iam, _CONNECT_TIMEOUT, _WRITE_TIMEOUT)
    if reading:
        for client in (iam, sts):
            client.meta.events.register("before-call", _refuse_writes)
    return Clients(iam, sts, before, role, counter, _more(make, base, session, config, reading=reading))


def open_sts(settings: Settings, base: Base) -> Any:
    """A client of STS with the first credentials themselves, in no role: what sessions of other roles are asked for
    with. Nothing of it is sent twice by the SDK.

    Raises ProviderError (credential) where the SDK's configuration cannot be read.
    """
    config = base.config(attempts=1, read_timeout=_WRITE_TIMEOUT)
    try:
        made = base.session.create_client(
            "sts", region_name=base.region(settings), endpoint_url=base.endpoint("sts"), config=config
        )
    except (BotoCoreError, ValueError) as error:
        raise ProviderError(Trouble.CREDENTIAL, f"AWS client settings: {error}", call="settings") from error
    return limited(made, _CONNECT_TIMEOUT, _WRITE_TIMEOUT)


_Make = Callable[..., Any]


def _more(make: _Make, base: Base, session: Session, config: Config, *, reading: bool) -> _Make:
    """Clients beside IAM and STS. With credentials of their own they stand on nothing of ours."""

    def more(service: str, **credentials: Any) -> Any:
        made = make(base.session if credentials else session, service, config, **credentials)
        if reading:
            made.meta.events.register("before-call", _refuse_writes)
        else:
            limited(made, _CONNECT_TIMEOUT, _WRITE_TIMEOUT)
        return made

    return more


def _refuse_writes(model: Any, **_: Any) -> None:
    """A reader's clients stop here, before anything is sent."""
    if not model.name.startswith(_READS):
        raise ProviderError(
            Trouble.DENIED,
            f"a reader may not call {model.name}",
            call=f"{model.service_model.endpoint_prefix}:{model.name}",
        )


def _date_quickly(session: Session) -> None:
    """Half of what the SDK takes to read a page of 1,000 users is dateutil's guess at how their dates are written."""
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_dated)


def _dated(value: Any) -> datetime:
    """As IAM and STS write times (`2026-11-22T09:00:00Z`); anything else as the SDK itself reads it."""
    if isinstance(value, str) and value.endswith("Z"):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    return parse_timestamp(value)


class _Given(CredentialProvider):
    """Hands a session credentials that were made elsewhere."""

    METHOD = "provision"
    CANONICAL_NAME = "provision"

    def __init__(self, make: Callable[[], Any]) -> None:
        super().__init__()
        self._make = make

    def load(self) -> Any:
        return self._make()


def _in_role(base: Base, role: str, name: str, client: Callable[..., Any]) -> Session:
    """A session that assumes `role` when it first needs to, and again before the hour of a chained role is over."""
    source = base.session.get_credentials()
    if source is None:
        raise no_credentials()
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=client, source_credentials=source, role_arn=role, extra_args={"RoleSessionName": name}
    )
    session = Session(event_hooks=base.hooks, include_builtin_handlers=False)
    session.register_component("data_loader", base.loader)
    _date_quickly(session)
    deferred = DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)
    session.register_component("credential_provider", CredentialResolver([_Given(lambda: deferred)]))
    return session


def _may_be_user(session: Session) -> bool:
    """Long-term keys are those of a user; all others belong to a role or a federated caller, or cannot be told."""
    credentials = session.get_credentials()
    if credentials is None or credentials.method in ("assume-role", "assume-role-with-web-identity", "iam-role"):
        return False
    return str(credentials.get_frozen_credentials().access_key).startswith("AKIA")


def no_credentials() -> ProviderError:
    return ProviderError(
        Trouble.CREDENTIAL,
        "no AWS credentials: set AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or in CI AWS_ROLE_ARN and "
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        call="settings",
    )


def _isolated(environ: Mapping[str, str], hooks: HierarchicalEmitter) -> Session:
    """A session that knows the variables of `environ` and nothing of this process's own."""
    profile = environ.get("AWS_PROFILE")
    session = Session(profile=profile, event_hooks=hooks)
    for variable, name in (("config_file", "AWS_CONFIG_FILE"), ("credentials_file", "AWS_SHARED_CREDENTIALS_FILE")):
        if name in environ:
            session.set_config_variable(variable, environ[name])
    if "AWS_CA_BUNDLE" in environ:
        session.set_config_variable("ca_bundle", environ["AWS_CA_BUNDLE"])
    if profile:
        return session  # a named profile beats variables, and its chain reads files alone
    providers: list[Any] = [EnvProvider(environ=dict(environ))]
    token, role = environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"), environ.get("AWS_ROLE_ARN")
    if token and role:
        providers.append(_Given(lambda: _web_identity(session, environ, token, role)))
    providers.append(ContainerProvider(environ=dict(environ)))
    session.register_component("credential_provider", CredentialResolver(providers))
    return session


def _web_identity(session: Session, environ: Mapping[str, str], token: str, role: str) -> Any:
    def client(service: str, **kwargs: Any) -> Any:
        endpoint = environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or environ.get("AWS_ENDPOINT_URL")
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        return session.create_client(service, region_name=region, endpoint_url=endpoint, **kwargs)

    fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
        client_creator=client,
        web_identity_token_loader=FileWebIdentityTokenLoader(token),
        role_arn=role,
        extra_args={"RoleSessionName": environ.get("AWS_ROLE_SESSION_NAME", "provision")},
    )
    return DeferredRefreshableCredentials(
        method="assume-role-with-web-identity", refresh_using=fetcher.fetch_credentials
    )
