"""CircleCI contexts as places for credentials: `contexts/NAME`.

A value that is written there can never be read again, so what lies there is told by a companion: a variable whose name
holds the credential's public id. Nothing is written before the context's restrictions were read, and are those that
the target declares, or at least keep strangers out. It makes no context.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from provisioner.contract import Issued, Note, ProviderError, Stored, Trouble
from provisioner.credentials import Secret
from provisioner.model.instant import format_instant
from provisioner.model.slot import Names
from provisioner.providers.circleci import convert, openness
from provisioner.providers.circleci.calls import Row, WriteCalls
from provisioner.providers.circleci.declare import CircleDeclare
from provisioner.providers.circleci.settings import COMPANION, CONTEXTS

_SECOND = timedelta(seconds=1)
_PAUSE = 0.2


class Contexts:
    """The contexts of one organization. `declare` says who each is to be open to."""

    def __init__(self, declare: CircleDeclare, calls: WriteCalls) -> None:
        self._declare = declare
        self._declared = dict(declare.contexts())
        self._calls = calls

    def close(self) -> None:
        """Gives its connections back."""
        self._calls.close()

    def look(self, place: str, names: Names) -> Stored | None:
        rows = self._rows(self._id(place))
        versions = tuple(str(rows[n].get("updated_at") or "there") if n in rows else "" for n in names.all)
        if not any(versions):
            return None
        companions = [r for n, r in rows.items() if n.startswith(names.all[0] + COMPANION)]
        newest = max(companions, key=lambda r: str(r.get("updated_at")), default=None)
        if newest is None or not all(versions) or str(newest.get("updated_at")) < max(versions):
            return Stored(None, versions)
        return Stored(_id_of(str(newest["variable"]).partition(COMPANION)[2]), versions)

    def put(self, place: str, names: Names, issued: Issued, note: Note, expect: Stored | None, deadline: float) -> None:
        context = self._id(place)
        _part_of_name(note.public_id)
        self._restricted(context, place)
        self._later_than(context, expect, deadline)
        values = {names.whole: issued.whole, names.user: Secret(issued.user), names.secret: issued.secret}
        for number, name in enumerate(names.all):
            try:
                self._calls.set_variable(context, name, values[name].reveal(), deadline)
            except ProviderError as error:
                raise _begun(error) if number else error from None
        self.note(place, names, note, deadline)

    def note(self, place: str, names: Names, note: Note, deadline: float) -> None:
        """The new companion first, then those before it go."""
        context, mine = self._id(place), f"{names.all[0]}{COMPANION}{_part_of_name(note.public_id)}"
        try:
            self._calls.set_variable(context, mine, f"{format_instant(note.at)} {note.run}", deadline)
            for name in self._rows(context):
                if name.startswith(names.all[0] + COMPANION) and name != mine:
                    self._calls.delete_variable(context, name, deadline)
        except ProviderError as error:
            raise _begun(error) from None

    def read(self, place: str, names: Names) -> Mapping[str, Secret]:
        """Nothing: CircleCI tells no value."""
        return {}

    def _id(self, place: str) -> str:
        name = place.removeprefix(CONTEXTS)
        found = next((str(r["id"]) for r in self._calls.contexts() if r.get("name") == name), None)
        if found is None:
            raise ProviderError(Trouble.GONE, f"there is no context {name}", call="GET /context")
        return found

    def _rows(self, context: str) -> dict[str, Row]:
        return {str(r["variable"]): r for r in self._calls.variable_rows(context)}

    def _restricted(self, context: str, place: str) -> None:
        name = place.removeprefix(CONTEXTS)
        listed = (convert.Restriction.of(row) for row in self._calls.restrictions(context))
        found = convert.open_to(listed, self._declare.place(self._calls.organization_id()))
        said = (self._declared.get(name) or {}).get("open_to")
        wanted = openness.declared(said) if said is not None else None
        if (wanted is not None and found != wanted) or (wanted is None and openness.unconditional(found)):
            told = f"not to {openness.shown(wanted)}, as declared" if wanted is not None else "so it takes no secret"
            raise ProviderError(
                Trouble.CONFLICT, f"context {name} is open to {openness.shown(found)}, {told}", call="restrictions"
            )

    def _later_than(self, context: str, expect: Stored | None, deadline: float) -> None:
        """Times there have whole seconds. Without a later one it could not be told whether this write arrived."""
        last = max((v for v in expect.versions if v), default="") if expect is not None else ""
        if not re.match(r"[0-9]{4}-", last):
            return
        over = datetime.fromisoformat(last) + _SECOND
        while self._calls.server_time is not None and self._calls.server_time < over:
            if time.monotonic() + _PAUSE > deadline:
                raise ProviderError(Trouble.BUSY, "what lies there was written this very second", call="context")
            time.sleep(_PAUSE)
            self._calls.restrictions(context)


def _part_of_name(public_id: str) -> str:
    """The name of a variable has no hyphen, and the ids of PostgreSQL's passwords have one."""
    if not re.fullmatch(r"[A-Za-z0-9-]+", public_id):
        told = f"the id {public_id} cannot be part of a variable's name"
        raise ProviderError(Trouble.INVALID, told, call="environment-variable")
    return public_id.replace("-", "_")


def _id_of(part: str) -> str:
    return part.replace("_", "-")


def _begun(error: ProviderError) -> ProviderError:
    """One part is written and another is not: what is there has to be looked at."""
    return ProviderError(Trouble.UNKNOWN, error.message, call=error.call, request_id=error.request_id, code=error.code)
