"""HTTP for providers and for what reports to a forge: one session a target, with a guard, a budget and limits.

It knows no system. It refuses to follow a redirect to another host with a token, to read without end, and, behind the
read-only guard, to send anything that could change something.
"""

from provisioner.transport.answer import Answer, TransportError, Why
from provisioner.transport.budget import Budget, Budgets, Pace
from provisioner.transport.guard import Guard, anything, read_only
from provisioner.transport.session import Auth, Limits, Session

__all__ = [
    "Answer",
    "Auth",
    "Budget",
    "Budgets",
    "Guard",
    "Limits",
    "Pace",
    "Session",
    "TransportError",
    "Why",
    "anything",
    "read_only",
]
