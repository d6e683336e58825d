"""Answers for people at a terminal: `explain`, `who`, `receipt`. Never decides what is true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from provisioner.model.address import Address, Kind
from provisioner.model.answer import (
    AccountFound,
    ExplainedTarget,
    Explanation,
    Holders,
    Holding,
    Item,
    Live,
    Receipt,
    TargetReceipt,
    Verdict,
)
from provisioner.model.desired import Because
from provisioner.model.identity import Identity
from provisioner.report.colour import PLAIN, Palette
from provisioner.report.safe import guard, pad, safe, width
from provisioner.report.text import moment, wrap
from provisioner.report.words import plural

COLUMNS = 100
_NAME = 200
_ALIGNED = 36


def thing(address: Address) -> str:
    """What an address is about, without its holder: `member of developers`, `grant ReadOnlyAccess`."""
    name = safe(address.object, _NAME) + (f" ({safe(address.slot, _NAME)})" if address.slot else "")
    return f"member of {name}" if address.kind is Kind.MEMBERSHIP else f"{address.kind.value} {name}"


def person(identity: Identity) -> str:
    """`ada (Ada Byron, ada@example.com)`."""
    told = [safe(t, _NAME) for t in (identity.name, identity.email) if t]
    return safe(identity.id) + (f" ({', '.join(told)})" if told else "")


class Lines:
    """The lines so far. Rows of a block are lined up: what it is, then what there is to say of it."""

    def __init__(self, columns: int = COLUMNS, colours: Palette = PLAIN) -> None:
        self.columns = columns
        self.colours = colours
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join(guard(line) for line in self._lines).rstrip("\n") + "\n"

    def say(self, told: str = "", by: int = 0) -> None:
        self._lines += [" " * by + line for line in wrap(told, self.columns - by)]

    def gap(self) -> None:
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def head(self, told: str) -> None:
        self.gap()
        self._lines += [self.colours.bold(line) for line in wrap(told, self.columns)]

    def loud(self, told: str, by: int = 0) -> None:
        for number, line in enumerate(wrap(told, self.columns - by - 2)):
            self._lines.append(" " * by + self.colours.yellow(("! " if number == 0 else "  ") + line))

    def rows(self, rows: Iterable[tuple[str, str, str]], by: int = 2) -> None:
        """Each a sign, what it is, and what there is to say of it."""
        listed = list(rows)
        column = max((width(what) for _, what, _ in listed if width(what) <= _ALIGNED), default=0)
        for sign, what, tail in listed:
            start = " " * by + f"{sign} " + (pad(what, column) if tail else what)
            room = self.columns - width(start) - 2
            if not tail or width(what) > column or room < 20:
                self._lines.append(start.rstrip())
                if tail:
                    self._lines += [" " * (by + 6) + line for line in wrap(tail, self.columns - by - 6)]
                continue
            first, *rest = wrap(tail, room)
            self._lines += [f"{start}  {first}", *(" " * (width(start) + 2) + line for line in rest)]


# explain


def explanation(found: Explanation, *, colours: Palette = PLAIN, columns: int = COLUMNS) -> str:
    """Why somebody has what they have, target by target."""
    page = Lines(columns, colours)
    who = found.identity
    page.head(person(who))
    page.say(safe(_standing(found)))
    for target in found.targets:
        _explained(page, target)
    if not found.targets:
        page.gap()
        page.say("No role of theirs reaches a target, and no account is theirs.")
    return page.text


def _standing(found: Explanation) -> str:
    who = found.identity
    if not found.declared:
        last = f" (last in {found.revision})" if found.revision else ""
        if who.until is not None and not found.revision:
            return f"Their time ended {moment(who.until)}."
        return f"Not declared any more{last}."
    told = f"Declared at {who.location}"
    if who.suspended is not None:
        told += f"; suspended since {moment(who.suspended.since)}: {who.suspended.reason}"
    for source in who.sources:
        given = ", ".join(dict.fromkeys(held.role for held in who.roles if held.source == source)) or "nothing now"
        told += f"; known from {source}, which gave {given}"
    return told + (f"; until {moment(who.until)}." if who.until is not None else ".")


def _explained(page: Lines, target: ExplainedTarget) -> None:
    page.head(f"{safe(target.target)}: {_account(target)}")
    for why in target.incomplete:
        page.loud(f"not read completely: {safe(why)}", by=2)
    rows = [(_sign(h), thing(h.address), _why(h)) for h in target.holdings]
    rows += [("o", thing(address), f"begins {moment(starts)}") for address, starts in target.later]
    rows += [("o", thing(address), f"ended {moment(until)}") for address, until in target.over]
    page.rows(rows)
    if target.pending:
        page.say(f"{plural(target.pending, 'change')} of theirs here: see `provision plan`", by=2)


def _account(target: ExplainedTarget) -> str:
    if target.account is None:
        if target.incomplete:
            return "whether they have an account cannot be told"
        return "no account yet" if target.wanted else "no account"
    return found_account(target.account)


def found_account(account: AccountFound) -> str:
    """`account ada, enabled, marked as ours`."""
    state = {True: ", enabled", False: ", locked", None: ""}[account.enabled]
    return f"account {safe(account.address.object, _NAME)}{state}, {account.how}"


def _sign(row: Holding) -> str:
    if not row.asked:
        return "?"
    return {Live.YES: "=", Live.WAITS: "~", Live.NO: "+", Live.UNKNOWN: "?"}[row.live]


def _why(row: Holding) -> str:
    told = [_because(b) for b in row.because] or ([row.note] if row.note else [])
    return "; ".join([*told, *_state(row)])


def _state(row: Holding) -> list[str]:
    """Whether it is there, until when, and how, where that needs saying."""
    told = []
    if row.asked and row.live is Live.NO:
        told.append("not there yet")
    elif row.asked and row.live is Live.UNKNOWN:
        told.append("whether it is there could not be read")
    elif row.live is Live.WAITS:
        told.append("waits to be accepted")
    if row.until is not None:
        told.append(f"until {moment(row.until)}")
    if row.via:
        told.append("through " + ", ".join(safe(str(v), _NAME) for v in row.via))
    if row.locked_by:
        told.append(f"comes from {safe(row.locked_by, _NAME)}")
    return told


def _because(because: Because) -> str:
    assignment = because.assignment
    told = safe(" > ".join(because.path) + _given(because))
    if because.environments:
        told += f" in {', '.join(sorted(because.environments))}"
    told += f" ({safe(str(assignment.location))}, {safe(str(because.grant))})"
    return told + (f": {safe(assignment.reason, _NAME)}" if assignment.reason else "")


def _given(because: Because) -> str:
    """By which source, where no person gave it."""
    source = because.assignment.source
    return f" (from {source})" if source is not None else ""


# who


def holders(found: Holders, *, colours: Palette = PLAIN, columns: int = COLUMNS) -> str:
    """Who holds what, thing by thing."""
    page = Lines(columns, colours)
    for target, rows in groupby(found.rows, key=lambda r: r.address.target):
        page.head(safe(target))
        for what, alike in groupby(rows, key=lambda r: _held(r.address)):
            listed = list(alike)
            page.say(f"{what}: {plural(len(listed), 'holder') if what != 'account' else len(listed)}", by=2)
            page.rows(((_sign(r), safe(r.login, _NAME), _holder(r, found)) for r in listed), by=4)
    if not found.rows:
        page.say("Nobody." if not found.incomplete else "Nobody was found.")
    if found.incomplete:
        page.gap()
    for short in found.incomplete:
        page.loud(f"{safe(short.target)} was not read completely: {safe('; '.join(short.why))}")
    return page.text


def _held(address: Address) -> str:
    return "account" if address.kind is Kind.ACCOUNT else thing(address)


def _holder(row: Holding, found: Holders) -> str:
    told = []
    if row.identity is not None:
        who = row.identity if row.identity != row.login else ""
        sources = ", ".join(found.known_from.get(row.identity, ()))
        known = f"known from {sources}" if sources else ""
        told = [", ".join(safe(t, _NAME) for t in (who, found.names.get(row.identity, ""), known) if t)]
    roles = dict.fromkeys(" > ".join(b.path) + _given(b) for b in row.because)
    lines = dict.fromkeys(str(b.assignment.location) for b in row.because)
    if roles:
        told.append(f"{safe(', '.join(roles))} ({safe(', '.join(lines))})")
    elif row.note:
        told.append(safe(row.note))
    elif row.asked and row.sources and row.address.kind is not Kind.ACCOUNT:
        told.append(f"declared ({safe(str(row.sources[0]))})")
    return "; ".join(t for t in (*told, *_state(row)) if t)


# receipt


def receipt(found: Receipt, *, colours: Palette = PLAIN, columns: int = COLUMNS) -> str:
    """What is gone and what is left, system by system, and one sentence about the whole."""
    page = Lines(columns, colours)
    page.head(f"Receipt for {person(found.identity)}")
    page.say(f"Read from the live systems at {moment(found.read_at)}.")
    page.say(_declared(found))
    for note in found.notes:
        page.loud(safe(note))
    for target in found.targets:
        _receipt_of(page, target)
    page.gap()
    page.head(_conclusion(found))
    return page.text


def _declared(found: Receipt) -> str:
    if found.declared:
        return f"They are declared ({safe(str(found.identity.location))})."
    if found.revision is None:
        return "No revision of the files declares this id."
    return f"They are not declared any more{f' (last in {found.revision})' if found.revision else ''}."


_SAID = {
    Verdict.NOTHING: "nothing is left that gives access",
    Verdict.ABSENT: "no account of theirs",
    Verdict.LEFT: "something is LEFT",
    Verdict.UNSURE: "CANNOT SAY",
}


def _receipt_of(page: Lines, target: TargetReceipt) -> None:
    page.head(f"{safe(target.target)}: {_SAID[target.verdict]}")
    for why in target.unsure:
        page.loud(f"not read: {safe(why)}", by=2)
    rows = [("!", thing(i.address), _item(i, "")) for i in target.left]
    rows += [("=", thing(i.address), _item(i, "; deleted after ")) for i in target.kept]
    rows += [("-", thing(i.address), _gone(i)) for i in target.gone]
    page.rows(rows)
    if target.look_alikes:
        names = ", ".join(safe(str(a), _NAME) for a in target.look_alikes)
        page.loud(f"looks like theirs, and is not known to be: {names}", by=2)
    for told in target.remains:
        page.loud(safe(told), by=2)


def _gone(item: Item) -> str:
    return "gone" if item.at is None else f"gone, removed {moment(item.at)}"


def _item(item: Item, before: str) -> str:
    return safe(item.why, 2 * _NAME) + (f"{before}{moment(item.at)}" if before and item.at is not None else "")


def _conclusion(found: Receipt) -> str:
    who = safe(found.identity.id)
    left = sum(len(t.left) for t in found.targets)
    unsure = [t.target for t in found.targets if t.unsure]
    if not unsure and not left:
        return f"{who} has nothing left on {_targets(found.targets)}."
    told = []
    if left:
        told.append(f"{who} still has {plural(left, 'thing')} on {_targets([t for t in found.targets if t.left])}")
    if unsure:
        told.append(f"what is left on {', '.join(safe(t) for t in unsure)} cannot be told")
    return "; ".join(told) + "."


def _targets(of: Sequence[TargetReceipt]) -> str:
    return plural(len(of), "target")
