"""What a provider is: the protocols that the engine knows systems by. It never knows a provider by name."""

from provisioner.contract.capabilities import Capabilities
from provisioner.contract.copies import Copies
from provisioner.contract.credentials import Holds, Issued, Issuer, Issues, Key, Note, Store, Stored
from provisioner.contract.errors import ProviderError, Trouble
from provisioner.contract.exposure import Exposes, Exposure
from provisioner.contract.inspection import FINDINGS, Inspects
from provisioner.contract.keyless import Pipelines, Trusts
from provisioner.contract.minting import CannotNarrow, Left, Minted, Minter, Mints, Narrows, Order, Shared
from provisioner.contract.opening import packages_of, settings_of
from provisioner.contract.outcome import (
    Accepted,
    AlreadySo,
    Done,
    Failed,
    Outcome,
    Refused,
    StillHas,
    Unknown,
    Waiting,
)
from provisioner.contract.protocols import (
    Combines,
    Connection,
    Declare,
    HoldsEnds,
    Listing,
    Lists,
    Me,
    Provider,
    Reader,
    Reading,
    Remains,
    SourceReader,
    Writer,
)

__all__ = [
    "FINDINGS",
    "Accepted",
    "AlreadySo",
    "CannotNarrow",
    "Capabilities",
    "Combines",
    "Connection",
    "Copies",
    "Declare",
    "Done",
    "Exposes",
    "Exposure",
    "Failed",
    "Holds",
    "HoldsEnds",
    "Inspects",
    "Issued",
    "Issuer",
    "Issues",
    "Key",
    "Left",
    "Listing",
    "Lists",
    "Me",
    "Minted",
    "Minter",
    "Mints",
    "Narrows",
    "Note",
    "Order",
    "Outcome",
    "Pipelines",
    "Provider",
    "ProviderError",
    "Reader",
    "Reading",
    "Refused",
    "Remains",
    "Shared",
    "SourceReader",
    "StillHas",
    "Store",
    "Stored",
    "Trouble",
    "Trusts",
    "Unknown",
    "Waiting",
    "Writer",
    "packages_of",
    "settings_of",
]
