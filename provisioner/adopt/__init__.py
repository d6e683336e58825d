"""Live State -> declared access: whose account is whose, which sets of things are roles, what the files cannot say.

Nothing is guessed. What is doubtful is listed, and settled by whoever runs the command; what the files cannot say stays
as it is, and is listed too.
"""

from provisioner.adopt.adoption import Adoption, adopt
from provisioner.adopt.found import Found
from provisioner.adopt.settled import Settled, read_map, write_map

__all__ = ["Adoption", "Found", "Settled", "adopt", "read_map", "write_map"]
