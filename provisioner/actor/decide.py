"""May whoever set this run going do this, here and now? Pure: declarations, what the CI says, and the time come in.

Refuses whatever it does not know: an account that nobody pinned, an event that it has not met, a person of one tree
of files who is not in the other. The order is that of what a person can do about it: first the run, then who they are,
then what they hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from provisioner.actor.found import Account, Found, Part
from provisioner.load.suggest import did_you_mean
from provisioner.model.access import DeclaredAccess
from provisioner.model.environment import Environment
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant
from provisioner.resolve.roles import Roles, environments_held
from provisioner.resolve.time import When, when, window


class Hand(StrEnum):
    """Whose approval does not count: whoever wrote the change, merged it, or set the run going."""

    AUTHOR = "author"
    MERGER = "merger"
    TRIGGERER = "triggerer"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be done. `role` None: whatever role is held in the environment will do."""

    environment: str
    role: str | None = None
    approver_not: frozenset[Hand] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """`people` are the declared ids of those who set the run going, as far as they are known; where it is allowed, the
    ids that they have in the first of the files that count. `sentence` is for the person who reads the log; `fix` says
    what can be done about it. `code` is empty where it is allowed."""

    allowed: bool
    people: tuple[str, ...]
    sentence: str
    code: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Counting:
    """The declarations that count: whoever is let in must be let in by each of `trees`. `held` are those who were cut
    off by `offboard --now`, with words for it."""

    trees: tuple[DeclaredAccess, ...]
    held: Mapping[str, str] = field(default_factory=dict)


class _No(Exception):  # noqa: N818 - an answer, not something wrong
    def __init__(self, code: str, sentence: str, fix: str = "") -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.fix = code, sentence, fix


def decide(asked: Asked, found: Found, counting: Counting, now: Instant) -> Decision:
    """Whether the run may go on, and on whose account."""
    try:
        if not counting.trees:
            raise _No("nothing-applied", "nothing has been applied yet, so nobody has access", "run `provision apply`")
        first, *newer = [_each(asked, found, declared, counting.held, now) for declared in counting.trees]
        people = tuple(i.id for i in first)
        for others in newer:
            _check_same(people, others)
    except _No as no:
        return Decision(False, _known(found, counting.trees), no.sentence, no.code, no.fix)
    what = f"{asked.role} in {asked.environment}" if asked.role else asked.environment
    return Decision(True, people, f"{' and '.join(people)} may do this: {what}")


def decide_said(asked: Asked, who: str, counting: Counting, now: Instant) -> Decision:
    """The same of somebody whom whoever runs this names: nothing proves that it is they."""
    try:
        if not counting.trees:
            raise _No("nothing-applied", "nothing has been applied yet, so nobody has access", "run `provision apply`")
        for declared in counting.trees:
            _declared(asked, declared)
            identity = declared.identities.get(who)
            if identity is None:
                near = _nearest(who, declared.identities, "people")
                raise _No("unknown-person", f"{who} is nobody whom the applied files declare", near)
            _present(identity, counting.held, now)
            _holds(identity, declared, asked, now)
    except _No as no:
        return Decision(False, (who,), no.sentence, no.code, no.fix)
    return Decision(True, (who,), f"{who} may do this")


def known_person(account: Account, declared: DeclaredAccess) -> Identity | None:
    """Whose account it is: by the immutable id that the files pin, and by the login only where there is no id."""
    for identity in declared.identities.values():
        name = identity.account_on(account.realm)
        if account.id:
            if name.id == account.id:
                return identity
        elif account.login and (name.login or identity.id) == account.login:
            return identity
    return None


def _each(
    asked: Asked, found: Found, declared: DeclaredAccess, held: Mapping[str, str], now: Instant
) -> tuple[Identity, ...]:
    environment = _declared(asked, declared)
    for sign in found.bad:
        raise _No(sign.code, f"this run may not go on: {sign.why}")
    if found.unmerged and environment.protected:
        raise _No(
            "not-merged",
            f"this run may not go on: {asked.environment} is protected, and {found.unmerged}",
            "merge the change, and let the run of the protected branch do it",
        )
    starters = [_scheduled(found, declared, held, now, asked)] if found.schedule else []
    starters += [_somebody(part, declared, held, now, asked) for part in found.starters]
    if not starters:
        raise _No("nobody-started", f"{found.system} does not say who set this run going")
    if asked.approver_not:
        _approved(asked, found, declared, held, now)
    return tuple({i.id: i for i in starters}.values())


