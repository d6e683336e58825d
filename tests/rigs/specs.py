"""Every exchange with an embedded service, held against what the vendor published about it.

The files are by others and stay outside of the project: the folder named by PROVISION_SPECS. Where it is not set, a
test runs all the same and what it exchanged is not checked; tests of the check itself are skipped, with the reason.

What counts as wrong: a request that the description does not allow and that was not refused; an answer that the
description of that status does not allow. An answer whose status the description does not list (GitHub's lists few
refusals) is held against the vendor's error body. Exchanges on routes that the description lacks are counted.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from provisioner.sandbox.service import Exchange, Service

FILES = {
    "github": "github-rest-api.github.com.openapi.json.gz",
    "graphql": "github-graphql.schema.graphql.gz",
    "circleci": "circleci-v2-2023.openapi.json.gz",
}
HOSTS = {"github": "https://api.github.com", "circleci": "https://circleci.com/api/v2"}
# Where the vendor's own description cannot be met.
MISTAKEN = {"GET /app/installations": "it wants `account` to be a user and an enterprise at once"}
COUNTED: Counter[str] = Counter()


def folder() -> Path | None:
    """Where the vendors' files are, or None."""
    named = os.environ.get("PROVISION_SPECS")
    return Path(named) if named else None


def missing_reason(name: str) -> str | None:
    """Why the vendor's file cannot be used here; None where it can."""
    at = folder()
    if at is None:
        return "PROVISION_SPECS names no folder with the vendors' specifications"
    return None if (at / FILES[name]).is_file() else f"{at / FILES[name]} is not there"


def text_of(name: str) -> str:
    """The vendor's file."""
    at = folder()
    if at is None:
        raise LookupError(missing_reason(name))
    return gzip.decompress((at / FILES[name]).read_bytes()).decode()


@cache
def public_schema() -> Any:
    """GitHub's public GraphQL schema."""
    from graphql import build_schema

    return build_schema(text_of("graphql"), assume_valid=True)


@cache
def description(name: str) -> dict[str, Any]:
    """The vendor's OpenAPI description, as data."""
    found: dict[str, Any] = json.loads(text_of(name), object_hook=_nullable)
    return found


@cache
def described(name: str, call: str) -> tuple[Any, Mapping[str, Any]] | None:
    """What checks the exchanges of one call, and its operation in the vendor's description; None where it has none.

    The checker knows all paths that a URL of the call may be meant by, and no others: it looks through them each time.
    """
    from openapi_core import Config, OpenAPI

    document, (method, _, template) = description(name), call.partition(" ")
    asked = _parts(template)
    near = {path: operations for path, operations in document["paths"].items() if _may_be(asked, _parts(path))}
    unchecked: Any = None  # the description itself is not what is checked
    for path, operations in near.items():
        if _parts(path) == asked and method.lower() in operations:
            api = OpenAPI.from_dict({**document, "paths": near}, config=Config(spec_validator_cls=unchecked))
            return api, operations[method.lower()]
    return None


def _nullable(found: dict[str, Any]) -> dict[str, Any]:
    """CircleCI writes `x-nullable` where the standard has `nullable`; and what is nullable may be null, also where the
    vendor lists its values and forgot that one."""
    if found.get("x-nullable") is True:
        found["nullable"] = True
    if found.get("nullable") is True and isinstance(found.get("enum"), list) and None not in found["enum"]:
        found["enum"] = [*found["enum"], None]
    return found


@dataclass
class WireRequest:
    """A request as openapi-core wants it, with the emulator's address replaced by the vendor's."""

    host_url: str
    path: str
    method: str
    parameters: Any
    content_type: str
    body: bytes | None


@dataclass
class WireResponse:
    """An answer as openapi-core wants it."""

    status_code: int
    content_type: str
    headers: Any
    data: bytes


