"""A cluster with a role for the engine, and a schema with two tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.postgresql.rig import Rig
from tests.rigs.postgres import Postgres


@pytest.fixture
def rig(postgres: Postgres, tmp_path: Path) -> Rig:
    postgres.run(
        "create role svc login superuser",
        "create role app_owner",
        "create schema sales authorization app_owner",
        "set role app_owner",
        "create table sales.orders (id int, secret text)",
        "create table sales.prices (id int)",
    )
    return Rig(postgres, tmp_path / "journal")
