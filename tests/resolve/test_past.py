"""What the files once said: by whom, when last, and only of what is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from provisioner.contract import Declare
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.past import Past, PastDeclared
from provisioner.model.target import Mode
from provisioner.providers.memory import PROVIDER
from provisioner.resolve.past import remember, trace
from tests.builders import NOW, at
from tests.worlds import a_role, a_target, files, held, someone


def declares(declared: DeclaredAccess) -> Mapping[str, Declare]:
    return {name: PROVIDER.declare(target) for name, target in declared.targets.items()}


def past(current: DeclaredAccess, *before: DeclaredAccess) -> Past:
    """`before` newest first; they are called r1, r2, ..."""
    told = [PastDeclared(f"r{i}", d, frozenset(d.targets)) for i, d in enumerate(before, 1)]
    return remember(told, current, declares(current), NOW)["mem"]


DEVELOPERS, STAFF = at("mem:membership/developers/ada"), at("mem:membership/staff/ada")
BOTH = [a_role("dev", ["developers"]), a_role("everyone", ["staff"])]


def test_what_a_line_gave_is_remembered_under_the_newest_revision_that_had_it() -> None:
    found = past(
        files([someone("ada", "everyone")], BOTH),
        files([someone("ada", "everyone")], BOTH),
        files([someone("ada", "everyone", "dev")], BOTH),
        files([someone("ada", "dev", "everyone")], BOTH),
    )
    assert found.wanted[DEVELOPERS].revision == "r2" and found.wanted[STAFF].revision == "r1"
    assert found.wanted[DEVELOPERS].identity == "ada"
    assert [str(s) for s in found.wanted[DEVELOPERS].sources] == [
        "access/people/ada.yaml:5:5",
        "access/roles/dev.yaml:1:3",
    ]


def test_time_does_not_count_in_the_past() -> None:
    ended = held("dev", until=NOW - timedelta(days=90))
    assert DEVELOPERS in past(files([someone("ada", "everyone")], BOTH), files([someone("ada", ended)], BOTH)).wanted


def test_what_nobody_asked_for_and_groups_themselves_are_not_remembered() -> None:
    wanted = past(files(roles=BOTH), files([someone("ada", "dev")], BOTH)).wanted
    for address in (STAFF, at("mem:membership/developers/mia"), at("mem:group/developers")):
        assert address not in wanted and wanted.get(address) is None


def test_all_that_was_wanted_can_be_listed() -> None:
    ada, mia = someone("ada", "dev"), someone("mia", "everyone", login="mia.m")
    wanted = past(files(roles=BOTH), files([ada], BOTH), files([ada, mia], BOTH)).wanted
    assert sorted(map(str, wanted)) == [
        "mem:account/ada",
        "mem:account/mia.m",
        "mem:membership/developers/ada",
        "mem:membership/staff/mia.m",
    ]
    assert len(wanted) == 4 and wanted[Address("mem", Kind.ACCOUNT, "mia.m")].identity == "mia"


def test_role_that_changed_counts_although_its_holder_did_not() -> None:
    ada = someone("ada", "dev")
    before = files([ada], [a_role("dev", ["developers", "staff"])])
    found = past(files([ada], BOTH), files([ada], BOTH), before)
    assert found.wanted[DEVELOPERS].revision == "r1" and found.wanted[STAFF].revision == "r2"


def test_leaver_is_as_last_declared() -> None:
    new, old = someone("ada", "dev", email="new@example.com"), someone("ada", "dev")
    found = past(files(roles=BOTH), files([new], BOTH), files([old], BOTH))
    assert found.departed["ada"] == (new, "r1")


def test_renamed_person_has_not_left() -> None:
    found = past(files([someone("ada-byron", "dev", was=("ada",))], BOTH), files([someone("ada", "dev")], BOTH))
    assert not found.departed


def test_person_renamed_twice_has_all_their_earlier_ids_and_has_not_left() -> None:
    mail = "a@example.com"
    first, second = someone("a1", "dev", email=mail), someone("a2", "dev", was=("a1",), email=mail)
    now = files([someone("a3", "dev", was=("a2",), email=mail)], BOTH)
    told = [
        PastDeclared("r2", files([second], BOTH), frozenset()),
        PastDeclared("r1", files([first], BOTH), frozenset()),
    ]
    assert trace(now, told).identities["a3"].was == ("a2", "a1")
    assert not past(trace(now, told), files([second], BOTH), files([first], BOTH)).departed


def test_a_was_line_that_was_taken_back_counts_only_where_the_email_is_the_same() -> None:
    ada, said = someone("ada", email="ada@example.com"), someone("ada", was=("bob",), email="ada@example.com")
    for mail, found in (("ada@example.com", ("bob",)), ("bob@example.com", ())):
        bob = someone("bob", email=mail)
        told = [PastDeclared(f"r{i}", files([one]), frozenset()) for i, one in ((2, said), (1, bob))]
        assert trace(files([ada]), told).identities["ada"].was == found


def test_who_left_under_another_id_left_once() -> None:
    first, second = someone("a1", "dev"), someone("a2", "dev", was=("a1",))
    third = someone("a3", "dev", was=("a2",))
    found = past(files(roles=BOTH), files([third], BOTH), files([second], BOTH), files([first], BOTH))
    assert list(found.departed) == ["a3"] and found.departed["a3"][0].was == ("a2", "a1")


def test_managed_is_what_was_managed_fully_at_the_oldest_revision() -> None:
    full = [a_target(mode=Mode.FULL)]
    found = past(files(roles=BOTH), files(roles=BOTH, targets=full), files(roles=BOTH[:1], targets=full))
    assert (Kind.MEMBERSHIP, "developers") in found.managed and (Kind.MEMBERSHIP, "staff") not in found.managed
    assert not past(files(roles=BOTH, targets=full), files(roles=BOTH)).managed


def test_without_an_earlier_state_nothing_is_known() -> None:
    found = past(files([someone("ada", "dev")], BOTH))
    assert not found.wanted and not found.managed and not found.departed


def test_yesterdays_grants_are_read_with_yesterdays_labels() -> None:
    role = a_role("dev", ["developers"], where={"product": "payments"})
    before = files([someone("ada", "dev")], [role], [a_target(labels={"product": "payments"})])
    assert DEVELOPERS in past(files(roles=[role], targets=[a_target(labels={"product": "core"})]), before).wanted


def test_yesterdays_grants_are_read_with_todays_settings() -> None:
    today = files(roles=BOTH, targets=[replace(a_target(), settings=a_target("other").settings)])
    assert DEVELOPERS in past(today, files([someone("ada", "dev")], BOTH)).wanted
