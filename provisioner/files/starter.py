"""The files that `provision init` writes: small, valid, and with the next step in a comment."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

from provisioner.files.circleci_config import circleci_config
from provisioner.files.github_workflows import github_workflows

SCHEMA = "access.schema.json"
PIPELINES = {"github": github_workflows, "circleci": circleci_config}
"""By CI system: what makes its files, for an access folder, a branch and a version."""

_ENVIRONMENTS = """\
# Where things run. An environment is a label on things, and the rules for holding a role there.
environments:
  production:
    protected: true                     # never meant by a bare role name: always named
    needs_reason: true
    max_duration: 7d
    owners: [{who}]
"""
_ROLES = """\
# What the holders of a role get, by target.
roles:
  everyone:
    owners: [{who}]                     # who approves changes to its holders
    # grants:
    #   corp-ldap: {{groups: [staff]}}
"""
_PERSON = """\
# One person a file: offboarding them is deleting it.
people:
  {who}:                                # a stable id, never given to someone else
    name: {name}
{email}    roles:
      - everyone
"""
_TARGETS = """\
# The systems. Secrets come from the environment, never from a file.
targets: {}
# In place of {}:
#   corp-ldap:
#     provider: ldap
#     mode: report                      # writes nothing; then `add`, the default
#     url: ldaps://ldap.example.com
#     bind_dn: {env: LDAP_BIND_DN}
#     password: {env: LDAP_PASSWORD}
#     base: {people: "ou=people,dc=example,dc=com", groups: "ou=groups,dc=example,dc=com"}
"""
_RECORDS = """\
records:
  owner: {owner}               # stands in every ownership mark; keep it as it is
  # A journal in the working folder (.provision) will do on your own machine. In CI it must outlive the runner:
  # journal: /srv/provision/journal
"""


@dataclass(frozen=True, slots=True)
class Beginner:
    """The first person in the files."""

    id: str
    name: str
    email: str | None = None


def beginner(name: str, email: str, user: str) -> Beginner:
    """From what git, or else the system, knows of whoever runs this."""
    who = slug(name) or slug(email.rpartition("@")[0]) or slug(user) or "first-person"
    good = re.fullmatch(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", email)
    return Beginner(who, " ".join(name.split()) or who, email if good else None)


def slug(text: str) -> str:
    """`Zoë O'Neil` as an id: `zoe-o-neil`; empty where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].strip("-")


def starter(
    who: Beginner, *, owner: str, access: str, schema: str, branch: str, version: str, ci: str | None = "github"
) -> dict[str, str]:
    """Text by path below the repository's top. `access` is the folder of the access files there; `ci` is a key of
    PIPELINES, or None for no pipeline."""
    email = f"    email: {who.email}\n" if who.email else ""
    key = _quoted(who.id)
    person = _PERSON.format(who=key, name=_quoted(who.name), email=email)
    found = {
        f"{access}/environments.yaml": _ENVIRONMENTS.format(who=key),
        f"{access}/people/{who.id}.yaml": person,
        f"{access}/records.yaml": _RECORDS.format(owner=owner),
        f"{access}/roles.yaml": _ROLES.format(who=key),
        f"{access}/targets.yaml": _TARGETS,
    }
    found = {path: _schema_line(path) + text for path, text in found.items()}
    pipeline = PIPELINES[ci](access, branch, version) if ci is not None else {}
    return found | {SCHEMA: schema} | pipeline


def _schema_line(path: str) -> str:
    up = "../" * (len(PurePosixPath(path).parts) - 1)
    return f"# yaml-language-server: $schema={up}{SCHEMA}\n"


def _quoted(text: str) -> str:
    """A name or id as YAML: plain where that is safe."""
    if re.fullmatch(r"[^\W\d_][\w .'-]*[\w.]", text) and text.lower() not in _WORDS:
        return text
    plain = "".join(c if c.isprintable() else " " for c in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
