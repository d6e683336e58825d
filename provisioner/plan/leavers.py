"""Who has left: by history, by the end of their time, by a mark that nobody declares any more.

And who has not: a gone id and a new one with the same e-mail or login in one change is probably one person, renamed.
Nothing of theirs is touched until the files say which it is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.identity import AccountName, Identity, IdentityKind
from provisioner.model.instant import Instant
from provisioner.model.ownership import ownership
from provisioner.model.past import Past, PastDeclared
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.model.way import Ownership

Departed = dict[str, tuple[Identity, str]]
"""By id: the identity as it was last known, and the revision that last had it (empty where no revision did)."""


def departed_on(
    target: Target, live: State, declared: DeclaredAccess, past: Past, now: Instant, owner: str | None
) -> Departed:
    """Everybody whose access on `target` is to go."""
    gone: Departed = dict(past.departed)
    here = declared.identities
    for identity in here.values():
        if identity.departed_at(now):
            gone[identity.id] = (identity, "")
    renamed = {old for identity in here.values() for old in identity.was}
    renamed |= {old for identity, _ in gone.values() for old in identity.was}
    for account in live.of_kind(Kind.ACCOUNT):
        mark = account.mark
        if mark is None or mark.key in here or mark.key in renamed or mark.key in gone:
            continue
        if ownership(account, owner) is Ownership.OWNED:
            facts = account.facts
            gone[mark.key] = (
                Identity(
                    IdentityKind.PERSON,
                    mark.key,
                    (facts.name if facts else None) or mark.key,
                    facts.email if facts else None,
                    accounts={target.name: AccountName(account.address.object)},
                ),
                "",
            )
    return gone


def unsaid_renames(
    declared: DeclaredAccess, past: Iterable[PastDeclared], departed: Mapping[str, Departed]
) -> tuple[set[str], list[Diagnostic]]:
    """Ids that came in the very change in which a like one went: both are blocked everywhere, and the error proposes
    `was`. `past` is newest first."""
    gone = {who for on_target in departed.values() for who in on_target if who not in declared.identities}
    blocked: set[str] = set()
    problems: list[Diagnostic] = []
    newer = declared
    for revision in past:
        older = revision.declared
        came, went_ids = (
            newer.identities.keys() - older.identities.keys(),
            older.identities.keys() - newer.identities.keys(),
        )
        went = [older.identities[who] for who in sorted(went_ids & gone)]
        newer = older
        if not went:
            continue
        by_mail = {i.email.casefold(): i for i in went if i.email}
        by_login = {login: i for i in went for login in _logins(i, departed)}
        for identity in (declared.identities[who] for who in sorted(came) if who in declared.identities):
            old = by_mail.get(identity.email.casefold()) if identity.email else None
            shared = "e-mail"
            if old is None:
                shared = "account"
                old = next((by_login[login] for login in _logins(identity, departed) if login in by_login), None)
            if old is not None and identity.id not in blocked:
                blocked |= {identity.id, old.id}
                problems.append(_rename(old, identity, shared))
    return blocked, problems


def _rename(old: Identity, identity: Identity, shared: str) -> Diagnostic:
    return Diagnostic(
        "looks-like-rename",
        f"{old.id} is gone and {identity.id} is new with the same {shared}: nothing of either is changed",
        location=identity.location,
        length=len(identity.id),
        why="revoking one and creating the other would take a person's accounts away",
        fix=f"if they are one person, add `was: [{old.id}]`; if not, remove {old.id} in an earlier change",
    )


def _logins(identity: Identity, targets: Iterable[str]) -> list[tuple[str, str]]:
    return [(target, identity.login_on(target)) for target in sorted(targets)]


def targets_gone(declared: DeclaredAccess, past: Iterable[PastDeclared]) -> Iterator[Diagnostic]:
    """Targets that the files had and have no more: nothing is called there, and that must not pass for an end."""
    last = {t: p.name for p in reversed(tuple(past)) for t in p.declared.targets}
    for name in sorted(set(last) - set(declared.targets)):
        yield target_gone(name, last[name])


def target_gone(name: str, last: str) -> Diagnostic:
    """The warning. `last` says what declared it last."""
    return Diagnostic(
        "target-gone",
        f"{name} is no longer declared (last in {last}): what was given there stays, also that of leavers",
        severity=Severity.WARNING,
        target=name,
        why="a target that the files do not name is not called",
        fix="to end it properly, put it back, take its grants out of the roles, apply, and then remove it",
    )


def unknown_person(
    person: str, known: Mapping[str, Identity], departed: Iterable[Mapping[str, object]]
) -> list[Diagnostic]:
    """Nothing to do for somebody whom nobody knows is rather a slip of the pen."""
    if person in known or any(person in of_target for of_target in departed):
        return []
    now = next((i.id for i in known.values() if person in i.was), None)
    near = [now] if now is not None else difflib.get_close_matches(person, sorted(known), n=1)
    return [
        Diagnostic(
            "unknown-person",
            f"nobody called `{person}` is declared, has left since the last apply, or is known by a mark",
            severity=Severity.WARNING,
            why="that there is nothing to do says nothing about anybody then",
            fix=f"did you mean `{near[0]}`?" if near else "write the id as the access files have it",
        )
    ]
