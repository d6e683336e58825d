"""AWS IAM: users, groups, memberships, policies, roles that may be assumed, and everything a user signs in with; and
roles that a service has in place of a user, which its pipelines take on with a token that their CI has signed.

A target is one account; many accounts are instances, each with its own assumed roles for reading and for writing.
Ownership: a user, and a role of a service, carries our mark in the tag `provision`; a group that we made has the path
`/provision/OWNER/`, since groups cannot be tagged; our inline policies begin with `provision-`. Attachments and
memberships cannot be marked: the history of the files and the journal tell which were ours. See
`docs/providers/aws-iam.md`.

Importing this loads no SDK. It refuses to work in an account other than the one that the settings name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from provisioner.contract import Capabilities, packages_of, settings_of
from provisioner.diagnostics import Diagnostic, Location
from provisioner.model.address import Kind
from provisioner.model.slot import Names
from provisioner.model.target import Target

if TYPE_CHECKING:
    from provisioner.providers.aws_iam.connect import Base, Clients
    from provisioner.providers.aws_iam.declare import AwsDeclare
    from provisioner.providers.aws_iam.identify import Identified
    from provisioner.providers.aws_iam.issue import AccessKeys
    from provisioner.providers.aws_iam.mint import Sessions
    from provisioner.providers.aws_iam.read import AwsReader
    from provisioner.providers.aws_iam.ready import Policies
    from provisioner.providers.aws_iam.settings import Grants, Objects, Settings
    from provisioner.providers.aws_iam.store import SecretsManager
    from provisioner.providers.aws_iam.write import AwsWriter

CAPABILITIES = Capabilities(
    marks=frozenset({Kind.ACCOUNT}),
    disables=True,
    settle_seconds=dict.fromkeys(Kind, 60.0),
    folds_case=True,
)


class AwsIam:
    """The provider. Accounts opened with one environment share its credentials and the SDK's loaded models."""

    name = "aws-iam"
    extra = "aws"
    capabilities = CAPABILITIES
    issues: Mapping[str, Names] = {"access-key": Names(user="AWS_ACCESS_KEY_ID", secret="AWS_SECRET_ACCESS_KEY")}
    tells_login = False
    reads_back = True
    at_once = True
    folds_case = False
    takes_back = False  # STS ends no session before its time

    def __init__(self) -> None:
        self._bases: dict[frozenset[tuple[str, str]], Base] = {}

    @property
    def settings(self) -> type[Settings]:
        from provisioner.providers.aws_iam.settings import Settings

        return Settings

    @property
    def grants(self) -> type[Grants]:
        from provisioner.providers.aws_iam.settings import Grants

        return Grants

    @property
    def objects(self) -> type[Objects]:
        from provisioner.providers.aws_iam.settings import Objects

        return Objects

    def declare(self, target: Target) -> AwsDeclare:
        from provisioner.providers.aws_iam.declare import AwsDeclare

        return AwsDeclare(target, self.capabilities)

    def open_reader(self, target: Target, environ: Mapping[str, str]) -> AwsReader:
        account, clients, identified = self._open(target, environ, "plan")
        from provisioner.providers.aws_iam.read import AwsReader

        return AwsReader(target, account, clients, identified)

    def open_writer(self, target: Target, environ: Mapping[str, str], owner: str | None) -> AwsWriter:
        _, clients, identified = self._open(target, environ, "apply")
        from provisioner.providers.aws_iam.write import AwsWriter

        return AwsWriter(target, clients, identified, owner)

    def open_issuer(self, target: Target, environ: Mapping[str, str], kind: str, owner: str | None) -> AccessKeys:
        account, clients, identified = self._open(target, environ, "apply")
        from provisioner.providers.aws_iam.issue import AccessKeys

        return AccessKeys(clients, identified, account)

    def check_credential(self, target: Target, kind: str, at: Location) -> Iterator[Diagnostic]:
        """As `Issues.check_credential`: the old one works beside the new one."""
        yield from ()

    def check_place(self, place: str, names: Names) -> str | None:
        """As `Holds.check_place`."""
        from provisioner.providers.aws_iam.names import SECRETS, is_secret

        return None if is_secret(place) else f"a secret of an AWS account is meant by `{SECRETS}NAME`"

    def open_store(self, target: Target, environ: Mapping[str, str]) -> SecretsManager:
        """Secrets Manager in the account and its region."""
        _, clients, identified = self._open(target, environ, "apply")
        from provisioner.providers.aws_iam.store import SecretsManager

        return SecretsManager(clients, identified)

    def open_minter(self, target: Target, environ: Mapping[str, str], owner: str | None) -> Sessions:
        """Reads by the role of `plan`; asks for sessions with the first credentials themselves."""
        _, clients, identified = self._open(target, environ, "plan")
        from provisioner.providers.aws_iam.mint import Sessions

        return Sessions(settings_of(self.settings, target), clients, self._base(environ), identified, owner)

    def open_preparer(self, target: Target, environ: Mapping[str, str], owner: str | None, *, writes: bool) -> Policies:
        """Reads by the role of `plan`, and writes by that of `apply`."""
        account, *_ = reading = self._open(target, environ, "plan")
        from provisioner.providers.aws_iam.ready import Policies

        writing = self._open(target, environ, "apply")[1:] if writes else None
        return Policies(account, reading[1:], writing, owner)

    def _open(self, target: Target, environ: Mapping[str, str], purpose: str) -> tuple[str, Clients, Identified]:
        with packages_of("AWS", self.extra, "boto3", "botocore"):
            from provisioner.providers.aws_iam.connect import open_account
        from provisioner.providers.aws_iam.identify import Identified

        settings, base = settings_of(self.settings, target), self._base(environ)
        roles = [arn for one in ("plan", "apply") if (arn := settings.role_for(one)) is not None]
        return settings.account, open_account(settings, purpose, base), Identified(settings.account, base, roles)

    def _base(self, environ: Mapping[str, str]) -> Base:
        from provisioner.providers.aws_iam.connect import Base

        key = frozenset((k, v) for k, v in environ.items() if k.startswith("AWS_"))
        base = self._bases.get(key)
        if base is None:
            another = next(iter(self._bases.values()), None)
            base = self._bases[key] = Base(environ, another.loader if another is not None else None)
        return base


PROVIDER = AwsIam()
