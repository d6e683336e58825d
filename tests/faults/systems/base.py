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

    def target(self) -> str: ...

    def grants(self, role: Mapping[str, tuple[str, ...]]) -> str: ...

    def wanted(self, login: str, roles: Iterable[Mapping[str, tuple[str, ...]]]) -> frozenset[str]: ...

    # The truth, by a way of its own

    def held(self, logins: frozenset[str]) -> frozenset[str]:
        """What these people hold right now, things as in `wanted`; an account that cannot be used is not held."""
        ...

    def foreign(self, logins: frozenset[str]) -> Mapping[str, Any]:
        """Everything that is not these people's, with every byte and version that the server has."""
        ...

    def accounts(self, logins: frozenset[str]) -> Mapping[str, int]:
        """How many accounts there are for each of them, in whatever state."""
        ...
