"""Names: what a dataset's path means, what a role may be called, and what we write into comments. Pure.

A path is `[database/]schema[.relation[.column]]`; `schema.*` is every relation of a schema, `database/` the database
itself. Names are kept as they are written, never folded; one that holds a dot, a slash, a star, a quote or a space
stands in double quotes, as in SQL.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.model.mark import Mark, looks_like_mark

OWNER = "owner"
LONGEST = 63
"""Bytes of a name; the server cuts a longer one silently."""

_PART = re.compile(r'"((?:[^"]|"")+)"|([^./"*!\s]+)|(\*)')
_PLAIN = re.compile(r'[^./"*!\s]+\Z')
_TABLE = frozenset({"select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain", "usage"})
_COLUMN = frozenset({"select", "insert", "update", "references"})
_SCHEMA = frozenset({"usage", "create"})
_DATABASE = frozenset({"connect", "temporary", "create"})
PRIVILEGES = _TABLE | _SCHEMA | _DATABASE
MAKES = frozenset({"create", "trigger"})
"""With these somebody leaves behind what works with the rights of others: functions, views, triggers."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What a path means. Without a schema it is the database; `everything` is all relations of the schema, now and to
    come; `column` is one of a relation."""

    database: str
    schema: str | None = None
    relation: str | None = None
    column: str | None = None
    everything: bool = False

    def text(self, default: str) -> str:
        """The one way to write it where bare paths mean the database `default`."""
        if self.schema is None:
            return f"{quoted(self.database)}/"
        parts = [quoted(p) for p in (self.schema, self.relation, self.column) if p is not None]
        prefix = "" if self.database == default else f"{quoted(self.database)}/"
        return prefix + ".".join(parts + (["*"] if self.everything else []))

    @property
    def privileges(self) -> frozenset[str]:
        """What there is to be had of it."""
        if self.schema is None:
            return _DATABASE
        if self.column is not None:
            return _COLUMN
        return _TABLE if self.relation is not None or self.everything else _SCHEMA

    def covers(self, other: Thing, privilege: str) -> bool:
        """Whether whoever has `privilege` on this has it on `other`: all tables of a schema cover each of them, a table
        covers its columns."""
        if self == other:
            return True
        if (self.database, self.schema) != (other.database, other.schema) or other.relation is None:
            return False
        if other.column is not None and privilege not in _COLUMN:
            return False
        return self.everything or (self.column is None and self.relation == other.relation)

    def overlaps(self, other: Thing) -> bool:
        """Whether one is a part of the other, or they are the same."""
        if self.database != other.database:
            return False
        for mine, theirs in ((self.schema, other.schema), (self.relation, other.relation)):
            if mine is None or theirs is None:
                return True
            if mine != theirs:
                return False
        return self.column is None or other.column is None or self.column == other.column


def parse(text: str, default: str) -> Thing:
    """The inverse of `text`; ValueError says what is wrong."""
    database, rest = default, text
    first = _PART.match(text)
    if first is not None and text[first.end() : first.end() + 1] == "/":
        database, rest = _name(first), text[first.end() + 1 :]
        if not rest:
            return Thing(database)
    parts = list(_parts(rest))
    if not 1 <= len(parts) <= 3 or parts[0] is None or (len(parts) == 3 and None in parts):
        raise ValueError("a path is `schema.table`, `schema.*`, `schema` or `schema.table.column`")
    if len(parts) == 1:
        return Thing(database, parts[0])
    if parts[1] is None:
        return Thing(database, parts[0], everything=True)
    return Thing(database, parts[0], parts[1], parts[2] if len(parts) == 3 else None)


def _parts(text: str) -> Iterator[str | None]:
    at = 0
    while True:
        found = _PART.match(text, at)
        if found is None:
            raise ValueError("a part of it is empty, or a name with a dot, a slash, a star or a space has no quotes")
        yield None if found[3] else _name(found)
        at = found.end()
        if at == len(text):
            return
        if text[at] != ".":
            raise ValueError(f"`{text[at]}` cannot follow a name there")
        at += 1


def _name(found: re.Match[str]) -> str:
    if found[3]:
        raise ValueError("`*` stands for the tables of a schema, at the end")
    return found[1].replace('""', '"') if found[1] else found[2]


def quoted(name: str) -> str:
    """A name as a part of a path."""
    return name if _PLAIN.match(name) else '"' + name.replace('"', '""') + '"'


def why_not(name: str, what: str) -> str | None:
    """Why `name` cannot be a role's, in words."""
    if not name:
        return f"{what} cannot have an empty name"
    if "\0" in name:
        return f"{what} cannot have a name with a NUL in it"
    if len(name.encode()) > LONGEST:
        return f"`{name}` is longer than {LONGEST} bytes, and the server would cut it without a word"
    if name in ("public", "none") or (name.startswith("pg_") and name not in PREDEFINED):
        return f"`{name}` is a name that PostgreSQL keeps for itself"
    return None


