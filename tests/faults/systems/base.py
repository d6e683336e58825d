"""What a kind of server must bring to be put through the faults: a server, its wire, and its part of the story."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from tests.faults.story import Story
from tests.faults.wire import Spoil, Wire


class System(Protocol):
    """One server. `name` is the target's name in the files; `silent` are spoils that no reader can see from an answer.

    Life: `start`, `seed`, `save`; then for each case `restore`, and in the process of the case (which is forked)
    `serve`.
    """

    name: str
    silent: tuple[Spoil, ...]

    @property
    def wire(self) -> Wire: ...

    def start(self, folder: Path) -> None:
        """An empty server that listens."""
        ...

    def seed(self, story: Story) -> None:
        """The story's beginning, as an earlier apply left it, with what its people made for themselves since (keys,
        passwords); and what is nobody's of the story: other people, another owner's things, groups made by hand."""
        ...

    def save(self) -> None:
        """Remember what there is, and stop."""
        ...

    def restore(self) -> None:
        """What was saved, byte for byte."""
        ...

    def serve(self) -> None:
        """Listen, after a fork."""
        ...

    def stop(self) -> None: ...

    @property
    def upstream(self) -> tuple[str, int]:
        """Where the server listens."""
        ...

    def plant(self, secret: Iterator[str], logins: frozenset[str]) -> list[str]:
        """Puts secrets wherever this system keeps some, and returns all of them: those it took, and those it made."""
        ...

    def small_pages(self) -> None:
        """From now on no page of an answer is long, so that even a small world has several."""
        ...

    def environment(self, port: int) -> dict[str, str]:
        """What the engine needs to reach it through a proxy on `port`."""
        ...

    # The story's Speaks

    def target(self, *, after: bool) -> str: ...

    def grants(self, role: Mapping[str, tuple[str, ...]]) -> str: ...

    def account(self, login: str) -> str: ...

    def wanted(self, login: str, roles: Iterable[Mapping[str, tuple[str, ...]]]) -> frozenset[str]: ...

    def standing(self, *, after: bool) -> frozenset[str]: ...

    # The truth, by a way of its own

    def held(self, logins: frozenset[str]) -> frozenset[str]:
        """What these people hold right now, things as in `wanted`; an account that cannot be used is not held. And what
        the target itself declares, as in `standing`."""
        ...

    def foreign(self, logins: frozenset[str]) -> Mapping[str, Any]:
        """Everything that is not these people's, with every byte and version that the server has."""
        ...

    def accounts(self, logins: frozenset[str]) -> Mapping[str, int]:
        """How many accounts there are for each of them, in whatever state."""
        ...

    def moments(self, story: Story) -> list[str]:
        """What was wrong at any moment, by what the server saw itself after each of its changes. Empty also where it
        cannot be watched."""
        ...

    # What a plan may be drawn from

    def rests_on(self, action: str, thing: str, damaged: frozenset[str]) -> bool:
        """Whether this change must not be planned where the scopes `damaged` did not come whole."""
        ...

    def broken(self, wrong: str) -> list[dict[str, str]]:
        """Environments with a wrong secret, or one that lies where it does not belong."""
        ...


GONE = ("revoke", "disable", "delete")


def from_people_and_groups(action: str, thing: str, damaged: frozenset[str]) -> bool:
    """`rests_on` where people and groups are a list each, and a person's keys one of its own."""
    kind, who = thing.partition("/")[0], thing.rpartition("/")[2]
    if action == "create":
        return kind == "account" and bool(damaged & {"people", "everything"})
    if action not in GONE:
        return False
    if damaged & {"people", "everything"}:
        return True
    return f"credentials/{who}" in damaged if kind == "credential" else kind == "membership" and "groups" in damaged
