"""Plans that tell a story, for the golden outputs of text and Markdown."""

from __future__ import annotations

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.change import Change
from provisioner.plan.plan import Plan, Stray
from tests.builders import at, change, line, outstanding, plan, view, waiting

HOSTILE = "eve\x1b[2J\r\n::error::x\u202egnp.exe|`](http://evil) @org/all <img src=x> ##[add-mask]\u200b"

AWS = "aws/payments-production"
TWO = {
    "corp-ldap": view(account=210, group=14, membership=900),
    AWS: view(account=96, group=9, membership=310, grant=22),
}
GONE = "ada is no longer declared (last in 1f7c9e2a4b6d)"


def _gone(
    address: str, words: str, action: str = "revoke", evidence: str = "subject", level: str = "ordinary"
) -> Change:
    return change(
        action,
        address,
        words,
        who="ada",
        why=GONE,
        cause="leaver",
        evidence=evidence,
        source="access/people/ada.yaml:2:3",
        level=level,
    )


def nothing() -> Plan:
    """Everything is as declared, and two thousand others live beside it."""
    targets = {
        **TWO,
        "corp-ldap": view(account=2210, group=14, membership=900),
        "aws/payments-staging": view(account=40, group=9, membership=120, grant=8),
    }
    return plan(
        targets=targets, strays=[Stray(at(f"corp-ldap:account/u{n:04}"), "nobody declares it") for n in range(2000)]
    )


def offboarding() -> Plan:
    """Ada's file is gone."""
    return plan(
        _gone(f"{AWS}:credential/access-key.AKIA1/ada", "switch off access key AKIA1 of ada"),
        _gone(f"{AWS}:grant/AdministratorAccess/ada", "detach policy AdministratorAccess from ada", level="admin"),
        _gone(f"{AWS}:membership/Developers/ada", "remove ada from group Developers"),
        _gone(
            f"{AWS}:account/ada", "lock IAM user ada: deny everything, keys inactive, no password", "disable", "mark"
        ),
        _gone("corp-ldap:membership/developers/ada", "remove ada from group developers"),
        _gone("corp-ldap:membership/on-call/ada", "remove ada from group on-call"),
        _gone("corp-ldap:account/ada", "lock account ada", "disable", "mark"),
        targets=TWO,
        waiting=[
            waiting("delete", "corp-ldap:account/ada", "2026-12-22T09:00:00Z", who="ada"),
            waiting("delete", f"{AWS}:account/ada", "2026-12-22T09:00:00Z", who="ada"),
        ],
        diagnostics=[
            Diagnostic(
                "owner-gone",
                "role backend-developer names `ada`, who is no longer declared, as an owner",
                Severity.WARNING,
                line("access/roles.yaml:12:14"),
                3,
                "the other owners decide alone",
                "take `ada` out of `owners`",
            )
        ],
        strays=[Stray(at("corp-ldap:account/a.lovelace"), "looks like ada's: same e-mail", "ada")],
    )


def onboarding() -> Plan:
    """Forty-three people at once, one of them with more than the others, and one who changes teams."""
    changes = [
        change(
            "create",
            "corp-ldap:group/data",
            "create group data",
            why="named by a role",
            source="access/roles.yaml:31:20",
        )
    ]
    people = ["mia", *(f"p{n:02}" for n in range(1, 42)), "zoe"]
    for number, who in enumerate(people):
        file = f"access/people/{who}.yaml"
        why = "for what the roles give here"
        changes.append(
            change("create", f"corp-ldap:account/{who}", f"create account {who}", why=why, source=f"{file}:2:3")
        )
        for place, group in enumerate(("developers", "data")):
            changes.append(
                change(
                    "create",
                    f"corp-ldap:membership/{group}/{who}",
                    f"add {who} to group {group}",
                    why=f"role {group}",
                    source=f"{file}:{6 + place}:7",
                )
            )
        if who == "zoe":
            changes.append(
                change(
                    "create",
                    "corp-ldap:membership/admins/zoe",
                    "add zoe to group admins",
                    why="role deployer > leads",
                    source=f"{file}:9:7",
                    level="admin",
                    ends="2026-12-01T18:00:00Z",
                )
            )
        assert number < 43
    changes.append(
        change(
            "revoke",
            "corp-ldap:membership/designers/ben",
            "remove ben from group designers",
            why="the line that asked for it is gone (last in 1f7c9e2a4b6d)",
            evidence="history",
            source=["access/people/ben.yaml:6:7", "access/roles.yaml:44:9"],
        )
    )
    return plan(*changes, targets={**TWO}, uncommitted=True)


