"""The embedded directory and the real slapd side by side: the same operations on both, with the same outcome."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

from tests.sandbox.ldap.client import (
    ALL,
    PEOPLE,
    ROOT,
    SERVICE,
    SUFFIX,
    Client,
)

DUMPED = (
    "*",
    "structuralObjectClass",
    "hasSubordinates",
    "entryDN",
    "pwdAccountLockedTime",
    "pwdEndTime",
    "pwdReset",
    "creatorsName",
)
Step = Callable[["World"], Any]


class World:
    """One of the two servers, with connections that a script opens by name."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: list[Client] = []
        self.root = self.connect(ROOT, "admin-secret")
        self.service = self.connect(SERVICE, "svc-secret")
        self.nobody = self.connect()
        self.kept: dict[str, Any] = {}

    def connect(self, dn: str | None = None, password: str | None = None) -> Client:
        self._open.append(Client(self._url, dn, password))
        return self._open[-1]

    def bind(self, dn: str, password: str) -> int:
        """The result code of a bind."""
        return self.connect(dn, password).bound

    def close(self) -> None:
        for each in self._open:
            each.close()

    def dump(self, *more: str) -> dict[str, dict[str, list[bytes]]]:
        """All that there is, in a form that does not depend on order, salts or time."""
        found = self.root.search(SUFFIX, ALL, [*DUMPED, *more])
        for name in (SERVICE, f"uid=reader,{PEOPLE}"):
            found[name].pop("userPassword")  # loaded as it is into the one, hashed by the other
        for entry in found.values():
            for name in entry:
                entry[name] = sorted(_steady(value) for value in entry[name])
        return found


def _steady(value: bytes) -> bytes:
    """Hashes differ by salt, and a lock by failures by its time."""
    if value.startswith(b"{SSHA}"):
        return b"{SSHA}"
    return re.sub(rb"\A20\d{12}Z\Z", b"now", value)


def same(worlds: tuple[World, World], *more: str) -> None:
    """Both hold the same. slapd's refint works in the background, so it gets a moment; how long is no matter."""
    ours, theirs = worlds
    expected = theirs.dump(*more)
    for _ in range(200):
        if ours.dump(*more) == expected:
            break
        time.sleep(0.01)
        expected = theirs.dump(*more)
    found = ours.dump(*more)
    assert found == expected


def run(worlds: tuple[World, World], steps: dict[str, Step]) -> None:
    """Every step on both, in turn; the first whose outcome differs is named.

    A step whose name begins with `2.5` is about something that OpenLDAP 2.5 does and another release may have mended.
    """
    ours, theirs = worlds
    for name, step in steps.items():
        if name.startswith("2.5") and not _slapd_is_2_5():
            continue
        expected, found = (_outcome(world, step) for world in (theirs, ours))
        assert found == expected, name


@functools.cache
def _slapd_is_2_5() -> bool:
    program = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    told = (
        "" if program is None else subprocess.run([program, "-VV"], capture_output=True, text=True, check=False).stderr
    )
    return "slapd 2.5." in told


def _outcome(world: World, step: Step) -> Any:
    answer = step(world)
    matched = [client.result["dn"] for client in (world.root, world.service, world.nobody)]
    return answer, matched


def a_person(**values: Any) -> dict[str, Any]:
    return {"uid": "new", "cn": "New", "sn": "N", **values}
