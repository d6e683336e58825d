"""GitHub workflows against the rules: environment, reviewers and branches of what deploys, and what strangers reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from provisioner.diagnostics import Diagnostic
from provisioner.load.display import show
from provisioner.pipelines import findings
from provisioner.pipelines.cases import PULL_REQUEST, Case, cases
from provisioner.pipelines.declared import Deploy, ForgeEnvironment, Rules
from provisioner.pipelines.document import Node
from provisioner.pipelines.github import Job, Read, calls, events_of, jobs_of, local
from provisioner.pipelines.refs import Allowed
from provisioner.pipelines.strangers import strangers

MOST_JOBS = 1000
"""Jobs that one workflow may come to, with its matrices and the workflows that it calls."""


def judge(files: Mapping[str, Node], rules: Rules, read: Read) -> tuple[list[Diagnostic], list[str]]:
    """The problems of all workflows of a repository, and the names of their jobs."""
    called = {path for root in files.values() for path in calls(root)}
    found: list[Diagnostic] = []
    names: list[str] = []
    for file, root in sorted(files.items()):
        events = events_of(root)
        if file in called and all(e.name == "workflow_call" for e in events):
            continue  # judged where it is called
        upstream = _upstream(root, files)
        jobs = list(islice(jobs_of(file, root, read), MOST_JOBS + 1))
        if len(jobs) > MOST_JOBS:
            found.append(findings.too_many_jobs(MOST_JOBS, root.key("jobs")))
            jobs.pop()
        for job in jobs:
            names += job.names
            found += _job(job, jobs, rules, read)
            found += strangers(job, rules, read, upstream)
    return found, names


def _upstream(root: Node, files: Mapping[str, Node]) -> frozenset[str]:
    """The events by which a stranger may start the workflows that this one follows (`workflow_run`)."""
    followed = {n.text for n in root.get("on", "workflow_run", "workflows").words()}
    known: dict[str, Node] = {}
    for file, other in files.items():
        known[other.get("name").text or file] = other
    if not followed or not followed <= known.keys():
        return frozenset({"pull_request"})
    return frozenset(
        event.name
        for name in followed
        for event in events_of(known[name])
        if event.name in PULL_REQUEST or event.name == "pull_request_target"
    )


def _job(job: Job, jobs: list[Job], rules: Rules, read: Read) -> Iterator[Diagnostic]:
    path = local(job.uses)
    is_read = path is not None and read(path) is not None
    if job.uses and not is_read:
        yield findings.not_read(
            f"the workflow {show(job.uses)} that the job {show(job.id)} calls is not read",
            job.body.get("uses"),
            "look at it in the version named; let what deploys stand in a workflow of this repository",
        )
    words = [*job.all_conditions, *([job.environment] if job.environment is not None else [])]
    reached = [case for event in job.events for case in cases(event, words) if job.runs(case.facts)]
    yield from _environments(job, reached, rules)
    for deploy in rules.protected:
        yield from _deploy(job, jobs, deploy, reached, rules, is_read)


def _environments(job: Job, reached: list[Case], rules: Rules) -> Iterator[Diagnostic]:
    """Environments that the access files do not have, where they know the repository, or that would deploy."""
    named = {name for case in reached for name in job.environments(case.facts) if name is not None}
    forge = rules.forge or {}
    for name in sorted(named - forge.keys()):
        if rules.forge is not None or any(name in d.environments for d in rules.protected):
            yield findings.unknown_environment(name, dict(forge), rules.repository, job.environment_node)


def _deploy(
    job: Job, jobs: list[Job], deploy: Deploy, reached: list[Case], rules: Rules, is_read: bool
) -> Iterator[Diagnostic]:
    forge = rules.forge or {}
    entered: dict[str, list[Case]] = {}
    for case in reached:
        for name in job.environments(case.facts):
            # One that cannot be told may be any that the access files have for the environment.
            for one in deploy.environments & ({name} if name is not None else forge.keys()):
                entered.setdefault(one, []).append(case)
    if deploy.names_job(*job.own_names) and not _enters(job, jobs, deploy, reached, rules, is_read):
        node = job.environment_node if "environment" in job.body.keys else job.key
        yield findings.no_environment(job.id, deploy, node)
    for name, inside in sorted(entered.items()):
        environment = forge.get(name)
        if environment is None:
            continue  # told already
        if not environment.reviewed:
            fix = f"declare `reviewers:` for the environment ({environment.place})"
            yield findings.no_approval(job.id, deploy, job.environment_node, fix)
        yield from _branches(job, deploy.environment, deploy.allowed, environment, inside)


def _enters(job: Job, jobs: list[Job], deploy: Deploy, reached: list[Case], rules: Rules, is_read: bool) -> bool:
    """Whether the job, or one of the workflow that it calls, enters an environment for it; one that the access files do
    not have is told already."""
    inside = [j for j in jobs if job in j.callers] if is_read else [job]
    for case in reached:
        for one in inside:
            names = one.environments(case.facts)
            if names & deploy.environments:
                return True
            if rules.forge is not None and any(n is not None and n not in rules.forge for n in names):
                return True
    return False


def _branches(
    job: Job, environment: str, allowed: Allowed, declared: ForgeEnvironment, inside: list[Case]
) -> Iterator[Diagnostic]:
    """A branch that gets in: past the environment's own policy, and past what the file says."""
    policy = declared.branches
    if policy is not None and all(allowed.holds_all_of(pattern) for pattern in policy):
        return
    escape = next((c for c in inside if c.ref is not None and not allowed.holds(c.ref)), None)
    if escape is None:
        if policy is None:
            yield findings.policy_elsewhere(declared, job.environment_node)
        return
    node = job.body.key("if") if "if" in job.body.keys else job.key
    fix = f"declare `branches: [{', '.join(allowed.branches)}]` for the environment ({declared.place}), and let the "
    fix += "workflow run for them alone"
    yield findings.no_filter(job.id, environment, allowed, escape.words, node, fix)
