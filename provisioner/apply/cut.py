"""Ending a leaver's sessions before anything else of theirs is taken, and making sure that it is still their account.

Once for each account that is disabled (or deleted, where nothing can be disabled). A system that cannot do it says so,
which is no failure; where it can and did not, the account's own change is not called done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from provisioner.apply.freshness import account_of, judge
from provisioner.apply.retry import single
from provisioner.apply.settle import settle
from provisioner.contract import Accepted, Failed, Outcome, ProviderError, Reading, Refused, Trouble, Unknown
from provisioner.contract.outcome import is_success
from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.records.entries import Reason, Result, Step, intent_body, outcome_body
from provisioner.records.record import RecordKind

if TYPE_CHECKING:
    from provisioner.apply.worker import Site


class Cuts:
    """`barred` are accounts that are not what the plan saw any more: what hangs on them as a leaver's is left alone."""

    def __init__(self, site: Site, changes: Iterable[Change]) -> None:
        self._site = site
        disables = site.declare.capabilities.disables
        closing = (Action.DISABLE,) if disables else (Action.DISABLE, Action.DELETE)
        self._closing = {a: c for c in changes if c.action in closing and (a := account_of(c)) is not None}
        self._checked: set[Address] = set()
        self._failed: dict[Address, Outcome] = {}
        self.barred: dict[Address, Result] = {}

    def due(self, changes: Iterable[Change]) -> list[Address]:
        """The accounts to look at before `changes`: those that are to be closed, and were not looked at yet."""
        accounts = dict.fromkeys(account_of(c) for c in changes if c.narrows)
        return [a for a in accounts if a is not None and a in self._closing and a not in self._checked]

    def make(self, due: Sequence[Address], reading: Reading) -> None:
        """Cut the accounts in `due` that `reading` shows to be as the plan saw them."""
        cut = []
        for account in due:
            self._checked.add(account)
            verdict = judge(self._closing[account], reading, self._site.ours)
            if verdict is None:
                cut.append(account)
            elif verdict.reason is Reason.MOVED:
                self.barred[account] = verdict
        self._cut(cut)

    def again(self, changes: Iterable[Change]) -> None:
        """Another try, right before an account is closed whose sessions could not be cut."""
        self._cut([c.address for c in changes if c.address in self._failed and self._closing[c.address] is c])

    def verdict(self, change: Change, result: Result) -> Result:
        """The account's change is no success where its sessions live on."""
        outcome = self._failed.get(change.address)
        if outcome is None or self._closing[change.address] is not change or not is_success(result.outcome):
            return result
        error = getattr(outcome, "error", None)
        told = error.message if error is not None else "the system has not finished it"
        request = error.request_id if error is not None else None
        trouble = error.trouble if error is not None else Trouble.UNKNOWN
        words = f"the account is closed, but its sessions could not be cut: {told}"
        return Result(Failed(ProviderError(trouble, words, call="cut", request_id=request)))

    def _cut(self, accounts: Sequence[Address]) -> None:
        if accounts:
            for account, outcome in end_sessions(self._site, [self._closing[a] for a in accounts]).items():
                if is_success(outcome) or isinstance(outcome, Refused):
                    self._failed.pop(account, None)
                else:
                    self._failed[account] = outcome


def end_sessions(site: Site, closing: Sequence[Change]) -> dict[Address, Outcome]:
    """Cut the accounts of these changes, with intent and outcome on record."""
    site.note(RecordKind.INTENT, intent_body(closing, step=Step.CUT))
    outcomes = {c.address: _end(site, c.address) for c in closing}
    results = [(c, Result(outcomes[c.address])) for c in closing]
    site.note(RecordKind.OUTCOME, outcome_body(results, Step.CUT))
    return outcomes


def _end(site: Site, account: Address) -> Outcome:
    run = site.run
    outcome = single(lambda deadline: site.writer.cut(account, deadline), run.waits)
    if isinstance(outcome, Unknown):  # cutting twice does no harm, and nothing shows whether it was done
        outcome = single(lambda deadline: site.writer.cut(account, deadline), run.waits)
    if isinstance(outcome, Accepted):
        outcome = settle(site.writer, outcome, run.waits, lambda: run.board.stopped)
    return outcome
