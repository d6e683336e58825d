"""The runs that may come any day, from files alone."""

from __future__ import annotations

from datetime import UTC, datetime

from provisioner.actor.usual import usual_runs
from provisioner.load import load_files
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


def runs(text: str = BASE, held: tuple[str, ...] = ()) -> dict[str, set[tuple[str, str, tuple[str, ...]]]]:
    loaded = load_files({"all.yaml": text.encode()}, catalog.all_providers())
    assert [d.message for d in loaded.diagnostics if d.is_error] == []
    found = usual_runs(loaded.declared, catalog.all_providers(), NOW, held)
    return {
        target: {(one.login, one.pipeline, tuple(sorted(t.address.object for t in one.things))) for one in usual}
        for target, usual in found.items()
    }


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


def test_nobody_who_was_cut_off() -> None:
    assert {login for login, _, _ in runs(held=("ada", "cy"))["aws"]} == {"bob", "nightly"}


def test_no_pipeline_that_takes_a_role_no_runs() -> None:
    assert runs(BASE.replace("assume: {aws: Site, quiet: Site}, ", "")) == {}
