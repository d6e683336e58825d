"""LDAP messages as octets, by ldaptor's codec: the only file that knows it.

ldaptor prints to standard output when it meets a tag that it does not know; the decoder contexts here refuse instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ldaptor.protocols import pureber, pureldap

from provisioner.sandbox.ldap import messages
from provisioner.sandbox.ldap.messages import Control, Message
from provisioner.sandbox.ldap.results import Code
from provisioner.sandbox.ldap.tree import Attribute

MAX_MESSAGE = 64 * 1024 * 1024
"""Octets in one message; a longer one is refused unread."""

_NOTICE_OF_DISCONNECTION = b"1.3.6.1.4.1.1466.20036"


class Malformed(ValueError):  # noqa: N818 - reads as what it is
    """Octets that are no LDAP message."""


class _Strict(pureber.BERDecoderContext):  # type: ignore[misc]
    """The last context asked for a tag: nobody knew it."""

    def lookup_id(self, id: int) -> Any:  # noqa: A002 - ldaptor's name
        known = self.Identities.get(id)
        if known is None:
            raise Malformed(f"unknown tag 0x{id:02x}")
        return known


_BASIC = _Strict()
_OPERATIONS = pureldap.LDAPBERDecoderContext(fallback=_BASIC)
_MESSAGE = pureldap.LDAPBERDecoderContext_TopLevel(
    inherit=pureldap.LDAPBERDecoderContext_LDAPMessage(fallback=_OPERATIONS, inherit=_OPERATIONS)
)
_FILTER = pureldap.LDAPBERDecoderContext_Filter(fallback=_BASIC, inherit=_BASIC)
_PASSWORD_MODIFY = pureldap.LDAPBERDecoderContext_LDAPPasswordModifyRequest(fallback=_BASIC)


def message_length(octets: bytes) -> int | None:
    """How long the message is that begins here; None while too little of it has come to tell."""
    if len(octets) < 2:
        return None
    if octets[0] != 0x30:
        raise Malformed("not a sequence")
    try:
        length, width = pureber.berDecodeLength(octets, 1)
    except pureber.BERExceptionInsufficientData:
        return None
    if not 0 <= length <= MAX_MESSAGE or width > 5:
        raise Malformed("too long")
    return 1 + int(width) + int(length)


def decode(octets: bytes) -> Message:
    """One whole message as a value."""
    try:
        read, _ = pureber.berDecodeObject(_MESSAGE, octets)
        controls = [
            Control(_text(oid), bool(critical), None if value is None else bytes(value))
            for oid, critical, value in read.controls or ()
        ]
        return Message(int(read.id), _operation(read.value), tuple(controls))
    except Malformed:
        raise
    except (
        pureber.BERExceptionInsufficientData,
        AssertionError,
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        # ldaptor checks what it reads by asserting it or by stumbling over it.
        raise Malformed(type(error).__name__) from error


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode()


def _operation(read: Any) -> messages.Operation:
    match read:
        case pureldap.LDAPBindRequest():
            return messages.Bind(int(read.version), _text(read.dn), None if read.sasl else bytes(read.auth))
        case pureldap.LDAPUnbindRequest():
            return messages.Unbind()
        case pureldap.LDAPAbandonRequest():
            return messages.Abandon()
        case pureldap.LDAPSearchRequest():
            return messages.Search(
                _text(read.baseObject),
                messages.Scope(read.scope),
                int(read.sizeLimit),
                bool(read.typesOnly),
                _filter(read.filter),
                tuple(_text(each) for each in read.attributes),
            )
        case pureldap.LDAPAddRequest():
            return messages.Add(_text(read.entry), tuple(_partial(each) for each in read.attributes))
        case pureldap.LDAPDelRequest():
            return messages.Delete(_text(read.value))
        case pureldap.LDAPModifyRequest():
            return messages.Modify(_text(read.object), tuple(_modification(each) for each in read.modification))
        case pureldap.LDAPModifyDNRequest():
            above = None if read.newSuperior is None else _text(read.newSuperior)
            return messages.Rename(_text(read.entry), _text(read.newrdn), bool(read.deleteoldrdn), above)
        case pureldap.LDAPCompareRequest():
            return messages.Compare(
                _text(read.entry), _text(read.ava.attributeDesc.value), bytes(read.ava.assertionValue.value)
            )
        case pureldap.LDAPExtendedRequest():
            value = None if read.requestValue is None else bytes(read.requestValue)
            return messages.Extended(_text(read.requestName), value)
        case _:
            raise Malformed(type(read).__name__)


def _partial(read: Any) -> tuple[str, tuple[bytes, ...]]:
    name, values = read
    return _text(name.value), tuple(bytes(each.value) for each in values)


def _modification(read: Any) -> messages.Modification:
    how, attribute = read
    name, values = _partial(attribute)
    return messages.Modification(messages.How(how.value), name, values)


_RELATIONS = {
    pureldap.LDAPFilter_equalityMatch: messages.Relation.EQUAL,
    pureldap.LDAPFilter_approxMatch: messages.Relation.APPROXIMATE,
    pureldap.LDAPFilter_greaterOrEqual: messages.Relation.AT_LEAST,
    pureldap.LDAPFilter_lessOrEqual: messages.Relation.AT_MOST,
}


def _filter(read: Any) -> messages.Filter:
    match read:
        case pureldap.LDAPFilter_and():
            return messages.Both(tuple(_filter(each) for each in read))
        case pureldap.LDAPFilter_or():
            return messages.Either(tuple(_filter(each) for each in read))
        case pureldap.LDAPFilter_not():
            return messages.Not(_filter(read.value))
        case pureldap.LDAPFilter_present():
            return messages.Present(_text(read.value))
        case pureldap.LDAPFilter_substrings():
            return _substrings(read)
        case pureldap.LDAPFilter_extensibleMatch():
            return messages.Extensible(
                None if read.type is None else _text(read.type.value),
                None if read.matchingRule is None else _text(read.matchingRule.value),
                bytes(read.matchValue.value),
                bool(read.dnAttributes and read.dnAttributes.value),
            )
        case _ if type(read) in _RELATIONS:
            name = _text(read.attributeDesc.value)
            return messages.Compared(name, _RELATIONS[type(read)], bytes(read.assertionValue.value))
        case _:
            raise Malformed(type(read).__name__)


def _substrings(read: Any) -> messages.Substrings:
    initial: bytes | None = None
    final: bytes | None = None
    middle: list[bytes] = []
    for piece in read.substrings:
        if isinstance(piece, pureldap.LDAPFilter_substrings_initial):
            initial = bytes(piece.value)
        elif isinstance(piece, pureldap.LDAPFilter_substrings_final):
            final = bytes(piece.value)
        else:
            middle.append(bytes(piece.value))
    return messages.Substrings(_text(read.type), initial, tuple(middle), final)


def decode_filter(octets: bytes) -> messages.Filter:
    """The value of the assertion control (RFC 4528)."""
    return _filter(_whole(_FILTER, octets))


def decode_page(octets: bytes) -> tuple[int, bytes]:
    """The value of the paged results control (RFC 2696): size and cookie."""
    size, cookie = _whole(_BASIC, octets)
    return int(size.value), bytes(cookie.value)


def decode_names(octets: bytes) -> tuple[str, ...]:
    """The value of a read entry control (RFC 4527): the attributes asked for."""
    return tuple(_text(each.value) for each in _whole(_BASIC, octets))


def decode_password_change(octets: bytes | None) -> tuple[str | None, bytes | None, bytes | None]:
    """The value of a password modify request (RFC 3062): whose, the old one, the new one."""
    whose: str | None = None
    old: bytes | None = None
    new: bytes | None = None
    for each in _whole(_PASSWORD_MODIFY, octets) if octets else ():
        if isinstance(each, pureldap.LDAPPasswordModifyRequest_userIdentity):
            whose = _text(each.value)
        elif isinstance(each, pureldap.LDAPPasswordModifyRequest_oldPasswd):
            old = bytes(each.value)
        else:
            new = bytes(each.value)
    return whose, old, new


def _whole(context: Any, octets: bytes) -> Any:
    try:
        read, _ = pureber.berDecodeObject(context, octets)
    except (pureber.BERExceptionInsufficientData, AssertionError, IndexError, RecursionError) as error:
        raise Malformed(type(error).__name__) from error
    if read is None:
        raise Malformed("empty")
    return read


_RESULTS: dict[type[Any], Any] = {
    messages.Bind: pureldap.LDAPBindResponse,
    messages.Search: pureldap.LDAPSearchResultDone,
    messages.Add: pureldap.LDAPAddResponse,
    messages.Delete: pureldap.LDAPDelResponse,
    messages.Modify: pureldap.LDAPModifyResponse,
    messages.Rename: pureldap.LDAPModifyDNResponse,
    messages.Compare: pureldap.LDAPCompareResponse,
}


def result(
    asked: Message, code: Code, text: str = "", matched: str = "", controls: Sequence[tuple[str, bytes]] = ()
) -> bytes:
    """The answer that ends an operation."""
    kind = _RESULTS.get(type(asked.operation), pureldap.LDAPExtendedResponse)
    return _message(asked.id, kind(resultCode=int(code), matchedDN=matched, errorMessage=text), controls)


def extended_result(asked: Message, value: bytes | None) -> bytes:
    """The answer of an extended operation that went well."""
    return _message(asked.id, pureldap.LDAPExtendedResponse(resultCode=int(Code.SUCCESS), response=value))


def notice_of_disconnection(code: Code, text: str) -> bytes:
    """What a server says before it closes a connection (RFC 4511 section 4.4.1)."""
    said = pureldap.LDAPExtendedResponse(resultCode=int(code), errorMessage=text, responseName=_NOTICE_OF_DISCONNECTION)
    return _message(0, said)


def entry(number: int, dn: str, attributes: Iterable[Attribute], *, types_only: bool) -> bytes:
    """One entry of a search's answer."""
    return _message(number, _Raw(_entry(dn, attributes, types_only=types_only)))


