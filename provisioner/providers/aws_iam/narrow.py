"""What a run may have in an account: the policies that both the person and the pipeline have, and all that either is
denied. Pure.

AWS narrows a session by policies, and the texts of two policies cannot be intersected. So a policy is shared or it is
not, by which policy it is: the session gets those that the files give to both, whole. Of every other policy only what
it denies goes along. That is never wider than the person or the pipeline. Where it could be, it is refused, and nothing
is left out to make it fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provisioner.contract import Shared
from provisioner.model.address import Address, Kind
from provisioner.model.instant import Instant, format_instant
from provisioner.model.resource import Resource
from provisioner.providers.aws_iam import documents, names

# STS API reference, AssumeRole.
MOST_POLICIES = 10
MOST_CHARACTERS = 2048
"""Of a session's own policy and the ARNs of the managed ones together."""

_GivenBy = Callable[[str], Sequence[Resource] | None]


def shared(given_by: _GivenBy, person: Sequence[Resource], scope: Sequence[Resource]) -> Shared:
    """The grants that both have, those of declared groups too (`given_by` tells a group's, or None). With them, for
    each policy that the scope has alone, a control `policy.NAME`: of that one, what it denies."""
    theirs, _ = _policies(given_by, person)
    its, unsaid = _policies(given_by, scope)
    cannot = [
        f"the pipeline's scope has group {group}, and the files do not say what it gives: declare its `policies`"
        for group in unsaid
    ]
    cannot += [
        f"both may assume role {role}, and a session of that would go on when the run is over"
        for role in sorted(_roles(person) & _roles(scope))
    ]
    both = sorted(theirs.keys() & its.keys())
    arns = {name: {str(arn) for one in (theirs, its) if (arn := one[name].attributes.get("arn"))} for name in both}
    cannot += [f"{' and '.join(sorted(arns[name]))} go by one name" for name in both if len(arns[name]) > 1]
    things = [theirs[name] if theirs[name].attributes else its[name] for name in both]
    alone = [_control(its[name]) for name in sorted(its.keys() - theirs.keys())] if both else []
    return Shared((*things, *alone), tuple(cannot))


def _policies(given_by: _GivenBy, things: Sequence[Resource]) -> tuple[dict[str, Resource], list[str]]:
    """Managed policies by name, and the groups of which nothing is known."""
    found: dict[str, Resource] = {}
    unsaid: set[str] = set()
    for thing in things:
        name = thing.address.object
        if thing.address.kind is Kind.MEMBERSHIP:
            given = given_by(name)
            if given is None:
                unsaid.add(name)
            found.update((policy.address.object, policy) for policy in given or ())
        elif thing.address.kind is Kind.GRANT and not name.startswith(names.ROLE):
            found[name] = thing
    return found, sorted(unsaid)


def _roles(things: Sequence[Resource]) -> set[str]:
    listed = (t.address.object for t in things if t.address.kind is Kind.GRANT)
    return {name.removeprefix(names.ROLE) for name in listed if name.startswith(names.ROLE)}


def _control(policy: Resource) -> Resource:
    address = Address(policy.address.target, Kind.CONTROL, names.POLICY + policy.address.object)
    return replace(policy, address=address)


def session(
    given: Mapping[str, documents.Document], others: Mapping[str, documents.Document], ends: Instant
) -> tuple[list[str], str, list[str]]:
    """(ARNs, own policy, what cannot be) of a session that has `given` (by ARN) and is denied what `others` deny. Where
    there are more than ten, the shortest are written out in the session's own policy."""
    cannot: list[str] = []
    for label, document in given.items():
        cannot += _asking(label, documents.asks_who(document))
    by_length = sorted(given, key=lambda arn: (-len(documents.compact(documents.unlabelled(given[arn]))), arn))
    passed, written = sorted(by_length[:MOST_POLICIES]), by_length[MOST_POLICIES:]
    statements = [s for arn in written for s in documents.unlabelled(given[arn])]
    copied = {arn: given[arn] for arn in written}
    for label, document in others.items():
        denied = documents.denials(document)
        cannot += _asking(label, documents.asks_who(denied))
        if denied:
            copied[label] = document
            statements += denied
    for label, document in copied.items():
        if documents.is_of_old_version(document):
            cannot.append(f"{label} is a document of the version before 2012-10-17, which cannot be copied")
    policy = _own_policy(statements, ends)
    length = len(policy) + sum(map(len, passed))
    if length > MOST_CHARACTERS:
        told = "the policies beyond ten, " if written else ""
        cannot.append(
            f"the names of policies, {told}and what is denied come to {length} characters, and a session of AWS takes "
            f"{MOST_CHARACTERS}"
        )
    return passed, policy, cannot


def _own_policy(more: Iterable[Mapping[str, Any]], ends: Instant) -> str:
    """By itself it allows nothing, and denies everything once the time is over and going on into another role, whose
    session would not end with this one."""
    over = {"DateGreaterThanEquals": {"aws:CurrentTime": format_instant(ends.replace(microsecond=0))}}
    statements: list[Mapping[str, Any]] = [
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": over},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"},
    ]
    for statement in more:
        if statement not in statements:
            statements.append(statement)
    return documents.compact(statements)


def _asking(label: str, keys: set[str]) -> list[str]:
    if not keys:
        return []
    return [f"{label} asks who calls ({', '.join(sorted(keys))}), and of a role's session the answer is another one"]
