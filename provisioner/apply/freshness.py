"""Is each live value still what the plan expects, and is it what was to be? Pure: judges what was just looked at.

live == before: do it. live == after: already so. A third value is somebody else's work and is refused by name. What
could not be seen is neither there nor gone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.contract import AlreadySo, Done, Outcome, Reading, Refused, StillHas, Waiting
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.effect import Direction
from provisioner.model.instant import Instant, format_instant
from provisioner.model.mark import owner8
from provisioner.model.principal import PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.way import Evidence, Ownership, Phase, Way
from provisioner.records.entries import Reason, Result

_PRESENCE = frozenset({Action.CREATE, Action.REVOKE, Action.DELETE})


@dataclass(frozen=True, slots=True)
class Ours:
    """What tells our things from others' on a target: `owner` is `records.owner`; `marks` the kinds that hold one."""

    owner: str | None
    marks: Collection[Kind]

    def foreign(self, live: Resource) -> bool:
        if live.facts is not None and live.facts.foreign_mark is not None:
            return True
        return live.mark is not None and live.mark.owner not in (None, owner8(self.owner))

    def marked_for(self, live: Resource, key: str | None) -> bool:
        mark = live.mark
        return mark is not None and mark.owner == owner8(self.owner) and key in (None, mark.key)


def addresses_of(change: Change) -> tuple[Address, ...]:
    """What must be looked at to judge `change`: for a rename also the old login."""
    if change.action is Action.RENAME:
        return (change.address, old_account(change))
    return (change.address,)


def old_account(rename: Change) -> Address:
    return rename.address._replace(object=str((rename.before or {}).get("login", "")))


def account_of(change: Change) -> Address | None:
    """The account that a change is about, or that what it is about hangs on."""
    address = change.address
    if address.kind is Kind.ACCOUNT:
        return address
    who = address.principal
    if who is None or who.realm != address.target or who.kind not in (PrincipalKind.PERSON, PrincipalKind.SERVICE):
        return None
    return Address(address.target, Kind.ACCOUNT, who.id)


def seen(reading: Reading, address: Address) -> bool:
    return address in reading.looked or address in reading.state


def out_of_time(change: Change, now: Instant) -> Result | None:
    """Nothing is given whose end has passed or whose beginning has not come, whatever was so when it was planned."""
    if change.effect.direction not in (Direction.WIDENS, Direction.BOTH):
        return None
    if change.ends is not None and change.ends <= now:
        return Result(Refused(f"it ended {format_instant(change.ends)}, before it could be given"), Reason.TIME)
    if change.starts is not None and change.starts > now:
        return Result(Refused(f"it begins only {format_instant(change.starts)}"), Reason.TIME)
    return None


def judge(change: Change, reading: Reading, ours: Ours) -> Result | None:
    """What stands in the way of `change`, or makes it needless; None: it is to be done."""
    if change.action is Action.RELEASE and not change.before:
        return Result(AlreadySo("it stays as it is, and nothing of ours is on it"))
    unseen = [a for a in addresses_of(change) if not seen(reading, a)]
    if unseen:
        return Result(Refused(f"{unseen[0]} could not be looked at right before the write"), Reason.UNSEEN)
    live = reading.state.get(change.address)
    if live is not None and change.address.kind in (Kind.ACCOUNT, Kind.GROUP):
        if ours.foreign(live):
            return _moved(change, live, "it now carries the mark of another owner")
        if change.evidence is Evidence.MARK and not ours.marked_for(live, None):
            return _moved(change, live, "it was ours by its mark, which it no longer carries")
    hides = _hidden(change, reading)
    match change.action:
        case Action.CREATE:
            return _judge_create(change, live, hides, ours)
        case Action.RENAME:
            return _judge_rename(change, live, reading.state.get(old_account(change)), ours)
        case Action.ADOPT:
            return _judge_adopt(change, live, ours)
        case Action.REVOKE:
            return _judge_revoke(change, live, hides)
        case Action.RELEASE:
            return _judge_release(change, live)
        case Action.DELETE:
            if live is None:
                return Result(AlreadySo("it is not there"))
            return None if _same(change.before, live, hides) else _moved(change, live)
    if live is None:
        if change.action is Action.DISABLE:
            return Result(AlreadySo("the account is not there"))
        return _moved(change, None, "it is gone")
    if _so(change.after, live, hides):
        # An account that was cut off may look disabled already; only with the day on it is nothing left to write.
        undated = change.action is Action.DISABLE and not _disabled_since(live)
        return None if undated else Result(AlreadySo(f"read: {describe(change.after)}"))
    return None if _same(change.before, live, hides) else _moved(change, live)


