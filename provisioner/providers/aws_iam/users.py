"""Writing users themselves: making, marking, renaming, locking, unlocking and deleting them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from provisioner.contract import AlreadySo, Done, Outcome, ProviderError, Refused, Trouble
from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.model.mark import Mark
from provisioner.model.resource import Resource
from provisioner.providers.aws_iam import convert, documents, names
from provisioner.providers.aws_iam.calls import Row, WriteCalls
from provisioner.providers.aws_iam.delete import delete_user

Expect = Mapping[Address, Resource]


class Stop(Exception):  # noqa: N818 - an answer on its way out, not an error
    """Ends a change with an outcome other than done."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def unless_gone(act: Callable[[], Any]) -> bool:
    """Whether there was something to do."""
    try:
        act()
    except ProviderError as error:
        if error.trouble is Trouble.GONE:
            return False
        raise
    return True


class UserWrites:
    """Of one account. `owner` is what of `records.owner` goes into marks; `made` is told each name that is new."""

    def __init__(self, owner: str | None, partition: Callable[[], str], made: Callable[[str], None]) -> None:
        self._owner = owner
        self._partition = partition
        self._made = made

    def write(self, calls: WriteCalls, change: Change, expect: Expect) -> Outcome:
        login = change.address.object
        if change.action is Action.CREATE:
            return self._create(calls, change, login)
        if change.action is Action.RENAME:
            return self._rename(calls, change, login, expect)
        row = self._the_user(calls, login, expect.get(change.address))
        login = row["UserName"]
        match change.action:
            case Action.ADOPT:
                email = (change.after or {}).get("email")
                calls.tag_user(login, {**self._mark(change, login), **({"email": email} if email else {})})
                return Done(f"tag {names.TAG} is on {login}")
            case Action.RELEASE:
                calls.untag_user(login, [names.TAG])
                return Done(f"tag {names.TAG} is off {login}")
            case Action.UPDATE:
                return self._update(calls, change, login)
            case Action.ENABLE:
                # The mark first: should this break off here, the user is still denied, and tried again.
                calls.tag_user(login, self._mark(change, login))
                unless_gone(partial(calls.delete_user_policy, login, names.DENY_POLICY))
                unless_gone(partial(calls.detach_from_user, login, self._deny_arn()))
                return Done(f"{names.DENY_POLICY} is off {login}; keys and password are not brought back")
            case Action.DISABLE:
                return self._disable(calls, change, row)
            case Action.DELETE:
                return Done(delete_user(calls, login))
            case _:
                return Refused(f"an IAM user cannot be {change.action.value}d")

    def deny(self, calls: WriteCalls, login: str) -> None:
        """Inline, which needs no room among the ten attached policies. A user's inline policies share 2,048 characters;
        where none is left, AWS's own AWSDenyAll stands in until the others are gone."""
        try:
            calls.put_user_policy(login, names.DENY_POLICY, documents.deny_all())
        except ProviderError as error:
            if error.code != "LimitExceeded":
                raise
            calls.attach_to_user(login, self._deny_arn())

    def _deny_arn(self) -> str:
        return f"arn:{self._partition()}:iam::aws:policy/AWSDenyAll"

    def _create(self, calls: WriteCalls, change: Change, login: str) -> Outcome:
        tags = self._mark(change, login)
        email = (change.after or {}).get("email")
        if email:
            tags["email"] = email
        try:
            calls.create_user(login, tags)
        except ProviderError as error:
            if error.code != "EntityAlreadyExists":
                raise
            found = convert.tags_of(calls.user(login)).get(names.TAG, "")
            if found != tags[names.TAG]:
                raise
            return AlreadySo(f"user {login} is there and carries our mark")
        self._made(f"user {login}")
        return Done(f"user {login} is made")

    def _rename(self, calls: WriteCalls, change: Change, login: str, expect: Expect) -> Outcome:
        old = str((change.before or {}).get("login", ""))
        try:
            self._the_user(calls, old, expect.get(change.address._replace(object=old)))
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                raise
            self._the_user(calls, login, None)  # renamed by a run that got no further
        else:
            calls.rename_user(old, login)
        self._made(f"user {login}")
        calls.tag_user(login, self._mark(change, login))
        return Done(f"user {old} is {login} now, with the same id")

    def _update(self, calls: WriteCalls, change: Change, login: str) -> Outcome:
        after = change.after or {}
        if set(after) != {"email"}:
            return Refused(f"an IAM user holds no {', '.join(sorted(after))} that could be set")
        calls.tag_user(login, {"email": after["email"]})
        return Done(f"tag email is set on {login}")

    def _disable(self, calls: WriteCalls, change: Change, row: Row) -> Outcome:
        login = row["UserName"]
        self.deny(calls, login)
        keys = [key["AccessKeyId"] for key in calls.keys(login) if key["Status"] == "Active"]
        for key in keys:
            calls.deactivate_key(login, key)
        unless_gone(partial(calls.delete_password, login))
        # Room for the inline policy may have been made only now: the stand-in is no longer needed.
        if names.DENY_POLICY in calls.inline_of_user(login):
            unless_gone(partial(calls.detach_from_user, login, self._deny_arn()))
        found = Mark.parse(convert.tags_of(row).get(names.TAG, ""))
        since = found.disabled_since if found else None
        calls.tag_user(login, self._mark(change, login, since or server_now(calls)))
        return Done(f"{login} is denied everything, {len(keys)} keys made inactive, no password")

    def _the_user(self, calls: WriteCalls, login: str, expected: Resource | None) -> Row:
        """The user as it is now; stops where it is not the one that was read, or is another owner's."""
        row = calls.user(login)
        same_as_read(f"user {login}", row["UserId"], row, expected, self._owner)
        return row

    def _mark(self, change: Change, login: str, since: datetime | None = None) -> dict[str, str]:
        return mark_of(change, login, self._owner, since)


def mark_of(change: Change, login: str, owner: str | None, since: datetime | None = None) -> dict[str, str]:
    """The tag that says whose an account is."""
    return {names.TAG: str(Mark(change.identity or names.slug(login), owner, since))}


def same_as_read(what: str, native: str, row: Row, expected: Resource | None, owner: str | None) -> None:
    """Stops where `row`, of the id `native`, is not what was read, or is another owner's."""
    read = expected.facts.native_id if expected is not None and expected.facts is not None else None
    if read is not None and native != read:
        raise Stop(Refused(f"{what} is another one now (id {native}, it was {read})"))
    if is_anothers(row, owner):
        raise Stop(Refused(f"{what} carries the mark of another owner"))


def is_anothers(row: Row, owner: str | None) -> bool:
    """Whether a user or role carries the mark of another owner, or one that cannot be read."""
    text = convert.tags_of(row).get(names.TAG, "")
    mark = Mark.parse(text)
    return (mark is None and bool(text)) or (mark is not None and mark.owner not in (None, owner))


def server_now(calls: WriteCalls) -> datetime:
    """By AWS's clock, where it told one."""
    return (calls.server_time or datetime.now(UTC)).replace(microsecond=0)
