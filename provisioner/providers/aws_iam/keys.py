"""Access keys that work and should not, told where the target asks for it: people's, old ones, nobody's. Pure.

Nothing is switched off because of it: a key may be in use, and whose it is to end is a decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.address import Kind
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant, format_duration, format_instant, parse_duration
from provisioner.model.rotation import Rotation
from provisioner.model.state import State
from provisioner.model.target import Target

KEYS, READ_AT = "access_keys", "keys_read"
"""The keys in `Facts.more` of a live account: when each key that works was made, and when AWS looked."""
UNKNOWN = "?"
KIND = "access-key"
_SKEW = timedelta(minutes=5)
"""By so much the time at which we noted that a key was made may differ from AWS's."""
_MOST = 50
"""How many of a kind are told one by one."""


def are_asked_for(target: Target) -> bool:
    """Whether the target says anything about keys, so that they are to be read."""
    return _none_for_people(target) or "access_keys" in target.settings.data


def _none_for_people(target: Target) -> bool:
    people = target.settings.data.get("people")
    return isinstance(people, Mapping) and people.get("access_keys") == "none"


def _limit(target: Target) -> timedelta | None:
    keys = target.settings.data.get("access_keys")
    text = keys.get("max_age") if isinstance(keys, Mapping) else None
    return parse_duration(text) if isinstance(text, str) else None


def noted(made: Iterable[datetime | None], read: Instant) -> dict[str, str]:
    """What of it stands in `Facts.more` of an account."""
    told = [UNKNOWN if one is None else one.astimezone(UTC).isoformat() for one in made]
    return {KEYS: " ".join(told), READ_AT: format_instant(read)}


def unread(target: Target, why: str) -> Diagnostic:
    """That nothing can be said of keys."""
    return Diagnostic(
        "keys-unread",
        f"who has access keys on {target.name} could not be read: {why}",
        severity=Severity.WARNING,
        target=target.name,
        why="the target asks for it, and a plan that says nothing of keys would pass for one without findings",
        fix="let the role that reads have iam:GenerateCredentialReport and iam:GetCredentialReport; or run again",
    )


def inspect(
    target: Target,
    live: State,
    whose: Callable[[str], Identity | None],
    made: Callable[[Identity, str], Rotation | None],
    now: Instant,
) -> Iterator[Diagnostic]:
    """As `Inspects.inspect`."""
    if not are_asked_for(target):
        return
    told: Counter[str] = Counter()
    for account in sorted(live.of_kind(Kind.ACCOUNT), key=lambda a: a.address.object):
        more = account.facts.more if account.facts is not None else {}
        if KEYS not in more:
            continue
        login = account.address.object
        who = whose(login)
        known = made(who, KIND) if who is not None else None
        one = _Keys(target, login, who, known, more[KEYS].split(), more.get(READ_AT, ""), now)
        for finding in one.findings():
            told[finding.code] += 1
            if told[finding.code] <= _MOST:
                yield finding
    for code, count in sorted(told.items()):
        if count > _MOST:
            yield Diagnostic(
                code,
                f"{count - _MOST:,} more accounts of {target.name} likewise",
                severity=Severity.WARNING,
                target=target.name,
                why=f"the first {_MOST} are listed",
                fix="begin with those",
            )


class _Keys:
    """The keys of one account that work."""

    def __init__(
        self,
        target: Target,
        login: str,
        who: Identity | None,
        known: Rotation | None,
        made: list[str],
        read: str,
        now: Instant,
    ) -> None:
        self._target = target
        self._login = login
        self._who = who
        self._known = known
        self._made = made
        self._read_at = read
        self._count = "an access key that works" if len(made) == 1 else f"{len(made)} access keys that work"
        self._read = f" (by AWS's report of {read})"
        self._now = now

    def findings(self) -> Iterator[Diagnostic]:
        is_person = self._who is not None and self._who.kind is IdentityKind.PERSON
        if is_person and _none_for_people(self._target):
            yield self._told(
                "key-of-person",
                f"{self._says()} has {self._count}{self._read}, and {self._target.name} says `people: {{access_keys: "
                "none}`",
                "a key works from anywhere, without a second factor, until somebody deletes it",
                "let them sign in with a session of an hour or so, then switch the key off in IAM, and delete it later",
            )
        elif self._who is not None and not is_person and not self._is_declared():
            yield self._told(
                "key-undeclared",
                f"{self._says()} has {self._count}{self._read}, and the files declare none",
                "nobody rotates it, and nobody knows where it lies",
                "declare it under `credentials:`, or give the service `identity:`; or switch it off in IAM",
            )
        elif (strange := self._not_made_here()) and self._who is not None:
            yield self._told(
                "key-undeclared",
                f"{self._says()} has {self._count}{self._read}, and nothing shows that what was made "
                f"{' and '.join(strange)} is ours",
                "beside the declared credential, which is made here, delivered and made anew, it is nobody's to rotate",
                "`provision rotate --due` says its id, or takes it for ours where a store has it; delete it where it "
                "is not used",
            )
        limit = _limit(self._target)
        ages = [self._now - Instant.fromisoformat(made) for made in self._made if made != UNKNOWN]
        old = [age for age in ages if limit is not None and age > limit]
        if old and limit is not None:
            yield self._told(
                "key-over-age",
                f"{self._says()} has an access key that is {max(old).days} days old{self._read}; "
                f"{self._target.name} says at most {format_duration(limit)}",
                "the longer a key lies about, the more places have a copy of it",
                "declare it under `credentials:` with `rotate_after`, or make a new one and delete the old one",
            )

    def _says(self) -> str:
        if self._who is None:
            return f"IAM user {self._login}, whom nobody declares,"
        return self._who.id if self._who.id == self._login else f"{self._who.id} (IAM user {self._login})"

    def _is_declared(self) -> bool:
        credentials = self._who.credentials if self._who is not None else None
        kinds = credentials.data.get(self._target.name) if credentials is not None else None
        return isinstance(kinds, Mapping) and KIND in kinds

    def _not_made_here(self) -> list[str]:
        """When keys were made that are not the declared credential's. Nothing is told by a report from before the last
        of ours was deleted, nor while there may be one that a run began and did not write down."""
        known = self._known
        if known is None or known.issuing is not None or not self._read_at:
            return []
        if known.ended is not None and known.ended + _SKEW >= Instant.fromisoformat(self._read_at):
            return []
        ours, found = sorted(known.made.values()), []
        for made in sorted(made for made in self._made if made != UNKNOWN):
            mine = next((at for at in ours if abs(at - Instant.fromisoformat(made)) <= _SKEW), None)
            if mine is None:
                found.append(format_instant(Instant.fromisoformat(made)))
            else:
                ours.remove(mine)
        return found

    def _told(self, code: str, message: str, why: str, fix: str) -> Diagnostic:
        place = self._who.location if self._who is not None else self._target.location
        return Diagnostic(
            code,
            message,
            severity=Severity.WARNING,
            location=place,
            why=why,
            fix=fix,
            target=self._target.name,
        )
