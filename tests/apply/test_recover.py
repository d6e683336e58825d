"""What a run that died had begun is settled by a look at the live system, before anything is planned."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.apply.recover import Recovered, recover
from provisioner.contract import Connection
from provisioner.model.change import Action, Change
from provisioner.model.resource import Resource
from provisioner.model.way import Way
from provisioner.records.entries import Step, intended_changes, intent_body
from provisioner.records.record import RecordKind
from provisioner.records.run import RunInfo
from tests.apply.fakes import FakeDeclare, FakeProvider, Killed, Rig, T
from tests.builders import NOW, at, change, plan, view

ADA = change("revoke", f"{T}:membership/devs/ada", who="ada")
BOB = change("create", f"{T}:membership/devs/bob", who="bob")
CUT = change("disable", f"{T}:account/ada", who="ada")
NEW = RunInfo("new", "grace")


class Aftermath(Rig):
    """A run has written these intents, and was never heard of again."""

    def __init__(self, path: Path, *intended: Change, step: Step = Step.WRITE) -> None:
        super().__init__(path)
        chain = self.journal.chain(T)
        chain.append(RecordKind.RUN, {"system": "sys-1"}, run=RunInfo("dead", "ada"), at=NOW)
        chain.append(RecordKind.INTENT, intent_body(intended, step=step), run=RunInfo("dead", "ada"), at=NOW)

    def recover(self) -> Recovered | None:
        s = self.system
        connections = {s.name: Connection(s.target(), FakeProvider(s), FakeDeclare(s), {}, s.owner)}
        found = recover(self.journal, connections, run=NEW, clock=self.clock.now, waits=self.waits)
        return found[0] if found else None

    def last(self) -> dict[str, object]:
        return dict(list(self.journal.chain(T).records())[-1].body)

    def doubts(self) -> list[str]:
        return [i.address for i in self.journal.chain(T).open_items() if i.doubt]


def test_what_was_done_is_recorded_as_done_with_its_proof(tmp_path: Path) -> None:
    rig = Aftermath(tmp_path, ADA)
    found = rig.recover()
    assert found is not None and "run dead: looked: done" in found.settled[0]
    assert rig.doubts() == [] and rig.left() == []
    assert rig.last()["results"] == [
        {
            "address": str(ADA.address), "action": "revoke", "of": "write", "outcome": "settled",
            "proof": "looked: done (read: not there)",
        }
    ]  # fmt: skip
    assert rig.system.log == [] and "writer" not in rig.system.opened


def test_a_removal_that_was_not_done_stays_outstanding_and_is_no_longer_in_doubt(tmp_path: Path) -> None:
    rig = Aftermath(tmp_path, ADA)
    rig.system.have(str(ADA.address))
    found = rig.recover()
    assert found is not None and "ended before it was done" in found.not_done[0]
    assert rig.doubts() == []
    item = rig.journal.chain(T).outstanding()[0]
    assert (str(item.address), item.identity, item.since) == (str(ADA.address), "ada", NOW)
    assert "ended before it was done" in item.reason


def test_what_was_to_be_given_and_was_not_leaves_nothing_behind(tmp_path: Path) -> None:
    rig = Aftermath(tmp_path, BOB)
    found = rig.recover()
    assert found is not None and "nothing of it is there" in found.settled[0]
    assert rig.left() == []


def test_what_was_given_is_recorded_as_done(tmp_path: Path) -> None:
    rig = Aftermath(tmp_path, BOB)
    rig.system.have(str(BOB.address))
    found = rig.recover()
    assert found is not None and "looked: done" in found.settled[0]


def test_a_third_value_stays_in_doubt_and_is_told(tmp_path: Path) -> None:
    rig = Aftermath(tmp_path, replace(ADA, before={"level": "push"}))
    rig.system.have(str(ADA.address), level="admin")
    found = rig.recover()
    assert found is not None and "stays in doubt" in found.left[0] and "has moved" in found.left[0]
    assert rig.doubts() == [str(ADA.address)]


def test_what_cannot_be_seen_stays_in_doubt(tmp_path: Path) -> None:
    rig = Aftermath(tmp_path, ADA, BOB)
    rig.system.unseen = {str(ADA.address)}
    rig.recover()
    assert rig.doubts() == [str(ADA.address)]


def test_a_system_that_is_down_leaves_all_in_doubt_and_does_not_stop_the_run(tmp_path: Path) -> None:
    rig = Aftermath(tmp_path, ADA, BOB)
    rig.system.down = True
    found = rig.recover()
    assert found is not None and "2 changes" in found.lines[0] and "connection refused" in found.lines[0]
    assert len(rig.doubts()) == 2


def test_nothing_is_concluded_from_another_system_behind_the_same_settings(tmp_path: Path) -> None:
    rig = Aftermath(tmp_path, ADA)
    rig.system.system = "sys-2"
    found = rig.recover()
    assert found is not None and "sys-2" in found.unread
    assert rig.doubts() == [str(ADA.address)] and rig.system.looks == []


def test_what_remains_in_another_way_is_not_called_gone(tmp_path: Path) -> None:
    ours = replace(ADA, ways=(Way("direct"),))
    rig = Aftermath(tmp_path, ours)
    rig.system.live[ADA.address] = Resource(ADA.address, {}, (Way("other"),))
    found = rig.recover()
    assert found is not None and found.settled == ()
    assert rig.doubts() == [] and rig.left() == [(str(ADA.address), "revoke")]


def test_sessions_of_which_nothing_shows_whether_they_were_cut_stay_open(tmp_path: Path) -> None:
    rig = Aftermath(tmp_path, CUT, step=Step.CUT)
    assert rig.recover() is None
    assert rig.doubts() == [str(CUT.address)]


def test_a_target_without_doubts_is_not_read(tmp_path: Path) -> None:
    rig = Aftermath(tmp_path)
    assert rig.recover() is None
    assert rig.system.opened == []


@pytest.mark.parametrize("keeps", [True, False])
def test_an_intent_is_found_again_also_where_an_earlier_version_did_not_say_where(tmp_path: Path, keeps: bool) -> None:
    """The sum that a later run carries has the number of the intent; one of an earlier version has not."""
    rig = Aftermath(tmp_path, ADA)
    chain = rig.journal.chain(T)
    before = chain._read().sum_json()
    if not keeps:
        del before["open"][0]["intent"]
    chain.append(RecordKind.RUN, {"system": "sys-1"}, run=RunInfo("old", "ada"), at=NOW)
    place = rig.store.path / f"journal/{T}/00000003.json"
    record = json.loads(place.read_bytes())
    assert record["before"]["open"][0]["intent"] == 2
    if not keeps:
        _rewrite(place, {**record, "before": before})
    found = rig.recover()
    assert found is not None and len(found.settled) == 1


def _rewrite(place: Path, record: dict[str, object]) -> None:
    """As an earlier version would have written it."""
    import hashlib

    from provisioner.model.canonical import canonical_json

    record = {k: v for k, v in record.items() if k != "hash"}
    digest = "sha256:" + hashlib.sha256(canonical_json(record)).hexdigest()
    place.write_bytes(canonical_json({**record, "hash": digest}) + b"\n")


def test_an_intent_says_enough_to_judge_it_by() -> None:
    wanted = Change(
        Action.REVOKE, ADA.address, {"level": "push"}, None, ADA.cause, ADA.effect, "ada",
        ways=(Way("direct"), Way("team", via=at(f"{T}:membership/leads/ada"))),
    )  # fmt: skip
    (read,) = intended_changes(intent_body([wanted]))
    assert read.id == wanted.id and read.ways == wanted.ways and read.identity == "ada"


def test_a_run_that_dies_between_call_and_record_is_recovered_from(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.system.have(str(ADA.address))

    def die(step: str) -> None:
        if step == "write: answered":
            raise Killed

    rig.system.steps = die
    with pytest.raises(Killed):
        rig.apply(plan(ADA, BOB, targets={T: view()}))
    rig.system.steps = lambda _: None
    assert [i.doubt for i in rig.journal.chain(T).open_items()] == [True]
    connections = {
        T: Connection(rig.system.target(), FakeProvider(rig.system), FakeDeclare(rig.system), {}, rig.system.owner)
    }
    found = recover(rig.journal, connections, run=NEW, clock=rig.clock.now, waits=rig.waits)
    assert [len(f.settled) for f in found] == [1]
    assert recover(rig.journal, connections, run=NEW, clock=rig.clock.now, waits=rig.waits) == ()
