"""The remote system, in this process: a `World` with every oddity that real ones have, and the calls on it.

`ReadCalls` has no way to write. `WriteCalls` adds one method per remote call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from provisioner.contract import ProviderError, Trouble
from provisioner.model.instant import Instant

T = TypeVar("T")


@dataclass(slots=True)
class Held:
    """One way in which a member is in a group, or a principal has a privilege."""

    grantor: str = "admin"
    phase: str = "active"
    via: str | None = None
    until: Instant | None = None
    locked_by: str | None = None


@dataclass(slots=True)
class MemoryAccount:
    native_id: str
    name: str = ""
    email: str = ""
    enabled: bool = True
    note: str = ""
    keys: dict[str, bool] = field(default_factory=dict)


@dataclass(slots=True)
class MemoryGroup:
    members: dict[str, list[Held]] = field(default_factory=dict)
    description: str = ""
    locked_by: str | None = None


@dataclass
class World:
    """The system's own truth, and what is wrong with it today.

    `cut_after` ends every listing after so many rows, as a size limit does; `unlisted` are logins that
    listings leave out without a word; `down` refuses connections; `hides` are
    account attributes that this credential cannot see; `slow` groups take their writes asynchronously, and those in
    `fails` then end FAILED; `refuses` are (call, name) that are denied. `own` is the login that we come in with. `log`
    is every call that wrote.
    """

    name: str
    accounts: dict[str, MemoryAccount] = field(default_factory=dict)
    groups: dict[str, MemoryGroup] = field(default_factory=dict)
    policy: dict[tuple[str, str], dict[str, list[Held]]] = field(default_factory=dict)
    etag: int = 1
    controls: dict[str, list[str]] = field(default_factory=dict)
    jobs: dict[str, tuple[str, str, bool]] = field(default_factory=dict)
    cut_after: int | None = None
    unlisted: set[str] = field(default_factory=set)
    down: bool = False
    hides: frozenset[str] = frozenset()
    slow: set[str] = field(default_factory=set)
    fails: set[str] = field(default_factory=set)
    refuses: set[tuple[str, str]] = field(default_factory=set)
    own: str | None = None
    log: list[tuple[str, ...]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    made: int = 0


WORLDS: dict[str, World] = {}
"""The systems that targets can name, by name."""


class ReadCalls:
    """Listings and point reads."""

    def __init__(self, world: World) -> None:
        self._world = world

    def _call(self, call: str, name: str = "") -> None:
        self._world.calls[call] += 1
        if self._world.down:
            raise ProviderError(Trouble.UNREACHABLE, f"{self._world.name} refuses connections", call=call)
        if (call, name) in self._world.refuses:
            raise ProviderError(
                Trouble.DENIED, f"{call} of {name or 'everything'} is not allowed", call=call, code="403"
            )

    def _page(self, call: str, rows: dict[str, T]) -> tuple[dict[str, T], bool]:
        """The rows, and whether the end mark came."""
        self._call(call)
        cut = self._world.cut_after
        if cut is None or len(rows) <= cut:
            return dict(rows), True
        return dict(list(rows.items())[:cut]), False

    def identify(self) -> str:
        self._call("identify")
        return f"memory:{self._world.name}"

    def list_accounts(self) -> tuple[dict[str, MemoryAccount], bool]:
        unlisted = self._world.unlisted
        return self._page("list_accounts", {k: v for k, v in self._world.accounts.items() if k not in unlisted})

    def list_groups(self) -> tuple[dict[str, MemoryGroup], bool]:
        found, whole = self._page("list_groups", self._world.groups)
        unlisted = self._world.unlisted
        listed = {n: {m: ways for m, ways in g.members.items() if m not in unlisted} for n, g in found.items()}
        return {n: replace(g, members=listed[n]) for n, g in found.items()}, whole

    def get_policy(self) -> tuple[int, dict[tuple[str, str], dict[str, list[Held]]]]:
        self._call("get_policy")
        return self._world.etag, {k: dict(v) for k, v in self._world.policy.items()}

    def list_controls(self) -> tuple[dict[str, list[str]], bool]:
        return self._page("list_controls", self._world.controls)

    def list_keys(self, login: str) -> dict[str, bool]:
        self._call("list_keys", login)
        account = self._world.accounts.get(login)
        return dict(account.keys) if account is not None else {}

    def who(self) -> str | None:
        self._call("who")
        return self._world.own

    @property
    def hides(self) -> frozenset[str]:
        return self._world.hides


class WriteCalls(ReadCalls):
    """Writes, as the system takes them: idempotent where real ones are, refusing where they refuse."""

    def _write(self, *what: str) -> None:
        self._call(what[0], what[1] if len(what) > 1 else "")
        self._world.log.append(what)

    def _account(self, login: str, call: str) -> MemoryAccount:
        account = self._world.accounts.get(login)
        if account is None:
            raise ProviderError(Trouble.GONE, f"no account {login}", call=call)
        return account

    def create_account(self, login: str, name: str, email: str, note: str) -> None:
        if login in self._world.accounts:
            raise ProviderError(Trouble.CONFLICT, f"account {login} exists", call="create_account")
        self._write("create_account", login)
        self._world.made += 1
        self._world.accounts[login] = MemoryAccount(f"m-{self._world.made:04d}", name, email, True, note)

    def update_account(self, login: str, **values: object) -> None:
        account = self._account(login, "update_account")
        self._write("update_account", login, *sorted(values))
        for key, value in values.items():
            setattr(account, key, value)

    def rename_account(self, old: str, new: str) -> None:
        self._account(old, "rename_account")
        if new in self._world.accounts:
            raise ProviderError(Trouble.CONFLICT, f"account {new} exists", call="rename_account")
        self._write("rename_account", old, new)
        self._world.accounts[new] = self._world.accounts.pop(old)
        for group in self._world.groups.values():
            if old in group.members:
                group.members[new] = group.members.pop(old)
        for holders in self._world.policy.values():
            if old in holders:
                holders[new] = holders.pop(old)

    def delete_account(self, login: str) -> None:
        self._account(login, "delete_account")
        if any(login in g.members for g in self._world.groups.values()):
            raise ProviderError(Trouble.CONFLICT, f"account {login} still has memberships", call="delete_account")
        self._write("delete_account", login)
        del self._world.accounts[login]

    def create_group(self, name: str, description: str) -> None:
        self._write("create_group", name)
        self._world.groups.setdefault(name, MemoryGroup(description=description))

    def update_group(self, name: str, description: str) -> None:
        self._write("update_group", name)
        self._world.groups[name].description = description

    def delete_group(self, name: str) -> None:
        self._write("delete_group", name)
        self._world.groups.pop(name, None)

    def _group(self, name: str, call: str) -> MemoryGroup:
        group = self._world.groups.get(name)
        if group is None:
            raise ProviderError(Trouble.GONE, f"no group {name}", call=call)
        if group.locked_by:
            raise ProviderError(Trouble.DENIED, f"group {name} is synced from {group.locked_by}", call=call)
        return group

    def add_member(self, name: str, login: str) -> str | None:
        """A job's receipt where the group is slow."""
        group = self._group(name, "add_member")
        self._account(login, "add_member")
        self._write("add_member", name, login)
        if name in self._world.slow:
            receipt = f"job-{len(self._world.jobs) + 1}"
            self._world.jobs[receipt] = (name, login, True)
            return receipt
        group.members.setdefault(login, []).append(Held())
        return None

    def remove_member(self, name: str, login: str, grantor: str) -> str | None:
        """Ends the one way that `grantor` gave."""
        group = self._group(name, "remove_member")
        self._write("remove_member", name, login, grantor)
        if name in self._world.slow:
            receipt = f"job-{len(self._world.jobs) + 1}"
            self._world.jobs[receipt] = (name, login, False)
            return receipt
        left = [h for h in group.members.get(login, []) if h.grantor != grantor or h.via is not None]
        if left:
            group.members[login] = left
        else:
            group.members.pop(login, None)
        return None

    def poll_job(self, receipt: str) -> str:
        """`SUCCEEDED` or `FAILED`: work is done at the moment of asking."""
        self._call("poll_job", receipt)
        name, login, adds = self._world.jobs[receipt]
        if name in self._world.fails:
            return "FAILED"
        members = self._world.groups[name].members
        if adds:
            members.setdefault(login, [Held()])
        else:
            members.pop(login, None)
        return "SUCCEEDED"

    def set_policy(self, etag: int, policy: dict[tuple[str, str], dict[str, list[Held]]]) -> None:
        """The whole document, if nobody changed it since `etag`."""
        if etag != self._world.etag:
            raise ProviderError(Trouble.CONFLICT, f"the policy is at {self._world.etag}, not {etag}", call="set_policy")
        self._write("set_policy", str(etag))
        self._world.policy = {k: v for k, v in policy.items() if v}
        self._world.etag += 1

    def set_control(self, name: str, open_to: list[str] | None) -> None:
        self._write("set_control", name)
        if open_to is None:
            self._world.controls.pop(name, None)
        else:
            self._world.controls[name] = list(open_to)

    def deactivate_key(self, login: str, key: str) -> None:
        account = self._account(login, "deactivate_key")
        self._write("deactivate_key", login, key)
        if key in account.keys:
            account.keys[key] = False


def rows(policy: dict[tuple[str, str], dict[str, list[Held]]]) -> Iterator[tuple[str, str, str, list[Held]]]:
    """(object, privilege, login, ways) of a policy."""
    for (path, privilege), holders in policy.items():
        for login, ways in holders.items():
            yield path, privilege, login, ways
