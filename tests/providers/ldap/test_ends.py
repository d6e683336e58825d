"""A person's own end, held by the directory itself: never earlier, and gone again when the files have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.apply import Applied
from provisioner.contract import Connection
from provisioner.engine import Known, Planned, Situation
from provisioner.model.access import DeclaredAccess, Records
from provisioner.model.identity import Identity, Suspension
from provisioner.model.past import PastDeclared
from provisioner.model.role import GrantBlock, Role
from provisioner.providers.ldap import LdapProvider
from tests.providers.ldap.rig import ENVIRON, NAME, OWNER, Rig, account
from tests.runs import failures, run
from tests.worlds import block, said, someone

NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(days=30)
STAFF = Role("staff", grants=(GrantBlock(NAME, block({"groups": ["staff"]}, "access/roles.yaml")),))


@dataclass
class Company:
    """One directory, and files about it, applied one after the other."""

    rig: Rig
    folder: Path
    end: str | None = "pwdEndTime"
    before: tuple[DeclaredAccess, ...] = ()
    number: int = 0

    def apply(self, *people: Identity, now: datetime = NOW, well: bool = True) -> tuple[Planned, Applied]:
        settings: dict[str, Any] = {} if self.end is None else {"account_end": self.end}
        target = self.rig.target(**settings)
        provider = LdapProvider(self.rig.limits)
        self.number += 1
        declared = DeclaredAccess(
            {p.id: p for p in people}, {"staff": STAFF}, {}, {NAME: target}, Records(OWNER), tree=f"{self.number:040x}"
        )
        connection = Connection(target, provider, provider.declare(target), ENVIRON, OWNER)
        past = tuple(PastDeclared(f"rev{n}", d, frozenset({NAME})) for n, d in enumerate(self.before))
        situation = Situation(declared, {NAME: connection}, now, past, {NAME: Known()})
        self.before = (declared, *self.before)
        planned, applied = run(situation, self.folder / str(self.number), now=now)
        assert (failures(applied) == []) is well
        return planned, applied

    def stored(self) -> str | None:
        found = self.rig.values(self.rig.who("ada"), "pwdEndTime")
        return found[0] if found else None


@pytest.fixture
def company(rig: Rig, tmp_path: Path) -> Company:
    return Company(rig, tmp_path)


def ada(until: datetime | None = None) -> Identity:
    return replace(someone("ada", "staff"), until=until)


def gtime(value: datetime) -> str:
    return f"{value:%Y%m%d%H%M%SZ}"


def test_an_end_goes_to_the_directory_moves_with_the_files_and_goes_again(company: Company) -> None:
    planned, _ = company.apply(ada(LATER))
    created = next(c for c in planned.plan.changes if c.address == account("ada"))
    assert (created.ends, created.ends_by) == (LATER, "target")
    member = next(c for c in planned.plan.changes if c.address.principal is not None)
    assert (member.ends, member.ends_by) == (LATER, "expire")
    assert company.stored() == gtime(LATER)
    assert said(company.apply(ada(LATER))[0].plan) == []
    longer = LATER + timedelta(days=30)
    planned, _ = company.apply(ada(longer))
    assert said(planned.plan) == ["update corp:account/ada"]
    assert planned.plan.changes[0].effect.direction == "widens"
    assert company.stored() == gtime(longer)
    assert said(company.apply(ada())[0].plan) == ["update corp:account/ada"]
    assert company.stored() is None
    assert said(company.apply(ada())[0].plan) == []


def test_it_is_never_earlier_than_the_persons_own_end(company: Company) -> None:
    company.apply(ada(LATER + timedelta(milliseconds=1)))
    assert company.stored() == gtime(LATER + timedelta(seconds=1))
    assert said(company.apply(ada(LATER + timedelta(milliseconds=1)))[0].plan) == []


def passed(company: Company) -> datetime:
    """ada's end is over in the directory and in the files, as if a month had gone by."""
    company.apply(ada(LATER))
    over = NOW - timedelta(minutes=2)
    company.rig.modify(company.rig.who("ada"), {"pwdEndTime": [("MODIFY_REPLACE", [gtime(over)])]})
    return over


def test_the_directory_ends_it_without_us_and_the_next_run_closes_the_account_for_good(company: Company) -> None:
    over = passed(company)
    company.rig.modify(company.rig.who("ada"), {"userPassword": [("MODIFY_REPLACE", ["Some-password-1"])]})
    assert not company.rig.can_bind(company.rig.who("ada"), "Some-password-1")
    planned, _ = company.apply(ada(over))
    assert "disable corp:account/ada" in said(planned.plan)
    assert any(" d=" in text for text in company.rig.values(company.rig.who("ada"), "description"))
    assert "disable corp:account/ada" not in said(company.apply(ada(over))[0].plan)


def test_a_later_end_lets_somebody_in_again_whose_own_was_over(company: Company) -> None:
    passed(company)
    company.apply(ada(LATER))
    assert company.stored() == gtime(LATER)
    assert said(company.apply(ada(LATER))[0].plan) == []


def test_an_end_that_somebody_else_set_stays(company: Company) -> None:
    company.apply(ada())
    company.rig.modify(company.rig.who("ada"), {"pwdEndTime": [("MODIFY_REPLACE", [gtime(LATER)])]})
    assert said(company.apply(ada())[0].plan) == []
    assert company.stored() == gtime(LATER)


def test_suspended_and_back_the_end_is_there_again(company: Company) -> None:
    company.apply(ada(LATER))
    company.apply(replace(ada(LATER), suspended=Suspension(NOW - timedelta(hours=1), "leave")))
    assert company.stored() != gtime(LATER)
    company.apply(ada(LATER))
    company.apply(ada(LATER))
    assert company.stored() == gtime(LATER)
    assert said(company.apply(ada(LATER))[0].plan) == []


def test_without_the_setting_nothing_is_written(company: Company) -> None:
    company.end = None
    planned, _ = company.apply(ada(LATER))
    created = next(c for c in planned.plan.changes if c.address == account("ada"))
    assert created.ends_by == "expire" and company.stored() is None


def test_a_server_that_does_not_know_it_is_told_of_and_gives_nothing_silently(
    new_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    company = Company(new_rig(ppolicy=False), tmp_path)
    _, applied = company.apply(ada(LATER), well=False)
    assert any("create corp:account/ada" in line and "reading back" in line for line in failures(applied))
