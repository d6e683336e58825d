"""What `validate` says of sources of people, and of lines that carry the name of one."""

from __future__ import annotations

from provisioner.load import load_files
from provisioner.model.source import AccountAttributes, Attributes, Source
from provisioner.providers import catalog

TARGETS = """\
records: {owner: 5f1c0a2b}
roles:
  developer: {grants: {corp-ldap: {groups: [git-users]}}}
  everyone: {includes: [developer], environments: [staging]}
environments: {staging: {}, production: {}}
targets:
  corp-ldap:
    provider: ldap
    url: ldaps://ldap.example.com
    bind_dn: cn=x
    password: {env: LDAP_PASSWORD}
    base: {people: "ou=people,dc=example,dc=test", groups: "ou=groups,dc=example,dc=test"}
  aws: {provider: aws-iam, instances: {one: {account: "111111111111"}, two: {account: "222222222222"}}}
"""


def problems(source: str, people: str = "") -> list[str]:
    files = {"a.yaml": TARGETS.encode(), "s.yaml": f"sources:\n  corp: {source}\n".encode()}
    if people:
        files["p.yaml"] = f"people: {people}\n".encode()
    loaded = load_files(files, catalog.all_providers())
    return [f"{d.code}: {d.message}" for d in loaded.diagnostics]


def one(source: str) -> Source:
    files = {"a.yaml": TARGETS.encode(), "s.yaml": f"sources:\n  corp: {source}\n".encode()}
    loaded = load_files(files, catalog.all_providers())
    assert loaded.ok
    return loaded.declared.sources["corp"]


def test_a_source_is_read_with_its_defaults() -> None:
    source = one("{target: corp-ldap, groups: {engineering: {roles: [developer]}}}")
    assert (source.percent, source.few, source.system) == (10, 4, None)
    assert source.attributes == Attributes("cn", "mail", {})
    assert [g.role for g in source.groups["engineering"].roles] == ["developer"]
    source = one(
        "{target: corp-ldap, shrink: {percent: 5, people: 0}, system: x, attributes: {accounts: {aws: {login: uid}}},"
        " groups: {g: {id: 17, roles: [{role: everyone, environments: [staging]}]}}}"
    )
    assert (source.percent, source.few, source.system) == (5, 0, "x")
    assert source.attributes == Attributes(None, None, {"aws": AccountAttributes("uid")})
    assert (source.groups["g"].id, source.groups["g"].roles[0].environments) == ("17", ("staging",))


def test_what_a_source_names_must_be_there() -> None:
    told = problems(
        "{target: corp-lda, owners: [nobody], attributes: {accounts: {gitlab: {login: uid}}},"
        " groups: {g: {roles: [developr, {role: everyone, environments: [production, nowhere]}]}}}"
    )
    assert told == [
        "unknown-target: no target named `corp-lda`",
        "unknown-owner: no person named `nobody`",
        "unknown-target: no target named `gitlab`",
        "unknown-role: no role named `developr`",
        "environment-not-of-role: `everyone` is not held in `production`",
        "environment-not-of-role: `everyone` is not held in `nowhere`",
    ]


def test_people_come_from_one_directory_and_from_within_its_base() -> None:
    rest = "groups: {g: {roles: [developer]}}}"
    assert problems("{target: aws, " + rest) == ["bad-source: `aws` has instances, and people come from one directory"]
    assert problems("{target: aws/one, " + rest) == [
        "bad-source: people cannot be read from `aws/one` so: "
        "a target of provider `aws-iam` cannot be a source of people"
    ]
    told = problems('{target: corp-ldap, base: "ou=staff,dc=example,dc=test", ' + rest)
    assert [t.split(":")[0] for t in told] == ["bad-source"]
    assert problems('{target: corp-ldap, base: "OU=Berlin,ou=people,dc=example,dc=test", ' + rest) == []


def test_a_group_whose_role_gives_that_very_group_is_a_circle() -> None:
    told = problems("{target: corp-ldap, groups: {Git-Users: {roles: [everyone]}}}")
    assert told == ["source-circle: `everyone` gives the group `Git-Users` that it is given for"]


def test_filters_and_attributes_look_like_what_they_are() -> None:
    told = problems(
        '{target: corp-ldap, filter: "uid=*", attributes: {name: "cn)(x"}, groups: {g: {roles: [developer]}}}'
    )
    assert sorted(t.split(":")[0] for t in told) == ["bad-attribute", "bad-filter"]


def test_lines_of_a_source_belong_to_people_of_it() -> None:
    source = "{target: corp-ldap, groups: {g: {roles: [developer]}}}"
    line = "{role: developer, source: corp}"
    assert problems(source, f"{{ada: {{sources: [corp], roles: [{line}, developer]}}}}") == []
    assert problems(source, f"{{ada: {{roles: [{line}]}}}}") == [
        "not-of-source: `ada` holds `developer` by `corp`, and is not known from there"
    ]
    assert problems(source, "{ada: {sources: [crop]}}") == ["unknown-source: no source named `crop`"]
