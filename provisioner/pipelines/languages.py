"""The languages that conditions are written in: GitHub's expressions, CircleCI's expressions and logic statements.

A part that is not understood becomes an unknown, never an error: whether it is right is for the CI system to say.
"""

from __future__ import annotations

import re
from functools import lru_cache

from provisioner.pipelines.conditions import NOT_UNDERSTOOD, Condition, literal
from provisioner.pipelines.document import Node

_MOST = 120
"""Words in one expression, and parts of one statement: longer ones are not followed."""

_LARGEST = 500
"""Values in one statement."""

_GITHUB_WORDS = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?))|(?P<sign>&&|\|\||==|!=|<=|>=|[!<>(),\[\]])"
    r"|(?P<name>[A-Za-z_][\w-]*(?:\.(?:[A-Za-z_][\w-]*|\*))*))"
)
_CIRCLECI_WORDS = re.compile(
    r"\s*(?:(?P<text>\"[^\"]*\"|'[^']*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<pattern>/(?:[^/\\]|\\.)+/)"
    r"|(?P<sign>==|!=|<=|>=|[<>(),])|(?P<name>[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*))"
)
_WRAPPED = re.compile(r"\s*\$\{\{(?P<inner>(?:(?!\}\}).)*)\}\}\s*\Z", re.DOTALL)
_ASKED = re.compile(r"\s*<<\s*(?P<inner>[^<>]+?)\s*>>\s*\Z")


@lru_cache(maxsize=4096)
def github_expression(text: str) -> Condition:
    """The text of an `if:`, or of a value that is one `${{ }}`. Text around `${{ }}` makes it a text that is always
    true, which is hardly what was meant: unknown."""
    wrapped = _WRAPPED.match(text)
    inner = wrapped["inner"] if wrapped is not None else text
    return NOT_UNDERSTOOD if "${{" in inner else _Parser(inner, _GITHUB_WORDS).whole()


def github_value(text: str) -> Condition:
    """A value that may be an expression: plain text is itself."""
    if "${{" not in text:
        return literal(text)
    wrapped = _WRAPPED.match(text)
    return _Parser(wrapped["inner"], _GITHUB_WORDS).whole() if wrapped is not None else NOT_UNDERSTOOD


def circleci_condition(node: Node) -> Condition | None:
    """A `when:`; None where there is none."""
    if node.absent:
        return None
    if node.is_text:
        return _circleci_text(node.text)
    if node.size > _LARGEST or not node.is_map or len(node.keys) != 1:
        return NOT_UNDERSTOOD
    ((key, value),) = node.items()
    if key.text in ("and", "or"):
        parts = [circleci_condition(n) or NOT_UNDERSTOOD for n in value.each()]
        return _chain(key.text, parts)
    if key.text == "not":
        return Condition("not", (circleci_condition(value) or NOT_UNDERSTOOD,))
    if key.text == "equal" and len(value.each()) >= 2:
        first, *rest = [_circleci_value(n) for n in value.each()]
        return _chain("and", [Condition("==", (first, other)) for other in rest])
    if key.text == "matches":
        return _matches(_circleci_value(value.get("value")), value.get("pattern").text)
    return NOT_UNDERSTOOD


@lru_cache(maxsize=4096)
def circleci_expression(text: str) -> Condition:
    """A condition written as text, such as `pipeline.git.branch == "main"`."""
    return _Parser(text, _CIRCLECI_WORDS).whole()


def _circleci_text(text: str) -> Condition:
    if text in ("true", "false"):
        return literal(text == "true")
    asked = _ASKED.match(text)
    if asked is not None:
        return Condition("variable", name=asked["inner"])
    return NOT_UNDERSTOOD if "<<" in text else circleci_expression(text)


def _circleci_value(node: Node) -> Condition:
    if not node.is_text:
        return literal("") if node.absent else NOT_UNDERSTOOD
    asked = _ASKED.match(node.text)
    if asked is not None:
        return Condition("variable", name=asked["inner"])
    return NOT_UNDERSTOOD if "<<" in node.text else literal(node.text)


