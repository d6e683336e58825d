"""A CircleCI configuration against the rules: approval, context and branches of what deploys, contexts of all jobs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from provisioner.diagnostics import Diagnostic
from provisioner.load.display import several, show
from provisioner.pipelines import findings
from provisioner.pipelines.circleci import MOST_JOBS, Job, facts_for, jobs_of, remote_orbs
from provisioner.pipelines.conditions import UNKNOWN, Begins, is_certainly_false
from provisioner.pipelines.declared import Deploy, Rules
from provisioner.pipelines.document import Node
from provisioner.pipelines.refs import Allowed, Ref

_PARTS = frozenset({"version", "setup", "orbs", "parameters", "commands", "executors", "jobs", "workflows"})
_FILE = re.compile(r"(?:\./)?(\.circleci/[\w./-]+\.ya?ml)\Z")


def judge(root: Node, rules: Rules) -> tuple[list[Diagnostic], list[str]]:
    """The problems of one file, and the names of its jobs."""
    if root.is_map and not _PARTS & root.keys.keys():
        return [findings.no_configuration(root)], []
    jobs = jobs_of(root)
    judging = _Judging(jobs, rules)
    found = [findings.too_many_jobs(MOST_JOBS, root.key("workflows"))] if len(jobs) > MOST_JOBS else []
    found += [problem for job in jobs for problem in judging.job(job)]
    found += _orbs(root, jobs)
    if root.get("setup").text == "true" and not continued(root):
        found.append(
            findings.not_read(
                "this configuration only makes another one, which runs afterwards",
                root.key("setup"),
                "check what it makes as well: `provision check-pipeline FILE`",
            )
        )
    return found, [name for job in jobs if not job.is_approval for name in _names(job)]


def continued(root: Node) -> list[str]:
    """Files of the repository that a setup configuration goes on with, by their path."""
    if root.get("setup").text != "true":
        return []
    return sorted({m[1] for n in root.scalars() if (m := _FILE.match(n.text.strip())) and ".." not in m[1]})


class _Judging:
    def __init__(self, jobs: list[Job], rules: Rules) -> None:
        self.rules = rules
        self.by_name: dict[tuple[str, str], list[Job]] = {}
        for job in jobs:
            for name in job.names:
                self.by_name.setdefault((job.workflow, name), []).append(job)

        self.approved = _approved(jobs, self.by_name)

    def job(self, job: Job) -> Iterator[Diagnostic]:
        yield from self._contexts(job)
        yield from self._requires(job)
        if job.is_approval:
            return
        for deploy in self.rules.protected:
            if self._deploys(job, deploy):
                yield from self._deploy(job, deploy)
        if self.rules.forks == "secrets" and _runs_for_forks(job):
            yield from self._forks(job)

    def _contexts(self, job: Job) -> Iterator[Diagnostic]:
        known = self.rules.contexts
        for named in job.contexts:
            if named.name is None:
                yield findings.untold_context(named.node)
            elif (context := known.get(named.name)) is None:
                yield findings.unknown_context(named.name, list(known.values()), named.node)
            elif not context.restricted:
                yield findings.open_context(context, named.node)

    def _requires(self, job: Job) -> Iterator[Diagnostic]:
        for needed in job.requires:
            if (job.workflow, needed.name) not in self.by_name and "<<" not in needed.name:
                yield findings.wrong_shape(
                    f"the workflow {show(job.workflow)} has no job {show(needed.name)} to wait for",
                    needed.node,
                    "correct the name; it may be the one that `name:` gives",
                )

    def _deploys(self, job: Job, deploy: Deploy) -> bool:
        used = {named.name for named in job.contexts}
        return bool(used & deploy.contexts) or deploy.names_job(*_names(job)) or _may_be(job.name, deploy)

    def _deploy(self, job: Job, deploy: Deploy) -> Iterator[Diagnostic]:
        if id(job) not in self.approved:
            node = job.body.key("requires") if "requires" in job.body.keys else job.key
            fix = "let it require a job of `type: approval`"
            yield findings.no_approval(job.name, deploy, node, fix)
        used = [n for n in job.contexts if n.name in deploy.contexts]
        if not used:
            node = job.body.key("context") if "context" in job.body.keys else job.key
            yield findings.no_context(job.name, deploy, node)
        for named in used:
            context = self.rules.contexts.get(named.name or "")
            if context is not None and context.restricted and not context.by_whom:
                yield findings.loose_context(context, deploy.environment, named.node)
        case = _escape(job, deploy.allowed)
        if case is not None:
            node = _filter(job, case)
            fix = f"write `filters: {{branches: {{only: [{', '.join(deploy.allowed.branches)}]}}}}`"
            yield findings.no_filter(job.name, deploy.environment, deploy.allowed, case.words, node, fix)

    def _forks(self, job: Job) -> Iterator[Diagnostic]:
        for named in job.contexts:
            context = self.rules.contexts.get(named.name or "")
            if context is not None and not context.by_whom:
                yield findings.fork_context(context, job.name, named.node, self.rules.forks_place)


def _approved(jobs: list[Job], by_name: Mapping[tuple[str, str], list[Job]]) -> set[int]:
    """The jobs before which some job that must have succeeded is a person's approval."""
    followers: dict[int, list[Job]] = {}
    queue: list[Job] = []
    for job in jobs:
        for needed in job.requires:
            before = by_name.get((job.workflow, needed.name), []) if needed.succeeded else []
            if before and all(b.is_approval for b in before):
                queue.append(job)
            for one in before:
                followers.setdefault(id(one), []).append(job)
    found: set[int] = set()
    while queue:
        here = queue.pop()
        if id(here) not in found:
            found.add(id(here))
            queue += followers.pop(id(here), [])
    return found


