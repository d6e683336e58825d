"""The GitHub Actions workflows that `provision init` writes: checked and planned as a pull request, applied as a merge,
and ended by schedule what has lapsed.

Three files, because of whose definition runs. `access-check` runs as the change has it, and has nothing that it could
misuse. `access-plan` runs as the protected branch has it, with the branch alone checked out: the change is data to it.
`access` runs on the protected branch. docs/pipeline.md says why, and what that leaves open.
"""

from __future__ import annotations

import json

CHECK = ".github/workflows/access-check.yml"
PLAN = ".github/workflows/access-plan.yml"
MAIN = ".github/workflows/access.yml"

EXPIRE, DRIFT, ROTATE = "*/10 * * * *", "17 3 * * *", "47 4 * * *"
CHECKOUT = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0"
PYTHON = "actions/setup-python@e797f83bcb11b83ae66e0230d6156d7c80228e7c # v6.0.0"
UPLOAD = "actions/upload-artifact@330a01c490aca151604b8cf639adc76d48f6c5d4 # v5.0.0"
AWS = "aws-actions/configure-aws-credentials@00943011d9042930efac3dcd3a170e4273319bc8 # v5.1.0"

_CHECK = """\
# Written by `provision init`. Every pull request, also from forks: offline, without a secret. It runs as the change has
# it, so nothing here is worth changing; what counts is asked again by `apply`. Let `validate` and `approvals` be
# required checks of {branch_words}.
name: access check

on:
  pull_request:
  pull_request_review:
    types: [submitted, dismissed]
  merge_group: # a merge queue asks for the required checks of what it would merge

permissions: {{}}

jobs:
  validate:
    if: github.event_name != 'pull_request_review'
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      contents: read
    steps:
{checkout}
{install}
      - name: Validate
        run: provision validate{option}

  approvals:
    # Whose approval each change of access needs, held against the reviews. Asked again with every review.
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      contents: read
      pull-requests: read
    steps:
{checkout}
{install}
      - name: Approvals
        env:
          # What is checked out is the merge, and its first parent the branch; a queue says what it merges onto.
          BASE: ${{{{ github.event.merge_group.base_sha || 'HEAD^1' }}}}
          PROVISION_FORGE_TOKEN: ${{{{ github.token }}}}
        run: provision approvals{option} --base "$BASE"
"""

_PLAN = """\
# Written by `provision init`. Plans a pull request on the live systems, and says it in one comment.
#
# This file is always the protected branch's, whatever the change makes of it, and only that branch is checked out. The
# access files of the change are read from git's objects, as data: nothing of it is checked out, run or installed.
# Make the environment `access-plan`: credentials that can only read, for the branch {branch_words} alone. Then no other
# workflow of any branch comes by them. Secrets and variables of the environment stand in `env:` below.
name: access plan

on:
  pull_request_target: # zizmor: ignore[dangerous-triggers] nothing of the change is checked out or run
    branches: [{branch}]
  merge_group: # in a merge queue the job is skipped, which counts as passed: what is queued was planned

permissions: {{}}

concurrency:
  group: access-plan-${{{{ github.event.pull_request.number || github.ref }}}}
  cancel-in-progress: true

jobs:
  plan:
    # A fork gets no token and no live plan. `provision` looks again by itself.
    if: github.event_name == 'pull_request_target' && github.event.pull_request.head.repo.full_name == github.repository
    runs-on: ubuntu-24.04 # one that reaches the targets
    timeout-minutes: 30
    environment: access-plan
    permissions:
      contents: read
      id-token: write # for a cloud that trusts GitHub's token instead of a key
      pull-requests: write # for the comment
    steps:
{checkout_branch}
{install}
{aws}
      - name: Plan
        env:
          CHANGE: ${{{{ github.event.pull_request.head.sha }}}}
          PROVISION_FORGE_TOKEN: ${{{{ github.token }}}}
          # LDAP_BIND_DN: ${{{{ secrets.LDAP_BIND_DN }}}}
          # LDAP_PASSWORD: ${{{{ secrets.LDAP_PASSWORD }}}}
        run: provision plan{option} --change "$CHANGE" --base HEAD --comment --out plan.json
      # What `apply` looks for after the merge: it takes the plan of the very commit that was merged, from a run of this
      # file, with the digest that GitHub notes here.
      - if: ${{{{ !cancelled() }}}}
        uses: {upload}
        with:
          name: access-plan-${{{{ github.event.pull_request.head.sha }}}}
          path: plan.json
          if-no-files-found: ignore
          overwrite: true
          retention-days: 90
"""

