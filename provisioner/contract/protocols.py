"""The protocols: the pure side, reading, writing. A reader stands on read-only transport and cannot write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from provisioner.contract.capabilities import Capabilities
from provisioner.contract.outcome import Outcome
from provisioner.diagnostics import Diagnostic
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block
from provisioner.model.change import Change
from provisioner.model.coverage import Coverage, Scope
from provisioner.model.effect import Effect
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant
from provisioner.model.principal import Principal
from provisioner.model.resource import Resource
from provisioner.model.source import Source
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.model.unit import Unit

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Me:
    """Who we are on a target, in words, and the addresses that our own access hangs on."""

    name: str
    anchors: frozenset[Address] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found. `looked` are the addresses that a point read settled: present in `state`, or proven absent;
    one that is asked for and in neither is unknown. `calls` counts remote calls. `warnings` is what a person should
    know (an ACL that seems to hide entries, a policy that makes locks void).
    """

    state: State
    coverage: Coverage
    server_time: Instant | None = None
    looked: frozenset[Address] = frozenset()
    calls: int = 0
    warnings: tuple[Diagnostic, ...] = ()


class Declare(Protocol):
    """The pure side for one target: all that validate, resolve and plan ever see. No SDK, no I/O."""

    target: Target
    capabilities: Capabilities

    def check(self) -> Iterable[Diagnostic]:
        """Problems of settings and declared objects that the schema cannot see (a group name that cannot be one)."""
        ...

    def check_grants(self, block: Block) -> Iterable[Diagnostic]:
        """Problems of one grants block that its schema cannot see; names may still hold `{environment}`."""
        ...

    def check_login(self, login: str) -> str | None:
        """Why `login` cannot be an account's name there, in words, or None."""
        ...

    def declared(self) -> Iterable[Resource]:
        """What the target itself declares: groups, what groups are allowed, controls."""
        ...

    def account(self, identity: Identity, login: str) -> Resource:
        """The desired account: its attributes are compared with the live one's. `enabled` is always among them."""
        ...

    def expand(self, block: Block, who: Principal) -> Iterable[Resource]:
        """A grants block (`{environment}` already replaced) into what `who` shall hold, and the groups that it names.

        Sources, start and end are added by the caller. `who` may be used as the principal of addresses only: the result
        is stamped for every holder of the role.
        """
        ...

    def names(self, block: Block) -> Iterable[tuple[str, str, tuple[str | int, ...]]]:
        """The target's own things that a block names: (section, name, path), such as ("groups", "developers",
        ("groups", 0)): for environments as labels, `who` and near misses."""
        ...

    def unsayable(self, resource: Resource) -> str | None:
        """Why no grants block can give this to somebody (an inline policy), in words; None where one can. Judged by the
        thing alone: who holds it is of no matter."""
        ...

    def grants_for(self, things: Iterable[Resource]) -> dict[str, Any]:
        """The inverse of `expand`: the block that gives exactly these, all of them sayable. Plain values, in an order
        that depends on nothing but what there is."""
        ...

    def objects_for(self, live: State) -> tuple[dict[str, dict[str, Any]], list[tuple[Address, str]]]:
        """What may be declared under the target of what is live, by section and name, so that nothing changes;
        and what a section would have to say and cannot, with the reason."""
        ...

    def canonical(self, resource: Resource) -> Resource:
        """So that what the system echoes never looks like drift (case, order, defaults)."""
        ...

    def unsupported(self, resource: Resource) -> Diagnostic | None:
        """Says no to what the system cannot hold, before any call."""
        ...

    def unit(self, address: Address) -> Unit: ...

    def effect(self, before: Resource | None, after: Resource | None, around: State) -> Effect:
        """`around` is the live state (desired where nothing is live): a membership is as strong as its group."""
        ...

    def needs(self, resource: Resource) -> Iterable[Address]:
        """What must be there before `resource` can be; may point into other targets."""
        ...

    def words(self, change: Change) -> str:
        """One short line in the system's own terms: `add ada to group developers`. Stored in the plan."""
        ...

    def complete(self) -> Iterable[tuple[Kind, Principal]]:
        """Principals whose grants of a kind are declared completely (`policies:` of a group): others are taken off."""
        ...

    def reversible(self, resource: Resource) -> bool:
        """Whether `resource`, once taken away, can be given back as it was. A deleted password or MFA device cannot."""
        ...

    def holds_until(self, resource: Resource) -> Instant | None:
        """The end that the target itself can hold for this resource, or None: then `expire` ends it."""
        ...