def proven(change: Change, reading: Reading, ours: Ours) -> Outcome | None:
    """What a look after the write proves: Done, StillHas or Waiting; None while it does not show (or could not see)."""
    if not all(seen(reading, a) for a in addresses_of(change)):
        return None
    live = reading.state.get(change.address)
    hides = _hidden(change, reading)
    if change.action in (Action.REVOKE, Action.DELETE):
        return _proven_gone(change, live)
    if change.action is Action.RELEASE:
        return None if live is not None and live.mark is not None else Done("read back: it carries no mark of ours")
    if live is None:
        return Done("read back: the account is not there") if change.action is Action.DISABLE else None
    if change.action is Action.RENAME:
        there = reading.state.get(old_account(change)) is not None
        return None if there else Done(f"read back: {old_account(change).object} is now {change.address.object}")
    if change.action is Action.ADOPT:
        key = _wanted_mark(change)
        rest = {k: v for k, v in (change.after or {}).items() if k != "mark"}
        so = live.mark is not None and ours.marked_for(live, key) and _same(rest, live, hides)
        return Done(f"read back: marked for {live.mark.key}") if so and live.mark else None
    if not _same(change.after, live, hides):
        return None
    if change.action is Action.CREATE:
        return _proven_given(change, live, ours)
    return _waits(change, live) or Done(f"read back: {describe(change.after, hides)}")


def still_waits(change: Change, reading: Reading) -> Waiting | None:
    """Whom a change waits for that is there and not accepted yet, whatever else of it shows: an invitation may be shown
    with less than what was asked for (on GitHub, with the role that an organization's own role builds on)."""
    live = reading.state.get(change.address)
    if change.action in (Action.REVOKE, Action.DELETE) or live is None or not seen(reading, change.address):
        return None
    return _waits(change, live)


def shows(change: Change, reading: Reading) -> str:
    """What a look shows at the change's address, in words."""
    if not seen(reading, change.address):
        return "nothing that could be seen"
    live = reading.state.get(change.address)
    if live is None:
        return "nothing there"
    if change.action in _PRESENCE and not change.after:
        return "it there"
    return describe(_of_interest(change, live))


def describe(values: Mapping[str, Any] | None, hides: Collection[str] = ()) -> str:
    """Compared attributes in a few words: `absent`, `present`, `enabled=false`."""
    if values is None:
        return "absent"
    shown = ", ".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in sorted(values.items()) if k not in hides)
    hidden = sorted(set(values) & set(hides))
    tail = f" ({', '.join(hidden)} cannot be seen by this credential)" if hidden else ""
    return (shown or "present") + tail


def _judge_create(change: Change, live: Resource | None, hides: Collection[str], ours: Ours) -> Result | None:
    if live is None or not any(w.via is None and (w.gives_access or w.locked_by) for w in live.ways):
        return None
    marked = Kind.ACCOUNT in ours.marks
    if change.address.kind is Kind.ACCOUNT and marked and not ours.marked_for(live, change.identity):
        return _moved(change, live, "an account of that login has come up, and nothing says that it is theirs")
    return (
        Result(AlreadySo(f"read: {describe(change.after)}")) if _so(change.after, live, hides) else _moved(change, live)
    )


def _judge_rename(change: Change, new: Resource | None, old: Resource | None, ours: Ours) -> Result | None:
    if new is None:
        return None if old is not None else _moved(change, None, "neither the old nor the new login is there")
    if old is None and ours.marked_for(new, change.identity):
        return Result(AlreadySo(f"read: {change.address.object} is there, {old_account(change).object} is not"))
    return _moved(change, new, f"there is an account {change.address.object} already")


def _judge_adopt(change: Change, live: Resource | None, ours: Ours) -> Result | None:
    if live is None:
        return _moved(change, None, "it is gone")
    was = (change.before or {}).get("mark")
    rest = {k: v for k, v in (change.after or {}).items() if k != "mark"}
    if ours.marked_for(live, _wanted_mark(change)) and _same(rest, live, ()):
        return Result(AlreadySo("read: it carries our mark"))
    if (live.mark.key if live.mark else None) == was:
        return None
    return _moved(change, live, "its mark has changed")


