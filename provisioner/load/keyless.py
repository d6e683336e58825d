"""Services without keys: whether the target can trust the pipeline that `identity:` names, and the role hold what the
service's roles give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from provisioner.contract.keyless import Trusts
from provisioner.contract.protocols import Declare
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.load.display import show
from provisioner.load.places import At
from provisioner.load.world import World
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.role import GrantBlock
from provisioner.model.target import AccountsPolicy, Target


class Keyless:
    """`declares` is the pure side of each target family."""

    def __init__(self, world: World, declares: Mapping[str, Declare]) -> None:
        self.world = world
        self.declares = declares

    def check(self) -> None:
        """What is found is added to the world's problems."""
        for identity in self.world.identities.values():
            if identity.kind is IdentityKind.SERVICE and identity.keyless is not None:
                at = self.world.of(identity, "identity")
                for key in self.world.models[identity.id].identity:
                    self.world.problems.extend(self._one(identity, key, at))

    def _one(self, identity: Identity, key: str, at: At) -> Iterator[Diagnostic]:
        family = key.partition("/")[0]
        declare, block = self.declares.get(family), identity.keyless
        targets = [t for t in self.world.targets.values() if key in (t.name, t.family)]
        if declare is None or block is None or not targets:
            return  # that the target is not there, or wrong itself, is told elsewhere
        if not isinstance(declare, Trusts):
            yield at.problem(
                "keyless-unsupported",
                f"{show(key)} trusts no pipeline: its provider {show(targets[0].provider)} knows no keyless identity",
                (key,),
                on_key=True,
                why="`identity:` is for systems that take a CI's signed token in place of a key",
                fix="write what it has there under `credentials:`",
            )
            return
        yield from declare.check_trust(key, block)
        yield from self._one_account(identity, key, at)
        for target in targets:
            if target.accounts is AccountsPolicy.EXISTING:
                yield at.problem(
                    "keyless-existing",
                    f"the role of {show(identity.id)} on {show(target.name)} is not ours to make: the target says "
                    "`accounts: existing`",
                    (key,),
                    on_key=True,
                    why="whom a role trusts is said by whoever makes it, and the files would say it in vain",
                    fix="take `identity:` out, or the target's `accounts: existing`",
                )
        yield from self._grants(identity, key, targets, declare, at)

    def _one_account(self, identity: Identity, key: str, at: At) -> Iterator[Diagnostic]:
        """A service is one account on a target: a role, or a user with a key."""
        model = self.world.models[identity.id]
        for other in model.credentials:
            if other == key or other.partition("/")[0] == key or other == key.partition("/")[0]:
                yield at.problem(
                    "keyless-and-key",
                    f"{show(identity.id)} is to have both a role and a key on {show(other)}",
                    (key,),
                    on_key=True,
                    why="a service is one account on a target: a role has no keys, and a user needs no trust",
                    fix=f"for the time of changing over, declare a second service with the role; then take "
                    f"{show(identity.id)} out",
                )
        said = (model.accounts or {}).get(key)
        if said is not None and said.login is not None:
            yield self.world.of(identity, "accounts").problem(
                "keyless-login",
                f"{show(identity.id)} is a role on {show(key)}, and its name is said under `identity:`",
                (key, "login"),
                why="two names for one account could differ",
                fix="take `login` out; `id` may stay",
            )

    def _grants(
        self, identity: Identity, key: str, targets: list[Target], declare: Trusts, at: At
    ) -> Iterator[Diagnostic]:
        reached = False
        for grant in given(self.world, identity, targets):
            reached = True
            for why, path in declare.check_keyless(grant.block):
                yield Diagnostic(
                    "keyless-grant",
                    f"{show(identity.id)} is a role on {show(key)}, and cannot have what its roles give: {why}",
                    location=grant.block.at(*path),
                    why=f"{identity.id} has this by a role of its own ({identity.location})",
                    fix="give it the policies themselves, by a role that names them",
                )
        if not reached:
            yield at.problem(
                "keyless-without-grants",
                f"none of its roles gives {show(identity.id)} anything on {show(key)}, so that no role is made there",
                (key,),
                on_key=True,
                severity=Severity.WARNING,
                why="an account is made for what it is to hold",
                fix="add a role that grants something there, or take the entry out",
            )


def given(world: World, identity: Identity, targets: Sequence[Target]) -> Iterator[GrantBlock]:
    """What the roles of `identity` give on any of these targets, which are of one family."""
    seen: set[str] = set()
    waiting = [held.role for held in identity.roles]
    while waiting:
        name = waiting.pop()
        role = world.roles.get(name)
        if role is None or name in seen:
            continue
        seen.add(name)
        for grant in role.grants:
            reached = any(all(t.labels.get(k) == v for k, v in grant.where.items()) for t in targets)
            if grant.target == targets[0].family and reached:
                yield grant
        waiting.extend(role.includes)
