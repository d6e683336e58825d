"""What somebody owns: handed on as the target says, before their role is dropped. Nothing is dropped with them. What
a run made is: handed on, its code would work with the heir's rights.

DROP OWNED drops what a role still owns, so it runs only after everything was handed on, in the same transaction.
Neither statement reaches into another database: each is gone through, and one that is not ours stops the drop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from provisioner.contract import AlreadySo, Done, Outcome, Refused
from provisioner.model.change import Change
from provisioner.providers.postgresql import queries
from provisioner.providers.postgresql.calls import Session, WriteCalls
from provisioner.providers.postgresql.grants import hand_over_memberships
from provisioner.providers.postgresql.logins import logins_of
from provisioner.providers.postgresql.rows import Role
from provisioner.providers.postgresql.site import BY_MEMBERSHIP, Rules, Site, gone, listed

_LARGE_OBJECTS_IN = """
select distinct d.datname::text from pg_shdepend s join pg_database d on d.oid = s.dbid
 where s.refclassid = 'pg_authid'::regclass and s.refobjid = %s::oid and s.deptype = 'o'
   and s.classid = 'pg_largeobject'::regclass order by 1"""
_LARGE_OBJECTS = """
select m.oid::int8 from pg_largeobject_metadata m join pg_roles r on r.oid = m.lomowner where r.rolname = %s"""


def hand_on(site: Site, change: Change) -> Outcome:
    """Everything that the holder owns in this database, and of what is shared, goes to the heir."""
    who = change.address.principal
    role = site.role(who.id) if who is not None else None
    if role is None:
        return AlreadySo("the role is not there")
    heir = site.rules.heir
    if heir is None:
        return Refused(f"{role.name} owns objects there, and the target does not say `reassign_to`")
    if site.role(heir) is None:
        raise gone(f"there is no role {heir} to give them to", "reassign")
    for name in (role.name, *(login.name for login in logins_of(site, role.name))):
        with _rights_of(site, name):
            site.run("reassign owned by {} to {}", "reassign", name, heir)
    site.forget()  # who granted what is another now
    return Done(f"given to {heir}")


def drop_account(calls: WriteCalls, rules: Rules, change: Change, deadline: float) -> Outcome:
    """Drops a login role for good: in every database what it owns is handed on and what it was granted revoked, then
    the role goes."""
    return drop_login(calls, rules, change.address.object, deadline)


def drop_login(calls: WriteCalls, rules: Rules, login: str, deadline: float) -> Outcome:
    """The same by name."""
    with calls.transaction(rules.main, deadline) as session:
        site = site_of(calls, session, rules, rules.main)
        role = _switched_off(site, login)
        if not isinstance(role, Role):
            return role
        theirs = logins_of(site, login)
        every = [*(r.name for r in theirs), login]
        rows = session.rows(queries.DEPENDS, {"roles": [role.oid, *(r.oid for r in theirs)]})
        owns = sorted({name for _, name, kind, _ in rows if kind == "o"})
        elsewhere = sorted({name for _, name, _, _ in rows if name and name not in rules.databases})
        if elsewhere:
            told = f"{login} still owns or holds something in {listed(elsewhere)}, which `databases` does not name"
            return Refused(told)
        if owns and rules.heir is None:
            told = f"{login} still owns objects ({listed(n or 'shared' for n in owns)}), and the target does not say"
            return Refused(f"{told} `reassign_to`")
        touched = [name for name in rules.databases if any(name == row[1] for row in rows)]
    for database in dict.fromkeys([*touched, rules.main]):
        with calls.transaction(database, deadline) as session:
            site = site_of(calls, session, rules, database)
            if site.role(login) is None:
                return AlreadySo("it is not there")
            for name in every:
                with _rights_of(site, name):
                    if owns and rules.heir is not None:
                        site.run("reassign owned by {} to {}", "reassign", name, rules.heir)
                    site.run("drop owned by {}", "drop owned", name)
            if database == rules.main and set(touched) <= {rules.main}:
                return _drop(site, every)
    with calls.transaction(rules.main, deadline) as session:
        return _drop(site_of(calls, session, rules, rules.main), every)


def _switched_off(site: Site, login: str) -> Role | Outcome:
    """The role, where it is there and nobody can log in with it; else what is to be said of it."""
    role = site.role(login)
    if role is None:
        return AlreadySo("it is not there")
    if role.logs_in:
        return Refused(f"{login} can log in: somebody has switched it on again", moved=True)
    return role


def drop_with_all(calls: WriteCalls, rules: Rules, login: str, deadline: float) -> Outcome:
    """Drops the login of a run with what it made, in every database there is. Large objects, which are only data, are
    handed on. What others built on it stops that: then nothing is done in that database."""
    with calls.transaction(rules.main, deadline) as session:
        site = site_of(calls, session, rules, rules.main)
        role = _switched_off(site, login)
        if not isinstance(role, Role):
            return role
        data = [name for (name,) in session.rows(_LARGE_OBJECTS_IN, (role.oid,))]
        if data and rules.heir is None:
            told = f"{login} still owns large objects ({listed(data)}), and the target does not say `reassign_to`"
            return Refused(told)
        if data and site.role(rules.heir or "") is None:
            raise gone(f"there is no role {rules.heir} to give them to", "reassign")
        touched = {name for _, name, _, _ in session.rows(queries.DEPENDS, {"roles": [role.oid]}) if name}
    for database in sorted(touched - {rules.main}):
        with calls.transaction(database, deadline) as session:
            site = site_of(calls, session, rules, database)
            if site.role(login) is None:  # several may be at it: the run itself, the next one, `expire`
                return AlreadySo("it is not there any more")
            _drop_owned(site, login)
    with calls.transaction(rules.main, deadline) as session:
        site = site_of(calls, session, rules, rules.main)
        if site.role(login) is None:
            return AlreadySo("it is not there any more")
        _drop_owned(site, login)
        return _drop(site, [login])


def _drop_owned(site: Site, login: str) -> None:
    with _rights_of(site, login):
        for (oid,) in site.session.rows(_LARGE_OBJECTS, (login,)):
            assert site.rules.heir is not None
            site.run("alter large object {oid} owner to {}", "reassign", site.rules.heir, oid=oid)
        site.run("drop owned by {}", "drop owned", login)


@contextmanager
def _rights_of(site: Site, login: str) -> Iterator[None]:
    """Whoever is no superuser must have the rights of a role to give away what it owns: for these statements only."""
    (has,) = site.session.rows("select pg_has_role(current_user, %s, 'usage')", (login,))[0]
    if has:
        yield
        return
    options = " with inherit true, set false" if site.version >= BY_MEMBERSHIP else ""
    site.run("grant {} to {}" + options, "grant", login, site.me)
    yield
    site.run("revoke {} from {}", "revoke", login, site.me)


def _drop(site: Site, names: Iterable[str]) -> Outcome:
    for name in names:
        hand_over_memberships(site, name)
        site.run("drop role {}", "drop role", name)
    return Done("what it owned was handed on, and it is dropped")


def site_of(calls: WriteCalls, session: Session, rules: Rules, database: str) -> Site:
    """The shared part of an open transaction."""
    _, version, me, now, _ = calls.identity(session)
    return Site(session, rules, database, now, version, me)
