"""Remote calls, one method each. `ReadCalls` stand on a session that cannot write. Decides nothing.

Values of variables are never asked for; what CircleCI shows of them anyway is dropped here.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from provisioner.contract import ProviderError, Trouble
from provisioner.contract.fields import FromEnvironment, web_address
from provisioner.model.instant import Instant
from provisioner.providers.circleci.settings import Settings, Tokens
from provisioner.transport import Answer, Budgets, Limits, Pace, Session, TransportError, Why, anything, read_only

Row = Mapping[str, Any]
_PACE = Pace(at_once=4)
_PAGES = 2000
KINDS = frozenset({"group", "project", "expression"})
"""Kinds of restrictions."""
_STATUS = {
    400: Trouble.INVALID,
    401: Trouble.CREDENTIAL,
    403: Trouble.DENIED,
    404: Trouble.GONE,
    409: Trouble.CONFLICT,
    422: Trouble.INVALID,
}


def part(name: str) -> str:
    """One segment of a path, whatever the name holds."""
    return quote(name, safe="")


def open_session(settings: Settings, purpose: str, environ: Mapping[str, str], budgets: Budgets) -> Session:
    """`purpose` is `plan` or `apply`. Makes no call yet."""
    base = web_address(settings.api_url, environ, "the address of CircleCI's API").rstrip("/")
    token = _token(settings.token, purpose).read(environ, "a CircleCI token")
    reading = purpose == "plan"
    limits = Limits() if reading else Limits(connect=5, read=10, whole=12, tries=1)
    return Session(
        base,
        lambda: {"Circle-Token": token},
        read_only() if reading else anything,
        budgets.of(urlsplit(base).netloc, token, _PACE),
        limits,
        secrets=lambda: (token,),
    )


def _token(token: FromEnvironment | Tokens, purpose: str) -> FromEnvironment:
    if isinstance(token, Tokens):
        return token.apply if purpose == "apply" and token.apply is not None else token.plan
    return token


class ReadCalls:
    """Reads of one organization. Every method raises ProviderError; `gone` for a 404."""

    def __init__(self, session: Session, organization: str, organization_id: str | None) -> None:
        self._session = session
        self.organization = organization
        self._organization_id = organization_id
        self.server_time: Instant | None = None
        self.sent = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        self._session.close()

    def _noted(self, answer: Answer) -> Answer:
        try:
            when = parsedate_to_datetime(answer.headers.get("date", ""))
        except (TypeError, ValueError):
            return answer
        with self._lock:
            self.server_time = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
        return answer

    def get(self, path: str, params: Row | None = None) -> Any:
        with self._lock:
            self.sent += 1
        try:
            answer = self._noted(self._session.get(path, params))
            if not answer.ok:
                raise refused(answer)
            return answer.json()
        except TransportError as error:
            raise translated(error, writing=False) from None

    def listed(self, path: str, params: Row | None = None, key: str = "id") -> list[Row]:
        """A list to its end, each row once, or ProviderError: a list that breaks off, has a row without its `key`, or a
        page that came before, is never taken for the whole."""
        rows: dict[str, Row] = {}
        asked = dict(params or {})
        seen: set[str] = set()
        for _ in range(_PAGES):
            found = self.get(path, asked)
            items = found.get("items") if isinstance(found, Mapping) else None
            if not isinstance(items, list) or "next_page_token" not in found:
                raise ProviderError(Trouble.PARTIAL, "the answer has another shape than documented", call=f"GET {path}")
            if not all(isinstance(r, Mapping) and r.get(key) is not None for r in items):
                raise ProviderError(Trouble.PARTIAL, f"something in the list has no `{key}`", call=f"GET {path}")
            page = {str(r[key]): r for r in items}
            if page and page.keys() <= rows.keys():
                raise ProviderError(Trouble.PARTIAL, "a page of the list came twice", call=f"GET {path}")
            rows |= page
            following = found["next_page_token"]
            if following is None:
                return list(rows.values())
            if str(following) in seen:
                break
            seen.add(str(following))
            asked["page-token"] = following
        raise ProviderError(Trouble.PARTIAL, "the list of pages has no end", call=f"GET {path}")

    def me(self) -> Row:
        return self._row(self.get("/me"), "GET /me")

    def organization_id(self) -> str:
        """By the slug, among those that the token's owner belongs to."""
        with self._lock:
            known = self._organization_id
        if known is None:
            wanted = _long(self.organization)
            rows = self.get("/me/collaborations")
            for row in rows if isinstance(rows, list) else ():
                if _long(str(row.get("slug", ""))) == wanted:
                    known = str(row["id"])
            if known is None:
                raise ProviderError(
                    Trouble.CREDENTIAL,
                    f"this token's owner does not belong to {self.organization}, or it has another slug",
                    call="GET /me/collaborations",
                )
            with self._lock:
                self._organization_id = known
        return known

    def contexts(self) -> list[Row]:
        path = "/context"
        rows = self.listed(path, {"owner-id": self.organization_id(), "owner-type": "organization"})
        if any(r.get("name") is None for r in rows):
            raise ProviderError(Trouble.PARTIAL, "a context has no name", call=f"GET {path}")
        return rows

    def restrictions(self, context: str) -> list[Row]:
        """A kind that is not known here could let in anybody or nobody: then who comes in is not known at all."""
        path = f"/context/{part(context)}/restrictions"
        rows = self.listed(path)
        strange = sorted({str(r.get("restriction_type")) for r in rows} - KINDS)
        if strange:
            words = f"restrictions of a kind that is not known here: {', '.join(strange)}"
            raise ProviderError(Trouble.PARTIAL, words, call=f"GET {path}")
        return rows

    def variables(self, context: str) -> list[str]:
        return sorted(str(r["variable"]) for r in self.variable_rows(context))

    def variable_rows(self, context: str) -> list[Row]:
        """Names and times; the ends of values that CircleCI shows are left out."""
        rows = self.listed(f"/context/{part(context)}/environment-variable", key="variable")
        return [{key: row.get(key) for key in ("variable", "created_at", "updated_at")} for row in rows]

    def project(self, slug: str) -> Row:
        return self._row(self.get(f"/project/{quote(slug, safe='/')}"), "GET /project")

    def project_variables(self, slug: str) -> list[str]:
        rows = self.listed(f"/project/{quote(slug, safe='/')}/envvar", key="name")
        return sorted(str(r["name"]) for r in rows)

    def groups(self) -> list[Row]:
        return self.listed(f"/organizations/{part(self.organization_id())}/groups")

    @staticmethod
    def _row(found: Any, call: str) -> Row:
        if not isinstance(found, Mapping):
            raise ProviderError(Trouble.PARTIAL, "the answer has another shape than documented", call=call)
        return found


