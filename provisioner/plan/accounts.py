"""The accounts of one target: those that should be, those whose holder left, those that nobody declares."""

from __future__ import annotations

from typing import Any

from provisioner.diagnostics import Severity
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Cause
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant, format_duration, format_instant
from provisioner.model.match import Match
from provisioner.model.ownership import ownership
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.target import AccountsPolicy
from provisioner.model.way import Evidence, Ownership
from provisioner.plan.grounds import ground_for
from provisioner.plan.ignored import Ignoring
from provisioner.plan.plan import Stray, Waiting
from provisioner.plan.side import Drafts, Side, differences, leaver_cause, why_left

Difference = tuple[dict[str, Any], dict[str, Any]]


def plan_accounts(drafts: Drafts, blocked: set[str]) -> set[str]:
    """Plans all account changes; returns further identities of whom nothing else may be planned here."""
    side = drafts.side
    held: set[str] = set()
    reached = {identity.id for identity in side.desired.logins.values()}
    for login, identity in side.desired.logins.items():
        if identity.id in blocked:
            continue
        match = side.matched.by_identity.get(identity.id)
        if match is not None:
            _recognised(drafts, login, identity, match)
        elif not _missing(drafts, login, identity):
            held.add(identity.id)
    for match in side.matched.by_login.values():
        if match.identity.id in blocked:
            continue
        if match.departed:
            _departed(drafts, match)
        elif match.identity.id not in reached:
            _no_longer_needed(drafts, match)
    _strays(drafts)
    _look_alikes(drafts)
    return held


def _missing(drafts: Drafts, login: str, identity: Identity) -> bool:
    """No live account was recognised as theirs. Whether one is created."""
    side = drafts.side
    address = Address(side.target.name, Kind.ACCOUNT, login)
    if side.target.accounts is AccountsPolicy.EXISTING:
        if side.coverage.is_complete(Kind.ACCOUNT):
            drafts.problem(
                "account-missing",
                f"{identity.id} has no account `{login}` on {side.target.name}, and `accounts: existing` says that "
                "others create it",
                Severity.WARNING,
                location=identity.account_on(side.target.name).location,
                why="memberships and grants wait until the account is there",
                fix="have it created, or correct the login under `accounts:`",
            )
        return False
    if not side.coverage.is_complete(Kind.ACCOUNT):
        drafts.out.held_back += 1
        return False
    want = side.desired.state.get(address)
    if want is None:
        return False
    drafts.add(
        Action.CREATE,
        address,
        None,
        want,
        cause=Cause.DECLARED,
        why="for what the roles give here",
        identity=identity.id,
        sources=want.sources,
        ends=identity.until,
    )
    return True


def _recognised(drafts: Drafts, login: str, identity: Identity, match: Match) -> None:
    """The account is there and theirs: whether it is to be renamed, adopted, switched or changed."""
    side = drafts.side
    address = Address(side.target.name, Kind.ACCOUNT, login)
    want, have = side.desired.state.get(address), match.account
    if want is None or side.target.accounts is AccountsPolicy.EXISTING:
        _cannot_suspend(drafts, identity, match)
        return
    ours = match.ownership is Ownership.OWNED and (have.mark is None or have.mark.key == identity.id)
    if ours and match.login == login and have.attributes == want.attributes:
        return
    if match.login != login:
        same = side.declare.capabilities.folds_case and match.login.casefold() == login.casefold()
        if same or not side.declare.capabilities.renames:
            address = have.address
        else:
            was_other = have.mark is not None and have.mark.key != identity.id
            why = f"{identity.id} was {have.mark.key}" if have.mark and was_other else "another login"
            logins = ({"login": match.login}, {"login": login})
            _draft(drafts, Action.RENAME, address, identity, match, want, logins, why, evidence=match.evidence)
            ours = True  # a rename writes the mark too
    hides = side.coverage.at(address).hides | have.hides
    was, becomes = differences(have.attributes, want.attributes, hides)
    if not ours and "mark" not in hides and Kind.ACCOUNT in side.declare.capabilities.marks:
        # What the account tells nothing of (no e-mail, no name) is written with the mark: one step, and one to approve.
        blank = [k for k in becomes if k not in have.attributes and k != "enabled"]
        marks = {"mark": have.mark.key if have.mark else None, **{k: was.pop(k) for k in blank}}
        marked = {"mark": identity.id, **{k: becomes.pop(k) for k in blank}}
        why = f"it is {identity.id}'s by {match.how.value}"
        _draft(drafts, Action.ADOPT, address, identity, match, want, (marks, marked), why)
    if "enabled" in becomes:
        switch = {"enabled": was.pop("enabled")}, {"enabled": bool(becomes.pop("enabled"))}
        _switched(drafts, address, identity, match, want, switch)
    if becomes:
        _draft(drafts, Action.UPDATE, address, identity, match, want, (was, becomes), "the files say otherwise")


