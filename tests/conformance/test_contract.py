"""One suite for every provider: what the engine relies on, shown on the live system and from its own truth."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from provisioner.contract import AlreadySo, Done
from provisioner.engine import Known, Situation, make_plan
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action
from provisioner.model.coverage import EVERYTHING, Verdict
from provisioner.model.identity import role_accounts
from provisioner.model.past import PastDeclared
from provisioner.model.principal import Principal, PrincipalKind
from tests.builders import NOW
from tests.conformance.harness import Harness, Stand, TakesTokens
from tests.runs import failures, journal, run
from tests.worlds import a_role, block, files, said, someone

DEV = a_role("dev", ["developers"], target="sys")
OPS = a_role("ops", ["operators"], target="sys")


def skip_if_lacking(harness: Harness, what: str) -> None:
    if what in harness.lacks:
        pytest.skip(f"{harness.name}: {harness.lacks[what]}")


def facing(stand: Stand, declared: DeclaredAccess, *before: DeclaredAccess, now: datetime = NOW) -> Situation:
    declared = stand.said(declared)
    past = tuple(PastDeclared(f"rev{i}", stand.said(d), frozenset({"sys"})) for i, d in enumerate(before))
    return Situation(declared, {"sys": stand.connection()}, now, past)


def apply(stand: Stand, folder: Path, declared: DeclaredAccess, *before: DeclaredAccess) -> list[str]:
    """Applies, insists that all of it worked, and gives what was done."""
    planned, applied = run(facing(stand, declared, *before), folder)
    assert failures(applied) == []
    stand.harness.accept()
    return said(planned.plan)


def test_first_read_is_quiet_complete_and_says_how_it_knows(stand: Stand) -> None:
    stand.harness.seed_foreign()
    reader = stand.connection().reader()
    try:
        reading = reader.read(EVERYTHING)
    finally:
        reader.close()
    for kind in (Kind.ACCOUNT, Kind.GROUP, Kind.MEMBERSHIP):
        scope = reading.coverage.of(kind)
        assert scope.verdict is Verdict.COMPLETE and scope.proof
    assert {r.address.object for r in reading.state.of_kind(Kind.ACCOUNT)} >= {"foreign-1", "foreign-2"}
    held = reading.state.held_by(Principal("sys", PrincipalKind.PERSON, "foreign-1"))
    assert [r.address.object for r in held if r.address.kind is Kind.MEMBERSHIP] == ["foreign-group"]


def test_apply_then_plan_again_is_empty_and_nothing_foreign_is_touched(stand: Stand, tmp_path: Path) -> None:
    stand.harness.seed_foreign()
    before = stand.harness.truth()
    people = files([someone("ada", "dev", "ops"), someone("bob", "dev")], [DEV, OPS])
    done = apply(stand, tmp_path, people)
    assert "create sys:membership/developers/ada" in done
    assert stand.harness.members("developers") == {"ada", "bob"} and stand.harness.members("operators") == {"ada"}
    assert apply(stand, tmp_path, people) == []
    after = stand.harness.truth()
    assert {k: after.get(k) for k in before} == before


def test_reading_never_writes(stand: Stand, tmp_path: Path) -> None:
    stand.harness.seed_foreign()
    apply(stand, tmp_path, files([someone("ada", "dev")], [DEV]))
    before = stand.harness.truth()
    reader = stand.connection().reader()
    reading = reader.read(EVERYTHING)
    reader.look([r.address for r in reading.state])
    reader.system()
    reader.me()
    reader.close()
    assert stand.harness.truth() == before


def test_point_read_tells_what_is_there_and_proves_what_is_not(stand: Stand, tmp_path: Path) -> None:
    apply(stand, tmp_path, files([someone("ada", "dev")], [DEV]))
    ada, eve = (Principal("sys", PrincipalKind.PERSON, who) for who in ("ada", "eve"))
    there = [
        Address("sys", Kind.ACCOUNT, "ada"),
        Address("sys", Kind.GROUP, "developers"),
        Address("sys", Kind.MEMBERSHIP, "developers", ada),
    ]
    absent = [
        Address("sys", Kind.ACCOUNT, "eve"),
        Address("sys", Kind.GROUP, "nobodys"),
        Address("sys", Kind.MEMBERSHIP, "developers", eve),
        Address("sys", Kind.MEMBERSHIP, "nobodys", ada),
    ]
    reader = stand.connection().reader()
    found = reader.look([*there, *absent])
    reader.close()
    assert set(found.state.resources) == set(there) and found.looked >= {*there, *absent}


def test_bulk_and_point_reads_agree(stand: Stand, tmp_path: Path) -> None:
    stand.harness.seed_foreign()
    apply(stand, tmp_path, files([someone("ada", "dev", "ops")], [DEV, OPS]))
    reader = stand.connection().reader()
    bulk = {r.address: r for r in reader.read(EVERYTHING).state if r.gives_access}
    point = reader.look(list(bulk)).state
    reader.close()
    assert {a: (r.attributes, r.mark) for a, r in bulk.items()} == {
        a: (r.attributes, r.mark) for a, r in point.resources.items()
    }


def test_revoking_and_creating_twice_are_both_fine(stand: Stand, tmp_path: Path) -> None:
    declared = files([someone("ada", "dev")], [DEV])
    apply(stand, tmp_path, declared)
    ready = facing(stand, files([someone("ada")], [DEV]), declared)
    changes = make_plan(ready).plan.changes
    revoke = next(c for c in changes if c.action is Action.REVOKE and c.address.kind is Kind.MEMBERSHIP)
    connection = stand.connection()
    writer = connection.writer()
    unit = connection.declare.unit(revoke.address)
    for _ in range(2):
        outcomes = writer.write(unit, [revoke], expect={}, token=revoke.id, deadline=time.monotonic() + 15)
        assert isinstance(outcomes[0], Done | AlreadySo)
    create = replace(revoke, action=Action.CREATE, before=None, after={}, ways=())
    for _ in range(2):
        outcomes = writer.write(unit, [create], expect={}, token=create.id, deadline=time.monotonic() + 15)
        assert isinstance(outcomes[0], Done | AlreadySo)
    writer.close()
    assert stand.harness.members("developers") == {"ada"}


def test_leaver_loses_everything_also_by_hand_and_others_nothing(stand: Stand, tmp_path: Path) -> None:
    stand.harness.seed_foreign()
    before = files([someone("ada", "dev", "ops"), someone("bob", "dev", "ops")], [DEV, OPS])
    apply(stand, tmp_path, before)
    stand.harness.add_by_hand("hand-made", "ada")
    stand.harness.add_by_hand("hand-made", "foreign-1")
    untouched = {k: v for k, v in stand.harness.truth().items() if k in ("account bob", "account foreign-1")}
    after = files([someone("bob", "dev", "ops")], [DEV, OPS])
    done = apply(stand, tmp_path, after, before)
    ends = "delete" if "locks" in stand.harness.lacks else "disable"
    assert {"revoke sys:membership/hand-made/ada", f"{ends} sys:account/ada"} <= set(done)
    for name in ("developers", "operators"):
        assert stand.harness.members(name) == {"bob"}
    assert stand.harness.members("hand-made") == {"foreign-1"}
    assert not stand.harness.can_get_in("ada")
    assert {k: stand.harness.truth()[k] for k in untouched} == untouched
    assert apply(stand, tmp_path, after, before) == []


def test_leaver_is_known_by_the_mark_where_there_is_no_history(stand: Stand, tmp_path: Path) -> None:
    skip_if_lacking(stand.harness, "marks")
    apply(stand, tmp_path, files([someone("ada", "dev")], [DEV]))
    done = apply(stand, tmp_path, files([], [DEV]))
    assert done == ["revoke sys:membership/developers/ada", "disable sys:account/ada"]


def test_account_waits_for_retention_and_then_is_deleted(stand: Stand, tmp_path: Path) -> None:
    skip_if_lacking(stand.harness, "locks")
    apply(stand, tmp_path, files([someone("ada", "dev")], [DEV]))
    apply(stand, tmp_path, files([], [DEV]))
    planned, _ = run(facing(stand, files([], [DEV])), tmp_path)
    assert [str(w.address) for w in planned.plan.waiting] == ["sys:account/ada"]
    later = datetime.now(NOW.tzinfo) + timedelta(days=31)
    gone, applied = run(facing(stand, files([], [DEV]), now=later), tmp_path, now=later)
    assert said(gone.plan) == ["delete sys:account/ada"] and failures(applied) == []
    assert "account ada" not in stand.harness.truth()


def test_person_who_returns_within_retention_gets_the_same_account_back(stand: Stand, tmp_path: Path) -> None:
    skip_if_lacking(stand.harness, "locks")
    here, gone = files([someone("ada", "dev")], [DEV]), files([], [DEV])
    apply(stand, tmp_path, here)
    apply(stand, tmp_path, gone, here)
    done = apply(stand, tmp_path, here, gone)
    assert done == ["enable sys:account/ada", "create sys:membership/developers/ada"]
    assert stand.harness.members("developers") == {"ada"}
    assert apply(stand, tmp_path, here) == []


def test_suspended_person_is_locked_and_keeps_memberships(stand: Stand, tmp_path: Path) -> None:
    skip_if_lacking(stand.harness, "locks")
    here = files([someone("ada", "dev")], [DEV])
    apply(stand, tmp_path, here)
    away = files([someone("ada", "dev", suspended="leave")], [DEV])
    assert apply(stand, tmp_path, away, here) == ["disable sys:account/ada"]
    assert not stand.harness.can_get_in("ada") and stand.harness.members("developers") == {"ada"}
    assert apply(stand, tmp_path, away, here) == []
    assert apply(stand, tmp_path, here, away) == ["enable sys:account/ada"]


def test_rename_keeps_the_account_and_what_it_holds(stand: Stand, tmp_path: Path) -> None:
    skip_if_lacking(stand.harness, "renames")
    old = files([someone("ada-lovelace", "dev", email="ada@example.com")], [DEV])
    apply(stand, tmp_path, old)
    new = files([someone("ada", "dev", was=("ada-lovelace",))], [DEV])
    done = apply(stand, tmp_path, new, old)
    assert done[0] == "rename sys:account/ada" and not any(line.startswith(("revoke", "create")) for line in done)
    assert stand.harness.members("developers") == {"ada"}
    assert apply(stand, tmp_path, new, old) == []


def test_role_without_keys_is_for_one_pipeline_alone_and_for_nobody_after_its_service_left(
    stand: Stand, tmp_path: Path
) -> None:
    skip_if_lacking(stand.harness, "keyless")
    harness = stand.harness
    assert isinstance(harness, TakesTokens)
    harness.seed_foreign()
    harness.take_tokens()
    before = harness.truth()
    trust = {"sys": {"trust": {"github": {"repository": "acme/site", "environment": "production"}}}}
    bot = replace(someone("bot", "reading", service=True), keyless=block(trust, "access/services.yaml"))
    bot = replace(bot, accounts=role_accounts(bot))
    (given,) = DEV.grants
    grants = (replace(given, block=block(harness.keyless_grants, "access/roles.yaml")),)
    reading = replace(a_role("reading", target="sys"), grants=grants)
    here, gone = files([bot], [reading]), files([], [reading])
    assert "create sys:account/role%2Fbot" in apply(stand, tmp_path, here)
    assert harness.takes_on("role/bot", "acme/site", "production")
    for repository, environment in (("acme/site", "staging"), ("acme/site", None), ("acme/other", "production")):
        assert not harness.takes_on("role/bot", repository, environment)
    assert apply(stand, tmp_path, here) == []
    assert "disable sys:account/role%2Fbot" in apply(stand, tmp_path, gone, here)
    assert not harness.takes_on("role/bot", "acme/site", "production") and not harness.can_get_in("role/bot")
    assert apply(stand, tmp_path, gone, here) == []
    later = datetime.now(NOW.tzinfo) + timedelta(days=31)
    ended, _ = run(facing(stand, gone, now=later), tmp_path, now=later)
    assert said(ended.plan) == ["delete sys:account/role%2Fbot"]
    assert harness.truth() == before


def test_removed_line_revokes_and_hand_made_membership_of_the_same_person_stays(stand: Stand, tmp_path: Path) -> None:
    before = files([someone("ada", "dev", "ops")], [DEV, OPS])
    apply(stand, tmp_path, before)
    stand.harness.add_by_hand("hand-made", "ada")
    after = files([someone("ada", "dev")], [DEV, OPS])
    assert apply(stand, tmp_path, after, before) == ["revoke sys:membership/operators/ada"]
    assert stand.harness.members("hand-made") == {"ada"}


def test_reader_has_no_way_to_write(harness: Harness) -> None:
    """A reader offers none of a writer's methods; its transport is tried by each provider's own tests."""
    reader = Stand(harness).connection().reader()
    try:
        assert not {"write", "cut", "settle"} & set(dir(reader))
    finally:
        reader.close()


def test_target_that_we_emptied_ourselves_is_believed_to_be_empty(stand: Stand, tmp_path: Path) -> None:
    people = [someone(who, "dev", "ops") for who in ("ada", "bob", "cyd")]
    here, gone = files(people, [DEV, OPS]), files([], [DEV, OPS])
    apply(stand, tmp_path, here)
    apply(stand, tmp_path, gone, here)
    counts = journal(tmp_path).chain("sys").last_counts()
    ready = replace(facing(stand, gone, here), known={"sys": Known(counts=counts)})
    assert make_plan(ready).plan.complete
