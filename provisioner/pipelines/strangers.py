"""What strangers can do to a GitHub workflow: have their code checked out, their text run, secrets handed to them.

Looks at what a job does where somebody without any right starts it, with the repository's secrets at hand. A reference
that is not known to be the repository's own is taken for the stranger's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from provisioner.diagnostics import Diagnostic
from provisioner.pipelines import findings
from provisioner.pipelines.cases import PULL_REQUEST, WITH_SECRETS, Case, branch_case, fork_cases
from provisioner.pipelines.conditions import UNKNOWN, Condition, Facts, value_of
from provisioner.pipelines.declared import Rules
from provisioner.pipelines.document import Node
from provisioner.pipelines.github import Job, Read, Step, steps_of
from provisioner.pipelines.languages import github_value

_MOST_STEPS = 2000
_CHECKING_OUT = frozenset({"pull_request_target", "workflow_run", "issue_comment"})
_OWN = re.compile(
    r"github\.(?:sha|ref|ref_name|base_ref|repository|workflow_sha|event\.(?:repository\..*|pull_request\.base\..*|before|after))\Z"
    r"|(?:vars|secrets)\..*",
    re.IGNORECASE,
)
_EXPRESSION = re.compile(r"\$\{\{((?:(?!\}\}).)*)\}\}", re.DOTALL)
_HEAD = re.compile(
    r"github\.head_ref|pull_request\.head\.(?:sha|ref)|workflow_run\.head_(?:sha|branch)|merge_commit_sha|refs/pull/|pull/",
    re.IGNORECASE,
)
_FETCHES = re.compile(r"\bgit\b[^\n;&|]*?\b(?:fetch|pull|clone|checkout|switch|merge|reset|worktree)\b[^\n]*")
_CLI = re.compile(r"\bgh\s+pr\s+checkout\b")
_TEXT = re.compile(
    r"github\.(?:head_ref"
    r"|event\.(?:issue|pull_request|discussion|comment|review)\.(?:title|body)"
    r"|event\.pull_request\.head\.(?:ref|label|repo\.default_branch|repo\.description|repo\.homepage)"
    r"|event\.workflow_run\.(?:head_branch|display_title|head_commit\.[\w.]+|head_repository\.description)"
    r"|event\.(?:head_commit|commits)\b[\w.\[\]*]*\.(?:message|name|email)"
    r"|event\.pages\b[\w.\[\]*]*page_name)",
    re.IGNORECASE,
)
_SECRET = re.compile(r"secrets\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*'([^']*)'\s*\])", re.IGNORECASE)
_SCRIPT = re.compile(r"actions/github-script@")
_CHECKOUT = re.compile(r"actions/checkout@", re.IGNORECASE)


def strangers(job: Job, rules: Rules, read: Read, upstream: frozenset[str]) -> Iterator[Diagnostic]:
    """The problems of one job."""
    for event in job.events:
        if event.name == "pull_request_target":
            yield from _branches(job, read, branch_case(event), list(fork_cases(event, upstream)))
        reached = [c for c in fork_cases(event, upstream) if job.runs(c.facts)]
        if not reached:
            continue
        if event.name in WITH_SECRETS:
            steps = list(islice(steps_of(job, read), _MOST_STEPS + 1))
            if len(steps) > _MOST_STEPS:
                yield findings.too_many_jobs(_MOST_STEPS, job.body.key("steps"))
            for step in steps[:_MOST_STEPS]:
                for case in reached:
                    if step.runs(case.facts):
                        yield from _step(job, step, case)
        elif event.name in PULL_REQUEST and rules.forks == "secrets":
            yield from _secrets(job, event.name, rules)


def _branches(job: Job, read: Read, own: Case, forks: list[Case]) -> Iterator[Diagnostic]:
    """What is checked out for branches of the repository alone; for forks it is told as worse."""
    if not job.runs(own.facts):
        return
    for step in islice(steps_of(job, read), _MOST_STEPS):
        if not step.runs(own.facts) or any(job.runs(c.facts) and step.runs(c.facts) for c in forks):
            continue
        if (node := _foreign_checkout(job, step, own.facts)) is not None:
            yield findings.branch_checkout(job.id, job.environment is not None, node)


def _step(job: Job, step: Step, case: Case) -> Iterator[Diagnostic]:
    event = case.event.name
    body = step.body
    if event in _CHECKING_OUT and (node := _foreign_checkout(job, step, case.facts)) is not None:
        yield findings.foreign_checkout(job.id, event, node)
    scripts = [body.get("run")]
    if _SCRIPT.match(body.get("uses").text):
        scripts.append(body.get("with", "script"))
    for node in scripts:
        for expression in _EXPRESSION.findall(node.text):
            if _TEXT.search(expression):
                yield findings.foreign_text(job.id, event, expression.strip(), node)


def _foreign_checkout(job: Job, step: Step, facts: Facts) -> Node | None:
    """The line by which a step takes the stranger's code, or None."""
    body = step.body
    if _CHECKOUT.match(body.get("uses").text):
        for key in ("ref", "repository"):
            node = body.get("with", key)
            if node.is_text and _is_foreign(node.text, {**facts, **step.given}):
                return body.get("with").key(key)
        return None
    script = body.get("run")
    if _CLI.search(script.text):
        return script
    environment = [*body.get("env").scalars(), *job.body.get("env").scalars(), *job.workflow.root.get("env").scalars()]
    carried = any(_HEAD.search(n.text) for n in environment)
    for command in _FETCHES.findall(script.text):
        if _HEAD.search(command) or (carried and "$" in command):
            return script
    return None


def _is_foreign(text: str, facts: Facts) -> bool:
    """Whether a reference may be the stranger's: each expression in it must be known to be the repository's own."""
    if "refs/pull/" in text:
        return True
    for expression in _EXPRESSION.findall(text):
        parsed = github_value("${{" + expression + "}}")
        if not _is_own(parsed, facts):
            return True
    return "${{" in _EXPRESSION.sub("", text)


def _is_own(condition: Condition, facts: Facts) -> bool:
    if condition.op == "literal":
        return True
    if condition.op == "variable":
        known = value_of(condition, facts)
        return (known is not UNKNOWN and isinstance(known, str)) or _OWN.match(condition.name) is not None
    if condition.op == "or":
        return all(_is_own(p, facts) for p in condition.parts)
    if condition.op == "and":
        return _is_own(condition.parts[1], facts)
    return False


def _secrets(job: Job, event: str, rules: Rules) -> Iterator[Diagnostic]:
    if job.body.get("secrets").text == "inherit":
        yield findings.fork_secret(job.id, event, "inherit", job.body.get("secrets"), rules.forks_place)
    for node in job.body.scalars():
        for expression in _EXPRESSION.findall(node.text):
            for names in _SECRET.findall(expression):
                name = next(n for n in names if n)
                if name.upper() != "GITHUB_TOKEN":
                    yield findings.fork_secret(job.id, event, name, node, rules.forks_place)
