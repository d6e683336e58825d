"""People of a directory -> access files. What gives is only ever proposed, as an edit of files that somebody reviews;
what takes away on its word alone is who has left it, within limits. Reads by a `SourceReader`; writes to no system.
"""

from provisioner.sources.leavers import (
    Found,
    How,
    Leaver,
    Leaving,
    incomplete,
    is_disabled,
    known_from,
    leaving,
    other_system,
)
from provisioner.sources.proposal import Kind, Person, Proposal, back, propose
from provisioner.sources.recognising import Doubt
from provisioner.sources.roster import Listed, Roster, read
from provisioner.sources.write import edits_for, line_of

__all__ = [
    "Doubt",
    "Found",
    "How",
    "Kind",
    "Leaver",
    "Leaving",
    "Listed",
    "Person",
    "Proposal",
    "Roster",
    "back",
    "edits_for",
    "incomplete",
    "is_disabled",
    "known_from",
    "leaving",
    "line_of",
    "other_system",
    "propose",
    "read",
]
