"""The journal as OCSF events, held against the schema as it is published."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from referencing import Registry, Resource

from provisioner.contract import Accepted, AlreadySo, Done, Failed, Outcome, ProviderError, Refused, StillHas, Trouble
from provisioner.contract import Unknown as NoAnswer
from provisioner.model.change import Change
from provisioner.model.way import Way
from provisioner.records.entries import Reason, Result, Settled, Step, intent_body, outcome_body, settled_body
from provisioner.records.record import Record
from provisioner.records.run import RunInfo
from provisioner.report.ocsf import VERSION, events
from tests.builders import NOW, at, change

T = "corp-ldap"
RUN = RunInfo(
    "r1", "ada-b", "1" * 40, "2" * 40, "sha256:3", engine="0.1.0", ci="GitHub Actions", pull_request="#7",
    approvers=("grace",),
)  # fmt: skip
DONE = Done("read back: not there")
CLASSES = {3001: "account_change", 3004: "entity_management", 3005: "user_access", 3006: "group_management"}


def told(one: Change, outcome: Outcome = DONE, reason: Reason = Reason.NONE, step: Step = Step.WRITE) -> dict[str, Any]:
    return only([
        Record(T, 1, NOW, "intent", RUN, None, intent_body([one], step=step), "sha256:a"),
        Record(T, 2, NOW, "outcome", RUN, None, outcome_body([(one, Result(outcome, reason))], step), "sha256:b"),
    ])  # fmt: skip


def only(records: Iterable[Record]) -> dict[str, Any]:
    ((time, event),) = events(records)
    assert time == NOW
    return event


@pytest.fixture(scope="module")
def schema() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(VERSION))


CHANGES = {
    "create account": (change("create", f"{T}:account/ada", who="ada"), 300101),
    "enable account": (change("enable", f"{T}:account/ada", who="ada"), 300102),
    "disable account": (change("disable", f"{T}:account/ada", who="ada"), 300105),
    "delete account": (change("delete", f"{T}:account/ada", who="ada"), 300106),
    "rename account": (change("rename", f"{T}:account/ada", who="ada"), 300199),
    "adopt account": (change("adopt", f"{T}:account/ada", who="ada"), 300199),
    "revoke credential": (change("revoke", f"{T}:credential/key%2F1/ada", who="ada"), 300199),
    "add member": (change("create", f"{T}:membership/devs/ada", who="ada"), 300603),
    "remove member": (change("revoke", f"{T}:membership/devs/ada", who="ada"), 300604),
    "remove service": (change("revoke", f"{T}:membership/devs/service:bot", who="bot"), 300604),
    "add group to group": (change("create", f"{T}:membership/devs/group:leads"), 300699),
    "create group": (change("create", f"{T}:group/devs"), 300606),
    "delete group": (change("delete", f"{T}:group/devs"), 300605),
    "grant to person": (change("create", f"{T}:grant/ReadOnly/ada", who="ada"), 300501),
    "revoke of person": (change("revoke", f"{T}:grant/ReadOnly/ada#select", who="ada"), 300502),
    "grant to everyone": (change("create", f"{T}:grant/ReadOnly/everyone"), 300501),
    "grant to group": (change("create", f"{T}:grant/ReadOnly/group:devs"), 300601),
    "revoke of group": (change("revoke", f"{T}:grant/ReadOnly/group:devs"), 300602),
    "control": (change("update", f"{T}:control/main"), 300403),
    "remove control": (change("revoke", f"{T}:control/main"), 300404),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_event_is_what_the_published_schema_says(name: str, schema: OcsfJsonSchemaEmbedded) -> None:
    one, type_uid = CHANGES[name]
    event = told(one)
    assert event["type_uid"] == type_uid
    validator(schema, event["class_uid"]).validate(json.loads(json.dumps(event)))
    enums = get_ocsf_schema(VERSION)["classes"][CLASSES[event["class_uid"]]]["attributes"]["activity_id"]["enum"]
    if event["activity_id"] != 99:
        assert enums[str(event["activity_id"])]["caption"] == event["activity_name"]


def validator(schema: OcsfJsonSchemaEmbedded, class_uid: int) -> Any:
    name = schema.lookup_class_name_from_uid(class_uid)
    assert name == CLASSES[class_uid]
    found = schema.get_class_schema(name)
    return jsonschema.Draft202012Validator(
        found, registry=Registry[Any]().with_resource(found["$id"], Resource.from_contents(found))
    )


def test_a_wrong_event_would_be_found(schema: OcsfJsonSchemaEmbedded) -> None:
    event = told(CHANGES["add member"][0])
    damaged: tuple[dict[str, Any], ...] = (
        {"severity_id": 77}, {"time": "today"}, {"group": {}}, {"metadata": {}}, {"invented": 1},
    )  # fmt: skip
    for damage in damaged:
        with pytest.raises(jsonschema.ValidationError):
            validator(schema, 3006).validate({**event, **damage})


@pytest.mark.parametrize(
    ("outcome", "reason", "status", "severity"),
    [
        (DONE, Reason.NONE, "Success", "Informational"),
        (AlreadySo("read: not there"), Reason.NONE, "Already-so", "Informational"),
        (Accepted("job-1", NOW + timedelta(hours=1)), Reason.NONE, "Accepted", "Informational"),
        (Failed(ProviderError(Trouble.DENIED, "no", request_id="r-9")), Reason.NONE, "Failure", "Medium"),
        (Refused("moved"), Reason.MOVED, "Failure", "Medium"),
        (StillHas((Way("other"),)), Reason.NONE, "Failure", "Medium"),
        (NoAnswer(), Reason.NONE, "Unknown", "Medium"),
    ],
)
def test_only_what_is_done_is_a_success(outcome: Outcome, reason: Reason, status: str, severity: str) -> None:
    event = told(CHANGES["remove member"][0], outcome, reason)
    assert (event["status"], event["severity"]) == (status, severity)


def test_what_could_not_be_given_weighs_less() -> None:
    error = Failed(ProviderError(Trouble.DENIED, "no"))
    assert told(CHANGES["add member"][0], error)["severity"] == "Low"


def test_old_work_that_needs_nothing_any_more_is_not_called_a_success() -> None:
    body = settled_body([Settled(at(f"{T}:membership/devs/ada"), change("create", f"{T}:group/x").action, "looked")])
    event = only([Record(T, 2, NOW, "outcome", RUN, None, body, "sha256:b")])
    assert (event["status_id"], event["status_detail"]) == (99, "looked")


def test_an_event_says_who_why_and_on_whose_word() -> None:
    event = told(CHANGES["remove member"][0], Failed(ProviderError(Trouble.DENIED, "no", request_id="r-9")))
    assert event["actor"]["user"]["name"] == "ada-b"
    assert event["metadata"]["correlation_uid"] == "r1" and event["metadata"]["uid"] == "sha256:b/0"
    assert event["time"] == int(NOW.timestamp() * 1000)
    more = event["unmapped"]
    assert more["pull_request"] == "#7" and more["approvers"] == ["grace"] and more["request"] == "r-9"
    assert more["cause"] == CHANGES["remove member"][0].cause.value and more["record"] == 2


def test_ended_sessions_are_an_event_of_their_own() -> None:
    event = told(CHANGES["disable account"][0], step=Step.CUT)
    assert (event["type_uid"], event["activity_name"]) == (300199, "End Sessions")
    event = told(CHANGES["disable account"][0], Refused("not possible here"), step=Step.CUT)
    assert (event["status"], event["severity"]) == ("Not possible", "Informational")
