"""What a CI system's API says of a run: who set it going, whose code it is, who let it in. Judges nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody as the CI names them. `realm` is the target (or CI system) under which the files know their accounts;
    `id` the immutable id, empty where the system has none: then the login counts, and whoever manages the directory
    behind it answers for it."""

    realm: str
    login: str
    id: str = ""
    bot: bool = False

    def __str__(self) -> str:
        told = f" (id {self.id})" if self.id and self.id != self.login else ""
        return f"{self.login or 'somebody without a name'}{told}"


@dataclass(frozen=True, slots=True)
class Part:
    """What somebody did with the run: `started it`, `started it again`, `approved it`, `wrote the change`."""

    did: str
    who: Account


@dataclass(frozen=True, slots=True)
class Sign:
    """A reason that lies in the run itself. `code` is stable; `why` completes "this run may not go on: ..."."""

    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """One run. `starters` are all who had a hand in that it runs now: each must be allowed. `schedule`: a timer had
    one, which is nobody. `bad` rules the run out, whoever started it; `unmerged` rules it out for a protected
    environment, because its code is nobody's decision yet. `approvers`, `authors` and `mergers` are empty where nobody
    is told, and only asked for where they matter; `tells_approvals` False: this system does not say who approved.
    `pipeline` is its entry under `pipelines:`, empty where there is none."""

    system: str
    run: str
    url: str
    event: str
    starters: tuple[Part, ...]
    pipeline: str = ""
    schedule: bool = False
    bad: tuple[Sign, ...] = ()
    unmerged: str = ""
    approvers: tuple[Part, ...] = ()
    authors: tuple[Part, ...] = ()
    mergers: tuple[Part, ...] = ()
    tells_approvals: bool = True


@dataclass(frozen=True, slots=True)
class Aborted:
    """What came of stopping a run: `done` (or it had stopped already), and else why not."""

    done: bool
    why: str = ""