def _judge_release(change: Change, live: Resource | None) -> Result | None:
    if live is None or live.mark is None:
        return Result(AlreadySo("it is not there" if live is None else "read: it carries no mark"))
    return None if live.mark.key == (change.before or {}).get("mark") else _moved(change, live, "its mark has changed")


def _judge_revoke(change: Change, live: Resource | None, hides: Collection[str]) -> Result | None:
    if live is None or not live.gives_access:
        return Result(AlreadySo("read: not there" if live is None else "read: gives no access any more"))
    if not _same(change.before, live, hides):
        return _moved(change, live)
    ends = {_key(w) for w in change.ways}
    held = [w for w in live.ways if _key(w) in ends and w.gives_access]
    if ends and not held:
        return Result(StillHas(tuple(w for w in live.ways if w.gives_access)))
    for way in held:
        if way.locked_by:
            return _moved(change, live, f"it now comes from {way.locked_by} and cannot be changed here")
        if way.ownership is Ownership.FOREIGN:
            return _moved(change, live, "it now carries the mark of another owner")
    return None


def _proven_gone(change: Change, live: Resource | None) -> Outcome | None:
    if live is None:
        return Done("read back: not there")
    if change.action is Action.DELETE:
        return None
    left = tuple(w for w in live.ways if w.gives_access)
    if not left:
        return Done("read back: gives no access")
    ends = {_key(w) for w in change.ways}
    return StillHas(left) if ends and not any(_key(w) in ends for w in left) else None


def _proven_given(change: Change, live: Resource, ours: Ours) -> Outcome | None:
    """That a login is there now does not prove that it is the account which we made: another may have been first."""
    if (
        change.address.kind is Kind.ACCOUNT
        and Kind.ACCOUNT in ours.marks
        and not ours.marked_for(live, change.identity)
    ):
        return None
    if not _direct(live):
        return None
    return _waits(change, live) or Done(f"read back: {describe(change.after)}")


def _waits(change: Change, live: Resource) -> Waiting | None:
    """Whom it waits for, where all of it that is direct was not accepted yet."""
    direct = _direct(live)
    if not direct or any(w.phase is not Phase.PENDING for w in direct):
        return None
    who = change.identity or str(change.address.principal or change.address.object)
    return Waiting(who, min((w.until for w in direct if w.until is not None), default=None))


def _direct(live: Resource) -> list[Way]:
    return [w for w in live.ways if w.via is None and w.gives_access]


def _moved(change: Change, live: Resource | None, why: str = "") -> Result:
    """The plan saw X, now it is Y."""
    now = "absent" if live is None else describe(_of_interest(change, live))
    told = why or f"the plan saw {describe(change.before)}, now it is {now}"
    return Result(Refused(f"the live value has moved: {told}"), Reason.MOVED)


def _of_interest(change: Change, live: Resource) -> dict[str, Any]:
    names = set(change.before or ()) | set(change.after or ())
    return {k: v for k, v in live.attributes.items() if k in names}


def _same(wanted: Mapping[str, Any] | None, live: Resource, hides: Collection[str]) -> bool:
    """Whether `live` has what is named in `wanted`, as far as it can be seen. What it does not have is None, as in the
    plan's own comparison."""
    return all(k in hides or live.attributes.get(k) == v for k, v in (wanted or {}).items())


def _so(wanted: Mapping[str, Any] | None, live: Resource, hides: Collection[str]) -> bool:
    """Whether it can be said that `live` has all that is named in `wanted`: what is hidden cannot be called so."""
    return not set(wanted or ()) & set(hides) and _same(wanted, live, hides)


def _hidden(change: Change, reading: Reading) -> frozenset[str]:
    """What of it cannot be seen: by this credential, or of this very thing."""
    live = reading.state.get(change.address)
    hides = reading.coverage.at(change.address).hides
    return hides | live.hides if live is not None else hides


def _wanted_mark(change: Change) -> str | None:
    wanted = (change.after or {}).get("mark")
    return None if wanted is None else str(wanted)


def _key(way: Way) -> tuple[str, Address | None]:
    return (way.native_id, way.via)


def _disabled_since(live: Resource) -> Instant | None:
    of_mark = live.mark.disabled_since if live.mark else None
    return of_mark or (live.facts.disabled_since if live.facts else None)
