"""The embedded GitHub; see `server.py`. Importing it loads no web framework: it answers with the standard library.

`server.py` is the way in, `world.py` and `things.py` the state, `rights.py` who may do what, `auth.py` and `limits.py`
who calls and how often, `shapes.py` and `repo_shapes.py` how things are written; the other files are routes by subject,
and `query/` is GraphQL.
"""

from provisioner.sandbox.github import (  # noqa: F401 - each adds its routes
    actions,
    apps,
    branches,
    comments,
    credentials,
    environments,
    orgs,
    people,
    protection,
    pulls,
    repos,
    roles,
    rulesets,
    runs,
    secrets,
    teams,
)
from provisioner.sandbox.github.server import READ_ALL, WRITE_ALL, AppKey, GitHubServer

__all__ = ["READ_ALL", "WRITE_ALL", "AppKey", "GitHubServer"]
