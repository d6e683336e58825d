"""Login roles: made, marked, switched, renamed, each with its logins. Passwords are only ever taken away here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provisioner.contract import AlreadySo, Done, Outcome, Refused
from provisioner.model.change import Action, Change
from provisioner.model.instant import format_instant, parse_instant
from provisioner.model.mark import owner8
from provisioner.providers.postgresql import logins
from provisioner.providers.postgresql.names import Noted
from provisioner.providers.postgresql.rows import Role
from provisioner.providers.postgresql.site import Site, gone


def change_account(site: Site, change: Change) -> Outcome:
    """One change of a login role; each may be made twice. `Action.DELETE` is not among them."""
    login, after = change.address.object, change.after or {}
    known = (change.before or {}).get("login") if change.action is Action.RENAME else None
    role = site.role(str(known)) if known is not None else site.role(login)
    if change.action is Action.CREATE:
        return _create(site, change, role)
    if role is None and known is not None and site.role(login) is not None:
        return AlreadySo(f"{login} is there, {known} is not")
    if role is None:
        return AlreadySo("it is not there") if change.action is Action.DISABLE else _missing(login)
    key = change.identity or (role.noted.mark.key if role.noted.mark is not None else login)
    note, owner = role.noted, owner8(site.rules.owner)
    match change.action:
        case Action.ADOPT:
            comment(site, login, note.with_mark(key, owner))
            _set_end(site, role, note.with_mark(key, owner), after)
        case Action.UPDATE:
            if after.get("cut") is False:
                _let_in(site, role)
                note = replace(note, cut=False, limit=None)
                comment(site, login, note)
            _set_end(site, role, note, after)
        case Action.RENAME:
            site.run("alter role {} rename to {}", "rename", role.name, login)
            site.forget()
            logins.follow(site, login)
            since = note.mark.disabled_since if note.mark is not None else None
            comment(site, login, note.with_mark(key, owner, since))
        case Action.RELEASE:
            comment(site, login, replace(note, mark=None, ends=None))
        case Action.DISABLE:
            now = site.now.replace(microsecond=0)
            text = "alter role {} nologin password null valid until {now}"
            site.run(text, "disable", login, now=format_instant(now))
            if not _switched_off(role):
                note = replace(note, theirs=role.until if role.until != note.ends else None)
            comment(site, login, replace(note, cut=False).with_mark(key, owner, now))
            count = logins.switch_off(site, login)
            if count:
                return Done(f"with {count} login{'s' if count > 1 else ''} of it")
        case Action.ENABLE:
            ends = min((end for end in (note.ends, note.theirs) if end is not None), default=None)
            told = format_instant(ends) if ends is not None else "infinity"
            site.run("alter role {} login valid until {end}", "enable", login, end=told)
            _let_in(site, role)
            comment(site, login, replace(note, cut=False, theirs=None, limit=None).with_mark(key, owner))
        case _:
            return Refused(f"a login role takes no {change.action.value}")
    return Done()


def shut(site: Site, role: Role) -> None:
    """No new sessions. The limit that others had set is noted."""
    ours = role.noted.cut or (_switched_off(role) and role.limit == 0)
    limit = role.noted.limit if ours or role.limit < 0 else role.limit
    site.run("alter role {} connection limit 0", "alter role", role.name)
    logins.limit(site, role.name, 0)
    comment(site, role.name, replace(role.noted, cut=True, limit=limit))


def _switched_off(role: Role) -> bool:
    """Whether what it is limited by was set when we switched it off."""
    return role.noted.mark is not None and role.noted.mark.disabled_since is not None


def _let_in(site: Site, role: Role) -> None:
    """Sessions again: as many as others had allowed before."""
    most = role.noted.limit if role.noted.limit is not None else role.limit or -1
    site.run("alter role {} connection limit {most}", "alter role", role.name, most=most)
    logins.limit(site, role.name, -1)


def _missing(login: str) -> Outcome:
    raise gone(f"there is no role {login}", "alter role")


def _create(site: Site, change: Change, role: Role | None) -> Outcome:
    login, after = change.address.object, change.after or {}
    owner = owner8(site.rules.owner)
    if role is not None:
        ours = role.noted.mark is not None and role.noted.mark.owner == owner
        if ours and role.noted.mark is not None and role.noted.mark.key == change.identity:
            return AlreadySo("it is there, and carries our mark")
        what = "a login role" if role.logs_in else "a role that nobody logs in as"
        return Refused(f"there is {what} `{login}` already, and nothing says that it is theirs")
    site.create(login, "login" if after.get("enabled", True) else "nologin")
    since = None if after.get("enabled", True) else site.now.replace(microsecond=0)
    note = Noted().with_mark(change.identity or login, owner, since)
    comment(site, login, note)
    if after.get("until"):
        made = site.role(login)
        assert made is not None
        _set_end(site, made, note, after)
    return Done()


def _set_end(site: Site, role: Role, note: Noted, after: Mapping[str, Any]) -> None:
    """The end that the server holds too. One that somebody else set earlier stays: it is not ours to move."""
    if "until" not in after:
        return
    end = parse_instant(after["until"]) if after["until"] else None
    old = role.noted.ends
    theirs = role.until is not None and role.until != old and (end is None or role.until <= end)
    if not theirs:
        told = format_instant(end) if end is not None else "infinity"
        site.run("alter role {} valid until {end}", "valid until", role.name, end=told)
        logins.let_end(site, role.name, end)
    comment(site, role.name, replace(note, ends=end))


def comment(site: Site, name: str, note: Noted) -> None:
    """Our lines beside what people wrote there."""
    site.run("comment on role {} is {text}", "comment", name, text=note.text())
