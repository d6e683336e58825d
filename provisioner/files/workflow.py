"""The GitHub Actions workflow that `provision init` writes: plans on pull requests, applies on merges, and ends by
schedule what has lapsed."""

from __future__ import annotations

import json

WORKFLOW = ".github/workflows/access.yml"

_CHECKOUT = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0"
_PYTHON = "actions/setup-python@e797f83bcb11b83ae66e0230d6156d7c80228e7c # v6.0.0"

_TEMPLATE = """\
# Written by `provision init`. Pull requests are validated and planned; merges are applied.
# Before the first merge: make the environments `access-plan` (credentials that read) and `access-apply` (credentials
# that write; only for the branch {branch_words}), and let `records.journal` be a folder that outlives the runner.
name: access

on:
  pull_request:
  push:
    branches: [{branch}]
  schedule:
    - cron: "17 5 * * *" # ends what has lapsed, and deletes what was kept long enough

permissions: {{}}

jobs:
  validate:
    # Every pull request, also from forks: offline, without a secret.
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      contents: read
    steps:
{setup}
      - name: Validate
        run: provision validate{option}

  plan:
    # Not from forks: a fork gets no credentials. Targets are called as the base has them, not as the change does.
    needs: validate
    if: github.event.pull_request.head.repo.full_name == github.repository
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    environment: access-plan
    permissions:
      contents: read
      id-token: write # for a cloud that trusts GitHub's token instead of a key
    steps:
{setup}
      - name: Plan
        env:
          BASE: ${{{{ github.event.pull_request.base.sha }}}}
          # LDAP_BIND_DN: ${{{{ secrets.LDAP_BIND_DN }}}}
          # LDAP_PASSWORD: ${{{{ secrets.LDAP_PASSWORD }}}}
        run: provision plan{option} --base "$BASE" --format markdown >> "$GITHUB_STEP_SUMMARY"

  apply:
    if: github.event_name != 'pull_request' && github.ref == {ref}
    runs-on: ubuntu-24.04 # one that reaches the targets and the journal's folder
    timeout-minutes: 120
    environment: access-apply
    concurrency:
      group: access-apply
      cancel-in-progress: false
    permissions:
      contents: read
      id-token: write
    steps:
{setup}
      - name: Apply
        if: github.event_name == 'push'
        # env:
        #   LDAP_BIND_DN: ${{{{ secrets.LDAP_BIND_DN }}}}
        #   LDAP_PASSWORD: ${{{{ secrets.LDAP_PASSWORD }}}}
        run: provision apply{option}
      - name: Expire
        if: github.event_name == 'schedule' # gives nothing, and works when the files are broken; `drift` tells the rest
        # env: as for Apply
        run: provision expire{option}
"""
_SETUP = f"""\
      - uses: {_CHECKOUT}
        with:
          fetch-depth: 0 # who left is told by the whole history
          persist-credentials: false
      - uses: {_PYTHON}
        with:
          python-version: "3.13"
      - run: python -m pip install "provision-access[aws,ldap]==VERSION\""""


def workflow(access: str, branch: str, version: str) -> str:
    """The workflow for access files in `access`, on the protected branch `branch`, with this version of the tool."""
    return _TEMPLATE.format(
        branch=json.dumps(branch),
        branch_words=f"`{branch}`",
        ref=f"'refs/heads/{branch}'",
        setup=_SETUP.replace("VERSION", version),
        option="" if access == "access" else f" --access {access}",
    )
