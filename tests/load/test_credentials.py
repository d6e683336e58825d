"""Credentials of services in the files: what cannot be made, delivered, or gone on with is told before any call."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diagnostics import NOWHERE
from provisioner.model.slot import Names
from provisioner.model.slots import slots_of
from tests.load.real import load

FILES = """\
records: {owner: 5f1c0a2b}
people: {grace: {name: Grace}}
targets:
  aws: {provider: aws-iam, account: "111111111111"}
  many:
    provider: aws-iam
    instances: {one: {account: "222222222222"}}
  github: {provider: github, organization: acme, token: {env: T}}
  ci: {provider: circleci, organization: gh/acme, token: {env: T}}
  still: {provider: circleci, organization: gh/acme, token: {env: T}, mode: report}
  ldap: {provider: ldap, url: "ldaps://x", bind_dn: "cn=a,dc=x", password: {env: P},
    base: {people: "ou=p,dc=x", groups: "ou=g,dc=x"}}
stores:
  vault: {provider: openbao, url: "https://bao.example.com", path: secret/ci}
  local: {provider: file, folder: /srv/credentials}
"""


def told(folder: Path, credentials: str, more: str = "") -> list[str]:
    return sorted({d.code for d in load(folder, _bot(credentials, more)).diagnostics})


def _bot(credentials: str, more: str = "") -> str:
    return f"{FILES}{more}services:\n  bot: {{owners: [grace], credentials: {credentials}}}\n"


def to(*places: str, more: str = "") -> str:
    return f"{{aws: {{access-key: {{{more}deliver_to: [{', '.join(places)}]}}}}}}"


@pytest.mark.parametrize(
    ("credentials", "codes"),
    [
        (to("{to: vault}"), []),
        (
            to("{to: vault/bot}", "{to: github/repositories/site, as: KEY}", "{to: ci/contexts/release, as: KEY}"),
            ["keyless-would-do"],
        ),
        (to("{to: github/repositories/site/environments/prod, as: KEY}"), ["keyless-would-do"]),
        (to("{to: github/organization/all, as: KEY}"), []),
        (to("{to: ci/contexts/release, as: KEY}"), []),
        (to("{to: github/repositories/site}"), ["delivery-in-two-calls", "keyless-would-do"]),
        (
            to("{to: github/repositories/site, as: KEY}", "{to: ci/contexts/release, as: KEY}"),
            ["delivery-not-resumable", "keyless-would-do"],
        ),
        (to("{to: still/contexts/release, as: KEY}"), ["delivery-report-only"]),
        (to(), ["delivery-missing"]),
        (to("{to: vault}", more="rotate_after: 47h, "), ["overlap-too-long"]),
        (to("{to: vault}", more="rotate_after: 2d, "), []),
        (to("{to: vault}", more="rotate_after: 1w, overlap: 4d, "), ["overlap-too-long"]),
        (to("{to: vault}", more="overlap: 4d, "), []),
        (to("{to: nowhere/bot}"), ["unknown-store"]),
        (to("{to: ldap/bot}"), ["delivery-place"]),
        (to("{to: github/site}"), ["delivery-place"]),
        (to("{to: aws/bot}"), ["delivery-place"]),
        (to("{to: vault/../up}"), ["delivery-place"]),
        (to("{to: vault/bot, as: {user: A}}"), ["delivery-names"]),
        (to("{to: vault/bot, as: {login: A, secret: B}}"), ["delivery-names"]),
        (to("{to: vault/bot, as: provision}"), ["delivery-place"]),
        (to("{to: local/bot, as: {user: ID, secret: provision}}"), ["delivery-place"]),
        (to("{to: github/repositories/site, as: {user: Key, secret: KEY}}"), ["delivery-place"]),
        (to("{to: vault/bot}", "{to: vault/bot, as: KEY}"), ["delivered-twice"]),
        (to("{to: vault/bot, as: {user: A, secret: A}}"), ["delivered-twice"]),
        ("{many: {access-key: {deliver_to: [{to: vault}]}}}", ["credential-target"]),
        (to("{to: many/secrets/bot}"), ["delivery-place"]),
        (to("{to: many/two/secrets/bot}"), ["delivery-place"]),
        (to("{to: many}", "{to: vault/bot}"), ["delivery-place"]),
        (to("{to: many/one/secrets/bot}"), []),
        ("{many/one: {access-key: {deliver_to: [{to: vault}]}}}", []),
        ("{aws: {password: {deliver_to: [{to: vault}]}}}", ["unknown-credential"]),
        ("{ldap: {access-key: {deliver_to: [{to: vault}]}}}", ["unknown-credential"]),
    ],
)
def test_each_mistake_has_its_code(tmp_path: Path, credentials: str, codes: list[str]) -> None:
    assert told(tmp_path, credentials) == codes


def test_two_services_do_not_write_one_place(tmp_path: Path) -> None:
    (tmp_path / "access").mkdir()
    second = f"services:\n  other: {{owners: [grace], credentials: {to('{to: vault/bot}')}}}\n"
    (tmp_path / "access" / "other.yaml").write_text(second)
    assert told(tmp_path, to("{to: vault/bot}")) == ["delivered-twice"]


@pytest.mark.parametrize(
    ("mine", "theirs", "twice"),
    [
        ("{to: github/repositories/site, as: KEY}", "{to: github/repositories/Site, as: key}", True),
        ("{to: ci/contexts/release, as: KEY}", "{to: ci/contexts/release, as: key}", False),
        ("{to: vault/bot}", "{to: vault/Bot}", False),
    ],
)
def test_to_github_two_names_that_differ_in_capitals_alone_are_one(
    tmp_path: Path, mine: str, theirs: str, twice: bool
) -> None:
    (tmp_path / "access").mkdir()
    second = f"services:\n  other: {{owners: [grace], credentials: {to(theirs)}}}\n"
    (tmp_path / "access" / "other.yaml").write_text(second)
    assert ("delivered-twice" in told(tmp_path, to(mine))) is twice


@pytest.mark.parametrize(
    ("store", "code"),
    [("{provider: opnbao}", "unknown-provider"), ("{provider: openbao, url: nowhere, path: a}", "bad-value")],
)
def test_a_stores_settings_are_checked(tmp_path: Path, store: str, code: str) -> None:
    found = told(tmp_path, to("{to: vault}"), f"  second: {store}\n")
    assert code in found


def test_a_slot_is_what_the_files_say(tmp_path: Path) -> None:
    places = "[{to: vault}, {to: aws/secrets/a, as: K}]"
    loaded = load(tmp_path, _bot(f"{{aws: {{access-key: {{rotate_after: 30d, deliver_to: {places}}}}}}}"))
    usual = Names(user="ID", secret="KEY")
    (slot,) = slots_of(loaded.declared, {"aws-iam": {"access-key": usual}})
    assert str(slot.address) == "aws:credential/access-key/service:bot"
    assert slot.rotate_after is not None and slot.rotate_after.days == 30 and slot.overlap.days == 1
    first, second = slot.deliveries
    assert (first.store, first.place, first.names) == ("vault", "bot", usual)
    assert (second.store, second.place, second.names) == ("aws", "secrets/a", Names(whole="K"))


@pytest.mark.parametrize(
    ("place", "environment"),
    [("site/environments/Pre Prod", "Pre Prod"), ("site/environments/no", "no"), ("site", None)],
)
def test_a_key_for_a_job_that_needs_none_is_told_with_the_block_to_write(
    tmp_path: Path, place: str, environment: str | None
) -> None:
    """The block stands in the files as it is told, and is right."""
    key = to(f'{{to: "github/repositories/{place}", as: KEY}}')
    roles = "{role: deployer, environments: [production], until: 2027-01-31T17:00:00Z}"
    text = (
        f"{FILES}roles: {{deployer: {{environments: [production], grants: {{aws: {{policies: [ReadOnlyAccess]}}}}}}}}\n"
        "environments: {production: {}}\n"
        f"services:\n  bot: {{owners: [grace, 'role:deployer'], roles: [{roles}], credentials: {key}}}\n"
    )
    grouped = text.replace("policies: [ReadOnlyAccess]", "groups: [Deployers]")
    assert (
        "policies first (a role cannot be in an IAM group (`Deployers`)); then write"
        in load(tmp_path, grouped).diagnostics[0].fix
    )
    assert load(tmp_path, text.replace('"111111111111"', '"111111111111", accounts: existing')).diagnostics == ()
    (found,) = load(tmp_path, text).diagnostics
    assert (found.code, found.severity.value) == ("keyless-would-do", "note")
    block = found.fix.partition("`services:` ")[2].rpartition("; change")[0]
    again = load(tmp_path, f"{text}  {block}\n")
    assert [d.code for d in again.diagnostics] == ["keyless-would-do"]
    old, new = (again.declared.identities[name] for name in ("bot", "bot-keyless"))
    assert [held._replace(location=NOWHERE) for held in new.roles] == [
        held._replace(location=NOWHERE) for held in old.roles
    ]
    claims = {"repository": "acme/site", "environment": environment or "ENVIRONMENT"}
    assert new.owners == old.owners
    assert new.trust_on("aws") == ("aws", {"github": claims})
