"""Directories: a real slapd, and the embedded one, which must pass the same tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from provisioner.sandbox.ldap import LdapServer
from tests.providers.ldap.rig import Rig
from tests.rigs.slapd import Slapd


def rig_of_slapd(server: Slapd, url: str | None = None) -> Rig:
    return Rig("slapd", url or server.url, server.suffix, server.admin_dn, server.admin_password, server.service_dn)


def rig_of_embedded(server: LdapServer) -> Rig:
    return Rig("embedded", server.url, server.suffix, server.root_dn, server.root_password, server.service_dn)


@pytest.fixture(params=["slapd", "embedded"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A directory with its base tree and nothing else."""
    if request.param == "slapd":
        made = rig_of_slapd(request.getfixturevalue("slapd"))
        yield made
        _close(made)
        return
    with LdapServer() as server:
        made = rig_of_embedded(server)
        yield made
        _close(made)


@pytest.fixture
def real(slapd: Slapd) -> Iterator[Rig]:
    """The same on slapd alone: for what the embedded directory does not have."""
    made = rig_of_slapd(slapd)
    yield made
    _close(made)


@pytest.fixture
def embedded() -> Iterator[Rig]:
    """The same on the embedded directory alone: for what slapd has and it has not."""
    with LdapServer() as server:
        made = rig_of_embedded(server)
        yield made
        _close(made)


@pytest.fixture
def new_rig(new_slapd: Callable[..., Slapd]) -> Iterator[Callable[..., Rig]]:
    """Makes a directory on a slapd of its own: `new_rig(lpk=True, ldif=[...])`."""
    made: list[Rig] = []

    def make(ldif: Any = None, **options: Any) -> Rig:
        server = new_slapd(**options)
        if ldif is not None:
            server.load(ldif)
        made.append(rig_of_slapd(server.start()))
        return made[-1]

    yield make
    for one in made:
        _close(one)


def _close(made: Rig) -> None:
    for one in made.open:
        one.close()
