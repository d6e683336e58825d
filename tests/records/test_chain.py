"""One target's chain: what it adds up to, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.contract import Accepted, AlreadySo, Done, Failed, Outcome, ProviderError, Refused, StillHas, Trouble
from provisioner.contract import Unknown as UnknownOutcome
from provisioner.diagnostics import ProvisionError
from provisioner.model.change import Action, Change
from provisioner.model.instant import Instant
from provisioner.model.rotation import Phase
from provisioner.model.way import Way
from provisioner.records.chain import Chain
from provisioner.records.entries import Reason, Result, Settled, Step, intent_body, outcome_body
from provisioner.records.folder import FolderStore
from provisioner.records.journal import Journal
from provisioner.records.prepared import Prepare, prepared_body
from provisioner.records.record import RecordKind
from provisioner.records.run import RunInfo
from tests.builders import NOW, REVISION, TREE, at, change

T = "corp-ldap"
ADA = change("revoke", f"{T}:membership/developers/ada")
BOB = change("create", f"{T}:membership/developers/bob")
FAILED = Failed(ProviderError(Trouble.DENIED, "insufficient access", call="modify", request_id="r-1"))


class Story:
    """A chain, and runs of a minute each that write to it."""

    def __init__(self, path: Path) -> None:
        self.store = FolderStore(path)
        self.now: Instant = NOW
        self.runs = 0
        self.begin()

    def begin(self) -> RunInfo:
        self.runs += 1
        self.now += timedelta(minutes=1)
        self.info = RunInfo(f"run{self.runs}", "ada", REVISION, TREE, f"sha256:{self.runs}")
        self.chain.append(RecordKind.RUN, {"system": "s-1"}, run=self.info, at=self.now)
        return self.info

    @property
    def chain(self) -> Chain:
        return Journal(self.store).chain(T)  # read anew each time: as another process would

    def intend(self, *changes: Change, step: Step = Step.WRITE) -> None:
        self.chain.append(RecordKind.INTENT, intent_body(changes, step=step), run=self.info, at=self.now)

    def became(
        self, one: Change, outcome: Outcome, reason: Reason = Reason.NONE, step: Step = Step.WRITE, intent: bool = True
    ) -> None:
        if intent:
            self.intend(one, step=step)
        body = outcome_body([(one, Result(outcome, reason))], step)
        self.chain.append(RecordKind.OUTCOME, body, run=self.info, at=self.now)

    def converge(self, **counts: int) -> None:
        self.chain.append(RecordKind.CONVERGED, {"counts": counts, "system": "s-1"}, run=self.info, at=self.now)

    def left(self) -> list[tuple[str, Action, str]]:
        return [(str(o.address), o.action, o.run) for o in self.chain.outstanding(self.now)]

    def file(self, n: int) -> Path:
        return self.store.path / f"journal/{T}/{n:08d}.json"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "j")


def test_target_that_never_converged_has_no_point(story: Story) -> None:
    assert story.chain.converged() is None
    assert story.chain.last_counts() is None
    assert story.chain.system() == "s-1"


def test_converged_record_tells_revision_tree_and_counts(story: Story) -> None:
    story.converge(account=210, membership=900)
    point = story.chain.converged()
    assert point is not None
    assert (point.revision, point.tree, point.at, point.run) == (REVISION, TREE, story.now, "run1")
    assert story.chain.last_counts() == {"account": 210, "membership": 900}


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (FAILED, Reason.NONE),
        (Refused("live value has moved"), Reason.MOVED),
        (Refused("it could not be looked at"), Reason.UNSEEN),
        (Refused("needs account/ada, which failed"), Reason.NEEDS),
        (UnknownOutcome(), Reason.NONE),
        (StillHas((Way("x", via=at(f"{T}:membership/all/group:developers")),)), Reason.NONE),
    ],
)
def test_what_is_not_a_success_is_outstanding(story: Story, outcome: Outcome, reason: Reason) -> None:
    story.became(ADA, outcome, reason)
    (left,) = story.chain.outstanding(story.now)
    assert (left.address, left.action, left.identity, left.since) == (ADA.address, Action.REVOKE, "ada", story.now)
    assert left.reason


@pytest.mark.parametrize("reason", [Reason.TIME, Reason.STOPPED])
def test_what_was_not_tried_for_its_time_or_an_interrupt_is_not_outstanding(story: Story, reason: Reason) -> None:
    story.became(BOB, Refused("its end has passed"), reason)
    assert story.left() == []


def test_intent_without_outcome_is_in_doubt(story: Story) -> None:
    story.intend(ADA, BOB)
    story.became(BOB, Done("read back"), intent=False)
    (left,) = story.chain.outstanding(story.now)
    assert left.address == ADA.address
    assert "in doubt" in left.reason
    assert left.run == "run1"


def test_stopped_before_it_settles_its_own_intent_but_not_that_of_an_earlier_run(story: Story) -> None:
    story.intend(ADA)
    story.begin()
    story.became(ADA, Refused("interrupted"), Reason.STOPPED)
    story.became(BOB, Refused("interrupted"), Reason.STOPPED)
    assert story.left() == [(str(ADA.address), Action.REVOKE, "run1")]


def test_since_is_the_first_failure(story: Story) -> None:
    first = story.now
    story.became(ADA, FAILED)
    for _ in range(3):
        story.begin()
        story.became(ADA, FAILED)
    (left,) = story.chain.outstanding(story.now)
    assert left.since == first
    assert left.run == "run4"


def test_later_success_ends_it(story: Story) -> None:
    story.became(ADA, FAILED)
    story.begin()
    story.became(ADA, AlreadySo("absent"), intent=False)
    assert story.left() == []


def test_success_at_another_address_does_not(story: Story) -> None:
    story.became(ADA, FAILED)
    story.became(change("revoke", f"{T}:membership/testers/ada"), Done())
    assert story.left() == [(str(ADA.address), Action.REVOKE, "run1")]


def test_giving_back_what_could_not_be_taken_makes_the_taking_pointless(story: Story) -> None:
    story.became(ADA, FAILED)
    story.became(change("create", f"{T}:membership/developers/ada"), Done())
    assert story.left() == []


def test_settled_needs_to_be_told(story: Story) -> None:
    story.became(ADA, FAILED)
    story.begin()
    chain = story.chain
    chain.settle([Settled(ADA.address, Action.REVOKE, "absent")], run=story.info, at=story.now)
    assert story.left() == []
    chain.settle([Settled(ADA.address, Action.REVOKE, "absent")], run=story.info, at=story.now)
    assert chain.head()[0] == story.chain.head()[0], "what is not open is not recorded again"


def test_accepted_is_outstanding_only_when_its_time_is_over(story: Story) -> None:
    story.became(ADA, Accepted("op-1", NOW + timedelta(hours=1)))
    assert story.chain.outstanding(NOW) == ()
    assert len(story.chain.outstanding(NOW + timedelta(hours=2))) == 1
    assert len(story.chain.open_items()) == 1


def test_cut_that_failed_is_outstanding_until_it_is_done(story: Story) -> None:
    disable = change("disable", f"{T}:account/ada", before={"enabled": True}, after={"enabled": False})
    story.became(disable, FAILED, step=Step.CUT)
    story.became(disable, Done())
    assert story.left() == [(str(disable.address), Action.DISABLE, "run1")]
    story.became(disable, Done(), step=Step.CUT)
    assert story.left() == []


def test_cut_that_is_not_possible_there_leaves_nothing(story: Story) -> None:
    disable = change("disable", f"{T}:account/ada", before={"enabled": True}, after={"enabled": False})
    story.became(disable, Refused("not possible here: a directory has no sessions"), step=Step.CUT)
    assert story.left() == []


def test_nothing_is_read_behind_the_newest_sum(story: Story) -> None:
    story.became(ADA, FAILED)
    story.converge(account=1)
    story.begin()
    story.became(BOB, FAILED)
    story.begin()
    for n in range(1, 7):
        story.file(n).unlink()
    assert story.chain.converged() is not None
    assert story.chain.last_counts() == {"account": 1}
    assert story.left() == [(str(BOB.address), Action.CREATE, "run2")]


def test_what_lies_ready_for_runs_is_known_until_it_is_known_to_be_gone(story: Story) -> None:
    def step(*told: str | Phase) -> None:
        body = prepared_body(Prepare(told[0]), Phase(told[1]), told[2])
        story.chain.append(RecordKind.PREPARE, body, run=story.info, at=story.now)

    step("make", "intent", "one")  # and no outcome: it may lie there
    step("make", "intent", "two")
    step("make", "done", "two")
    step("drop", "intent", "two")
    step("drop", "failed", "two")
    story.converge(account=1)
    story.begin()
    for n in range(1, 6):
        story.file(n).unlink()
    assert story.chain.ready() == {"one", "two"}
    step("drop", "done", "one")
    assert story.chain.ready() == {"two"}


def test_what_is_laid_ready_for_runs_is_no_work_of_plans(story: Story) -> None:
    """It comes after the changes of an apply: a plan that was made before is as good as it was."""
    story.converge(account=1)
    then, chain = story.now, story.chain
    for phase in (Phase.INTENT, Phase.DONE):
        later = then + timedelta(seconds=5)
        chain.append(RecordKind.PREPARE, prepared_body(Prepare.MAKE, phase, "one"), run=story.info, at=later)
    for told in (chain, story.chain):  # as written, and as read
        assert told.at_rest() and told.last_written() == then


def test_doubt_and_date_live_on_in_the_sum(story: Story) -> None:
    first = story.now
    story.intend(ADA)
    for _ in range(3):
        story.begin()
    (left,) = story.chain.outstanding(story.now)
    assert left.since == first
    assert "in doubt" in left.reason


def test_torn_last_record_is_moved_aside_and_told(story: Story) -> None:
    story.intend(ADA)
    torn = story.file(2)
    whole = torn.read_bytes()
    for length in range(0, len(whole), 7):
        torn.write_bytes(whole[:length])
        chain = story.chain
        assert chain.outstanding() == ()
        assert [w.code for w in chain.warnings()] == ["journal-torn"]
        assert torn.read_bytes() == whole[:length], "reading moves nothing"
    chain.append(RecordKind.INTENT, intent_body([BOB]), run=story.info, at=story.now)
    assert chain.warnings() == ()
    assert [str(c["address"]) for r in story.chain.records() for c in r.body.get("changes", ())] == [str(BOB.address)]
    aside = [p for p in torn.parent.iterdir() if ".torn-" in p.name]
    assert [p.read_bytes() for p in aside] == [whole[:length]]


def test_torn_only_record_is_an_empty_chain(story: Story) -> None:
    story.file(1).write_bytes(b'{"at"')
    assert story.chain.head() == (0, None)
    story.begin()
    assert story.chain.head()[0] == 1


def _refusal(chain: Chain) -> str:
    with pytest.raises(ProvisionError) as caught:
        chain.outstanding()
    (told,) = caught.value.diagnostics
    assert told.code == "journal-broken"
    return told.message


def test_edited_record_is_refused_by_number(story: Story) -> None:
    story.became(ADA, FAILED)
    data = story.file(2).read_bytes()
    story.file(2).write_bytes(data.replace(b"ada", b"eve"))
    assert "record 2 of corp-ldap" in _refusal(story.chain)


def test_record_rewritten_with_a_right_hash_is_refused_by_the_chain(story: Story, tmp_path: Path) -> None:
    story.became(ADA, FAILED)
    other = Story(tmp_path / "other")
    other.became(BOB, FAILED)
    story.file(2).write_bytes(other.file(2).read_bytes())
    assert "record 3 of corp-ldap" in _refusal(story.chain)
    with pytest.raises(ProvisionError):
        list(story.chain.records())


@pytest.mark.parametrize("n", [2, 3])
def test_missing_record_is_refused_by_number(story: Story, n: int) -> None:
    story.became(ADA, FAILED)
    story.became(BOB, FAILED)
    story.file(n).unlink()
    assert f"record {n} of corp-ldap" in _refusal(story.chain)


def test_torn_record_in_the_middle_is_refused(story: Story) -> None:
    story.became(ADA, FAILED)
    story.file(2).write_bytes(story.file(2).read_bytes()[:50])
    assert "record 2 of corp-ldap" in _refusal(story.chain)


def test_of_two_runs_on_one_chain_the_later_is_stopped(story: Story) -> None:
    mine, theirs = story.chain, story.chain
    assert mine.head() == theirs.head()
    theirs.append(RecordKind.INTENT, intent_body([ADA]), run=story.info, at=story.now)
    with pytest.raises(ProvisionError) as caught:
        mine.append(RecordKind.INTENT, intent_body([BOB]), run=story.info, at=story.now)
    assert caught.value.diagnostics[0].code == "journal-moved-on"


def test_targets_have_chains_of_their_own(tmp_path: Path) -> None:
    journal = Journal(FolderStore(tmp_path))
    info = RunInfo("r", "ada")
    for target in ("aws/payments-production", "..", "a b"):
        journal.chain(target).append(RecordKind.RUN, {}, run=info, at=NOW)
    assert sorted(p.name for p in (tmp_path / "journal").iterdir()) == ["%2E%2E", "a%20b", "aws%2Fpayments-production"]


def test_every_record_tells_who_and_of_what(story: Story) -> None:
    story.became(ADA, FAILED)
    for record in story.chain.records():
        assert record.run == RunInfo("run1", "ada", REVISION, TREE, "sha256:1")
    results: Sequence[dict[str, object]] = record.body["results"]
    assert results[0]["request"] == "r-1"
    assert results[0]["trouble"] == "denied"


def test_record_of_a_later_kind_is_carried(story: Story) -> None:
    story.became(ADA, FAILED)
    chain = story.chain
    chain.append("takeover", {"of": "run0"}, run=story.info, at=story.now)
    assert len(story.left()) == 1
    story.begin()
    assert len(story.left()) == 1
