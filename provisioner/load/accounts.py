"""Who is who on each target: no two identities with one login, one immutable id, one former id or one address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provisioner.contract.protocols import Declare, Provider
from provisioner.diagnostics import Severity
from provisioner.load.display import show
from provisioner.load.world import World, providers_of
from provisioner.model.identity import Identity, is_keyless
from provisioner.model.role import Role


class Accounts:
    def __init__(self, world: World, providers: Mapping[str, Provider], declares: Mapping[str, Declare]) -> None:
        self.world = world
        self.providers = providers_of(world, providers)
        self.declares = declares
        self.families: dict[str, frozenset[str]] = {}

    def check(self) -> None:
        explicit: dict[str, list[Identity]] = {}
        units: dict[str, set[str]] = {}
        mails: dict[str, Identity] = {}
        for identity in self.world.identities.values():
            if identity.email is not None:
                self._mail(identity, identity.email, mails)
            if identity.was:
                self._former(identity)
            for key, account in identity.accounts.items():
                family = key.partition("/")[0]
                if _is_role(identity, account.login) and not self.world.target_known(key):
                    continue  # told where `identity:` names it
                if not self.world.target_known(key) and not self.world.ci_known(key):
                    self.world.unknown(
                        "unknown-target",
                        "target",
                        key,
                        self.world.of(identity, "accounts"),
                        (key,),
                        ("targets",),
                        on_key=True,
                        why="`accounts:` is keyed by target, target/instance, or a CI system that `pipelines:` names",
                    )
                    continue
                units.setdefault(family, {family}).add(key)
                holders = explicit.setdefault(family, [])
                if not holders or holders[-1] is not identity:
                    holders.append(identity)
        for family, holders in explicit.items():
            for unit in sorted(units[family]):
                self._clashes(family, unit, holders)
        self._former_twice()
        self._logins()

    def families_of(self, role: str) -> frozenset[str]:
        """The targets that a role, with what it includes, gives something on."""
        known = self.families.get(role)
        if known is None:
            found: set[str] = set()
            seen: set[str] = set()
            waiting = [role]
            while waiting:
                name = waiting.pop()
                declared: Role | None = self.world.roles.get(name)
                if declared is None or name in seen:
                    continue
                seen.add(name)
                found.update(grant.target for grant in declared.grants)
                waiting.extend(declared.includes)
            known = self.families[role] = frozenset(found)
        return known

    def _has_access(self, identity: Identity, family: str) -> bool:
        return any(family in self.families_of(held.role) for held in identity.roles)

    def _clashes(self, family: str, unit: str, holders: list[Identity]) -> None:
        provider = self.providers.get(family)
        folds = provider is not None and provider.capabilities.folds_case
        by_login: dict[str, Identity] = {}
        by_id: dict[str, Identity] = {}
        for identity in holders:
            own = identity.accounts.get(unit) if unit == family else None
            account = own or identity.account_on(unit)
            login = account.login or identity.id
            key = login.casefold() if folds else login
            other = by_login.setdefault(key, identity)
            if other is identity and key != identity.id:
                namesake = self.world.identities.get(key)
                if namesake is not None and namesake.login_on(unit) == key and self._has_access(namesake, family):
                    other = namesake
            if other is not identity:
                self._same(identity, other, unit, "one-login", f"the login {show(login)}")
            if account.id is not None and (first := by_id.setdefault(account.id, identity)) is not identity:
                self._same(identity, first, unit, "one-id", f"the id {show(account.id)}")

    def _same(self, identity: Identity, other: Identity, unit: str, code: str, what: str) -> None:
        key = unit if unit in identity.accounts else unit.partition("/")[0]
        path = (key, "login" if code == "one-login" else "id") if key in identity.accounts else (key,)
        place = other.account_on(unit).location
        self.world.problems.append(
            self.world.of(identity, "accounts").problem(
                code,
                f"{show(identity.id)} and {show(other.id)} both have {what} on {show(unit)} ({place})",
                path,
                why="one account cannot be two people's: taking it from one would take it from the other",
                fix="give each their own; two entries for one person belong together",
            )
        )

    def _mail(self, identity: Identity, email: str, mails: dict[str, Identity]) -> None:
        plain = email.casefold()
        local, _, domain = plain.rpartition("@")
        alias = "+" in local
        key = f"{local.partition('+')[0]}@{domain}" if alias else plain
        other = mails.setdefault(key, identity)
        if other is identity:
            return
        same = (other.email or "").casefold() == plain
        what = "the same address" if same else "one mailbox"
        self.world.problems.append(
            self.world.of(identity).problem(
                "one-email" if same else "similar-email",
                f"{show(identity.id)} and {show(other.id)} have {what}, {show(email)} ({other.location})",
                ("email",),
                severity=Severity.ERROR if same else Severity.WARNING,
                why="accounts are also recognised by their address",
                fix="give each their own; if both are one person, keep one entry and name the other id under `was`",
            )
        )

    def _former(self, identity: Identity) -> None:
        for index, name in enumerate(identity.was):
            living = self.world.identities.get(name)
            if living is not None:
                self.world.problems.append(
                    self.world.of(identity, "was").problem(
                        "was-living",
                        f"{show(name)} is declared now ({living.location}), so it is nobody's earlier id",
                        (index,),
                        why="`was` moves the accounts of an id that is gone; an id is never given to someone else",
                        fix="take it out of `was`, or put the two entries together",
                    )
                )

    def _former_twice(self) -> None:
        first: dict[str, Identity] = {}
        for identity, index, name in _former_ids(self.world):
            other = first.setdefault(name, identity)
            if other is not identity:
                self.world.problems.append(
                    self.world.of(identity, "was").problem(
                        "was-twice",
                        f"{show(name)} is also an earlier id of {show(other.id)} ({other.location})",
                        (index,),
                        why="its accounts can go to one of the two only",
                        fix="keep it where it belongs",
                    )
                )

    def _logins(self) -> None:
        """Logins that a target cannot hold, for everybody who has something there."""
        reach: dict[tuple[str, ...], list[tuple[str, Declare]]] = {}
        for identity in self.world.identities.values():
            roles = tuple([held.role for held in identity.roles])
            targets = reach.get(roles)
            if targets is None:
                families = frozenset().union(*map(self.families_of, roles))
                targets = reach[roles] = [(f, self.declares[f]) for f in sorted(families) if f in self.declares]
            accounts = identity.accounts
            for family, declare in targets:
                account = accounts.get(family) if accounts else None
                login = (account.login if account is not None else None) or identity.id
                if not _is_role(identity, login) and (wrong := declare.check_login(login)) is not None:
                    self._bad_login(identity, family, login, wrong)
            for key, account in accounts.items():
                if "/" not in key or not account.login or _is_role(identity, account.login):
                    continue
                if declare_one := self.declares.get(key.partition("/")[0]):
                    wrong = declare_one.check_login(account.login)
                    if wrong is not None:
                        self._bad_login(identity, key, account.login, wrong)

    def _bad_login(self, identity: Identity, target: str, login: str, why: str) -> None:
        own = target in identity.accounts
        at = self.world.of(identity, "accounts", target) if own else self.world.of(identity)
        self.world.problems.append(
            at.problem(
                "bad-login",
                f"{show(login)} cannot be a login on {show(target)}",
                ("login",) if own else (),
                on_key=not own,
                why=why,
                fix=f"write another under `accounts: {{{target}: {{login: …}}}}`",
            )
        )


def _is_role(identity: Identity, login: str | None) -> bool:
    """Whether the login comes from `identity:`, where its name is checked."""
    return identity.keyless is not None and login is not None and is_keyless(login)


def _former_ids(world: World) -> Iterator[tuple[Identity, int, str]]:
    for identity in world.identities.values():
        for index, name in enumerate(identity.was):
            yield identity, index, name
