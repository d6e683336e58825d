"""A throwaway real OpenLDAP server on loopback: own configuration, own data, own certificates, free ports.

Refuses to touch the machine's own slapd: nothing is read from or written to its configuration or data.
"""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.rigs.slapd_config import Options, base_ldif, config_ldif
from tests.rigs.tls import Authority

_BINARIES = os.pathsep.join(("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/libexec"))
_MODULES = ("/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap", "/usr/local/libexec/openldap")
_SCHEMAS = ("/etc/ldap/schema", "/etc/openldap/schema", "/usr/local/etc/openldap/schema")
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0


def _binary() -> str | None:
    return shutil.which("slapd", path=os.pathsep.join((os.environ.get("PATH", ""), _BINARIES)))


def _folder_with(folders: Iterable[str], pattern: str) -> Path | None:
    return next((Path(f) for f in folders if any(Path(f).glob(pattern))), None)


def slapd_missing_reason() -> str | None:
    """Why no slapd can be started here, or None. On Debian and Ubuntu the package is `slapd`."""
    if _binary() is None:
        return "slapd is not installed (Debian, Ubuntu: apt-get install slapd)"
    if _folder_with(_MODULES, "ppolicy*") is None:
        return f"slapd is installed without its overlay modules (looked in {', '.join(_MODULES)})"
    if _folder_with(_SCHEMAS, "inetorgperson.ldif") is None:
        return f"slapd is installed without its schema files (looked in {', '.join(_SCHEMAS)})"
    return None


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


