"""The same settings, and another system behind them: refused until somebody has said that it is meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from provisioner.diagnostics import Diagnostic
from provisioner.guardrails.wording import meant, text
from provisioner.model.instant import Instant
from provisioner.model.rules import Acknowledgement
from provisioner.model.target import Target
from provisioner.observe.inventory import Pinned
from provisioner.plan.situation import Situation


def acknowledged_system(said: Iterable[Acknowledgement], target: str, system: str, now: Instant) -> bool:
    """Whether somebody has said that `target` is another system now, and which."""
    return any(a.system == system and a.target is not None and a.reaches(target) and a.until > now for a in said)


def other_system(target: Target, was: str, now_it_is: str, now: Instant) -> Diagnostic:
    """The refusal, which has both ids."""
    return Diagnostic(
        "system-changed",
        f"{target.name} is another system than the one that was applied to: it was {was}, and now it is {now_it_is}",
        location=target.location,
        target=target.name,
        why="what was given, marked and recorded is of the other system; nothing more was asked of this one",
        fix="if the settings lead to the wrong place, mend them; "
        + meant(now, [f"target: {text(target.name)}, system: {text(now_it_is)}"]),
    )


def pinned(situation: Situation) -> dict[str, Pinned]:
    """What each target was when it was last applied to, and whether it may be another system now."""
    said = situation.declared.rules.acknowledgements

    def may_be(target: str) -> Callable[[str], bool]:
        return lambda system: acknowledged_system(said, target, system, situation.now)

    known = {name: known.system for name, known in situation.known.items()}
    return {name: Pinned(system, may_be(name)) for name, system in known.items() if system is not None}
