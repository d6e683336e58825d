"""The problems that a pipeline can have, each in its words: one function a code, so that both systems tell alike."""

from __future__ import annotations

from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.load.display import several, show
from provisioner.load.suggest import did_you_mean
from provisioner.pipelines.declared import Context, Deploy, ForgeEnvironment
from provisioner.pipelines.document import Node
from provisioner.pipelines.refs import Allowed


def no_approval(job: str, deploy: Deploy, node: Node, fix: str) -> Diagnostic:
    return _at(
        node,
        "deploy-without-approval",
        f"the job {show(job)} deploys to {show(deploy.environment)}, and nobody approves it first",
        "the environment is protected: a person decides when something goes there",
        fix,
    )


def no_context(job: str, deploy: Deploy, node: Node) -> Diagnostic:
    names = sorted(deploy.contexts)
    return _at(
        node,
        "deploy-without-context",
        f"the job {show(job)} deploys to {show(deploy.environment)} without a context of it",
        "who may deploy is decided by who may use the context; without it the job's credentials are open to every "
        "member of the project",
        f"let it use {several(names)}"
        if names
        else f"declare a context with `environment: {deploy.environment}` and `open_to` under the target, and use it",
    )


def no_environment(job: str, deploy: Deploy, node: Node) -> Diagnostic:
    names = sorted(deploy.environments)
    return _at(
        node,
        "deploy-without-environment",
        f"the job {show(job)} deploys to {show(deploy.environment)} without an environment of the repository for it",
        "reviewers, branches and secrets of a deployment are kept by the environment; a job without one has none",
        f"write `environment: {names[0]}`"
        if names
        else f"declare it under the repository's `environments:`, with reviewers and branches, and write "
        f"`environment: {deploy.environment}`",
    )


def no_filter(job: str, environment: str, allowed: Allowed, case: str, node: Node, fix: str) -> Diagnostic:
    return _at(
        node,
        "deploy-without-branch-filter",
        f"the job {show(job)} deploys to {show(environment)} from {case}",
        f"it is deployed from {allowed.words()} alone: what stands elsewhere was not reviewed",
        fix,
    )


def unknown_context(name: str, known: list[Context], node: Node) -> Diagnostic:
    places = {c.name: c.place for c in known}
    return _at(
        node,
        "context-not-declared",
        f"no context named {show(name)} is declared",
        "who may use it is then not reviewed by anybody: a new context is open to every member of the organisation",
        did_you_mean(name, places, places.get)
        or "declare it under `contexts:` of the target, with `open_to`, or correct the name",
    )


def untold_context(node: Node) -> Diagnostic:
    return _at(
        node,
        "context-not-declared",
        f"which context {show(node.text)} is, whoever starts the pipeline decides",
        "it could be any context that they may use, so none can be held against the access files",
        "name the context, or list the choices with `type: enum`",
    )


def open_context(context: Context, node: Node) -> Diagnostic:
    return _at(
        node,
        "context-unrestricted",
        f"the context {show(context.name)} is open to everyone ({context.place})",
        "any member of the organisation could start a pipeline that prints its variables",
        "restrict it: `open_to: {groups: [...]}`",
    )


def loose_context(context: Context, environment: str, node: Node) -> Diagnostic:
    return _at(
        node,
        "context-unrestricted",
        f"the context {show(context.name)} for {show(environment)} is restricted by {context.restricted} alone "
        f"({context.place})",
        "whoever may push a branch to such a project could start a job that uses it",
        "name the groups that may use it: `open_to: {groups: [...], projects: [...]}`",
    )


def fork_context(context: Context, job: str, node: Node, forks: Location) -> Diagnostic:
    return _at(
        node,
        "fork-reaches-secrets",
        f"the job {show(job)} is built for forks, with the variables of the context {show(context.name)}",
        f"pull requests from forks get secrets here ({forks}), and this context asks for no group",
        "let the job run on branches of the repository only (`filters:`), or stop passing secrets to forks",
    )


def unknown_environment(name: str, known: dict[str, ForgeEnvironment], repository: str, node: Node) -> Diagnostic:
    places = {e.name: e.place for e in known.values()}
    return _at(
        node,
        "environment-not-declared",
        f"the repository {show(repository)} has no environment {show(name)} in the access files",
        "GitHub makes an environment that is not there on its first use, without reviewers and open to every branch",
        did_you_mean(name, places, places.get) or "declare it under the repository's `environments:`",
    )


