"""Who has left: by history, by the end of their time, by a mark that nobody declares any more.

And who has not: a gone id and a new one with the same e-mail or login in one change is probably one person, renamed.
Nothing of theirs is touched until the files say which it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provisioner.diagnostics import Diagnostic
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.identity import AccountName, Identity, IdentityKind
from provisioner.model.instant import Instant
from provisioner.model.ownership import ownership
from provisioner.model.past import Past
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
    renamed = {old for identity in here.values() for old in identity.was}
    for identity in here.values():
        if identity.departed_at(now):
            gone[identity.id] = (identity, "")
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
    declared: DeclaredAccess, pasts: Mapping[str, Past], departed: Mapping[str, Departed]
) -> tuple[set[str], list[Diagnostic]]:
    """New ids that look like a gone one: both are blocked everywhere, and the error proposes `was`."""
    seen = set().union(*(past.ids for past in pasts.values())) if pasts else set()
    if not any(past.known for past in pasts.values()):
        return set(), []
    new = [i for i in declared.identities.values() if i.id not in seen and not i.was]
    gone: dict[str, Identity] = {}
    for on_target in departed.values():
        gone.update({who: identity for who, (identity, _) in on_target.items() if who not in declared.identities})
    by_mail = {i.email.casefold(): i for i in gone.values() if i.email}
    by_login = {login: i for i in gone.values() for login in _logins(i, pasts)}
    blocked: set[str] = set()
    problems: list[Diagnostic] = []
    for identity in new:
        old = by_mail.get(identity.email.casefold()) if identity.email else None
        shared = "e-mail"
        if old is None:
            old = next((by_login[login] for login in _logins(identity, pasts) if login in by_login), None)
            shared = "account"
        if old is None:
            continue
        blocked |= {identity.id, old.id}
        problems.append(
            Diagnostic(
                "looks-like-rename",
                f"{old.id} is gone and {identity.id} is new with the same {shared}: nothing of either is changed",
                location=identity.location,
                length=len(identity.id),
                why="revoking one and creating the other would take a person's accounts away",
                fix=f"if they are one person, add `was: [{old.id}]`; if not, remove {old.id} in an earlier change",
            )
        )
    return blocked, problems


def _logins(identity: Identity, targets: Iterable[str]) -> set[tuple[str, str]]:
    return {(target, identity.login_on(target)) for target in targets}