@dataclass
class Checked:
    """What was exchanged with one service: `problems` is what the vendor would not recognise."""

    vendor: str
    problems: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    unchecked: Counter[str] = field(default_factory=Counter)
    reported: bool = True

    def watch(self, service: Service) -> Checked:
        """Check every exchange from now on."""
        service.watchers.append(self.see)
        return self

    def see(self, exchange: Exchange) -> None:
        """One exchange."""
        wrong = self._look(exchange)
        for text in wrong:
            status, body = exchange.answer[0], exchange.body.decode("utf-8", "replace")[:300]
            self.problems.append(f"{exchange.environ['RAW_URI']} {status} {body}\n  {text}")

    def _count(self, what: str) -> None:
        self.counted[what] += 1
        if self.reported:
            COUNTED[f"{self.vendor} {what}"] += 1

    def _look(self, exchange: Exchange) -> list[str]:
        if missing_reason(self.vendor) is not None:
            self._count("not checked: no specification here")
            return []
        if exchange.call == "POST /graphql":
            return self._query(exchange)
        if exchange.call in MISTAKEN:
            self._count("not checked: the specification contradicts itself")
            return []
        found = described(self.vendor, exchange.call)
        if found is None:
            self.unchecked[exchange.call] += 1
            self._count("not checked: not in the specification")
            return []
        return self._rest(exchange, *found)

    def _rest(self, exchange: Exchange, api: Any, operation: Mapping[str, Any]) -> list[str]:
        request, response = _as_request(exchange, HOSTS[self.vendor]), _as_response(exchange)
        wrong = []
        if exchange.answer[0] < 400:
            wrong += _errors("request", lambda: api.validate_request(request))
            self._count("requests checked")
        else:
            self._count("requests refused")
        listed = operation["responses"]
        if str(exchange.answer[0]) in listed or "default" in listed:
            if exchange.answer[2]:
                wrong += _errors("answer", lambda: api.validate_response(request, response))
            self._count("answers checked")
        elif exchange.answer[0] == 304:
            self._count("answers checked")
        else:
            wrong += self._refusal(exchange)
        return wrong

    def _refusal(self, exchange: Exchange) -> list[str]:
        """An answer that the description does not list: no success, and the vendor's error body."""
        status, _, body = exchange.answer
        self._count("refusals checked by their body")
        if status not in (301, 307, 400, 401, 403, 404, 409, 422, 429):
            return [f"the description of this call knows no status {status}"]
        found = json.loads(body) if body else {}
        return [] if isinstance(found.get("message"), str) else [f"no error body of {self.vendor}'s: {body[:200]!r}"]

    def _query(self, exchange: Exchange) -> list[str]:
        from graphql import parse, validate

        answer = json.loads(exchange.answer[2])
        if exchange.answer[0] != 200 or "data" not in answer:
            self._count("queries refused")
            return []
        self._count("queries checked")
        text = json.loads(exchange.body)["query"]
        return [f"query: {error.message}" for error in _validated(text, parse, validate)]


@cache
def _validated(text: str, parse: Any, validate: Any) -> tuple[Any, ...]:
    return tuple(validate(public_schema(), parse(text)))


def _parts(path: str) -> list[str]:
    """Its parts, without the names of its variables."""
    return ["{}" if part.startswith("{") else part for part in path.split("/")]


def _may_be(asked: list[str], other: list[str]) -> bool:
    """Whether one URL may be meant by both."""
    return len(asked) == len(other) and all(a == b or "{}" in (a, b) for a, b in zip(asked, other, strict=True))


def _as_request(exchange: Exchange, host: str) -> WireRequest:
    from openapi_core.datatypes import RequestParameters
    from werkzeug.datastructures import Headers, ImmutableMultiDict

    environ = exchange.environ
    query: Any = ImmutableMultiDict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    names = {name[5:].replace("_", "-").title(): value for name, value in environ.items() if name.startswith("HTTP_")}
    kind, _, secret = names.get("Authorization", "").partition(" ")
    if host == HOSTS["circleci"] and kind == "Bearer":  # newer than the description, which knows the header alone
        names["Circle-Token"] = secret
    parameters = RequestParameters(query=query, header=Headers(list(names.items())))
    content_type = environ.get("CONTENT_TYPE") or "application/json"
    path = str(environ["RAW_URI"]).partition("?")[0]
    slug = re.match(r"(/api/v2/project/)([^/]+/[^/]+/[^/]+)(.*)", path)
    if slug is not None:  # three segments that the description calls one
        path = slug[1] + quote(slug[2], safe="") + slug[3]
    root = "/".join(host.split("/")[:3])
    return WireRequest(root, path, environ["REQUEST_METHOD"].lower(), parameters, content_type, exchange.body or None)


def _as_response(exchange: Exchange) -> WireResponse:
    from werkzeug.datastructures import Headers

    status, headers, body = exchange.answer
    kind = next((value for name, value in headers if name.lower() == "content-type"), "application/json")
    return WireResponse(status, kind.partition(";")[0], Headers(headers), body)


def _errors(what: str, check: Any) -> list[str]:
    from openapi_core.exceptions import OpenAPIError

    try:
        check()
    except OpenAPIError as error:
        cause = error.__cause__ or error
        more = [_told(one) for one in getattr(cause, "schema_errors", ())]
        return [f"{what}: {type(error).__name__}: {'; '.join(more) or cause}"[:1500]]
    return []


def _told(error: Any) -> str:
    at = "/".join(str(part) for part in error.absolute_path)
    inner = [_told(one) for one in error.context or ()]
    return f"at {at or 'the top'}: {error.message[:200]}" + (f" ({' | '.join(inner)})" if inner else "")


# What the run says at its end, also where several processes ran it


def pytest_sessionfinish(session: Any) -> None:
    """A process of several hands its figures to the one that reports."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["exchanges"] = dict(COUNTED)


def pytest_testnodedown(node: Any, error: object) -> None:
    """Another process is done: its figures count too."""
    COUNTED.update(getattr(node, "workeroutput", {}).get("exchanges", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many exchanges with embedded services were held against their vendors' specifications."""
    if COUNTED:
        terminalreporter.section("exchanges against the vendors' specifications")
        for what, count in sorted(COUNTED.items()):
            terminalreporter.write_line(f"{count:6} {what}")
