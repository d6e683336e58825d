"""Which failures are worth another try, and how long to wait for anything.

A write is sent again only where the system says that it was not done (`busy`, `unreachable`). One without an answer is
never sent again before the live system was looked at. Reads are safe to repeat.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_result,
    stop_after_attempt,
    wait_exponential,
    wait_random_exponential,
)

from provisioner.contract import Failed, Outcome, ProviderError, Reader, Reading, Trouble, Unknown, Writer
from provisioner.model.address import Address
from provisioner.model.change import Change
from provisioner.model.principal import PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.unit import Unit

NOT_SENT = frozenset({Trouble.BUSY, Trouble.UNREACHABLE})
_READ_AGAIN = NOT_SENT | {Trouble.UNKNOWN, Trouble.PARTIAL}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waits:
    """All waiting. `patience` is how many seconds a read-back or an asynchronous system is waited for at most, whatever
    it says it may need; `glance` at least, where it says nothing. `call` is the deadline of one remote call. An apply
    sleeps so that an interrupt wakes it, unless `sleep` says how; once `stopped` says so, nothing is tried again.
    `grace` is how long an interrupted run waits for the calls in hand."""

    sleep: Callable[[float], None] | None = None
    monotonic: Callable[[], float] = time.monotonic
    tries: int = 4
    first: float = 0.2
    longest: float = 5.0
    glance: float = 1.0
    patience: float = 90.0
    call: float = 15.0
    grace: float = 2.0
    stopped: Callable[[], bool] = lambda: False

    def deadline(self) -> float:
        return self.monotonic() + self.call

    def ended_by(self, stopped: Callable[[], bool], sleep: Callable[[float], None]) -> Waits:
        """These waits, over when the run is to stop; with `sleep` unless they have their own."""
        return replace(self, stopped=stopped, sleep=self.sleep or sleep)


def poll(waits: Waits, limit: float, step: Callable[[], bool], stopped: Callable[[], bool]) -> None:
    """Call `step` until it says that nothing is left, `limit` seconds are over, or the run is to stop."""
    start = waits.monotonic()

    def over(_state: RetryCallState) -> bool:
        return stopped() or waits.monotonic() - start >= limit

    Retrying(
        sleep=waits.sleep or time.sleep,
        stop=over,
        wait=wait_exponential(multiplier=waits.first / 2, max=waits.longest),
        retry=retry_if_result(lambda done: not done),
        retry_error_callback=lambda _state: None,
    )(step)


def look(reader: Reader, addresses: Collection[Address], waits: Waits) -> Reading:
    """Point reads, tried again where that can help; the addresses may be those of services.

    A reader knows accounts only, so a service is looked up as the account that it is, and answered as it was asked for.
    """
    asked = {_as_read(a): a for a in addresses}

    def once() -> Reading:
        return reader.look(tuple(asked))

    found = _retrying(waits, retry_if_exception(_worth_reading_again), reraise=True)(once)
    if all(read == given for read, given in asked.items()):
        return found
    resources: dict[Address, Resource] = {}
    for address, resource in found.state.resources.items():
        given = asked.get(address, address)
        resources[given] = resource if given == address else replace(resource, address=given)
    looked = frozenset(asked.get(a, a) for a in found.looked)
    return replace(found, state=State.from_mapping(resources), looked=looked)


def write(
    writer: Writer, unit: Unit, changes: Sequence[Change], expect: Mapping[Address, Resource], token: str, waits: Waits
) -> dict[str, Outcome]:
    """One unit's changes, by id. What the system did not take is sent again; everything else stands as it was told.
    While each call does some of them it goes on: only calls that did nothing are counted."""
    outcomes: dict[str, Outcome] = {}
    again: list[Change] = list(changes)
    in_vain = 0

    def once() -> bool:
        nonlocal again, in_vain
        if outcomes and waits.stopped():
            return False
        told = attempt(
            len(again),
            lambda: writer.write(unit, tuple(again), expect=expect, token=token, deadline=waits.deadline()),
        )
        outcomes.update({c.id: o for c, o in zip(again, told, strict=True)})
        left = [c for c, o in zip(again, told, strict=True) if was_not_sent(o)]
        in_vain = in_vain + 1 if len(left) == len(again) else 0
        again = left
        return bool(again)

    _retrying(waits, retry_if_result(bool), enough=lambda _state: in_vain >= waits.tries)(once)
    return outcomes


def repeat(call: Callable[[], T], waits: Waits) -> T:
    """A call that may be said again whatever became of it: a read, or a write that is made for that. ProviderError
    where the last one failed too."""
    found: T = _retrying(waits, retry_if_exception(_worth_reading_again), reraise=True)(call)
    return found


def single(call: Callable[[float], Outcome], waits: Waits) -> Outcome:
    """A call that takes a deadline and gives one outcome, tried again where it was not sent."""

    def once() -> Outcome:
        return attempt(1, lambda: (call(waits.deadline()),))[0]

    outcome: Outcome = _retrying(waits, retry_if_result(was_not_sent))(once)
    return outcome


def attempt(count: int, call: Callable[[], Sequence[Outcome]]) -> Sequence[Outcome]:
    """What `call` tells; a ProviderError that escapes it is the outcome of all `count` changes."""
    try:
        return call()
    except ProviderError as error:
        outcome: Outcome = Unknown(error=error) if error.trouble is Trouble.UNKNOWN else Failed(error)
        return [outcome] * count


def was_not_sent(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.error.trouble in NOT_SENT


def _worth_reading_again(error: BaseException) -> bool:
    return isinstance(error, ProviderError) and error.trouble in _READ_AGAIN


def _retrying(
    waits: Waits,
    retry: Callable[[RetryCallState], bool],
    *,
    reraise: bool = False,
    enough: Callable[[RetryCallState], bool] | None = None,
) -> Retrying:
    def last(state: RetryCallState) -> object:
        assert state.outcome is not None
        return state.outcome.result()

    over = enough or stop_after_attempt(waits.tries)
    return Retrying(
        sleep=waits.sleep or time.sleep,
        stop=lambda state: waits.stopped() or over(state),
        wait=wait_random_exponential(multiplier=waits.first, max=waits.longest),
        retry=retry,
        reraise=reraise,
        retry_error_callback=None if reraise else last,
    )


def _as_read(address: Address) -> Address:
    who = address.principal
    if who is not None and who.kind is PrincipalKind.SERVICE and who.realm == address.target:
        return address._replace(principal=who._replace(kind=PrincipalKind.PERSON))
    return address
