"""Secrets of GitHub Actions as places for credentials: of a repository, one of its environments, or the organization.

    repositories/REPO · repositories/REPO/environments/NAME · organization/private · organization/all
    · organization/selected/REPO,REPO

A value is sealed here for the public key of its place, and can never be read again; what lies there is told by a
companion, an Actions variable named after the secret. It makes no environment, and gives an organization's secret to
nobody whom the place does not name.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from provisioner.contract import Issued, Note, ProviderError, Stored, Trouble
from provisioner.credentials import Secret
from provisioner.model.instant import format_instant
from provisioner.model.slot import Names
from provisioner.providers.github.calls import Row, WriteCalls, part

_COMPANION = "_CREDENTIAL"
_SECOND = timedelta(seconds=1)
_PAUSE = 0.2


class ActionsSecrets:
    """The secrets of one organization and its repositories."""

    def __init__(self, calls: WriteCalls) -> None:
        self._calls = calls

    def close(self) -> None:
        """Gives its connections back."""
        self._calls.close()

    def look(self, place: str, names: Names) -> Stored | None:
        base = self._base(place)
        rows = [self._one(f"{base}/secrets/{part(name)}") for name in names.all]
        versions = tuple(str(row["updated_at"]) if row is not None else "" for row in rows)
        if not any(versions):
            self._public_key(base, place)
            return None
        companion = self._one(f"{base}/variables/{part(_named(names))}")
        if companion is None or not all(versions) or str(companion.get("updated_at")) < max(versions):
            return Stored(None, versions)
        return Stored(str(companion.get("value") or "").partition(" ")[0] or None, versions)

    def put(self, place: str, names: Names, issued: Issued, note: Note, expect: Stored | None, deadline: float) -> None:
        base, audience = self._base(place), self._audience(place)
        key = self._public_key(base, place)
        self._later_than(f"{base}/secrets/public-key", expect, deadline)
        values = {names.whole: issued.whole, names.user: Secret(issued.user), names.secret: issued.secret}
        for number, name in enumerate(names.all):
            body = {"encrypted_value": _sealed(str(key["key"]), values[name]), "key_id": str(key["key_id"]), **audience}
            try:
                self._calls.write("PUT", f"{base}/secrets/{part(name)}", body, deadline=deadline)
            except ProviderError as error:
                raise _begun(error) if number else error from None
        self.note(place, names, note, deadline)

    def note(self, place: str, names: Names, note: Note, deadline: float) -> None:
        base, name = self._base(place), _named(names)
        value = f"{note.public_id} {format_instant(note.at)} {note.run}"
        try:
            if self._one(f"{base}/variables/{part(name)}") is None:
                body = {"name": name, "value": value, **self._audience(place)}
                self._calls.write("POST", f"{base}/variables", body, deadline=deadline)
            else:
                self._calls.write("PATCH", f"{base}/variables/{part(name)}", {"value": value}, deadline=deadline)
        except ProviderError as error:
            raise _begun(error) from None

    def read(self, place: str, names: Names) -> Mapping[str, Secret]:
        """Nothing: GitHub tells no value."""
        return {}

    def _base(self, place: str) -> str:
        parts = place.split("/")
        if parts[0] == "organization":
            return f"{self._calls.org_path}/actions"
        repository = self._calls.repo_path(parts[1])
        return f"{repository}/environments/{part('/'.join(parts[3:]))}" if len(parts) > 2 else f"{repository}/actions"

    def _audience(self, place: str) -> dict[str, Any]:
        """Who in the organization may read it."""
        parts = place.split("/")
        if parts[0] != "organization":
            return {}
        if parts[1] != "selected":
            return {"visibility": parts[1]}
        ids = [int(self._calls.get(self._calls.repo_path(name))["id"]) for name in parts[2].split(",")]
        return {"visibility": "selected", "selected_repository_ids": ids}

    def _public_key(self, base: str, place: str) -> Row:
        """Of a place that is there: no secret is listed of one that is not, either."""
        try:
            return self._calls.get(f"{base}/secrets/public-key")
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                raise
            told = f"there is no `{place}`, or the token may not write secrets there"
            raise ProviderError(Trouble.GONE, told, call=error.call, request_id=error.request_id) from None

    def _one(self, path: str) -> Row | None:
        try:
            return self._calls.get(path)
        except ProviderError as error:
            if error.trouble is Trouble.GONE:
                return None
            raise

    def _later_than(self, path: str, expect: Stored | None, deadline: float) -> None:
        """Times there have whole seconds. Without a later one it could not be told whether this write arrived."""
        last = max((v for v in expect.versions if v), default="") if expect is not None else ""
        if not last:
            return
        over = datetime.fromisoformat(last) + _SECOND
        while self._calls.server_time is not None and self._calls.server_time < over:
            if time.monotonic() + _PAUSE > deadline:
                raise ProviderError(Trouble.BUSY, "what lies there was written this very second", call=f"GET {path}")
            time.sleep(_PAUSE)
            self._calls.get(path)


def _named(names: Names) -> str:
    return names.all[0] + _COMPANION


def _sealed(key: str, value: Secret) -> str:
    """libsodium's sealed box: who holds the private key opens it, and nobody can tell who sealed it."""
    from nacl.public import PublicKey, SealedBox

    box = SealedBox(PublicKey(base64.b64decode(key)))
    return base64.b64encode(box.encrypt(value.reveal().encode())).decode()


def _begun(error: ProviderError) -> ProviderError:
    """One part is written and another is not: what is there has to be looked at."""
    return ProviderError(Trouble.UNKNOWN, error.message, call=error.call, request_id=error.request_id, code=error.code)
