"""The systems that are read, in a process of their own: a real slapd and the embedded AWS, filled for a company.

    python -m tests.performance.servers PEOPLE FOLDER

Prints one JSON object when they are ready, then answers each line of its standard input with another: `counts` (and
starts to count anew), `delay SECONDS` (that every AWS call then takes). Ends with its input.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import ldap3

from provisioner.sandbox.aws import AwsServer
from tests.performance.company import ACCOUNT, Company
from tests.rigs.slapd import Slapd

_COUNTED = ("Bind", "Search", "Extended", "Compare", "Modify", "Add", "Delete", "Modrdn")
_MONITOR = "cn=Operations,cn=Monitor"


class Counted:
    """What slapd's own monitor says of the requests that it was sent (slapd-monitor(5))."""

    def __init__(self, slapd: Slapd) -> None:
        self._slapd = slapd
        password = slapd.admin_password
        with self._connection("cn=admin,cn=config") as connection:
            # Of Debian's build it is a module, of others part of the server.
            connection.modify("cn=module{0},cn=config", {"olcModuleLoad": [(ldap3.MODIFY_ADD, ["back_monitor"])]})
            added = connection.add(
                "olcDatabase=monitor,cn=config",
                "olcMonitorConfig",
                {"olcRootDN": "cn=admin,cn=monitor", "olcRootPW": password},
            )
            if not added:
                raise RuntimeError(f"slapd counts nothing: {connection.result}")
        self._before = self._now()

    def _connection(self, dn: str) -> Any:
        server = ldap3.Server(self._slapd.url, get_info=ldap3.NONE)
        return ldap3.Connection(server, dn, self._slapd.admin_password, auto_bind=True, check_names=False)

    def _now(self) -> dict[str, int]:
        with self._connection("cn=admin,cn=monitor") as connection:
            connection.search(_MONITOR, "(objectClass=*)", ldap3.LEVEL, attributes=["monitorOpInitiated"])
            rows = {e["dn"].partition(",")[0][3:]: e["raw_attributes"] for e in connection.response}
        return {name: int(rows[name]["monitorOpInitiated"][0]) for name in _COUNTED}

    def take(self) -> dict[str, int]:
        """Requests since the last time, by kind, less those that this count itself takes."""
        now = self._now()
        found = {name: now[name] - self._before[name] for name in _COUNTED}
        self._before = now
        found["Bind"] -= 1
        found["Search"] -= 1
        return {name: number for name, number in found.items() if number}


def main() -> None:
    company = Company(int(sys.argv[1]))
    folder = Path(sys.argv[2])
    slapd = Slapd(folder / "slapd")
    slapd.load(company.ldif())
    with slapd, AwsServer() as aws:
        aws.create_account(ACCOUNT)
        company.seed(aws.backend(ACCOUNT))
        aws.changed(ACCOUNT)
        aws.client("iam", ACCOUNT).get_account_authorization_details(MaxItems=1)  # rendered once, kept from then on
        counted = Counted(slapd)
        backend = aws.backend(ACCOUNT)
        ready = {
            "LDAP_URL": slapd.url,
            "LDAP_BIND_DN": slapd.service_dn,
            "LDAP_PASSWORD": slapd.service_password,
            **aws.exports(),
        }
        entities = len(backend.users) + len(backend.groups) + len(backend.roles)
        tell(
            {"environ": ready, "member": aws.exports(ACCOUNT), "aws_entities": entities, "groups": len(company.members)}
        )
        aws.reset_calls()
        for line in sys.stdin:
            word, _, value = line.strip().partition(" ")
            if word == "delay":
                aws.delay = float(value)
            calls: dict[str, int] = {}
            for (_, call), number in aws.calls.items():
                calls[call] = calls.get(call, 0) + number
            aws.reset_calls()
            tell({"ldap": counted.take(), "aws": calls})


def tell(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
