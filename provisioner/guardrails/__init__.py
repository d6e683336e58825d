"""Whether a plan may be applied: plan, live and desired state in; what is held back, and why, out. Pure.

Everything is counted by what changes live, by its effect, and against what is there; never by what changed in the
files.
"""

from provisioner.guardrails.acknowledge import newly_managed_and_let_go
from provisioner.guardrails.case import Case, Held, case_of
from provisioner.guardrails.exposed import declared_exposures
from provisioner.guardrails.judge import Judgement, guarded, judge
from provisioner.guardrails.separation import declared_conflicts
from provisioner.guardrails.system import acknowledged_system, other_system, pinned

__all__ = [
    "Case",
    "Held",
    "Judgement",
    "acknowledged_system",
    "case_of",
    "declared_conflicts",
    "declared_exposures",
    "guarded",
    "judge",
    "newly_managed_and_let_go",
    "other_system",
    "pinned",
]
