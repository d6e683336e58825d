"""A repository whose bot has a password, of PostgreSQL or of a directory, that goes to OpenBao and into a file.

What is delivered is looked at as its consumer would: read from the place, and signed in with.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import canaries
from tests.cli.conftest import CLEARED
from tests.credentials.rig import Ran, Repository
from tests.rigs.openbao import Bao
from tests.rigs.postgres import Postgres
from tests.rigs.slapd import Slapd

BOT = "deploy-bot"
HEAD = "pvP1-"
"""How every password begins: also those that nobody was ever given."""
_FILES = """\
records: {{owner: 5f1c0a2b}}
people:
  grace: {{name: Grace Example, email: grace@example.com}}
services:
  deploy-bot:
    owners: [grace]
    roles: [reader]
    credentials:
      {target}:
        password: {{rotate_after: 30d, overlap: 1s, deliver_to: [{{to: vault/bot}}, {{to: local/bot.json}}]}}
roles:
  reader: {{owners: [grace], grants: {{{target}: {grants}}}}}
targets:
  {target}: {settings}
stores:
  local: {{provider: file, folder: {{env: LOCAL_STORE}}}}
  vault: {{provider: openbao, url: {{env: BAO_ADDR}}, path: secret/ci}}
"""
_LOGINS = "select rolcanlogin, shobj_description(oid, 'pg_authid') from pg_roles where rolname ~ '^deploy-bot_.$'"


@dataclass
class Office(Repository):
    """`secrets` are all that was ever delivered."""

    server: Postgres | Slapd
    bao: Bao
    target: str
    secrets: set[str] = field(default_factory=set, repr=False)
    places = ("local", "vault")

    def declare(self, grants: str, settings: str) -> None:
        path = self.root / "access" / "all.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(_FILES.format(target=self.target, grants=grants, settings=settings), encoding="utf-8")
        self.commit()

    def edit(self, old: str, new: str) -> None:
        path = self.root / "access" / "all.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.commit()

    def nothing_leaked(self, *ran: Ran) -> None:
        self.secrets.update(found[1] for found in self.delivered().values() if found is not None)
        secrets = [*self.secrets, HEAD]
        for one in ran:
            assert not canaries.in_texts({"stdout": one.out, "stderr": one.err}, secrets)
        files = [p for p in self.root.rglob("*") if p.is_file() and ".git/" not in str(p)]
        assert not canaries.in_files([*files, self.server.log], secrets)

    # The places

    def _found(self) -> dict[str, Mapping[str, Any] | None]:
        path = self.root.parent / "local-store" / "bot.json"
        return {"local": json.loads(path.read_bytes()) if path.exists() else None, "vault": self.bao.data("ci/bot")}

    def delivered(self) -> dict[str, tuple[str, str] | None]:
        """What the consumer of each place has now."""
        user, secret = ("PGUSER", "PGPASSWORD") if self.target == "warehouse" else ("LDAP_BIND_DN", "LDAP_PASSWORD")
        return {n: None if d is None else (str(d[user]), str(d[secret])) for n, d in self._found().items()}

    def working(self) -> list[str]:
        return sorted(n for n, found in self.delivered().items() if found is not None and self.works(*found))

    def works(self, user: str, password: str) -> bool:
        """As a consumer signs in, and reads what it is for."""
        if isinstance(self.server, Slapd):
            return self.server.can_bind(user, password)
        import psycopg

        try:
            with psycopg.connect(
                host="127.0.0.1", port=self.server.port, dbname="app", user=user, password=password
            ) as connection:
                return bool(connection.execute("select count(*) from sales.orders").fetchone())
        except psycopg.OperationalError:
            return False

    def keys(self) -> set[str]:
        """The ids that the companions name."""
        found = self._found()
        local, vault = found["local"], found["vault"]
        ids = [] if local is None else [str(local["provision"]["credential"])]
        return {*ids, *([] if vault is None else [str(vault["provision"]).split(" ")[0]])}

    # The system

    def live(self) -> dict[str, bool]:
        """The bot's passwords, as the server has them, by id."""
        if isinstance(self.server, Slapd):
            return {_id(v): True for v in self._values()}
        rows = self.server.run(_LOGINS)
        found = ((on, re.search(r" ([ab]-[0-9a-f]{16}) ", text or "")) for on, text in rows)
        return {match[1]: on for on, match in found if match is not None}

    def _values(self) -> list[bytes]:
        assert isinstance(self.server, Slapd)
        with self.server.connection(self.server.admin_dn, self.server.admin_password) as connection:
            connection.search(self.server.people, f"(uid={BOT})", attributes=["userPassword"])
            found = [r["raw_attributes"] for r in connection.response if r["type"] == "searchResEntry"]
        return list(found[0].get("userPassword", ())) if found else []


def _id(value: bytes) -> str:
    return base64.b64decode(value.removeprefix(b"{SSHA}"))[24:].hex()


@contextlib.contextmanager
def office(
    folder: Path, env: pytest.MonkeyPatch, server: Postgres | Slapd, bao: Bao, port: int, **settings: str
) -> Iterator[Office]:
    """A repository in `folder`, which becomes the working folder; the system is reached at `port`."""
    for name in CLEARED:
        env.delenv(name, raising=False)
    root = folder / "repository"
    root.mkdir()
    env.chdir(root)
    env.setenv("LOCAL_STORE", str(folder / "local-store"))
    env.setenv("BAO_ADDR", bao.url)
    env.setenv("BAO_TOKEN", bao.token)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=root, check=True)
    more = "".join(f", {k}: {v}" for k, v in settings.items())
    if isinstance(server, Postgres):
        made = Office(root, server, bao, "warehouse")
        server.run(
            "create role svc login superuser password 'svc-password'",
            "create schema sales",
            "create table sales.orders (id int)",
        )
        env.setenv("WAREHOUSE_PASSWORD", "svc-password")
        env.setenv("WAREHOUSE_DSN", f"host=127.0.0.1 port={port} user=svc sslmode=disable gssencmode=disable")
        made.declare(
            '{datasets: {"sales.orders": [select]}}',
            "{provider: postgresql, dsn: {env: WAREHOUSE_DSN}, password: {env: WAREHOUSE_PASSWORD}, "
            f"databases: [app]{more}}}",
        )
    else:
        made = Office(root, server, bao, "corp-ldap")
        env.setenv("LDAP_URL", f"ldap://127.0.0.1:{port}")
        env.setenv("LDAP_PASSWORD", server.service_password)
        made.declare(
            "{groups: [readers]}",
            f'{{provider: ldap, url: {{env: LDAP_URL}}, bind_dn: "{server.service_dn}", '
            f'password: {{env: LDAP_PASSWORD}}, base: {{people: "{server.people}", groups: "{server.groups}"}}{more}}}',
        )
    yield made
