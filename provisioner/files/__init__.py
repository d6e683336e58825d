"""Writing access files: an edit takes out, or puts in, exactly what it is about, and leaves every other byte as it was.

Refuses an edit that would change anything else; then it says what a person has to do by hand.
"""

from provisioner.files.edit import Edit
from provisioner.files.offboard import offboard

__all__ = ["Edit", "offboard"]
