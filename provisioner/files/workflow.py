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
# that write; only for the branch {branch_words}), and let `records.journal` be a place that outlives the runner.
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
    # Judged by the guardrails of the branch before the push: a change cannot raise its own limit.
    if: github.event_name == 'push' && github.ref == {ref}
    runs-on: ubuntu-24.04 # one that reaches the targets and the journal
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
        env:
          BASE: ${{{{ github.event.created && github.sha || github.event.before }}}}
          # LDAP_BIND_DN: ${{{{ secrets.LDAP_BIND_DN }}}}
          # LDAP_PASSWORD: ${{{{ secrets.LDAP_PASSWORD }}}}
        run: |
          for _ in 1 2 3 4 5 6 7 8 9 10; do
            status=0
            provision apply{option} --base "$BASE" || status=$?
            [ "$status" = 6 ] || exit "$status"
            sleep 60 # 6: another run, such as the scheduled one, is at work
          done
          exit 6

  expire:
    # Gives nothing, and works when the files are broken. Not in the group of `apply`, where it would push out a merge
    # that waits.
    if: github.event_name == 'schedule' && github.ref == {ref}
    runs-on: ubuntu-24.04 # as for `apply`
    timeout-minutes: 120
    environment: access-apply
    concurrency:
      group: access-expire
      cancel-in-progress: false
    permissions:
      contents: read
      id-token: write
    steps:
{setup}
      - name: Expire
        # env: as for Apply, without BASE
        run: |
          status=0
          provision expire{option} || status=$?
          [ "$status" != 6 ] || exit 0 # another run is at work: the next one will do
          exit "$status"
"""
_SETUP = f"""\
      - uses: {_CHECKOUT}
        with:
          fetch-depth: 0 # who left is told by the whole history
          persist-credentials: false
      - uses: {_PYTHON}
        with:
          python-version: "3.13"
      - run: python -m pip install "provision-access[aws,circleci,github,ldap]==VERSION\""""


def workflow(access: str, branch: str, version: str) -> str:
    """The workflow for access files in `access`, on the protected branch `branch`, with this version of the tool."""
    return _TEMPLATE.format(
        branch=json.dumps(branch),
        branch_words=f"`{branch}`",
        ref=f"'refs/heads/{branch}'",
        setup=_SETUP.replace("VERSION", version),
        option="" if access == "access" else f" --access {access}",
    )
