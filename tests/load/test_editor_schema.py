"""The JSON Schema for editors takes what `validate` takes, and is the one that the sample's files point to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from provisioner.load.editor_schema import editor_schema
from provisioner.providers.catalog import all_providers

ROOT = Path(__file__).parent.parent.parent
SCHEMA = editor_schema(all_providers())
VALIDATOR = Draft202012Validator(SCHEMA)


class Editor(yaml.SafeLoader):
    """YAML as editors read it (1.2): times are text."""


Editor.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def mistakes(text: str) -> list[str]:
    value: Any = yaml.load(text, Editor)  # noqa: S506 a SafeLoader
    return [error.json_path for error in VALIDATOR.iter_errors(value)]


def test_it_is_a_schema_of_its_dialect() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_published_copy_is_this_one() -> None:
    published = json.loads((ROOT / "docs" / "access.schema.json").read_text(encoding="utf-8"))
    assert published == SCHEMA, "provision schema > docs/access.schema.json"


@pytest.mark.parametrize("file", sorted((ROOT / "access").rglob("*.yaml")), ids=lambda file: file.name)
def test_the_sample_fits_and_points_to_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert mistakes(text) == []
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (file.parent / first.partition("=")[2]).resolve() == ROOT / "docs" / "access.schema.json"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("peple: {}", "$"),
        ("people: {Ada: {}}", "$.people"),
        ("people: {ada: {rolez: []}}", "$.people.ada"),
        ("people: {ada: {until: 5}}", "$.people.ada.until"),
        ("people: {ada: {email: }}", "$.people.ada.email"),
        ("roles: {dev: {grants: {aws: {grops: [x]}}}}", "$.roles.dev.grants.aws"),
        ("targets: {aws: {provider: aws-imm}}", "$.targets.aws"),
        ("targets: {aws: {provider: aws-iam, url: x}}", "$.targets.aws"),
        ("targets: {aws: {provider: aws-iam, retention: month}}", "$.targets.aws"),
        ("services: {bot: {}}", "$.services.bot"),
        ("{}", "$"),
    ],
)
def test_mistakes_are_seen_while_writing(text: str, place: str) -> None:
    assert place in mistakes(text)


@pytest.mark.parametrize(
    "text",
    [
        "people: {ada: {roles: [dev, {role: deployer, environments: [production], until: 2027-01-31T17:00:00Z}]}}",
        "targets: {aws: {provider: aws-iam, retention: 7d, instances: {a: {account: '111111111111'}}}}",
        "roles: {dev: {grants: {aws: {where: {product: x}, groups: [g]}, corp: {groups: ['{environment}-x']}}}}",
        "records: {owner: 5f1c0a2b}",
    ],
)
def test_what_the_language_allows_is_allowed(text: str) -> None:
    assert mistakes(text) == []


def test_no_default_is_offered_that_could_not_be_written() -> None:
    def defaults(value: Any) -> list[Any]:
        if isinstance(value, list):
            return [d for v in value for d in defaults(v)]
        if not isinstance(value, dict):
            return []
        own = [value["default"]] if "default" in value else []
        return own + [d for v in value.values() for d in defaults(v)]

    assert all(not isinstance(d, dict) and d is not None and not str(d).startswith("P") for d in defaults(SCHEMA))
