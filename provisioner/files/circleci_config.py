"""The CircleCI configuration that `provision init` writes: the same story as on GitHub Actions, with what CircleCI has.

A branch is built with its own configuration: what guards the credentials is who may use the contexts, and the plan that
counts is the one made after the merge and approved there. docs/pipeline.md says what follows from that.
"""

from __future__ import annotations

import json

CONFIG = ".circleci/config.yml"

_TEMPLATE = """\
# Written by `provision init`. Make, before the first merge:
# - the context `access-plan`: credentials that can only read, and PROVISION_FORGE_TOKEN (it comments on pull requests);
# - the context `access-apply`: credentials that write; for the group that may approve a merge (security group), and for
#   {branch_words} alone by the expression restriction
#   pipeline.git.branch == {branch} and not job.ssh.enabled and not (pipeline.config_source starts-with "api");
# - the context `access-expire`: the same credentials, for {branch_words} alone by the same expression, without a group,
#   because a schedule is nobody's;
# - three schedule triggers on {branch_words}: `expire` (six times an hour, every hour), `drift` and `rotate` (once a
#   night each).
# Building forks, or passing secrets to them, may stay off: what a fork's branch (pull/...) gets here is `validate`.
# Let `records.journal` be a place that outlives the container.
version: 2.1

executors:
  python:
    docker:
      - image: cimg/python:3.13 # one that reaches the targets and the journal

commands:
  prepare:
    steps:
      - checkout:
          method: full # who left is told by the whole history
      - run:
          name: Install provision
          command: python -m pip install "provision-access[aws,circleci,github,ldap]=={version}"
      - run:
          name: Sign in to AWS with the job's own token, where AWS_ROLE_ARN names a role that trusts it
          command: |
            if [ -n "${{AWS_ROLE_ARN:-}}" ]; then
              (umask 077 && printf '%s' "$CIRCLE_OIDC_TOKEN_V2" > /tmp/aws-token)
              echo 'export AWS_WEB_IDENTITY_TOKEN_FILE=/tmp/aws-token' >> "$BASH_ENV"
            fi

jobs:
  validate:
    executor: python
    steps:
      - prepare
      - run: provision validate{option}

  plan:
    executor: python
    steps:
      - prepare
      - run:
          name: Plan the merge of this branch, on the pull request if there is one
          command: |
            comment=--comment
            [ -n "${{CIRCLE_PULL_REQUEST:-}}" ] || comment=
            provision plan{option} --change "$CIRCLE_SHA1" --base origin/{plain} $comment

  plan-merged:
    executor: python
    environment:
      BASE: << pipeline.git.base_revision >>
    steps:
      - prepare
      - run:
          name: Plan what was merged
          command: |
            # Judged by the branch before the push: a change cannot raise its own limit.
            status=0
            provision plan{option} --base "${{BASE:-HEAD^1}}" --out plan.json || status=$?
            [ -f plan.json ] || exit "$status" # with a plan, whoever approves decides
      - persist_to_workspace:
          root: .
          paths: [plan.json]
      - store_artifacts:
          path: plan.json

  apply:
    executor: python
    environment:
      BASE: << pipeline.git.base_revision >>
    steps:
      - prepare
      - attach_workspace:
          at: /tmp/reviewed
      - run:
          name: Apply what was approved
          no_output_timeout: 30m
          command: |
            base=$(git rev-parse "${{BASE:-HEAD^1}}")
            # Other merges may have been applied since: never from files that are older than theirs.
            git fetch --quiet origin {plain} && git checkout --quiet --detach FETCH_HEAD
            for _ in 1 2 3 4 5 6 7 8 9 10; do
              status=0
              provision apply{option} --reviewed /tmp/reviewed/plan.json --base "$base" || status=$?
              [ "$status" = 6 ] || exit "$status"
              sleep 60 # 6: another run, such as the scheduled one, is at work
            done
            exit 6

  expire:
    executor: python
    steps:
      - prepare
      - run:
          name: End what has lapsed
          command: |
            status=0
            provision expire{option} || status=$?
            [ "$status" != 6 ] || exit 0 # another run is at work: the next one will do
            exit "$status"

  drift:
    executor: python
    steps:
      - prepare
      - run: provision drift{option} --detailed-exitcode

  rotate:
    executor: python
    steps:
      - prepare
      - run:
          name: Make credentials of services anew that are due
          command: |
            status=0
            provision rotate{option} --due || status=$?
            [ "$status" != 6 ] || exit 0 # another run is at work: the next one will do
            exit "$status"

workflows:
  change:
    when:
      and:
        - not:
            equal: [scheduled_pipeline, << pipeline.trigger_source >>]
        - not:
            equal: [{branch}, << pipeline.git.branch >>]
    jobs:
      - validate
      - plan:
          requires: [validate]
          context: access-plan
          filters:
            branches:
              ignore: [{branch}, /pull\\/.*/] # a fork gets no credentials

  merge:
    when:
      and:
        - not:
            equal: [scheduled_pipeline, << pipeline.trigger_source >>]
        - equal: [{branch}, << pipeline.git.branch >>]
    jobs:
      - validate
      - plan-merged:
          requires: [validate]
          context: access-plan
          filters:
            branches:
              only: [{branch}]
      - approve:
          type: approval
          requires: [plan-merged]
          filters:
            branches:
              only: [{branch}]
      - apply:
          requires: [approve]
          context: access-apply
          serial-group: << pipeline.project.slug >>/access-apply
          filters:
            branches:
              only: [{branch}]

  expire:
    when:
      and:
        - equal: [scheduled_pipeline, << pipeline.trigger_source >>]
        - equal: [expire, << pipeline.schedule.name >>]
    jobs:
      - expire:
          context: access-expire
          filters:
            branches:
              only: [{branch}]

  drift:
    when:
      and:
        - equal: [scheduled_pipeline, << pipeline.trigger_source >>]
        - equal: [drift, << pipeline.schedule.name >>]
    jobs:
      - drift:
          context: access-plan
          filters:
            branches:
              only: [{branch}]

  rotate:
    when:
      and:
        - equal: [scheduled_pipeline, << pipeline.trigger_source >>]
        - equal: [rotate, << pipeline.schedule.name >>]
    jobs:
      - rotate:
          context: access-expire
          filters:
            branches:
              only: [{branch}]
"""


def circleci_config(access: str, branch: str, version: str) -> dict[str, str]:
    """Text by path, for access files in `access`, on the protected branch `branch`, with this version of the tool."""
    text = _TEMPLATE.format(
        branch=json.dumps(branch),
        branch_words=f"`{branch}`",
        plain=branch,
        version=version,
        option="" if access == "access" else f" --access {access}",
    )
    return {CONFIG: text}
