"""libyaml's complaints in words that say how to mend the line."""

from __future__ import annotations

from typing import Any

from provisioner.diagnostics import Diagnostic, Location
from provisioner.load.decode import place_of
from provisioner.load.tabs import stray_tab

_AS_IT_IS = "the file cannot be read any further"


def _open_bracket(text: str, end: int) -> Any:
    """The mark of the innermost bracket that is open at `end`: at the end of a file libyaml names the place alone."""
    import yaml

    opened: list[Any] = []
    try:
        for token in yaml.scan(text, Loader=yaml.CSafeLoader):
            if token.start_mark.index >= end:
                break
            if isinstance(token, yaml.FlowSequenceStartToken | yaml.FlowMappingStartToken):
                opened.append(token.start_mark)
            elif isinstance(token, yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken) and opened:
                opened.pop()
    except yaml.YAMLError:
        pass
    return opened[-1] if opened else None


def syntax_error(file: str, text: str, wrong: Any) -> Diagnostic:
    """A diagnostic for an error that libyaml raised on `text`."""
    problem = str(getattr(wrong, "problem", None) or getattr(wrong, "reason", None) or "the text cannot be read")
    context = str(getattr(wrong, "context", None) or "")
    mark = getattr(wrong, "problem_mark", None)
    opened = getattr(wrong, "context_mark", None)
    if mark is None:
        place = place_of(file, text, int(getattr(wrong, "position", 0)))
        return Diagnostic("yaml-syntax", problem, location=place, why=_AS_IT_IS, fix="mend the line")
    line = _line(text, mark.line)
    character = line[mark.column : mark.column + 1]
    if "tab character" in problem or ("cannot start any token" in problem and character == "\t"):
        return stray_tab(file, mark.line, line.find("\t") if "\t" in line else mark.column)
    at = mark
    if "unexpected end of stream" in problem and opened is not None:
        at, message = opened, "a quote is opened here and never closed"
        fix = "close the quote"
    elif "flow" in context and opened is not None:
        at = _open_bracket(text, mark.index) or opened
        sequence = text[at.index : at.index + 1] == "["
        pair = "[` is never closed by `]" if sequence else "{` is never closed by `}"
        message = f"`{pair}` (or an entry in between lacks its comma)"
        fix = f"look between here and line {mark.line + 1}: separate entries by commas, and close the bracket"
    elif "mapping values are not allowed" in problem:
        message = "a `:` where no key can stand"
        fix = 'put a value that holds ": " in quotes; or indent the line as far as its neighbours'
    elif "could not find expected ':'" in problem:
        at = opened or mark
        message = "a line that is neither `key: value` nor part of a list"
        fix = "add the `:` and a space behind the key, or put text of several lines in quotes"
    elif "cannot start any token" in problem:
        message = f"a value cannot begin with `{character}`"
        fix = "put it in quotes"
    elif "did not find expected" in problem or "block" in context or "sequence entries" in problem:
        message = "the indentation does not fit the lines above"
        fix = "indent entries of the same list or mapping by the same number of spaces"
    elif "escape" in problem:
        message = "an escape that YAML does not have"
        fix = r"in double quotes a backslash is written \\; in single quotes it stands for itself"
    else:
        message = problem
        fix = "mend the line; put it in quotes if it is text"
    return Diagnostic(
        "yaml-syntax", message, location=Location(file, at.line + 1, at.column + 1), why=_AS_IT_IS, fix=fix
    )


def _line(text: str, number: int) -> str:
    lines = text.split("\n", number + 1)
    return lines[number] if number < len(lines) else ""
