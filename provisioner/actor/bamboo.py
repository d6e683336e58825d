"""Bamboo: the reason of a build, which is a sentence of HTML; only two of its forms are understood.

`Manual run by <a href=".../browse/user/NAME">` names a person by the address, never by the display name; `Scheduled` is
nobody. Whatever else stands there (changes by somebody, a run after another plan, a re-run) is refused: it names who
wrote something, not who set the build going. Users have no id beside their login.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from provisioner.actor.calls import Api, open_api, text, unreadable, variable, wrong
from provisioner.actor.decide import Hand
from provisioner.actor.declared import Declared, declared_at, split
from provisioner.actor.found import Aborted, Account, Found, Part, Sign
from provisioner.model.access import DeclaredAccess

SYSTEM = "Bamboo"
_MANUAL = re.compile(r'\s*Manual run by <a href="([^"<>]+)">[^<>]*</a>\s*\Z')
_USER = re.compile(r".*/browse/user/([^/]+)\Z")
_SCHEDULED = re.compile(r"\s*Scheduled(?: build)?\.?\s*\Z")
_PLAN = re.compile(r"[A-Z][A-Z0-9]*-[A-Z][A-Z0-9]*\Z")
_UNDER_WAY = frozenset({"InProgress", "Pending", "Queued"})


@dataclass
class BambooRun:
    """One build of a plan, to be asked about and to be stopped."""

    api: Api
    at: Declared
    plan: str
    key: str
    prefix: str

    def found(self, environment: str, approver_not: Collection[Hand]) -> Found:  # noqa: ARG002
        build = self.api.get(f"{self.prefix}/rest/api/latest/result/{self.key}")
        if text(build, "buildResultKey") != self.key:
            raise unreadable(SYSTEM, "the answer is of another build")
        reason = text(build, "buildReason")
        bad = []
        if text(build, "lifeCycleState") not in _UNDER_WAY:
            bad.append(Sign("run-over", "it has ended, so it is not the one that asks"))
        if text(build, "plan", "key") != self.plan:
            bad.append(Sign("another-run", "it is of another plan, or of a branch of this one"))
        who, scheduled = _person(reason), _SCHEDULED.match(reason) is not None
        if not who and not scheduled:
            bad.append(
                Sign("event", "its reason is no manual run and no schedule, so it names nobody who set it going")
            )
        return Found(
            SYSTEM,
            f"build {self.key}",
            f"{self.at.url.rpartition('/')[0]}/{self.key}",
            "schedule" if scheduled else "manual" if who else "other",
            (Part("started it", Account(self.at.realm, who)),) if who else (),
            self.at.pipeline,
            scheduled,
            tuple(bad),
            tells_approvals=False,
        )

    def abort(self) -> Aborted:
        return self.api.stop("DELETE", f"{self.prefix}/rest/api/latest/queue/{self.key}", over=lambda _: False)


def _person(reason: str) -> str:
    """The login in the link of a manual run; empty for all else."""
    manual = _MANUAL.match(reason)
    found = _USER.match(urlsplit(html.unescape(manual[1])).path) if manual else None
    return unquote(found[1]) if found else ""


def open_run(declared: DeclaredAccess, environ: Mapping[str, str]) -> BambooRun:
    """The build that we are in. ProvisionError where the files do not have its plan, or a variable is missing."""
    plan = variable(environ, "bamboo_planKey", "the key of the plan")
    number = variable(environ, "bamboo_buildNumber", "the number of the build")
    token = variable(environ, "BAMBOO_TOKEN", "an access token that may read the plan and stop its builds")
    here = variable(environ, "bamboo_resultsUrl", "the address of the build")
    if _PLAN.match(plan) is None or not number.isdigit():
        raise wrong(SYSTEM, "bamboo_planKey or bamboo_buildNumber is not what Bamboo writes there")
    at = declared_at(declared, "bamboo", SYSTEM, f"{here.partition('/browse/')[0]}/browse/{plan}")
    origin, path = split(at.url)
    prefix, _, known = path.partition("/browse/")
    if known != plan:
        raise wrong(SYSTEM, f"the plan {plan} is not the declared one")
    key = f"{plan}-{number}"
    stop = ("DELETE", f"{prefix}/rest/api/latest/queue/{key}")
    api = open_api(SYSTEM, origin, {"Authorization": f"Bearer {token}"}, token, stop)
    return BambooRun(api, at, plan, key, prefix)
