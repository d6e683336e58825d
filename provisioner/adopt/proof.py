"""Whether files with an adoption in them change anything: the plan that they make, held against the one without it."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.adopt.roles import Atom
from provisioner.model.address import Kind
from provisioner.model.change import Action, Cause, Change
from provisioner.model.desired import Desired

_LABELS = frozenset({"name", "email"})
"""What an account is called: where one that is merged has another, the plan says so, and it is no access."""


def unexpected(before: Iterable[Change], after: Iterable[Change], asked: Desired) -> list[Change]:
    """Changes that only the adoption brings about, and that it may not.

    It may take accounts over. And whoever was declared, and is known by their account only now, gets what the files
    asked for them before (`asked`), is called as the files call them, and loses what the files had ended.
    """
    known = {c.id for c in before}
    wanted = {
        (asked.logins[a.principal.id].id, Atom.at(a))
        for a in asked.state.resources
        if a.principal is not None and a.principal.is_account and a.principal.id in asked.logins
    }
    found = []
    for change in after:
        if change.id in known or change.action is Action.ADOPT or change.cause is Cause.TIME:
            continue
        if (
            change.action is Action.UPDATE
            and change.address.kind is Kind.ACCOUNT
            and set(change.after or ()) <= _LABELS
        ):
            continue
        if change.action is Action.CREATE and (change.identity, Atom.at(change.address)) in wanted:
            continue
        found.append(change)
    return found