def _filter(job: Job, case: Ref) -> Node:
    """The line of the filter that lets the case in, or of the job where it has none."""
    filters = job.body.get("filters")
    side = "tags" if case.kind == "tag" else "branches"
    if side in filters.keys:
        return filters.key(side)
    return job.body.key("filters") if "filters" in job.body.keys else job.key


def _names(job: Job) -> list[str]:
    names = sorted({*job.names, job.key.text})
    return [*names, *(f"{job.workflow}/{name}" for name in names)]


def _may_be(name: str, deploy: Deploy) -> bool:
    """Whether a name that a parameter completes could be one of the jobs that deploy."""
    if "<<" not in name:
        return False
    shape = re.compile(".*".join(re.escape(part) for part in re.split(r"<<[^<>]*>>", name)))
    return any(shape.fullmatch(pattern) for pattern in deploy.jobs)


def _escape(job: Job, allowed: Allowed) -> Ref | None:
    """A branch or tag that it runs for and that may not be deployed from."""
    own = _outside(job, job.refs(), allowed)
    scheduled = job.scheduled()
    return own if scheduled is None or own is None else _outside(job, scheduled, allowed)


def _outside(job: Job, refs: Iterable[Ref], allowed: Allowed) -> Ref | None:
    for ref in refs:
        facts = facts_for(ref)
        if not allowed.holds(ref) and not any(is_certainly_false(c, facts) for c in job.conditions):
            return ref
    return None


def _runs_for_forks(job: Job) -> bool:
    """Whether it runs for the branches `pull/…` that pull requests of forks are built on."""
    return any(
        ref.kind == "branch"
        and (ref.name is UNKNOWN or isinstance(ref.name, Begins))
        and not any(is_certainly_false(c, facts_for(ref)) for c in job.conditions)
        for ref in job.refs()
    )


def _orbs(root: Node, jobs: Iterable[Job]) -> Iterator[Diagnostic]:
    for name, node in remote_orbs(root):
        used = [job for job in jobs if job.key.text.startswith(f"{name}/")]
        given = sorted({n.name for job in used for n in job.contexts if n.name})
        if used:
            told = several(sorted({job.key.text for job in used}))
            what = f"what {told} of the orb {show(node.text)} do{'es' if len(used) == 1 else ''} is not read"
            with_contexts = f"; given the variables of {several(given)}" if given else ""
            yield findings.not_read(what + with_contexts, node, "look at the orb's source in the version named")