def incomplete() -> Plan:
    """One directory cut short, one account not to be reached, something left from before, and the rest goes on."""
    return plan(
        change(
            "revoke",
            "aws/payments-staging:membership/Developers/ada",
            "remove ada from group Developers",
            why=GONE,
            cause="leaver",
            evidence="subject",
            source="access/people/ada.yaml:2:3",
        ),
        change(
            "create",
            "corp-ldap:membership/ops/lin",
            "add lin to group ops",
            why="role operator",
            source="access/people/lin.yaml:5:7",
        ),
        targets={
            "corp-ldap": view(account=500, group=14, membership=900, gaps={"account": "size limit after 500 entries"}),
            "aws/payments-staging": view(account=40, group=9, membership=120),
            AWS: view(failed="no answer within 10 s (GetAccountAuthorizationDetails: unreachable)"),
        },
        outstanding=[
            outstanding(
                "revoke",
                "aws/payments-staging:membership/Developers/ada",
                "2026-11-20T08:00:00Z",
                "Throttling: Rate exceeded",
            ),
            outstanding("disable", f"{AWS}:account/ada", "2026-11-20T08:00:00Z", "no answer", who="ada"),
        ],
        diagnostics=[
            Diagnostic("target-unreadable", f"{AWS} could not be read", Severity.WARNING, target=AWS),
            Diagnostic(
                "incomplete-read",
                "12 changes on corp-ldap are held back, because it could not be read completely",
                Severity.WARNING,
                target="corp-ldap",
            ),
            Diagnostic(
                "account-taken",
                "account `bob` on corp-ldap is somebody else's",
                Severity.ERROR,
                line("access/people/bob.yaml:2:3"),
                3,
                "an account is only adopted where its e-mail matches or its immutable id is pinned",
                "pin it under `accounts:` if it is theirs",
                "corp-ldap",
            ),
        ],
    )


def hostile() -> Plan:
    """Every text that comes from outside tries to be something else."""
    target = "corp-ldap"
    return plan(
        change(
            "create",
            f"{target}:membership/x/eve",
            f"add {HOSTILE} to group {HOSTILE}",
            who=HOSTILE,
            why=f"role {HOSTILE}",
            source=f"access/{HOSTILE}.yaml:2:3",
        ),
        change(
            "delete",
            f"{target}:account/eve",
            f"delete {HOSTILE}",
            who="mallory\u0301",
            why=HOSTILE,
            level="admin",
            reversible=False,
        ),
        targets={
            target: view(gaps={"group": HOSTILE}, account=2),
            "aws/\u202ex": view(failed=HOSTILE),
        },
        strays=[Stray(at("corp-ldap:account/%1B%5B2J%E2%80%AE"), HOSTILE)],
        outstanding=[outstanding("revoke", f"{target}:membership/x/eve", "2026-11-22T08:30:00Z", HOSTILE, who=HOSTILE)],
        waiting=[waiting("delete", f"{target}:account/eve", "2026-12-22", who=HOSTILE, why=HOSTILE)],
        diagnostics=[Diagnostic("near-miss", HOSTILE, Severity.WARNING, None, 1, HOSTILE, HOSTILE, HOSTILE)],
    )


STORIES = {
    "nothing": nothing,
    "offboarding": offboarding,
    "onboarding": onboarding,
    "incomplete": incomplete,
    "hostile": hostile,
}
