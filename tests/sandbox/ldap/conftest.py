"""An embedded directory for each test, and clients of it that are closed afterwards."""

from collections.abc import Callable, Iterator

import pytest

from provisioner.sandbox.ldap import LdapServer, SizeLimit
from tests.rigs.slapd import Slapd
from tests.sandbox.ldap.client import SERVICE, SUFFIX, Client
from tests.sandbox.ldap.twins import World


@pytest.fixture
def server() -> Iterator[LdapServer]:
    """A running server with its default entries."""
    with LdapServer() as running:
        yield running


@pytest.fixture
def connect(server: LdapServer) -> Iterator[Callable[..., Client]]:
    """Connects as a name with a password; without either as nobody."""
    made: list[Client] = []

    def connect(dn: str | None = None, password: str | None = None) -> Client:
        made.append(Client(server.url, dn, password))
        return made[-1]

    yield connect
    for each in made:
        each.close()


@pytest.fixture
def service(server: LdapServer, connect: Callable[..., Client]) -> Client:
    """Bound as the service name, which may change all entries."""
    return connect(server.service_dn, server.service_password)


@pytest.fixture
def root(server: LdapServer, connect: Callable[..., Client]) -> Client:
    """Bound as the root name."""
    return connect(server.root_dn, server.root_password)


@pytest.fixture
def worlds(slapd: Slapd) -> Iterator[tuple[World, World]]:
    """The emulator, and slapd, with the same entries and settings."""
    limits = {name: SizeLimit(500, None) for name in (SERVICE, slapd.reader_dn)}
    refint = ("member", "uniqueMember", "manager")
    with LdapServer(size_limit=500, limits=limits, refint=refint) as server:
        person_like = {"objectClass": "inetOrgPerson", "uid": "reader", "cn": "reader", "sn": "reader"}
        server.add(slapd.reader_dn, {**person_like, "userPassword": "svc-secret"})
        ours, theirs = World(server.url), World(slapd.url)
        must_change = ("pwdMustChange", "replace", "TRUE")
        assert theirs.root.modify(f"cn=default,ou=policies,{SUFFIX}", must_change) == 0
        yield ours, theirs
        ours.close()
        theirs.close()
