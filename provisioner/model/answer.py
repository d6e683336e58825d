"""Answers to questions about access: why somebody has something, who has a thing, what is left of a leaver.

What `ask` works out and `report` shows. An answer tells what was not read: silence is never "no".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from provisioner.diagnostics import Location
from provisioner.model.address import Address
from provisioner.model.desired import Because
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant


class Live(StrEnum):
    """Whether something is there; `unknown` where the reading does not cover it, `waits` for what was asked of somebody
    who has not answered yet."""

    YES = "yes"
    WAITS = "waits"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Holding:
    """One thing that somebody holds, or should. `because` are the roles that give it, `sources` the lines that ask for
    it, none where nobody does; `login` is the account's (`group:NAME` for a group), `identity` whose that is as far as
    it is known.
    """

    address: Address
    login: str
    identity: str | None
    live: Live
    asked: bool
    because: tuple[Because, ...] = ()
    sources: tuple[Location, ...] = ()
    until: Instant | None = None
    via: tuple[Address, ...] = ()
    locked_by: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class AccountFound:
    """A live account that is somebody's, and by what it was recognised. `enabled` is None where it cannot be seen."""

    address: Address
    how: str
    enabled: bool | None
    disabled_since: Instant | None = None


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Why a target's answer is not whole."""

    target: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainedTarget:
    """`wanted` says that a role reaches this target now. `pending` counts changes that the plan has for them here."""

    target: str
    wanted: bool
    account: AccountFound | None
    holdings: tuple[Holding, ...] = ()
    later: tuple[tuple[Address, Instant], ...] = ()
    over: tuple[tuple[Address, Instant], ...] = ()
    pending: int = 0
    incomplete: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """`declared` is False for a leaver; `revision` is then what last had them, if that is known."""

    identity: Identity
    declared: bool
    revision: str
    targets: tuple[ExplainedTarget, ...]

    @property
    def complete(self) -> bool:
        return not any(t.incomplete for t in self.targets)


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds what: sorted by target, thing and login. `names` has the names of the identities in it, `known_from`
    the sources (directories) that they are known from."""

    rows: tuple[Holding, ...]
    incomplete: tuple[Incomplete, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    known_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Verdict(StrEnum):
    """What a receipt says of one target."""

    NOTHING = "nothing left"
    ABSENT = "no account"
    LEFT = "left"
    UNSURE = "cannot say"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a receipt. `at` is when it went, or when it will."""

    address: Address
    why: str = ""
    at: Instant | None = None


@dataclass(frozen=True, slots=True)
class TargetReceipt:
    """`gone` was theirs and is proven absent; `left` gives access still; `kept` is there and gives none; `unsure` says
    in words what could not be read; `look_alikes` are accounts that nobody can tell to be theirs; `remains` says what
    they made that works on without them, which is no access of theirs.
    """

    target: str
    verdict: Verdict
    accounts: tuple[AccountFound, ...] = ()
    gone: tuple[Item, ...] = ()
    left: tuple[Item, ...] = ()
    kept: tuple[Item, ...] = ()
    unsure: tuple[str, ...] = ()
    look_alikes: tuple[Address, ...] = ()
    remains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """Read from the live systems at `read_at`. `revision` is what last declared them; None where no revision is known
    to have, and they were looked for by their id alone.
    """

    identity: Identity
    declared: bool
    revision: str | None
    read_at: Instant
    targets: tuple[TargetReceipt, ...]
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return all(not t.unsure for t in self.targets)

    @property
    def anything_left(self) -> bool:
        return any(t.left for t in self.targets)


class Differs(StrEnum):
    """What became of something since its target was last in order: it is gone, it came, it is otherwise; or the files
    say something new that is not applied yet."""

    MISSING = "missing"
    EXTRA = "extra"
    CHANGED = "changed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the next plan would change. `words` are the plan's."""

    address: Address
    differs: Differs
    words: str
    identity: str | None = None
    why: str = ""
    sources: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A stray; `owner`, `reason` and `until` are those of the entry that tells to ignore it, if one does."""

    address: Address
    why: str = ""
    identity: str | None = None
    owner: str | None = None
    reason: str | None = None
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class TargetDrift:
    """`in_order` is False where the target never was: nothing can have drifted there. `notes` tell of ignore entries
    that have ended or hide nothing; `problems` counts what the plan could not decide (`provision plan` has them)."""

    target: str
    in_order: bool
    differences: tuple[Difference, ...] = ()
    strays: tuple[Unclaimed, ...] = ()
    ignored: tuple[Unclaimed, ...] = ()
    notes: tuple[str, ...] = ()
    problems: int = 0
    incomplete: tuple[str, ...] = ()

    @property
    def by_hand(self) -> tuple[Difference, ...]:
        return tuple(d for d in self.differences if d.differs is not Differs.PENDING)

    @property
    def pending(self) -> tuple[Difference, ...]:
        return tuple(d for d in self.differences if d.differs is Differs.PENDING)


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs from the files, target by target."""

    targets: tuple[TargetDrift, ...]
    read_at: Instant

    @property
    def complete(self) -> bool:
        return not any(t.incomplete for t in self.targets)

    @property
    def differs(self) -> bool:
        return any(t.differences for t in self.targets)