def _cannot_suspend(drafts: Drafts, identity: Identity, match: Match) -> None:
    if identity.suspended is not None and identity.suspended.since <= drafts.side.now:
        why = "with `accounts: existing` others switch accounts on and off"
        _tell_suspended(drafts, identity, match, why, "have it locked by those who do")


def _tell_suspended(drafts: Drafts, identity: Identity, match: Match, why: str, fix: str) -> None:
    drafts.problem(
        "suspended-not-locked",
        f"{identity.id} is suspended, and account `{match.login}` on {drafts.side.target.name} is not ours to lock",
        Severity.WARNING,
        location=identity.location,
        why=why,
        fix=fix,
    )


def _switched(
    drafts: Drafts, address: Address, identity: Identity, match: Match, want: Resource, switch: Difference
) -> None:
    """A suspended person is locked; whoever is declared is unlocked, if the lock was ours."""
    if not drafts.side.declare.capabilities.disables:
        why = "nothing can be locked there and kept"
        _tell_suspended(drafts, identity, match, why, "take their roles out meanwhile")
    elif not switch[1]["enabled"]:
        why = _why_suspended(identity)
        _draft(drafts, Action.DISABLE, address, identity, match, want, switch, why, evidence=match.evidence)
    elif disabled_since(match.account, ours_only=True) is not None:
        _draft(drafts, Action.ENABLE, address, identity, match, want, switch, f"{identity.id} is declared")
    else:
        drafts.problem(
            "locked-by-others",
            f"account `{match.login}` of {identity.id} on {drafts.side.target.name} is locked, and not by us: it stays "
            "locked",
            Severity.WARNING,
            location=identity.location,
            why="a helpdesk, a password policy or an investigation may have locked it",
            fix="unlock it where it was locked; if it is to stay locked, say `suspended`",
        )


def _draft(
    drafts: Drafts,
    action: Action,
    address: Address,
    identity: Identity,
    match: Match,
    want: Resource,
    attributes: Difference,
    why: str,
    *,
    evidence: Evidence | None = None,
) -> None:
    drafts.add(
        action,
        address,
        match.account,
        want,
        cause=Cause.DECLARED,
        why=why,
        identity=identity.id,
        evidence=evidence,
        sources=want.sources,
        ends=identity.until if action is not Action.DISABLE else None,
        attributes=attributes,
    )


def _why_suspended(identity: Identity) -> str:
    if identity.suspended is None:
        return f"{identity.id} may not use it now"
    return f"{identity.id} is suspended since {format_instant(identity.suspended.since)}: {identity.suspended.reason}"


def _departed(drafts: Drafts, match: Match) -> None:
    """Disable at once, delete when retention is over."""
    side = drafts.side
    have = side.live.get(match.account.address) or match.account  # what was asked for of a leaver may tell more
    if side.target.accounts is AccountsPolicy.EXISTING:
        return
    cause = leaver_cause(side.now, match)
    _close(drafts, match, cause, why_left(side.now, match), have)


def _no_longer_needed(drafts: Drafts, match: Match) -> None:
    """Declared still, but no role of theirs reaches this target any more: the account is disabled, unless it holds
    something that is not ours to take. It is deleted only when they leave: it may be older than these files."""
    side = drafts.side
    who = match.identity.id
    if match.ownership is not Ownership.OWNED or side.target.accounts is AccountsPolicy.EXISTING:
        return
    if any(identity == who for _, identity in side.desired.later.values()):
        return
    if _blind(side):
        drafts.out.held_back += 1
        return
    account = match.account
    names = (Principal(side.target.name, kind, match.login) for kind in (PrincipalKind.PERSON, PrincipalKind.SERVICE))
    held = [r for name in names for r in side.live.held_by(name) if r.gives_access]
    held = [r for r in held if r.address.kind is not Kind.CREDENTIAL]  # their own keys go with the account
    if any(ground_for(side, r) is None for r in held):
        drafts.problem(
            "account-kept",
            f"account `{match.login}` on {side.target.name} stays enabled: no role of {who} reaches it any more, but "
            "it holds access that the files never gave",
            Severity.WARNING,
            location=match.identity.location,
            why="what was added by hand may be in use",
            fix="remove that access, or give it by a role",
        )
        return
    lapsed = any(line.identity == who for line in side.desired.over.values())
    cause = Cause.TIME if lapsed else Cause.DECLARED
    _close(drafts, match, cause, f"no role of {who} reaches {side.target.name} any more", account)


