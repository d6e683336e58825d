"""The embedded CircleCI: one organization with contexts, and who may use each after every single change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from provisioner.sandbox.circleci import CircleCiServer
from provisioner.sandbox.circleci.state import Organization, Person
from provisioner.sandbox.service import Exchange
from tests.faults.story import Story
from tests.faults.systems.circleci_wire import CircleWire

MAIN, SIGNED = 'pipeline.git.branch == "main"', "not job.ssh.enabled"
EVERYONE, ADMINS = "everyone", "admins"
Open = str | Mapping[str, tuple[str, ...]]
_CONTEXTS: tuple[Mapping[str, Open], ...] = (
    {
        "deploy": {"groups": ("operators",)},
        "release": {"groups": ("developers",)},
        "test": EVERYONE,
        "audit": {"projects": ("site",)},
        "swap": {"groups": ("operators",), "projects": ("site",)},
        "cross": {"groups": ("operators",), "projects": ("site",), "expressions": (MAIN,)},
        "steady": {"groups": ("web",), "expressions": (MAIN,)},
    },
    {
        "deploy": {"projects": ("site",)},
        "release": {"groups": ("operators",), "projects": ("site",)},
        "test": {"groups": ("developers",)},
        "audit": ADMINS,
        "swap": {"groups": ("web",)},
        "cross": {"groups": ("developers",), "projects": ("tools",), "expressions": (SIGNED,)},
        "steady": {"groups": ("web",), "expressions": (MAIN,)},
        "sign": {"groups": ("operators",), "expressions": (MAIN,)},
    },
)
"""Before and after: each has another way from one to the other; steps in the wrong order would open most of them."""
_GROUPS = ("developers", "operators", "web", "all-hands")
_PROJECTS = ("site", "tools", "theirs")
Snapshot = Mapping[str, tuple[frozenset[tuple[str, str]], int]]
"""By context: its restrictions by kind and name, and how many variables it holds."""


class CircleSystem:
    """`tests.faults.systems.base.System`. The state lives in this process; a case runs in a fork of it."""

    name = "circleci"

    def __init__(self) -> None:
        self.server = CircleCiServer()
        self.server.manners.github_groups = True
        self.server.per_minute = None
        self.wire = CircleWire(self)
        self.silent = self.wire.silent
        self.forge: str | None = None
        """The target whose teams the groups are, where there is one in the story."""
        self._seen: list[tuple[str, Snapshot]] = []
        self.boss: Person
        self.org: Organization
        self._token = ""

    # Life

    def start(self, folder: Path) -> None:
        self.server.start()

    def seed(self, story: Story) -> None:
        state = self.server.state
        self.boss = state.create_person("acme-bot")
        self.org = state.create_org("acme", self.boss)
        for name in _GROUPS:
            state.create_group(self.org, name)
        for name in _PROJECTS:
            state.create_project(self.org, name)
        for name in (*_CONTEXTS[0], "legacy", *(f"theirs{n}" for n in range(3))):
            context = state.create_context(self.org, name)
            context.restrictions.clear()
            for kind, value in _restrictions(_CONTEXTS[0].get(name, EVERYONE)):
                state.restrict(context, kind, self._id(kind, value))
            state.set_variable(context.variables, "DEPLOY_KEY", f"a value of {name} that nobody is told")
        self._token = self.server.token(self.boss)

    def _id(self, kind: str, value: str) -> str:
        if kind == "group":
            groups = {g.name: g.id for g in self.org.groups.values()}
            return self.org.id if value == EVERYONE else groups[value]
        return value if kind == "expression" else self._projects()[value]

    def _projects(self) -> dict[str, str]:
        return {p.name: p.id for p in self.server.state.projects.values()}

    def save(self) -> None:
        self.server.stop()

    def restore(self) -> None:
        """Each case is forked from what was saved."""

    def serve(self) -> None:
        self._seen = [("the beginning", self._snapshot())]
        self.server.watchers = [self._watch]
        self.server.start()

    def stop(self) -> None:
        self.server.stop()

    @property
    def upstream(self) -> tuple[str, int]:
        where = urlparse(self.server.url)
        return (str(where.hostname), int(where.port or 0))

    def plant(self, secret: Iterator[str], logins: frozenset[str]) -> list[str]:
        """Our token, and the value of every variable."""
        old, new = self._token, next(secret).encode("ascii", "ignore").decode()
        self.server.tokens[new] = self.server.tokens.pop(old)
        self._token, planted = new, [new]
        for context in self.server.state.contexts.values():
            planted.append(next(secret))
            self.server.state.set_variable(context.variables, "DEPLOY_KEY", planted[-1])
        return planted

    def small_pages(self) -> None:
        self.server.manners.page_size = 2

    def environment(self, port: int) -> dict[str, str]:
        return {"CIRCLECI_API_URL": f"http://127.0.0.1:{port}/api/v2", "CIRCLECI_TOKEN": self._token}

    def broken(self, wrong: str) -> list[dict[str, str]]:
        plain = wrong.encode("ascii", "ignore").decode()
        return [{"CIRCLECI_TOKEN": plain}, {"CIRCLECI_API_URL": f"http://user:{wrong}@127.0.0.1:1/api/v2"}]

    # The files

    def target(self, *, after: bool) -> str:
        lines = [f"{self.name}:", "  provider: circleci", "  organization: gh/acme"]
        lines += ["  api_url: {env: CIRCLECI_API_URL}", "  token: {env: CIRCLECI_TOKEN}"]
        lines += [f"  forge: {self.forge}"] if self.forge else []
        lines.append("  contexts:")
        for name, value in _CONTEXTS[after].items():
            said = value if isinstance(value, str) else ", ".join(f"{k}: [{_quoted(v)}]" for k, v in value.items())
            lines.append(f"    {name}: {{open_to: {said if isinstance(value, str) else f'{{{said}}}'}}}")
        return "\n".join(lines)

    def grants(self, role: Mapping[str, tuple[str, ...]]) -> str:
        return ""

    def account(self, login: str) -> str:
        return ""

    def wanted(self, login: str, roles: Iterable[Mapping[str, tuple[str, ...]]]) -> frozenset[str]:
        return frozenset()

    def standing(self, *, after: bool) -> frozenset[str]:
        made = {name: _restrictions(value) for name, value in _CONTEXTS[after].items()}
        return frozenset(_things(made))

    # The truth

    def held(self, logins: frozenset[str]) -> frozenset[str]:
        ours = {*_CONTEXTS[0], *_CONTEXTS[1]}
        return frozenset(_things({name: found for name, (found, _) in self._snapshot().items() if name in ours}))

    def _snapshot(self) -> Snapshot:
        names = {g.id: g.name for g in self.org.groups.values()} | {i: n for n, i in self._projects().items()}
        names[self.org.id] = EVERYONE
        return {
            c.name: (
                frozenset((r.kind, names.get(r.value, r.value)) for r in c.restrictions.values()),
                len(c.variables),
            )
            for c in self.server.state.contexts_of(self.org)
        }

    def foreign(self, logins: frozenset[str]) -> Mapping[str, Any]:
        ours = {*_CONTEXTS[0], *_CONTEXTS[1]}
        state = self.server.state
        found: dict[str, Any] = {f"context {c.name}": asdict(c) for c in state.contexts.values() if c.name not in ours}
        kept = {c.name: (c.id, {k: asdict(v) for k, v in c.variables.items()}) for c in state.contexts.values()}
        found |= {f"variables of {name}": each for name, each in kept.items() if name in _CONTEXTS[0]}
        found |= {f"group {g.name}": asdict(g) for g in self.org.groups.values()}
        return found | {f"project {p.name}": asdict(p) for p in state.projects.values()}

    def accounts(self, logins: frozenset[str]) -> Mapping[str, int]:
        return {}

    def _watch(self, exchange: Exchange) -> None:
        if exchange.environ["REQUEST_METHOD"] != "GET":
            self._seen.append((exchange.call, self._snapshot()))

    def moments(self, story: Story) -> list[str]:
        """After each single change, and so wherever a run may have died: whoever can use a context could before, or is
        to be able to. A context that holds no variable yet may be open: a new one always is."""
        wrong = []
        for call, snapshot in self._seen:
            for name in {*_CONTEXTS[0], *_CONTEXTS[1]} & snapshot.keys():
                restrictions, variables = snapshot[name]
                allowed = {u for side in _CONTEXTS if name in side for u in uses(_restrictions(side[name]))}
                more = uses(restrictions) - allowed
                if more and (variables or name in _CONTEXTS[0]):
                    wrong.append(f"context {name} was open to {_words(more)} after {call}")
        return wrong

    def rests_on(self, action: str, thing: str, damaged: frozenset[str]) -> bool:
        """Whatever is done to a context rests on its restrictions; one that is to be made was looked for."""
        return action != "create" and f"restrictions/{thing.partition('/')[2]}" in damaged

    # `tests.faults.systems.circleci_wire.Names`

    def context(self, number: str) -> str:
        found = self.server.state.contexts.get(number)
        return found.name if found is not None else f"nothing-{number}"


def _restrictions(value: Open) -> frozenset[tuple[str, str]]:
    """As CircleCI keeps it: everybody is a group too, and only administrators come where there is none."""
    if value == EVERYONE:
        return frozenset({("group", EVERYONE)})
    if isinstance(value, str):
        return frozenset()
    kinds = {"groups": "group", "projects": "project", "expressions": "expression"}
    found = {(kinds[key], name) for key, names in value.items() for name in names}
    return frozenset(found if "groups" in value else found | {("group", EVERYONE)})


def _things(contexts: Mapping[str, Iterable[tuple[str, str]]]) -> Iterator[str]:
    for name, restrictions in contexts.items():
        yield f"control/{name}"
        for kind, value in restrictions:
            yield f"{kind}.{value}/{name}"


def uses(restrictions: Iterable[tuple[str, str]]) -> frozenset[tuple[str, ...]]:
    """Who may use a context with these, where, and how: one of the groups, in one of the projects, by all rules. An
    oracle of its own: members of each group and of none, in each project, with each rule true or not."""
    by_kind = {k: {v for kind, v in restrictions if kind == k} for k in ("group", "project", "expression")}
    found = set()
    for who, where, main, signed in product((*_GROUPS, "nobody"), _PROJECTS, (True, False), (True, False)):
        true = {rule for rule, holds in ((MAIN, main), (SIGNED, signed)) if holds}
        inside = who in by_kind["group"] or EVERYONE in by_kind["group"]
        if inside and where in (by_kind["project"] or _PROJECTS) and by_kind["expression"] <= true:
            found.add((who, where, f"main {main}", f"signed {signed}"))
    return frozenset(found)


def _words(found: Iterable[tuple[str, ...]]) -> str:
    return "; ".join(sorted({f"{who} in {where}" for who, where, *_ in found})[:4])


def _quoted(values: Iterable[str]) -> str:
    return ", ".join("'" + value + "'" for value in values)
