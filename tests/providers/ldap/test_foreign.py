"""What is not ours stays as it is, byte for byte, while we create, change, offboard and delete among it."""

from __future__ import annotations

from collections.abc import Callable

from provisioner.contract import Done
from provisioner.model.address import Kind
from provisioner.model.change import Action
from tests.providers.ldap.rig import Rig, account, change, group, membership
from tests.rigs.ldif import bulk, group_name


def test_two_thousand_strangers_are_not_touched(new_rig: Callable[..., Rig]) -> None:
    rig = new_rig(bulk(2000, 40))
    first = rig.dump()
    ours = {rig.who("ada"), rig.cn("devs"), rig.cn(group_name(3))}

    rig.do(
        change(Action.CREATE, account("ada"), after={"enabled": True, "name": "Ada", "email": "a@x.test"}, who="ada")
    )
    rig.do(change(Action.CREATE, group("devs"), after={}))
    rig.do(change(Action.CREATE, membership("devs", "ada"), after={}, who="ada"))
    rig.do(change(Action.CREATE, membership(group_name(3), "ada"), after={}, who="ada"))
    rig.do(change(Action.REVOKE, membership("devs", "ada"), before={}, who="ada"))
    rig.do(change(Action.REVOKE, membership(group_name(3), "ada"), before={}, who="ada"))
    rig.do(change(Action.DISABLE, account("ada"), before={"enabled": True}, after={"enabled": False}, who="ada"))
    assert isinstance(rig.do(change(Action.DELETE, account("ada"), who="ada"))[0], Done)
    assert isinstance(rig.do(change(Action.DELETE, group("devs")))[0], Done)

    last = rig.dump()
    assert {k: v for k, v in last.items() if k not in ours} == {k: v for k, v in first.items() if k not in ours}
    for dump in (first, last):
        dump[rig.cn(group_name(3))].pop("entryCSN")  # it was written to, and put back
    assert last[rig.cn(group_name(3))] == first[rig.cn(group_name(3))]


def test_members_that_others_add_meanwhile_stay(rig: Rig) -> None:
    ada, bob, cy = (rig.add_person(login) for login in ("ada", "bob", "cy"))
    rig.add_group("devs", ada, bob)
    writer = rig.writer()
    put = change(Action.CREATE, membership("devs", "cy"), after={}, who="cy")
    take = change(Action.REVOKE, membership("devs", "ada"), before={}, who="ada")

    rig.modify(rig.cn("devs"), {"member": [("MODIFY_ADD", [rig.service_dn])]})
    rig.write(writer, put)
    rig.modify(rig.cn("devs"), {"member": [("MODIFY_ADD", [rig.admin_dn])]})
    rig.write(writer, take)

    assert set(rig.values(rig.cn("devs"), "member")) == {bob, cy, rig.service_dn, rig.admin_dn}


def test_a_bulk_removal_leaves_everybody_else(new_rig: Callable[..., Rig]) -> None:
    rig = new_rig(bulk(300, 3))
    members = [m for m in rig.read().state.of_kind(Kind.MEMBERSHIP) if m.address.object == group_name(0)]
    leavers = members[:20]
    before = rig.dump()

    outcomes = rig.do(*[change(Action.REVOKE, m.address, before={}, ways=m.ways) for m in leavers])

    assert all(isinstance(o, Done) for o in outcomes)
    after = rig.dump()
    here = rig.cn(group_name(0))
    gone = {way.native_id.removeprefix("member:").encode() for m in leavers for way in m.ways}
    assert set(after[here]["member"]) == set(before[here]["member"]) - gone
    assert {k: v for k, v in after.items() if k != here} == {k: v for k, v in before.items() if k != here}
