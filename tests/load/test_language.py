"""What access files mean, and where each value stands."""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from provisioner.diagnostics import Location
from provisioner.load.nodes import build
from provisioner.load.scalars import resolve
from provisioner.load.suggest import closest, did_you_mean
from provisioner.model.identity import IdentityKind, Suspension
from provisioner.model.target import AccountsPolicy, Mode
from tests.load.kinds import COMPANY
from tests.load.tiny import load, told


def test_the_whole_language_is_read() -> None:
    loaded = load(COMPANY, records=False)
    assert told(loaded) == []
    declared = loaded.declared
    ada = declared.identities["ada-byron"]
    assert (ada.kind, ada.name, ada.email, ada.was) == (
        IdentityKind.PERSON,
        "Ada Byron",
        "ada@example.com",
        ("ada-lovelace",),
    )
    assert ada.until == datetime(2027, 1, 31, 17, tzinfo=UTC)
    assert ada.suspended == Suspension(datetime(2026, 11, 30, 23, tzinfo=UTC), "leave")
    assert ada.account_on("corp")[:2] == ("ada-b", "1234567")
    assert ada.login_on("aws/prod") == "ada.b"
    assert ada.login_on("aws/test") == "ada-byron"
    plain, deployer = ada.roles
    assert plain[:2] == ("backend", None)
    assert deployer.environments == ("production",)
    assert deployer.reason == "CHG-1042"
    bot = declared.identities["deploy-bot"]
    assert (bot.kind, bot.owners) == (IdentityKind.SERVICE, ("grace", "role:leads"))
    assert bot.keyless is not None
    assert bot.credentials is not None
    assert bot.keyless.data["aws/prod"]["role"] == "Deploy"
    assert (bot.login_on("aws/prod"), bot.login_on("aws/test")) == ("role/Deploy", "deploy-bot")
    assert declared.environments["production"].max_duration == timedelta(days=7)
    backend = declared.roles["backend"]
    assert backend.grants[1].where == {"product": "payments"}
    assert backend.grants[1].block.data == {"groups": ["Developers"]}
    assert declared.records.owner == "5f1c0a9e"
    assert declared.stores.data["vault"]["provider"] == "openbao"
    assert declared.pipelines.data == {
        "site": {"branches": ["main"], "deploys": {"production": {"jobs": ["deploy-*"]}}}
    }


def test_guardrails_are_read() -> None:
    rules = load(COMPANY, records=False).declared.rules
    assert (rules.group.percent, rules.target.percent, rules.target.location) == (40, 10, None)
    aws = rules.administrators_of("aws/prod")
    assert aws is not None and (aws.minimum, aws.required) == (2, ("root-ops",))
    assert rules.administrators_of("corp") is None
    assert list(rules.break_glass) == ["root-ops"]
    one, other = rules.separate[0].sides
    assert (one["corp"].data, other["aws"].data) == ({"groups": ["a"]}, {"groups": ["b"]})
    said = rules.acknowledgements[0]
    assert (said.people, said.removals, said.count) == (("linus",), True, None)
    assert said.until == datetime(2026, 12, 15, 23, 59, 59, tzinfo=UTC)


def test_targets_and_instances_are_read() -> None:
    declared = load(COMPANY, records=False).declared
    assert set(declared.targets) == {"corp", "aws/prod", "aws/test"}
    corp = declared.targets["corp"]
    assert (corp.mode, corp.accounts, corp.retention) == (Mode.FULL, AccountsPolicy.EXISTING, timedelta(weeks=2))
    assert set(corp.settings.data) == {"url", "password", "base"}
    assert corp.objects.data == {"groups": {"production-readers": {"description": "who reads"}}}
    assert corp.object_environments == {("groups", "production-readers"): "production"}
    assert corp.ignore[0].until == datetime(2027, 1, 1, 23, 59, 59, tzinfo=UTC)
    prod, test = declared.targets["aws/prod"], declared.targets["aws/test"]
    assert (prod.family, prod.environment, prod.mode, test.mode) == ("aws", "production", Mode.REPORT, Mode.ADD)
    assert prod.settings.data == {"assume_role": {"plan": "a", "apply": "b"}, "account": "111111111111"}
    assert prod.objects.data == {"groups": {"Developers": {"policies": ["Read"]}, "Admins": {"policies": []}}}
    assert test.objects.data == {"groups": {"Developers": {"policies": ["Read"]}, "Admins": {}}}


