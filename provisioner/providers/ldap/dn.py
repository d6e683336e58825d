"""Distinguished names as text (RFC 4514) and values inside search filters (RFC 4515): reading, comparing, escaping.

Two spellings of one name compare equal here as they do on the server: case, white space, escapes and the long names of
attribute types do not matter. Nothing here talks to a server. ldap3 has a parser too, which refuses names that RFC 4514
allows (a `#` or `=` within a value, hexadecimal values) and leaves escapes and case as they are.
"""

from __future__ import annotations

import re
import unicodedata

Rdn = tuple[tuple[str, str], ...]
"""One level of a name: its (type, value) pairs, nearly always one. Types are lower-case, values unescaped."""

_TYPE = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)\Z")
_SPECIAL = ' "#+,;<=>\\'
_HEX_FORM = "\0#"  # before the digits of a value that is given as BER, so that no text can be mistaken for one
_HEX_PAIR = re.compile(r"[0-9A-Fa-f]{2}")
# RFC 4514 section 3 (short names) and RFC 4519 (long names and numbers) of the types that names are built from.
_ALIASES = {
    "commonname": "cn",
    "2.5.4.3": "cn",
    "userid": "uid",
    "0.9.2342.19200300.100.1.1": "uid",
    "organizationalunitname": "ou",
    "2.5.4.11": "ou",
    "domaincomponent": "dc",
    "0.9.2342.19200300.100.1.25": "dc",
    "organizationname": "o",
    "2.5.4.10": "o",
    "countryname": "c",
    "2.5.4.6": "c",
    "localityname": "l",
    "2.5.4.7": "l",
    "stateorprovincename": "st",
    "2.5.4.8": "st",
    "surname": "sn",
    "2.5.4.4": "sn",
}
# What needs no parsing: short types, plain ASCII words, single spaces. Nearly every member value of a real directory.
_PLAIN = re.compile(
    r"(?:uid|cn|ou|dc|o|c|l|st|sn)=[a-z0-9._@-]+(?: [a-z0-9._@-]+)*"
    r"(?:,(?:uid|cn|ou|dc|o|c|l|st|sn)=[a-z0-9._@-]+(?: [a-z0-9._@-]+)*)*\Z"
)


def fold(value: str) -> str:
    """A value as caseIgnoreMatch compares it (RFC 4518): case and white space do not count."""
    if value.isascii():
        value = value.lower()
    else:
        value = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).lower())
    return " ".join(part for part in value.split(" ") if part) or " "


def key(dn: str) -> str:
    """A text that is equal for two spellings of one name and differs for two names; `ValueError` if it is no name."""
    lowered = dn.lower()
    if _PLAIN.match(lowered):
        return lowered
    return ",".join(_rdn_key(rdn) for rdn in parse(dn))


def loose_key(dn: str) -> str:
    """`key`, and for what is no name at all its own text: some servers store such values."""
    try:
        return key(dn)
    except ValueError:
        return "\0" + dn


def _rdn_key(rdn: Rdn) -> str:
    return "+".join(sorted(f"{name}={_sealed(fold(value))}" for name, value in rdn))


def _sealed(value: str) -> str:
    return value.replace("\\", "\\5c").replace(",", "\\2c").replace("+", "\\2b")


def is_within(dn: str, base: str) -> bool:
    """Whether `dn` is `base` or an entry below it."""
    try:
        inner, outer = [_rdn_key(r) for r in parse(dn)], [_rdn_key(r) for r in parse(base)]
    except ValueError:
        return False
    return len(inner) >= len(outer) and inner[len(inner) - len(outer) :] == outer


def is_name(text: str) -> bool:
    """Whether `text` is the name of an entry, and not empty."""
    try:
        return bool(parse(text))
    except ValueError:
        return False


def domain(dn: str) -> str | None:
    """The part of `dn` that names a DNS domain (RFC 2247): `dc=example,dc=com`; None where it has none."""
    try:
        rdns = parse(dn)
    except ValueError:
        return None
    begin = len(rdns)
    while begin and [name for name, _ in rdns[begin - 1]] == ["dc"]:
        begin -= 1
    return ",".join(unparse(rdn) for rdn in rdns[begin:]) or None


def relative(dn: str, base: str) -> str:
    """What stands before `base` in `dn`, in plain spelling: `uid=ada,ou=staff`."""
    rdns = parse(dn)
    return ",".join(unparse(rdn) for rdn in rdns[: len(rdns) - len(parse(base))])


