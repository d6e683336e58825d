"""Two small providers to load against, so that these tests do not depend on what a real system takes.

`directory` has groups; `cloud` has an account, groups and policies. Only what `load` uses is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

from pydantic import BaseModel, Field, StringConstraints

from provisioner.contract import Capabilities, Provider
from provisioner.contract.fields import FromEnvironment, Strict
from provisioner.diagnostics import Diagnostic
from provisioner.load import Loaded, load_files
from provisioner.model.block import Block
from provisioner.model.identity import Identity
from provisioner.model.principal import Principal
from provisioner.model.resource import Resource
from provisioner.model.target import Target

Name = Annotated[str, StringConstraints(min_length=1)]


class Base(Strict):
    people: Name
    groups: Name


class DirectorySettings(Strict):
    url: Name
    password: FromEnvironment | None = None
    bind_dn: Name | FromEnvironment | None = None
    base: Base | None = None
    start_tls: bool = False


class DirectoryGrants(Strict):
    groups: list[Name]


class Group(Strict):
    description: Name | None = None


class DirectoryObjects(Strict):
    groups: dict[Name, Group] = Field(default_factory=dict)


class CloudSettings(Strict):
    account: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
    assume_role: dict[Name, Name] | None = None


class CloudGrants(Strict):
    groups: list[Name] = Field(default_factory=list)
    policies: list[Name] = Field(default_factory=list)
    teams: Annotated[list[Name] | dict[Name, Name], Field(union_mode="left_to_right")] = Field(default_factory=list)


class CloudGroup(Strict):
    policies: list[Name] | None = None


class CloudObjects(Strict):
    groups: dict[Name, CloudGroup] = Field(default_factory=dict)


@dataclass(frozen=True)
class TinyDeclare:
    target: Target
    capabilities: Capabilities

    def check(self) -> Iterable[Diagnostic]:
        url = self.target.settings.data.get("url")
        if isinstance(url, str) and not url.startswith("ldap"):
            yield Diagnostic("tiny-url", "the url is no ldap address", location=self.target.settings.at("url"))

    def check_grants(self, block: Block) -> Iterable[Diagnostic]:
        for _, name, path in self.names(block):
            if "/" in name:
                yield Diagnostic("tiny-name", "a name has no slash", location=block.at(*path))

    def check_login(self, login: str) -> str | None:
        return "a login has at most 20 characters" if len(login) > 20 else None

    def check_trust(self, key: str, block: Block) -> Iterable[Diagnostic]:
        return ()

    def check_keyless(self, block: Block) -> Iterable[tuple[str, tuple[str | int, ...]]]:
        return ()

    def trusts(self, identity: Identity, who: Principal) -> Iterable[Resource]:
        return ()

    def keyless_for(self, place: Mapping[str, Any]) -> dict[str, Any] | None:
        return None

    def names(self, block: Block) -> Iterable[tuple[str, str, tuple[str | int, ...]]]:
        for section in ("groups", "policies"):
            for index, name in enumerate(block.data.get(section, ())):
                yield section, name, (section, index)


@dataclass(frozen=True)
class Tiny:
    name: str
    settings: type[BaseModel]
    grants: type[BaseModel]
    objects: type[BaseModel]
    capabilities: Capabilities
    extra: str = ""

    def declare(self, target: Target) -> Any:
        return TinyDeclare(target, self.capabilities)


PROVIDERS: Mapping[str, Provider] = {
    "directory": cast(
        Provider,
        Tiny("directory", DirectorySettings, DirectoryGrants, DirectoryObjects, Capabilities(folds_case=True)),
    ),
    "cloud": cast(Provider, Tiny("cloud", CloudSettings, CloudGrants, CloudObjects, Capabilities())),
}

RECORDS = b"records: {owner: 5f1c0a9e}\n"


def load(*texts: str | bytes, departed: Iterable[str] = (), records: bool = True) -> Loaded:
    """The texts as access/1.yaml, access/2.yaml and so on, beside a file that sets the owner id."""
    files = {f"{n}.yaml": t if isinstance(t, bytes) else t.encode() for n, t in enumerate(texts, 1)}
    if records:
        files["records.yaml"] = RECORDS
    return load_files(files, PROVIDERS, planned=("github",), departed=frozenset(departed))


def told(loaded: Loaded) -> list[str]:
    """Each diagnostic as `file:line:column code`."""
    return [f"{d.location or '-'} {d.code}".removeprefix("access/") for d in loaded.diagnostics]
