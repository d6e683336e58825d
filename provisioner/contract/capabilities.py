"""What a kind of system can do, as far as the engine must know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.model.address import Kind


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`marks` are the kinds that can hold our mark. `disables` says whether an account can be switched off and kept:
    where not, `retention` does not apply and a leaver's account is deleted (or emptied) at once.
    `settle_seconds` is how long a write of that kind may take to show in reads: read-back waits as long, then says
    Accepted. `batch` is how many units the executor may take on between two journal records.
    `folds_case` says that two logins or group names that differ only in case are one. `renames` says whether logins are
    ours to change: where people have their own accounts they are not, and then a login is only a label for the id, and
    somebody may be known by the e-mail of an invitation alone. `remains` says that what people made there may work on
    without them: its readers tell of it (`Remains`). `passing` are attributes of a grant that change without anybody
    deciding it: no removal hangs on what they were.
    """

    marks: frozenset[Kind] = frozenset({Kind.ACCOUNT})
    disables: bool = True
    holds_until: frozenset[Kind] = frozenset()
    settle_seconds: Mapping[Kind, float] = field(default_factory=dict)
    batch: int = 25
    folds_case: bool = False
    renames: bool = True
    remains: bool = False
    passing: frozenset[str] = frozenset()
