"""A plan -> calls on writers: looked at right before, intended in the journal, written, read back, recorded.

Does what the plan says and nothing else; what has moved since is refused by name, and one bad thing does not hold up
the rest.
"""

from provisioner.apply.applied import Applied, Progress, TargetApplied
from provisioner.apply.executor import apply_plan
from provisioner.apply.retry import Waits
from provisioner.records.entries import Reason, Result, Settled

__all__ = ["Applied", "Progress", "Reason", "Result", "Settled", "TargetApplied", "Waits", "apply_plan"]
