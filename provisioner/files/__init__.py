"""Writing access files: an edit takes out, or puts in, exactly what it is about, and leaves every other byte as it was.

Refuses an edit that would change anything else; then it says what a person has to do by hand.
"""

from provisioner.files.edit import Edit, write_all
from provisioner.files.offboard import offboard
from provisioner.files.put import NotPutError, put
from provisioner.files.written import lines

__all__ = ["Edit", "NotPutError", "lines", "offboard", "put", "write_all"]