@runtime_checkable
class Combines(Protocol):
    """A `Declare` whose things have levels: what two lines give at different levels, in one."""

    def combine(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
        """The attributes of their union, which is the stronger of the two."""
        ...


@runtime_checkable
class HoldsEnds(Protocol):
    """A `Declare` of a system that holds the end of a grant beside it: the end is one of its attributes, so that one
    that moved is written anew, and never cuts what goes on."""

    def with_end(self, resource: Resource) -> Resource:
        """`resource`, whose `until` is settled, with that end as the system is to hold it."""
        ...


class Reader(Protocol):
    """Raises ProviderError only where nothing at all could be read; a short read is told in the coverage."""

    def system(self) -> str:
        """What this really is (AWS account id, entryUUID of the suffix): pinned, so that settings cannot point
        elsewhere.
        """
        ...

    def me(self) -> Me: ...

    def read(self, want: frozenset[Scope]) -> Reading:
        """In bulk."""
        ...

    def look(self, these: Collection[Address]) -> Reading:
        """Point reads: freshness, read-back, receipts. May read in bulk where that is fewer calls. For an account it
        also gives what hangs on it only if asked for by address."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Remains(Protocol):
    """A `Reader` of a system where what people made may work on without them."""

    def remains(self, people: Mapping[str, str | None]) -> Sequence[Diagnostic]:
        """What `people`, immutable ids (where known) by login, left that works on, and what of it could not be seen.
        They may be gone long since."""
        ...


class Writer(Protocol):
    """Writes may safely run twice. Raises nothing for an expected failure: it answers Failed or Unknown."""

    def write(
        self,
        unit: Unit,
        changes: Sequence[Change],
        *,
        expect: Mapping[Address, Resource],
        token: str,
        deadline: float,
    ) -> Sequence[Outcome]:
        """Do all `changes` of one unit; one outcome each, in order. `expect` has what was just read live at their
        addresses (absent key: not there), for compare-and-set where the system can. `deadline` is on `time.monotonic`.
        """
        ...

    def cut(self, account: Address, deadline: float) -> Outcome:
        """End sessions and tokens, and deny at a level the person cannot undo. Refused("not possible here: ...") is an
        honest answer."""
        ...

    def settle(self, receipt: str, deadline: float) -> Outcome:
        """Poll what was Accepted."""
        ...

    def close(self) -> None: ...


class Provider(Protocol):
    """A kind of system. Importing it loads no SDK; opening a reader or writer does, on the calling (main) thread."""

    name: str
    extra: str
    capabilities: Capabilities

    @property
    def settings(self) -> type[BaseModel]:
        """Schema of the target's own keys (connection)."""
        ...

    @property
    def grants(self) -> type[BaseModel]:
        """Schema of a role's block for it."""
        ...

    @property
    def objects(self) -> type[BaseModel]:
        """Schema of what is declared under the target; each entry of a section may have `environment`."""
        ...

    def declare(self, target: Target) -> Declare: ...

    def open_reader(self, target: Target, environ: Mapping[str, str]) -> Reader:
        """ProviderError with `credential` names the variable that is missing, never its value."""
        ...

    def open_writer(self, target: Target, environ: Mapping[str, str], owner: str | None) -> Writer:
        """`owner` is `records.owner`, for the marks."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """Who is in a directory. `reading` has accounts, with groups and memberships where they were asked for; the rest is
    by the accounts' immutable ids: the values of the attributes that the source names, and who is switched off by the
    source's own filter. `calls` are all calls so far."""

    reading: Reading
    values: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    switched_off: frozenset[str] = frozenset()
    calls: int = 0


class SourceReader(Protocol):
    """Reads the people of a source. It cannot write. Raises ProviderError only where nothing at all could be read."""

    def system(self) -> str:
        """As `Reader.system`."""
        ...

    def people(self, *, groups: bool) -> Listing:
        """In bulk; with `groups` who is in which, too."""
        ...

    def there(self, ids: Collection[str]) -> frozenset[str]:
        """Point reads by immutable id: those of `ids` that the source has. ProviderError where it cannot be told."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Lists(Protocol):
    """A `Provider` whose systems can be a source of people."""

    def check_source(self, target: Target, source: Source) -> str | None:
        """Why people cannot be read from there so, in words, or None. No I/O."""
        ...

    def open_source(self, target: Target, source: Source, environ: Mapping[str, str]) -> SourceReader: ...


@runtime_checkable
class TellsOwners(Protocol):
    """A `Provider` whose systems tell of each way by whose files it is: those of several may give somebody the same."""

    def open_reader_for(self, target: Target, environ: Mapping[str, str], owner: str | None) -> Reader:
        """As `Provider.open_reader`; ways by the files of another than `owner` are foreign."""
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """What the engine is handed for one target."""

    target: Target
    provider: Provider
    declare: Declare
    environ: Mapping[str, str] = field(repr=False)
    owner: str | None = None

    def reader(self) -> Reader:
        if isinstance(self.provider, TellsOwners):
            return self.provider.open_reader_for(self.target, self.environ, self.owner)
        return self.provider.open_reader(self.target, self.environ)

    def writer(self) -> Writer:
        return self.provider.open_writer(self.target, self.environ, self.owner)