def _close(drafts: Drafts, match: Match, cause: Cause, why: str, have: Resource) -> None:
    side = drafts.side
    address = have.address
    who = match.identity.id
    named = side.person == who
    if not side.coverage.is_complete(Kind.ACCOUNT) and not named:
        drafts.out.held_back += 1
        return
    disables = side.declare.capabilities.disables
    since = disabled_since(have)
    enabled = have.attributes.get("enabled", True)
    undated = since is None and "mark" not in side.coverage.at(address).hides
    if disables and (enabled or undated):
        repair = have.mark is not None and have.mark.disabled_since is not None
        if not enabled:
            why += "; it is switched off, but nothing says since when, or by whom"
        drafts.add(
            Action.DISABLE,
            address,
            have,
            None,
            cause=Cause.REPAIR if repair else cause,
            why=f"{why}; it was unlocked by hand" if repair else why,
            identity=who,
            evidence=match.evidence,
            sources=(match.identity.location,),
            attributes=({"enabled": enabled}, {"enabled": False}),
        )
        if match.departed:
            due = side.now + side.target.retention
            drafts.out.waiting.append(_waiting(address, who, due, format_duration(side.target.retention)))
        return
    if match.departed:
        _delete(drafts, match, have, cause, why, since)


def _delete(drafts: Drafts, match: Match, have: Resource, cause: Cause, why: str, since: Instant | None) -> None:
    """When retention is over, and nothing of the leaver's is unread."""
    side, who = drafts.side, match.identity.id
    address, disables = have.address, side.declare.capabilities.disables
    locked = next((w.locked_by for w in have.ways if w.locked_by and w.gives_access), None)
    if locked is not None:
        drafts.problem(
            "managed-upstream",
            f"{address} cannot be removed there: it comes from {locked}",
            Severity.WARNING,
            location=match.identity.location,
            why="the system keeps whoever is synced into it",
            fix=f"take {who} out at {locked}",
        )
        return
    due_at = since + side.target.retention if since is not None and since <= side.now else None
    if disables and (due_at is None or due_at > side.now):
        drafts.out.waiting.append(_waiting(address, who, due_at, format_duration(side.target.retention)))
        return
    if _blind(side) or not side.coverage.is_complete(Kind.CREDENTIAL, match.login):
        drafts.out.held_back += 1
        return
    kept = f"disabled since {format_instant(since)}" if since else "it cannot be switched off there, so nothing is kept"
    drafts.add(
        Action.DELETE,
        address,
        have,
        None,
        cause=cause,
        why=f"{why}; {kept}",
        identity=who,
        evidence=match.evidence,
        sources=(match.identity.location,),
        reversible=False,
    )


def _blind(side: Side) -> bool:
    """Whether an account may hold something that was not read: it cannot be said then that nothing is left."""
    kinds = (Kind.MEMBERSHIP, Kind.GRANT)
    return any(not side.coverage.is_complete(kind) for kind in kinds) or any(
        gap.scope.kind in kinds for gap in side.coverage.gaps
    )


def _waiting(address: Address, who: str, due: Instant | None, retention: str) -> Waiting:
    why = f"kept for {retention} after it was disabled"
    if due is None:
        why += "; since when cannot be told yet"
    return Waiting(address, Action.DELETE, due, who, why)


def disabled_since(account: Resource, *, ours_only: bool = False) -> Instant | None:
    """The later of what our mark and what the system say; with `ours_only` what our mark says."""
    ours = account.mark.disabled_since if account.mark else None
    theirs = account.facts.disabled_since if account.facts and not ours_only else None
    known = [t for t in (ours, theirs) if t is not None]
    return max(known) if known else None


def _strays(drafts: Drafts) -> None:
    side = drafts.side
    ignoring = Ignoring(side)
    for account in side.live.of_kind(Kind.ACCOUNT):
        if account.address.object in side.matched.by_login:
            continue
        meant = ignoring.of(account.address)
        if meant is not None:
            drafts.out.ignored.append((account.address, meant))
            continue
        foreign = ownership(account, side.owner) is Ownership.FOREIGN
        drafts.out.strays.append(Stray(account.address, "marked by another owner" if foreign else "nobody declares it"))


def _look_alikes(drafts: Drafts) -> None:
    side = drafts.side
    for who, addresses in sorted(side.matched.look_alikes.items()):
        names = ", ".join(f"`{a.object}`" for a in addresses[:10])
        more = f" and {len(addresses) - 10} more" if len(addresses) > 10 else ""
        drafts.problem(
            "look-alike",
            f"{who} has left, and {side.target.name} has accounts that look like theirs: {names}{more}",
            Severity.WARNING,
            why="an account is only taken for somebody's by its id, our mark, or login and e-mail together",
            fix="if one of them is theirs, remove it by hand or pin its id before the person leaves",
        )
