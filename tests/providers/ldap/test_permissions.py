"""The access rules that the documentation gives are enough for the whole life of an account, and the reading ones write
nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner.contract import Done, Failed, Trouble
from provisioner.model.change import Action
from tests.providers.ldap.rig import ENVIRON, Rig, account, change, group, membership

DOCS = Path(__file__).parents[3] / "docs/providers/ldap.md"
CHANGES = (
    change(Action.CREATE, account("ada"), after={"enabled": True, "name": "Ada", "email": "a@x.test"}, who="ada"),
    change(Action.CREATE, group("devs"), after={"description": "x"}),
    change(Action.CREATE, membership("devs", "ada"), after={}, who="ada"),
    change(Action.UPDATE, account("ada"), before={}, after={"name": "Ada B"}, who="ada"),
    change(Action.RENAME, account("ada-b"), before={"login": "ada"}, after={"login": "ada-b"}, who="ada"),
    change(Action.REVOKE, membership("devs", "ada-b"), before={}, who="ada"),
    change(Action.DISABLE, account("ada-b"), before={"enabled": True}, after={"enabled": False}, who="ada"),
    change(Action.ENABLE, account("ada-b"), before={"enabled": False}, after={"enabled": True}, who="ada"),
    change(Action.DELETE, account("ada-b"), who="ada"),
    change(Action.DELETE, group("devs")),
)


@pytest.fixture
def documented(new_rig: Callable[..., Rig]) -> Rig:
    """A slapd with the documented rules, and none of its own for other names than its `svc`."""
    found = re.search(r"```ldif access\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    rules = [rule.replace("dc=example,dc=com", "dc=example,dc=test") for rule in found[1].splitlines()]
    rig = new_rig(access=[*rules, "to attrs=userPassword by anonymous auth by * none", "to * by * none"])
    rig.add(f"ou=services,{rig.suffix}", "organizationalUnit", ou="services")
    for name in ("provision-read", "provision-write"):
        rig.add(
            f"cn={name},ou=services,{rig.suffix}",
            "organizationalRole simpleSecurityObject",
            cn=name,
            userPassword=ENVIRON["LDAP_PASSWORD"],
        )
    return rig


def bound_as(rig: Rig, name: str) -> Rig:
    rig.service_dn = f"cn={name},ou=services,{rig.suffix}"
    return rig


def test_the_reader_sees_everything_it_needs(documented: Rig) -> None:
    documented.add_group("devs", documented.add_person("ada", mail="a@x.test", pwdAccountLockedTime="000001010000Z"))

    reader = bound_as(documented, "provision-read").reader()
    reading = bound_as(documented, "provision-read").read()

    assert reading.coverage.complete
    assert reading.warnings == ()
    assert all(not s.hides for s in reading.coverage.scopes())
    assert reading.state.get(membership("devs", "ada")) is not None
    assert reader.system() == documented.values(documented.suffix, "entryUUID")[0]


def test_the_writer_can_do_all_that_is_ever_done(documented: Rig) -> None:
    before = documented.dump()
    rig = bound_as(documented, "provision-write")

    for one in CHANGES:
        outcome: Any = rig.do(one)[0]
        assert isinstance(outcome, Done), (one.action, outcome)

    assert documented.dump() == before


def test_the_reader_can_do_none_of_it(documented: Rig) -> None:
    documented.add_group("devs", documented.add_person("ada", description="provision/1 o=5f1c0a9e k=ada"))
    before = documented.dump()
    rig = bound_as(documented, "provision-read")

    for one in (
        change(Action.CREATE, account("eve"), after={"enabled": True}, who="eve"),
        *CHANGES[3:5],
        change(Action.REVOKE, membership("devs", "ada"), before={}),
        change(Action.DISABLE, account("ada"), before={"enabled": True}, after={"enabled": False}, who="ada"),
        change(Action.DELETE, account("ada"), who="ada"),
    ):
        outcome = rig.do(one)[0]
        assert isinstance(outcome, Failed), (one.action, outcome)
        assert outcome.error.trouble is Trouble.DENIED

    assert documented.dump() == before