def unparse(rdn: Rdn) -> str:
    """The text of one level."""
    return "+".join(f"{name}={value[1:] if value.startswith(_HEX_FORM) else escape(value)}" for name, value in rdn)


def child(name: str, value: str, base: str) -> str:
    """The name of the entry `name=value` directly below `base`."""
    return f"{name}={escape(value)},{base}"


def escape(value: str) -> str:
    """A value as part of a name (RFC 4514 section 2.4): specials behind a backslash, control characters in
    hexadecimal."""
    parts = []
    last = len(value) - 1
    for at, char in enumerate(value):
        if ord(char) < 32 or ord(char) == 127:
            parts.append(f"\\{ord(char):02x}")
        elif char in '"+,;<=>\\' or (char == " " and at in (0, last)) or (char == "#" and at == 0):
            parts.append("\\" + char)
        else:
            parts.append(char)
    return "".join(parts)


def escape_filter(value: str | bytes) -> str:
    """A value as part of a search filter (RFC 4515): every byte but letters, digits and `-._@` in hexadecimal."""
    data = value.encode() if isinstance(value, str) else value
    return "".join(
        chr(byte) if 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte in b"-._@" else f"\\{byte:02x}"
        for byte in data
    )


def parse(text: str) -> tuple[Rdn, ...]:
    """The levels of a name, innermost first. `ValueError` says at which character (from 1) it stops being one."""
    if not text.strip(" "):
        return ()
    rdns: list[Rdn] = []
    pairs: list[tuple[str, str]] = []
    at = 0
    while True:
        name, at = _type(text, at)
        value, at = _value(text, at)
        pairs.append((name, value))
        if at == len(text) or text[at] in ",;":
            rdns.append(tuple(pairs))
            pairs = []
        if at == len(text):
            return tuple(rdns)
        at += 1


def _type(text: str, at: int) -> tuple[str, int]:
    end = text.find("=", at)
    if end < 0 or any(c in text[at:end] for c in ",;"):
        raise ValueError(f"`=` is missing after character {at + 1} (a comma within a name is written `\\,`)")
    name = text[at:end].strip(" ").lower().removeprefix("oid.")
    if not _TYPE.match(name):
        raise ValueError(f"`{text[at:end].strip()}` at character {at + 1} is not an attribute type")
    return _ALIASES.get(name, name), end + 1


def _value(text: str, at: int) -> tuple[str, int]:
    while at < len(text) and text[at] == " ":
        at += 1
    if text.startswith("#", at):
        end = at + 1
        while end < len(text) and text[end] not in ",;+":
            end += 1
        digits = text[at + 1 : end].strip(" ")
        if not digits or len(digits) % 2 or not re.fullmatch(r"[0-9A-Fa-f]+", digits):
            raise ValueError(f"`#` at character {at + 1} must be followed by pairs of hexadecimal digits")
        return _HEX_FORM + digits.lower(), end
    if text.startswith('"', at):
        return _quoted(text, at)
    data = bytearray()
    kept = 0  # white space after this many bytes is not part of the value, unless it was escaped
    while at < len(text) and text[at] not in ",;+":
        char, at, escaped = _character(text, at)
        data += char
        if escaped or char != b" ":
            kept = len(data)
    return _decoded(data[:kept], at), at


def _quoted(text: str, at: int) -> tuple[str, int]:
    """RFC 2253 allowed quotes, and old data has them."""
    begin, data = at, bytearray()
    at += 1
    while at < len(text) and text[at] != '"':
        char, at, _ = _character(text, at)
        data += char
    if at == len(text):
        raise ValueError(f"the quote at character {begin + 1} is not closed")
    at += 1
    while at < len(text) and text[at] == " ":
        at += 1
    if at < len(text) and text[at] not in ",;+":
        raise ValueError(f"character {at + 1} follows a closed quote")
    return _decoded(data, at), at


def _character(text: str, at: int) -> tuple[bytes, int, bool]:
    char = text[at]
    if char != "\\":
        return char.encode("utf-8", "surrogatepass"), at + 1, False
    if _HEX_PAIR.match(text, at + 1):
        return bytes([int(text[at + 1 : at + 3], 16)]), at + 3, True
    if at + 1 < len(text) and text[at + 1] in _SPECIAL:
        return text[at + 1].encode(), at + 2, True
    raise ValueError(f"the backslash at character {at + 1} escapes nothing")


def _decoded(data: bytes | bytearray, at: int) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"the value before character {at + 1} is not UTF-8") from None