def _check_same(people: tuple[str, ...], others: tuple[Identity, ...]) -> None:
    """An account that the newer files give to somebody else stands for neither of the two until that is applied."""
    found = [next((who for who in people if who in (i.id, *i.was)), i.id) for i in others]
    if set(found) != set(people):
        raise _No(
            "account-moved",
            f"this run may not go on: by the files that were applied {' and '.join(people)} set it going, by newer "
            f"ones that are not applied as a whole yet {' and '.join(i.id for i in others)}",
            "see what holds the newer files back: provision plan",
        )


def _declared(asked: Asked, declared: DeclaredAccess) -> Environment:
    environment = declared.environments.get(asked.environment)
    if environment is None:
        fix = _nearest(asked.environment, declared.environments, "environments")
        raise _No("no-such-environment", f"no environment {asked.environment} is declared", fix)
    if asked.role is not None and asked.role not in declared.roles:
        fix = _nearest(asked.role, declared.roles, "roles")
        raise _No("no-such-role", f"no role {asked.role} is declared", fix)
    return environment


def _nearest(name: str, names: Collection[str], section: str) -> str:
    """What to do about a name that the applied files do not have."""
    return did_you_mean(name, names) or f"correct the name, or declare it under `{section}:` and apply that"


def _scheduled(found: Found, declared: DeclaredAccess, held: Mapping[str, str], now: Instant, asked: Asked) -> Identity:
    """A schedule is nobody's decision of today: it runs as the service that the files name for it, or not at all."""
    said = declared.pipelines.data.get(found.pipeline) if found.pipeline else None
    name = said.get("schedules") if isinstance(said, Mapping) else None
    identity = declared.identities.get(name) if isinstance(name, str) else None
    if identity is None or identity.kind is not IdentityKind.SERVICE:
        raise _No(
            "schedule",
            "this run was started by a schedule, and the files name no service that schedules of this pipeline run as",
            "name one under `pipelines:` (`schedules: SERVICE`), or let a person start it",
        )
    _present(identity, held, now)
    _holds(identity, declared, asked, now)
    return identity


def _somebody(part: Part, declared: DeclaredAccess, held: Mapping[str, str], now: Instant, asked: Asked) -> Identity:
    identity = _identity(part, declared)
    _present(identity, held, now)
    _holds(identity, declared, asked, now)
    return identity


def _identity(part: Part, declared: DeclaredAccess) -> Identity:
    account = part.who
    identity = known_person(account, declared)
    if identity is None:
        raise _stranger(part, declared)
    if account.bot and identity.kind is IdentityKind.PERSON:
        raise _No("bot", f"{account}, who {part.did}, is a bot, and the files have its account as {identity.id}'s")
    return identity


def _stranger(part: Part, declared: DeclaredAccess) -> _No:
    account = part.who
    if account.bot:
        return _No(
            "bot",
            f"{account}, who {part.did}, is a bot that no service of the files stands for",
            f"if it is meant to, declare a service with `accounts: {{{account.realm}: {{id: {account.id or '...'}}}}}`",
        )
    namesake = next((i for i in declared.identities.values() if i.login_on(account.realm) == account.login), None)
    if namesake is not None and account.id and (pinned := namesake.account_on(account.realm).id) is None:
        return _No(
            "account-not-pinned",
            f"{account}, who {part.did}, has the login of {namesake.id}, but the files do not pin that account",
            f"write it down: `accounts: {{{account.realm}: {{login: {account.login}, id: {account.id}}}}}`",
        )
    if namesake is not None and account.id:
        return _No(
            "another-account",
            f"{account}, who {part.did}, has the login of {namesake.id}, whose account is another (id {pinned})",
            "somebody else has that login now; see who",
        )
    return _No(
        "unknown-account",
        f"{account}, who {part.did}, is nobody whom the applied files declare",
        "whoever has left, or was never declared, may not; a new declaration counts once it is applied",
    )