_MAIN = """\
# Written by `provision init`. Merges are applied; every ten minutes what has lapsed is ended; every night it is told
# what was changed by hand, and credentials of services that are due are made anew.
# Make the environments `access-apply` and `access-expire`: credentials that write, for the branch {branch_words} alone;
# `access-apply` may have reviewers, `access-expire` must not, or everything waits for them. `drift` uses `access-plan`,
# `rotate` uses `access-expire`.
# Let `records.journal` be a place that outlives the runner.
name: access

on:
  push:
    branches: [{branch}]
  schedule:
    - cron: "{expire}" # expire
    - cron: "{drift}" # drift
    - cron: "{rotate}" # rotate
  workflow_dispatch: # `apply` for all that the files say, also what nobody reviewed in a pull request

permissions: {{}}

jobs:
  apply:
    # One after the other: a run that waits and is replaced by a newer one is made up for by that one, which works from
    # the newest commit, and fetches the plans of all that was merged since the systems were last in order.
    if: (github.event_name == 'push' || github.event_name == 'workflow_dispatch') && github.ref == {ref}
    runs-on: ubuntu-24.04 # one that reaches the targets and the journal
    timeout-minutes: 120
    environment: access-apply
    concurrency:
      group: access-apply
      cancel-in-progress: false
    permissions:
      actions: read # for the plan that was reviewed
      contents: read
      id-token: write
      pull-requests: read
    steps:
{checkout_branch}
{install}
{aws}
      - name: Apply
        env:
          # Judged by the guardrails of the branch before the push: a change cannot raise its own limit.
          BASE: ${{{{ github.event_name == 'push' && !github.event.created && github.event.before || 'HEAD' }}}}
          REVIEWED: ${{{{ github.event_name == 'push' && '--reviewed=pull-request' || '' }}}}
          PROVISION_FORGE_TOKEN: ${{{{ github.token }}}}
          # LDAP_BIND_DN: ${{{{ secrets.LDAP_BIND_DN }}}}
          # LDAP_PASSWORD: ${{{{ secrets.LDAP_PASSWORD }}}}
        run: |
          for _ in 1 2 3 4 5 6 7 8 9 10; do
            status=0
            provision apply{option} ${{REVIEWED:+"$REVIEWED"}} --base "$BASE" || status=$?
            [ "$status" = 6 ] || exit "$status"
            sleep 60 # 6: another run, such as the scheduled one, is at work
          done
          exit 6

  expire:
    # Gives nothing, and works when the files are broken. Not in the group of `apply`, where it would push out a merge
    # that waits.
    if: github.event_name == 'schedule' && github.event.schedule == '{expire}' && github.ref == {ref}
    runs-on: ubuntu-24.04 # as for `apply`
    timeout-minutes: 120
    environment: access-expire
    concurrency:
      group: access-expire
      cancel-in-progress: false
    permissions:
      contents: read
      id-token: write
    steps:
{checkout_branch}
{install}
{aws}
      - name: Expire
        # env: as for Apply, with what the targets need
        run: |
          status=0
          provision expire{option} || status=$?
          [ "$status" != 6 ] || exit 0 # another run is at work: the next one will do
          exit "$status"

  drift:
    # Red where somebody changed by hand what the files say otherwise.
    if: github.event_name == 'schedule' && github.event.schedule == '{drift}' && github.ref == {ref}
    runs-on: ubuntu-24.04
    timeout-minutes: 60
    environment: access-plan
    permissions:
      contents: read
      id-token: write
    steps:
{checkout_branch}
{install}
{aws}
      - name: Drift
        # env: as for Plan, with what the targets need
        run: provision drift{option} --detailed-exitcode

  rotate:
    # Makes nothing where no service has `credentials`. A merge makes what is due, too; this does when nobody merges.
    if: github.event_name == 'schedule' && github.event.schedule == '{rotate}' && github.ref == {ref}
    runs-on: ubuntu-24.04 # as for `apply`
    timeout-minutes: 60
    environment: access-expire
    concurrency:
      group: access-rotate
      cancel-in-progress: false
    permissions:
      contents: read
      id-token: write
      pull-requests: read # where `guardrails: {{approvals: required}}` has it ask for reviews
    steps:
{checkout_branch}
{install}
{aws}
      - name: Rotate
        env:
          PROVISION_FORGE_TOKEN: ${{{{ github.token }}}}
          # as for Apply, with what the targets and the places of the credentials need
        run: |
          status=0
          provision rotate{option} --due || status=$?
          [ "$status" != 6 ] || exit 0 # another run is at work: the next one will do
          exit "$status"
"""

_CHECKOUT = f"""\
      - uses: {CHECKOUT}
        with:
          fetch-depth: 0 # who left is told by the whole history
          persist-credentials: false"""
_INSTALL = f"""\
      - uses: {PYTHON}
        with:
          python-version: "3.13"
      - run: python -m pip install "provision-access[aws,circleci,github,ldap]==VERSION\""""
_AWS = f"""\
      # AWS by OIDC, if the variable ACCESS_AWS_ROLE of the environment names a role that trusts it.
      - if: vars.ACCESS_AWS_ROLE != ''
        uses: {AWS}
        with:
          role-to-assume: ${{{{ vars.ACCESS_AWS_ROLE }}}}
          aws-region: ${{{{ vars.ACCESS_AWS_REGION || 'us-east-1' }}}}"""


def github_workflows(access: str, branch: str, version: str) -> dict[str, str]:
    """Text by path, for access files in `access`, on the protected branch `branch`, with this version of the tool."""
    words = {
        "branch": json.dumps(branch),
        "branch_words": f"`{branch}`",
        "ref": f"'refs/heads/{branch}'",
        "checkout": _CHECKOUT,
        "checkout_branch": _CHECKOUT.replace("with:\n", f"with:\n          ref: {json.dumps(branch)}\n"),
        "install": _INSTALL.replace("VERSION", version),
        "aws": _AWS,
        "upload": UPLOAD,
        "expire": EXPIRE,
        "drift": DRIFT,
        "rotate": ROTATE,
        "option": "" if access == "access" else f" --access {access}",
    }
    return {CHECK: _CHECK.format(**words), PLAN: _PLAN.format(**words), MAIN: _MAIN.format(**words)}
