"""The company with a bot, for every test here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.credentials.rig import Company, company
from tests.rigs.openbao import Bao, openbao


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    with company(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    """One OpenBao for each test process, as tests share it: each writes what it reads."""
    with openbao(tmp_path_factory.mktemp("bao") / "server") as made:
        yield made
