"""Binding and passwords: the side of the directory that the overlay ppolicy has its hands in.

Changes marks of the policy on entries (failures, locks); everything else about an entry is for `directory.py`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from provisioner.sandbox.ldap import passwords
from provisioner.sandbox.ldap.identity import Identity
from provisioner.sandbox.ldap.results import Code, Refused
from provisioner.sandbox.ldap.schema import Dn, Schema
from provisioner.sandbox.ldap.stamps import Stamps
from provisioner.sandbox.ldap.tree import Attribute, Entry, Tree

_ENDED_BY_A_NEW_PASSWORD = ("pwdaccountlockedtime", "pwdfailuretime", "pwdreset")


class Accounts:
    """Who may bind, and what a new password brings with it."""

    def __init__(
        self, tree: Tree, schema: Schema, stamps: Stamps, *, suffix: Dn, root: Identity, root_password: str
    ) -> None:
        self._tree = tree
        self._schema = schema
        self._stamps = stamps
        self._default_policy = schema.dn(f"cn=default,ou=policies,{suffix.text}")
        self._root = root
        self._root_password = root_password.encode()
        self._writers: frozenset[object] = frozenset()

    def let_write(self, names: Iterable[str]) -> None:
        """Names that may change the whole tree."""
        self._writers = frozenset(self._schema.dn(each).key for each in names)

    def policy(self, entry: Entry | None) -> passwords.Policy:
        """The policy in force for an entry, or for one to be: its own, or the suffix's default, or none."""
        own = None if entry is None else entry.value("pwdpolicysubentry")
        name = self._default_policy if own is None else self._schema.dn(own.decode())
        found = self._tree.get(name.key)
        return passwords.Policy() if found is None else passwords.Policy.of(found)

    def bind(self, dn: Dn, password: bytes) -> Identity:
        """Whom these credentials make; whatever is wrong, the refusal is the same, as slapd's is."""
        refused = Refused(Code.INVALID_CREDENTIALS)
        if self._root.dn is not None and dn.key == self._root.dn.key:
            if not passwords.matches(self._root_password, password):
                raise refused
            return self._root
        entry = self._tree.get(dn.key)
        stored = [] if entry is None else entry.values("userpassword")
        if entry is None or not stored:
            raise refused
        policy = self.policy(entry)
        if passwords.locked_out(policy, entry, self._stamps.now()):
            raise refused
        if not any(passwords.matches(each, password) for each in stored):
            if policy.lockout:
                self._note_failure(entry, policy)
            raise refused
        if "pwdfailuretime" in entry.attributes:
            self._mark(entry, {"pwdFailureTime": []})
        restricted = entry.value("pwdreset") == b"TRUE"
        return Identity(entry.dn, is_writer=dn.key in self._writers, restricted=restricted)

    def _note_failure(self, entry: Entry, policy: passwords.Policy) -> None:
        failures, moment = entry.values("pwdfailuretime"), self._stamps.now()
        while (stamp := moment.strftime("%Y%m%d%H%M%S.%fZ").encode()) in failures:
            moment += datetime.timedelta(microseconds=1)  # each one counts, however quick
        failures.append(stamp)
        marks = {"pwdFailureTime": failures}
        if passwords.locks_after(policy, len(failures)):
            marks["pwdAccountLockedTime"] = [self._stamps.second()]
        self._mark(entry, marks)

    def _mark(self, entry: Entry, marks: dict[str, list[bytes]]) -> None:
        made = dict(entry.attributes)
        for name, values in marks.items():
            self._stamps.put(made, name, values)
        self._stamps.changed(self._root, made)
        self._tree.update(entry, made)

    def store_password(self, identity: Identity, before: Entry | None, attributes: dict[str, Attribute]) -> None:
        """Hashes a password that is set. It ends the locks that `before` had: one set anew in the same change on an
        entry that was locked already ends too, as slapd 2.5 has it."""
        held = attributes.get("userpassword")
        if held is None:
            return
        values = list(held.values.values())
        policy = self.policy(before)
        if not identity.is_root:
            former = [] if before is None else before.values("userpassword")
            passwords.check_quality(policy, [each for each in values if each not in former])
        stored = [passwords.hashed(each) for each in values]
        attributes["userpassword"] = Attribute(held.description, {each: each for each in stored})
        if before is None:
            return
        for name in _ENDED_BY_A_NEW_PASSWORD:
            if name in before.attributes:
                attributes.pop(name, None)
        self._stamps.put(attributes, "pwdChangedTime", [self._stamps.second()])
        if identity.is_root and policy.must_change:
            self._stamps.put(attributes, "pwdReset", [b"TRUE"])
