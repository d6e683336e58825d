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
from provisioner.model.address import Kind
from provisioner.model.instant import Instant, format_instant
from provisioner.model.principal import PrincipalKind
from provisioner.model.resource import Resource
from provisioner.providers.aws_iam import documents, names

# STS API reference, AssumeRole.
MOST_POLICIES = 10
MOST_CHARACTERS = 2048
"""Of a session's own policy and the ARNs of the managed ones together."""

DENIED = "denied"
"""The attribute of a shared grant with the policies that one of them has alone: what they deny is denied to both."""

_GivenBy = Callable[[str], Sequence[Resource] | None]


def shared(given_by: _GivenBy, person: Sequence[Resource], scope: Sequence[Resource]) -> Shared:
    """The grants that both have, those of declared groups too (`given_by` tells a group's, or None). What was shared
    before may be shared again with a third."""
    theirs, its = _Had(given_by, person), _Had(given_by, scope)
    cannot = [
        f"the pipeline's scope has group {group}, and the files do not say what it gives: declare its `policies`"
        for group in sorted(its.unsaid)
    ]
    both = sorted(theirs.grants.keys() & its.grants.keys())
    arns = {name: theirs.arns.get(name, set()) | its.arns.get(name, set()) for name in {*theirs.arns, *its.arns}}
    cannot += [f"{' and '.join(sorted(found))} go by one name" for found in arns.values() if len(found) > 1]
    alone = {name: _said(r) for name, r in {**theirs.grants, **its.grants}.items() if not name.startswith(names.ROLE)}
    denied = {name: text for name, text in {**alone, **theirs.denied, **its.denied}.items() if name not in both}
    more: dict[str, Any] = {DENIED: sorted(denied.values())} if denied else {}
    things = []
    for name in both:
        named = {"arn": min(arns[name])} if name in arns else {}
        things.append(replace(theirs.grants[name], attributes={**named, **more}))
    return Shared(tuple(things), tuple(cannot))


class _Had:
    """What one party has: grants by name, the policies it is denied something by (as `_said`), and the groups of which
    nothing is known."""

    def __init__(self, given_by: _GivenBy, things: Sequence[Resource]) -> None:
        self.grants: dict[str, Resource] = {}
        self.arns: dict[str, set[str]] = {}
        self.denied: dict[str, str] = {}
        self.unsaid: set[str] = set()
        for thing in things:
            address = thing.address
            whose = None if address.principal is None else address.principal.kind
            if address.kind is Kind.MEMBERSHIP:
                self._group(given_by(address.object), thing)
            elif address.kind is Kind.GRANT and whose is not PrincipalKind.GROUP:
                self._add(thing)
                self.denied |= {names.policy_object(text): text for text in thing.attributes.get(DENIED, ())}

    def _add(self, grant: Resource) -> None:
        self.grants.setdefault(grant.address.object, grant)
        if "arn" in grant.attributes:
            self.arns.setdefault(grant.address.object, set()).add(str(grant.attributes["arn"]))

    def _group(self, given: Sequence[Resource] | None, member: Resource) -> None:
        if given is None:
            self.unsaid.add(member.address.object)
        for policy in given or ():
            address = policy.address._replace(principal=member.address.principal)
            self._add(replace(policy, address=address, until=member.until))


def _said(policy: Resource) -> str:
    return str(policy.attributes.get("arn") or policy.address.object)


def session(
    given: Mapping[str, documents.Document], others: Mapping[str, documents.Document], ends: Instant
) -> tuple[list[str], str, list[str]]:
    """(ARNs, own policy, what cannot be) of a session that has `given` (by ARN) and is denied what `others` deny. Where
    there are more than ten, the shortest are written out in the session's own policy."""
    everything = {**given, **others}
    cannot = [f"{label} denies everything" for label in everything if documents.is_deny_all(everything[label])]
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
        {"Effect": "Deny", "Action": "sts:Assume*", "Resource": "*"},
    ]
    for statement in more:
        if statement not in statements:
            statements.append(statement)
    return documents.compact(statements)


def _asking(label: str, keys: set[str]) -> list[str]:
    if not keys:
        return []
    return [f"{label} asks who calls ({', '.join(sorted(keys))}), and of a role's session the answer is another one"]
