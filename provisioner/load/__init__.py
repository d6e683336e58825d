"""access/*.yaml into DeclaredAccess; every value keeps its line and column, and everything wrong is told in one run.

Files are data: no templates, includes, code or look-ups. Nothing here calls a system, and no SDK is imported.
"""

from provisioner.load.loader import Loaded, load_access, load_files

__all__ = ["Loaded", "load_access", "load_files"]
