"""What a run may have in an account: the policies that both the person and the pipeline have, and all that either is
denied; and the policies that are laid ready for runs that need more than fits into a session. Pure.

AWS narrows a session by policies, and the texts of two policies cannot be intersected. So a policy is shared or it is
not, by which policy it is: the session gets those that the files give to both, whole. Of every other policy only what
it denies goes along. That is never wider than the person or the pipeline. Where it could be, it is refused, and nothing
is left out to make it fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
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
# IAM User Guide, "IAM and AWS STS quotas": of a managed policy, spaces not counted.
MOST_OF_ONE = 6144

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


@dataclass(frozen=True, slots=True)
class Session:
    """Session policies: `passed` are ARNs, `pieces` documents that have to lie ready as managed policies of their own
    (their ARNs are in `passed`), `policy` is the session's own. Where something is in `cannot`, there is no session."""

    passed: tuple[str, ...] = ()
    pieces: tuple[str, ...] = ()
    policy: str = ""
    cannot: tuple[str, ...] = ()


def session(
    given: Mapping[str, documents.Document],
    others: Mapping[str, documents.Document],
    ends: Instant,
    arn_of: Callable[[str], str],
) -> Session:
    """What a session has to be made with to have `given` (by ARN) and to be denied what `others` deny.

    Up to ten are passed whole, and what is denied goes into the session's own policy; where there are more, the
    shortest go there too. Where that does not fit, as many as can be are passed whole, and all else becomes `pieces`,
    whose ARNs `arn_of` tells: ten of both together at most."""
    everything = {**given, **others}
    cannot = [f"{label} denies everything" for label in everything if documents.is_deny_all(everything[label])]
    for label, document in given.items():
        cannot += _asking(label, documents.asks_who(document))
    denied: list[dict[str, Any]] = []
    for label, document in others.items():
        found = documents.denials(document)
        denied += found
        cannot += _asking(label, documents.asks_who(found))
        cannot += _uncopied(label, document) if found else []
    if cannot:
        return Session(cannot=tuple(cannot))
    # One that cannot be copied has to be passed, and the longest are the least worth copying.
    by_need = sorted(given, key=lambda arn: (not documents.is_of_old_version(given[arn]), -_length(given[arn]), arn))
    for number in range(min(len(given), MOST_POLICIES), -1, -1):
        whole, rest = by_need[:number], by_need[number:]
        cannot = [*chain.from_iterable(_uncopied(arn, given[arn]) for arn in rest)]
        if cannot:
            break
        made = _made(whole, [s for arn in rest for s in documents.unlabelled(given[arn])] + denied, ends, arn_of)
        if made is not None:
            return made
    told = (
        f"the {len(given)} policies that both have and what is denied do not go into {MOST_POLICIES} policies of "
        f"{MOST_OF_ONE} characters, with {MOST_CHARACTERS} for their names: that is all that a session of AWS takes"
    )
    return Session(cannot=(*cannot, told))


def _made(
    whole: Sequence[str], copied: Sequence[dict[str, Any]], ends: Instant, arn_of: Callable[[str], str]
) -> Session | None:
    """With the copies in the session's own policy, else in pieces; None where neither fits."""
    policy = _own_policy(copied, ends)
    if len(policy) + sum(map(len, whole)) <= MOST_CHARACTERS:
        return Session(tuple(sorted(whole)), (), policy)
    pieces = _packed(copied, MOST_POLICIES - len(whole))
    if pieces is None:
        return None
    policy, passed = _own_policy((), ends), sorted({*whole, *map(arn_of, pieces)})
    return Session(tuple(passed), pieces, policy) if len(policy) + sum(map(len, passed)) <= MOST_CHARACTERS else None


def _packed(statements: Sequence[dict[str, Any]], most: int) -> tuple[str, ...] | None:
    """In at most that many documents, the same ones for the same statements; None where they do not fit."""
    each, empty = {documents.compact([s]): s for s in statements}, len(documents.compact([]))
    filled: list[list[dict[str, Any]]] = []
    lengths: list[int] = []
    for text in sorted(each, key=lambda text: (-len(text), text)):
        more = len(text) - empty + 1  # and a comma
        room = next((n for n, length in enumerate(lengths) if length + more <= MOST_OF_ONE), None)
        if room is not None:
            filled[room].append(each[text])
            lengths[room] += more
        elif len(filled) == most or len(text) > MOST_OF_ONE:
            return None
        else:
            filled.append([each[text]])
            lengths.append(len(text))
    return tuple(documents.compact(one) for one in filled)


def _length(document: documents.Document) -> int:
    return len(documents.compact(documents.unlabelled(document)))


def _uncopied(label: str, document: documents.Document) -> list[str]:
    if not documents.is_of_old_version(document):
        return []
    return [f"{label} is a document of the version before 2012-10-17, which cannot be copied"]


def _own_policy(more: Iterable[Mapping[str, Any]], ends: Instant) -> str:
    """By itself it allows nothing, and denies everything once the time is over and going on into another role, whose
    session would not end with this one."""
    over = {"DateGreaterThanEquals": {"aws:CurrentTime": format_instant(ends.replace(microsecond=0))}}
    statements: list[Mapping[str, Any]] = [
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": over},
        {"Effect": "Deny", "Action": "sts:Assume*", "Resource": "*"},
    ]
    each = {documents.compact([s]): s for s in (*statements, *more)}
    return documents.compact(each.values())


def _asking(label: str, keys: set[str]) -> list[str]:
    if not keys:
        return []
    return [f"{label} asks who calls ({', '.join(sorted(keys))}), and of a role's session the answer is another one"]
