"""The map: a table in which a person says whose the doubtful accounts are. Read with line numbers, written harmless.

Columns `target`, `login`, `person`, and `owners` where a new service is named; any others are for people to read. A
`person` is an id, `service:ID`, or `-` to leave the account alone; a row that says nothing settles nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from provisioner.adopt.found import Doubt
from provisioner.diagnostics import Diagnostic, Location, ProvisionError
from provisioner.load.fields import ID
from provisioner.model.identity import IdentityKind

NEEDED = ("target", "login", "person")
WRITTEN = (*NEEDED, "owners", "name", "email", "candidates", "why")
LARGEST = 16 * 1024 * 1024
_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "|", "%")
_ID = re.compile(ID.removesuffix("$") + r"\Z")


@dataclass(frozen=True, slots=True)
class Settled:
    """One row that says something."""

    target: str
    login: str
    id: str
    kind: IdentityKind
    owners: tuple[str, ...]
    place: Location

    @property
    def leave_alone(self) -> bool:
        return self.id == "-"

    def refuse(self, message: str, fix: str = "correct the row, or take it out") -> None:
        """Raises ProvisionError about this row."""
        raise ProvisionError(_wrong(self.place, message, fix))


def read_map(data: bytes, file: str, target: str) -> dict[str, Settled]:
    """The rows about `target`, by login. ProvisionError with everything that is wrong, each with its line."""
    rows = _rows(data, file)
    header = [h.strip().casefold() for h in next(rows, (1, []))[1]]
    missing = [name for name in NEEDED if name not in header]
    if missing:
        told = f"the map has no column {', '.join(f'`{m}`' for m in missing)}"
        fix = "the first line names the columns: target,login,person"
        raise ProvisionError(_wrong(Location(file, 1), told, fix))
    found: dict[str, Settled] = {}
    wrong: list[Diagnostic] = []
    for line, cells in rows:
        if not any(c.strip() for c in cells):
            continue
        place = Location(file, line)
        if len(cells) != len(header):
            told = f"the line has {len(cells)} cells, the header {len(header)}"
            wrong.append(_wrong(place, told, "put cells that hold a comma in quotes"))
            continue
        row = {name: _read(cell) for name, cell in zip(header, cells, strict=True)}
        made = _settled(row, place, wrong)
        if made is None or made.target != target:
            continue
        if made.login in found:
            told = f"`{made.login}` stands in the map twice (first in line {found[made.login].place.line})"
            wrong.append(_wrong(place, told, "leave one of the two"))
            continue
        found[made.login] = made
    if wrong:
        raise ProvisionError(*wrong)
    return found


def check_logins(settled: Mapping[str, Settled], live: Collection[str], target: str) -> None:
    """ProvisionError where the map names accounts that are not there: a slip, or a map of another day."""
    wrong = [
        _wrong(
            row.place, f"{target} has no account `{login}`", "write the login as the system has it, or take the row out"
        )
        for login, row in settled.items()
        if login not in live
    ]
    if wrong:
        raise ProvisionError(*wrong)


def check_owners(settled: Iterable[Settled], people: Collection[str], roles: Collection[str]) -> None:
    """ProvisionError where the map names owners whom the files would not know: people, or holders of a role."""
    wrong = []
    for row in settled:
        for owner in row.owners:
            word, colon, role = owner.partition(":")
            if role in roles if colon and word == "role" else owner in people:
                continue
            near = get_close_matches(role if colon else owner, sorted(roles if colon else people), 1)
            mean = f"; did you mean `{'role:' if colon else ''}{near[0]}`?" if near else ""
            told = f"`{owner}` under `owners` is {'no role' if colon else 'nobody'} that the files have, or would have"
            wrong.append(_wrong(row.place, told, f"name people by their ids, or `role:NAME`{mean}"))
    if wrong:
        raise ProvisionError(*wrong)


def write_map(target: str, doubts: Iterable[Doubt]) -> str:
    """The doubtful accounts as a table to fill in. No cell of it is a formula to a spreadsheet."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(WRITTEN)
    for doubt in doubts:
        facts = doubt.account.facts
        name, email = (facts.name or "", facts.email or "") if facts is not None else ("", "")
        cells = (target, doubt.account.address.object, "", "", name, email, " ".join(doubt.candidates), doubt.why)
        table.writerow([_harmless(c) for c in cells])
    return out.getvalue()


def _rows(data: bytes, file: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells. A byte order mark, and semicolons for commas, are what spreadsheets write."""
    if len(data) > LARGEST:
        raise ProvisionError(_wrong(Location(file), "the map is larger than 16 MiB", "split it"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ProvisionError(_wrong(Location(file, line), "the map is not UTF-8", "save it as CSV UTF-8")) from None
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in table:
            yield line, cells
            line = table.line_num + 1
    except csv.Error as error:
        raise ProvisionError(
            _wrong(Location(file, line), f"the line cannot be read: {error}", "check its quotes")
        ) from None


def _settled(row: Mapping[str, str], place: Location, wrong: list[Diagnostic]) -> Settled | None:
    """What a row says; None (and told) where it says nothing, or nothing that can be understood."""
    target, login, person = (row[name] for name in NEEDED)
    if not target or not login:
        wrong.append(_wrong(place, "the row names no target or no login", "every row has both"))
        return None
    if not person:
        return None
    word, colon, name = person.partition(":")
    kind = IdentityKind.PERSON
    if colon:
        if word != "service":
            wrong.append(
                _wrong(place, f"`{person}` is neither an id nor `service:ID`", "write `service:` before the id")
            )
            return None
        kind, person = IdentityKind.SERVICE, name.strip()
    if person != "-" and not _ID.match(person):
        told = f"`{person}` cannot be an id"
        wrong.append(_wrong(place, told, "an id has at most 63 of a-z 0-9 . _ - and begins with a letter or a digit"))
        return None
    owners = tuple(row.get("owners", "").replace(",", " ").split())
    return Settled(target, login, person, kind, owners, place)


def _wrong(place: Location, message: str, fix: str) -> Diagnostic:
    why = "the map says whose the doubtful accounts are, and nothing in it is guessed"
    return Diagnostic("adopt-map", message, location=place, why=why, fix=fix)


def _harmless(cell: str) -> str:
    """A cell that begins like a formula gets an apostrophe, which `_read` takes off again."""
    plain = "".join(c if c.isprintable() else "�" for c in cell)
    return f"'{plain}" if plain.startswith(_ACTIVE) or plain.startswith("'") else plain


def _read(cell: str) -> str:
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith((*_ACTIVE, "'")) else text
