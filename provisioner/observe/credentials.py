"""Leavers' and suspended people's credentials, which no bulk read gives.

Only theirs, and only where they have an account.
"""

from __future__ import annotations

from dataclasses import replace

from provisioner.contract import Reading
from provisioner.model.address import Kind
from provisioner.model.coverage import Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.match import Matched
from provisioner.model.state import State
from provisioner.observe.inventory import Observed


def credentials_to_read(matched: Matched, coverage: Coverage) -> frozenset[Scope]:
    """Those that `coverage` does not have yet."""
    logins = {m.login for m in matched.by_login.values() if m.departed or m.identity.suspended}
    missing = {Scope(Kind.CREDENTIAL, login) for login in logins}
    return frozenset(s for s in missing if not coverage.is_complete(s.kind, s.of))


def with_credentials(reading: Reading, seen: Observed, want: frozenset[Scope]) -> Reading:
    """The reading of a target, and what a second one of `want` gave."""
    if seen.reading is None:
        unread = [ScopeCoverage(scope, Verdict.UNREAD, str(seen.error)) for scope in want]
        return replace(reading, coverage=Coverage((*reading.coverage.scopes(), *unread)))
    return Reading(
        State.from_mapping({**reading.state.resources, **seen.reading.state.resources}),
        Coverage((*reading.coverage.scopes(), *seen.reading.coverage.scopes())),
        seen.reading.server_time or reading.server_time,
        reading.looked,
        reading.calls + seen.reading.calls,
        reading.warnings + seen.reading.warnings,
    )
