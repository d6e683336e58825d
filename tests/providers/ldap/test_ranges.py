"""Members that come in parts are all read, or the group is not complete."""

from __future__ import annotations

from provisioner.model.address import Kind
from provisioner.model.coverage import Verdict
from tests.providers.ldap.rig import Rig, membership
from tests.rigs.ranged import RangedServer


def rig_of(server: RangedServer) -> Rig:
    return Rig("ranged", server.url, "dc=x", "", "", "cn=me,dc=x")


def test_all_parts_are_read() -> None:
    with RangedServer(members=250, part=100) as server:
        rig = rig_of(server)
        reading = rig.read()
        looked = rig.look(membership("big", "u249"), membership("big", "eve"))

    assert len(reading.state.of_kind(Kind.MEMBERSHIP)) == 250
    assert reading.coverage.is_complete(Kind.MEMBERSHIP, "big")
    assert looked.state.get(membership("big", "u249")) is not None
    assert looked.state.get(membership("big", "eve")) is None


def test_a_part_that_is_missing_leaves_the_group_incomplete() -> None:
    with RangedServer(members=250, part=100, lose_after=150) as server:
        rig = rig_of(server)
        reading = rig.read()
        looked = rig.look(membership("big", "u249"), membership("big", "u1"))

    assert reading.coverage.of(Kind.MEMBERSHIP, "big").verdict is Verdict.PARTIAL
    assert "from 200 on" in reading.coverage.of(Kind.MEMBERSHIP, "big").proof
    assert looked.looked == {membership("big", "u1")}
