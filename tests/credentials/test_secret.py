"""A secret does not get out by accident; what is known of a slot survives the journal's sums."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime

import pytest

from provisioner.contract import Issued
from provisioner.credentials import Secret
from provisioner.model.rotation import Rotation

VALUE = "not-for-your-eyes"
AT = datetime(2026, 11, 28, 9, 0, 1, 25, tzinfo=UTC)


def test_a_secret_shows_as_stars_wherever_text_is_made_of_it() -> None:
    secret = Secret(VALUE)
    issued = Issued("AKIA1", "AKIA1", secret, Secret(f"AKIA1:{VALUE}"))
    said = f"{secret} {secret!r} {secret!s:>8} {[secret]} {issued}" + "%s %r" % (secret, secret)  # noqa: UP031
    assert VALUE not in said and said.count("****") == 8


def test_a_secret_cannot_be_stored() -> None:
    for store in (pickle.dumps, json.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            store(Secret(VALUE))


def test_secrets_are_compared_by_value_and_are_no_keys() -> None:
    assert Secret(VALUE) == Secret(VALUE) and Secret(VALUE) != Secret("other") and Secret(VALUE) != VALUE
    with pytest.raises(TypeError):
        hash(Secret(VALUE))


def test_what_is_known_of_a_slot_is_the_same_after_a_sum() -> None:
    known = Rotation()
    for step, phase, more in (
        ("issue", "intent", {"before": []}),
        ("issue", "done", {"id": "K1"}),
        ("prove", "done", {"id": "K1"}),
        ("deliver", "intent", {"to": "vault/a", "id": "K1", "before": []}),
        ("deliver", "done", {"to": "vault/a", "id": "K1", "after": ["1"]}),
        ("deliver", "done", {"to": "hub/a", "id": "K1", "after": ["7"], "names": ["ID", "KEY"]}),
        ("verify", "done", {"id": "K1"}),
        ("issue", "intent", {"before": ["K1"]}),
        ("issue", "done", {"id": "K2"}),
        ("deliver", "intent", {"to": "vault/a", "id": "K2", "before": ["1"], "names": ["KEY"]}),
    ):
        known.take({"step": step, "phase": phase, **more}, AT)
    again = Rotation.from_json(json.loads(json.dumps(known.to_json())))
    assert again == known and again.current == "K1" and set(again.putting) == {"vault/a"}
