"""The bytes of one record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.model.canonical import canonical_json
from provisioner.records.record import Record, UnreadableRecordError, decode, encode, plain_text
from provisioner.records.run import RunInfo
from tests.builders import NOW, REVISION, TREE

RUN = RunInfo(
    "20261122T090000Z-5f1c9a", "Ada Byron <ada@example.com>, as ada", REVISION, TREE, "sha256:12", "apply", "1"
)
RECORD = Record(
    "corp-ldap", 7, NOW, "intent", RUN, "sha256:" + "a" * 64,
    {"step": "write", "changes": [{"id": "x", "after": {"hash": "sha256:" + "0" * 64, "text": '"hash":"x",'}}]},
)  # fmt: skip


def test_record_comes_back_as_it_was_written() -> None:
    data, found = encode(RECORD)
    back = decode(data, target="corp-ldap", n=7)
    assert back.hash == found
    assert (back.run, back.body, back.prev, back.at, back.kind) == (RUN, RECORD.body, RECORD.prev, NOW, "intent")


def test_record_is_canonical_json_and_its_hash_can_be_checked_by_anybody() -> None:
    data, found = encode(RECORD)
    fields = json.loads(data)
    assert data == canonical_json(fields) + b"\n"
    assert fields.pop("hash") == found
    assert found == "sha256:" + hashlib.sha256(canonical_json(fields)).hexdigest()


def test_no_flipped_bit_goes_unnoticed() -> None:
    data, _ = encode(RECORD)
    for place in range(len(data)):
        for bit in range(8):
            bad = bytearray(data)
            bad[place] ^= 1 << bit
            with pytest.raises(UnreadableRecordError):
                decode(bytes(bad), target="corp-ldap", n=7)


def test_record_cut_anywhere_is_torn_not_wrong() -> None:
    data, _ = encode(RECORD)
    for length in range(len(data)):
        with pytest.raises(UnreadableRecordError) as caught:
            decode(data[:length], target="corp-ldap", n=7)
        assert caught.value.torn
    with pytest.raises(UnreadableRecordError) as caught:
        decode(data[:40] + b"\0" * (len(data) - 40), target="corp-ldap", n=7)
    assert caught.value.torn


@pytest.mark.parametrize(("target", "n"), [("corp-ldap", 8), ("other", 7)])
def test_record_in_another_place_is_refused(target: str, n: int) -> None:
    data, _ = encode(RECORD)
    with pytest.raises(UnreadableRecordError, match="wrong place"):
        decode(data, target=target, n=n)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(categories=None), max_size=40))
def test_any_text_from_outside_can_be_recorded(text: str) -> None:
    record = Record("t", 1, NOW, "outcome", RUN, None, {"results": [{"proof": plain_text(text)}]})
    data, _ = encode(record)
    decode(data, target="t", n=1)


def test_long_text_is_cut() -> None:
    assert len(plain_text("x" * 1_000_000)) == 2000


def test_what_a_ci_system_said_is_kept() -> None:
    run = replace(RUN, ci="GitHub Actions", url="https://x.example/1", pull_request="#12", approvers=("grace", "ben"))
    data, _ = encode(replace(RECORD, run=run))
    assert decode(data, target="corp-ldap", n=7).run == run


def test_a_record_of_a_version_that_asked_no_ci_system_stays_readable() -> None:
    fields = json.loads(encode(RECORD)[0])
    del fields["trigger"], fields["hash"]
    found = "sha256:" + hashlib.sha256(canonical_json(fields)).hexdigest()
    assert decode(canonical_json({**fields, "hash": found}) + b"\n", target="corp-ldap", n=7).run == RUN
