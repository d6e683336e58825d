"""Disabling under each kind of password policy, and what a read then says of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioner.contract import Done, Failed
from provisioner.model.change import Action
from tests.providers.ldap.rig import OWNER, Rig, account, change

MARK = f"provision/1 o={OWNER[:8]} k=ada"
DISABLE = change(Action.DISABLE, account("ada"), before={"enabled": True}, after={"enabled": False}, who="ada")
ENABLE = change(Action.ENABLE, account("ada"), before={"enabled": False}, after={"enabled": True}, who="ada")
MakeRig = Callable[..., Rig]


def enabled(rig: Rig) -> bool:
    """As a bulk read and a point read tell; they agree."""
    found = set()
    for reading in (rig.read(), rig.look(account("ada"))):
        ada = reading.state.get(account("ada"))
        assert ada is not None
        found.add(bool(ada.attributes["enabled"]))
    assert len(found) == 1
    return found.pop()


@pytest.fixture(params=["lockout", "no lockout", "no policy in force", "no policy overlay"])
def policy(request: pytest.FixtureRequest, new_rig: MakeRig) -> Rig:
    options = {"no lockout": {"pwd_lockout": False}, "no policy overlay": {"ppolicy": False}}
    rig = new_rig(**options.get(request.param, {}))
    if request.param == "no policy in force":
        rig.delete(f"cn=default,ou=policies,{rig.suffix}")
    return rig


def test_a_disabled_account_is_off_whatever_the_policy(policy: Rig) -> None:
    ada = policy.add_person("ada", description=[MARK])
    assert enabled(policy)

    assert isinstance(policy.do(DISABLE)[0], Done)

    assert not policy.can_bind(ada, "ada-password")
    assert not enabled(policy)


def test_an_enabled_account_is_on_again_whatever_the_policy(policy: Rig) -> None:
    ada = policy.add_person("ada", description=[MARK])
    policy.do(DISABLE)

    assert isinstance(policy.do(ENABLE)[0], Done)

    assert enabled(policy)
    policy.modify(ada, {"userPassword": [("MODIFY_REPLACE", ["Welcome-back-1"])]})
    assert policy.can_bind(ada, "Welcome-back-1")


def test_a_policy_that_forbids_a_new_password_does_not_stop_the_lock(new_rig: MakeRig) -> None:
    rig = new_rig()
    rig.modify(f"cn=default,ou=policies,{rig.suffix}", {"pwdMinAge": [("MODIFY_ADD", ["86400"])]})
    ada = rig.add_person("ada", description=[MARK])

    outcome = rig.do(DISABLE)[0]

    assert isinstance(outcome, Done)
    assert "could not be changed" in outcome.proof
    assert not rig.can_bind(ada, "ada-password")
    assert not enabled(rig)


def test_where_nothing_would_keep_the_person_out_disabling_fails(new_rig: MakeRig) -> None:
    rig = new_rig(ppolicy=False, access=["to attrs=userPassword by anonymous auth by * none"])
    ada = rig.add_person("ada", description=[MARK])

    assert isinstance(rig.do(DISABLE)[0], Failed)
    assert rig.can_bind(ada, "ada-password")
    assert enabled(rig)


def test_a_lock_that_does_not_bite_is_no_lock(new_rig: MakeRig) -> None:
    rig = new_rig(pwd_lockout=False)
    ada = rig.add_person("ada", pwdAccountLockedTime="000001010000Z")
    assert rig.can_bind(ada, "ada-password")

    reading = rig.read()

    found = reading.state.get(account("ada"))
    assert found is not None
    assert found.attributes["enabled"] is True
    assert [w.code for w in reading.warnings] == ["ldap-lock-void"]


def test_an_account_that_was_let_in_again_by_hand_is_seen_as_enabled(rig: Rig) -> None:
    """Its mark still has a date, which says nothing where the server has switches."""
    ada = rig.add_person("ada", description=[MARK])
    rig.do(DISABLE)
    rig.modify(
        ada,
        {
            "userPassword": [("MODIFY_REPLACE", ["Helpdesk-1234"])],
            "pwdEndTime": [("MODIFY_DELETE", [])],
        },
    )
    rig.modify(ada, {"pwdAccountLockedTime": [("MODIFY_REPLACE", [])]})

    found = rig.read().state.get(account("ada"))

    assert rig.can_bind(ada, "Helpdesk-1234")
    assert found is not None
    assert found.attributes["enabled"] is True
    assert found.mark is not None
    assert found.mark.disabled_since is not None


def test_the_calls_stay_few_whatever_the_policy(policy: Rig) -> None:
    for n in range(4):
        policy.add_person(f"p{n}")
    policy.add_person("ada", description=[MARK])
    policy.do(DISABLE)

    assert policy.read().calls <= 3 + 2
