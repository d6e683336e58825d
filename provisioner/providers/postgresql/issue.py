"""Passwords of services: drawn here, sent as the SCRAM verifier alone, each on the login whose turn it is.

What goes to the server, into its log and into `pg_stat_activity`, lets nobody in. It does not decide which password
ends, and gives none to the account itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import LiteralString
from urllib.parse import quote, urlencode

from provisioner.contract import Issued, Key, ProviderError, Trouble
from provisioner.credentials import Secret, draw, id_of
from provisioner.model.instant import Instant
from provisioner.model.mark import owner8
from provisioner.providers.postgresql import logins
from provisioner.providers.postgresql.calls import WriteCalls, parts_of
from provisioner.providers.postgresql.names import TURNS, Login
from provisioner.providers.postgresql.owned import site_of
from provisioner.providers.postgresql.rows import Role
from provisioner.providers.postgresql.site import Rules, Site, gone

_SINCE: LiteralString = "select max(coalesce(backend_start, now())) from pg_stat_activity where usesysid = %s::oid"
"""Of sessions that are not ours to look at only the user is shown."""


class Passwords:
    """`provisioner.contract.Issuer` for one cluster."""

    most = len(TURNS)

    replaces = False

    def __init__(self, calls: WriteCalls, rules: Rules) -> None:
        self._calls, self._rules = calls, rules

    def close(self) -> None:
        self._calls.close()

    def keys(self, login: str) -> tuple[Key, ...]:
        """By the comments of its logins. A password that somebody gave the account itself is not seen: only a superuser
        could."""
        main = self._rules.main
        with self._calls.snapshot(main) as session:
            now: Instant = self._calls.identity(session)[3]
            if not session.rows("select 1 from pg_roles where rolname = %s", (login,)):
                raise gone(f"there is no role {login}", "keys")
            rows = session.rows(logins.OF, {"name": login})
        found = []
        for role in logins.logins(rows, owner8(self._rules.owner)):
            if role.login is not None and role.login.id is not None:
                over = role.until is not None and role.until <= now
                found.append(Key(role.login.id, role.logs_in and not over, role.login.made))
        return tuple(found)

    def issue(self, login: str, deadline: float) -> Issued:
        password = draw()
        with self._site(deadline) as site:
            account = site.role(login)
            if account is None:
                raise gone(f"there is no role {login}", "issue")
            role, turn = logins.ready(site, account)
            issued = self._issued(role.name, turn, password)
            assert issued is not None
            made = Login(turn, owner8(self._rules.owner), issued.public_id, site.now)
            verifier = site.session.verifier(password.reveal(), role.name)
            logins.password_is(site, role, verifier, made, account.until)
        return issued

    def again(self, found: Mapping[str, Secret]) -> Issued | None:
        if "whole" in found:
            parts = parts_of(found["whole"].reveal())
            user, password = parts.get("user", ""), Secret(parts.get("password", ""))
        elif "user" in found and "secret" in found:
            user, password = found["user"].reveal(), found["secret"]
        else:
            return None
        return self._issued(user, user[-1], password) if user.endswith(tuple(f"_{t}" for t in TURNS)) else None

    def use(self, issued: Issued, login: str) -> None:
        """Signs in, and looks whom the server takes it for. A server that asks for no password proves nothing."""
        session = self._calls.sign_in(issued.user, issued.secret.reveal())
        if session is None:
            return  # the password was taken, and this one database is not for the service
        try:
            user, acts_as = session.rows("select session_user::text, current_user::text")[0]
        finally:
            session.close()
        if user != issued.user or acts_as != login:
            told = f"{issued.public_id} signs in as {user} and acts as {acts_as}, not as {login}"
            raise ProviderError(Trouble.INVALID, told, call="sign in")

    def last_used(self, login: str, public_id: str) -> Instant | None:
        """The server keeps no such time: of a login with an open session it is that session's beginning."""
        with self._calls.snapshot(self._rules.main) as session:
            rows = session.rows(logins.OF, {"name": login})
            role = _with(logins.logins(rows, owner8(self._rules.owner)), public_id)
            if role is None:
                return None
            began: Instant | None = session.rows(_SINCE, (role.oid,))[0][0]
        return began

    def deactivate(self, login: str, public_id: str, deadline: float) -> None:
        """No new sessions; those that are open go on."""
        with self._site(deadline) as site:
            role = _with(logins.logins_of(site, login), public_id)
            if role is not None:
                site.run("alter role {} nologin", "alter role", role.name)

    def delete(self, login: str, public_id: str, deadline: float) -> None:
        """The password goes, then the sessions that were opened with it. Sessions first would let one come between;
        and a run that dies in between finds the id still there, which goes last."""
        with self._site(deadline) as site:
            role = _with(logins.logins_of(site, login), public_id)
            if role is not None:
                site.run("alter role {} nologin password null", "alter role", role.name)
        if role is None:
            return
        session = self._calls.session(self._rules.main)
        with session.within(deadline):
            try:
                session.terminate([role.oid], role.name, deadline)
            finally:
                session.rollback()
        with self._site(deadline) as site:
            role = _with(logins.logins_of(site, login), public_id)
            if role is not None:
                logins.empty(site, role)

    @contextmanager
    def _site(self, deadline: float) -> Iterator[Site]:
        main = self._rules.main
        with self._calls.transaction(main, deadline) as session:
            yield site_of(self._calls, session, self._rules, main)

    def _issued(self, user: str, turn: str, password: Secret) -> Issued | None:
        """`whole` is the address that libpq and most drivers take."""
        known = id_of(password)
        if known is None:
            return None
        return Issued(f"{turn}-{known}", user, password, Secret(self._address(user, password.reveal())))

    def _address(self, user: str, password: str) -> str:
        told = parts_of(self._calls.link.dsn)
        hosts, ports = (told.get("host") or told.get("hostaddr") or "").split(","), (told.get("port") or "").split(",")
        more = {k: told[k] for k in ("sslmode", "target_session_attrs") if told.get(k)}
        if hosts[0].startswith("/") or not hosts[0]:
            where = ""
            more |= {k: told[k] for k in ("host", "port") if told.get(k)}
        else:
            ports = ports * len(hosts) if len(ports) == 1 else ports
            named = (f"[{h}]" if ":" in h else h for h in hosts)
            where = ",".join(f"{h}:{p}" if p else h for h, p in zip(named, ports, strict=False))
        query = f"?{urlencode(more, quote_via=quote)}" if more else ""
        return (
            f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{where}/"
            f"{quote(self._rules.main, safe='')}{query}"
        )


def _with(found: list[Role], public_id: str) -> Role | None:
    return next((r for r in found if r.login is not None and r.login.id == public_id), None)