def _matches(value: Condition, pattern: str) -> Condition:
    """Only a pattern that is one whole word is followed."""
    plain = plain_pattern(pattern)
    return Condition("==", (value, literal(plain))) if plain is not None else NOT_UNDERSTOOD


def plain_pattern(pattern: str) -> str | None:
    """The one text that a pattern such as `^main$` stands for, or None."""
    if not (pattern.startswith("^") and pattern.endswith("$")):
        return None
    inner = pattern[1:-1]
    return inner if re.fullmatch(r"[\w/-]+", inner) else None


def _chain(op: str, parts: list[Condition]) -> Condition:
    if not 0 < len(parts) <= _MOST:
        return NOT_UNDERSTOOD
    whole = parts[0]
    for part in parts[1:]:
        whole = Condition(op, (whole, part))
    return whole


class _NotUnderstoodError(Exception):
    pass


class _Parser:
    """Both languages, whose words for the operators differ and whose precedence does not."""

    def __init__(self, text: str, words: re.Pattern[str]) -> None:
        self.words = _split(text, words)
        self.at = 0

    def whole(self) -> Condition:
        try:
            found = self._or()
        except _NotUnderstoodError:
            return NOT_UNDERSTOOD
        return found if self.at == len(self.words) else NOT_UNDERSTOOD

    def _or(self) -> Condition:
        left = self._and()
        while self._take("sign", "||") or self._take("name", "or"):
            left = Condition("or", (left, self._and()))
        return left

    def _and(self) -> Condition:
        left = self._not()
        while self._take("sign", "&&") or self._take("name", "and"):
            left = Condition("and", (left, self._not()))
        return left

    def _not(self) -> Condition:
        if self._take("name", "not"):
            return Condition("not", (self._not(),))
        return self._compared()

    def _compared(self) -> Condition:
        left = self._one()
        for op in ("==", "!="):
            if self._take("sign", op):
                return Condition(op, (left, self._one()))
        if self._take("name", "starts-with"):
            return Condition("call", (left, self._one()), name="startswith")
        if any(self._take("sign", op) for op in ("<", ">", "<=", ">=")) or self._take("name", "matches"):
            self._one()
            return NOT_UNDERSTOOD
        return left

    def _one(self) -> Condition:
        if self._take("sign", "!"):
            return Condition("not", (self._one(),))
        if self._take("sign", "("):
            inner = self._or()
            self._must(")")
            return inner
        kind, word = self._next()
        if kind == "text":
            return literal(word[1:-1].replace("''", "'") if word[0] == "'" else word[1:-1])
        if kind == "number":
            return literal(float(int(word, 16) if "0x" in word.lower() else word))
        if kind == "pattern":
            return NOT_UNDERSTOOD
        if kind != "name":
            raise _NotUnderstoodError
        if word in ("true", "false", "null"):
            return literal({"true": True, "false": False, "null": None}[word])
        if self._take("sign", "("):
            return self._called(word)
        return self._variable(word)

    def _called(self, name: str) -> Condition:
        arguments: list[Condition] = []
        while not self._take("sign", ")"):
            arguments.append(self._or())
            if not self._take("sign", ","):
                self._must(")")
                break
        return Condition("call", tuple(arguments), name=name.casefold())

    def _variable(self, name: str) -> Condition:
        while self._take("sign", "["):
            kind, word = self._next()
            self._must("]")
            if kind != "text":
                return NOT_UNDERSTOOD
            name = f"{name}.{word[1:-1]}"
        return NOT_UNDERSTOOD if "*" in name else Condition("variable", name=name)

    def _take(self, kind: str, word: str) -> bool:
        if self.at < len(self.words) and self.words[self.at] == (kind, word):
            self.at += 1
            return True
        return False

    def _must(self, sign: str) -> None:
        if not self._take("sign", sign):
            raise _NotUnderstoodError

    def _next(self) -> tuple[str, str]:
        if self.at >= len(self.words):
            raise _NotUnderstoodError
        self.at += 1
        return self.words[self.at - 1]


def _split(text: str, words: re.Pattern[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    text = text.rstrip()
    while at < len(text) and len(found) < _MOST:
        match = words.match(text, at)
        if match is None:
            return [("odd", "")]
        at = match.end()
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
    return found if at >= len(text) else [("odd", "")]
