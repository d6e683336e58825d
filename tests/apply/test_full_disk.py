"""A journal that cannot be written any more, from any of its writes on: nothing is changed that it does not have."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.diagnostics import ProvisionError
from provisioner.records.folder import FolderStore
from tests.apply.fakes import Rig, T
from tests.apply.worlds import check_finished, check_intents, check_nothing_forgotten, live_now, what_is_left
from tests.builders import change

CHANGES = (
    change("revoke", f"{T}:membership/devs/ada"),
    change("revoke", f"{T}:membership/leads/ada"),
    change("create", f"{T}:membership/devs/bob"),
)


class Full:
    """Stands in for `os` in a folder's writes: from the n-th call of `name` on, the disk is full, or broken."""

    def __init__(self, name: str, after: int, number: int) -> None:
        self.name, self.left, self.number = name, after, number

    def call(self, *arguments: object) -> object:
        self.left -= 1
        if self.left < 0:
            raise OSError(self.number, os.strerror(self.number))
        return _REAL[self.name](*arguments)


_REAL: dict[str, Callable[..., object]] = {"write": os.write, "fsync": os.fsync, "link": os.link}


@pytest.mark.parametrize(
    ("name", "number"), [("write", errno.ENOSPC), ("fsync", errno.EIO), ("link", errno.EROFS), ("link", errno.EDQUOT)]
)
def test_nothing_is_changed_that_the_journal_does_not_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    for after in range(40):
        rig = Rig(tmp_path / str(after))
        rig.system.have(*(str(c.address) for c in CHANGES[:2]))
        before, full = live_now(rig), Full(name, after, number)
        with monkeypatch.context() as patched:
            patched.setattr(os, name, full.call)
            try:
                done = rig.apply(what_is_left(rig, CHANGES))
                told = {d.code for d in done.diagnostics}
            except ProvisionError as error:
                done, told = None, {d.code for d in error.diagnostics}
        check_intents(rig)
        check_nothing_forgotten(rig, CHANGES)
        if full.left >= 0:
            assert done is not None and done.converged == {T} and after > 5
            return
        # A record whose folder could not be synced may be there all the same: then the next one finds its place taken.
        assert "journal-not-writable" in told and told <= {"journal-not-writable", "journal-moved-on"}
        assert done is None or (done.converged == frozenset() and done.any_failed)
        rig.runs += 1
        assert rig.apply(what_is_left(rig, CHANGES)).converged == {T}
        check_finished(rig, CHANGES, before)
    pytest.fail("the run never had enough room")


def test_a_failed_fsync_leaves_no_record_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel could not write is not tried again as if it were on disk."""
    store = FolderStore(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", Full("fsync", 1, errno.EIO).call)
        with pytest.raises(ProvisionError):
            store.create("journal/t/00000001.json", b"{}")
    assert store.names("journal/t") == []