ADMIN_ROLES = frozenset({"pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"})
"""Whoever is in one of these can become the superuser."""
_STRONG = frozenset(
    {"pg_read_all_data", "pg_write_all_data", "pg_signal_backend", "pg_checkpoint", "pg_maintain",
     "pg_use_reserved_connections", "pg_create_subscription", "pg_signal_autovacuum_worker", "pg_database_owner"}
)  # fmt: skip
PREDEFINED = (
    ADMIN_ROLES
    | _STRONG
    | frozenset({"pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"})
)


def is_strong(group: str) -> bool:
    """Whether a predefined role gives more than looking at the server's statistics."""
    return group in _STRONG


# What is no dataset


@dataclass(frozen=True, slots=True)
class Other:
    """Something that no path names: `!function sales.total(integer)`, `!attribute`. `database` is None for what the
    whole cluster has."""

    database: str | None
    what: str

    def text(self, default: str) -> str:
        return f"!{self.what}" if self.database in (None, default) else f"{quoted(self.database or '')}/!{self.what}"


ATTRIBUTE = Other(None, "attribute").text("")
"""The object of a role's own attributes: `superuser` and the like, in the slot."""
_OTHER = re.compile(r'(?:("(?:[^"]|"")+"|[^./"*!\s]+)/)?!(.*)\Z', re.DOTALL)


def database_of(thing: str, default: str) -> str:
    """The database in which an address's object is changed; what has none is changed from the default one."""
    found = _OTHER.match(thing)
    if found is not None:
        return parse(f"{found[1]}/", default).database if found[1] else default
    try:
        return parse(thing, default).database
    except ValueError:
        return default


def is_other(thing: str) -> bool:
    return _OTHER.match(thing) is not None


# Dataset roles

INTACT: Mapping[str, Any] = {"intact": True}
"""Attributes of a grant: what it hangs on holds what it stands for. Who is in a dataset role that lost some of that
still has the grant, because it comes back with what was lost."""
BROKEN: Mapping[str, Any] = {"intact": False}
UNREAD = frozenset({"intact", "creators", "not_covered"})
"""What is not known of a grant in a database that was not read."""


def dataset_role(owner: str | None, thing: Thing, privilege: str) -> str:
    """The name of the role that holds this privilege on this thing and nothing else: by a digest, because a readable
    name may be too long; what can be read of it is for people."""
    whole = "\0".join([owner or "", thing.text(""), privilege])
    digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    parts = (thing.schema or thing.database, thing.relation or ("all" if thing.everything else ""), thing.column or "")
    told = "_".join(re.sub(r"[^a-z0-9]+", "_", p.lower()) for p in parts if p)
    return f"ds_{digest}_{privilege}_{told}"[:LONGEST].rstrip("_")


_DATASET = re.compile(r"provision/1 dataset(?: o=([a-z0-9]{1,8}))? ([a-z]+) on (.+)\Z", re.DOTALL)
_CUT = "provision: no sessions"
_ENDS = re.compile(r"provision: ends (\S+)\Z")
_BEFORE = re.compile(r"provision: before(?: ends (?P<end>\S+))?(?: limit (?P<limit>[0-9]+))?\Z")


