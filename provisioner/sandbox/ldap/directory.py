"""What each operation does to the directory: who may, in which order things are checked, what follows from a change.

Follows OpenLDAP with the overlays memberof, refint and ppolicy. Knows neither sockets nor octets; not safe between
threads, its caller holds `lock`. Access is simple: the root name and the writers may change everything, any other
bound name reads all but the passwords of others, and without a bind there is only the root DSE and the schema.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from provisioner.sandbox.ldap import change, passwords
from provisioner.sandbox.ldap.accounts import Accounts
from provisioner.sandbox.ldap.identity import Identity
from provisioner.sandbox.ldap.messages import How, Modification
from provisioner.sandbox.ldap.references import References
from provisioner.sandbox.ldap.results import Code, Refused
from provisioner.sandbox.ldap.schema import Description, Dn, Schema
from provisioner.sandbox.ldap.stamps import Clock, Stamps
from provisioner.sandbox.ldap.tree import Attribute, Entry, Tree

LIVE = frozenset({"memberOf", "entryDN", "hasSubordinates", "subschemaSubentry"})
_WORKED_OUT = LIVE | {"structuralObjectClass"}

Check = Callable[[Entry], None]
"""Asked of the entry right before it is changed; refuses by raising (the assertion control)."""


@dataclass(frozen=True, slots=True)
class Changed:
    """An entry before and after a change; None where there was or is none."""

    before: Entry | None
    after: Entry | None


class Directory:
    """The tree of one suffix and all that may be done to it."""

    def __init__(
        self,
        *,
        suffix: str,
        root_dn: str,
        root_password: str,
        refint: Sequence[str],
        refint_nothing: str | None,
        clock: Clock,
    ) -> None:
        self.schema = Schema()
        self.tree = Tree(self.schema)
        self.lock = threading.RLock()
        self.suffix = self.schema.dn(suffix)
        self._live = [
            self.schema.known(name) for name in ("entryDN", "subschemaSubentry", "hasSubordinates", "memberOf")
        ]
        _, schema_at, below, _ = self._live
        self._subschema_subentry = Attribute(schema_at, {"cn=subschema": b"cn=Subschema"})
        self._has_subordinates = (Attribute(below, {b"FALSE": b"FALSE"}), Attribute(below, {b"TRUE": b"TRUE"}))
        self.root = Identity(self.schema.dn(root_dn), is_root=True)
        self._stamps = Stamps(self.schema, clock)
        self.accounts = Accounts(
            self.tree, self.schema, self._stamps, suffix=self.suffix, root=self.root, root_password=root_password
        )
        self.references = References(self.tree, self.schema, self._rewrite, attributes=refint, nothing=refint_nothing)

    # -- reading

    def entry(self, dn: Dn) -> Entry:
        """The entry of this name, or the refusal that says how far the name leads."""
        found = self.tree.get(dn.key)
        if found is None:
            nearest = self.tree.nearest(dn)
            raise Refused(Code.NO_SUCH_OBJECT, matched="" if nearest is None else nearest.dn.text)
        return found

    def fetch(self, identity: Identity, entry: Entry, description: Description) -> list[Attribute]:
        """The entry's attributes under a description, live ones included, as far as the identity may read them."""
        name = description.type.name.lower()
        if name == "userpassword" and not (identity.may_write or identity.is_self(entry)):
            return []
        if description.type.name in LIVE:
            return self.live(entry, [description])
        if (
            not description.options
            and name not in self.tree.with_options
            and not self.schema.has_subtypes(description.type)
        ):
            found = entry.attributes.get(name)
            return [] if found is None else [found]
        return [each for each in entry.attributes.values() if description.covers(each.description)]

    def live(self, entry: Entry, wanted: Sequence[Description] | None = None) -> list[Attribute]:
        """Operational attributes that are worked out when they are read: those wanted, as far as there are any."""
        made: list[Attribute] = []
        for description in self._live if wanted is None else wanted:
            match description.type.name:
                case "memberOf":
                    groups = self.tree.groups_of(entry)
                    if groups:
                        made.append(Attribute(description, {each.dn.key: each.dn.text.encode() for each in groups}))
                case "entryDN":
                    made.append(Attribute(description, {entry.dn.key: entry.dn.text.encode()}))
                case "hasSubordinates":
                    made.append(self._has_subordinates[self.tree.has_children(entry.dn.key)])
                case "subschemaSubentry":
                    made.append(self._subschema_subentry)
        return made

    def compare(self, identity: Identity, dn: Dn, attribute: str, value: bytes, check: Check | None) -> bool:
        if identity.dn is None:
            raise Refused(Code.NO_SUCH_OBJECT)
        entry = self.entry(dn)
        description = self.schema.description(attribute)
        if description is None:
            raise Refused(Code.UNDEFINED_ATTRIBUTE_TYPE)
        if description.type.equality is None:
            raise Refused(Code.INAPPROPRIATE_MATCHING)
        try:
            key = self.schema.normal(description.type, self.schema.kept(description.type, value))
        except ValueError as error:
            text = "value does not conform to assertion syntax"
            raise Refused(Code.INVALID_ATTRIBUTE_SYNTAX, text) from error
        if check is not None:
            check(entry)
        held = self.fetch(identity, entry, description)
        if not held:
            raise Refused(Code.NO_SUCH_ATTRIBUTE)
        return any(key in each.values for each in held)

    # -- changing

    def add(self, identity: Identity, dn: Dn, attributes: Iterable[tuple[str, Sequence[bytes]]]) -> Changed:
        """A new entry. The naming attribute is filled in where it is missing, as slapd does."""
        made: dict[str, Attribute] = {}
        for name, values in attributes:
            description = self.schema.known(name)
            if not values:
                raise Refused(Code.PROTOCOL_ERROR, "no values for attribute type")
            key = description.key
            if key in made:
                raise Refused(Code.ATTRIBUTE_OR_VALUE_EXISTS, f"{description.text}: provided more than once")
            made[key] = change.attribute_of(self.schema, description, values)
        for attribute in made.values():
            change.refuse_read_only(attribute.description)
        identity.require_bind()
        identity.require_unrestricted()
        self._require_suffix(dn)
        self._name(dn, made)
        structural = change.check_entry(self.schema, dn, made, None)
        if self.tree.get(dn.key) is not None:
            raise Refused(Code.ENTRY_ALREADY_EXISTS)
        parent = None
        if dn.key != self.suffix.key:
            parent = self.entry(self.schema.dn(dn.rest))
            dn = self._below(dn, parent)
        identity.require_write("no write access to parent")
        self.accounts.store_password(identity, None, made)
        self._stamps.created(identity, made, structural)
        return Changed(None, self.tree.insert(dn, made))

    def seed(self, dn: Dn, attributes: Iterable[tuple[str, Sequence[bytes]]]) -> None:
        """A new entry by the root name, operational attributes allowed; those that are worked out are dropped."""
        listed = [(self.schema.known(name), values) for name, values in attributes]
        plain = [(each.text, values) for each, values in listed if not each.type.read_only]
        added = self.add(self.root, dn, plain).after
        kept = {
            each.text: values for each, values in listed if each.type.read_only and each.type.name not in _WORKED_OUT
        }
        if kept and added is not None:
            made = dict(added.attributes)
            for name, values in kept.items():
                self._stamps.put(made, name, list(values))
            self.tree.update(added, made)

    def _below(self, dn: Dn, parent: Entry) -> Dn:
        """The name with its upper part spelled as the parent's."""
        leaf = dn.text[: len(dn.text) - len(dn.rest) - 1]
        return dn if dn.rest == parent.dn.text else self.schema.dn(f"{leaf},{parent.dn.text}")

    def _name(self, dn: Dn, attributes: dict[str, Attribute]) -> None:
        """Adds the values of the relative name where the entry lacks them."""
        for name, text in dn.pairs:
            held = attributes.get(name.lower())
            value = text.encode()
            if held is None:
                attributes[name.lower()] = change.attribute_of(self.schema, self.schema.known(name), [value])
            elif (key := self.schema.normal(held.description.type, value)) not in held.values:
                attributes[name.lower()] = Attribute(held.description, {**held.values, key: value})

    def modify(
        self,
        identity: Identity,
        dn: Dn,
        modifications: Sequence[Modification],
        *,
        permissive: bool = False,
        check: Check | None = None,
    ) -> Changed:
        """All of the modifications, or none and a refusal."""
        checked = change.check(self.schema, modifications)
        identity.require_bind()
        own_password = all(each.description.type.name == "userPassword" for each in checked)
        if not own_password:
            identity.require_unrestricted()
        self._require_suffix(dn)
        before = self.entry(dn)
        if check is not None:
            check(before)
        if not (own_password and identity.is_self(before)):
            identity.require_write()
        made = change.apply(self.schema, before.attributes, checked, permissive=permissive)
        change.check_entry(self.schema, before.dn, made, before.attributes)
        set_password = any(
            each.description.type.name == "userPassword" and each.how in (How.ADD, How.REPLACE) and each.values
            for each in checked
        )
        if set_password:
            self.accounts.store_password(identity, before, made)
        if "pwdaccountlockedtime" in before.attributes and "pwdaccountlockedtime" not in made:
            made.pop("pwdfailuretime", None)
        self._stamps.changed(identity, made)
        return Changed(before, self.tree.update(before, made))

    def delete(self, identity: Identity, dn: Dn, *, check: Check | None = None) -> Changed:
        identity.require_bind()
        identity.require_unrestricted()
        if not dn.key:
            raise Refused(Code.UNWILLING_TO_PERFORM, "cannot delete the root DSE")
        self._require_suffix(dn)
        entry = self.entry(dn)
        if check is not None:
            check(entry)
        identity.require_write("no write access to parent")
        if entry.dn.key == self.suffix.key and not identity.is_root:
            raise Refused(Code.INSUFFICIENT_ACCESS)
        if self.tree.has_children(entry.dn.key):
            raise Refused(Code.NOT_ALLOWED_ON_NON_LEAF, "subordinate objects must be deleted first")
        self.tree.remove(entry)
        self.references.forget(entry.dn)
        return Changed(entry, None)

    def rename(
        self,
        identity: Identity,
        dn: Dn,
        new_rdn: str,
        *,
        delete_old: bool,
        new_superior: Dn | None,
        check: Check | None = None,
    ) -> Changed:
        """A new relative name, a new place, or both; what lies below moves along."""
        try:
            leaf = self.schema.dn(new_rdn)
        except Refused as error:
            raise Refused(Code.INVALID_DN_SYNTAX, "invalid new RDN") from error
        if not leaf.key or leaf.above:
            raise Refused(Code.INVALID_DN_SYNTAX, "invalid new RDN")
        identity.require_bind()
        identity.require_unrestricted()
        self._require_suffix(dn)
        outside = new_superior is not None and not new_superior.under(self.suffix.key)
        if outside or dn.key == self.suffix.key:
            raise Refused(Code.AFFECTS_MULTIPLE_DSAS, "cannot rename between DSAs")
        if new_superior is not None and new_superior.under(dn.key):
            raise Refused(Code.UNWILLING_TO_PERFORM, "cannot place an entry below itself")
        before = self.entry(dn)
        if check is not None:
            check(before)
        identity.require_write()
        above = self.tree.get(before.dn.parent if new_superior is None else new_superior.key)
        if above is None:
            raise Refused(Code.NO_SUCH_OBJECT, "new superior not found")
        to = self.schema.dn(f"{leaf.text},{above.dn.text}")
        if (other := self.tree.get(to.key)) is not None and other.id != before.id:
            raise Refused(Code.ENTRY_ALREADY_EXISTS)
        made = dict(before.attributes)
        if delete_old:
            self._drop_name(before.dn, made)
        self._name(to, made)
        change.check_entry(self.schema, to, made, before.attributes)
        self._stamps.changed(identity, made)
        moved = self.tree.rename(self.tree.update(before, made), to)
        self.references.follow(moved)
        return Changed(before, self.entry(to))

    def _drop_name(self, dn: Dn, attributes: dict[str, Attribute]) -> None:
        for name, text in dn.pairs:
            held = attributes[name.lower()]
            gone = self.schema.normal(held.description.type, text.encode())
            left = {key: value for key, value in held.values.items() if key != gone}
            attributes[name.lower()] = Attribute(held.description, left)
            if not left:
                del attributes[name.lower()]

    def set_password(self, identity: Identity, dn: Dn, old: bytes | None, new: bytes | None) -> bytes | None:
        """The password modify operation of RFC 3062; the new password where the server made it up."""
        if identity.dn is None:
            raise Refused(Code.STRONGER_AUTH_REQUIRED, "only authenticated users may change passwords")
        entry = self.tree.get(dn.key)
        if entry is None:
            raise Refused(Code.NO_SUCH_OBJECT)
        if old is not None and not any(passwords.matches(each, old) for each in entry.values("userpassword")):
            raise Refused(Code.UNWILLING_TO_PERFORM, "unwilling to verify old password")
        made = passwords.generated() if new is None else new
        self.modify(identity, dn, [Modification(How.REPLACE, "userPassword", (made,))])
        return made if new is None else None

    def _rewrite(self, entry: Entry, name: str, values: Sequence[bytes]) -> None:
        made = dict(entry.attributes)
        self._stamps.put(made, name, list(values))
        change.check_entry(self.schema, entry.dn, made, entry.attributes)
        self._stamps.changed(self.root, made)
        self.tree.update(entry, made)

    def _require_suffix(self, dn: Dn) -> None:
        if not dn.under(self.suffix.key):
            raise Refused(Code.UNWILLING_TO_PERFORM, "no global superior knowledge")
