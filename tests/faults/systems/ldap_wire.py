"""LDAP (RFC 4511) as far as the proxy needs it: messages are BER, one after another; an answer to a search is many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import BinaryIO

from tests.faults.wire import Answer, Effect, Request, Spoil, Touched

UNBIND, ABANDON, SEARCH, ENTRY, DONE, REFERENCE = 0x42, 0x50, 0x63, 0x64, 0x65, 0x73
BIND, MODIFY, ADD, DELETE, RENAME, COMPARE, EXTENDED = 0x60, 0x66, 0x68, 0x4A, 0x6C, 0x6E, 0x77
_ANSWER = {BIND: 0x61, SEARCH: DONE, MODIFY: 0x67, ADD: 0x69, DELETE: 0x6B, RENAME: 0x6D, COMPARE: 0x6F, EXTENDED: 0x78}
_NAMES = {
    BIND: "bind", UNBIND: "unbind", SEARCH: "search", MODIFY: "modify", ADD: "add", DELETE: "delete",
    RENAME: "rename", COMPARE: "compare", EXTENDED: "extended", ABANDON: "abandon",
}  # fmt: skip
_WRITES = {MODIFY, ADD, DELETE, RENAME}
_SET_PASSWORD = b"1.3.6.1.4.1.4203.1.11.1"
PAGED = b"1.2.840.113556.1.4.319"

Item = tuple[int, bytes]
"""Tag and contents of one BER value."""


def ber(tag: int, contents: bytes) -> bytes:
    """One BER value of definite length."""
    size = len(contents)
    if size < 0x80:
        return bytes((tag, size)) + contents
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + contents


def items(data: bytes) -> list[Item]:
    """The values that stand one after another in `data`."""
    found, at = [], 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:
            octets = size & 0x7F
            size, at = int.from_bytes(data[at : at + octets], "big"), at + octets
        found.append((tag, data[at : at + size]))
        at += size
    return found


def message(number: bytes, tag: int, contents: bytes, *rest: Item) -> bytes:
    """An LDAPMessage; `number` as it came."""
    return ber(0x30, ber(2, number) + ber(tag, contents) + b"".join(ber(t, c) for t, c in rest))


def result(number: bytes, tag: int, code: int, text: str = "", *rest: Item) -> bytes:
    """An answer that is nothing but a result."""
    return message(number, tag, ber(10, bytes([code])) + ber(4, b"") + ber(4, text.encode()), *rest)


def read_message(stream: BinaryIO) -> bytes | None:
    """The next whole message; None where the stream ends."""
    head = stream.read(2)
    if len(head) < 2:
        return None
    size = head[1]
    if size & 0x80:
        octets = stream.read(size & 0x7F)
        head, size = head + octets, int.from_bytes(octets, "big")
    body = stream.read(size)
    return head + body if len(body) == size else None


class LdapWire:
    """`people` and `groups` are the bases that tell an account from a group, as the engine's settings have them."""

    spoils: tuple[Spoil, ...] = (
        Spoil("size limit"),
        Spoil("time limit"),
        Spoil("administrative limit"),
        Spoil("busy in the middle"),
        Spoil("unavailable in the middle"),
        Spoil("a part is elsewhere"),
        Spoil("values in parts, the rest missing"),
        Spoil("no LDAP"),
        Spoil("another message's number"),
        Spoil("the end of a page without its control"),
        Spoil("the same page again"),
        Spoil("entries twice", shows=False),
        Spoil("another order", shows=False),
    )
    silent: tuple[Spoil, ...] = (
        Spoil("entries missing", shows=False),
        Spoil("values missing", shows=False),
        Spoil("nothing", shows=False),
    )
    """What no reader can see from the answer alone: a well-formed answer that is short."""

    def __init__(self, people: str, groups: str) -> None:
        self._people, self._groups = people.lower(), groups.lower()
        self._pages: dict[bytes, tuple[list[bytes], list[bytes]]] = {}

    def request(self, stream: BinaryIO) -> Request | None:
        raw = read_message(stream)
        if raw is None:
            return None
        (_, number), (tag, contents), *controls = items(items(raw)[0][1])
        touched = tuple(self._touched(tag, contents)) if tag in _WRITES or tag == EXTENDED else ()
        sets_password = tag == EXTENDED and items(contents)[0][1] == _SET_PASSWORD
        return Request(
            raw,
            _NAMES.get(tag, hex(tag)),
            mutates=tag in _WRITES or sets_password,
            answered=tag not in (UNBIND, ABANDON),
            touched=touched,
            key=bytes([tag]) + contents + b"".join(c for _, c in controls),
            scope=self._scope(contents) if tag == SEARCH else "",
            detail=(number, tag, contents),
        )

    def answer(self, stream: BinaryIO, request: Request) -> Answer | None:
        _, tag, contents = request.detail
        parts = []
        while (raw := read_message(stream)) is not None:
            parts.append(raw)
            if _op(raw)[0] == _ANSWER[tag]:
                made = Answer(tuple(parts), ok=_code(raw) == 0)
                if tag == SEARCH:
                    _, last = self._pages.get(contents, ([], []))
                    self._pages[contents] = (last, [p for p in parts if _op(p)[0] == ENTRY])
                return made
        return None

    def for_request(self, answer: Answer, request: Request) -> Answer:
        number = request.detail[0]
        return Answer(tuple(_renumbered(p, number) for p in answer.parts), answer.ok)

    def success(self, request: Request) -> Answer:
        number, tag, _ = request.detail
        return Answer((result(number, _ANSWER[tag], 0),))

    def trouble(self, request: Request, kind: str, wait: float | None) -> Answer:
        """LDAP cannot say how long to wait."""
        number, tag, _ = request.detail
        told = {"busy": (51, "too much to do"), "unavailable": (52, "going down"), "denied": (50, "not for you")}
        code, text = told.get(kind, (80, "internal error"))
        return Answer((result(number, _ANSWER[tag], code, text),), ok=False)

    def spoiled(self, spoil: Spoil, request: Request, answer: Answer, chance: Random) -> Answer | None:
        number, tag, contents = request.detail
        if tag != SEARCH or not answer.ok:
            return None
        entries = [p for p in answer.parts if _op(p)[0] == ENTRY]
        rest = [p for p in answer.parts if _op(p)[0] != ENTRY]
        if not entries:
            return None
        if spoil.name == "no LDAP":
            return Answer((b"<html><body>502 Bad Gateway</body></html>\r\n",), ok=False, ends=True)
        if spoil.name == "another message's number":
            other = (int.from_bytes(number, "big") + 7).to_bytes(4, "big").lstrip(b"\0") or b"\1"
            return Answer(tuple(_renumbered(p, other) for p in answer.parts), ends=True)
        if spoil.name == "entries twice":
            some = chance.randrange(len(entries))
            return Answer((*entries[: some + 1], *entries[some:], *entries[:1], *rest))
        if spoil.name == "another order":
            chance.shuffle(entries)
            return Answer((*entries, *rest))
        if spoil.name == "the end of a page without its control":
            return Answer((*entries, result(number, DONE, 0))) if _cookie(rest[-1]) else None
        if spoil.name == "the same page again":
            before, _ = self._pages.get(contents, ([], []))
            if not before or not _asks_for_more(items(items(request.raw)[0][1])[2:]):
                return None
            return Answer((*(_renumbered(p, number) for p in before), *rest))
        if spoil.name.startswith("values"):
            return self._short_values(spoil.name == "values missing", entries, rest, chance)
        kept = entries[: chance.randrange(len(entries))]
        if spoil.name == "nothing":
            return Answer(tuple(rest))
        if spoil.name == "entries missing":
            lost = set(chance.sample(range(len(entries)), chance.randint(1, len(entries))))
            return Answer((*(e for i, e in enumerate(entries) if i not in lost), *rest))
        if spoil.name == "a part is elsewhere":
            elsewhere = message(number, REFERENCE, ber(4, b"ldap://elsewhere.example.com/ou=more,dc=example,dc=test"))
            return Answer((*kept, elsewhere, *rest))
        code = {"size limit": 4, "time limit": 3, "administrative limit": 11, "busy in the middle": 51}.get(
            spoil.name, 52
        )
        return Answer((*kept, result(number, DONE, code, spoil.name)), ok=False)

    @staticmethod
    def _short_values(silently: bool, entries: list[bytes], rest: list[bytes], chance: Random) -> Answer | None:
        """The list of members of some groups is short: either told so, by a range without an end, or not."""
        found, spoiled = [], False
        for raw in entries:
            (_, number), (tag, contents) = items(items(raw)[0][1])[:2]
            (_, name), (_, attributes) = items(contents)
            made = b""
            for _, each in items(attributes):
                (_, label), (_, values) = items(each)
                several = items(values)
                if label.lower() == b"member" and len(several) > 1:
                    some = chance.randint(1, len(several) - 1)
                    label = label if silently else label + b";range=0-" + str(some - 1).encode()
                    values, spoiled = b"".join(ber(t, v) for t, v in several[:some]), True
                made += ber(0x30, ber(4, label) + ber(0x31, values))
            found.append(message(number, tag, ber(4, name) + ber(0x30, made)))
        return Answer((*found, *rest)) if spoiled else None

    def _scope(self, contents: bytes) -> str:
        """A search for all people, or for all groups."""
        (_, base), (_, depth), *_, (kind, what), _ = items(contents)
        where = base.decode("utf-8", "replace").lower()
        if depth == b"\2" and where == self._people and (kind, what) == (0x87, b"uid"):
            return "people"
        return "groups" if depth == b"\2" and where == self._groups and kind == 0xA1 else ""

    # --- what a change is about ------------------------------------------------------------------------------------

    def _touched(self, tag: int, contents: bytes) -> Iterator[Touched]:
        if tag == DELETE:
            thing = self._thing(contents)
            yield Touched(Effect.TAKE, thing)
            return
        parts = items(contents)
        if tag == EXTENDED:
            if parts[0][1] == _SET_PASSWORD:
                yield Touched(Effect.TOUCH, self._thing(items(items(parts[1][1])[0][1])[0][1]))
            return
        thing = self._thing(parts[0][1])
        if tag == RENAME:
            yield Touched(Effect.TOUCH, thing)
            parent = parts[0][1].partition(b",")[2]
            yield Touched(Effect.TOUCH, self._thing(parts[1][1] + b"," + parent))
            return
        if tag == ADD:
            yield Touched(Effect.GIVE, thing)
            for _, each in items(parts[1][1]):
                yield from self._members(thing, Effect.GIVE, items(each))
            return
        others = False
        for _, each in items(parts[1][1]):
            (_, how), (_, change) = items(each)
            pair = items(change)
            if pair[0][1].lower() in (b"member", b"uniquemember", b"memberuid"):
                yield from self._members(thing, Effect.TAKE if how == b"\1" else Effect.GIVE, pair)
            else:
                others = True
        if others:
            yield Touched(Effect.TOUCH, thing)

    def _members(self, group: str, effect: Effect, pair: Sequence[Item]) -> Iterator[Touched]:
        if pair[0][1].lower() in (b"member", b"uniquemember", b"memberuid"):
            for _, value in items(pair[1][1]):
                who = self._thing(value)
                if who.startswith("account/"):
                    yield Touched(effect, f"membership/{group.partition('/')[2]}/{who.partition('/')[2]}")

    def _thing(self, name: bytes) -> str:
        """`account/ada`, `group/developers`, or the name itself."""
        text = name.decode("utf-8", "replace")
        first, _, base = text.partition(",")
        value = first.partition("=")[2]
        if base.lower() == self._people:
            return f"account/{value}"
        if base.lower() == self._groups:
            return f"group/{value}"
        return text


def _op(raw: bytes) -> Item:
    return items(items(raw)[0][1])[1]


def _code(raw: bytes) -> int:
    return int.from_bytes(items(_op(raw)[1])[0][1], "big")


def _renumbered(raw: bytes, number: bytes) -> bytes:
    (_, _), (tag, contents), *rest = items(items(raw)[0][1])
    return message(number, tag, contents, *rest)


def _controls(rest: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for tag, contents in rest:
        if tag == 0xA0:
            for _, each in items(contents):
                yield items(each)


def _cookie(done: bytes) -> bytes:
    """The cookie of the paged-results control in a result; empty at the end of the list."""
    for control in _controls(items(items(done)[0][1])[2:]):
        if control[0][1] == PAGED:
            return items(items(control[-1][1])[0][1])[1][1]
    return b""


def _asks_for_more(rest: Sequence[Item]) -> bool:
    for control in _controls(rest):
        if control[0][1] == PAGED:
            return bool(items(items(control[-1][1])[0][1])[1][1])
    return False
