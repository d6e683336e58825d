"""Credentials in the KV engine of a real OpenBao: written over what was looked at, and told by their companion."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.contract import ProviderError, Trouble
from provisioner.model.slot import Names
from provisioner.model.target import Target
from provisioner.providers.openbao import OpenBao
from provisioner.providers.openbao.store import KeyValues
from tests.providers.keys import issued, note
from tests.rigs.openbao import Bao, openbao
from tests.worlds import block

PARTS, WHOLE = Names(user="KEY_ID", secret="KEY_SECRET"), Names(whole="AWS_KEY")


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    with openbao(tmp_path_factory.mktemp("bao") / "server") as running:
        yield running


def store(bao: Bao, token: str | None = None) -> KeyValues:
    settings = block({"url": bao.url, "path": "secret/ci"}, "access/stores.yaml")
    return OpenBao().open_store(
        Target("vault", "vault", "openbao", settings=settings), {"BAO_TOKEN": token or bao.token}
    )


def soon() -> float:
    return time.monotonic() + 30


def test_what_is_delivered_is_what_a_consumer_reads_and_its_metadata_says_which(bao: Bao) -> None:
    opened = store(bao)
    assert opened.look("a/bot", PARTS) is None
    opened.put("a/bot", PARTS, issued(1), note(1), None, soon())
    found = bao.data("ci/a/bot")
    assert found is not None and (found["KEY_ID"], found["KEY_SECRET"]) == (issued(1).user, "made-up-1")
    seen = opened.look("a/bot", PARTS)
    assert seen is not None and (seen.public_id, seen.versions) == (issued(1).public_id, ("1",))
    about = bao.call("GET", "secret/metadata/ci/a/bot")
    assert about is not None and about["data"]["custom_metadata"]["provision"].startswith(f"{issued(1).public_id} 1 ")
    assert opened.read("a/bot", PARTS)["secret"] == issued(1).secret
    opened.put("a/bot", WHOLE, issued(2), note(2), seen, soon())
    assert opened.read("a/bot", WHOLE) == {"whole": issued(2).whole}
    opened.close()


def test_a_version_that_somebody_wrote_meanwhile_is_not_written_over(bao: Bao) -> None:
    opened = store(bao)
    opened.put("b", PARTS, issued(1), note(1), None, soon())
    seen = opened.look("b", PARTS)
    bao.call("POST", "secret/data/ci/b", {"data": {"KEY_ID": "by hand"}})
    with pytest.raises(ProviderError) as told:
        opened.put("b", PARTS, issued(2), note(2), seen, soon())
    assert told.value.trouble is Trouble.CONFLICT
    now = opened.look("b", PARTS)
    assert now is not None and now.public_id is None, "the companion is of the version before"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "secret/data/ci/{}", None),
        ("PUT", "secret/destroy/ci/{}", {"versions": [1]}),
    ],
)
def test_a_version_that_somebody_deleted_is_not_there_whatever_its_metadata_says(
    bao: Bao, method: str, path: str, body: Any
) -> None:
    opened, at = store(bao), f"gone-{method}"
    opened.put(at, PARTS, issued(1), note(1), None, soon())
    bao.call(method, path.format(at), body)
    seen = opened.look(at, PARTS)
    assert seen is not None and seen.public_id is None and opened.read(at, PARTS) == {}
    opened.put(at, PARTS, issued(1), note(1), seen, soon())
    again = opened.look(at, PARTS)
    assert again is not None and (again.public_id, again.versions) == (issued(1).public_id, ("2",))


def test_a_version_that_the_engine_will_delete_some_day_is_there(bao: Bao) -> None:
    bao.call("POST", "secret/metadata/ci/later", {"delete_version_after": "1h"})
    opened = store(bao)
    opened.put("later", PARTS, issued(1), note(1), opened.look("later", PARTS), soon())
    seen = opened.look("later", PARTS)
    assert seen is not None and seen.public_id == issued(1).public_id


def test_a_companion_whose_metadata_was_not_written_is_found_with_the_secret(bao: Bao) -> None:
    opened = store(bao)
    opened.put("c", PARTS, issued(1), note(1), None, soon())
    bao.call("POST", "secret/metadata/ci/c", {"custom_metadata": {"team": "payments"}})
    seen = opened.look("c", PARTS)
    assert seen is not None and seen.public_id == issued(1).public_id
    opened.put("c", PARTS, issued(2), note(2), seen, soon())
    about = bao.call("GET", "secret/metadata/ci/c")
    assert about is not None and about["data"]["custom_metadata"]["team"] == "payments", "what others noted stays"


def test_a_token_that_may_not_is_told_so_and_never_said(bao: Bao) -> None:
    with pytest.raises(ProviderError) as told:
        store(bao, "s.wrong-token").look("a/bot", PARTS)
    assert told.value.trouble is Trouble.DENIED and "wrong-token" not in str(told.value)
