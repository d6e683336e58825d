"""The plan as one JSON object, and back: what `plan --format json` prints and `--out` writes (docs/plan-format.md).

A plan file is exactly the bytes that `dump` wrote. Refuses everything else: not ours, another version, or edited since,
be it only in its layout. Whether a plan may still be applied is `validity.py`. Touches no files.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from provisioner.diagnostics import Diagnostic, ProvisionError, Severity
from provisioner.model.canonical import canonical_json, digest, readable_json
from provisioner.plan.plan import Plan
from provisioner.plan.plan_values import FORMAT, Json, from_body, to_body

NEW_PLAN = "make a new plan: provision plan --out FILE"


def to_json(plan: Plan) -> Json:
    """The plan as the documented object, `digest` included: the hash of the canonical bytes of all the rest."""
    found = to_body(plan)
    return {"digest": digest(found), **found}


def dump(plan: Plan) -> bytes:
    """The plan file: RFC 8785 canonical bytes and a newline."""
    return canonical_json(to_json(plan)) + b"\n"


def printed(plan: Plan) -> str:
    """The same object for people and logs, as `plan --format json` prints it. It may be applied like the file."""
    # Names of targets, kinds and attributes in the order of the file, in which `parse` finds them.
    return readable_json(to_json(from_body(json.loads(dump(plan)))))


def parse(content: bytes) -> Plan:
    """The plan that `dump` or `printed` wrote, from exactly those bytes.

    ProvisionError: `plan-file-unreadable`, `plan-file-version` or `plan-file-edited`, each with its own words.
    """
    if content.startswith(b"{\n"):
        return _parse_printed(content)
    if not is_whole(content):
        raise _what_is_wrong(content)
    found = _object(content)
    if found["format"] != FORMAT:
        raise _other_version(found["format"])
    try:
        plan = from_body(found)
        same = dump(plan) == content
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from None
    if not same:
        raise _unreadable("it holds fields that a plan does not have, or values that do not agree with each other")
    return plan


def _parse_printed(content: bytes) -> Plan:
    try:
        bare = canonical_json(_object(content)) + b"\n"
    except (ValueError, RecursionError) as error:  # rfc8785's own errors are ValueErrors
        raise _unreadable(f"it holds a value that no plan can hold: {error}") from None
    plan = parse(bare)
    if readable_json(to_json(plan)).encode() != content:
        raise _layout()
    return plan


def is_whole(content: bytes) -> bool:
    """Whether the digest that stands in the bytes is that of all the other bytes. Nothing that says no is ever a plan:
    `parse` asks this first."""
    if not content.endswith(b"}\n"):
        return False
    for found in _DIGEST.finditer(content):
        rest = hashlib.sha256(content[: found.start()])
        rest.update(content[found.end() : -1])
        if rest.hexdigest().encode() == found[1]:
            return True
    return False


_DIGEST = re.compile(rb'"digest":"sha256:([0-9a-f]{64})",')


def _what_is_wrong(content: bytes) -> ProvisionError:
    """The reason, in words, why bytes are not a plan file."""
    try:
        found = _object(content)
    except ProvisionError as error:
        return error
    if found["format"] != FORMAT:
        return _other_version(found["format"])
    told = found.pop("digest", None)
    try:
        real = digest(found)
    except (ValueError, RecursionError) as error:  # rfc8785's own errors are ValueErrors
        return _unreadable(f"it holds a value that no plan can hold: {error}")
    if told == real:
        return _layout()
    return _edited(f"its digest says {shorten(told)}, its contents have {real}: it is not what was reviewed")


def _layout() -> ProvisionError:
    return _edited("its white space, or the order of its keys, is not as `plan` wrote it")


def _edited(why: str) -> ProvisionError:
    return _refusal("plan-file-edited", "this plan file was changed after it was made", why)


def _other_version(told: str) -> ProvisionError:
    return _refusal(
        "plan-file-version",
        f"this plan file has the format `{shorten(told)}`; this version reads `{FORMAT}`",
        "a plan is applied by the version of provision that made it",
    )


def _refusal(code: str, message: str, why: str) -> ProvisionError:
    return ProvisionError(Diagnostic(code, message, Severity.ERROR, why=why, fix=NEW_PLAN))


def _unreadable(why: str) -> ProvisionError:
    return _refusal("plan-file-unreadable", "this is not a plan file", why)


def shorten(value: object) -> str:
    """As it may stand in a message."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _object(content: bytes) -> Json:
    def unique(pairs: list[tuple[str, Any]]) -> Json:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError("a key stands twice in one object")
        return made

    try:
        found = json.loads(content, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:  # also UnicodeDecodeError
        raise _unreadable(f"it is not JSON: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("format"), str):
        raise _unreadable("it is JSON, but has no `format`")
    if not found["format"].startswith("provision.plan/"):
        raise _unreadable(f"its format is `{shorten(found['format'])}`")
    return found
