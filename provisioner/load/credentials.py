"""Credentials of services: whether each can be made where it is declared, delivered where it is to go, and gone on with
by a run that finds it half delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provisioner.contract.credentials import Holds, Issues, issues_of
from provisioner.contract.keyless import Pipelines, Trusts
from provisioner.contract.protocols import Provider
from provisioner.diagnostics import Severity
from provisioner.load.checked import checked
from provisioner.load.display import flow, several, show
from provisioner.load.keyless import given
from provisioner.load.places import At
from provisioner.load.schema import CredentialModel, DeliveryModel, ServiceModel
from provisioner.load.suggest import did_you_mean
from provisioner.load.world import World
from provisioner.model.block import Path
from provisioner.model.identity import IdentityKind
from provisioner.model.instant import format_duration
from provisioner.model.slot import DEFAULT_OVERLAP, Names
from provisioner.model.slots import names_of, split
from provisioner.model.target import AccountsPolicy, Mode

if TYPE_CHECKING:
    from provisioner.model.identity import Identity


class Credentials:
    """`stores` is what can keep secrets, by the name of its provider."""

    def __init__(self, world: World, providers: Mapping[str, Provider], stores: Mapping[str, Holds]) -> None:
        self.world = world
        self.providers = providers
        self.stores = stores
        self.taken: dict[tuple[str, str, str], str] = {}

    def check(self) -> None:
        """What is found is added to the world's problems."""
        for name, store in self.world.carried.get("stores", {}).items():
            self._store(name, store.get("provider"))
        for identity in self.world.identities.values():
            if identity.kind is IdentityKind.SERVICE and identity.credentials is not None:
                self._service(identity, self.world.models[identity.id])

    def _store(self, name: str, provider: object) -> None:
        at = self.world.at("stores", name)
        kind = self.stores.get(str(provider))
        if kind is None:
            self.world.problems.append(
                at.problem(
                    "unknown-provider",
                    f"there is no provider {show(provider)} that keeps secrets",
                    ("provider",),
                    why=f"secrets can be kept by {several(sorted(self.stores))}",
                    fix=did_you_mean(str(provider), self.stores) or "write one of them",
                )
            )
            return

        def pick() -> dict[str, object]:
            return {k: v for k, v in (at.source.below(at.base) or {}).items() if k != "provider"}

        checked(at, kind.settings, f"the store {show(name)}", self.world.problems, pick)

    def _service(self, identity: Identity, model: ServiceModel) -> None:
        at = self.world.of(identity, "credentials")
        for name, kinds in model.credentials.items():
            target = self.world.targets.get(name)
            if target is None:
                if self.world.target_known(name):
                    self._say(
                        at,
                        "credential-target",
                        f"{show(name)} has instances, and a credential belongs to one of them",
                        (name,),
                        why="each instance has accounts of its own",
                        fix=f"write {several([n for n in self.world.targets if n.startswith(name + '/')]) or name}",
                        on_key=True,
                    )
                continue
            usual = issues_of(self.providers.get(target.provider))
            for kind, said in kinds.items():
                if kind not in usual:
                    self._say(
                        at,
                        "unknown-credential",
                        f"the provider {show(target.provider)} makes no credential {show(kind)}",
                        (name, kind),
                        why=f"it makes {several(sorted(usual)) or 'none'}",
                        fix=did_you_mean(kind, usual) or "take it out",
                        on_key=True,
                    )
                    continue
                self._slot(at, (name, kind), identity, said, usual[kind])
                provider: object = self.providers.get(target.provider)
                if isinstance(provider, Issues):
                    self.world.problems += provider.check_credential(target, kind, at.key((name, kind)))

    def _slot(self, at: At, path: Path, identity: Identity, said: CredentialModel, usual: Names) -> None:
        if not said.deliver_to:
            self._say(
                at,
                "delivery-missing",
                f"the {path[1]} of {show(identity.id)} is delivered nowhere",
                path,
                why="a secret is shown once, to the run that makes it, and goes straight to where it is kept",
                fix="add `deliver_to:` with a store",
                on_key=True,
            )
            return
        self._room(at, path, identity, said)
        found = []
        for index, one in enumerate(said.deliver_to):
            holds = self._delivery(at, (*path, "deliver_to", index), identity, one, usual)
            if holds is None:
                return
            found.append(holds)
            self._needless(at, (*path, "deliver_to", index, "to"), identity, holds, one)
        if len(found) > 1 and not any(h.reads_back for h in found):
            self._say(
                at,
                "delivery-not-resumable",
                f"the {path[1]} of {show(identity.id)} is delivered to {len(found)} places, and none can be read back",
                (*path, "deliver_to"),
                why="a run that is cut off between two of them leaves one with the new secret and one with the old; "
                "where the system allows two credentials, there is no room for a third",
                fix=f"deliver it also to a store that can be read back "
                f"({several(sorted(n for n, s in self.stores.items() if s.reads_back))}), or make a service for each",
                on_key=True,
            )

    def _room(self, at: At, path: Path, identity: Identity, said: CredentialModel) -> None:
        """The old one works for an overlap and is kept switched off for another."""
        given = said.model_fields_set
        overlap = said.overlap if "overlap" in given else DEFAULT_OVERLAP
        if "rotate_after" not in given or said.rotate_after >= 2 * overlap:
            return
        told = format_duration(overlap)
        self._say(
            at,
            "overlap-too-long",
            f"the {path[1]} of {show(identity.id)} is due after {format_duration(said.rotate_after)}, when the one "
            f"before is not gone: it has an overlap of {told}, and is deleted {told} after that",
            (*path, "rotate_after"),
            severity=Severity.WARNING,
            why="where a system takes two there is no room for a third, and the run that is to make it fails",
            fix=f"write `rotate_after: {format_duration(2 * overlap)}` or more, or a shorter `overlap`",
        )

    def _needless(self, at: At, path: Path, identity: Identity, holds: Holds, one: DeliveryModel) -> None:
        """A long-lived key for a job whose own token would do."""
        where = split(one.to, self.world.carried.get("stores", {}), self.world.targets)
        target, issuing = self.world.targets.get(where[0] if where else ""), self.world.targets[str(path[0])]
        provider = self.providers.get(issuing.provider)
        if where is None or target is None or provider is None or not isinstance(holds, Pipelines):
            return
        if issuing.accounts is AccountsPolicy.EXISTING:
            return  # no role is made there
        declare, pipeline = provider.declare(issuing), holds.pipeline_of(target, where[1] or identity.id)
        trust = declare.keyless_for(pipeline) if isinstance(declare, Trusts) and pipeline is not None else None
        if trust is None or not isinstance(declare, Trusts):
            return
        grants = given(self.world, identity, [issuing])
        not_held = [why for grant in grants for why, _ in declare.check_keyless(grant.block)]
        first = f"let its roles give policies first ({not_held[0]}); then " if not_held else ""
        second: dict[str, object] = {"owners": list(identity.owners)}
        roles = (at.source.below(("services", identity.id)) or {}).get("roles")
        if roles:
            second["roles"] = roles
        second["identity"] = {issuing.name: {"trust": trust}}
        self._say(
            at,
            "keyless-would-do",
            f"the {path[1]} of {show(identity.id)} is a long-lived key for jobs that need none: {show(issuing.name)} "
            "can take the token that their CI signs",
            path,
            severity=Severity.NOTE,
            why="a key in a secret works from anywhere until it is ended; a token is one job's, for some minutes",
            fix=f"{first}write under `services:` {flow({f'{identity.id[:55]}-keyless': second})[1:-1]}; change the "
            f"pipeline over, then take {identity.id} out",
        )

    def _delivery(self, at: At, path: Path, identity: Identity, one: DeliveryModel, usual: Names) -> Holds | None:
        where = split(one.to, self.world.carried.get("stores", {}), self.world.targets)
        if where is None:
            self._no_instance(at, (*path, "to"), one.to)
            return None
        name, place = where[0], where[1] or identity.id
        target = self.world.targets.get(name)
        provider = target.provider if target is not None else self.world.carried["stores"][name].get("provider")
        holds = self.stores.get(str(provider))
        if holds is None:
            if target is not None:
                self._say(
                    at,
                    "delivery-place",
                    f"nothing can be delivered to {show(one.to)}: its provider {show(provider)} keeps no secrets",
                    (*path, "to"),
                    why=f"secrets can be kept by {several(sorted(self.stores))}",
                    fix="name another target, or a store",
                )
            return None
        if target is not None and target.mode is Mode.REPORT:
            self._say(
                at,
                "delivery-report-only",
                f"nothing is delivered to {show(one.to)}, and so the {path[1]} of {show(identity.id)} is not made, nor "
                "made anew",
                (*path, "to"),
                severity=Severity.WARNING,
                why=f"{name} has `mode: report`, and nothing is written there",
                fix="give it another mode, or name another place",
            )
        names = names_of(one.named, usual)
        wrong = _wrong_names(names, one)
        told = wrong or holds.check_place(place, names)
        if told is not None:
            code = "delivery-names" if wrong else "delivery-place"
            self._say(
                at,
                code,
                f"{show(one.to)} cannot take it: {told}",
                (*path, "as" if wrong else "to"),
                why="a delivery names a place in a store, and the names that the parts get there",
                fix="docs/credentials.md has the places of each store, and the names that they take",
            )
            return None
        self._check_taken(at, path, identity, one, holds, (name, place, names))
        if len(names.all) > 1 and not holds.at_once:
            self._say(
                at,
                "delivery-in-two-calls",
                f"{one.to} takes the two parts one after the other",
                (*path, "to"),
                severity=Severity.WARNING,
                why="a job that starts between them gets a pair that does not work; a run that is cut off there leaves "
                "it so until the next",
                fix="deliver both as one value: `as: NAME`",
            )
        return holds

    def _check_taken(
        self, at: At, path: Path, identity: Identity, one: DeliveryModel, holds: Holds, to: tuple[str, str, Names]
    ) -> None:
        """`to`: the store, the place in it and the names there, which nothing else may be delivered under."""
        name, place, names = to
        # What is written at once is one document, whatever the names in it.
        mine = f"{identity.id} ({path[0]}, {path[1]})"
        for each in ("",) if holds.at_once else names.all:
            key = (name, place.casefold(), each.casefold()) if holds.folds_case else (name, place, each)
            first = self.taken.setdefault(key, f"{mine} {path[-1]}")
            if first != f"{mine} {path[-1]}" or len(set(names.all)) < len(names.all):
                other = first.rpartition(" ")[0]
                same = first == f"{mine} {path[-1]}"
                told = f"{show(one.to)} is written for {other} and for {mine}"
                if other == mine:
                    told = f"{show(one.to)} is written twice for {mine}"
                self._say(
                    at,
                    "delivered-twice",
                    f"{show(one.to)} would have both parts under one name" if same else told,
                    (*path, "to"),
                    why="each would overwrite the other",
                    fix="give each part its own name" if same else "give them different places, or different names",
                )

    def _no_instance(self, at: At, path: Path, to: str) -> None:
        """Where nothing of that name is declared at all, that is told as `unknown-store`."""
        family, _, rest = to.partition("/")
        instances = [n for n in self.world.targets if n.startswith(f"{family}/")]
        if not instances:
            return
        self._say(
            at,
            "delivery-place",
            f"nothing can be delivered to {show(to)}: {show(family)} has instances, and it names none of them",
            path,
            why="each instance is a system of its own",
            fix=f"write {' or '.join(show(f'{n}/{rest}'.rstrip('/')) for n in instances[:5])}",
        )

    def _say(self, at: At, code: str, message: str, path: Path, **more: object) -> None:
        self.world.problems.append(at.problem(code, message, path, **more))  # type: ignore[arg-type]


def _wrong_names(names: Names, one: DeliveryModel) -> str | None:
    unknown = sorted(set(one.named) - {"user", "secret"}) if isinstance(one.named, Mapping) else []
    if unknown:
        return f"a credential has the parts `user` and `secret`, not {several(unknown)}"
    if names.whole is None and (names.user is None or names.secret is None):
        return "both parts need a name, `user` and `secret`; or all of it one"
    return None
