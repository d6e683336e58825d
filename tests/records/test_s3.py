"""Records in a bucket, over the wire."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.records.heartbeat import Times
from provisioner.records.journal import Journal, open_journal
from provisioner.records.lock import Lock
from provisioner.records.record import RecordKind
from provisioner.records.run import RunInfo
from provisioner.records.s3 import S3Store, open_s3
from tests.builders import NOW
from tests.rigs.s3 import BUCKET, S3Server

HERE = f"s3://{BUCKET}/journal"
KEY = "journal/corp-ldap/00000001.json"


@pytest.fixture(scope="module")
def running() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def server(running: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    running.faults.clear()
    running.requests.clear()
    running.ignores = False
    return running


@pytest.fixture(scope="module")
def opened(running: S3Server) -> S3Store:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in running.environment.items():
            patched.setenv(name, value)
        return open_s3(HERE, limit=3)


@pytest.fixture
def store(server: S3Server, opened: S3Store, request: pytest.FixtureRequest) -> S3Store:
    """A prefix for each test; the SDK takes long to make a client."""
    return S3Store(opened._client, BUCKET, f"journal/{request.node.name}", limit=3)


def told(error: pytest.ExceptionInfo[ProvisionError]) -> Diagnostic:
    return error.value.diagnostics[0]


def test_object_is_written_once(store: S3Store) -> None:
    assert store.create(KEY, b"first")
    assert not store.create(KEY, b"second")
    assert store.read(KEY) == b"first"
    assert store.names("journal/corp-ldap") == ["00000001.json"]
    assert store.names("journal") == ["corp-ldap"]
    assert store.read("journal/corp-ldap/00000002.json") is None
    assert store.names("nowhere") == []


def test_heartbeats_are_overwritten_and_removed(store: S3Store) -> None:
    store.replace("heartbeat/r1.json", b"1")
    store.replace("heartbeat/r1.json", b"2")
    assert store.read("heartbeat/r1.json") == b"2"
    store.remove("heartbeat/r1.json")
    store.remove("heartbeat/r1.json")
    assert store.read("heartbeat/r1.json") is None


def test_a_torn_object_is_moved_aside(store: S3Store) -> None:
    store.create(KEY, b"half")
    new = store.set_aside(KEY)
    assert store.read(new) == b"half" and store.read(KEY) is None


def test_lists_are_read_to_their_end(store: S3Store) -> None:
    hook = "before-parameter-build.s3.ListObjectsV2"
    store._client.meta.events.register(hook, _small_pages)
    try:
        for n in range(7):
            store.create(f"many/{n}", b"")
        assert store.names("many") == [str(n) for n in range(7)]
    finally:
        store._client.meta.events.unregister(hook, _small_pages)


def _small_pages(params: dict[str, object], **_: object) -> None:
    params["MaxKeys"] = 2


def test_of_many_that_write_one_object_one_succeeds(store: S3Store) -> None:
    won: list[int] = []
    start = threading.Barrier(8)

    def race(me: int) -> None:
        start.wait()
        if store.create(KEY, str(me).encode()):
            won.append(me)

    threads = [threading.Thread(target=race, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and store.read(KEY) == str(won[0]).encode()


@pytest.mark.parametrize("fault", ["lost", "hang", "drop", "internal", "slow", "conflict"])
def test_a_create_without_an_answer_is_resolved_by_reading_back(server: S3Server, store: S3Store, fault: str) -> None:
    """Whether the bytes had arrived or not: they are there in the end, and it is said that they are ours."""
    server.faults["PUT"] = [fault]
    assert store.create(KEY, b"mine")
    assert store.read(KEY) == b"mine"


@pytest.mark.parametrize("fault", ["lost", "drop", "conflict"])
def test_a_create_without_an_answer_is_not_ours_where_another_was_first(
    server: S3Server, store: S3Store, fault: str
) -> None:
    store.create(KEY, b"theirs")
    server.faults["PUT"] = [fault]
    assert not store.create(KEY, b"mine")
    assert store.read(KEY) == b"theirs"


def test_a_create_that_is_never_answered_ends_and_says_so(server: S3Server, store: S3Store) -> None:
    server.faults["PUT"] = ["drop"] * 100
    begun = time.monotonic()
    with pytest.raises(ProvisionError) as caught:
        store.create(KEY, b"mine")
    assert time.monotonic() - begun < 6
    assert (
        told(caught).code == "journal-not-writable" and KEY in told(caught).message and BUCKET in told(caught).message
    )


@pytest.mark.parametrize(
    ("fault", "fix"), [("denied", "s3:PutObject"), ("expired", "credentials"), ("unknown", "If-None-Match")]
)
def test_a_refusal_names_object_and_what_to_mend(server: S3Server, store: S3Store, fault: str, fix: str) -> None:
    server.faults["PUT"] = [fault]
    with pytest.raises(ProvisionError) as caught:
        store.create(KEY, b"mine")
    assert told(caught).code == "journal-not-writable" and KEY in told(caught).message and fix in told(caught).fix
    assert server.requests["PUT"] == 1


def test_a_read_is_tried_again_and_never_taken_for_absent(server: S3Server, store: S3Store) -> None:
    store.create(KEY, b"there")
    server.faults["GET"] = ["slow", "drop", "internal"]
    assert store.read(KEY) == b"there"
    server.faults["GET"] = ["denied"]
    with pytest.raises(ProvisionError) as caught:
        store.read(KEY)
    assert told(caught).code == "journal-unreadable" and "s3:GetObject" in told(caught).fix
    server.faults["GET"] = ["drop"] * 100
    with pytest.raises(ProvisionError) as caught:
        store.names("journal/corp-ldap")
    assert told(caught).code == "journal-unreadable"


def test_a_bucket_that_is_not_there_is_named(server: S3Server) -> None:
    with pytest.raises(ProvisionError) as caught:
        open_s3("s3://no-such-bucket/journal", limit=2).create(KEY, b"")
    assert "no-such-bucket" in told(caught).message and "make the bucket" in told(caught).fix


def test_missing_credentials_are_named(server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with pytest.raises(ProvisionError) as caught:
        open_s3(HERE, limit=2).read(KEY)
    assert told(caught).code == "journal-unreadable" and "AWS_PROFILE" in told(caught).fix


@pytest.mark.parametrize("address", ["s3://", "s3://UPPER/x", "s3:///journal", "s3://a", "gs://bucket/x"])
def test_what_is_no_bucket_is_refused(address: str, tmp_path: object) -> None:
    from pathlib import Path

    with pytest.raises(ProvisionError) as caught:
        open_journal(address, Path(str(tmp_path)))
    assert told(caught).code == "journal-store"


def test_a_chain_in_a_bucket_goes_on_where_it_was(store: S3Store) -> None:
    first = Journal(store).chain("corp-ldap")
    first.append(RecordKind.RUN, {}, run=RunInfo("r1", "ada"), at=NOW)
    second = Journal(store).chain("corp-ldap")
    second.append(RecordKind.RUN, {}, run=RunInfo("r2", "grace"), at=NOW)
    with pytest.raises(ProvisionError) as caught:
        first.append(RecordKind.RUN, {}, run=RunInfo("r1", "ada"), at=NOW)
    assert told(caught).code == "journal-moved-on"
    assert [r.n for r in Journal(store).chain("corp-ldap").records()] == [1, 2]


def lock(store: S3Store, run: str) -> Lock:
    return Lock(Journal(store), ["corp-ldap"], RunInfo(run, "ada"), now=lambda: NOW, times=Times(3, 0.1))


def test_a_lock_in_a_bucket(store: S3Store) -> None:
    with lock(store, "r1"):
        with pytest.raises(ProvisionError) as caught, lock(store, "r2"):
            pass
        assert told(caught).code == "locked"
    with lock(store, "r3"):
        pass
    assert store.names("heartbeat") == []


def test_a_store_that_ignores_conditions_is_refused(server: S3Server, store: S3Store) -> None:
    server.ignores = True
    with pytest.raises(ProvisionError) as caught, lock(store, "r1"):
        pass
    assert told(caught).code == "journal-store" and "If-None-Match" in told(caught).why


def test_without_the_store_nothing_begins(server: S3Server, store: S3Store) -> None:
    server.faults["PUT"] = ["drop"] * 100
    with pytest.raises(ProvisionError) as caught, lock(store, "r1"):
        pass
    assert told(caught).code == "journal-not-writable"


def test_a_bucket_that_is_not_there_is_no_empty_journal_and_an_empty_prefix_is(
    server: S3Server, store: S3Store
) -> None:
    gone = open_s3("s3://no-such-bucket/journal", limit=2)
    for read in (lambda: gone.names("journal/corp-ldap"), lambda: gone.read(KEY)):
        with pytest.raises(ProvisionError) as caught:
            read()
        assert told(caught).code == "journal-unreadable"
        assert "make the bucket" in told(caught).fix
    assert Journal(store).chain("corp-ldap").head() == (0, None)