def _present(identity: Identity, held: Mapping[str, str], now: Instant) -> None:
    who = identity.id
    if (words := next((held[name] for name in (who, *identity.was) if name in held), None)) is not None:
        raise _No("offboarded-now", f"{who} may not do this: cut off {words}")
    if identity.departed_at(now):
        raise _No("has-left", f"{who} may not do this: they left at {identity.until:%Y-%m-%d %H:%M} UTC")
    if not identity.present_at(now):
        raise _No("not-begun", f"{who} may not do this yet: they begin at {identity.starts:%Y-%m-%d %H:%M} UTC")
    if identity.suspended is not None:
        raise _No("suspended", f"{who} may not do this: suspended since {identity.suspended.since:%Y-%m-%d %H:%M} UTC")


def _holds(identity: Identity, declared: DeclaredAccess, asked: Asked, now: Instant) -> None:
    """Whether they hold the role (or any) in the environment now; raises with the nearest miss."""
    over: list[Instant] = []
    later: list[Instant] = []
    for starts, until in spans(identity, declared, asked.environment, asked.role):
        match when(starts, until, now):
            case When.NOW:
                return
            case When.OVER if until is not None:
                over.append(until)
            case When.LATER if starts is not None:
                later.append(starts)
            case _:
                pass
    what = f"the role {asked.role}" if asked.role else "no role"
    start = f"{identity.id} may not do this: {what} is {'not ' if asked.role else ''}held in {asked.environment} now"
    told = f"; it ended at {max(over):%Y-%m-%d %H:%M} UTC" if over else ""
    told += f"; it begins at {min(later):%Y-%m-%d %H:%M} UTC" if later else ""
    raise _No(
        "not-held",
        start + told,
        f"ask for it: provision grant {identity.id} {asked.role or 'ROLE'} --environment {asked.environment} --for 4h",
    )


def spans(
    identity: Identity, declared: DeclaredAccess, environment: str, role: str | None = None
) -> Iterable[tuple[Instant | None, Instant | None]]:
    """From when until when somebody holds a role (or any) in an environment, one span for each line that gives it."""
    roles = Roles(declared)
    for assignment in identity.roles:
        for reached, _ in roles.reached_from(assignment.role):
            if role is not None and reached.id != role:
                continue
            if environment in environments_held(reached, assignment, declared.environments):
                yield window(identity, assignment.starts, assignment.until)


def _approved(asked: Asked, found: Found, declared: DeclaredAccess, held: Mapping[str, str], now: Instant) -> None:
    """Somebody else than those asked about approved it: a declared person, present, and none of those."""
    if not found.tells_approvals:
        raise _No("approvals-not-told", f"{found.system} does not say who approved a run, so nobody can be held to it")
    hands: dict[Hand, Sequence[Part]] = {
        Hand.AUTHOR: found.authors,
        Hand.MERGER: found.mergers,
        Hand.TRIGGERER: found.starters,
    }
    excluded: set[str] = set()
    for hand in sorted(asked.approver_not):
        if not hands[hand]:
            raise _No("hand-not-told", f"{found.system} does not say who is the {hand} of this run's change")
        for part in hands[hand]:
            identity = known_person(part.who, declared)
            excluded.add(identity.id if identity is not None else str(part.who))
    if not found.approvers:
        raise _No("nobody-approved", f"nobody has approved this run for {asked.environment}")
    if not any(_counts(part, declared, held, now, excluded) for part in found.approvers):
        who = ", ".join(sorted({str(part.who) for part in found.approvers}))
        wanted = ", ".join(sorted(asked.approver_not))
        raise _No(
            "approver-not-another",
            f"this run was approved by {who}, and nobody else than its {wanted} has approved it",
            "let somebody approve it who had no part in it",
        )


def _counts(
    part: Part, declared: DeclaredAccess, held: Mapping[str, str], now: Instant, excluded: Collection[str]
) -> bool:
    identity = known_person(part.who, declared)
    if identity is None or part.who.bot or identity.kind is not IdentityKind.PERSON or identity.id in excluded:
        return False
    try:
        _present(identity, held, now)
    except _No:
        return False
    return True


def _known(found: Found, trees: Sequence[DeclaredAccess]) -> tuple[str, ...]:
    """Who they are, as far as any of the files says: for the record of a refusal."""
    identities = [known_person(part.who, declared) for declared in trees for part in found.starters]
    return tuple(dict.fromkeys(i.id for i in identities if i is not None))
