"""What is known of one credential slot: what was begun, what was made, where it lies, what is over.

The journal has it, record by record, and carries it in its sums. It holds public ids, never a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from provisioner.model.instant import Instant, format_instant, parse_instant

Json = dict[str, Any]


class Turn(StrEnum):
    """The steps of a rotation, in order."""

    ISSUE = "issue"
    PROVE = "prove"
    DELIVER = "deliver"
    VERIFY = "verify"
    RETIRE = "retire"
    DELETE = "delete"


class Phase(StrEnum):
    """`intent`: about to be called. `done`, `failed` (not done, as is known)."""

    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Begun:
    """A call that was intended and of which no outcome is known. `before` are the ids, or versions, that were there;
    `login` is the account that it was for, and `names` those that it was to get in its place, where that is known."""

    id: str
    before: tuple[str, ...]
    at: Instant
    login: str = ""
    names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What was delivered to a place, the versions that this left, and under which names; None where older records do
    not say."""

    id: str = ""
    versions: tuple[str, ...] = ()
    names: tuple[str, ...] | None = None

    def fits(self, names: tuple[str, ...]) -> bool:
        """Whether it lies there under these names."""
        return self.names in (None, names)


@dataclass
class Rotation:
    """`made` are ours and not known to be gone, with their time, and `logins` the accounts that they were made for
    (older records do not say); `holds` is by `to` what was delivered; `ended` is when one was last known to be gone."""

    issuing: Begun | None = None
    putting: dict[str, Begun] = field(default_factory=dict)
    made: dict[str, Instant] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)
    holds: dict[str, Held] = field(default_factory=dict)
    verified: dict[str, Instant] = field(default_factory=dict)
    retired: dict[str, Instant] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    ended: Instant | None = None

    @property
    def current(self) -> str | None:
        """The newest that was delivered everywhere and verified."""
        return max(self.verified, key=lambda i: (self.verified[i], self.made.get(i, self.verified[i])), default=None)

    def take(self, body: Mapping[str, Any], at: Instant) -> None:
        """A record of kind `rotate`."""
        turn, phase, who = body["step"], body["phase"], str(body.get("id") or "")
        if turn == Turn.ISSUE:
            self._issue(body, phase, who, at)
        elif turn == Turn.DELIVER:
            self._deliver(body, phase, who, at)
        elif phase == Phase.DONE and turn == Turn.PROVE:
            self.proven.add(who)
        elif phase == Phase.DONE and turn == Turn.VERIFY:
            self.verified[who] = at
        elif phase == Phase.DONE and turn == Turn.RETIRE:
            self.retired[who] = at
        elif phase == Phase.DONE and turn == Turn.DELETE:
            self._forget(who)
            self.ended = at

    def _issue(self, body: Mapping[str, Any], phase: str, who: str, at: Instant) -> None:
        if phase == Phase.INTENT:
            self.issuing = Begun("", tuple(body["before"]), at, str(body.get("login") or ""))
            return
        self.issuing = None
        if phase == Phase.DONE:
            self.made[who] = parse_instant(body["made"]) if body.get("made") else at
            if body.get("login"):
                self.logins[who] = str(body["login"])

    def _deliver(self, body: Mapping[str, Any], phase: str, who: str, at: Instant) -> None:
        to = str(body["to"])
        if phase == Phase.INTENT:
            self.putting[to] = Begun(who, tuple(body["before"]), at, names=_names(body.get("names")))
            return
        self.putting.pop(to, None)
        if phase == Phase.DONE:
            self.holds[to] = Held(who, tuple(body["after"]), _names(body.get("names")))

    def _forget(self, who: str) -> None:
        self.made.pop(who, None)
        self.proven.discard(who)
        self.verified.pop(who, None)
        self.retired.pop(who, None)
        self.logins.pop(who, None)
        self.holds = {to: held for to, held in self.holds.items() if held.id != who}
        self.putting = {to: begun for to, begun in self.putting.items() if begun.id != who}

    def to_json(self) -> Json:
        """What sums carry."""
        return {
            "issuing": _begun_json(self.issuing) if self.issuing is not None else None,
            "putting": {to: _begun_json(b) for to, b in self.putting.items()},
            "made": {i: format_instant(at) for i, at in self.made.items()},
            "proven": sorted(self.proven),
            "holds": {to: [h.id, list(h.versions), *_listed(h.names)] for to, h in self.holds.items()},
            "verified": {i: format_instant(at) for i, at in self.verified.items()},
            "retired": {i: format_instant(at) for i, at in self.retired.items()},
            **({"logins": dict(self.logins)} if self.logins else {}),
            **({"ended": format_instant(self.ended)} if self.ended is not None else {}),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Rotation:
        """The inverse."""
        return cls(
            _begun(found["issuing"]) if found["issuing"] is not None else None,
            {to: _begun(b) for to, b in found["putting"].items()},
            {i: parse_instant(at) for i, at in found["made"].items()},
            set(found["proven"]),
            {to: Held(h[0], tuple(h[1]), _names(h[2] if len(h) > 2 else None)) for to, h in found["holds"].items()},
            {i: parse_instant(at) for i, at in found["verified"].items()},
            {i: parse_instant(at) for i, at in found["retired"].items()},
            dict(found.get("logins", {})),
            parse_instant(found["ended"]) if found.get("ended") else None,
        )


def _begun_json(begun: Begun) -> Json:
    more: Json = {"login": begun.login} if begun.login else {}
    if begun.names is not None:
        more["names"] = list(begun.names)
    return {"id": begun.id, "before": list(begun.before), "at": format_instant(begun.at), **more}


def _begun(found: Mapping[str, Any]) -> Begun:
    at, login = parse_instant(found["at"]), str(found.get("login", ""))
    return Begun(found["id"], tuple(found["before"]), at, login, _names(found.get("names")))


def _names(found: Any) -> tuple[str, ...] | None:
    return tuple(map(str, found)) if found is not None else None


def _listed(names: tuple[str, ...] | None) -> list[list[str]]:
    return [list(names)] if names is not None else []
