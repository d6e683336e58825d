"""What an apply came to: each failure by name, with target, call and request id, and the access line that asked for it.

"Done" is said only of what was read back; what the system merely accepted, or still shows in another way, is told so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from provisioner.contract import (
    Accepted,
    AlreadySo,
    Done,
    Failed,
    Outcome,
    ProviderError,
    Refused,
    StillHas,
    Unknown,
    Waiting,
)
from provisioner.contract.outcome import is_success
from provisioner.diagnostics import Diagnostic
from provisioner.model.change import Change
from provisioner.report import diagnostics as problems
from provisioner.report import layout
from provisioner.report.colour import PLAIN, Palette
from provisioner.report.safe import guard, safe
from provisioner.report.text import COLUMNS, moment, wrap
from provisioner.report.words import and_so_on, plural

LISTED = 40
"""So many changes are listed one by one; of more only the number is told. What went wrong is always listed."""
_WORDS = 200


def text(
    changes: Sequence[Change],
    outcomes: Mapping[str, Outcome],
    *,
    failed: Collection[str],
    converged: Collection[str] = (),
    why_not: Mapping[str, str] | None = None,
    held_back: int = 0,
    interrupted: bool = False,
    diagnostics: Iterable[Diagnostic] = (),
    columns: int = COLUMNS,
    colours: Palette = PLAIN,
) -> str:
    """The summary of a run. `failed` are the ids of the changes that somebody must be told of; `why_not` says of each
    target that is not in order yet, why; `held_back` how many changes of the plan were not tried at all."""
    lines: list[str] = []
    done = [c for c in changes if is_success(outcomes[c.id])]
    wrong = [c for c in changes if c.id in failed]
    rest = [c for c in changes if not is_success(outcomes[c.id]) and c.id not in failed]
    lines.append(colours.bold(_headline(changes, done, wrong, interrupted, left=bool(why_not or held_back))))
    if len(done) <= LISTED:
        for change in done:
            lines += _entry(change, _success(outcomes[change.id]), colours, columns)
    else:
        lines += _invited(done, outcomes, columns)
    if wrong:
        lines += ["", colours.red(f"{len(wrong):,} failed")]
        for change in wrong:
            lines += _entry(change, _what(outcomes[change.id]), colours, columns, with_source=True)
    if rest:
        lines += ["", colours.yellow(f"{len(rest):,} not done")]
        for change in rest[:LISTED]:
            lines += _entry(change, _what(outcomes[change.id]), colours, columns)
        if len(rest) > LISTED:
            lines.append(f"  and {len(rest) - LISTED:,} more")
    if held_back:
        was = "change was" if held_back == 1 else "changes were"
        lines += ["", colours.yellow(f"{held_back:,} {was} held back; the plan above names each, and why")]
    told = problems.text(diagnostics, colours=colours)
    if told:
        lines += ["", told.rstrip("\n")]
    lines += _state(converged, why_not or {}, columns, bool(wrong or rest))
    return "\n".join(guard(line) for line in lines) + "\n"


def _invited(done: Sequence[Change], outcomes: Mapping[str, Outcome], columns: int) -> list[str]:
    """Who has to accept before they can use what was done, where the changes are too many to be listed."""
    found = [(c, o) for c in done if isinstance(o := outcomes[c.id], Waiting)]
    lines: list[str] = []
    for target in sorted({c.address.target for c, _ in found}):
        here = [o for c, o in found if c.address.target == target]
        lapses = min((o.lapses for o in here if o.lapses is not None), default=None)
        who = and_so_on(sorted({o.for_whom for o in here}), 12)
        told = f"{target} waits for {who} to accept" + (f"; the first lapses {moment(lapses)}" if lapses else "")
        lines += [f"  {line}" for line in wrap(safe(told), columns - 2)]
    return lines


def _headline(
    changes: Sequence[Change], done: Sequence[Change], wrong: Sequence[Change], interrupted: bool, *, left: bool
) -> str:
    if not changes:
        return "Nothing was done." if left else "Nothing to do."
    targets = plural(len({c.address.target for c in changes}), "target")
    told = f"{len(done):,} of {plural(len(changes), 'change')} on {targets} done"
    if interrupted:
        return f"Interrupted: {told}."
    if len(done) == len(changes):
        return f"Done: {plural(len(changes), 'change')} on {targets}, each read back from the live system."
    return f"{told}{f', {len(wrong):,} failed' if wrong else ''}."


def _entry(change: Change, told: str, colours: Palette, columns: int, *, with_source: bool = False) -> list[str]:
    sign = layout.SIGNS[change.effect.direction]
    first, *more = wrap(f"{safe(change.words, _WORDS)} ({safe(change.address.target)})", columns - 4)
    lines = [f"  {sign} {first}", *(f"    {line}" for line in more)]
    if with_source and change.sources:
        told += f"; asked for at {change.sources[0]}"
    return lines + [f"      {colours.dim(line)}" for line in (wrap(safe(told), columns - 6) if told else ())]


def _success(outcome: Outcome) -> str:
    match outcome:
        case Waiting(for_whom, lapses):
            return f"waits for {for_whom}" + (f", lapses {moment(lapses)}" if lapses else "")
        case AlreadySo(proof):
            return f"was so already{f': {proof}' if proof else ''}"
    return ""


def _what(outcome: Outcome) -> str:
    """An outcome that is not a success, in words."""
    match outcome:
        case Failed(error):
            return _error(error)
        case Refused(why):
            return f"not tried: {why}"
        case Unknown(look_after, error):
            told = "sent, and not answered: whether it was done must be looked at"
            told += f" after {moment(look_after)}" if look_after else ""
            return f"{told} ({_error(error)})" if error else told
        case StillHas(ways):
            through = sorted({str(w.via or w.native_id or "another way") for w in ways})
            return f"ours is gone, and the access is still there through {', '.join(through)}"
        case Accepted(_, settles_by):
            by = f", which may take until {moment(settles_by)}" if settles_by else ""
            return f"the system accepted it and does not show it yet{by}"
        case Done() | AlreadySo() | Waiting():
            return _success(outcome)


def _error(error: ProviderError) -> str:
    parts = [error.call or "call", error.trouble.value]
    parts += [f"code {error.code}"] if error.code else []
    parts += [f"request {error.request_id}"] if error.request_id else []
    return f"{error.message} ({', '.join(parts)})"


def _state(converged: Collection[str], why_not: Mapping[str, str], columns: int, left: bool) -> list[str]:
    lines: list[str] = []
    if converged:
        lines += wrap(safe(f"In order now: {and_so_on(sorted(converged), 8)}."), columns)
    for target, why in sorted(why_not.items()):
        lines += wrap(safe(f"Not in order yet: {target}{f': {why}' if why else ''}."), columns)
    if left:
        lines.append("What is left: `provision status` lists it, and the next apply begins with it.")
    return ["", *lines] if lines else []
