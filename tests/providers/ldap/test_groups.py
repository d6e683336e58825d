"""Groups themselves: made with a stand-in member and our mark, described, adopted, released, deleted."""

from __future__ import annotations

from provisioner.contract import AlreadySo, Done, Failed, Refused, Trouble
from provisioner.model.change import Action
from provisioner.model.mark import Mark
from tests.providers.ldap.rig import OWNER, Rig, change, group

MARK = f"provision/1 o={OWNER[:8]} k=devs"


def test_a_new_group_is_empty_and_ours(rig: Rig) -> None:
    made = rig.do(change(Action.CREATE, group("devs"), after={"description": "The developers"}))

    assert isinstance(made[0], Done)
    assert rig.values(rig.cn("devs"), "member") == [rig.cn("devs")]
    assert rig.values(rig.cn("devs"), "description") == ["The developers", MARK]
    state = rig.read().state
    found = state.get(group("devs"))
    assert found is not None
    assert found.attributes == {"description": "The developers"}
    assert found.mark == Mark("devs", OWNER[:8])


def test_creating_what_we_made_before_is_fine_and_what_others_made_is_a_conflict(rig: Rig) -> None:
    create = change(Action.CREATE, group("devs"), after={})
    rig.do(create)
    rig.add_group("theirs")
    before = rig.dump()

    assert isinstance(rig.do(create)[0], AlreadySo)
    taken = rig.do(change(Action.CREATE, group("theirs"), after={}))[0]

    assert isinstance(taken, Failed)
    assert taken.error.trouble is Trouble.CONFLICT
    assert rig.dump() == before


def test_the_mark_of_a_group_holds_its_name_as_far_as_it_can(rig: Rig) -> None:
    rig.do(change(Action.CREATE, group("Führung, oben!"), after={}))

    marks = {g.address.object: g.mark for g in rig.read().state if g.mark is not None}

    assert marks == {"Führung, oben!": Mark("f-hrung-oben", OWNER[:8])}


def test_a_description_is_replaced_and_other_values_stay(rig: Rig) -> None:
    rig.add_group("devs", description=["old", MARK, "note"])
    update = change(Action.UPDATE, group("devs"), before={"description": "old"}, after={"description": "new"})

    assert isinstance(rig.do(update)[0], Done)
    assert sorted(rig.values(rig.cn("devs"), "description")) == sorted(["new", "note", MARK])
    assert isinstance(rig.do(update)[0], AlreadySo)
    found = rig.read().state.get(group("devs"))
    assert found is not None
    assert found.attributes == {"description": "new"}


def test_adopting_and_releasing_touch_only_the_mark(rig: Rig) -> None:
    rig.add_group("devs", rig.add_person("ada"), description="The developers")
    before = rig.entry(rig.cn("devs"), "member", "cn", "objectClass")

    assert isinstance(rig.do(change(Action.ADOPT, group("devs")))[0], Done)
    assert sorted(rig.values(rig.cn("devs"), "description")) == sorted(["The developers", MARK])
    assert isinstance(rig.do(change(Action.RELEASE, group("devs")))[0], Done)
    assert rig.values(rig.cn("devs"), "description") == ["The developers"]
    assert rig.entry(rig.cn("devs"), "member", "cn", "objectClass") == before


def test_only_our_own_groups_are_deleted(rig: Rig) -> None:
    rig.do(change(Action.CREATE, group("ours"), after={}))
    rig.add_group("theirs")
    rig.add_group("others", description="provision/1 o=otherone k=others")

    assert isinstance(rig.do(change(Action.DELETE, group("ours")))[0], Done)
    assert isinstance(rig.do(change(Action.DELETE, group("ours")))[0], AlreadySo)
    assert isinstance(rig.do(change(Action.DELETE, group("theirs")))[0], Refused)
    assert isinstance(rig.do(change(Action.DELETE, group("others")))[0], Refused)
    assert rig.entry(rig.cn("theirs")) is not None
    assert rig.entry(rig.cn("others")) is not None


def test_a_group_below_a_base_that_is_missing_cannot_be_made(rig: Rig) -> None:
    rig.delete(rig.groups)

    failed = rig.do(change(Action.CREATE, group("devs"), after={}))[0]

    assert isinstance(failed, Failed)
    assert failed.error.trouble is Trouble.GONE
    assert rig.suffix in failed.error.message
