"""Services without keys in the files: whom a role is to trust, and what it cannot hold, is told before any call."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.load import Loaded
from tests.load import real

FILES = """\
records: {owner: 5f1c0a2b}
people: {grace: {name: Grace}}
targets:
  aws: {provider: aws-iam, account: "111111111111"}
  many:
    provider: aws-iam
    instances:
      one: {account: "222222222222", labels: {kind: a}}
      two: {account: "333333333333", accounts: existing}
  ldap: {provider: ldap, url: "ldaps://x", bind_dn: "cn=a,dc=x", password: {env: P},
    base: {people: "ou=p,dc=x", groups: "ou=g,dc=x"}}
stores:
  vault: {provider: openbao, url: "https://bao.example.com", path: secret/ci}
roles:
  reader: {grants: {aws: {policies: [ReadOnlyAccess]}, many: {where: {kind: a}, policies: [ReadOnlyAccess]}}}
  member: {includes: [grouped]}
  grouped: {grants: {aws: {policies: [ReadOnlyAccess], groups: [Developers]}}}
"""
GITHUB = "{github: {repository: acme/site, environment: production}}"


def load(folder: Path, service: str) -> Loaded:
    return real.load(folder, f"{FILES}services:\n  bot: {{owners: [grace], {service}}}\n")


def keyless(trust: str = GITHUB, target: str = "aws", role: str = "role: Deploy, ", held: str = "reader") -> str:
    return f"roles: [{held}], identity: {{{target}: {{{role}trust: {trust}}}}}"


def claims(repository: str = "acme/site", environment: str = "production") -> str:
    return keyless(f'{{github: {{repository: "{repository}", environment: "{environment}"}}}}')


@pytest.mark.parametrize(
    ("service", "codes"),
    [
        (keyless(), []),
        (keyless(role=""), []),
        (keyless(target="many/one"), []),
        (claims("acme@12/site@34"), []),
        (claims(environment="Pre Prod: eu"), []),
        ("roles: [reader], accounts: {aws: {id: AROA1}}, identity: {aws: {trust: " + GITHUB + "}}", []),
        (keyless("{}"), ["keyless-trust"]),
        (keyless("{github: {}}"), ["keyless-trust", "keyless-trust"]),
        (keyless("{github: {repository: acme/site}}"), ["keyless-trust"]),
        (keyless("{github: {repository: acme/site, environment: production, branch: main}}"), ["keyless-trust"]),
        (keyless("{circleci: {project: site}}"), ["keyless-trust"]),
        (claims("acme/*"), ["keyless-trust"]),
        (claims("site"), ["keyless-trust"]),
        (claims("acme@12/site"), ["keyless-trust"]),
        (claims("acme/site:environment:x"), ["keyless-trust"]),
        (claims(environment="prod*"), ["keyless-trust"]),
        (claims(environment=""), ["keyless-trust"]),
        (keyless(role='role: "a/b", '), ["aws-name"]),
        (keyless(target="ldap"), ["keyless-unsupported"]),
        (keyless(target="nowhere"), ["unknown-target"]),
        (keyless(target="many"), ["keyless-existing"]),
        (keyless(held="member"), ["keyless-grant"]),
        ("identity: {aws: {trust: " + GITHUB + "}}", ["keyless-without-grants"]),
        (keyless() + ", accounts: {aws: {login: x}}", ["keyless-login"]),
        (keyless() + ", credentials: {aws: {access-key: {deliver_to: [{to: vault}]}}}", ["keyless-and-key"]),
        ('roles: [reader], accounts: {aws: {login: "role/Admin"}}', ["bad-login"]),
    ],
)
def test_each_mistake_has_its_code(tmp_path: Path, service: str, codes: list[str]) -> None:
    assert [d.code for d in load(tmp_path, service).diagnostics] == codes


def test_two_services_do_not_share_a_role(tmp_path: Path) -> None:
    (tmp_path / "access").mkdir()
    (tmp_path / "access" / "b.yaml").write_text(f"services: {{second: {{owners: [grace], {keyless()}}}}}\n")
    assert {d.code for d in load(tmp_path, keyless()).diagnostics} == {"one-login"}


def test_the_role_is_the_services_account_under_its_own_id_where_no_name_is_said(tmp_path: Path) -> None:
    bot = load(tmp_path, keyless(role="", target="many/one")).declared.identities["bot"]
    assert (bot.login_on("many/one"), bot.login_on("aws")) == ("role/bot", "bot")
    assert bot.trust_on("many/one") == (
        "many/one",
        {"github": {"repository": "acme/site", "environment": "production"}},
    )
    assert bot.trust_on("aws") is None
