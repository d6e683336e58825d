"""CircleCI: contexts, who each is open to, and the names of variables.

A target is one organization. It has no accounts of ours: people come through the forge's teams, which a context names.
Ownership: a context has no place for a mark; a declared one is ours to open and shut, and none is ever deleted that
holds variables. See `docs/providers/circleci.md`.

Importing this loads no client. It refuses to read, show or write a variable's value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provisioner.contract import Capabilities, packages_of, settings_of
from provisioner.model.address import Kind
from provisioner.model.slot import Names
from provisioner.model.target import Target

if TYPE_CHECKING:
    from provisioner.providers.circleci.declare import CircleDeclare
    from provisioner.providers.circleci.read import CircleReader
    from provisioner.providers.circleci.settings import Grants, Objects, Settings
    from provisioner.providers.circleci.store import Contexts
    from provisioner.providers.circleci.write import CircleWriter
    from provisioner.transport import Budgets, Session

CAPABILITIES = Capabilities(
    marks=frozenset(), disables=False, settle_seconds={Kind.CONTROL: 10.0}, batch=5, renames=False
)


class CircleCi:
    """The provider. Targets that share a host and a token share its rate limits."""

    name = "circleci"
    extra = "circleci"
    capabilities = CAPABILITIES
    reads_back = False
    at_once = False
    folds_case = False

    def __init__(self) -> None:
        self._budgets: Budgets | None = None

    @property
    def settings(self) -> type[Settings]:
        from provisioner.providers.circleci.settings import Settings

        return Settings

    @property
    def grants(self) -> type[Grants]:
        from provisioner.providers.circleci.settings import Grants

        return Grants

    @property
    def objects(self) -> type[Objects]:
        from provisioner.providers.circleci.settings import Objects

        return Objects

    def declare(self, target: Target) -> CircleDeclare:
        from provisioner.providers.circleci.declare import CircleDeclare

        return CircleDeclare(target, self.capabilities)

    def open_reader(self, target: Target, environ: Mapping[str, str]) -> CircleReader:
        session, settings = self._open(target, environ, "plan")
        from provisioner.providers.circleci.calls import ReadCalls
        from provisioner.providers.circleci.read import CircleReader

        calls = ReadCalls(session, settings.organization, settings.organization_id)
        return CircleReader(target, self.declare(target), calls)

    def open_writer(self, target: Target, environ: Mapping[str, str], owner: str | None) -> CircleWriter:
        session, settings = self._open(target, environ, "apply")
        from provisioner.providers.circleci.calls import WriteCalls
        from provisioner.providers.circleci.write import CircleWriter

        calls = WriteCalls(session, settings.organization, settings.organization_id)
        return CircleWriter(self.declare(target), calls)

    def check_place(self, place: str, names: Names) -> str | None:
        """As `Holds.check_place`."""
        from provisioner.providers.circleci.settings import CONTEXTS, is_variable

        if not place.startswith(CONTEXTS) or place == CONTEXTS:
            return f"what keeps secrets there is a context: `{CONTEXTS}NAME`"
        wrong = [name for name in names.all if not is_variable(name)]
        return f"{wrong[0]} cannot be the name of a variable" if wrong else None

    def open_store(self, target: Target, environ: Mapping[str, str]) -> Contexts:
        """The contexts of the organization."""
        session, settings = self._open(target, environ, "apply")
        from provisioner.providers.circleci.calls import WriteCalls
        from provisioner.providers.circleci.store import Contexts

        return Contexts(self.declare(target), WriteCalls(session, settings.organization, settings.organization_id))

    def _open(self, target: Target, environ: Mapping[str, str], purpose: str) -> tuple[Session, Settings]:
        with packages_of("CircleCI", self.extra, "requests"):
            from provisioner.providers.circleci.calls import open_session
            from provisioner.transport import Budgets
        settings = settings_of(self.settings, target)
        if self._budgets is None:
            self._budgets = Budgets()
        return open_session(settings, purpose, environ, self._budgets), settings


PROVIDER = CircleCi()
