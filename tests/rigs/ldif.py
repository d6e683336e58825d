"""LDIF for bulk loads: N users, G groups and their memberships, the same every time.

`slapadd -q` runs no overlays, so the `memberOf` values are written here too, as the memberof overlay would have.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping

# RFC 2849 SAFE-STRING without a trailing space; everything else goes in base64.
_SAFE = re.compile(r"(?![ :<])[\x01-\x09\x0b\x0c\x0e-\x7f]*(?<! )\Z")


def entry(dn: str, attributes: Mapping[str, Iterable[str | bytes]]) -> str:
    """One LDIF record, closed by an empty line. Values of any bytes are written literally."""
    lines = [_line("dn", dn)]
    lines += [_line(name, value) for name, values in attributes.items() for value in values]
    return "".join(lines) + "\n"


def _line(name: str, value: str | bytes) -> str:
    if isinstance(value, str) and _SAFE.match(value):
        return f"{name}: {value}\n"
    data = value.encode() if isinstance(value, str) else value
    return f"{name}:: {base64.b64encode(data).decode()}\n"


def user_name(number: int, prefix: str = "user") -> str:
    """The uid of user `number`."""
    return f"{prefix}{number:05d}"


def group_name(number: int, prefix: str = "grp") -> str:
    """The cn of group `number`."""
    return f"{prefix}{number:04d}"


def members_of(group: int, users: int, members: int = 50) -> list[int]:
    """The numbers of the users in group `group`: spread evenly, at most `members`, each once."""
    return list(dict.fromkeys((group * 37 + k * 7) % users for k in range(members)))


def bulk(
    users: int,
    groups: int,
    *,
    members: int = 50,
    suffix: str = "dc=example,dc=test",
    user_prefix: str = "user",
    group_prefix: str = "grp",
    first_uid_number: int = 10_000,
) -> Iterator[str]:
    """Records of `users` users (inetOrgPerson and posixAccount) and `groups` groups (groupOfNames), as LDIF text."""
    if groups and not users:
        raise ValueError("a groupOfNames needs a member, so groups need users")
    user_dns = [f"uid={user_name(n, user_prefix)},ou=people,{suffix}" for n in range(users)]
    group_dns = [f"cn={group_name(g, group_prefix)},ou=groups,{suffix}" for g in range(groups)]
    member_of: dict[int, list[str]] = {}
    for g, group_dn in enumerate(group_dns):
        for n in members_of(g, users, members):
            member_of.setdefault(n, []).append(group_dn)
    for n, dn in enumerate(user_dns):
        uid = user_name(n, user_prefix)
        number = str(first_uid_number + n)
        yield entry(
            dn,
            {
                "objectClass": ["inetOrgPerson", "posixAccount"],
                "uid": [uid],
                "cn": [f"User {n}"],
                "sn": [f"U{n}"],
                "mail": [f"{uid}@example.test"],
                "uidNumber": [number],
                "gidNumber": [number],
                "homeDirectory": [f"/home/{uid}"],
                "memberOf": member_of.get(n, []),
            },
        )
    for g, dn in enumerate(group_dns):
        yield entry(
            dn,
            {
                "objectClass": ["groupOfNames"],
                "cn": [group_name(g, group_prefix)],
                "member": [user_dns[n] for n in members_of(g, users, members)],
            },
        )
