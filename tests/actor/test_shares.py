"""What a run may be given, worked out from files alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.actor.decide import Asked
from provisioner.actor.declared import pipeline_of
from provisioner.actor.shares import Asking, Share, max_duration, refused, shares
from provisioner.load import load_files
from provisioner.model.access import DeclaredAccess
from provisioner.providers import catalog

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BASE = """\
environments: {production: {protected: true}, staging: {}}
targets:
  db: {provider: postgresql, dsn: "host=/x", databases: [app]}
  quiet: {provider: postgresql, dsn: "host=/y", databases: [app], mode: report}
roles:
  reader: {environments: [production, staging], grants: {db: {datasets: {s.a: [select]}}}}
  writer: {environments: [production], includes: [reader], grants: {db: {datasets: {s.a: [insert]}}}}
  by-name: {environments: [production, staging], grants: {db: {datasets: {"{environment}.t": [select]}}}}
  staged: {environments: [staging], includes: [reader], grants: {db: {datasets: {s.a: [select]}}}}
  looks: {environments: [production], grants: {quiet: {datasets: {s.a: [select]}}}}
people:
  ada: {roles: [{role: writer, environments: [production]}, {role: by-name, environments: [production, staging]}]}
  bob: {roles: [reader]}
  cy: {until: 2026-11-30T12:05:00Z, roles: [{role: reader, environments: [production], until: 2026-11-30T12:10:00Z}]}
  dee: {roles: [{role: reader, environments: [production], from: 2026-12-01T00:00:00Z}]}
  eve: {roles: [{role: looks, environments: [production]}]}
pipelines:
  all: {scope: [writer, by-name, looks], max_duration: 20m}
  reading: {scope: [reader], assume: {db: R}}
  none: {}
  elsewhere: {scope: [staged, by-name]}
"""


def tree(text: str = BASE) -> DeclaredAccess:
    loaded = load_files({"all.yaml": text.encode()}, catalog.all_providers())
    assert [d.message for d in loaded.diagnostics if d.is_error] == []
    return loaded.declared


def asking(*who: str, pipeline: str = "all", environment: str = "production", role: str | None = None) -> Asking:
    return Asking(Asked(environment, role), who, pipeline)


def found(asked: Asking, *trees: DeclaredAccess) -> tuple[Share, ...]:
    return shares(asked, trees or (tree(),), catalog.all_providers(), NOW)


def words(asked: Asking, *trees: DeclaredAccess) -> list[str]:
    return sorted(word for share in found(asked, *trees) for word in share.words)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (asking("ada"), ["insert on s.a", "select on production.t", "select on s.a"]),
        (asking("ada", pipeline="reading"), ["select on s.a"]),
        (asking("ada", environment="staging"), ["select on staging.t"]),
        (asking("ada", role="reader"), ["select on s.a"]),
        (asking("ada", role="writer", pipeline="reading"), ["select on s.a"]),
        (asking("bob"), []),  # a protected environment is always named
        (asking("bob", environment="staging", pipeline="reading"), ["select on s.a"]),
        (asking("dee"), []),  # not yet
        (asking("ada", "cy"), ["select on s.a"]),
        (asking("ada", pipeline="elsewhere"), ["select on production.t"]),  # a role of the scope that is not there
        (asking("bob", environment="staging", pipeline="elsewhere"), ["select on s.a"]),
        (asking("eve"), []),  # nothing is made where nothing is written
    ],
)
def test_no_more_than_each_holds_there_now(asked: Asking, said: list[str]) -> None:
    assert words(asked) == said


def test_it_ends_when_the_first_of_what_it_comes_from_does() -> None:
    (share,) = found(asking("cy", pipeline="reading"))
    assert share.ends == datetime(2026, 11, 30, 12, 5, tzinfo=UTC) and share.settings == {"assume": "R"}
    (share,) = found(asking("ada"))
    assert share.ends is None and share.settings == {}


def test_each_state_of_the_files_that_counts_must_give_it() -> None:
    newer = tree(BASE.replace("datasets: {s.a: [insert]}", "datasets: {s.b: [insert]}"))
    assert words(asking("ada"), tree(), newer) == ["select on production.t", "select on s.a"]
    renamed = tree(BASE.replace("  ada: {roles", "  ada-b: {was: [ada], roles"))
    assert words(asking("ada"), tree(), renamed) == words(asking("ada"))
    gone = tree("\n".join(line for line in BASE.splitlines() if not line.startswith("  ada:")) + "\n")
    assert words(asking("ada"), tree(), gone) == []
    scoped = tree(BASE.replace("scope: [writer, by-name, looks]", "scope: [reader]"))
    assert words(asking("ada"), scoped, tree()) == ["select on s.a"]


def test_a_pipeline_that_nobody_declared_or_scoped_is_given_nothing() -> None:
    codes = [refused(asking("ada", pipeline=name), [tree()]) for name in ("", "unknown", "none", "all")]
    assert [c.code if c is not None else "" for c in codes] == ["no-pipeline", "no-pipeline", "no-scope", ""]
    assert max_duration(asking("ada"), [tree()]) == timedelta(minutes=20)
    assert max_duration(asking("ada", pipeline="reading"), [tree()]) == timedelta(hours=1)


def test_an_entry_is_for_one_workflow_or_for_the_rest_of_the_repository() -> None:
    text = BASE.replace("  reading: {", "  one: {repository: site, workflow: a.yml}\n  site: {}\n  reading: {")
    hub = "  hub: {provider: github, organization: acme, mode: report, token: {env: T}}\n"
    declared = tree(text.replace("targets:\n", f"targets:\n{hub}"))
    target = declared.targets["hub"]

    def entry(*workflow: str, name: str = "site") -> str:
        return pipeline_of(declared, "github", target, (name, f"acme/{name}"), workflow)

    assert [entry("a.yml", ".github/workflows/a.yml"), entry("b.yml"), entry()] == ["one", "site", "site"]
    only = tree(text.replace("  site: {}\n", "").replace("targets:\n", f"targets:\n{hub}"))
    assert pipeline_of(only, "github", only.targets["hub"], ("site",), ("b.yml",)) == ""
