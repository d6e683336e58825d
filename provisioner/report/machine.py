"""JSON as it is printed: indented, keys in their own order, pure ASCII, so that no terminal or log can be misled."""

from __future__ import annotations

import json
from typing import Any


def json_text(value: Any) -> str:
    """`value` as JSON text with a newline at its end."""
    return json.dumps(value, indent=2, ensure_ascii=True).replace("##[", "##\\u005b") + "\n"
