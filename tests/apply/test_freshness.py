"""Whether a live value is still what the plan expects, and whether it is what was to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.apply.freshness import Ours, judge, out_of_time, proven
from provisioner.contract import AlreadySo, Done, Outcome, Reading, Refused, StillHas, Waiting
from provisioner.model.address import Kind
from provisioner.model.change import Change
from provisioner.model.coverage import Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.mark import Mark
from provisioner.model.resource import Facts, Resource
from provisioner.model.state import State
from provisioner.model.way import Ownership, Phase, Way
from provisioner.records.entries import Reason
from tests.apply.fakes import ways
from tests.builders import NOW, at, change

OURS = Ours("own", frozenset({Kind.ACCOUNT, Kind.GROUP}))
ACCOUNT = "t:account/ada"
MEMBER = "t:membership/devs/ada"
MARK = Mark("ada", "own")
UPSTREAM = at("t:membership/all/group:devs")


def live(text: str, *held: Way, mark: Mark | None = None, facts: Facts | None = None, **attributes: object) -> Resource:
    return Resource(at(text), attributes, held or (Way(),), mark=mark, facts=facts)


def reading(*found: Resource, looked: tuple[str, ...] = (), hides: tuple[str, ...] = ()) -> Reading:
    scopes = [ScopeCoverage(Scope(Kind.ACCOUNT), Verdict.COMPLETE, "", frozenset(hides))]
    return Reading(State(found), Coverage(scopes), looked=frozenset(map(at, looked)) | {r.address for r in found})


def verdict(one: Change, *found: Resource, hides: tuple[str, ...] = ()) -> str:
    """`do`, `already so`, `still has`, or why it is refused, in a word."""
    told = judge(one, reading(*found, looked=(str(one.address),), hides=hides), OURS)
    if told is None:
        return "do"
    if isinstance(told.outcome, AlreadySo):
        return "already so"
    if isinstance(told.outcome, StillHas):
        return "still has"
    assert isinstance(told.outcome, Refused)
    return told.reason.value


CREATE = change("create", MEMBER)
CREATE_ACCOUNT = change("create", ACCOUNT, before=None, after={"enabled": True})
UPDATE = change("update", ACCOUNT, before={"name": "A"}, after={"name": "B"})
ENABLE = change("enable", ACCOUNT, before={"enabled": False}, after={"enabled": True})
DISABLE = change("disable", ACCOUNT, before={"enabled": True}, after={"enabled": False})
DISABLE_MARKED = replace(DISABLE, evidence=change("revoke", MEMBER, evidence="mark").evidence)
DELETE = change("delete", ACCOUNT, before={"enabled": False}, after=None)
REVOKE = change("revoke", MEMBER, ways=ways("a", "b"))
ADOPT = change("adopt", ACCOUNT, before={"mark": None}, after={"mark": "ada"})
DATED = replace(MARK, disabled_since=NOW)


@pytest.mark.parametrize(
    ("one", "found", "expected"),
    [
        (CREATE, [], "do"),
        (CREATE, [live(MEMBER)], "already so"),
        (CREATE, [live(MEMBER, Way(via=UPSTREAM))], "do"),
        (CREATE, [live(MEMBER, Way(phase=Phase.LAPSED))], "do"),
        (CREATE_ACCOUNT, [], "do"),
        (CREATE_ACCOUNT, [live(ACCOUNT, mark=MARK, enabled=True)], "already so"),
        (CREATE_ACCOUNT, [live(ACCOUNT, enabled=True)], "moved"),
        (CREATE_ACCOUNT, [live(ACCOUNT, mark=Mark("eve", "own"), enabled=True)], "moved"),
        (CREATE_ACCOUNT, [live(ACCOUNT, mark=Mark("ada", "theirs"), enabled=True)], "moved"),
        (UPDATE, [live(ACCOUNT, name="A")], "do"),
        (UPDATE, [live(ACCOUNT, name="B")], "already so"),
        (UPDATE, [live(ACCOUNT, name="C")], "moved"),
        (UPDATE, [live(ACCOUNT)], "moved"),
        (UPDATE, [], "moved"),
        (UPDATE, [live(ACCOUNT, name="A", other="changed meanwhile")], "do"),
        (ENABLE, [live(ACCOUNT, enabled=False)], "do"),
        (ENABLE, [live(ACCOUNT, enabled=True)], "already so"),
        (DISABLE, [live(ACCOUNT, enabled=True)], "do"),
        (DISABLE, [live(ACCOUNT, enabled=False)], "do"),
        (DISABLE, [live(ACCOUNT, mark=DATED, enabled=False)], "already so"),
        (DISABLE, [live(ACCOUNT, enabled=False, facts=Facts(disabled_since=NOW))], "already so"),
        (DISABLE, [], "already so"),
        (DISABLE, [live(ACCOUNT, mark=Mark("ada", "theirs"), enabled=True)], "moved"),
        (DISABLE, [live(ACCOUNT, facts=Facts(foreign_mark="provision/9 x"), enabled=True)], "moved"),
        (DISABLE_MARKED, [live(ACCOUNT, mark=MARK, enabled=True)], "do"),
        (DISABLE_MARKED, [live(ACCOUNT, enabled=True)], "moved"),
        (DELETE, [], "already so"),
        (DELETE, [live(ACCOUNT, enabled=False)], "do"),
        (DELETE, [live(ACCOUNT, enabled=True)], "moved"),
        (REVOKE, [], "already so"),
        (REVOKE, [live(MEMBER, Way("a"), Way("b"))], "do"),
        (REVOKE, [live(MEMBER, Way("b"))], "do"),
        (REVOKE, [live(MEMBER, Way("a"), Way("c"))], "do"),
        (REVOKE, [live(MEMBER, Way("c"))], "still has"),
        (REVOKE, [live(MEMBER, Way("a", phase=Phase.SUSPENDED))], "already so"),
        (REVOKE, [live(MEMBER, Way("a", locked_by="hr"))], "moved"),
        (REVOKE, [live(MEMBER, Way("a", ownership=Ownership.FOREIGN))], "moved"),
        (ADOPT, [live(ACCOUNT)], "do"),
        (ADOPT, [live(ACCOUNT, mark=MARK)], "already so"),
        (ADOPT, [live(ACCOUNT, mark=Mark("eve", "own"))], "moved"),
        (ADOPT, [live(ACCOUNT, mark=Mark("ada", "theirs"))], "moved"),
        (ADOPT, [], "moved"),
    ],
)
def test_live_value_decides(one: Change, found: list[Resource], expected: str) -> None:
    assert verdict(one, *found) == expected


@pytest.mark.parametrize("one", [CREATE, UPDATE, DISABLE, DELETE, REVOKE, ADOPT])
def test_what_was_not_seen_is_neither_there_nor_gone(one: Change) -> None:
    told = judge(one, Reading(State(), Coverage()), OURS)
    assert told is not None
    assert told.reason is Reason.UNSEEN


def test_moved_names_what_the_plan_saw_and_what_is_now() -> None:
    told = judge(UPDATE, reading(live(ACCOUNT, name="C")), OURS)
    assert told is not None
    assert told.outcome == Refused('the live value has moved: the plan saw name="A", now it is name="C"')


def test_hidden_attribute_is_never_called_already_so() -> None:
    assert verdict(ENABLE, live(ACCOUNT), hides=("enabled",)) == "do"


RENAME = change("rename", "t:account/ada-new", who="ada", before={"login": "ada"}, after={"login": "ada-new"})
NEW = live("t:account/ada-new", mark=MARK)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([live(ACCOUNT)], "do"),
        ([NEW], "already so"),
        ([live("t:account/ada-new")], "moved"),
        ([live(ACCOUNT), NEW], "moved"),
        ([], "moved"),
    ],
)
def test_rename_looks_at_both_logins(found: list[Resource], expected: str) -> None:
    told = judge(RENAME, reading(*found, looked=(ACCOUNT, "t:account/ada-new")), OURS)
    assert (told is None and expected == "do") or (told is not None and (told.reason.value or "already so") == expected)


def test_rename_with_one_login_unseen_is_refused() -> None:
    told = judge(RENAME, reading(NEW), OURS)
    assert told is not None
    assert told.reason is Reason.UNSEEN


@pytest.mark.parametrize(
    ("one", "found", "expected"),
    [
        (CREATE, [live(MEMBER)], Done),
        (CREATE, [], None),
        (CREATE, [live(MEMBER, Way(phase=Phase.PENDING))], Waiting),
        (CREATE, [live(MEMBER, Way(via=UPSTREAM))], None),
        (CREATE_ACCOUNT, [live(ACCOUNT, mark=MARK, enabled=True)], Done),
        (CREATE_ACCOUNT, [live(ACCOUNT, enabled=True)], None),
        (UPDATE, [live(ACCOUNT, name="B")], Done),
        (UPDATE, [live(ACCOUNT, name="A")], None),
        (DISABLE, [live(ACCOUNT, enabled=True)], None),
        (DELETE, [live(ACCOUNT, enabled=False)], None),
        (DELETE, [], Done),
        (REVOKE, [], Done),
        (REVOKE, [live(MEMBER, Way("a"))], None),
        (REVOKE, [live(MEMBER, Way("a", phase=Phase.SUSPENDED))], Done),
        (REVOKE, [live(MEMBER, Way("c", via=UPSTREAM))], StillHas),
        (ADOPT, [live(ACCOUNT, mark=MARK)], Done),
        (ADOPT, [live(ACCOUNT)], None),
        (RENAME, [NEW], Done),
        (RENAME, [NEW, live(ACCOUNT)], None),
    ],
)
def test_only_the_live_system_proves(one: Change, found: list[Resource], expected: type[Outcome] | None) -> None:
    told = proven(one, reading(*found, looked=(str(one.address), ACCOUNT)), OURS)
    assert told is None if expected is None else isinstance(told, expected)


def test_unseen_proves_nothing() -> None:
    for one in (REVOKE, DELETE, DISABLE):
        assert proven(one, Reading(State(), Coverage()), OURS) is None


def test_no_widening_outside_its_time() -> None:
    lapsed, early = replace(CREATE, ends=NOW), replace(CREATE, starts=NOW + timedelta(seconds=1))
    for one in (lapsed, early):
        told = out_of_time(one, NOW)
        assert told is not None
        assert told.reason is Reason.TIME
    assert out_of_time(replace(CREATE, starts=NOW, ends=NOW + timedelta(seconds=1)), NOW) is None
    assert out_of_time(replace(REVOKE, ends=NOW), NOW) is None, "taking away is never late"
