"""Answers for machines: what `explain`, `who` and `receipt` print with `--format json`. Never decides what is true."""

from __future__ import annotations

from typing import Any

from provisioner.model.answer import AccountFound, Explanation, Holders, Holding, Item, Receipt
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant, format_instant


def explanation_json(found: Explanation) -> dict[str, Any]:
    """The object of `explain --format json`."""
    return {
        "format": "provision.explain/1",
        "identity": _identity_json(found.identity),
        "declared": found.declared,
        "revision": found.revision or None,
        "known_from": {
            source: [held.role for held in found.identity.roles if held.source == source]
            for source in found.identity.sources
        },
        "targets": {
            t.target: {
                "wanted": t.wanted,
                "account": None if t.account is None else _account_json(t.account),
                "holdings": [_holding_json(h) for h in t.holdings],
                "later": [{"address": str(a), "from": format_instant(at)} for a, at in t.later],
                "over": [{"address": str(a), "until": format_instant(at)} for a, at in t.over],
                "pending": t.pending,
                "incomplete": list(t.incomplete),
            }
            for t in found.targets
        },
    }


def holders_json(found: Holders) -> dict[str, Any]:
    """The object of `who --format json`."""
    return {
        "format": "provision.who/1",
        "holders": [
            {**_holding_json(r), "known_from": list(found.known_from.get(r.identity or "", ()))} for r in found.rows
        ],
        "incomplete": {i.target: list(i.why) for i in found.incomplete},
    }


def receipt_json(found: Receipt) -> dict[str, Any]:
    """The object of `receipt --format json`."""
    return {
        "format": "provision.receipt/1",
        "identity": _identity_json(found.identity),
        "declared": found.declared,
        "revision": found.revision,
        "read_at": format_instant(found.read_at),
        "complete": found.complete,
        "nothing_left": found.complete and not found.anything_left,
        "targets": {
            t.target: {
                "verdict": t.verdict.value,
                "accounts": [_account_json(a) for a in t.accounts],
                "left": [_item_json(i) for i in t.left],
                "kept": [_item_json(i) for i in t.kept],
                "gone": [_item_json(i) for i in t.gone],
                "unsure": list(t.unsure),
                "look_alikes": [str(a) for a in t.look_alikes],
                "remains": list(t.remains),
            }
            for t in found.targets
        },
        "notes": list(found.notes),
    }


def _identity_json(identity: Identity) -> dict[str, Any]:
    return {"id": identity.id, "kind": identity.kind.value, "name": identity.name, "email": identity.email}


def _account_json(account: AccountFound) -> dict[str, Any]:
    since = account.disabled_since
    return {
        "address": str(account.address),
        "known_by": account.how,
        "enabled": account.enabled,
        "disabled_since": _time(since),
    }


def _holding_json(row: Holding) -> dict[str, Any]:
    return {
        "address": str(row.address),
        "login": row.login,
        "identity": row.identity,
        "live": row.live.value,
        "asked": row.asked,
        "until": _time(row.until),
        "sources": [str(s) for s in row.sources],
        "because": [
            {
                "roles": list(b.path),
                "environments": sorted(b.environments),
                "source": str(b.assignment.location),
                "grant": str(b.grant),
                "until": _time(b.assignment.until),
                "reason": b.assignment.reason,
                "from": b.assignment.source,
            }
            for b in row.because
        ],
        "via": [str(v) for v in row.via],
        "locked_by": row.locked_by,
        "note": row.note,
    }


def _item_json(item: Item) -> dict[str, Any]:
    return {"address": str(item.address), "why": item.why, "at": _time(item.at)}


def _time(value: Instant | None) -> str | None:
    return None if value is None else format_instant(value)
