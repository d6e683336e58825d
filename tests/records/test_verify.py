"""Proving a chain: whatever is done to it shows, by record number."""

from __future__ import annotations

import pytest

from provisioner.records.chain import Chain
from provisioner.records.entries import intent_body
from provisioner.records.record import RecordKind
from provisioner.records.run import RunInfo
from provisioner.records.verify import Verified, targets_of, verify
from tests.builders import NOW, change

T = "aws/prod.eu"
RUN = RunInfo("r1", "ada", "1" * 40, "2" * 40, "sha256:" + "3" * 64)


class Held:
    """A store in memory: thousands of damaged chains are read here."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def create(self, key: str, data: bytes) -> bool:
        return self.objects.setdefault(key, data) is data

    def replace(self, key: str, data: bytes) -> None:
        self.objects[key] = data

    def remove(self, key: str) -> None:
        self.objects.pop(key, None)

    def read(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def names(self, prefix: str) -> list[str]:
        below = (k.removeprefix(prefix + "/") for k in self.objects if k.startswith(prefix + "/"))
        return sorted({name.partition("/")[0] for name in below})

    def set_aside(self, key: str) -> str:
        self.objects[key + ".torn"] = self.objects.pop(key)
        return key + ".torn"

    def where(self, key: str = "") -> str:
        return f"memory/{key}"


@pytest.fixture
def store() -> Held:
    held = Held()
    chain = Chain(held, T)
    chain.append(RecordKind.RUN, {"system": "s"}, run=RUN, at=NOW)
    chain.append(RecordKind.INTENT, intent_body([change("revoke", f"{T}:grant/Admin/ada")]), run=RUN, at=NOW)
    chain.append(RecordKind.CONVERGED, {"counts": {"grant": 1}, "system": "s"}, run=RUN, at=NOW)
    return held


def found(store: Held, head: str | None = None) -> Verified:
    return verify(Chain(store, T), head)


def key(n: int) -> str:
    return f"journal/aws%2Fprod%2Eeu/{n:08d}.json"


def test_a_chain_that_holds_together(store: Held) -> None:
    number, head = Chain(store, T).head()
    told = found(store, head)
    assert (told.first, told.last, told.head, told.at, told.problems, told.warnings) == (1, number, head, 3, (), ())
    assert targets_of(store) == [T]


def test_no_flipped_byte_goes_unnoticed(store: Held) -> None:
    for n in (1, 2, 3):
        whole = store.objects[key(n)]
        for place in range(len(whole)):
            for mask in (0x01, 0x20, 0x80):
                damaged = bytearray(whole)
                damaged[place] ^= mask
                store.objects[key(n)] = bytes(damaged)
                told = found(store)
                assert any(f"record {n} of {T}" in d.message for d in (*told.problems, *told.warnings)), (n, place)
        store.objects[key(n)] = whole
    assert found(store).problems == ()


def test_a_last_record_cut_anywhere_is_told_as_torn_and_a_middle_one_as_broken(store: Held) -> None:
    for n, code in ((3, "journal-torn"), (2, "journal-broken")):
        whole = store.objects[key(n)]
        for length in range(len(whole)):
            store.objects[key(n)] = whole[:length]
            told = found(store)
            assert [d.code for d in (*told.problems, *told.warnings)] == [code]
        store.objects[key(n)] = whole


@pytest.mark.parametrize("n", [1, 2])
def test_a_record_that_is_missing(store: Held, n: int) -> None:
    del store.objects[key(n)]
    told = found(store)
    if n == 1:  # archived, as may be done before a `converged` record
        assert told.problems == () and told.first == 2
    else:
        assert "record 2" in told.problems[0].message and "missing" in told.problems[0].message


def test_records_in_each_others_places(store: Held) -> None:
    store.objects[key(2)], store.objects[key(3)] = store.objects[key(3)], store.objects[key(2)]
    assert "in the wrong place" in found(store).problems[0].message


def test_a_record_of_another_target(store: Held) -> None:
    other = Held()
    Chain(other, "aws/prod").append(RecordKind.RUN, {}, run=RUN, at=NOW)
    store.objects[key(1)] = other.objects["journal/aws%2Fprod/00000001.json"]
    assert "in the wrong place" in found(store).problems[0].message


def test_a_cut_end_shows_by_a_head_that_was_kept(store: Held) -> None:
    _, head = Chain(store, T).head()
    del store.objects[key(3)]
    told = found(store, head)
    assert told.problems == () and told.at is None
