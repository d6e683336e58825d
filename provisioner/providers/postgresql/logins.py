"""The logins of a service: two roles that take turns, each with a password, and no right but to act as the account.

A role has one password. So that an old one goes on working beside a new one, a service's passwords belong to logins
`NAME_a` and `NAME_b`: members of the account, which has none. Whatever they do they do as the account (`set role`), and
what becomes of the account becomes of them. Refuses to touch a role whose comment does not say that it is one.
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from provisioner.contract import ProviderError, Trouble
from provisioner.model.instant import Instant, format_instant
from provisioner.model.mark import owner8
from provisioner.providers.postgresql import queries
from provisioner.providers.postgresql.names import TURNS, Login, login_name
from provisioner.providers.postgresql.rows import Role, role_of
from provisioner.providers.postgresql.site import BY_MEMBERSHIP, Site

_MEMBERS_OF: LiteralString = """
 where r.oid in (select m.member from pg_auth_members m join pg_roles w on w.oid = m.roleid
                  where w.rolname = %(name)s and m.member >= 16384)
   and shobj_description(r.oid, 'pg_authid') like '%%provision/1 login%%'"""
OF: LiteralString = queries.ROLES + _MEMBERS_OF
"""Those of one account."""


def logins(rows: list[tuple[object, ...]], owner: str | None) -> list[Role]:
    """Of the rows of `OF` those that we made, in turn; without an owner are those of before there was one."""
    found = [role for role in map(role_of, rows) if role.login is not None and role.login.owner in (None, owner)]
    return sorted(found, key=_turn)


def _turn(role: Role) -> str:
    return role.login.turn if role.login is not None else ""


def logins_of(site: Site, account: str) -> list[Role]:
    """Those that the account has now."""
    return logins(site.session.rows(OF, {"name": account}), owner8(site.rules.owner))


def ready(site: Site, account: Role) -> tuple[Role, str]:
    """A login of the account that has no password, made where there is none, and its turn."""
    there = {role.login.turn: role for role in logins_of(site, account.name) if role.login is not None}
    for turn in TURNS:
        known = there.get(turn)
        if known is not None and (known.login is None or known.login.id is not None):
            continue
        if known is None:
            known = _make(site, account.name, turn)
        site.run("alter role {} set role = {name}", "alter role", known.name, name=account.name)
        return known, turn
    told = f"both logins of {account.name} have a password"
    raise ProviderError(Trouble.CONFLICT, told, call="issue")


def _make(site: Site, account: str, turn: str) -> Role:
    try:
        name = login_name(account, turn)
    except ValueError as error:
        raise ProviderError(Trouble.INVALID, str(error), call="create role") from None
    if site.role(name) is not None:
        told = f"there is a role `{name}` already, and nothing says that it is a login of {account}"
        raise ProviderError(Trouble.CONFLICT, told, call="create role")
    site.create(name, "nologin inherit")
    describe(site, name, Login(turn, owner8(site.rules.owner)))
    options = " with admin false, inherit true, set true" if site.version >= BY_MEMBERSHIP else ""
    site.run("grant {} to {}" + options, "grant", account, name)
    made = site.role(name)
    assert made is not None
    return made


def describe(site: Site, name: str, login: Login, words: tuple[str, ...] = ()) -> None:
    """What its comment says."""
    site.run("comment on role {} is {text}", "comment", name, text=login.text(words))


def empty(site: Site, role: Role) -> None:
    """No password and no way in; it stays for another turn."""
    assert role.login is not None
    site.run("alter role {} nologin password null", "alter role", role.name)
    describe(site, role.name, Login(role.login.turn, role.login.owner), role.noted.words)


# What becomes of the account becomes of them


def switch_off(site: Site, account: str) -> int:
    """All of them without password; how many had one."""
    found = logins_of(site, account)
    for role in found:
        empty(site, role)
    return sum(role.login is not None and role.login.id is not None for role in found)


def limit(site: Site, account: str, sessions: int) -> None:
    """How many sessions each may open; -1 is any number."""
    for role in logins_of(site, account):
        site.run("alter role {} connection limit {most}", "alter role", role.name, most=sessions)


def let_end(site: Site, account: str, end: Instant | None) -> None:
    """The end that the server holds, beside the account's own."""
    told = format_instant(end) if end is not None else "infinity"
    for role in logins_of(site, account):
        site.run("alter role {} valid until {end}", "valid until", role.name, end=told)


def follow(site: Site, account: str) -> None:
    """After the account got another name: they act as it under that one, and keep theirs, which consumers know."""
    for role in logins_of(site, account):
        site.run("alter role {} set role = {name}", "alter role", role.name, name=account)


def password_is(site: Site, role: Role, verifier: str, login: Login, end: Instant | None) -> None:
    """The new password, as the server keeps it."""
    site.run(
        "alter role {} login connection limit -1 password {verifier} valid until {end}",
        "alter role",
        role.name,
        verifier=sql.Literal(verifier),
        end=format_instant(end) if end is not None else "infinity",
    )
    describe(site, role.name, login, role.noted.words)
