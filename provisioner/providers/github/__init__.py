"""GitHub: members and owners of an organization, teams, repositories, outside collaborators, and what guards them.

A target is one organization. An account is somebody whom the organization knows: a member, an outside collaborator, or
somebody who is invited; to create one is to invite, to delete one is to remove. People's GitHub accounts are their own.
Ownership: GitHub has no place for a mark on a person or a membership, so whose is what, the ids that the files pin, the
history of the files and the journal tell. See `docs/providers/github.md`.

Importing this loads no client. It refuses to know anybody by login alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provisioner.contract import Capabilities, packages_of, settings_of
from provisioner.model.address import Kind
from provisioner.model.slot import Names
from provisioner.model.target import Target

if TYPE_CHECKING:
    from provisioner.providers.github.connect import Site
    from provisioner.providers.github.declare import GithubDeclare
    from provisioner.providers.github.read import GithubReader
    from provisioner.providers.github.settings import Grants, Objects, Settings
    from provisioner.providers.github.store import ActionsSecrets
    from provisioner.providers.github.write import GithubWriter
    from provisioner.transport import Budgets

CAPABILITIES = Capabilities(
    marks=frozenset(),
    disables=False,
    remains=True,
    settle_seconds=dict.fromkeys((Kind.ACCOUNT, Kind.GROUP, Kind.MEMBERSHIP, Kind.GRANT, Kind.CONTROL), 10.0),
    batch=10,
    folds_case=True,
    renames=False,
)


class Github:
    """The provider. Targets that share a host and a credential share its rate limits."""

    name = "github"
    extra = "github"
    capabilities = CAPABILITIES
    reads_back = False
    at_once = False
    folds_case = True  # of repositories, environments and secrets

    def __init__(self) -> None:
        self._budgets: Budgets | None = None

    @property
    def settings(self) -> type[Settings]:
        from provisioner.providers.github.settings import Settings

        return Settings

    @property
    def grants(self) -> type[Grants]:
        from provisioner.providers.github.settings import Grants

        return Grants

    @property
    def objects(self) -> type[Objects]:
        from provisioner.providers.github.settings import Objects

        return Objects

    def declare(self, target: Target) -> GithubDeclare:
        from provisioner.providers.github.declare import GithubDeclare

        return GithubDeclare(target, self.capabilities)

    def open_reader(self, target: Target, environ: Mapping[str, str]) -> GithubReader:
        site = self._open(target, environ, "plan")
        from provisioner.providers.github.calls import ReadCalls
        from provisioner.providers.github.read import GithubReader

        return GithubReader(target, self.declare(target), ReadCalls(site))

    def open_writer(self, target: Target, environ: Mapping[str, str], owner: str | None) -> GithubWriter:
        site = self._open(target, environ, "apply")
        from provisioner.providers.github.calls import WriteCalls
        from provisioner.providers.github.write import GithubWriter

        return GithubWriter(target, self.declare(target), WriteCalls(site))

    def check_place(self, place: str, names: Names) -> str | None:
        """As `Holds.check_place`."""
        from provisioner.providers.github.names import is_secret_name, secret_place

        wrong = [name for name in names.all if not is_secret_name(name)]
        if wrong:
            return f"{wrong[0]} cannot be the name of a secret"
        if len({name.upper() for name in names.all}) < len(names.all):
            return f"{' and '.join(names.all)} are one name to GitHub"
        return secret_place(place)

    def pipeline_of(self, target: Target, place: str) -> Mapping[str, str] | None:
        """As `Pipelines.pipeline_of`: secrets of the organization are read by many repositories."""
        parts = place.split("/", 3)
        owner = target.settings.data.get("organization")
        if parts[0] != "repositories" or len(parts) < 2 or not isinstance(owner, str):
            return None
        found = {"system": "github", "repository": f"{owner}/{parts[1]}"}
        return {**found, "environment": parts[3]} if len(parts) == 4 else found

    def open_store(self, target: Target, environ: Mapping[str, str]) -> ActionsSecrets:
        """Secrets of GitHub Actions in the organization."""
        with packages_of("GitHub", self.extra, "nacl"):
            import nacl.public  # noqa: F401
        site = self._open(target, environ, "store")
        from provisioner.providers.github.calls import WriteCalls
        from provisioner.providers.github.store import ActionsSecrets

        return ActionsSecrets(WriteCalls(site))

    def _open(self, target: Target, environ: Mapping[str, str], purpose: str) -> Site:
        with packages_of("GitHub", self.extra, "requests", "jwt", "cryptography"):
            import jwt  # noqa: F401  # on this thread, and before a run that would need it

            from provisioner.providers.github.connect import open_site
            from provisioner.transport import Budgets
        settings = settings_of(self.settings, target)
        if self._budgets is None:
            self._budgets = Budgets()
        return open_site(settings, purpose, environ, self._budgets)


PROVIDER = Github()
