"""However people are written one below the other: taking one out leaves every line of the others, in order."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from provisioner.files.cut import cut

NAMES = ["ada", "mia", "zoe", "noor"]
BODIES = [
    "  {n}:\n    name: {n}\n    roles: [developer]\n",
    "  {n}: {{name: {n}, roles: [developer]}}  # in a line\n",
    '  "{n}":\n    roles:\n    - developer\n    - role: deployer\n      environments: [production]\n',
    "  {n}:\n    name: |\n      {n}\n\n      {n}\n",
    "  {n}:\n    # who is {n}?\n    name: '{n}'\n    # that is {n}\n",
    "  {n}: # a comment of {n}\n    name: >\n      # {n}, no comment\n",
    "  ? {n}\n  : name: {n}\n",
    "  {n}:\n    roles: [\n      developer,  # {n}\n    ]\n",
]
BETWEEN = ["", "\n", "\n\n", "  # others\n", "# at the margin\n", "\n  # others\n\n"]
HEADS = [
    "people:\n",
    "# yaml-language-server: $schema=x\npeople: # all\n",
    "roles:\n  ada: {}\npeople:\n",
    "---\npeople:\n\n",
]
TAILS = ["", "roles:\n  ada: {}\n", "\n# the end\n", "...\n"]


@given(
    st.permutations(NAMES).flatmap(lambda names: st.tuples(st.just(names), st.integers(2, len(names)))),
    st.lists(st.sampled_from(BODIES), min_size=4, max_size=4),
    st.lists(st.sampled_from(BETWEEN), min_size=4, max_size=4),
    st.sampled_from(HEADS),
    st.sampled_from(TAILS),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_line_of_the_others_stays(
    chosen: tuple[list[str], int], bodies: list[str], between: list[str], head: str, tail: str, newline: str
) -> None:
    names = chosen[0][: chosen[1]]
    if head.startswith("roles") and tail.startswith("roles"):
        tail = ""
    own = {n: body.format(n=n) for n, body in zip(names, bodies, strict=False)}
    gone = names[0]

    def written(entries: dict[str, str]) -> str:
        parts = (gap + entries[n] for n, gap in zip(names, between, strict=False))
        return (head + "".join(parts) + tail).replace("\n", newline)

    left = cut(written(own), "people", gone)
    assert left is not None
    assert set(yaml.safe_load(left)["people"]) == set(names[1:])
    assert lines_of(left, newline) == lines_of(written(own | {gone: ""}), newline)
    assert all(line in written(own).split(newline) for line in left.split(newline))


def lines_of(text: str, newline: str) -> list[str]:
    return [line for line in text.split(newline) if line.strip()]
