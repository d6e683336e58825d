"""The embedded CircleCI; see `server.py`. `state.py` is what it holds and who may use a context; the other files are
routes by subject.
"""

from provisioner.sandbox.circleci import contexts, projects, workflows  # noqa: F401 - each adds its routes
from provisioner.sandbox.circleci.server import CircleCiServer

__all__ = ["CircleCiServer"]
