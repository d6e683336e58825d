"""An edit between the look and the write is never written over, on slapd and on the embedded directory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ldap3
import pytest

from provisioner.contract import AlreadySo, Done, Failed, Outcome, Refused
from provisioner.model.change import Action, Change
from provisioner.model.mark import Mark, owner8
from provisioner.providers.ldap.calls import Modifications, WriteCalls
from provisioner.providers.ldap.connection import Link
from provisioner.providers.ldap.write import LdapWriter
from tests.providers.ldap.rig import ENVIRON, NAME, OWNER, Rig, account, change, group

Rival = Callable[[], None]
RENAME = change(Action.UPDATE, account("ada"), before={"name": "Ada"}, after={"name": "Ada Byron"}, who="ada")


class RacingCalls(WriteCalls):
    """The provider's own calls, with somebody else's edit right before each of the first ones that write."""

    def __init__(self, link: Link, *rivals: Rival) -> None:
        super().__init__(link)
        self._rivals = list(rivals)

    def _race(self) -> None:
        if self._rivals:
            self._rivals.pop(0)()

    def modify(self, dn: str, changes: Modifications, deadline: float, *, only_if: str | None = None) -> None:
        self._race()
        super().modify(dn, changes, deadline, only_if=only_if)

    def delete(self, dn: str, deadline: float, *, only_if: str | None = None) -> None:
        self._race()
        super().delete(dn, deadline, only_if=only_if)


def raced(rig: Rig, what: Change, *rivals: Rival, early: Rival | None = None) -> Outcome:
    """What becomes of a change that was looked at, and raced right before its calls; `early` comes between the look and
    the writer's own reading."""
    host, _, port = rig.url.removeprefix("ldap://").partition(":")
    calls = RacingCalls(Link(host, int(port), False, False, rig.service_dn, ENVIRON["LDAP_PASSWORD"]), *rivals)
    writer = LdapWriter(NAME, rig.people, rig.groups, calls, OWNER)
    rig.open.append(writer)
    expect = dict(rig.look(what.address).state.resources)
    if early is not None:
        early()
    return rig.write(writer, what, expect=expect)[0]


def edit(rig: Rig, dn: str, **values: Any) -> Rival:
    return lambda: rig.modify(dn, {n: [(ldap3.MODIFY_REPLACE, [v])] for n, v in values.items()})


def marked(rig: Rig, login: str = "ada", **values: str) -> str:
    return rig.add_person(login, description=str(Mark(login, owner8(OWNER))), **{"cn": "Ada", **values})


def test_an_unrelated_edit_is_kept_and_the_change_is_made(rig: Rig) -> None:
    ada = marked(rig)
    outcome = raced(rig, RENAME, edit(rig, ada, title="boss"), edit(rig, ada, title="chief"))
    assert isinstance(outcome, Done)
    assert rig.values(ada, "cn") == ["Ada Byron"]
    assert rig.values(ada, "title") == ["chief"]


@pytest.mark.parametrize("early", [True, False])
def test_a_third_value_is_refused_as_moved_and_stays(rig: Rig, early: bool) -> None:
    ada = marked(rig)
    rival = edit(rig, ada, cn="Ada Lovelace")
    outcome = raced(rig, RENAME, early=rival) if early else raced(rig, RENAME, rival)
    assert isinstance(outcome, Refused)
    assert outcome.moved
    assert "name was 'Ada', and is now 'Ada Lovelace'" in outcome.why
    assert rig.values(ada, "cn") == ["Ada Lovelace"]


def test_what_somebody_else_has_just_done_is_already_so(rig: Rig) -> None:
    ada = marked(rig)
    assert isinstance(raced(rig, RENAME, edit(rig, ada, cn="Ada Byron")), AlreadySo)


def test_another_entry_of_that_name_is_left_alone(rig: Rig) -> None:
    ada = marked(rig)

    def replaced() -> None:
        rig.delete(ada)
        rig.add_person("ada", cn="Ada")

    outcome = raced(rig, RENAME, replaced)
    assert isinstance(outcome, Failed)
    assert "another entry" in outcome.error.message
    assert rig.values(ada, "cn") == ["Ada"]


def test_an_account_whose_mark_goes_to_another_owner_is_not_deleted(rig: Rig) -> None:
    ada = marked(rig)
    take = change(Action.DELETE, account("ada"), before={"enabled": False, "name": "Ada"}, who="ada")
    outcome = raced(rig, take, edit(rig, ada, description="provision/1 o=deadbeef k=ada"))
    assert not isinstance(outcome, Done | AlreadySo)
    assert rig.entry(ada) is not None


def test_an_account_that_was_renamed_meanwhile_is_not_deleted(rig: Rig) -> None:
    ada = marked(rig)
    take = change(Action.DELETE, account("ada"), before={"enabled": False, "name": "Ada"}, who="ada")
    outcome = raced(rig, take, edit(rig, ada, cn="Ada the Second"))
    assert isinstance(outcome, Refused)
    assert outcome.moved
    assert rig.entry(ada) is not None


def test_a_description_of_a_group_that_somebody_rewrote_is_kept(rig: Rig) -> None:
    devs = rig.add_group("devs", description="developers")
    what = change(Action.UPDATE, group("devs"), before={"description": "developers"}, after={"description": "all devs"})
    outcome = raced(rig, what, edit(rig, devs, description="do not touch"))
    assert isinstance(outcome, Refused)
    assert outcome.moved
    assert rig.values(devs, "description") == ["do not touch"]


def test_an_account_that_is_marked_for_somebody_meanwhile_is_not_adopted(rig: Rig) -> None:
    ada = rig.add_person("ada")
    what = change(Action.ADOPT, account("ada"), before={"mark": None}, after={"mark": "ada"}, who="ada")
    theirs = str(Mark("eve", owner8(OWNER)))
    outcome = raced(rig, what, edit(rig, ada, description=theirs))
    assert isinstance(outcome, Refused)
    assert outcome.moved
    assert rig.values(ada, "description") == [theirs]


def test_where_the_change_number_is_hidden_the_old_values_are_asserted(new_rig: Callable[..., Rig]) -> None:
    rig = new_rig(access=['to attrs=entryCSN by dn.exact="uid=svc,ou=people,dc=example,dc=test" none by * read'])
    ada = marked(rig)
    assert isinstance(raced(rig, RENAME, edit(rig, ada, title="boss")), Done)
    assert rig.values(ada, "title") == ["boss"]
    rig.modify(ada, {"cn": [(ldap3.MODIFY_REPLACE, ["Ada"])]})
    outcome = raced(rig, RENAME, edit(rig, ada, cn="Ada Lovelace"))
    assert isinstance(outcome, Refused)
    assert outcome.moved
    assert rig.values(ada, "cn") == ["Ada Lovelace"]