def dataset_comment(owner: str | None, thing: Thing, privilege: str) -> str:
    """What makes a dataset role recognisable; with its name, which is made of the same."""
    return f"provision/1 dataset{f' o={owner}' if owner else ''} {privilege} on {thing.text('')}"


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a dataset role is for, and whose it is."""

    thing: Thing
    privilege: str
    owner: str | None


def dataset_of(role: str, comment: str | None) -> Dataset | None:
    """What the role `role` with this comment is for; None where it is not a dataset role, or only pretends."""
    found = _DATASET.match(comment or "")
    if found is None:
        return None
    try:
        thing = parse(found[3], "")
    except ValueError:
        return None
    if dataset_role(found[1], thing, found[2]) != role or found[2] not in thing.privileges:
        return None
    return Dataset(thing, found[2], found[1])


# Logins of services


@dataclass(frozen=True, slots=True)
class Login:
    """What the comment of a login says that we made for a service: which of its turns (`a`, `b`), and the public id and
    time of the password that it has now."""

    turn: str
    owner: str | None
    id: str | None = None
    made: Instant | None = None

    def text(self, words: Iterable[str] = ()) -> str:
        """The comment; `words` are what people wrote there."""
        owner = f" o={self.owner}" if self.owner else ""
        password = f" {self.id} {format_instant(self.made)}" if self.id and self.made else ""
        return "\n".join([*words, f"provision/1 login{owner} {self.turn}{password}"])


TURNS = ("a", "b")
_LOGIN = re.compile(
    r"provision/1 login(?: o=(?P<owner>[a-z0-9]{1,8}))? (?P<turn>[ab])(?: (?P<id>[ab]-[0-9a-f]{16}) (?P<made>\S+))?\Z"
)


def login_of(comment: str | None) -> Login | None:
    """What a comment says of a login of a service; None for any other, and where two lines contradict each other."""
    found = [m for line in (comment or "").split("\n") if (m := _LOGIN.match(line)) is not None]
    if len(found) != 1:
        return None
    made = _instant(found[0]["made"] or "")
    return Login(found[0]["turn"], found[0]["owner"], found[0]["id"] if made is not None else None, made)


def login_name(account: str, turn: str) -> str:
    """`report_bot_a`; `ValueError` where the server would cut it."""
    name = f"{account}_{turn}"
    told = why_not(name, "a login")
    if told is not None:
        raise ValueError(told)
    return name


# Comments on accounts


@dataclass(frozen=True, slots=True)
class Noted:
    """What a role's comment says: our mark, the end that we gave the role, what people wrote. `foreign` is a line of
    our shape that cannot be read; `cut` says that the limit of no sessions is ours. `theirs` and `limit` are an end and
    a limit of sessions that others had set before it was switched off, and that come back with it."""

    mark: Mark | None = None
    ends: Instant | None = None
    words: tuple[str, ...] = ()
    foreign: str | None = None
    cut: bool = False
    theirs: Instant | None = None
    limit: int | None = None

    def text(self) -> str | None:
        """The comment; None for none."""
        lines = list(self.words)
        if self.foreign is not None:
            lines.append(self.foreign)
        if self.mark is not None:
            lines.append(str(self.mark))
        if self.ends is not None:
            lines.append(f"provision: ends {format_instant(self.ends)}")
        if self.cut:
            lines.append(_CUT)
        if self.theirs is not None or self.limit is not None:
            end = f" ends {format_instant(self.theirs)}" if self.theirs is not None else ""
            lines.append(f"provision: before{end}" + (f" limit {self.limit}" if self.limit is not None else ""))
        return "\n".join(lines) or None

    def with_mark(self, key: str, owner: str | None, since: Instant | None = None) -> Noted:
        return replace(self, mark=Mark(key, owner, since), foreign=None)


def noted(comment: str | None) -> Noted:
    """A comment, taken apart."""
    marks: list[Mark] = []
    ends: Instant | None = None
    words: list[str] = []
    foreign: str | None = None
    cut, theirs, limit = False, None, None
    for line in comment.split("\n") if comment else ():
        mark, found, before = Mark.parse(line), _ENDS.match(line), _BEFORE.match(line)
        if mark is not None:
            marks.append(mark)
        elif looks_like_mark(line):
            foreign = line
        elif found is not None:
            ends = _instant(found[1])
        elif line == _CUT:
            cut = True
        elif before is not None:
            theirs = _instant(before["end"] or "")
            limit = int(before["limit"]) if before["limit"] else None
        else:
            words.append(line)
    if len(marks) > 1:  # nobody can tell which one counts
        foreign, marks = str(marks[-1]), []
    return Noted(marks[0] if marks else None, ends, tuple(words), foreign, cut, theirs, limit)


def _instant(text: str) -> Instant | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None


# Logins of runs


@dataclass(frozen=True, slots=True)
class OfRun:
    """What the comment of a run's login says. It is shown and ended as one; nobody is let in by it. `logins` are the
    accounts of all who set the run going."""

    run: str
    owner: str | None
    person: str
    pipeline: str
    logins: tuple[str, ...]
    ends: Instant

    @property
    def role(self) -> str:
        return run_role(self.run)

    def text(self) -> str:
        """The comment."""
        owner = f" o={self.owner}" if self.owner else ""
        logins = ",".join(quote(login, safe="") for login in self.logins)
        names = f"k={self.person} p={quote(self.pipeline, safe='')} l={logins}"
        return f"provision/1 run {self.run}{owner} {names} ends {format_instant(self.ends)}"


_RUN = re.compile(r"provision/1 run ([a-z0-9]{1,16})(?: o=([a-z0-9]{1,8}))? k=(\S+) p=(\S*) l=(\S+) ends (\S+)\Z")
RUNS = "run_"
"""What the names of runs' logins begin with."""


def run_role(run: str) -> str:
    """The login of a run."""
    return f"{RUNS}{run}"


def run_of(role: str, comment: str | None) -> OfRun | None:
    """Of which run the login `role` is; None where it is of none, or only pretends."""
    found = _RUN.match(comment or "")
    ends = _instant(found[6]) if found is not None else None
    if found is None or ends is None or run_role(found[1]) != role:
        return None
    logins = tuple(unquote(login) for login in found[5].split(","))
    return OfRun(found[1], found[2], found[3], unquote(found[4]), logins, ends)
