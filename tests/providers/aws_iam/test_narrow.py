"""What a person and a pipeline share in an account, by the files alone; and the policy of a session."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import product
from random import Random
from typing import Any

import pytest

from provisioner.contract import Narrows, Shared
from provisioner.model.address import Address, Kind
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.providers.aws_iam import documents, names, narrow
from provisioner.providers.aws_iam.declare import AwsDeclare
from provisioner.sandbox.aws.evaluate import decide
from tests.providers.aws_iam.rig import ACCOUNT, declare
from tests.worlds import block

DECLARED = declare(
    groups={
        "Developers": {"policies": ["Reports", "Builds"]},
        "Readers": {"policies": ["Reports"]},
        "Guests": {},
    }
)
ADA = Principal("access", PrincipalKind.PERSON, "ada")
PIPELINE = Principal("access", PrincipalKind.SERVICE, "site")


def shared(person: dict[str, list[str]], scope: dict[str, list[str]], using: AwsDeclare = DECLARED) -> Shared:
    return using.shared(
        list(using.expand(block(person, "access/a.yaml"), ADA)),
        list(using.expand(block(scope, "access/b.yaml"), PIPELINE)),
    )


def said(found: Shared) -> list[str]:
    """What both have, and behind `but` what is denied to one of them by another policy."""
    denied = {text for thing in found.things for text in thing.attributes.get(narrow.DENIED, ())}
    assert {thing.address.kind for thing in found.things} <= {Kind.GRANT}
    return [thing.address.object for thing in found.things] + [f"but {text}" for text in sorted(denied)]


def test_the_pure_side_narrows() -> None:
    assert isinstance(DECLARED, Narrows)


@pytest.mark.parametrize(
    ("person", "scope", "expected"),
    [
        ({"policies": ["Reports"]}, {"policies": ["Reports"]}, ["Reports"]),
        ({"groups": ["Developers"]}, {"groups": ["Developers"]}, ["Builds", "Reports"]),
        ({"policies": ["Reports"]}, {"policies": ["Builds"]}, []),
        ({}, {"policies": ["Builds"]}, []),
        # What one has alone goes along for what it denies.
        ({"groups": ["Developers"]}, {"groups": ["Readers"]}, ["Reports", "but Builds"]),
        ({"groups": ["Readers"]}, {"groups": ["Developers"]}, ["Reports", "but Builds"]),
        ({"policies": ["Builds", "Mine"]}, {"groups": ["Developers"]}, ["Builds", "but Mine", "but Reports"]),
        # A role that one may assume, and a person's group of which nothing is known: just not shared.
        ({"groups": ["Guests"], "policies": ["Reports"]}, {"policies": ["Reports"]}, ["Reports"]),
        ({"assume": ["Deploy"], "policies": ["Reports"]}, {"policies": ["Reports"]}, ["Reports"]),
        # One that both may assume is shared, and then no session is given.
        ({"assume": ["Deploy"]}, {"assume": ["Deploy"]}, ["role.Deploy"]),
    ],
)
def test_what_both_have_is_the_policies_that_the_files_give_to_both(
    person: dict[str, list[str]], scope: dict[str, list[str]], expected: list[str]
) -> None:
    found = shared(person, scope)
    assert (said(found), found.cannot) == (expected, ())


@pytest.mark.parametrize(
    ("person", "scope", "why"),
    [
        ({"policies": ["Reports"]}, {"policies": ["Reports"], "groups": ["Guests"]}, "do not say what it gives"),
        ({"groups": ["Nobodys"]}, {"groups": ["Nobodys"]}, "group Nobodys"),
        (
            {"policies": [f"arn:aws:iam::{ACCOUNT}:policy/ReadOnlyAccess"]},
            {"policies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
            "go by one name",
        ),
    ],
)
def test_what_a_session_cannot_be_narrowed_to_is_said(
    person: dict[str, list[str]], scope: dict[str, list[str]], why: str
) -> None:
    (told,) = shared(person, scope).cannot
    assert why in told


def test_a_policy_by_name_and_by_arn_is_one() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/team/Reports"
    for person, scope in (("Reports", arn), (arn, "Reports")):
        (thing,) = shared({"policies": [person]}, {"policies": [scope]}).things
        assert (thing.address.object, thing.attributes) == ("Reports", {"arn": arn})
    aws = "arn:aws:iam::aws:policy/job-function/Billing"
    (thing,) = shared({"policies": [aws]}, {"policies": [aws]}).things
    assert Address.parse(str(thing.address)).object == aws


def test_a_third_party_narrows_further_and_loses_nothing_that_is_denied() -> None:
    first = shared({"groups": ["Developers"], "policies": ["Mine"]}, {"groups": ["Developers"]})
    third = list(DECLARED.expand(block({"policies": ["Reports", "Theirs"]}, "access/c.yaml"), ADA))
    for found in (DECLARED.shared(first.things, third), DECLARED.shared(third, first.things)):
        assert said(found) == ["Reports", "but Builds", "but Mine", "but Theirs"]
    assert DECLARED.shared(first.things, first.things) == first


def test_what_groups_are_given_is_nobodys_own() -> None:
    groups = list(DECLARED.declared())
    assert DECLARED.shared(groups, groups).things == ()


def test_the_sessions_own_policy_allows_nothing_and_denies_all_after_the_end() -> None:
    denied: dict[str, object] = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    ends = datetime(2026, 11, 28, 17, 0, 0, 999, tzinfo=UTC)
    found = narrow.session({}, {"one": text(denied), "two": text(denied)}, ends, arn_of)
    assert (found.passed, found.pieces, found.cannot) == ((), (), ())
    statements = json.loads(found.policy)["Statement"]
    assert {s["Effect"] for s in statements} == {"Deny"}
    assert statements[0]["Condition"] == {"DateGreaterThanEquals": {"aws:CurrentTime": "2026-11-28T17:00:00Z"}}
    assert statements.count(denied) == 1


def text(*statements: Mapping[str, object]) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": [{"Sid": "Same", **one} for one in statements]}


def allows(action: str) -> dict[str, object]:
    return text({"Effect": "Allow", "Action": action, "Resource": "*"})


END = datetime(2026, 11, 28, 17, tzinfo=UTC)


def arn_of(piece: str) -> str:
    return f"arn:ready/{hashlib.sha256(piece.encode()).hexdigest()[:8]}"


def statements_of(*documents: str) -> list[dict[str, Any]]:
    return [s for one in documents for s in json.loads(one)["Statement"]]


def test_of_more_than_ten_policies_the_shortest_are_written_out() -> None:
    twelve = {f"arn:{number:02}": allows("a:" + "x" * number) for number in range(12)}
    found = narrow.session(twelve, {}, END, arn_of)
    assert (found.passed, found.pieces) == (tuple(f"arn:{number:02}" for number in range(2, 12)), ())
    statements = statements_of(found.policy)
    assert [s["Action"] for s in statements if s["Effect"] == "Allow"] == ["a:x", "a:"]
    assert not any("Sid" in s for s in statements)


def test_what_does_not_fit_into_a_session_becomes_policies_that_lie_ready() -> None:
    """As few as can be are copied; the copies are the same whatever the order, and no end is in them."""
    twelve = {f"arn:{number:02}": allows("a:" + "x" * (1000 + number)) for number in range(12)}
    denied = {"no": text({"Effect": "Deny", "Action": "b:*", "Resource": "*"})}
    found = narrow.session(twelve, denied, END, arn_of)
    (piece,) = found.pieces
    assert set(found.passed) == {f"arn:{number:02}" for number in range(3, 12)} | {arn_of(piece)}
    assert Counter(s["Action"] for s in statements_of(piece)) == Counter(
        ["b:*", *("a:" + "x" * (1000 + number) for number in range(3))]
    )
    assert len(statements_of(found.policy)) == 2 and len(piece) <= narrow.MOST_OF_ONE
    later = narrow.session(dict(reversed(twelve.items())), denied, END.replace(hour=18), arn_of)
    assert later.pieces == found.pieces


def test_much_that_is_denied_lies_ready_too() -> None:
    denied = {f"no{n}": text({"Effect": "Deny", "Action": f"b:{n}" + "x" * 900, "Resource": "*"}) for n in range(20)}
    found = narrow.session({"arn:one": allows("a:*")}, denied, END, arn_of)
    assert (len(found.passed), len(found.pieces), found.cannot) == (5, 4, ())
    assert sum(s["Effect"] == "Deny" for s in statements_of(*found.pieces)) == 20


def test_a_prohibition_that_python_takes_for_another_is_kept() -> None:
    """`0 == False` to Python; to AWS a test for `false` is not one for `0`."""
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    denied = {f"no{value!r}": text({**deny, "Condition": {"Bool": {"a:Tls": value}}}) for value in (0, False, 0.0)}
    found = narrow.session({"arn:one": allows("a:*")}, denied, END, arn_of)
    assert len(statements_of(found.policy)) == 2 + 3
    much = {f"much{n}": text({"Effect": "Deny", "Action": f"b:{n}" + "x" * 900, "Resource": "*"}) for n in range(3)}
    found = narrow.session({"arn:one": allows("a:*")}, {**denied, **much}, END, arn_of)
    assert len(statements_of(*found.pieces)) == 3 + 3


def test_a_policy_that_lies_ready_is_filled_to_the_last_character() -> None:
    room = narrow.MOST_OF_ONE - len(documents.compact(documents.denials(text({"Effect": "Deny", "Action": ""}))))
    whole = {"no": text({"Effect": "Deny", "Action": "x" * room})}
    (piece,) = narrow.session({"arn:one": allows("a:*")}, whole, END, arn_of).pieces
    assert len(piece) == narrow.MOST_OF_ONE
    two = {
        "no": text({"Effect": "Deny", "Action": "x" * (room - 3000)}),
        "nor": text({"Effect": "Deny", "Action": "y" * (3000 - len(',{"Action":"","Effect":"Deny"}'))}),
    }
    (piece,) = narrow.session({"arn:one": allows("a:*")}, two, END, arn_of).pieces
    assert len(piece) == narrow.MOST_OF_ONE
    more = {**two, "nor": text({"Effect": "Deny", "Action": "y" * (3001 - len(',{"Action":"","Effect":"Deny"}'))})}
    assert len(narrow.session({"arn:one": allows("a:*")}, more, END, arn_of).pieces) == 2


def test_what_does_not_go_into_ten_policies_is_not_left_out() -> None:
    many = {f"arn:{number:02}": allows("a:" + "x" * (4000 + number)) for number in range(11)}
    found = narrow.session(many, {}, END, arn_of)
    assert (found.passed, found.pieces) == ((), ()) and "the 11 policies that both have" in found.cannot[0]
    one_too_long = {"no": text({"Effect": "Deny", "Action": "b:" + "x" * 7000, "Resource": "*"})}
    assert narrow.session({"arn:one": allows("a:*")}, one_too_long, END, arn_of).cannot


def test_a_policy_of_the_old_version_is_passed_whole_or_not_at_all() -> None:
    old = {"Statement": [{"Effect": "Allow", "Action": "a:", "Resource": "arn:${x}"}]}
    twelve = {f"arn:{number:02}": allows("a:" + "x" * (1000 + number)) for number in range(11)} | {"arn:old": old}
    assert "arn:old" in narrow.session(twelve, {}, END, arn_of).passed
    olds = {f"arn:old{number}": old for number in range(11)}
    assert "cannot be copied" in narrow.session(olds, {}, END, arn_of).cannot[0]


@pytest.mark.parametrize(
    ("part", "asked"),
    [
        ({"Condition": {"StringEquals": {"aws:RequestTag/team": "a"}}}, set()),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1", "aws:UserAgent": "x"}}}, set()),
        ({"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}, {"aws:MultiFactorAuthPresent"}),
        ({"Condition": {"StringNotEquals": {"AWS:PrincipalTag/team": "a"}}}, {"AWS:PrincipalTag/team"}),
        ({"Resource": ["arn:aws:s3:::home/${aws:username}/*"]}, {"aws:username"}),
        ({"NotResource": "arn:aws:s3:::home/${ aws:userid , 'x'}"}, {"aws:userid"}),
        ({"Condition": {"StringLike": {"s3:prefix": ["${aws:PrincipalTag/team}/*"]}}}, {"aws:PrincipalTag/team"}),
        ({"Resource": "arn:aws:s3:::a/${*}"}, set()),
    ],
)
def test_a_document_that_asks_who_calls_is_known(part: dict[str, object], asked: set[str]) -> None:
    assert documents.asks_who({"Statement": [{"Effect": "Deny", "Action": "*", **part}]}) == asked


def test_variables_of_an_old_document_are_plain_text_there() -> None:
    denied = [{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::a/${s3:prefix}"}]
    assert documents.is_of_old_version({"Statement": denied})
    assert not documents.is_of_old_version({"Version": "2012-10-17", "Statement": denied})
    assert not documents.is_of_old_version({"Version": "2008-10-17", "Statement": []})


def test_no_two_ids_get_one_session_name() -> None:
    assert [names.session_name(one) for one in ("ada", "a", "a.b_c-d")] == ["ada", "a=", "a.b_c-d"]


@pytest.mark.parametrize(
    ("role", "arn"),
    [
        ("Job", f"arn:aws:iam::{ACCOUNT}:role/Job"),
        (f"arn:aws:iam::{ACCOUNT}:role/ci/Job", f"arn:aws:iam::{ACCOUNT}:role/ci/Job"),
        ("arn:aws:iam::{account}:role/Job", f"arn:aws:iam::{ACCOUNT}:role/Job"),
        ("arn:aws:iam::222222222222:role/Job", None),
        ("arn:aws:iam::{account}:user/Job", None),
        ("", None),
        ("ci/Job", None),
    ],
)
def test_the_role_of_a_pipeline_is_one_of_the_account(role: str, arn: str | None) -> None:
    assert names.role_arn(role, "aws", ACCOUNT) == arn


# Never wider, whatever the policies say

ACTIONS = ("s3:Get", "s3:Put", "iam:List")
RESOURCES = ("arn:ada", "arn:b")
TAGGED = {"aws:requesttag/t": ["1"]}
ASKS: tuple[dict[str, dict[str, str]] | None, ...] = (
    None, None, None,
    {"StringNotEquals": {"aws:username": "ada"}},
    {"StringEquals": {"aws:username": "ada"}},
    {"StringEquals": {"aws:RequestTag/t": "1"}},
    {"Null": {"aws:RequestTag/t": "true"}},
)  # fmt: skip


def any_policy(chance: Random, *, asking: bool = True) -> dict[str, Any]:
    """`asking` False: none asks who calls."""
    asked, variable = (ASKS, "arn:${aws:username}") if asking else (ASKS[:3] + ASKS[5:], "arn:*")

    def some(*several: str) -> list[str]:
        return chance.sample(several, chance.randint(1, 2))

    statements = []
    for _ in range(chance.randint(1, 2)):
        asks = chance.choice(asked)
        statements.append(
            {
                "Effect": chance.choice(("Allow", "Allow", "Deny")),
                chance.choice(("Action", "Action", "NotAction")): some(*ACTIONS, "*", "s3:*"),
                chance.choice(("Resource", "Resource", "NotResource")): some(
                    *RESOURCES, "*", "*", chance.choice(("arn:*", variable))
                ),
                **({"Condition": asks} if asks else {}),
            }
        )
    return text(*statements)


def test_no_session_may_what_the_person_or_the_pipeline_may_not() -> None:
    """Over many made-up policies, by seed: every call that a session may make, each of the two may make too. Some are
    long, so that they become pieces, and what both may the session may then."""
    outcomes: Counter[str] = Counter()
    for seed in range(600):
        chance = Random(seed)
        long = seed % 3 == 0
        number = 14 if long else chance.choice((2, 3, 4, 14))
        every = {f"arn:{n}": any_policy(chance, asking=not long) for n in range(number)}
        if long:
            every = {arn: lengthened(document, arn) for arn, document in every.items()}
        person, scope = ({arn for arn in every if chance.random() < 0.7} for _ in range(2))
        both = {arn: every[arn] for arn in person & scope}
        found = narrow.session(both, {arn: every[arn] for arn in person ^ scope}, END, arn_of)
        if found.cannot or not both:
            outcomes["refused"] += 1
            continue
        outcomes["pieces"] += bool(found.pieces)
        texts = {arn: json.dumps(document) for arn, document in every.items()}
        lying = {**texts, **{arn_of(piece): piece for piece in found.pieces}}
        session = [*(lying[arn] for arn in found.passed), found.policy]
        for action, resource, tag in product(ACTIONS, RESOURCES, ({}, TAGGED)):
            now = {"aws:currenttime": ["2026-11-28T16:59:59Z"], **tag}
            may = decide(session, action, resource, now)
            for party in (person, scope):
                theirs = decide([texts[arn] for arn in party], action, resource, {**now, "aws:username": ["ada"]})
                assert may is not True or theirs is True, (seed, action, resource, tag)
            denied = any(decide([text], action, resource, now) is False for text in texts.values())
            if not denied and decide([texts[arn] for arn in both], action, resource, now):
                assert may is True, seed
            outcomes["may" if may else "may not"] += 1
            after = decide(session, action, resource, {**now, "aws:currenttime": ["2026-11-28T17:00:00Z"]})
            assert after is False, seed
    assert min(outcomes.values()) > 60, outcomes


def lengthened(document: dict[str, Any], arn: str) -> dict[str, Any]:
    """The same, with a name in each statement that is nothing's."""
    more = {"Effect": "Deny", "Action": "none:" + "x" * 900 + arn, "Resource": "*"}
    return {**document, "Statement": [*document["Statement"], more]}
