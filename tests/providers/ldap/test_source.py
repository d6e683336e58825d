"""A directory as a source of people: who is in it, by which attributes, who is switched off, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from provisioner.model.source import AccountAttributes, Attributes, Source
from provisioner.providers.ldap import LdapProvider
from provisioner.sources import Roster, read
from tests.providers.ldap.rig import ENVIRON, NAME, OWNER, Rig
from tests.rigs.ldif import bulk

SOURCE = Source("people", NAME)


def roster(rig: Rig, source: Source = SOURCE, known: tuple[str, ...] = (), *, groups: bool = True) -> Roster:
    reader = LdapProvider(rig.limits).open_source(rig.target(), source, ENVIRON)
    try:
        return read(source, reader, OWNER, known, groups=groups)
    finally:
        reader.close()


def native(rig: Rig, login: str) -> str:
    return rig.values(rig.who(login), "entryUUID")[0]


def test_people_are_listed_by_their_ids_with_what_the_attributes_tell(rig: Rig) -> None:
    rig.add_person("ada", title=["ada-b", "ada-old"], employeeNumber="17", mail="ada@example.com")
    rig.add_person("tom")
    rig.add_group("inner", rig.who("tom"))
    rig.add_group("outer", rig.who("ada"), rig.cn("inner"), f"uid=stranger,ou=elsewhere,{rig.suffix}")
    about = Attributes(None, "mail", {"github": AccountAttributes("title", "employeeNumber")})
    found = roster(rig, replace(SOURCE, attributes=about))
    assert found.complete and found.calls <= 7
    ada, tom = found.people[native(rig, "ada")], found.people[native(rig, "tom")]
    assert (ada.login, ada.place, ada.disabled) == ("ada", rig.who("ada"), False)
    assert ada.groups == {"outer"}
    assert {k: set(v) for k, v in ada.values.items()} == {
        "mail": {"ada@example.com"},
        "title": {"ada-b", "ada-old"},
        "employeeNumber": {"17"},
    }
    assert tom.groups == {"inner", "outer"} and not tom.values
    assert found.strangers == {"outer": 1}
    assert found.groups["outer"] == rig.values(rig.cn("outer"), "entryUUID")[0]


def test_accounts_alone_are_few_calls(rig: Rig) -> None:
    for number in range(5):
        rig.add_person(f"p{number}")
    found = roster(rig, groups=False)
    assert found.complete and len([p for p in found.people.values() if p.login.startswith("p")]) == 5
    assert found.calls <= 4


def test_a_lock_and_the_filter_say_who_is_switched_off(rig: Rig) -> None:
    rig.add_person("ada")
    rig.add_person("tom", title="former")
    rig.add_person("zoe")
    rig.modify(rig.who("zoe"), {"pwdAccountLockedTime": [("MODIFY_REPLACE", ["000001010000Z"])]})
    found = roster(rig, replace(SOURCE, disabled="(title=former)"), groups=False).people.values()
    assert {p.login: (p.locked, p.switched_off) for p in found if p.login in ("ada", "tom", "zoe")} == {
        "ada": (False, False),
        "tom": (False, True),
        "zoe": (True, False),
    }


def test_the_filter_and_the_base_say_who_is_there(rig: Rig) -> None:
    rig.add(f"ou=berlin,{rig.people}", "organizationalUnit")
    rig.add_person("ada", employeeType="staff")
    rig.add_person("tom")
    rig.add(f"uid=mia,ou=berlin,{rig.people}", "inetOrgPerson", uid="mia", cn="Mia", sn="Mia", employeeType="staff")
    assert {p.login for p in roster(rig, replace(SOURCE, filter="(employeeType=staff)")).people.values()} == {
        "ada",
        "mia",
    }
    assert {p.login for p in roster(rig, replace(SOURCE, base=f"ou=berlin,{rig.people}")).people.values()} == {"mia"}


def test_who_did_not_come_is_asked_for_by_id_before_they_count_as_gone(rig: Rig) -> None:
    rig.add_person("ada")
    rig.add_person("tom", employeeType="staff")
    ada, gone = native(rig, "ada"), "00000000-0000-4000-8000-000000000000"
    pinned = replace(SOURCE, system=roster(rig).system)
    assert roster(rig, pinned, (ada, gone)).complete
    reader = LdapProvider(rig.limits).open_source(rig.target(), pinned, ENVIRON)
    assert reader.there([ada, gone, *(f"00000000-0000-4000-8000-{n:012}" for n in range(120))]) == {ada}
    reader.close()
    filtered = LdapProvider(rig.limits).open_source(
        rig.target(), replace(pinned, filter="(employeeType=staff)"), ENVIRON
    )
    assert filtered.there([ada]) == frozenset()  # who does not match is not there
    filtered.close()


class _Forgetful:
    """A server that left an entry out of its bulk answer, as the reader of a source sees it."""

    def __init__(self, rig: Rig, left_out: str) -> None:
        self._behind = LdapProvider(rig.limits).open_source(rig.target(), SOURCE, ENVIRON)
        self._narrow = LdapProvider(rig.limits).open_source(
            rig.target(), replace(SOURCE, filter=f"(!(uid={left_out}))"), ENVIRON
        )
        self.system, self.people, self.there = self._behind.system, self._narrow.people, self._behind.there

    def close(self) -> None:
        self._behind.close()
        self._narrow.close()


def test_who_is_there_by_id_and_did_not_come_makes_the_read_incomplete(rig: Rig) -> None:
    rig.add_person("ada")
    ada = native(rig, "ada")
    reader = _Forgetful(rig, "ada")
    found = read(replace(SOURCE, system=reader.system()), reader, OWNER, [ada], groups=False)
    reader.close()
    assert found.gaps == (f"accounts: 1 did not come in bulk and are there ({ada})",)


def test_a_limit_of_the_server_makes_the_read_incomplete(new_rig: Callable[..., Rig]) -> None:
    rig = new_rig(bulk(30, 2), size_soft=10, size_hard=10, size_prtotal=10)
    found = roster(rig, groups=False)
    assert not found.complete
    assert found.gaps[0].startswith("accounts: ")
