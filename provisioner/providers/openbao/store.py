"""Credentials in a KV engine, version 2: each delivery one version, written only over the version that was looked at.

The companion is part of what is written, so that the two can never differ; it stands in the metadata too, where it can
be read without the secret. What else lies at the path is not kept: a path is one credential's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from provisioner.contract import COMPANION, Issued, Note, ProviderError, Stored, Trouble
from provisioner.contract.fields import plain
from provisioner.credentials import Secret
from provisioner.model.instant import format_instant, parse_instant
from provisioner.model.slot import Names
from provisioner.providers.openbao.settings import Settings
from provisioner.transport import Answer, Budgets, Limits, Session, TransportError, Why, anything

_STATUS = {400: Trouble.INVALID, 403: Trouble.DENIED, 404: Trouble.GONE, 405: Trouble.INVALID}


def open_session(settings: Settings, environ: Mapping[str, str]) -> Session:
    """Makes no call yet."""
    base = plain(settings.url, environ, "the address of OpenBao").rstrip("/")
    token = settings.token.read(environ, "a token of OpenBao")
    headers = {"X-Vault-Request": "true"}
    if settings.namespace is not None:
        headers["X-Vault-Namespace"] = settings.namespace
    return Session(
        base,
        lambda: {"X-Vault-Token": token},
        anything,
        Budgets().of(urlsplit(base).netloc, token),
        Limits(connect=5, read=10, whole=12, tries=3),
        headers,
        conditional=False,
        secrets=lambda: (token,),
    )


class KeyValues:
    """The paths below `path`, whose first part is the engine."""

    def __init__(self, session: Session, path: str) -> None:
        self._session = session
        self._engine, _, self._below = path.partition("/")

    def close(self) -> None:
        """Gives its connections back."""
        self._session.close()

    def look(self, place: str, names: Names) -> Stored | None:
        about = self._get("metadata", place)
        if about is None:
            return None
        version = str(about.get("current_version") or 0)
        if _is_gone((about.get("versions") or {}).get(version) or {}):
            return Stored(None, (version,))
        noted = str((about.get("custom_metadata") or {}).get(COMPANION) or "").split(" ")
        if len(noted) > 1 and noted[1] == version:
            return Stored(noted[0], (version,))
        found = (self._data(place) or {}).get(COMPANION)
        return Stored(str(found).partition(" ")[0] if found else None, (version,))

    def put(self, place: str, names: Names, issued: Issued, note: Note, expect: Stored | None, deadline: float) -> None:
        if names.whole is not None:
            data = {names.whole: issued.whole.reveal()}
        else:
            data = {str(names.user): issued.user, str(names.secret): issued.secret.reveal()}
        data[COMPANION] = f"{note.public_id} {format_instant(note.at)} {note.run}"
        before = int(expect.versions[0]) if expect is not None else 0
        made = self._send("data", place, {"options": {"cas": before}, "data": data}, deadline)
        version = ((made or {}).get("data") or {}).get("version")
        try:
            self._describe(place, f"{note.public_id} {version} {format_instant(note.at)} {note.run}", deadline)
        except ProviderError:
            return  # it stands with the secret, and is looked for there

    def note(self, place: str, names: Names, note: Note, deadline: float) -> None:
        """It is written with the credential; there is nothing to add."""

    def read(self, place: str, names: Names) -> Mapping[str, Secret]:
        data = self._data(place) or {}
        parts = {"whole": names.whole, "user": names.user, "secret": names.secret}
        return {part: Secret(str(data[named])) for part, named in parts.items() if named and named in data}

    def _describe(self, place: str, text: str, deadline: float) -> None:
        kept = (self._get("metadata", place) or {}).get("custom_metadata") or {}
        self._send("metadata", place, {"custom_metadata": {**kept, COMPANION: text}}, deadline)

    def _data(self, place: str) -> Mapping[str, Any] | None:
        found = self._get("data", place)
        return None if found is None else found.get("data")

    def _path(self, what: str, place: str) -> str:
        parts = [p for p in f"{self._below}/{place}".split("/") if p]
        return f"/v1/{quote(self._engine, safe='')}/{what}/{'/'.join(quote(p, safe='') for p in parts)}"

    def _get(self, what: str, place: str) -> Mapping[str, Any] | None:
        """The `data` of an answer; None where nothing is there."""
        try:
            answer = self._session.get(self._path(what, place))
            if answer.status == 404:
                return None
            found = self._taken(answer)
        except TransportError as error:
            raise _translated(error, writing=False) from None
        data = (found or {}).get("data")
        return data if isinstance(data, Mapping) else {}

    def _send(self, what: str, place: str, body: Any, deadline: float) -> Mapping[str, Any] | None:
        try:
            return self._taken(self._session.send("POST", self._path(what, place), body=body, deadline=deadline))
        except TransportError as error:
            raise _translated(error, writing=True) from None

    def _taken(self, answer: Answer) -> Mapping[str, Any] | None:
        found = answer.json()
        if answer.ok:
            return found if isinstance(found, Mapping) else None
        told = " ".join(map(str, found.get("errors") or ())) if isinstance(found, Mapping) else ""
        trouble = Trouble.CONFLICT if "check-and-set" in told else _STATUS.get(answer.status, Trouble.INVALID)
        if answer.status == 403:
            told = f"the token of OpenBao may not do that: {told}"
        raise ProviderError(trouble, told[:500] or f"status {answer.status}", call=answer.call, code=str(answer.status))


def _is_gone(version: Mapping[str, Any]) -> bool:
    """Deleted, or destroyed: the metadata stays, and still names the credential. A time to come is one that the engine
    will delete it at."""
    at = version.get("deletion_time")
    return bool(version.get("destroyed")) or bool(at and parse_instant(str(at)) <= datetime.now(UTC))


def _translated(error: TransportError, *, writing: bool) -> ProviderError:
    lost = Trouble.UNKNOWN if writing else Trouble.PARTIAL
    trouble = {Why.BUSY: Trouble.BUSY, Why.UNREACHABLE: Trouble.UNREACHABLE, Why.GUARDED: Trouble.DENIED}
    return ProviderError(trouble.get(error.why, lost), error.message, call=error.call, request_id=error.request_id)