class Slapd:
    """One server in `folder` (which is created; the caller removes it).

    Use it as a context manager, or `start()` and `stop()` it. `load()` fills it while it is stopped.
    """

    admin_password = "admin-secret"
    service_password = "svc-secret"

    def __init__(self, folder: Path, options: Options | None = None, *, authority: Authority | None = None) -> None:
        reason = slapd_missing_reason()
        if reason is not None:
            raise RuntimeError(reason)
        self.folder = folder
        self.options = options or Options()
        self.port, self.ldaps_port = 0, 0
        self.ca_file = folder / "ca.crt"
        self.log = folder / "slapd.log"
        self._authority = authority or Authority.new()
        self._process: subprocess.Popen[bytes] | None = None
        self._prepare()

    # --- addresses -------------------------------------------------------------------------------------------------

    @property
    def suffix(self) -> str:
        """The naming context."""
        return self.options.suffix

    @property
    def people(self) -> str:
        """The unit that holds accounts."""
        return f"ou=people,{self.suffix}"

    @property
    def groups(self) -> str:
        """The unit that holds groups."""
        return f"ou=groups,{self.suffix}"

    @property
    def admin_dn(self) -> str:
        """The rootdn: no access rule, limit or password policy holds it."""
        return f"cn=admin,{self.suffix}"

    @property
    def service_dn(self) -> str:
        """The account the product binds as: may write, is held by the limits of `options`."""
        return f"uid=svc,{self.people}"

    @property
    def reader_dn(self) -> str:
        """The account for planning: may read everything but passwords, same limits; its password is the service's."""
        return f"uid=reader,{self.people}"

    @property
    def url(self) -> str:
        """`ldap://` (plain and StartTLS). Known after the first `start()`; kept over a restart where possible.

        The host is a name, because ldap3 2.9.1 on Python 3.12 and later matches no IP address in a certificate.
        """
        return f"ldap://localhost:{self.port}"

    @property
    def ldaps_url(self) -> str:
        """`ldaps://` with a certificate for `localhost` and 127.0.0.1, signed by `ca_file`."""
        return f"ldaps://localhost:{self.ldaps_port}"

    # --- life ------------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start, and return once it answers. A port that was lost to another process is picked anew."""
        if self.running:
            raise RuntimeError("this slapd is running")
        for attempt in range(5):
            if not self.port or attempt:
                self.port, self.ldaps_port = free_ports(2)
            if self._try_start():
                return self
        raise RuntimeError(f"slapd did not start:\n{self.log.read_text(errors='replace')}")

    def stop(self) -> None:
        """End it in order (SIGTERM) and wait. A stopped server is fine."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL). A stopped server is fine."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop answering while connections stay open, until `thaw()` (SIGSTOP); returns once it has stopped."""
        process = self._running_process()
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        """Go on after `freeze()`."""
        self._running_process().send_signal(signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether the process lives (also while frozen)."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    # --- data ------------------------------------------------------------------------------------------------------

    def load(self, ldif: str | Iterable[str] | Path) -> None:
        """Add LDIF offline, fast and without overlays (slapadd -q), while the server is stopped."""
        if self.running:
            raise RuntimeError("load() works on a stopped slapd")
        if isinstance(ldif, Path):
            self._slapadd(1, ldif)
            return
        path = self.folder / "load.ldif"
        with path.open("w", encoding="utf-8") as f:
            f.writelines([ldif] if isinstance(ldif, str) else ldif)
        self._slapadd(1, path)
        path.unlink()

    def reset(self) -> None:
        """Back to the configuration and the empty tree it was made with; it runs afterwards, on the same ports."""
        self.stop()
        shutil.rmtree(self.folder / "conf")
        shutil.copytree(self.folder / "fresh-conf", self.folder / "conf")
        # Not a copy: the database is a sparse file of olcDbMaxSize, and a copy of that takes seconds.
        shutil.rmtree(self.folder / "db")
        (self.folder / "db").mkdir()
        self._slapadd(1, self.folder / "base.ldif")
        self.start()

    def connection(self, dn: str | None = None, password: str | None = None, *, timeout: int = 10) -> Any:
        """A bound ldap3 connection that raises on failure: as the rootdn, for oracles, or as `dn`.

        Typed `Any` because the stubs know results and attributes only as such.
        """
        import ldap3

        server = ldap3.Server(self.url, get_info=ldap3.NONE, connect_timeout=timeout)
        return ldap3.Connection(
            server,
            dn or self.admin_dn,
            self.admin_password if dn is None else password,
            auto_bind=True,
            raise_exceptions=True,
            receive_timeout=timeout,
        )

    def can_bind(self, dn: str, password: str) -> bool:
        """Whether `dn` may log in with `password` right now."""
        from ldap3.core.exceptions import LDAPInvalidCredentialsResult

        try:
            self.connection(dn, password).unbind()
        except LDAPInvalidCredentialsResult:
            return False
        return True

    def dump(self, base: str | None = None, *, attributes: Iterable[str] = ("*",)) -> dict[str, dict[str, list[bytes]]]:
        """Every entry under `base` as the rootdn sees it, values sorted: equal dumps mean that nothing changed.

        `attributes=("*", "+")` adds the operational ones (entryCSN, memberOf, locks).
        """
        connection = self.connection()
        try:
            connection.search(base or self.suffix, "(objectClass=*)", attributes=list(attributes))
            return {
                e["dn"]: {name: sorted(values) for name, values in e["raw_attributes"].items()}
                for e in connection.response
                if e["type"] == "searchResEntry"
            }
        finally:
            connection.unbind()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        modules, schemas = _folder_with(_MODULES, "ppolicy*"), _folder_with(_SCHEMAS, "inetorgperson.ldif")
        binary = _binary()
        assert modules and schemas and binary  # the constructor asked slapd_missing_reason
        for part in ("conf", "db"):
            (self.folder / part).mkdir(parents=True)
        # Ubuntu's AppArmor profile binds /usr/sbin/slapd to its own folders; a profile goes by path.
        self._program = str(shutil.copy2(binary, self.folder / "slapd"))
        certificate, key = self._authority.issue(self.folder)
        tls = (self._authority.write(self.ca_file), certificate, key)
        config, base = self.folder / "config.ldif", self.folder / "base.ldif"
        config.write_text(
            config_ldif(
                self.options, self.folder, modules=modules, schemas=schemas, password=self.admin_password, tls=tls
            ),
            encoding="utf-8",
        )
        base.write_text(base_ldif(self.options, password=self.service_password), encoding="utf-8")
        self._slapadd(0, config)
        self._slapadd(1, base)
        shutil.copytree(self.folder / "conf", self.folder / "fresh-conf")

    def _slapadd(self, database: int, ldif: Path) -> None:
        command = [self._program, "-Tadd", "-q", "-n", str(database), "-F", str(self.folder / "conf"), "-l", str(ldif)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"slapadd refused {ldif.name}:\n{result.stderr}")

    def _try_start(self) -> bool:
        listen = f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.ldaps_port}"
        command = [self._program, "-F", str(self.folder / "conf"), "-h", listen, "-d", "0"]
        with self.log.open("wb") as log:
            # `-d 0` keeps slapd in the foreground, so that it is our own child.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._process = process
        atexit.register(self.kill)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                return False
            if self._answers():
                return True
            time.sleep(0.01)
        self.kill()
        return False

    def _answers(self) -> bool:
        from ldap3.core.exceptions import LDAPException

        try:  # ldap3 leaves the socket of a refused connection open
            socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
        except OSError:
            return False
        try:
            self.connection(timeout=2).unbind()
        except LDAPException:
            return False
        return True

    def _running_process(self) -> subprocess.Popen[bytes]:
        if self._process is None or not self.running:
            raise RuntimeError("this slapd is not running")
        return self._process

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        atexit.unregister(self.kill)
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)  # a frozen process sees its end only once it goes on
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
