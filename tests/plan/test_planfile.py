"""The plan file gives back exactly what was written, and refuses everything else in words of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.diagnostics import Diagnostic, Location, ProvisionError, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.canonical import canonical_json, digest
from provisioner.model.change import Action, Cause, Change
from provisioner.model.coverage import Scope, ScopeCoverage, Verdict
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.outstanding import Outstanding
from provisioner.model.principal import ANYWHERE, NAMELESS, Principal, PrincipalKind
from provisioner.model.way import Evidence, Ownership, Phase, Way
from provisioner.plan.plan import Plan, Stray, TargetView, Waiting, Withheld
from provisioner.plan.planfile import dump, parse, printed, to_json
from provisioner.plan.validity import reasons_not_to_apply, reasons_not_to_rest_on
from tests.builders import NOW, TREE, change, outstanding, plan, view, waiting
from tests.plan.flips import REFUSALS, flipped

SMALL = plan(
    change(
        "revoke",
        "corp-ldap:membership/developers/ada",
        cause="leaver",
        evidence="mark",
        source="access/people/ada.yaml:4:3",
    ),
    change(
        "create", "aws/payments-production:grant/ReadOnlyAccess/group:Developers", level="elevated", ends="2026-12-01"
    ),
    waiting=[waiting("delete", "corp-ldap:account/ada", "2026-12-22", who="ada")],
    strays=["corp-ldap:account/olaf"],
    outstanding=[outstanding("revoke", "corp-ldap:membership/ops/ada", "2026-11-20", "server busy")],
    diagnostics=[
        Diagnostic("account-taken", "taken", location=Location("access/x.yaml", 3, 5), length=4, target="corp-ldap")
    ],
)


def edited(mend: Any = None, **fields: Any) -> bytes:
    """SMALL as a file with some fields changed; `mend` makes the digest agree again."""
    found = to_json(SMALL) | fields
    if mend:
        found["digest"] = digest({k: v for k, v in found.items() if k != "digest"})
    return canonical_json(found) + b"\n"


def code_of(content: bytes) -> str:
    with pytest.raises(ProvisionError) as caught:
        parse(content)
    (problem,) = caught.value.diagnostics
    assert problem.why
    assert problem.fix
    return problem.code


def test_a_plan_file_gives_back_the_same_plan_and_the_same_bytes() -> None:
    assert parse(dump(SMALL)) == SMALL
    assert dump(parse(dump(SMALL))) == dump(SMALL)
    assert dump(SMALL).endswith(b"}\n")


def test_a_printed_plan_gives_back_the_same_plan_in_whatever_order_its_targets_were_read() -> None:
    views = {"corp-ldap": view(membership=900, account=210), "aws/payments-production": view()}
    new = change("create", "corp-ldap:account/ada", after={"name": "Ada", "email": {"work": "a", "home": "b"}})
    made = replace(plan(new, targets=views), left={"corp-ldap": 2, "aws/payments-production": 1})
    assert parse(printed(made).encode()) == made
    assert printed(parse(dump(made))) == printed(made)


def test_the_object_is_the_one_that_the_design_promises() -> None:
    found = to_json(SMALL)
    assert list(found)[:2] == ["digest", "format"]
    assert found["format"] == "provision.plan/1"
    assert found["summary"]["revoke"] == 1
    assert found["targets"]["corp-ldap"] == {
        "complete": True,
        "mode": "add",
        "coverage": [],
        "read": {"account": 210, "group": 14, "membership": 900},
        "calls": 3,
        "system": None,
        "failed": None,
        "refused": None,
        "records": 0,
        "unrecorded": None,
        "unseen": [],
    }
    first = found["changes"][0]
    assert first["address"] == "corp-ldap:membership/developers/ada"
    assert (first["before"], first["after"], first["cause"], first["effect"]) == ({}, None, "leaver", "narrows")
    assert first["source"] == ["access/people/ada.yaml:4:3"]
    assert first["evidence"] == "mark"
    assert found["changes"][1]["ends"] == "2026-12-01T00:00:00Z"


def test_the_digest_covers_everything_and_approves_only_what_the_files_ask_for() -> None:
    later = plan(*SMALL.changes, strays=["corp-ldap:account/olaf", "corp-ldap:account/eve"])
    assert to_json(later)["approves"] == to_json(SMALL)["approves"]
    assert to_json(later)["digest"] != to_json(SMALL)["digest"]
    fewer = plan(SMALL.changes[0])
    assert to_json(fewer)["approves"] != to_json(SMALL)["approves"]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(to_json(SMALL), indent=4).encode(),
        dump(SMALL).replace(b":{", b": {", 1),
        dump(SMALL)[:-1],
        dump(SMALL) + b"\n",
        b"\xef\xbb\xbf" + dump(SMALL),
    ],
)
def test_another_layout_of_the_same_values_is_an_edited_file(content: bytes) -> None:
    assert code_of(content) in {"plan-file-edited", "plan-file-unreadable"}


def test_an_edited_file_is_told_as_edited() -> None:
    assert code_of(edited(revision="f" * 40)) == "plan-file-edited"
    assert code_of(edited(digest="sha256:0")) == "plan-file-edited"
    assert code_of(edited(digest=None)) == "plan-file-edited"


def test_every_flipped_bit_of_a_small_file_is_refused_in_words() -> None:
    """All of them; tests/plan/flips.py does the same on 64 KiB."""
    for broken in flipped(dump(SMALL), range(0, len(dump(SMALL)) * 8, 5)):
        assert code_of(broken) in REFUSALS


def test_another_version_is_told_as_a_version() -> None:
    assert code_of(edited(format="provision.plan/2")) == "plan-file-version"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"not json",
        b"[]",
        b"{}",
        b'{"format": 1}',
        b'{"format": "terraform"}',
        b'{"format": "provision.plan/1", "format": "provision.plan/1"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_plan_file_is_told_as_that(content: bytes) -> None:
    assert code_of(content) == "plan-file-unreadable"


def test_a_file_with_a_right_digest_but_wrong_contents_is_refused() -> None:
    assert code_of(edited(mend=True, more="x")) == "plan-file-unreadable"
    assert code_of(edited(mend=True, changes=[{}])) == "plan-file-unreadable"
    assert code_of(edited(mend=True, summary={})) == "plan-file-unreadable"
    assert code_of(edited(mend=True, approves="sha256:0")) == "plan-file-unreadable"
    assert code_of(edited(mend=True, targets=3)) == "plan-file-unreadable"


def reasons(made: Plan = SMALL, **facts: Any) -> list[str]:
    known: dict[str, Any] = {"tree": TREE, "judged_by": TREE, "engine": "0.1.0", "now": NOW, "used": None} | facts
    return [d.code for d in reasons_not_to_apply(made, **known)]


def test_a_fresh_plan_of_the_same_files_may_be_applied() -> None:
    assert reasons(now=NOW + timedelta(hours=24)) == []
    assert reasons(now=NOW - timedelta(minutes=4)) == []


def test_each_reason_not_to_apply_is_told_by_itself_and_all_together() -> None:
    assert reasons(tree="0" * 40) == ["plan-file-other-tree"]
    assert reasons(engine="0.2.0") == ["plan-file-other-engine"]
    assert reasons(now=NOW + timedelta(hours=25)) == ["plan-file-old"]
    assert reasons(now=NOW - timedelta(hours=1)) == ["plan-file-ahead"]
    assert reasons(used="run r1 at 10:00") == ["plan-file-used"]
    assert reasons(replace(SMALL, preview=True)) == ["plan-file-as-of"]
    assert len(reasons(tree="", engine="", now=NOW + timedelta(days=3), used="run r1")) == 4


def test_a_plan_that_another_base_judged_is_refused() -> None:
    other, of_base = "0" * 40, replace(SMALL, judged_by="b" * 40)
    assert reasons(of_base, judged_by="b" * 40) == []
    assert reasons(of_base, judged_by=TREE) == ["plan-file-other-base"]  # made with --base, applied without
    assert reasons(judged_by="b" * 40) == ["plan-file-other-base"]  # made without, applied with it
    assert reasons(of_base, judged_by=other) == ["plan-file-other-base"]  # something else was merged between
    assert reasons(of_base, tree=other, judged_by=other) == ["plan-file-other-tree", "plan-file-other-base"]
    assert reasons(tree=other, judged_by=other) == ["plan-file-other-tree"]  # both times the files judge themselves
    (told,) = reasons_not_to_apply(of_base, tree=TREE, judged_by=TREE, engine="0.1.0", now=NOW, used=None)
    assert told.message == (
        f"this plan was judged by the base with tree {'b' * 40}; here its own access files would judge it"
    )


def test_how_long_a_plan_lasts_can_be_set() -> None:
    assert reasons(now=NOW + timedelta(hours=25), max_age=timedelta(days=2)) == []
    assert reasons(now=NOW + timedelta(minutes=31), max_age=timedelta(minutes=30)) == ["plan-file-old"]


def test_what_was_reviewed_may_be_old_and_of_other_files_but_not_of_another_engine_or_time() -> None:
    assert reasons_not_to_rest_on(SMALL, engine="0.1.0") == []
    told = reasons_not_to_rest_on(replace(SMALL, preview=True), engine="0.2.0")
    assert [d.code for d in told] == ["plan-file-as-of", "plan-file-other-engine"]


# Any plan at all.

names = st.text(st.characters(codec="utf-8"), max_size=12)
some_name = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
instants = st.datetimes(timezones=st.just(NOW.tzinfo))
labels = st.sampled_from(["corp-ldap", "aws/payments-production", "github"])
numbers = st.integers(-(2**53) + 1, 2**53 - 1)
values = st.recursive(
    st.none() | st.booleans() | numbers | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
attributes = st.none() | st.dictionaries(names, values, max_size=4)
places = st.builds(Location, some_name, st.integers(1, 9999), st.integers(1, 999))


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    target = draw(labels)
    kinds = st.sampled_from([k for k in PrincipalKind if k not in NAMELESS])
    who = draw(
        st.none()
        | st.builds(Principal, st.just(target), kinds, some_name)
        | st.builds(Principal, st.just("other"), st.just(PrincipalKind.GROUP), some_name)
        | st.sampled_from([Principal(ANYWHERE, kind) for kind in sorted(NAMELESS)])
    )
    return Address(target, draw(st.sampled_from(Kind)), draw(some_name), who, draw(st.none() | some_name))


ways = st.builds(
    Way,
    names,
    st.sampled_from(Phase),
    st.none() | addresses(),
    st.none() | instants,
    st.none() | st.sampled_from(Ownership),
    st.none() | st.sampled_from(Evidence),
    st.none() | names,
)
changes = st.builds(
    Change,
    st.sampled_from(Action),
    addresses(),
    attributes,
    attributes,
    st.sampled_from(Cause),
    st.builds(Effect, st.sampled_from(Direction), st.sampled_from(Level)),
    identity=st.none() | names,
    evidence=st.none() | st.sampled_from(Evidence),
    why=names,
    words=names,
    sources=st.lists(places, max_size=2).map(tuple),
    starts=st.none() | instants,
    ends=st.none() | instants,
    reversible=st.booleans(),
    ways=st.lists(ways, max_size=2).map(tuple),
    needs=st.lists(names, max_size=2).map(tuple),
)
covers = st.builds(
    ScopeCoverage,
    st.builds(Scope, st.sampled_from(Kind), st.none() | some_name),
    st.sampled_from(Verdict),
    names,
    st.frozensets(names, max_size=2),
)
views = st.builds(
    TargetView,
    st.booleans(),
    st.sampled_from(["report", "add", "full"]),
    st.lists(covers, max_size=2).map(tuple),
    st.dictionaries(st.sampled_from([k.value for k in Kind]), st.integers(0, 10**6), max_size=3),
    st.integers(0, 10**6),
    st.none() | names,
    st.none() | names,
    st.none() | names,
)
problems = st.builds(
    Diagnostic,
    names,
    names,
    st.sampled_from(Severity),
    st.none() | places,
    st.integers(1, 99),
    names,
    names,
    st.none() | names,
)
plans = st.builds(
    Plan,
    names,
    instants,
    names,
    st.none() | names,
    st.booleans(),
    st.none() | names,
    st.dictionaries(some_name, views, max_size=2),
    st.lists(changes, max_size=3).map(tuple),
    st.lists(st.builds(Withheld, changes, names, names), max_size=1).map(tuple),
    st.lists(
        st.builds(Waiting, addresses(), st.sampled_from(Action), st.none() | instants, st.none() | names, names),
        max_size=2,
    ).map(tuple),
    st.lists(st.builds(Stray, addresses(), names, st.none() | names, st.booleans()), max_size=2).map(tuple),
    st.lists(
        st.builds(Outstanding, addresses(), st.sampled_from(Action), instants, names, st.none() | names, names),
        max_size=2,
    ).map(tuple),
    st.lists(problems, max_size=2).map(tuple),
    st.booleans(),
    st.dictionaries(some_name, st.integers(1, 99), max_size=2),
    names,
)


@given(plans)
@settings(max_examples=60, deadline=None)
def test_any_plan_round_trips_exactly(made: Plan) -> None:
    written = dump(made)
    again = parse(written)
    assert again == made
    assert dump(again) == written
    assert again.approves == made.approves
    assert parse(printed(made).encode()) == made