@pytest.mark.parametrize(
    ("find", "line"),
    [
        (lambda d: d.identities["ada-byron"].location, "  ada-byron:"),
        (lambda d: d.identities["ada-byron"].roles[0].location, "      - backend"),
        (lambda d: d.identities["ada-byron"].roles[1].location, "      - role: deployer"),
        (lambda d: d.identities["ada-byron"].accounts["aws/prod"].location, "      aws/prod:"),
        (lambda d: d.identities["deploy-bot"].keyless.at("aws/prod", "trust"), "      aws/prod: {role: Deploy, trust"),
        (lambda d: d.identities["deploy-bot"].credentials.at("corp", "password"), "        password:"),
        (lambda d: d.roles["backend"].grants[0].block.at("groups", 1), "      corp: {groups"),
        (lambda d: d.roles["backend"].grants[1].location, "      aws: {where"),
        (lambda d: d.roles["backend"].grants[1].block.at("absent", 3), "      aws: {where"),
        (lambda d: d.environments["staging"].location, "  staging:"),
        (lambda d: d.targets["corp"].settings.at("url"), "    url:"),
        (lambda d: d.targets["corp"].ignore[0].location, "    ignore:"),
        (lambda d: d.targets["aws/prod"].location, "      prod:"),
        (lambda d: d.targets["aws/prod"].settings.at("assume_role", "plan"), "    assume_role:"),
        (lambda d: d.targets["aws/prod"].settings.at("account"), "        account:"),
        (lambda d: d.targets["aws/prod"].objects.at("groups", "Admins"), "        groups: {Admins"),
        (lambda d: d.targets["aws/prod"].objects.at("groups", "Developers"), "    groups: {Developers"),
        (lambda d: d.targets["aws/test"].objects.at("groups", "Admins"), "    groups: {Developers"),
        (lambda d: d.rules.break_glass["root-ops"], "  break_glass:"),
        (lambda d: d.rules.group.location, "  removals: {group: 40}"[:11]),
        (lambda d: d.rules.separate[0].sides[1]["aws"].at("groups", 0), "  separate:"),
        (lambda d: d.rules.acknowledgements[0].location, "  acknowledgements:"),
        (lambda d: d.stores.at("vault", "url"), "  vault:"),
    ],
)
def test_every_value_knows_its_line(find: object, line: str) -> None:
    loaded = load(COMPANY, records=False)
    place: Location = find(loaded.declared)  # type: ignore[operator]
    text = loaded.line(place)
    assert text is not None
    assert text.startswith(line), place


def test_a_block_points_at_keys_and_list_entries() -> None:
    declared = load(COMPANY, records=False).declared
    block = declared.roles["backend"].grants[0].block
    assert str(block.at("groups")).endswith(":37:14")
    assert str(block.at("groups", 1)).endswith(":37:35")
    assert str(block.at()).endswith(":37:7")


def test_messages_say_what_why_and_how_to_mend() -> None:
    roles = "roles:\n  db-writer: {}\n"
    (diagnostic,) = load("people:\n  bob:\n    roles:\n      - role: db-writter\n", roles).diagnostics
    assert str(diagnostic.location) == "access/1.yaml:4:15"
    assert diagnostic.length == len("db-writter")
    assert diagnostic.message == "no role named `db-writter`"
    assert diagnostic.why == "an assignment may only name a role declared under `roles:`"
    assert diagnostic.fix == "did you mean `db-writer` (access/2.yaml:2:3)?"


def test_circles_name_their_roles() -> None:
    (diagnostic,) = load("roles:\n  a: {includes: [b]}\n  b: {includes: [c]}\n  c: {includes: [a]}\n").diagnostics
    assert "a -> b -> c -> a" in diagnostic.message


def test_both_places_of_a_double_definition_are_named() -> None:
    (diagnostic,) = load("people: {ada: {}}\n", "services: {ada: {owners: [ada]}}\n").diagnostics
    assert str(diagnostic.location) == "access/2.yaml:1:12"
    assert "access/1.yaml:1:10" in diagnostic.message


def test_the_order_of_files_does_not_matter() -> None:
    texts = ["people: {ada: {roles: [x]}}\n", "roles: {r: {owners: [ada]}}\n", "people: {bob: {emial: x}}\n"]
    found = {frozenset((d.code, d.message) for d in load(*order).diagnostics) for order in (texts, texts[::-1])}
    assert len(found) == 1


