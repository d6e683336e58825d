"""Our lines in a CODEOWNERS file, between two marks; everything else in it stays as it is.

Of a CODEOWNERS file the last line that fits a path counts, so ours stand at its end.
"""

from __future__ import annotations

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks, in this order; the first that is there counts."""
BEGIN = "# begin: provision codeowners (whose approval a grant needs, `provision approvals` says)"
END = "# end: provision codeowners"


def with_block(text: str, lines: str) -> str:
    """The file with our lines at its end, in place of those that it had."""
    before, _, after = _parts(text)
    rest = "\n".join(part for part in (before.rstrip("\n"), after.strip("\n")) if part)
    return f"{rest}\n\n{block(lines)}" if rest else block(lines)


def block(lines: str) -> str:
    return f"{BEGIN}\n{lines}{END}\n"


def block_of(text: str) -> str | None:
    """Our lines as the file has them; None where it has none."""
    _, found, _ = _parts(text)
    return found


def overrides(text: str) -> list[int]:
    """The numbers of lines behind ours that say something: they count instead of them."""
    _, found, after = _parts(text)
    if found is None:
        return []
    first = len(text.splitlines()) - len(after.splitlines()) + 1
    said = enumerate(after.splitlines(), first)
    return [number for number, line in said if line.strip() and not line.lstrip().startswith("#")]


def _parts(text: str) -> tuple[str, str | None, str]:
    lines = text.splitlines(keepends=True)
    begins = next((n for n, line in enumerate(lines) if line.startswith("# begin: provision codeowners")), None)
    if begins is None:
        return text, None, ""
    ends = next((n for n in range(begins, len(lines)) if lines[n].startswith(END)), len(lines))
    return "".join(lines[:begins]), "".join(lines[begins + 1 : ends]), "".join(lines[ends + 1 :])
