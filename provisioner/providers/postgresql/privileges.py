"""Privileges that somebody granted directly, taken from whoever holds them: each as the one who granted it."""

from __future__ import annotations

from collections.abc import Collection

from psycopg import sql

from provisioner.contract import AlreadySo, Done, Outcome
from provisioner.model.change import Change
from provisioner.model.principal import PrincipalKind
from provisioner.providers.postgresql import queries
from provisioner.providers.postgresql.convert import Cluster
from provisioner.providers.postgresql.rows import Acl, Role
from provisioner.providers.postgresql.site import Site


def take_privileges(site: Site, change: Change, by: Collection[str]) -> Outcome:
    """Each as whoever granted it: the server takes back what the current role granted, and warns of the rest."""
    who = change.address.principal
    everybody = who is not None and who.kind is PrincipalKind.EVERYONE
    grantee = site.role(who.id) if who is not None and not everybody else None
    if grantee is None and not everybody:
        return AlreadySo("the role is not there")
    oid = grantee.oid if grantee is not None else 0
    cluster = Cluster(site.rules.target, site.rules.main, site.version, site.me, {}, [])
    place = (change.address.object, change.address.slot)
    rows = [r for r in site.granted(oid) if cluster.place(site.database, r) == place]
    done = []
    for row in rows:
        grantor = site.name_of(row.grantor)
        if by and grantor not in by:
            continue
        _revoke(site, row, grantee, grantor)
        done.append(grantor or "?")
    return Done(f"granted by {', '.join(done)}") if done else AlreadySo("it is not there")


def _revoke(site: Site, row: Acl, grantee: Role | None, grantor: str | None) -> None:
    on, more = _object_of(row)
    holder = sql.Identifier(grantee.name) if grantee is not None else sql.SQL("public")
    word: sql.Composable = sql.SQL(row.privilege.lower())
    if row.kind == "column":
        word = sql.SQL("{} ({})").format(word, sql.Identifier(row.more))
    if row.kind == "future":
        text = "alter default privileges for role {creator}{schema} revoke {word} on {plural} from {holder}"
        site.run(text, "default privileges", creator=sql.Identifier(row.name), schema=more, word=word, plural=on,
                 holder=holder)  # fmt: skip
        return
    if row.grantable and grantee is not None:
        _hand_over(site, row, grantee, on, word)
    cascade = sql.SQL(" cascade" if row.grantable else "")
    as_owner = row.grantor == row.owner
    with site.acting_as(None if as_owner else grantor):
        site.run("revoke {word} on {on} from {holder}{cascade}", "revoke", word=word, on=on, holder=holder,
                 cascade=cascade)  # fmt: skip


def _hand_over(site: Site, row: Acl, grantee: Role, on: sql.Composable, word: sql.Composable) -> None:
    """What the holder gave on to others is given again by the owner, before it goes with them."""
    for other in map(Acl._make, site.session.rows(queries.PRIVILEGES, {"grantees": None})):
        same = (other.kind, other.oid, other.more, other.privilege) == (row.kind, row.oid, row.more, row.privilege)
        if not same or other.grantor != grantee.oid:
            continue
        name = site.name_of(other.grantee) if other.grantee else None
        holder = sql.Identifier(name) if name is not None else sql.SQL("public")
        option = sql.SQL(" with grant option" if other.grantable else "")
        site.run("grant {word} on {on} to {holder}{option}", "grant", word=word, on=on, holder=holder, option=option)


def _object_of(row: Acl) -> tuple[sql.Composable, sql.Composable]:
    """What stands after ON, and for future objects where they are made."""
    name = sql.Identifier(row.name)
    inside = sql.Identifier(row.schema, row.name)
    match row.kind:
        case "relation":
            return sql.SQL("sequence {}" if row.more == "S" else "table {}").format(inside), sql.SQL("")
        case "column":
            return sql.SQL("table {}").format(inside), sql.SQL("")
        case "schema":
            return sql.SQL("schema {}").format(sql.Identifier(row.schema)), sql.SQL("")
        case "function":  # the server writes and quotes the arguments itself
            return sql.SQL("routine {}({})").format(inside, sql.SQL(row.more)), sql.SQL("")
        case "type":
            return sql.SQL("type {}").format(inside), sql.SQL("")
        case "large object":
            return sql.SQL("large object {}").format(sql.Literal(row.oid)), sql.SQL("")
        case "parameter":
            return sql.SQL("parameter {}").format(sql.Identifier(*row.name.split("."))), sql.SQL("")
        case "future":
            plural = {
                "r": "tables",
                "S": "sequences",
                "f": "routines",
                "T": "types",
                "n": "schemas",
                "L": "large objects",
            }
            where = sql.SQL(" in schema {}").format(sql.Identifier(row.schema)) if row.schema else sql.SQL("")
            return sql.SQL(plural.get(row.more, "tables")), where
    keyword = {"database": "database", "language": "language", "wrapper": "foreign data wrapper",
               "server": "foreign server", "tablespace": "tablespace"}[row.kind]  # fmt: skip
    return sql.SQL(keyword + " {}").format(name), sql.SQL("")
