"""Memberships and privileges: a privilege is given by putting somebody into the dataset role that holds it, and nothing
else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from psycopg import sql

from provisioner.contract import AlreadySo, Done, Outcome, Refused
from provisioner.model.change import Action, Change
from provisioner.model.mark import owner8
from provisioner.providers.postgresql import names
from provisioner.providers.postgresql.convert import is_sequence_privilege
from provisioner.providers.postgresql.logins import logins_of
from provisioner.providers.postgresql.names import ATTRIBUTE, Thing
from provisioner.providers.postgresql.privileges import take_privileges
from provisioner.providers.postgresql.site import BY_MEMBERSHIP, Site, gone

NOBODY = "it has no holder"


def change_group(site: Site, change: Change) -> Outcome:
    """A role that nobody logs in as."""
    name = change.address.object
    if change.action is Action.RELEASE:
        return Done("left as it is")
    if change.action is not Action.CREATE:
        return Refused(f"a role is not {change.action.value}d here")
    known = site.role(name)
    if known is not None and known.dataset is not None:
        return Refused(f"`{name}` is a dataset role: say what is to be given under `datasets`")
    if known is not None and known.is_account and not site.members(name) - _of_its_own(site, name):
        return Refused(f"`{name}` is there and can log in, and nobody is in it: that is an account; take another name")
    if known is not None:
        return AlreadySo(f"there is a role {name}")
    site.create(name, "nologin")
    return Done()


def _of_its_own(site: Site, account: str) -> set[str]:
    """Who is in an account without being put there: its own logins, and from 16 on whoever made it."""
    return {login.name for login in logins_of(site, account)} | {site.me}


def change_membership(site: Site, change: Change) -> Outcome:
    """Who is in a role."""
    who = change.address.principal
    if who is None:
        return Refused(NOBODY)
    if change.action is Action.CREATE:
        return join(site, change.address.object, who.id)
    return leave(site, change.address.object, who.id, [w.native_id.removeprefix("member by ") for w in change.ways])


def join(site: Site, role: str, member: str) -> Outcome:
    """Puts `member` into `role`: for its privileges, not to become it, and not to let others in."""
    if not site.exists(role):
        raise gone(f"there is no role {role}", "grant")
    if member in site.members(role):
        return AlreadySo(f"{member} is in {role}")
    options = " with admin false, inherit true, set false" if site.version >= BY_MEMBERSHIP else ""
    site.run("grant {} to {}" + options, "grant", role, member)
    site.members(role).add(member)
    return Done()


def leave(site: Site, role: str, member: str, by: Collection[str]) -> Outcome:
    """Takes `member` out of `role`, once for each grantor in `by` who has them there; without any, for all."""
    rows = site.grantors(role, member)
    site.has_left(role, member)
    meant = [g for g in rows if not by or (g or "") in by or g is None]
    if not meant:
        return AlreadySo(f"{member} is not in {role}" if not rows else "none of the memberships meant is there")
    if site.version < BY_MEMBERSHIP:
        site.run("revoke {} from {}", "revoke", role, member)
        return Done(f"{member} taken out of {role}")
    for grantor in meant:
        if grantor is None:
            site.run("revoke {} from {} cascade", "revoke", role, member)
            continue
        hand_over_memberships(site, member, role)
        site.run("revoke {} from {} granted by {} cascade", "revoke", role, member, grantor)
    return Done(f"{member} taken out of {role}, granted by {', '.join(g or '?' for g in meant)}")


def hand_over_memberships(site: Site, grantor: str, role: str | None = None) -> None:
    """What `grantor` gave to others is given again, by us, so that it does not go with them. Before 16 it does not
    hang on the grantor."""
    if site.version < BY_MEMBERSHIP:
        return
    for held, member, admin, inherit, may_set in site.made_by(grantor):
        if role is not None and held != role:
            continue
        values = {"admin": admin, "inherit": inherit is not False, "set": may_set is not False}
        words = {k: sql.SQL("true" if v else "false") for k, v in values.items()}
        text = "grant {} to {} with admin {admin}, inherit {inherit}, set {set}"
        site.run(text, "grant", held, member, **words)
        site.run("revoke {} from {} granted by {} cascade", "revoke", held, member, grantor)


def change_grant(site: Site, change: Change) -> Outcome:
    """A privilege on a dataset, an attribute of a role, or something else that was granted by hand."""
    address = change.address
    who = address.principal
    if who is None or address.slot is None:
        return Refused(NOBODY)
    if address.object == ATTRIBUTE:
        return _take_attribute(site, change)
    if change.action in (Action.CREATE, Action.UPDATE):
        return _give(site, change)
    outcome: Outcome = AlreadySo("it is not there")
    datasets = [w.native_id.removeprefix("dataset by ") for w in change.ways if w.native_id.startswith("dataset by ")]
    if datasets or not change.ways:
        thing = _thing(site, change)
        for role in dataset_roles(site, thing, address.slot, who.id) if thing is not None else ():
            left = leave(site, role, who.id, datasets)
            outcome = left if isinstance(left, Done) else outcome
    direct = [w.native_id.removeprefix("privilege by ") for w in change.ways if w.native_id.startswith("privilege by ")]
    if direct or not change.ways:
        taken = take_privileges(site, change, direct)
        outcome = taken if isinstance(taken, Done) else outcome
    return outcome


def _thing(site: Site, change: Change) -> Thing | None:
    if names.is_other(change.address.object):
        return None
    return names.parse(change.address.object, site.rules.main)


def dataset_roles(site: Site, thing: Thing, privilege: str, member: str) -> list[str]:
    """The dataset roles of exactly this that `member` is in, but for another owner's."""
    return [name for name, dataset in site.datasets(member) if (dataset.thing, dataset.privilege) == (thing, privilege)]


