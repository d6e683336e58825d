"""Reads the lists in a page of GetAccountAuthorizationDetails: the same values as the SDK makes of them, in a third of
the time, which is what most of planning takes where an account has thousands of users.

It follows the SDK's own model, and leaves to the SDK whatever it does not know: errors, answers that are no XML, shapes
that the model may have one day. Makes no calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

OPERATION = "GetAccountAuthorizationDetails"

Element = ElementTree.Element
Read = Callable[[Element], Any]


class Pages:
    """A handler of the SDK's event `before-parse`. `dated` reads a time."""

    def __init__(self, dated: Callable[[str], Any]) -> None:
        self._dated = dated
        self._lists: dict[str, dict[str, Read]] = {}

    def __call__(
        self, operation_model: Any, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
    ) -> None:
        """Takes the lists out of the body, and puts what they hold into the answer."""
        if response_dict["status_code"] != 200:
            return
        try:
            root = ElementTree.fromstring(response_dict["body"])  # noqa: S314 - as the SDK itself reads it
        except ElementTree.ParseError:
            return
        namespace = root.tag[: root.tag.find("}") + 1]
        lists = self._known(operation_model.output_shape, namespace)
        if not lists:
            return
        for result in root.findall(f"{namespace}{OPERATION}Result"):
            for element in [e for e in result if e.tag in lists]:
                customized_response_dict[element.tag.removeprefix(namespace)] = lists[element.tag](element)
                result.remove(element)
        response_dict["body"] = ElementTree.tostring(root)

    def _known(self, shape: Any, namespace: str) -> dict[str, Read]:
        """How each list of the answer is read, by tag; none at all where the model has something that is not known."""
        if namespace not in self._lists:
            try:
                found = {n: self._reader(s, namespace) for n, s in shape.members.items() if s.type_name == "list"}
            except LookupError:
                found = {}
            self._lists[namespace] = {namespace + name: read for name, read in found.items()}
        return self._lists[namespace]

    def _reader(self, shape: Any, namespace: str) -> Read:
        """What turns an element of that shape into the SDK's value. LookupError where that is not known."""
        if shape.serialization:
            raise LookupError("written in a way of its own")
        match shape.type_name:
            case "structure":
                members = {namespace + n: (n, self._reader(s, namespace)) for n, s in shape.members.items()}
                return lambda element: {m[0]: m[1](e) for e in element if (m := members.get(e.tag)) is not None}
            case "list":
                item = self._reader(shape.member, namespace)
                return lambda element: [item(e) for e in element]
            case "string":
                return _text
            case "boolean":
                return lambda element: element.text == "true"
            case "integer":
                return lambda element: int(_text(element))
            case "timestamp":
                return lambda element: self._dated(_text(element))
            case other:
                raise LookupError(other)


def _text(element: Element) -> str:
    return element.text or ""
