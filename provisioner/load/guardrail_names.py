"""What `guardrails:` names: people, targets, addresses, and what each acknowledgement has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.contract.protocols import Provider
from provisioner.load.checked import checked
from provisioner.load.display import show
from provisioner.load.named import Named
from provisioner.load.places import At
from provisioner.load.rules import rules_of
from provisioner.load.schema import GuardrailsModel
from provisioner.load.world import World
from provisioner.model.address import Address
from provisioner.model.block import Path
from provisioner.model.rules import Acknowledgement


@dataclass(frozen=True, slots=True)
class GuardrailNames:
    """`providers` by target family: they know the grants that may not be held together."""

    world: World
    providers: Mapping[str, Provider]
    named: Named

    def check(self) -> None:
        """Problems are added to the world's."""
        if self.world.guardrails is None:
            return
        source, model = self.world.guardrails
        rails: GuardrailsModel = model
        at = At(source, ("guardrails",))
        self.named.owners(rails.owners, at, ("owners",))
        for target, administrators in rails.administrators.items():
            self.named.target(target, at, ("administrators", target), why="administrators are counted by target")
            for index, name in enumerate(administrators.required):
                self.named.identity(name, at, ("administrators", target, "required", index))
        for index, name in enumerate(rails.break_glass):
            self.named.identity(name, at, ("break_glass", index))
        for number, rule in enumerate(rails.separate):
            for side, blocks in enumerate(rule.not_both):
                for target in blocks:
                    self._separate(at, ("separate", number, "not_both", side, target), target)
        for number, said in enumerate(rules_of(source, rails).acknowledgements):
            self._acknowledgement(said, at, ("acknowledgements", number))

    def _acknowledgement(self, said: Acknowledgement, at: At, path: Path) -> None:
        """What it lets through; people and roles may be gone by then, and are not looked up."""
        if said.target is not None:
            self.named.target(
                said.target, at, (*path, "target"), why="it lets something through on that target", on_key=False
            )
        for index, text in enumerate(said.addresses):
            self._acknowledged_address(text, at, (*path, "addresses", index))
        told = _what_is_wrong(said)
        if told is not None:
            message, fix = told
            self.world.problems.append(
                at.problem(
                    "bad-acknowledgement",
                    message,
                    path,
                    why="it names people, a role, or addresses; or a target with kind and count; or a target and the "
                    "system that it is now",
                    fix=fix,
                )
            )

    def _acknowledged_address(self, text: str, at: At, path: Path) -> None:
        try:
            target = Address.parse(text).target
        except ValueError:
            why = "an address is target:kind/name, such as corp-ldap:membership/developers/ada"
        else:
            if self.world.target_known(target):
                return
            why = f"there is no target {show(target)}"
        self.world.problems.append(
            at.problem(
                "bad-address",
                f"{show(text)} is no address",
                path,
                why=why,
                fix="copy the address from the plan; without its last part it means everything that hangs on it",
            )
        )

    def _separate(self, at: At, path: Path, target: str) -> None:
        if not self.world.target_known(target):
            self.named.target(target, at, path, why="what must not be held together is given on a target")
        elif (provider := self.providers.get(target.partition("/")[0])) is not None:
            checked(At(at.source, at.base + path), provider.grants, f"a grant on {show(target)}", self.world.problems)


def _what_is_wrong(said: Acknowledgement) -> tuple[str, str] | None:
    """What an acknowledgement says too little or too much of, and how to mend it."""
    named = bool(said.people or said.role or said.addresses)
    if not named and said.target is None:
        return "the acknowledgement names nothing that it lets through", "add for example `people: [linus]`"
    if said.system is not None:
        if named or said.kind is not None or said.count is not None:
            return (
                "the acknowledgement of another system names more than that",
                "say the rest in an entry of its own",
            )
        return None if said.target is not None else ("`system` is of a target", "add `target:`")
    if said.journal_lost:
        if named or said.kind is not None or said.count is not None or said.removals:
            return "the acknowledgement of a lost journal names more than that", "say the rest in an entry of its own"
        return None if said.target is not None else ("`journal` is of a target", "add `target:`")
    if said.count is None and said.kind is None:
        return None if named else ("the acknowledgement does not say how much", "add `kind:` and `count:`")
    if said.count is None or said.kind is None or said.target is None:
        return "`target`, `kind` and `count` belong together", "say all three of them"
    return ("a counted acknowledgement names nothing else", "say it in an entry of its own") if named else None
