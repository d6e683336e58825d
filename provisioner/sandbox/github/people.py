"""Accounts of the embedded GitHub, and what somebody does about themselves: say yes to an invitation, leave."""

from __future__ import annotations

from provisioner.sandbox.github.answers import Refused, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply
from provisioner.sandbox.github.repo_shapes import repo_invitation
from provisioner.sandbox.github.things import Repo, RepoInvitation, User


def _me(call: Call) -> User:
    if call.caller.user is None:
        if call.caller.token is None:
            raise Refused(401, "Requires authentication")
        raise Refused(403, "Resource not accessible by integration")
    return call.caller.user


@ROUTES.add("GET /user")
def get_me(call: Call) -> Reply:
    return 200, call.shapes.private_user(_me(call))


@ROUTES.add("GET /user/{account_id}")
def get_by_id(call: Call, number: str) -> Reply:
    """From the id, which stays, to the login of today."""
    user = call.world.users.get(int(number)) if number.isdigit() else None
    if user is None:
        raise not_found()
    return 200, call.shapes.full_user(user)


@ROUTES.add("GET /users/{username}")
def get_user(call: Call, username: str) -> Reply:
    org = call.world.org(username)
    if org is not None:
        names = {
            "name": org.name,
            "company": None,
            "blog": "",
            "location": None,
            "email": None,
            "hireable": None,
            "bio": org.description,
        }
        full = call.shapes.full_org(org)
        counts = {name: full[name] for name in ("public_repos", "public_gists", "followers", "following")}
        times = {"created_at": full["created_at"], "updated_at": full["updated_at"]}
        return 200, {**call.shapes.org_as_user(org), **names, **counts, **times}
    return 200, call.shapes.full_user(call.user(username))


@ROUTES.add("GET /user/memberships/orgs")
def my_memberships(call: Call) -> Reply:
    me = _me(call)
    found = [(org, role, "active") for org in call.world.orgs.values() if (role := org.members.get(me.id))]
    for org in call.world.orgs.values():
        pending = call.world.pending(org, me)
        if pending is not None:
            found.append((org, "admin" if pending.role == "admin" else "member", "pending"))
    state = call.args.get("state")
    kept = [one for one in found if state in (None, one[2])]
    return call.page(kept, lambda one: call.shapes.membership(one[0], me, one[1], one[2]))


@ROUTES.add("GET /user/memberships/orgs/{org}")
def my_membership(call: Call, org: str) -> Reply:
    me, found = _me(call), call.org(org)
    pending = call.world.pending(found, me)
    if me.id in found.members:
        return 200, call.shapes.membership(found, me, found.members[me.id], "active")
    if pending is None:
        raise not_found()
    return 200, call.shapes.membership(found, me, "admin" if pending.role == "admin" else "member", "pending")


@ROUTES.add("PATCH /user/memberships/orgs/{org}")
def accept(call: Call, org: str) -> Reply:
    """The invited person says yes."""
    me, found = _me(call), call.org(org)
    call.choice("state", ("active",), required=True)
    pending = call.world.pending(found, me)
    if pending is not None:
        if found.two_factor_required and not me.two_factor:
            raise Refused(403, "You must enable two-factor authentication to join this organization.")
        call.world.accept(found, pending)
    elif me.id not in found.members:
        raise not_found()
    return 200, call.shapes.membership(found, me, found.members[me.id], "active")


def _mine(call: Call) -> list[tuple[Repo, RepoInvitation]]:
    me = _me(call)
    return [(repo, one) for repo in call.world.repos.values() for one in repo.invitations.values() if one.user == me.id]


@ROUTES.add("GET /user/repository_invitations")
def my_invitations(call: Call) -> Reply:
    return call.page([one for _, one in _mine(call)], lambda one: repo_invitation(call.shapes, one))


def _one_of_mine(call: Call, number: str) -> tuple[Repo, RepoInvitation]:
    found = next(((repo, one) for repo, one in _mine(call) if str(one.id) == number), None)
    if found is None or call.world.expired(found[1]):
        raise not_found()
    return found


@ROUTES.add("PATCH /user/repository_invitations/{invitation_id}")
def accept_repo(call: Call, number: str) -> Reply:
    call.world.accept_repo(*_one_of_mine(call, number))
    return 204, None


@ROUTES.add("DELETE /user/repository_invitations/{invitation_id}")
def decline_repo(call: Call, number: str) -> Reply:
    repo, found = _one_of_mine(call, number)
    del repo.invitations[found.id]
    call.world.version += 1
    return 204, None