def foreign_checkout(job: str, event: str, node: Node) -> Diagnostic:
    return _at(
        node,
        "pull-request-checkout",
        f"the job {show(job)} runs for {show(event)} and checks out the pull request's own code",
        "such a run has the repository's secrets and a token that can write; with the foreign code it runs what a "
        "stranger wrote",
        "use `pull_request`, or do not check out the head; what needs the code and the secrets goes into two workflows",
    )


def branch_checkout(job: str, environment: bool, node: Node) -> Diagnostic:
    """`environment`: the job enters one, whose branch rule is held against the default branch and lets it in."""
    return _at(
        node,
        "branch-checkout",
        f"the job {show(job)} runs for `pull_request_target` and checks out the code of the repository's branches",
        "such a run counts as the default branch's, with its environments, and executes what whoever may push a branch "
        "wrote, before anybody reviewed it",
        "use `pull_request`, or do not check out the head; what needs the code and the secrets goes into two workflows",
        Severity.ERROR if environment else Severity.WARNING,
    )


def foreign_text(job: str, event: str, expression: str, node: Node) -> Diagnostic:
    return _at(
        node,
        "fork-reaches-secrets",
        f"the job {show(job)} puts {show(expression)} into a script that runs for {show(event)} with secrets",
        "whoever opens a pull request or an issue writes that text, and the shell runs what it says",
        "pass it in `env:` and use it there as a quoted variable",
    )


def fork_secret(job: str, event: str, secret: str, node: Node, forks: Location) -> Diagnostic:
    return _at(
        node,
        "fork-reaches-secrets",
        f"the job {show(job)} runs for {show(event)} of forks with the secret {show(secret)}",
        f"pull requests from forks get secrets here ({forks}), and run what their author wrote",
        "keep the job to the repository's own branches with `if: github.event.pull_request.head.repo.full_name == "
        "github.repository`, or stop passing secrets to forks",
    )


def policy_elsewhere(environment: ForgeEnvironment, node: Node) -> Diagnostic:
    return _at(
        node,
        "filter-in-the-file-alone",
        f"the environment {show(environment.name)} has no branch policy ({environment.place}); only this file keeps "
        "other branches out",
        "a run takes the file as the pushed branch has it, where the filter can be taken out",
        "declare `branches:` for the environment",
        Severity.WARNING,
    )


def not_read(what: str, node: Node, fix: str) -> Diagnostic:
    return _at(
        node,
        "not-read",
        what,
        "it stands elsewhere, and nothing is fetched: what it does is not judged here",
        fix,
        Severity.NOTE,
    )


def wrong_shape(message: str, node: Node, fix: str) -> Diagnostic:
    return _at(node, "pipeline-shape", message, "the CI system would refuse it, or leave the job out", fix)


def no_configuration(root: Node) -> Diagnostic:
    return wrong_shape(
        "the file has neither jobs nor workflows: it is no CI configuration",
        root,
        "name a configuration of CircleCI or a workflow of GitHub, or the folder of the repository",
    )


def too_many_jobs(most: int, node: Node) -> Diagnostic:
    return _at(
        node,
        "too-many-values",
        f"the file comes to more than {most:,} jobs or steps; the rest was not looked at",
        "so many cannot be reviewed, and could exhaust the machine that checks them",
        "write it shorter, or divide it over several files",
    )


def missing_job(pipeline: str, pattern: str, environment: str, place: Location, near: list[str]) -> Diagnostic:
    return Diagnostic(
        "deploy-job-missing",
        f"no job {show(pattern)}, which deploys to {show(environment)} by the access files, was found",
        location=place,
        why="a job that was renamed would not be checked any more, and nobody would see it",
        fix=did_you_mean(pattern, near) or f"correct `pipelines.{pipeline}.deploys`",
    )


def _at(node: Node, code: str, message: str, why: str, fix: str, severity: Severity = Severity.ERROR) -> Diagnostic:
    return Diagnostic(code, message, severity, node.place, node.length, why, fix)
