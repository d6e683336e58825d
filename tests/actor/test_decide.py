"""The decision by itself: who is let in, at which moment, by which lines; no server anywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from provisioner.actor.decide import Asked, Counting, Decision, Hand, decide
from provisioner.actor.found import Account, Found, Part, Sign
from provisioner.model.access import DeclaredAccess
from provisioner.model.environment import Environment
from provisioner.model.identity import AccountName, Identity, IdentityKind
from tests.builders import NOW
from tests.worlds import a_role, block, files, held, someone

HOUR = timedelta(hours=1)
PLACES = (Environment("production", protected=True), Environment("staging"))
ROLES = (
    a_role("deployer", environments=("production", "staging")),
    a_role("lead", environments=("production",), includes=("deployer",)),
    a_role("reader"),
)
IDS = {"ada": "11", "bob": "12", "grace": "13", "robot": "99"}


def known(name: str, *roles: Any, **more: Any) -> Identity:
    made = replace(someone(name, *roles), accounts={"github": AccountName(name, IDS[name])})
    return replace(made, **more)


def by(name: str, did: str = "started it", *, bot: bool = False, number: str = "") -> Part:
    return Part(did, Account("github", name, number or IDS.get(name, "404"), bot))


def a_run(*starters: Part, **more: Any) -> Found:
    return Found("GitHub Actions", "acme/site run 1", "", "push", starters, **more)


def judged(
    found: Found, *trees: DeclaredAccess, asked: Asked | None = None, held_out: dict[str, str] | None = None
) -> Decision:
    return decide(asked or Asked("production"), found, Counting(trees, held_out or {}), NOW)


def access(*people: Identity) -> DeclaredAccess:
    return files(people, ROLES, environments=PLACES)


IN_PRODUCTION = held("deployer", ["production"])


def test_only_what_is_held_there_at_this_moment_counts() -> None:
    def code(*lines: Any, **more: Any) -> str:
        return judged(a_run(by("ada")), access(known("ada", *lines, **more))).code

    assert code(IN_PRODUCTION) == ""
    assert code(held("lead", ["production"])) == ""
    assert code("deployer") == "not-held"  # production is protected, and was not named
    assert code(held("deployer", ["staging"])) == "not-held"
    assert code("reader") == "not-held"
    assert code(held("deployer", ["production"], until=NOW)) == "not-held"
    assert code(held("deployer", ["production"], until=NOW + HOUR)) == ""
    assert code(held("deployer", ["production"], starts=NOW + HOUR)) == "not-held"
    assert code(held("deployer", ["production"], until=NOW), IN_PRODUCTION) == ""
    assert code(IN_PRODUCTION, until=NOW) == "has-left"
    assert code(IN_PRODUCTION, starts=NOW + HOUR) == "not-begun"
    suspended = someone("ada", suspended="leave").suspended
    assert code(IN_PRODUCTION, suspended=suspended) == "suspended"


def test_a_role_that_is_asked_for_must_be_held_itself_or_be_included() -> None:
    ada = access(known("ada", held("lead", ["production"])))
    for role, code in (("lead", ""), ("deployer", ""), ("reader", "not-held"), ("boss", "no-such-role")):
        assert judged(a_run(by("ada")), ada, asked=Asked("production", role)).code == code
    assert judged(a_run(by("ada")), ada, asked=Asked("prod")).code == "no-such-environment"


def test_each_of_the_trees_must_let_them_in() -> None:
    yes, no, gone = access(known("ada", IN_PRODUCTION)), access(known("ada")), access()
    assert judged(a_run(by("ada")), yes, yes).allowed
    assert judged(a_run(by("ada")), yes, no).code == "not-held"
    assert judged(a_run(by("ada")), yes, gone).code == "unknown-account"
    assert judged(a_run(by("ada")), no, yes).code == "not-held"
    assert judged(a_run(by("ada"))).code == "nothing-applied"


def test_an_account_that_only_newer_files_give_to_somebody_stands_for_nobody_yet() -> None:
    then = access(known("ada", IN_PRODUCTION), known("bob", IN_PRODUCTION))
    mine, theirs = {"github": AccountName("a", "999")}, {"github": AccountName("b", IDS["ada"])}
    moved = access(known("ada", IN_PRODUCTION, accounts=mine), known("bob", IN_PRODUCTION, accounts=theirs))
    told = judged(a_run(by("ada")), then, moved)
    assert told.code == "account-moved" and "were applied ada set it going, by newer ones" in told.sentence
    robots = [known("robot", IN_PRODUCTION, kind=IdentityKind.SERVICE, id=name) for name in ("one", "two")]
    nightly = [
        replace(access(one), pipelines=block({"site": {"schedules": one.id}}, "access/pipelines.yaml"))
        for one in robots
    ]
    assert judged(a_run(schedule=True, pipeline="site"), *nightly).code == "account-moved"
    assert judged(a_run(schedule=True, pipeline="site"), nightly[0], nightly[0]).people == ("one",)


def test_somebody_who_was_renamed_is_the_same_and_has_the_id_that_was_applied() -> None:
    renamed = access(known("ada", IN_PRODUCTION, id="ada-l", was=("ada",)))
    assert judged(a_run(by("ada")), access(known("ada", IN_PRODUCTION)), renamed).people == ("ada",)


def test_whoever_is_held_is_out_also_by_an_earlier_id() -> None:
    tree = access(known("ada", IN_PRODUCTION, was=("ada-l",)))
    for name in ("ada", "ada-l"):
        assert judged(a_run(by("ada")), tree, held_out={name: "by grace"}).code == "offboarded-now"
    assert judged(a_run(by("ada")), tree, held_out={"bob": "by grace"}).allowed


def test_a_bots_account_is_never_a_persons() -> None:
    tree = access(known("ada", IN_PRODUCTION), known("robot", IN_PRODUCTION, kind=IdentityKind.SERVICE))
    assert judged(a_run(by("robot", bot=True)), tree).people == ("robot",)
    assert judged(a_run(by("ada", bot=True)), tree).code == "bot"


def test_a_schedule_beside_a_person_takes_the_rights_of_both() -> None:
    tree = access(known("ada", IN_PRODUCTION))
    assert judged(a_run(by("ada"), schedule=True), tree).code == "schedule"
    assert judged(a_run(), tree).code == "nobody-started"


def test_the_run_itself_comes_before_whoever_started_it() -> None:
    tree = access(known("ada", IN_PRODUCTION))
    bad = a_run(by("ada"), bad=(Sign("fork", "its code is elsewhere"),))
    assert judged(bad, tree).code == "fork"
    change = a_run(by("ada"), unmerged="it is a change")
    assert judged(change, tree).code == "not-merged"
    assert judged(change, access(known("ada", "deployer")), asked=Asked("staging")).allowed


def test_an_approval_counts_by_person_and_not_by_account() -> None:
    asked = Asked("production", None, frozenset({Hand.TRIGGERER, Hand.AUTHOR}))
    people = [known("ada", IN_PRODUCTION), known("bob", "reader"), known("grace", "reader", until=NOW)]

    def code(approver: Part, *trees: DeclaredAccess) -> str:
        run = a_run(by("ada"), authors=(by("ada", "wrote the change"),), approvers=(approver,))
        return judged(run, *(trees or (access(*people),)), asked=asked).code

    assert code(by("bob")) == ""
    assert code(by("ada")) == "approver-not-another"
    assert code(by("grace")) == "approver-not-another"  # has left
    assert code(by("nobody")) == "approver-not-another"
    assert code(by("bob", bot=True)) == "approver-not-another"


@given(
    st.lists(st.sampled_from(["deployer", "lead", "reader"]), max_size=3),
    st.lists(st.sampled_from(["ada", "bob", "robot", "nobody"]), min_size=1, max_size=3, unique=True),
    st.booleans(),
    st.booleans(),
)
def test_who_is_let_in_is_known_present_and_holds_it(
    roles: list[str], starters: list[str], schedule: bool, fork: bool
) -> None:
    lines = [held(role, ["production"]) for role in roles]
    tree = access(known("ada", *lines), known("bob", IN_PRODUCTION), known("robot", "reader"))
    found = a_run(*map(by, starters), schedule=schedule, bad=(Sign("fork", "x"),) if fork else ())
    decision = judged(found, tree)
    may = {"bob"} | ({"ada"} if {"deployer", "lead"} & set(roles) else set())
    assert decision.allowed == (set(starters) <= may and not schedule and not fork)
    assert decision.allowed == (decision.code == "")
    if decision.allowed:
        assert set(decision.people) == set(starters)
