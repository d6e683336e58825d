"""A read that was not whole says so, keeps what it saw, and never looks like an empty or smaller directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from provisioner.contract import ProviderError, Trouble
from provisioner.model.address import Kind
from provisioner.model.coverage import Verdict
from provisioner.model.principal import PrincipalKind
from provisioner.providers.ldap.connection import Limits
from provisioner.sandbox.ldap import LdapServer
from tests.providers.ldap.conftest import rig_of_embedded, rig_of_slapd
from tests.providers.ldap.rig import Rig, account, membership, person, unknown
from tests.rigs.ldif import bulk, members_of, user_name
from tests.rigs.proxy import Proxy
from tests.rigs.slapd import Slapd

PEOPLE, GROUPS = 60, 3
MakeRig = Callable[..., Rig]


def fill(rig: Rig) -> None:
    for number in range(PEOPLE):
        rig.add_person(user_name(number))
    for number in range(GROUPS):
        rig.add_group(f"grp{number}", *[rig.who(user_name(n)) for n in members_of(number, PEOPLE)])


@pytest.fixture(params=["slapd", "embedded"])
def limited(request: pytest.FixtureRequest, new_rig: MakeRig) -> Iterator[Rig]:
    """No more than 20 entries in one search, however many pages; 60 people and 3 groups are there."""
    if request.param == "slapd":
        yield new_rig(bulk(PEOPLE, GROUPS), size_soft=20, size_hard=20, size_prtotal=20)
        return
    with LdapServer(size_limit=20) as server:
        rig = rig_of_embedded(server)
        fill(rig)
        yield rig
        for one in rig.open:
            one.close()


def test_a_size_limit_is_told_with_how_many_came(limited: Rig) -> None:
    reading = limited.read()

    accounts = reading.coverage.of(Kind.ACCOUNT)
    assert accounts.verdict is Verdict.PARTIAL
    assert "sizeLimitExceeded" in accounts.proof
    assert "after 20 entries" in accounts.proof
    assert reading.coverage.of(Kind.CREDENTIAL).verdict is Verdict.PARTIAL
    assert reading.coverage.of(Kind.GROUP).verdict is Verdict.COMPLETE
    assert len(reading.state.of_kind(Kind.ACCOUNT)) == 20


def test_members_whose_account_did_not_come_stay_as_unknown(limited: Rig) -> None:
    reading = limited.read()

    memberships = reading.state.of_kind(Kind.MEMBERSHIP)
    assert len(memberships) == sum(len(members_of(n, PEOPLE)) for n in range(GROUPS))
    known = {a.address.object for a in reading.state.of_kind(Kind.ACCOUNT)}
    for one in memberships:
        who = one.address.principal
        assert who is not None
        assert who.kind is PrincipalKind.PERSON or who.kind is PrincipalKind.UNKNOWN
        assert (who.kind is PrincipalKind.PERSON) == (who.id in known)


def test_a_point_read_past_the_limit_settles_nothing_it_did_not_see(limited: Rig) -> None:
    wanted = [account(user_name(n)) for n in range(PEOPLE)] + [account("nobody")]

    reading = limited.look(*wanted)

    assert account("nobody") not in reading.looked
    assert reading.coverage.at(account("nobody")).verdict is Verdict.PARTIAL
    assert {r.address for r in reading.state} == reading.looked


def test_paging_gets_past_a_limit_on_single_searches(new_rig: MakeRig) -> None:
    reading = new_rig(bulk(PEOPLE, GROUPS), size_soft=20, size_hard=20).read()

    assert reading.coverage.complete
    assert len(reading.state.of_kind(Kind.ACCOUNT)) == PEOPLE + 2  # and the accounts `svc` and `reader`


def test_a_server_that_wants_smaller_pages_gets_them(new_rig: MakeRig) -> None:
    reading = new_rig(bulk(250, 0), size_pr=100).read()

    assert reading.coverage.complete
    assert len(reading.state.of_kind(Kind.ACCOUNT)) == 252
    assert "3 pages" in reading.coverage.of(Kind.ACCOUNT).proof


@pytest.fixture
def many(slapd: Slapd) -> Slapd:
    """A slapd with 2,500 people: three pages."""
    slapd.stop()
    slapd.load(bulk(2500, GROUPS))
    return slapd.start()


def through(server: Slapd, proxy: Proxy) -> Rig:
    rig = rig_of_slapd(server, f"ldap://127.0.0.1:{proxy.port}")
    rig.limits = Limits(connect=2, answer=2)
    return rig


@pytest.mark.parametrize("cut_after", [0, 7, 40_000])
def test_a_page_that_is_cut_off_makes_its_scope_partial_and_the_rest_unread(many: Slapd, cut_after: int) -> None:
    with Proxy(many.port, cut_at=3, cut_after=cut_after) as proxy:  # bind, first page, second page
        reading = through(many, proxy).read()

    assert reading.coverage.of(Kind.ACCOUNT).verdict is Verdict.PARTIAL
    assert "after 1000 entries" in reading.coverage.of(Kind.ACCOUNT).proof
    assert reading.coverage.of(Kind.GROUP).verdict is Verdict.UNREAD
    assert reading.coverage.of(Kind.MEMBERSHIP).verdict is Verdict.UNREAD
    assert len(reading.state.of_kind(Kind.ACCOUNT)) == 1000
    assert reading.state.of_kind(Kind.MEMBERSHIP) == []


def test_groups_that_are_cut_off_leave_the_people_complete(many: Slapd) -> None:
    with Proxy(many.port, cut_at=5, cut_after=100) as proxy:
        reading = through(many, proxy).read()

    assert reading.coverage.of(Kind.ACCOUNT).verdict is Verdict.COMPLETE
    assert reading.coverage.of(Kind.MEMBERSHIP).verdict is Verdict.PARTIAL
    assert reading.coverage.of(Kind.GRANT).verdict is Verdict.PARTIAL


def test_a_server_that_stops_answering_half_way_is_given_up(many: Slapd) -> None:
    with Proxy(many.port, silent_at=3) as proxy:
        reading = through(many, proxy).read()

    assert reading.coverage.of(Kind.ACCOUNT).verdict is Verdict.PARTIAL
    assert "timed out" in reading.coverage.of(Kind.ACCOUNT).proof


def test_a_server_that_dies_before_anything_came_is_an_error(many: Slapd) -> None:
    with Proxy(many.port, cut_at=2) as proxy, pytest.raises(ProviderError) as caught:
        through(many, proxy).read()

    assert caught.value.trouble is Trouble.UNREACHABLE


def test_a_server_that_is_not_there_is_an_error_that_names_it(slapd: Slapd) -> None:
    rig = rig_of_slapd(slapd)
    slapd.stop()

    with pytest.raises(ProviderError) as caught:
        rig.read()

    assert caught.value.trouble is Trouble.UNREACHABLE
    assert rig.url in str(caught.value).replace("127.0.0.1", "localhost") or str(slapd.port) in str(caught.value)
    slapd.start()


def test_a_base_that_is_not_there_is_never_an_empty_one(rig: Rig) -> None:
    rig.add_group("devs", rig.add_person("ada"))

    reading = rig.read(base={"people": f"ou=persons,{rig.suffix}", "groups": rig.groups})

    people = reading.coverage.of(Kind.ACCOUNT)
    assert people.verdict is Verdict.DENIED
    assert "noSuchObject" in people.proof
    assert rig.suffix in people.proof  # the nearest that is there
    assert reading.coverage.of(Kind.GROUP).verdict is Verdict.COMPLETE
    assert reading.state.get(membership("devs", unknown(rig.who("ada")))) is not None


@pytest.mark.parametrize("right", ["none", "disclose"])
def test_a_base_that_may_not_be_read_is_denied(new_rig: MakeRig, right: str) -> None:
    rig = new_rig(access=[f'to dn.subtree="ou=groups,dc=example,dc=test" by users {right}'])

    reading = rig.read()

    assert reading.coverage.of(Kind.GROUP).verdict is Verdict.DENIED
    assert reading.coverage.of(Kind.MEMBERSHIP).verdict is Verdict.DENIED
    assert reading.coverage.of(Kind.ACCOUNT).verdict is Verdict.COMPLETE


def test_entries_that_are_hidden_are_noticed_by_our_own(new_rig: MakeRig) -> None:
    rig = new_rig(bulk(5, 0), access=['to dn.children="ou=people,dc=example,dc=test" by anonymous auth by users none'])

    people = rig.read().coverage.of(Kind.ACCOUNT)

    assert people.verdict is Verdict.PARTIAL
    assert "our own" in people.proof


@pytest.mark.parametrize(
    ("attribute", "hidden"),
    [("description", "mark"), ("pwdEndTime", "enabled"), ("pwdAccountLockedTime", "enabled"), ("mail", "email")],
)
def test_a_hidden_attribute_is_named_and_not_compared(new_rig: MakeRig, attribute: str, hidden: str) -> None:
    rig = new_rig(access=[f"to attrs={attribute} by users none"])
    rig.add_person("ada", mail="ada@example.test", description="x")

    reading = rig.read()

    assert hidden in reading.coverage.of(Kind.ACCOUNT).hides
    assert hidden in rig.look(account("ada")).coverage.at(account("ada")).hides
    assert any(w.code == "ldap-hidden" and attribute in w.message for w in reading.warnings)


def test_a_connection_that_ends_after_the_reading_loses_none_of_it(many: Slapd) -> None:
    with Proxy(many.port, cut_at=6) as proxy:  # bind, three pages, the groups, what is hidden
        reading = through(many, proxy).read()

    assert reading.coverage.complete
    assert len(reading.state.of_kind(Kind.ACCOUNT)) == 2502
    assert [w.code for w in reading.warnings] == ["ldap-hidden"]


def test_nothing_is_called_hidden_that_is_only_absent(rig: Rig) -> None:
    rig.add(rig.who("ada"), "account", uid="ada")

    reading = rig.read()

    assert reading.coverage.of(Kind.ACCOUNT).hides == frozenset()
    assert reading.warnings == ()


@pytest.mark.parametrize(
    ("classes", "attribute"), [("groupOfNames", "member"), ("posixGroup", "memberUid")], ids=["names", "posix"]
)
def test_members_that_are_hidden_are_not_an_empty_group(new_rig: MakeRig, classes: str, attribute: str) -> None:
    rig = new_rig(access=[f"to attrs={attribute} by users none"])
    ada = rig.add_person("ada")
    values = {"member": ada} if attribute == "member" else {"memberUid": "ada", "gidNumber": "7"}
    rig.add(rig.cn("devs"), classes, cn="devs", **values)

    reading = rig.read()

    assert reading.coverage.of(Kind.MEMBERSHIP, "devs").verdict is Verdict.DENIED
    assert reading.coverage.of(Kind.GROUP).verdict is Verdict.COMPLETE
    looked = rig.look(membership("devs", "ada"))
    if attribute == "member":
        assert looked.looked == frozenset()


def test_a_part_of_the_tree_on_another_server_is_not_complete(real: Rig) -> None:
    real.add(
        f"ou=elsewhere,{real.people}", "referral extensibleObject", ou="elsewhere", ref="ldap://other.example.test/"
    )
    real.add_person("ada")

    people = real.read().coverage.of(Kind.ACCOUNT)

    assert people.verdict is Verdict.PARTIAL
    assert "other.example.test" in people.proof


def test_a_reader_that_may_only_read_is_enough(real: Rig) -> None:
    real.add_group("devs", real.add_person("ada", description="x"))

    reading = real.read(bind_dn=f"uid=reader,{real.people}")

    assert reading.coverage.complete
    assert reading.state.get(membership("devs", "ada")) is not None
    assert reading.coverage.of(Kind.ACCOUNT).hides == frozenset()
    assert person("ada") in {r.address.principal for r in reading.state}