def test_services_may_hold_standing_access() -> None:
    text = "people: {ada: {}}\nservices: {bot: {owners: [ada], roles: [{role: r, environments: [prod]}]}}\n"
    rules = "roles: {r: {environments: [prod]}}\nenvironments: {prod: {needs_reason: true, max_duration: 1h}}\n"
    assert told(load(text + rules)) == []


def test_free_text_may_hold_what_names_may_not() -> None:
    text = 'people:\n  ada: {name: "Ада Byron 👩‍🚀", suspended: {since: 2027-01-01T00:00:00Z, reason: "a\\nb"}}\n'
    loaded = load(text)
    assert told(loaded) == []
    assert loaded.declared.identities["ada"].name == "Ада Byron 👩‍🚀"


@pytest.mark.parametrize("name", ["Müller, Jörg", " a + b ", '"x" *(y)\\ #z', "管理者", "группа", "dev ops", "🚀"])
def test_names_of_systems_survive_literally(name: str) -> None:
    quoted = "'" + name.replace("'", "''") + "'"
    text = f"roles: {{r: {{grants: {{t: {{groups: [{quoted}]}}}}}}}}\ntargets: {{t: {{provider: directory, url: ldap://x}}}}\n"
    loaded = load(text)
    assert told(loaded) == []
    assert loaded.declared.roles["r"].grants[0].block.data == {"groups": [name]}


def test_the_collector_is_as_it_was() -> None:
    assert gc.isenabled()
    load(COMPANY)
    assert gc.isenabled()
    gc.disable()
    try:
        load(COMPANY)
        assert not gc.isenabled()
    finally:
        gc.enable()


WORDS = st.text("0123456789abcdefxo+-._:eEtnyNY~=T Z", min_size=1, max_size=12).map(str.strip).filter(bool)


@given(WORDS)
def test_what_yaml_1_1_reads_otherwise_is_never_taken_for_text_silently(word: str) -> None:
    """CSafeLoader is a YAML 1.1 reader: where it sees no text, we do not either."""
    try:
        value = yaml.load(word, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError):
        return
    ours = resolve(word)
    if not isinstance(value, str) and not isinstance(value, dict | list):
        assert not isinstance(ours, str), (word, value)
    if isinstance(ours, int | float) or ours is None:
        assert value == ours, word


@given(
    st.recursive(
        st.integers(-9, 9) | st.booleans() | st.text(max_size=6).map(lambda t: f"t{t}"), st.lists, max_leaves=8
    )
)
def test_plain_data_is_read_as_any_reader_reads_it(value: object) -> None:
    text = yaml.safe_dump({"key": value}, allow_unicode=True)
    tree = build("x", text)
    if not tree.problems:
        assert tree.root == yaml.safe_load(text)


def test_near_names_are_suggested_nearest_first() -> None:
    names = ["db-writer", "db-reader", "deployer", "everyone"]
    assert closest("db-writter", names)[0] == "db-writer"
    assert closest("DB_Writer", names)[0] == "db-writer"
    assert closest("zzz", names) == []
    assert did_you_mean("deploy", names) == "did you mean `deployer`?"
    assert did_you_mean("zzz", names) == ""


def test_near_names_are_found_among_thousands() -> None:
    names = [f"person-{n:05d}" for n in range(20_000)] + ["grace-hopper"]
    assert closest("grace-hoper", names) == ["grace-hopper"]
    assert len(closest("person-0012", names)) == 3


def test_a_target_that_is_wrong_itself_is_not_told_as_unknown() -> None:
    text = "targets: {t: {provider: cloud, instances: 3}}\npeople: {ada: {accounts: {t/x: {login: a}}}}\n"
    assert told(load(text)) == ["1.yaml:1:43 wrong-type"]


def test_a_pipeline_names_environments_and_targets_that_exist() -> None:
    loaded = load("""\
environments: {production: {protected: true}}
pipelines:
  site:
    circleci: ci
    deploys: {prodution: {jobs: [deploy]}, production: {job: [x]}}
""")
    places = ["1.yaml:4:15 unknown-target", "1.yaml:5:15 unknown-environment", "1.yaml:5:57 unknown-key"]
    assert told(loaded) == places