class WriteCalls(ReadCalls):
    """Writes to one organization, each sent once."""

    def _write(self, method: str, path: str, body: Any, deadline: float) -> Any:
        with self._lock:
            self.sent += 1
        try:
            answer = self._noted(self._session.send(method, path, body=body, deadline=deadline))
            if not answer.ok:
                raise refused(answer)
            return answer.json()
        except TransportError as error:
            raise translated(error, writing=True) from None

    def set_variable(self, context: str, name: str, value: str, deadline: float) -> None:
        """Made, or written over."""
        path = f"/context/{part(context)}/environment-variable/{part(name)}"
        self._write("PUT", path, {"value": value}, deadline)

    def delete_variable(self, context: str, name: str, deadline: float) -> None:
        """One that is gone is fine."""
        try:
            self._write("DELETE", f"/context/{part(context)}/environment-variable/{part(name)}", None, deadline)
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                raise

    def create_context(self, name: str, deadline: float) -> str:
        body = {"name": name, "owner": {"id": self.organization_id(), "type": "organization"}}
        return str(self._row(self._write("POST", "/context", body, deadline), "POST /context")["id"])

    def delete_context(self, context: str, deadline: float) -> None:
        self._write("DELETE", f"/context/{part(context)}", None, deadline)

    def add_restriction(self, context: str, kind: str, value: str, deadline: float) -> None:
        """A duplicate is fine."""
        body = {"restriction_type": kind, "restriction_value": value}
        try:
            self._write("POST", f"/context/{part(context)}/restrictions", body, deadline)
        except ProviderError as error:
            if error.trouble is not Trouble.CONFLICT:
                raise

    def delete_restriction(self, context: str, restriction: str, deadline: float) -> None:
        """One that is gone is fine."""
        try:
            self._write("DELETE", f"/context/{part(context)}/restrictions/{part(restriction)}", None, deadline)
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                raise


def translated(error: TransportError, *, writing: bool) -> ProviderError:
    """A write that was sent and not answered is unknown; a read like that broke off."""
    lost = Trouble.UNKNOWN if writing else Trouble.PARTIAL
    trouble = {
        Why.BUSY: Trouble.BUSY,
        Why.UNREACHABLE: Trouble.UNREACHABLE,
        Why.GUARDED: Trouble.DENIED,
    }.get(error.why, lost)
    if writing and error.status in (301, 302, 307, 308):
        trouble = Trouble.CONFLICT  # it has moved, and nothing was done
    code = str(error.status) if error.status is not None else None
    return ProviderError(trouble, error.message, call=error.call, request_id=error.request_id, code=code)


def refused(answer: Answer) -> ProviderError:
    """An answer that is no success."""
    message = answer.message()
    if answer.status == 401:
        message = f"CircleCI does not take this token: {message}"
    return ProviderError(
        _STATUS.get(answer.status, Trouble.INVALID),
        message,
        call=answer.call,
        request_id=answer.request_id,
        code=str(answer.status),
    )


def _long(slug: str) -> str:
    """`gh/acme` and `github/acme` are one."""
    kind, _, name = slug.partition("/")
    long = {"gh": "github", "bb": "bitbucket"}.get(kind, kind)
    return f"{long}/{name.lower()}"
