"""The runs that may come any day, from files alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product

from provisioner.actor.decide import Asked
from provisioner.actor.shares import Asking, shares
from provisioner.actor.usual import prepared_targets, usual_runs
from provisioner.contract import Usual
from provisioner.load import load_files
from provisioner.model.access import DeclaredAccess
from provisioner.model.resource import Resource
from provisioner.providers import catalog

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BASE = """\
environments: {production: {}, staging: {}}
targets:
  aws: {provider: aws-iam, account: "111111111111"}
  quiet: {provider: aws-iam, account: "222222222222", mode: report}
roles:
  reader: {environments: [production, staging], grants: {aws: {policies: [Read]}, quiet: {policies: [Read]}}}
  writer: {environments: [production], includes: [reader], grants: {aws: {policies: [Write]}}}
people:
  ada: {roles: [{role: writer, environments: [production]}]}
  bob: {roles: [{role: reader, environments: [production]}]}
  cy: {roles: [{role: reader, environments: [production]}], accounts: {aws: {login: cyril}}}
  dee: {roles: [{role: reader, environments: [production]}], suspended: {since: 2026-11-01T00:00:00Z, reason: leave}}
  eve: {until: 2026-11-30T11:00:00Z, roles: [{role: reader, environments: [production]}]}
  fay: {roles: [{role: reader, environments: [production], from: 2026-12-01T00:00:00Z}]}
  gus: {}
services:
  nightly: {owners: [ada], roles: [{role: reader, environments: [production]}]}
  other: {owners: [ada], roles: [{role: reader, environments: [production]}]}
pipelines:
  site: {scope: [writer, reader], assume: {aws: Site, quiet: Site}, schedules: nightly}
  unscoped: {assume: {aws: Site}}
  elsewhere: {scope: [writer]}
"""


def load(text: str) -> DeclaredAccess:
    loaded = load_files({"all.yaml": text.encode()}, catalog.all_providers())
    assert [d.message for d in loaded.diagnostics if d.is_error] == []
    return loaded.declared


def usual(declared: DeclaredAccess, held: tuple[str, ...] = ()) -> dict[str, list[Usual]]:
    providers = catalog.all_providers()
    return usual_runs(declared, prepared_targets(providers, declared.targets), providers, NOW, held)


def told(things: Sequence[Resource]) -> tuple[str, ...]:
    return tuple(sorted(thing.address.object for thing in things))


def exactly(things: Sequence[Resource]) -> str:
    """With what is denied, too."""
    return str(sorted((thing.address.object, sorted(thing.attributes.items())) for thing in things))


def runs(text: str = BASE, held: tuple[str, ...] = ()) -> dict[str, set[tuple[str, str, tuple[str, ...]]]]:
    found = usual(load(text), held)
    return {target: {(one.login, one.pipeline, told(one.things)) for one in each} for target, each in found.items()}


def test_all_who_may_start_a_run_there_now_and_what_it_would_have() -> None:
    """Whoever holds something with another role has that as well, as with `--role`. Nobody who is away or left, whose
    role has not begun, or who is a service that no schedule runs as; and nothing where nothing may be written."""
    assert runs() == {
        "aws": {
            ("ada", "site", ("Read", "Write")),
            ("ada", "site", ("Read",)),
            ("bob", "site", ("Read",)),
            ("cyril", "site", ("Read",)),
            ("nightly", "site", ("Read",)),
        }
    }


def test_each_is_what_a_run_that_is_asked_for_like_that_is_given() -> None:
    """`shares` decides that when the run comes; here it is worked out for all at once."""
    declared, providers = load(BASE), catalog.all_providers()
    expected = set()
    for who, environment, role in product(declared.identities, declared.environments, (None, *declared.roles)):
        if who in ("ada", "bob", "cy", "nightly"):
            for share in shares(Asking(Asked(environment, role), (who,), "site"), [declared], providers, NOW):
                expected.add((share.target.name, share.login, exactly(share.things)))
    found = usual(declared)
    assert {(name, one.login, exactly(one.things)) for name, each in found.items() for one in each} == {
        one for one in expected if one[0] == "aws"
    }
    assert len(expected) == len(found["aws"]) == 5


def test_people_whose_grants_end_at_different_times_are_given_the_same() -> None:
    many = "".join(
        f"  p{n}: {{roles: [{{role: writer, environments: [production], until: 2026-12-01T00:00:{n:02}Z}}]}}\n"
        for n in range(20)
    )
    found = usual(load(BASE.replace("services:\n", many + "services:\n")))
    mine = [one for one in found["aws"] if one.person.startswith("p")]
    assert len(mine) == 40 and len({id(one.things) for one in mine}) == 2


def test_nobody_who_was_cut_off() -> None:
    assert {login for login, _, _ in runs(held=("ada", "cy"))["aws"]} == {"bob", "nightly"}


def test_no_pipeline_that_takes_a_role_no_runs() -> None:
    assert runs(BASE.replace("assume: {aws: Site, quiet: Site}, ", "")) == {}
