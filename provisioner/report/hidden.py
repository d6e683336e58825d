"""Secrets that somebody wrote into a file by mistake: the place is shown, the value is not.

Goes by the names of keys, and by `://user:password@`. It does not look for secrets anywhere else.
"""

from __future__ import annotations

import re

_KEY = r"[\w-]*(?:password|passwd|passphrase|secret|token|private[_-]?key|api[_-]?key)[\w-]*"
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"?|'[^']*'?"
_VALUE = re.compile(rf"(?i)({_KEY}[\"']?\s*:\s*)(?![{{\[&*!|>#\s]|env\b)({_QUOTED}|[^,}}\]\s][^,}}\]#]*)")
_INSIDE = re.compile(rf"(?i)({_KEY}[\"']?\s*:\s*\{{)([^}}]*)")
_PAIR = re.compile(rf"([\w-]+\s*:\s*)({_QUOTED}|[^,}}\s][^,}}]*)")
_IN_URL = re.compile(r"(://[^/\s:@\"']*:)([^/\s@\"']+)(@)")


def hidden(line: str) -> str:
    """The line with stars in the place of secrets, as long as it was."""
    if ":" not in line:
        return line
    line = _INSIDE.sub(lambda m: m[1] + _PAIR.sub(_unless_name, m[2]), line)
    line = _VALUE.sub(lambda m: m[1] + "*" * len(m[2]), line)
    return _IN_URL.sub(lambda m: m[1] + "*" * len(m[2]) + m[3], line)


def _unless_name(pair: re.Match[str]) -> str:
    """`env: NAME` names a variable, and is no secret."""
    if pair[1].partition(":")[0].strip() == "env":
        return pair[0]
    return pair[1] + "*" * len(pair[2])
