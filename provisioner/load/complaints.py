"""What the reader of YAML says about a file: one method for each thing that it refuses."""

from __future__ import annotations

from typing import Any

from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.load import limits
from provisioner.load.display import show

_LIST_KEYS = frozenset(
    [
        "roles",
        "owners",
        "includes",
        "environments",
        "was",
        "standing",
        "break_glass",
        "acknowledgements",
        "separate",
        "not_both",
        "ignore",
        "people",
        "addresses",
        "required",
        "groups",
        "policies",
        "assume",
        "deliver_to",
    ]
)
"""Keys whose values are lists, so that what is written for none can be told."""


class RefusedError(Exception):
    """A file over a limit: nothing of it is used."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.code)
        self.diagnostic = diagnostic


class Complaints:
    """Adds to `problems` what is wrong in `file`, at libyaml's marks."""

    __slots__ = ("file", "problems")

    def __init__(self, file: str, problems: list[Diagnostic]) -> None:
        self.file = file
        self.problems = problems

    def say(
        self,
        code: str,
        message: str,
        mark: Any,
        why: str,
        fix: str,
        *,
        severity: Severity = Severity.ERROR,
        length: int = 1,
    ) -> None:
        place = Location(self.file, mark.line + 1, mark.column + 1)
        self.problems.append(Diagnostic(code, message, severity, place, max(length, 1), why, fix))

    def null(self, text: str, mark: Any, key: str | None, at_top: bool) -> None:
        none = "[]" if key in _LIST_KEYS and not at_top else "{}" if key is not None else ""
        what = f"{show(key)} has no value" if key is not None else "an entry of the list is empty"
        self.say(
            "null-value",
            what,
            mark,
            "nothing written could mean none, or that somebody was not finished; and it would read as a removal",
            f"write {none} to mean none, or take the key out" if none else "take the line out",
            length=len(text),
        )

    def unquoted(self, text: str, mark: Any, reading: str) -> None:
        self.say(
            "unquoted-value",
            f"{show(text)} without quotes is {reading} to some readers of YAML",
            mark,
            "programs that read YAML disagree on it, so it is not taken for a name silently",
            f'write "{text}" if the text is meant'
            + ("; true or false otherwise" if reading == "true or false" else ""),
            length=len(text),
        )

    def duplicate(self, key: str, mark: Any, first: Any) -> None:
        self.say(
            "duplicate-key",
            f"the key {show(key)} appears twice" + (f", first in line {first.line + 1}" if first is not None else ""),
            mark,
            "only one of the two would count, and a reviewer could look at the other",
            "keep one; put the lists of both together if both are meant",
            length=len(key),
        )

    def alias(self, name: str, mark: Any, recursive: bool) -> None:
        """One that names nothing, or (`recursive`) what it stands in itself."""
        if recursive:
            self.say(
                "recursive-alias",
                f"the alias {show('*' + name)} stands inside what it names",
                mark,
                "it would never end",
                "write the value out",
                length=len(name) + 1,
            )
        else:
            self.say(
                "unknown-alias",
                f"the alias {show('*' + name)} names no anchor above it",
                mark,
                "an alias repeats what an anchor (`&name`) marked earlier in the same file",
                f"mark the value with {show('&' + name)}, or quote the text if no alias is meant",
                length=len(name) + 1,
            )

    def merge_key(self, mark: Any) -> None:
        self.say(
            "merge-key",
            "merge keys (`<<`) are not allowed",
            mark,
            "what they bring in is hidden from whoever reviews the line, and may be overridden without notice",
            "write the keys out; an alias (`*name`) for a whole value is fine",
            length=2,
        )

    def complex_key(self, mark: Any) -> None:
        self.say(
            "complex-key",
            "a key must be a name",
            mark,
            "a list, a mapping or an alias as a key has no meaning here",
            "write the name; put text that begins with `[`, `{` or `*` in quotes",
        )

    def tag(self, tag: str, mark: Any) -> None:
        self.say(
            "tag",
            f"the tag {show(tag)} is not allowed",
            mark,
            "access files are data; a tag could ask the reader to build something else from it",
            "take it out; put text that begins with `!` in quotes",
        )

    def empty_file(self) -> None:
        self.problems.append(
            Diagnostic(
                "empty-file",
                "the file declares nothing",
                location=Location(self.file),
                why="an empty file could be one that was cut off; it never means that something is to be removed",
                fix="delete the file, or write what it should declare (`people: {}` declares nobody)",
            )
        )

    def over(self, code: str, what: str, limit: int, actual: int | None, mark: Any, unit: str = "") -> RefusedError:
        return RefusedError(
            Diagnostic(
                code,
                f"{what} {limit:,}{' ' + unit if unit else ''}" + (f": {actual:,}" if actual is not None else ""),
                location=Location(self.file, mark.line + 1, mark.column + 1),
                why="files over the limit cannot be reviewed, and could exhaust the machine that plans",
                fix="write it shorter, or divide it over several files",
            )
        )

    def too_many(self, mark: Any) -> RefusedError:
        return self.over("too-many-values", "the file holds more values than", limits.NODES, None, mark)
