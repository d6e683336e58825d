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
    if len(both) > MOST_POLICIES:
        cannot.append(f"both have {len(both)} policies, and a session of AWS takes {MOST_POLICIES} at most")
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


def session_policy(denied: Iterable[Mapping[str, Any]], ends: Instant) -> str:
    """The session's own policy, which allows nothing. It denies what is denied to either, everything once the time is
    over, and going on into another role, whose session would not end with this one."""
    over = {"DateGreaterThanEquals": {"aws:CurrentTime": format_instant(ends.replace(microsecond=0))}}
    statements: list[Mapping[str, Any]] = [
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": over},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"},
    ]
    for statement in denied:
        if statement not in statements:
            statements.append(statement)
    return documents.compact(statements)
