"""A directory server that speaks LDAP on loopback: OpenLDAP, as far as a client that manages accounts can tell.

    with LdapServer() as server:
        ...  # server.url, server.service_dn, server.service_password

Read from the bottom up: `names` and `matching`, `schema`, `tree`, `change`, `directory` with `accounts` and
`references`, `search`, then `wire`, `session` and `server`.
"""

from __future__ import annotations

from provisioner.sandbox.ldap.results import Code, Refused
from provisioner.sandbox.ldap.search import SizeLimit
from provisioner.sandbox.ldap.server import LdapServer

__all__ = ["Code", "LdapServer", "Refused", "SizeLimit"]