def _entry(dn: str, attributes: Iterable[Attribute], *, types_only: bool = False) -> bytes:
    encoded = [_attribute(each, types_only=types_only) for each in attributes]
    sequence = pureber.BERSequence(
        [pureber.BEROctetString(dn), pureber.BERSequence(encoded)], tag=pureldap.LDAPSearchResultEntry.tag
    )
    return bytes(sequence.toWire())


def _attribute(attribute: Attribute, *, types_only: bool) -> bytes:
    """Kept on the attribute, which never changes: encoding values is most of what a search costs."""
    if not types_only and attribute.wire is not None:
        return attribute.wire
    values = [] if types_only else [pureber.BEROctetString(each) for each in attribute.values.values()]
    name = pureber.BEROctetString(attribute.description.text)
    made = bytes(pureber.BERSequence([name, pureber.BERSet(values)]).toWire())
    if not types_only:
        attribute.wire = made
    return made


def read_entry_value(dn: str, attributes: Iterable[Attribute]) -> bytes:
    """The value of a read entry control in an answer (RFC 4527)."""
    return _entry(dn, attributes)


def page_value(cookie: bytes) -> bytes:
    """The value of the paged results control in an answer; the size 0 says that the total is not known."""
    return bytes(pureber.BERSequence([pureber.BERInteger(0), pureber.BEROctetString(cookie)]).toWire())


def generated_password_value(password: bytes) -> bytes:
    """The value of a password modify answer whose password the server made (RFC 3062)."""
    return bytes(pureber.BERSequence([pureber.BEROctetString(password, tag=pureber.CLASS_CONTEXT | 0)]).toWire())


class _Raw:
    """Octets that are encoded already, in the place of one of ldaptor's objects."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def toWire(self) -> bytes:  # noqa: N802 - ldaptor's name
        return self._octets


def _message(number: int, value: Any, controls: Sequence[tuple[str, bytes]] = ()) -> bytes:
    listed = [(oid, None, each) for oid, each in controls] or None
    return bytes(pureldap.LDAPMessage(value, controls=listed, id=number).toWire())
