"""Logins of runs, as they are in the cluster: which there are, and how one is ended. Makes none, and touches no other
login.
"""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.contract import ProviderError, Refused, Trouble
from provisioner.model.mark import owner8
from provisioner.providers.postgresql import names
from provisioner.providers.postgresql.calls import Session, WriteCalls
from provisioner.providers.postgresql.grants import leave
from provisioner.providers.postgresql.names import OfRun
from provisioner.providers.postgresql.owned import drop_with_all, site_of
from provisioner.providers.postgresql.site import Rules, Site

_RUNS = """
select r.rolname::text, shobj_description(r.oid, 'pg_authid') from pg_roles r
 where r.rolname like 'run!_%' escape '!' and shobj_description(r.oid, 'pg_authid') like 'provision/1 run %'
 order by 1"""


def all_runs(session: Session, rules: Rules) -> Iterator[OfRun]:
    """Those that carry our mark."""
    for name, comment in session.rows(_RUNS):
        found = names.run_of(name, comment)
        if found is not None and found.owner == owner8(rules.owner):
            yield found


def end_run(calls: WriteCalls, rules: Rules, name: str, deadline: float) -> None:
    """No new session, the open ones ended, out of every role, the login dropped. ProviderError where one of these did
    not work."""
    with calls.transaction(rules.main, deadline) as session:
        site = site_of(calls, session, rules, rules.main)
        if not _is_run(site, name):
            return
        site.run("alter role {} nologin", "alter role", name)
    session = calls.session(rules.main)
    with session.within(deadline):
        try:
            oids = [oid for (oid,) in session.rows("select oid::int8 from pg_roles where rolname = %s", (name,))]
            session.terminate(oids, name, deadline)
        finally:
            session.rollback()
    with calls.transaction(rules.main, deadline) as session:  # whatever of it may stay, it has no rights
        site = site_of(calls, session, rules, rules.main)
        for group in site.groups(name):
            leave(site, group, name, ())
    try:
        outcome = drop_with_all(calls, rules, name, deadline)
    except ProviderError as error:
        if error.trouble is not Trouble.CONFLICT:
            raise
        outcome = Refused(f"others need what it made: {error}")
    if isinstance(outcome, Refused):
        raise ProviderError(Trouble.CONFLICT, f"nobody can log in as {name}, but {outcome.why}", call="drop role")


def end_runs_of(calls: WriteCalls, rules: Rules, login: str, deadline: float) -> None:
    """Whoever is cut off has no run of theirs go on."""
    session = calls.session(rules.main)
    with session.within(deadline):
        try:
            found = [one.role for one in all_runs(session, rules) if login in one.logins]
        finally:
            session.rollback()
    for name in found:
        end_run(calls, rules, name, deadline)


def _is_run(site: Site, name: str) -> bool:
    """Whether it is there; ProviderError where it is, and is no login of a run of ours."""
    role = site.role(name)
    if role is None:
        return False
    note = names.run_of(name, role.comment)
    if note is None or note.owner != owner8(site.rules.owner):
        raise ProviderError(Trouble.DENIED, f"{name} is not a login that a run was given", call="end")
    return True
