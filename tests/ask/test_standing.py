"""What stands approved after merges of which some lacked an approval: entry by entry, also behind later merges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from provisioner.ask.approvals import Revision
from provisioner.ask.standing import NOTHING, Standing, Step, Unasked, standing
from provisioner.load import load_files
from provisioner.load.contents import contents
from provisioner.model.access import DeclaredAccess
from provisioner.model.review import Counted, PullRequestReviews
from tests.load.tiny import PROVIDERS

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
RULE = "guardrails: {approvals: required, owners: [boss]}\n"
BASE = """\
records: {owner: 5f1c0a9e}
people:
  ada: {}
  boss: {}
  grace: {}
  linus: {}
roles:
  deployer: {owners: [grace], grants: {corp: {groups: [deploy]}}}
  reader: {owners: [linus], grants: {corp: {groups: [read]}}}
targets:
  corp: {provider: directory, url: ldaps://x, owners: [linus], groups: {deploy: {}, read: {}}}
"""


def revision(text: str) -> Revision:
    files = {"all.yaml": text.encode()}
    loaded = load_files(files, PROVIDERS)
    assert [d for d in loaded.diagnostics if d.is_error] == []
    return Revision(loaded.declared, contents(files, "access"))


class History:
    """Merges, each with who approved it; None: nobody was asked."""

    def __init__(self, text: str = BASE + RULE) -> None:
        self.text = text
        self.steps: list[Step] = []
        self.approved: dict[str, Sequence[str] | None] = {}
        self.asked: list[str] = []
        self.start = revision(text)

    def merge(self, *edits: tuple[str, str], by: Sequence[str] | None = ()) -> History:
        for old, new in edits:
            assert self.text.count(old) == 1, old
            self.text = self.text.replace(old, new)
        name = f"{len(self.steps) + 1:040x}"
        self.steps.append(Step(name, revision(self.text)))
        self.approved[name] = by
        return self

    def stands(self) -> Standing:
        return standing(self.start, self.steps, self._ask, NOW)

    def _ask(self, step: Step, judging: DeclaredAccess) -> Counted | Unasked:
        assert step.commit is not None
        self.asked.append(step.commit)
        people = self.approved[step.commit]
        if people is None:
            return Unasked("it came without a pull request")
        of = PullRequestReviews("acme/access", 1, "https://x", step.commit, None, (), ())
        return Counted(of, {p: 1 for p in people if p in judging.identities})


GRANT = ("  ada: {}", "  ada: {roles: [deployer]}")


def roles(stands: Standing, history: History) -> Mapping[str, list[str]]:
    declared = stands.approved(history.steps[-1].revision.declared)
    return {name: [a.role for a in who.roles] for name, who in declared.identities.items() if who.roles}


def test_what_its_owner_approved_stands() -> None:
    history = History().merge(GRANT, by=["grace"])
    found = history.stands()
    assert found.complete and found.required and roles(found, history) == {"ada": ["deployer"]}


def test_what_lacks_an_approval_is_as_it_was_also_behind_others() -> None:
    history = History().merge(GRANT, by=["linus"])
    history.merge(("  linus: {}", "  linus: {roles: [deployer]}"), by=["grace"])
    found = history.stands()
    assert roles(found, history) == {"linus": ["deployer"]}
    assert [(m.change.what, m.need.approvers) for m in found.missing] == [("ada gains deployer", ("grace",))]


def test_more_for_somebody_whose_last_grant_was_not_approved_waits_with_it() -> None:
    history = History().merge(GRANT, by=None)
    history.merge(("roles: [deployer]", "roles: [deployer, reader]"), by=["linus"])
    found = history.stands()
    assert roles(found, history) == {}
    history.approved["1".rjust(40, "0")] = ["grace"]  # after all
    assert roles(history.stands(), history) == {"ada": ["deployer", "reader"]}


def test_what_is_taken_back_leaves_nothing_to_approve() -> None:
    history = History().merge(GRANT, by=None).merge((GRANT[1], GRANT[0]), by=None)
    assert history.stands().complete


def test_what_only_takes_away_needs_nobody() -> None:
    history = History(BASE.replace(*GRANT) + RULE).merge((GRANT[1] + "\n", ""), by=None)
    assert history.stands().complete


def test_a_new_owner_who_was_not_approved_approves_nothing() -> None:
    history = History().merge(("deployer: {owners: [grace]", "deployer: {owners: [boss]"), by=None)
    history.merge(GRANT, by=["boss"])
    found = history.stands()
    assert roles(found, history) == {}
    assert set(found.held) == {("roles", "deployer"), ("people", "ada")}


def test_the_rule_is_not_lifted_by_a_merge_that_nobody_approved() -> None:
    history = History().merge((RULE, ""), by=None).merge(GRANT, by=None)
    found = history.stands()
    assert found.required and set(found.held) == {("guardrails", ""), ("people", "ada")}
    lifted = History().merge((RULE, ""), by=["boss"]).merge(GRANT, by=None)
    assert lifted.stands().complete and lifted.asked == [lifted.steps[0].commit]


def test_before_the_rule_nobody_is_asked() -> None:
    history = History(BASE).merge(GRANT, by=None).merge(("targets:", RULE + "targets:"), by=None)
    assert history.stands().complete and history.asked == []
    history.merge(("  linus: {}", "  linus: {roles: [deployer]}"), by=None)
    assert set(history.stands().held) == {("people", "linus")}


def test_somebody_new_and_somebody_renamed_wait_as_a_whole() -> None:
    history = History(BASE.replace(*GRANT) + RULE)
    history.merge(
        ("  ada: {roles: [deployer]}", "  ada-b: {was: [ada], roles: [deployer]}\n  eve: {roles: [deployer]}")
    )
    found = history.stands()
    assert roles(found, history) == {"ada": ["deployer"]}


def test_a_target_stays_as_it_was() -> None:
    history = History().merge(("url: ldaps://x", "url: ldaps://evil"), by=["grace"])
    found = history.stands()
    (target,) = found.approved(history.steps[-1].revision.declared).targets.values()
    assert target.settings.data["url"] == "ldaps://x"


def test_from_nothing_all_of_it_is_taken() -> None:
    assert standing(NOTHING, [Step(None, revision(BASE))], lambda *_: Unasked("no"), NOW).complete
