"""What a person should know of a cluster and no plan line says: what everybody may do, and whose new tables nobody
covers. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.instant import Instant, format_instant
from provisioner.providers.postgresql.convert import Cluster, is_sequence_privilege
from provisioner.providers.postgresql.rows import Acl, Relation

DEFAULTS = frozenset({("database", "", "CONNECT"), ("database", "", "TEMPORARY"), ("schema", "public", "USAGE")})
"""Kind, schema and privilege of what everybody has from the start: told in one line, not as resources."""


def of_everybody(target: str, database: str | None, cluster: Cluster, rows: Sequence[Acl]) -> Iterator[Diagnostic]:
    """What PUBLIC may do in a database, or (None) in the whole cluster. CONNECT and TEMPORARY are the server's default,
    and one note."""
    mine = [r for r in rows if r.grantee == 0]
    default = sorted({r.privilege for r in mine if r.kind == "database"})
    given = [r for r in mine if (r.kind, r.schema, r.privilege) not in DEFAULTS]
    if given:
        told = sorted({f"{r.privilege.lower()} on {_place(cluster, database, r)}" for r in given})
        more = f" and {len(told) - 5} more" if len(told) > 5 else ""
        whom = f"everybody who can connect to {database}" if database is not None else "everybody"
        yield Diagnostic(
            "postgresql-public",
            f"on {target} {whom} may {'; '.join(told[:5])}{more}",
            Severity.WARNING,
            why="PUBLIC is every role there is, also those that these files never heard of",
            fix="revoke it from PUBLIC, and give it by a role; or say `ignore` for each of these with an owner",
            target=target,
        )
    if "CONNECT" in default:
        yield Diagnostic(
            "postgresql-connect",
            f"on {target} every role may connect to {database}"
            + (" and make temporary tables there" if "TEMPORARY" in default else ""),
            Severity.NOTE,
            why="that is PostgreSQL's default, and holds until somebody revokes it",
            fix=f"REVOKE ALL ON DATABASE {database} FROM PUBLIC; whoever is given a dataset may connect all the same",
            target=target,
        )


def _place(cluster: Cluster, database: str | None, row: Acl) -> str:
    return cluster.place(database or cluster.main, row)[0].replace("!", "")


def of_creators(
    target: str,
    cluster: Cluster,
    relations: Mapping[str, Sequence[Relation]],
    creators: Mapping[str | None, Sequence[str]],
) -> Iterator[Diagnostic]:
    """Schemas that are given whole, with tables of an owner whose next table nobody would be given."""
    datasets = {r.dataset.thing: r.dataset for r in cluster.roles.values() if r.dataset is not None}
    for thing in sorted((t for t in datasets if t.everything), key=lambda t: t.text(cluster.main)):
        owners = {
            cluster.name_of(r.owner)
            for r in relations.get(thing.database, ())
            if r.schema == thing.schema and (r.kind == "S") is is_sequence_privilege(datasets[thing].privilege)
        }
        path = thing.text(cluster.main)
        missing = sorted(owners - set(creators.get(path, creators.get(None, ()))))
        if missing:
            yield Diagnostic(
                "postgresql-creators",
                f"on {target} `{path}` does not cover tables that {_listed(missing)} will make",
                Severity.WARNING,
                why="PostgreSQL gives rights on tables to come only for those that a named role makes",
                fix="name them under `creators` of the target",
                target=target,
            )


def of_runs(target: str, cluster: Cluster, now: Instant) -> Iterator[Diagnostic]:
    """Logins of runs that are still there after their end."""
    for role in sorted(cluster.roles.values(), key=lambda r: r.name):
        if role.run is not None and role.run.ends <= now:
            yield Diagnostic(
                "run-left-over",
                f"on {target} the login {role.name} of a run for {role.run.person} is over and still there",
                Severity.WARNING,
                why=f"it was to end at {format_instant(role.run.ends)}, and nobody logs in as it since; sessions that "
                "were open then may be",
                fix="provision expire (or the next `provision run`) ends its sessions and drops it",
                target=target,
            )


def _listed(found: Iterable[str]) -> str:
    listed = list(found)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