def _take_attribute(site: Site, change: Change) -> Outcome:
    who, power = change.address.principal, change.address.slot
    words = {"superuser": "nosuperuser", "createrole": "nocreaterole", "createdb": "nocreatedb",
             "replication": "noreplication", "bypassrls": "nobypassrls"}  # fmt: skip
    if change.action is not Action.REVOKE or who is None or power not in words:
        return Refused("attributes of roles are only taken away here")
    role = site.role(who.id)
    if role is None or power not in role.powers:
        return AlreadySo("it is not there")
    site.run("alter role {} {word}", "alter role", who.id, word=sql.SQL(words[power]))
    return Done()


# Giving


def _give(site: Site, change: Change) -> Outcome:
    who, privilege = change.address.principal, change.address.slot
    thing = _thing(site, change)
    if thing is None or who is None or privilege is None or privilege not in thing.privileges:
        return Refused("only privileges on databases, schemas, tables and columns are given here")
    if not site.exists(who.id):
        raise gone(f"there is no role {who.id}", "grant")
    listed = (change.after or {}).get("creators")
    creators = tuple(map(str, listed)) if listed is not None else None
    role = names.dataset_role(owner8(site.rules.owner), thing, privilege)
    ensure_dataset(site, role, thing, privilege, creators)
    joined = join(site, role, who.id)
    return Done(f"by dataset role {role}") if isinstance(joined, AlreadySo) else joined


def ensure_dataset(site: Site, role: str, thing: Thing, privilege: str, creators: tuple[str, ...] | None) -> None:
    """The dataset role, holding what it stands for. Repeating a grant changes nothing. Without `creators` those of
    tables to come stay as they are."""
    if (role, creators) in site.ensured:
        return
    known = site.role(role)
    if known is None:
        site.create(role, "nologin")
    elif known.dataset is None and (known.logs_in or known.comment):
        raise gone(f"role {role} is there, and is not what its name says", "create role")
    if known is None or known.dataset is None:
        told = names.dataset_comment(owner8(site.rules.owner), thing, privilege)
        site.run("comment on role {} is {text}", "comment", role, text=told)
    word = sql.SQL(privilege)
    site.run("grant connect on database {} to {}", "grant", thing.database, role)
    if thing.schema is None:
        site.run("grant {word} on database {} to {}", "grant", thing.database, role, word=word)
    else:
        site.run("grant usage on schema {} to {}", "grant", thing.schema, role)
        _grant_inside(site, role, thing, word, creators)
    site.ensured.add((role, creators))


def _grant_inside(site: Site, role: str, thing: Thing, word: sql.SQL, creators: Iterable[str] | None) -> None:
    schema = thing.schema or ""
    if thing.column is not None:
        site.run("grant {word} ({}) on table {}.{} to {}", "grant", thing.column, schema, thing.relation or "", role,
                 word=word)  # fmt: skip
    elif thing.relation is not None:
        kind = sql.SQL("sequence" if word.as_string() == "usage" else "table")
        site.run("grant {word} on {kind} {}.{} to {}", "grant", schema, thing.relation, role, word=word, kind=kind)
    elif thing.everything:
        plural = sql.SQL("sequences" if is_sequence_privilege(word.as_string()) else "tables")
        site.run("grant {word} on all {plural} in schema {} to {}", "grant", schema, role, word=word, plural=plural)
        if creators is not None:
            _future(site, role, schema, word, plural, creators)
    else:
        site.run("grant {word} on schema {} to {}", "grant", schema, role, word=word)


_CREATORS = """
select r.rolname::text from pg_default_acl f join pg_roles r on r.oid = f.defaclrole
       join pg_namespace n on n.oid = f.defaclnamespace cross join lateral aclexplode(f.defaclacl) a
       join pg_roles g on g.oid = a.grantee
 where n.nspname = %(schema)s and g.rolname = %(role)s and lower(a.privilege_type) = %(privilege)s"""


def _future(site: Site, role: str, schema: str, word: sql.SQL, plural: sql.SQL, creators: Iterable[str]) -> None:
    """Tables to come: those that the creators make, and of nobody else."""
    values = {"schema": schema, "role": role, "privilege": word.as_string()}
    there = {row[0] for row in site.session.rows(_CREATORS, values)}
    wanted = set(creators)
    for creator in sorted(wanted - there):
        text = "alter default privileges for role {} in schema {} grant {word} on {plural} to {}"
        site.run(text, "default privileges", creator, schema, role, word=word, plural=plural)
    for creator in sorted(there - wanted):
        text = "alter default privileges for role {} in schema {} revoke {word} on {plural} from {}"
        site.run(text, "default privileges", creator, schema, role, word=word, plural=plural)
