"""Every kind of server that the faults are tried on. A new one is one file here (its server, its wire, its part of the
story) and a line in this table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.faults.systems.aws import AwsSystem
from tests.faults.systems.base import System
from tests.faults.systems.slapd import SlapdSystem

SYSTEMS: Mapping[str, Callable[[], System]] = {"slapd": SlapdSystem, "aws": AwsSystem}

__all__ = ["SYSTEMS", "System"]
