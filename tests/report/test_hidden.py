"""A secret that stands in a file by mistake is pointed at, and not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.cli.main import main
from provisioner.report.hidden import hidden


@pytest.mark.parametrize(
    "line",
    [
        'password: "hunter2"',
        "    password: hunter2",
        "password: 'hunter2'",
        "{bind_dn: x, password: hunter2, base: y}",
        "password: {env: LDAP_PASSWORD, value: hunter2}",
        'api_token: "hunter2" # until Monday',
        "url: ldap://admin:hunter2@ldap.example.com",
        'client-secret: "hun\\"ter2 hunter2"',
    ],
)
def test_what_stands_behind_a_secret_key_is_stars(line: str) -> None:
    shown = hidden(line)
    assert "hunter2" not in shown and "*****" in shown and len(shown) == len(line)


@pytest.mark.parametrize(
    "line",
    [
        "password: {env: LDAP_PASSWORD}",
        "password:",
        "people: {ada: {name: Ada}}",
        "url: ldaps://ldap.example.com:636",
        "deliver_to: [{to: vault, as: {user: DB_USER, secret: DB_PASSWORD}}]"[:40],
    ],
)
def test_everything_else_is_shown_as_it_is(line: str) -> None:
    assert hidden(line) == line


def test_validate_points_at_a_password_in_a_file_and_does_not_tell_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "access").mkdir()
    (tmp_path / "access" / "targets.yaml").write_text(
        "records: {owner: 5f1c0a2b}\n"
        "targets:\n"
        "  corp:\n"
        "    provider: ldap\n"
        "    url: ldaps://ldap.example.com\n"
        "    bind_dn: cn=x\n"
        "    password: hunter2\n"
        '    base: {people: "ou=people,dc=example", groups: "ou=groups,dc=example"}\n'
    )
    for form in ("text", "json"):
        assert main(["validate", "--format", form]) == 1
    said = "".join(capsys.readouterr())
    assert "hunter2" not in said
    assert "targets.yaml:7:15" in said and "must come from the environment" in said
