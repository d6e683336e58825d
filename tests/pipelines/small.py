"""A small repository: one access file, and the CI configuration of a test."""

from __future__ import annotations

import textwrap
from pathlib import Path

from tests.pipelines.examples import Example

ACCESS = """\
records: {owner: 5f1c0a2b}
environments: {production: {protected: true}, staging: {}}
targets:
  ci:
    provider: circleci
    organization: gh/acme
    token: {env: CIRCLECI_TOKEN}
    contexts:
      open: {open_to: everyone}
      shared: {open_to: {projects: [site]}}
      team: {open_to: {groups: [team]}}
      release: {open_to: {groups: [leads]}, environment: production}
      release-loose: {open_to: {projects: [site]}, environment: production}
  forge:
    provider: github
    organization: acme
    token: {env: GITHUB_TOKEN}
    repositories:
      site:
        environments:
          production: {reviewers: {teams: [leads]}, branches: [main]}
          unguarded: {reviewers: {teams: [leads]}}
          free: {reviewers: none, branches: all}
          staging: {}
pipelines:
  site:
    branches: [main, "release/*"]
    tags: ["v*"]
    deploys:
      production: {environments: [unguarded]}
"""


class Small(Example):
    """Write what the test is about, then ask what is told."""

    def circleci(self, workflow: str) -> list[str]:
        """What is told of one workflow; `line code`."""
        text = "version: 2.1\nworkflows:\n  w:\n" + textwrap.indent(textwrap.dedent(workflow), "    ")
        self.write(".circleci/config.yml", text)
        return self.lines(".circleci/config.yml")

    def github(self, text: str, name: str = "w") -> list[str]:
        """What is told of one workflow file."""
        self.write(f".github/workflows/{name}.yml", textwrap.dedent(text).lstrip("\n"))
        return self.lines(f".github/workflows/{name}.yml")

    def lines(self, file: str) -> list[str]:
        """Problems of one file, each as `code: the text of its line`."""
        lines = (self.root / file).read_text(encoding="utf-8").splitlines()
        return [
            f"{d.code}: {lines[d.location.line - 1].strip()}"
            for d in self.checked().diagnostics
            if d.location is not None and d.location.file == file
        ]

    def messages(self) -> list[str]:
        return [d.message for d in self.checked().diagnostics]


def small(to: Path, access: str = ACCESS) -> Small:
    made = Small(to)
    made.write("access/all.yaml", access)
    return made
