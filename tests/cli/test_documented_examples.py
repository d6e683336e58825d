"""The examples of docs/commands.md are tried: but for times, hashes and folders, they are what is really printed."""

from __future__ import annotations

import re

from tests.cli.conftest import Repository
from tests.cli.test_help import shown_in_docs

_VARIES = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "SYSTEM"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "HASH"),
    (re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?"), "TIME"),
    (re.compile(r"in /\S+/\.provision"), "in FOLDER"),
)


def steady(text: str) -> str:
    for pattern, name in _VARIES:
        text = pattern.sub(name, text)
    return text


def test_the_story_of_the_commands_page(repository: Repository) -> None:
    assert repository.run("apply").status == 0
    repository.leave("ada")
    repository.commit()
    for command in ("provision plan --out plan.json", "provision apply plan.json", "provision status"):
        ran = repository.run(*command.split()[1:])
        assert ran.status == 0, ran.err
        assert steady(shown_in_docs(command)) == steady(ran.out)


def test_the_mistake_on_the_commands_page(repository: Repository) -> None:
    repository.person("ada", roles="[develper]")
    assert shown_in_docs("provision validate") == repository.run("validate").out
