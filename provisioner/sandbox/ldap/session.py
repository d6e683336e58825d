"""One connection: takes requests in turn, keeps whom it is bound as, and turns what the directory says into answers.

Controls are looked at here. Knows no sockets: octets of one message go in, octets of its answers come out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from provisioner.sandbox.ldap import messages, special, wire
from provisioner.sandbox.ldap.directory import Changed, Check, Directory
from provisioner.sandbox.ldap.filters import FilterMaker
from provisioner.sandbox.ldap.identity import NOBODY, Identity
from provisioner.sandbox.ldap.messages import Message, Operation
from provisioner.sandbox.ldap.results import Code, Refused
from provisioner.sandbox.ldap.search import Page, PageState, Searcher, Selection
from provisioner.sandbox.ldap.tree import Entry

Note = Callable[[str, str], None]
"""Told of every request: its operation and the DN it is about, as the client wrote it."""

_OPERATION_NAMES: dict[type[Operation], str] = {
    messages.Bind: "bind",
    messages.Unbind: "unbind",
    messages.Abandon: "abandon",
    messages.Search: "search",
    messages.Add: "add",
    messages.Delete: "delete",
    messages.Modify: "modify",
    messages.Rename: "modify_dn",
    messages.Compare: "compare",
    messages.Extended: "extended",
}
_WRITES = frozenset({messages.Delete, messages.Modify, messages.Rename})
_CONTROLS: dict[str, frozenset[type[Operation]]] = {
    special.PAGED_RESULTS: frozenset({messages.Search}),
    special.ASSERTION: _WRITES | {messages.Search, messages.Compare, messages.Add},
    special.PRE_READ: _WRITES,
    special.POST_READ: frozenset({messages.Add, messages.Modify, messages.Rename}),
    special.PERMISSIVE_MODIFY: frozenset({messages.Modify}),
    special.MANAGE_DSA_IT: _WRITES | {messages.Search, messages.Compare, messages.Add},
}


@dataclass(slots=True)
class _Controls:
    """The controls of one request that are known and apply to it."""

    page: Page | None = None
    assertion: messages.Filter | None = None
    pre_read: tuple[str, ...] | None = None
    post_read: tuple[str, ...] | None = None
    permissive: bool = False


def _controls(asked: Message) -> _Controls:
    found = _Controls()
    for each in asked.controls:
        applies = _CONTROLS.get(each.oid)
        if applies is None or type(asked.operation) not in applies:
            if each.critical:
                what = "not recognized" if applies is None else "unavailable"
                raise Refused(Code.UNAVAILABLE_CRITICAL_EXTENSION, f"critical extension is {what}")
            continue
        value = each.value or b""
        match each.oid:
            case special.PAGED_RESULTS:
                size, cookie = wire.decode_page(value)
                if size < 0:
                    raise Refused(Code.PROTOCOL_ERROR, "paged results control size is negative")
                found.page = Page(size, cookie)
            case special.ASSERTION:
                found.assertion = wire.decode_filter(value)
            case special.PRE_READ:
                found.pre_read = wire.decode_names(value)
            case special.POST_READ:
                found.post_read = wire.decode_names(value)
            case special.PERMISSIVE_MODIFY:
                found.permissive = True
    return found


class Session:
    """The state of one connection."""

    def __init__(self, directory: Directory, searcher: Searcher, note: Note) -> None:
        self._directory = directory
        self._searcher = searcher
        self._note = note
        self._identity: Identity = NOBODY
        self._page = PageState()
        self.ended = False

    def answer(self, octets: bytes) -> Iterator[bytes]:
        """The answers to one message. After one that makes no sense, or an unbind, `ended` is set."""
        try:
            asked = wire.decode(octets)
        except wire.Malformed as error:
            self.ended = True
            yield wire.notice_of_disconnection(Code.PROTOCOL_ERROR, f"malformed request: {error}")
            return
        operation = asked.operation
        self._note(_OPERATION_NAMES[type(operation)], getattr(operation, "dn", ""))
        if isinstance(operation, messages.Unbind):
            self.ended = True
        if isinstance(operation, messages.Unbind | messages.Abandon):
            return
        try:
            with self._directory.lock:
                answers = self._answers(asked)
        except Refused as refused:
            yield wire.result(asked, refused.code, refused.message, refused.matched)
        except wire.Malformed as error:
            yield wire.result(asked, Code.PROTOCOL_ERROR, f"malformed request value: {error}")
        else:
            yield from answers

    def _answers(self, asked: Message) -> list[bytes]:
        if isinstance(asked.operation, messages.Bind):
            self._identity = NOBODY  # also where the bind fails (RFC 4513 section 5.1)
        controls = _controls(asked)
        match asked.operation:
            case messages.Bind() as bind:
                return [self._bind(asked, bind)]
            case messages.Search() as search:
                return self._search(asked, search, controls)
            case messages.Compare() as compare:
                return [self._compare(asked, compare, controls)]
            case messages.Extended() as extended:
                return [self._extended(asked, extended)]
            case _:
                return [self._change(asked, controls)]

    def _bind(self, asked: Message, bind: messages.Bind) -> bytes:
        if bind.version != 3:
            raise Refused(Code.PROTOCOL_ERROR, "requested protocol version not supported")
        if bind.password is None:
            raise Refused(Code.AUTH_METHOD_NOT_SUPPORTED, "only simple binds are known here")
        dn = self._directory.schema.dn(bind.dn)
        if bind.password and dn.key:
            self._identity = self._directory.accounts.bind(dn, bind.password)
        elif dn.key:
            text = "unauthenticated bind (DN with no password) disallowed"
            raise Refused(Code.UNWILLING_TO_PERFORM, text)
        elif bind.password:
            raise Refused(Code.INVALID_CREDENTIALS)
        return wire.result(asked, Code.SUCCESS)

    def _search(self, asked: Message, search: messages.Search, controls: _Controls) -> list[bytes]:
        check = self._check(controls)
        found = self._searcher.search(self._identity, search, self._page, controls.page, check)
        answers = [
            wire.entry(asked.id, dn.text, attributes, types_only=search.types_only) for dn, attributes in found.entries
        ]
        page = [] if found.cookie is None else [(special.PAGED_RESULTS, wire.page_value(found.cookie))]
        answers.append(wire.result(asked, found.code, found.message, controls=page))
        return answers

    def _compare(self, asked: Message, compare: messages.Compare, controls: _Controls) -> bytes:
        self._identity.require_unrestricted()
        dn = self._directory.schema.dn(compare.dn)
        check = self._check(controls)
        same = self._directory.compare(self._identity, dn, compare.attribute, compare.value, check)
        return wire.result(asked, Code.COMPARE_TRUE if same else Code.COMPARE_FALSE)

    def _change(self, asked: Message, controls: _Controls) -> bytes:
        identity, directory, check = self._identity, self._directory, self._check(controls)
        schema = directory.schema
        match asked.operation:
            case messages.Add(dn, attributes):
                changed = directory.add(identity, schema.dn(dn), attributes)
            case messages.Delete(dn):
                changed = directory.delete(identity, schema.dn(dn), check=check)
            case messages.Modify(dn, modifications):
                permissive = controls.permissive
                changed = directory.modify(identity, schema.dn(dn), modifications, permissive=permissive, check=check)
                self._lift_restriction(changed.after)
            case messages.Rename(dn, new_rdn, delete_old, above):
                superior = None if above is None else schema.dn(above)
                changed = directory.rename(
                    identity, schema.dn(dn), new_rdn, delete_old=delete_old, new_superior=superior, check=check
                )
            case other:
                raise AssertionError(other)
        return wire.result(asked, Code.SUCCESS, controls=self._read_entry(changed, controls))

    def _check(self, controls: _Controls) -> Check | None:
        """The assertion control as a question about the entry; what is not true, also undefined, fails."""
        if controls.assertion is None:
            return None
        directory, identity = self._directory, self._identity
        fetch = FilterMaker(directory.schema, lambda entry, wanted: directory.fetch(identity, entry, wanted))
        test = fetch.make(controls.assertion)

        def check(entry: Entry) -> None:
            if test(entry) is not True:
                raise Refused(Code.ASSERTION_FAILED)

        return check

    def _read_entry(self, changed: Changed, controls: _Controls) -> list[tuple[str, bytes]]:
        wanted = (
            (special.PRE_READ, controls.pre_read, changed.before),
            (special.POST_READ, controls.post_read, changed.after),
        )
        values: list[tuple[str, bytes]] = []
        for oid, names, entry in wanted:
            if names is not None and entry is not None:
                attributes = Selection(self._directory, names).of(self._identity, entry)
                values.append((oid, wire.read_entry_value(entry.dn.text, attributes)))
        return values

    def _extended(self, asked: Message, extended: messages.Extended) -> bytes:
        match extended.name:
            case special.WHO_AM_I:
                name = self._identity.dn
                return wire.extended_result(asked, b"" if name is None else f"dn:{name.text}".encode())
            case special.PASSWORD_MODIFY:
                return self._set_password(asked, extended)
            case special.START_TLS:
                raise Refused(Code.UNAVAILABLE, "Could not initialize TLS")
            case _:
                raise Refused(Code.PROTOCOL_ERROR, "unsupported extended operation")

    def _set_password(self, asked: Message, extended: messages.Extended) -> bytes:
        whose, old, new = wire.decode_password_change(extended.value)
        own = self._identity.dn
        if own is None:
            raise Refused(Code.STRONGER_AUTH_REQUIRED, "only authenticated users may change passwords")
        dn = own if whose is None else self._directory.schema.dn(whose.removeprefix("dn:"))
        made = self._directory.set_password(self._identity, dn, old, new)
        self._lift_restriction(self._directory.tree.get(dn.key))
        return wire.extended_result(asked, None if made is None else wire.generated_password_value(made))

    def _lift_restriction(self, changed: Entry | None) -> None:
        """Whoever was let in only to set a new password has done so."""
        if changed is not None and self._identity.is_self(changed) and "pwdreset" not in changed.attributes:
            self._identity = dataclasses.replace(self._identity, restricted=False)
