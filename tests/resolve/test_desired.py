"""From roles and environments to what should exist on each target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

import pytest

from provisioner.contract import Declare
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.desired import Desired
from provisioner.model.environment import Environment
from provisioner.model.target import AccountsPolicy
from provisioner.providers.memory import PROVIDER
from provisioner.resolve.desired import desire
from tests.builders import NOW
from tests.worlds import a_role, a_target, files, held, someone

DEVELOPMENT, STAGING = Environment("development"), Environment("staging")
PRODUCTION = Environment("production", protected=True)
ALL = ("development", "staging", "production")


def declares(declared: DeclaredAccess) -> Mapping[str, Declare]:
    return {name: PROVIDER.declare(target) for name, target in declared.targets.items()}


def desired(declared: DeclaredAccess, target: str = "mem") -> Desired:
    return desire(declared, declares(declared), NOW)[target]


def held_by(login: str, found: Desired) -> list[str]:
    """What a login holds, without the account: `developers`, `db#read`."""
    return sorted(
        a.object + (f"#{a.slot}" if a.slot else "")
        for a in found.state.resources
        if a.principal is not None and a.principal.id == login
    )


def environments(*chosen: Environment) -> Iterable[Environment]:
    return chosen or (DEVELOPMENT, STAGING, PRODUCTION)


def test_person_holds_the_union_of_roles_and_of_what_they_include() -> None:
    base = a_role("everyone", ["staff"])
    role = a_role("dev", ["developers"], includes=("everyone",), objects={"db": ["read", "write"]})
    found = desired(files([someone("ada", "dev", "everyone")], [base, role]))
    assert held_by("ada", found) == ["db#read", "db#write", "developers", "staff"]


def test_every_desired_thing_knows_its_lines_and_the_path_of_roles() -> None:
    base = a_role("everyone", ["staff"])
    found = desired(files([someone("ada", "dev")], [base, a_role("dev", ["developers"], includes=("everyone",))]))
    staff = next(r for r in found.state if r.address.object == "staff" and r.address.principal is not None)
    assert [str(s) for s in staff.sources] == ["access/people/ada.yaml:5:5", "access/roles/everyone.yaml:1:3"]
    assert [b.path for b in found.because[staff.address]] == [("dev", "everyone")]


def test_protected_environment_is_held_only_where_it_is_named() -> None:
    role = a_role("dev", ["{environment}-readers"], environments=ALL)
    bare, named = someone("ada", "dev"), someone("bob", held("dev", ["production"]))
    found = desired(files([bare, named], [role], environments=environments()))
    assert held_by("ada", found) == ["development-readers", "staging-readers"]
    assert held_by("bob", found) == ["production-readers"]


def test_included_role_is_held_in_no_more_environments_than_the_one_that_includes_it() -> None:
    observer = a_role("observer", ["{environment}-readers"], environments=ALL)
    role = a_role("dev", includes=("observer",), environments=("development",))
    found = desired(files([someone("ada", "dev")], [observer, role], environments=environments()))
    assert held_by("ada", found) == ["development-readers"]


def test_labelled_instance_is_given_only_to_those_who_hold_the_role_in_its_environment() -> None:
    targets = [a_target(f"mem/{e}", environment=e) for e in ALL]
    role = a_role("dev", ["developers"], environments=ALL)
    people = [someone("ada", "dev"), someone("bob", held("dev", ["production"]))]
    found = desire(declared := files(people, [role], targets, environments()), declares(declared), NOW)
    holders = {name: sorted(d.logins) for name, d in found.items()}
    assert holders == {"mem/development": ["ada"], "mem/staging": ["ada"], "mem/production": ["bob"]}


def test_labelled_group_is_left_out_where_the_role_is_not_held_there() -> None:
    target = a_target(object_environments={("groups", "secrets"): "production"}, objects={"groups": {"secrets": {}}})
    role = a_role("dev", ["developers", "secrets"], environments=ALL)
    people = [someone("ada", "dev"), someone("bob", held("dev", ["production"]))]
    found = desired(files(people, [role], [target], environments()))
    assert held_by("ada", found) == ["developers"] and held_by("bob", found) == ["developers", "secrets"]


def test_where_filters_instances_by_label() -> None:
    targets = [a_target("mem/pay", labels={"product": "payments"}), a_target("mem/web", labels={"product": "web"})]
    role = a_role("dev", ["developers"], where={"product": "payments"})
    declared = files([someone("ada", "dev")], [role], targets)
    found = desire(declared, declares(declared), NOW)
    assert sorted(found["mem/pay"].logins) == ["ada"] and not found["mem/web"].logins


def test_role_without_environments_gives_unlabelled_things_and_no_templates() -> None:
    found = desired(files([someone("ada", "dev")], [a_role("dev", ["developers", "{environment}-readers"])]))
    assert held_by("ada", found) == ["developers"]


@pytest.mark.parametrize(
    ("starts", "until", "expected"),
    [(None, None, "now"), (-1, 1, "now"), (0, 1, "now"), (1, 2, "later"), (-2, -1, "over"), (-2, 0, "over")],
)
def test_grant_holds_from_its_start_until_just_before_its_end(
    starts: int | None, until: int | None, expected: str
) -> None:
    at = [None if h is None else NOW + timedelta(hours=h) for h in (starts, until)]
    found = desired(files([someone("ada", held("dev", starts=at[0], until=at[1]))], [a_role("dev", ["developers"])]))
    assert (held_by("ada", found) == ["developers"]) == (expected == "now")
    assert bool(found.later) == (expected == "later") and bool(found.over) == (expected == "over")


def test_overlapping_grants_are_their_union() -> None:
    hour = timedelta(hours=1)
    twice = [held("dev", starts=NOW - hour, until=NOW + hour), held("dev", starts=NOW - 2 * hour)]
    found = desired(files([someone("ada", *twice)], [a_role("dev", ["developers"])]))
    membership = next(r for r in found.state if r.address.principal is not None)
    assert (
        membership.until is None and membership.starts == NOW - 2 * hour and len(found.because[membership.address]) == 2
    )


def test_persons_own_end_cuts_their_grants() -> None:
    end = NOW + timedelta(days=3)
    found = desired(files([someone("ada", "dev", until=end)], [a_role("dev", ["developers"])]))
    assert next(r for r in found.state if r.address.principal is not None).until == end


def test_service_is_a_service_and_login_comes_from_accounts() -> None:
    people = [someone("bot", "dev", service=True), someone("ada", "dev", login="ada-b")]
    found = desired(files(people, [a_role("dev", ["developers"])]))
    names = sorted(str(a) for a in found.state.resources if a.kind is Kind.MEMBERSHIP)
    assert names == ["mem:membership/developers/ada-b", "mem:membership/developers/service:bot"]


def test_suspended_person_is_to_be_locked_and_keeps_what_they_hold() -> None:
    found = desired(files([someone("ada", "dev", suspended="leave")], [a_role("dev", ["developers"])]))
    account = next(iter(found.state.of_kind(Kind.ACCOUNT)))
    assert account.attributes["enabled"] is False and held_by("ada", found) == ["developers"]


def test_existing_accounts_have_nothing_to_compare() -> None:
    target = a_target(accounts=AccountsPolicy.EXISTING)
    found = desired(files([someone("ada", "dev")], [a_role("dev", ["developers"])], [target]))
    assert next(iter(found.state.of_kind(Kind.ACCOUNT))).attributes == {}


def test_group_that_any_role_names_is_managed_and_wanted_also_without_a_holder() -> None:
    found = desired(files([], [a_role("dev", ["developers"])]))
    assert (Kind.MEMBERSHIP, "developers") in found.managed and len(found.state.of_kind(Kind.GROUP)) == 1
