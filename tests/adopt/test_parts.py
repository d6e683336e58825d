"""The parts of an adoption: roles that say exactly what is held, blocks that are `expand` turned round."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.adopt.roles import Atom, cut_into_roles
from provisioner.contract import Declare
from provisioner.files.names import id_from, is_like, looks_like_machine, second_of, unique
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block, nowhere
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.target import Target
from provisioner.providers.aws_iam import PROVIDER as AWS
from provisioner.providers.aws_iam import names as aws_names
from provisioner.providers.ldap import PROVIDER as LDAP
from provisioner.providers.memory import PROVIDER as MEMORY
from tests.worlds import block

# Roles

GROUPS = [f"g{n}" for n in range(8)]
holdings = st.dictionaries(
    st.sampled_from([f"p{n:02d}" for n in range(24)]), st.frozensets(st.sampled_from(GROUPS), min_size=1), max_size=24
)


def atoms(groups: Iterable[str]) -> frozenset[Atom]:
    return frozenset(Atom(Kind.MEMBERSHIP, g) for g in groups)


@settings(max_examples=100)
@given(holdings, st.dictionaries(st.sampled_from(["r1", "r2"]), st.frozensets(st.sampled_from(GROUPS))))
def test_roles_give_exactly_what_is_held_and_never_more(
    held: dict[str, frozenset[str]], files: dict[str, frozenset[str]]
) -> None:
    wanted = {who: atoms(groups) for who, groups in held.items()}
    known = {name: atoms(groups) for name, groups in files.items() if groups}
    cut = cut_into_roles(wanted, known, {*files, "g1"}, "corp")
    given = {**known, **cut.made}
    assert {who: frozenset().union(*(given[r] for r in roles)) for who, roles in cut.held.items()} == wanted
    assert not set(cut.made) & {*files, "g1"}
    assert all(r in given for roles in cut.held.values() for r in roles)
    used = {r for roles in cut.held.values() for r in roles}
    assert set(cut.made) <= used  # none is made for nothing
    shuffled = dict(sorted(wanted.items(), reverse=True))
    assert cut_into_roles(shuffled, known, {*files, "g1"}, "corp") == cut


def test_a_set_that_several_hold_is_one_role_and_what_is_left_has_its_own() -> None:
    held = {"ann": "dev vpn", "ben": "dev vpn", "cem": "dev vpn", "dee": "vpn", "eve": "ops"}
    cut = cut_into_roles({w: atoms(g.split()) for w, g in held.items()}, {}, set(), "corp")
    assert {name: {a.object for a in made} for name, made in cut.made.items()} == {
        "dev-and-vpn": {"dev", "vpn"},
        "ops": {"ops"},
        "vpn": {"vpn"},
    }
    assert cut.held["ann"] == ("dev-and-vpn",) and cut.held["dee"] == ("vpn",)


def test_roles_are_not_more_than_what_there_is_to_give_and_a_few() -> None:
    """A thousand people with sets of their own do not make a thousand roles."""
    held = {f"p{n}": atoms(f"g{(n * k * 7 + k) % 40}" for k in range(1, 6)) for n in range(1000)}
    cut = cut_into_roles(held, {}, set(), "corp")
    assert len(cut.made) <= 40 + 40


# Blocks

WHO = Principal("t", PrincipalKind.PERSON, "ada")
group_names = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=20)


def declares() -> dict[str, Declare]:
    aws = Target("t", "t", "aws-iam", settings=block({"account": "111111111111"}, "t.yaml"))
    return {
        "memory": MEMORY.declare(Target("t", "t", "memory")),
        "ldap": LDAP.declare(Target("t", "t", "ldap")),
        "aws-iam": AWS.declare(aws),
    }


def membership(name: str) -> Resource:
    return Resource(Address("t", Kind.MEMBERSHIP, name, WHO))


def things(provider: str) -> st.SearchStrategy[list[Resource]]:
    """What somebody may hold there, as its reader would say it."""
    members = group_names.map(membership)
    if provider == "memory":
        grants = st.builds(
            lambda path, slot: Resource(Address("t", Kind.GRANT, path, WHO, slot)),
            group_names,
            st.sampled_from(["pull", "push", "own"]),
        )
        return st.lists(members | grants)
    if provider == "ldap":
        owners = group_names.map(lambda g: Resource(Address("t", Kind.GRANT, f"owner.{g}", WHO)))
        return st.lists(members | owners)
    arns = st.builds(
        "arn:aws:iam::{}:policy/{}{}".format,
        st.sampled_from(["aws", "111111111111"]),
        st.sampled_from(["", "team/", "job-function/"]),
        st.sampled_from(["ReadOnly", "inline.x", "role.y", "Own"]),
    )
    attached = arns.map(
        lambda a: Resource(Address("t", Kind.GRANT, aws_names.policy_object(a, {"Own": ""}), WHO), {"arn": a})
    )
    roles = st.booleans().map(lambda ok: Resource(Address("t", Kind.GRANT, "role.Deploy", WHO), {"intact": ok}))
    inline = group_names.map(lambda n: Resource(Address("t", Kind.GRANT, f"inline.{n}", WHO)))
    return st.lists(members | attached | roles | inline)


@pytest.mark.parametrize("provider", ["memory", "ldap", "aws-iam"])
@settings(max_examples=60)
@given(data=st.data())
def test_a_block_gives_exactly_what_it_was_made_of(provider: str, data: st.DataObject) -> None:
    declare = declares()[provider]
    live = {r.address: r for r in data.draw(things(provider))}
    said = {a: r for a, r in live.items() if declare.unsayable(r) is None}
    made = Block(declare.grants_for(said.values()), nowhere())
    assert list(declare.check_grants(made)) == []
    expanded = {r.address: r for r in declare.expand(made, WHO)}
    assert {a for a in expanded if a.principal is not None} == set(said)
    for address, want in expanded.items():
        if address in said:  # what a plan would compare
            have = said[address].attributes
            assert {k: have.get(k) for k in want.attributes} == dict(want.attributes)


def test_what_no_block_can_say_has_a_reason() -> None:
    found = declares()
    inline = Resource(Address("t", Kind.GRANT, "inline.by-hand", WHO))
    changed = Resource(Address("t", Kind.GRANT, "role.Deploy", WHO), {"intact": False})
    owner = Resource(Address("t", Kind.GRANT, "owner.devs", WHO))
    placeholder = membership("{environment}-readers")
    for provider, resource in (("aws-iam", inline), ("aws-iam", changed), ("ldap", owner), ("ldap", placeholder)):
        assert found[provider].unsayable(resource)


# Names


@given(st.text(max_size=90))
def test_an_id_is_legal_or_nothing(text: str) -> None:
    import re

    made = id_from(text)
    assert made == "" or re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", made)
    if made:
        taken = {made, f"{made}-2"}
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", unique(made, taken)) and unique(made, taken) not in taken


@pytest.mark.parametrize(
    ("login", "made"),
    [("Ada.Byron", "ada.byron"), ("ada@example.com", "ada"), ("Zoë O'Neil", "zoe-o-neil"), ("-x-", "x"), ("日本", "")],
)
def test_ids_come_from_logins(login: str, made: str) -> None:
    assert id_from(login) == made


def test_second_accounts_and_machines_are_told_by_words_and_not_by_letters() -> None:
    logins = {"ada", "ada-admin", "adm.ada", "adamant"}
    assert second_of("ada-admin", logins) == "ada" and second_of("adm.ada", logins) == "ada"
    assert second_of("adamant", logins) is None and second_of("bob-admin", logins) is None
    assert looks_like_machine("svc-backup", None) and looks_like_machine("x", "Backup Service")
    assert not looks_like_machine("cicero", "Cicero") and not looks_like_machine("abbot", "An Abbot")
    assert is_like("ada", "ada-2") and is_like("adm-ada", "ada") and not is_like("ada", "adamant")
