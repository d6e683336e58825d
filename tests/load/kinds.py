"""The kinds of broken input: a small file for each, with the places and codes that are told. One row a kind."""
# ruff: noqa: E501

COMPANY = """\
people:
  ada-byron:                            # a comment
    name: Ada Byron
    email: ada@example.com
    was: [ada-lovelace]
    until: 2027-01-31T17:00:00Z
    suspended: {since: 2026-12-01T00:00:00+01:00, reason: leave}
    accounts:
      corp: {login: ada-b, id: 1234567}
      aws/prod: {login: ada.b}
    roles:
      - backend
      - role: deployer
        environments: [production]
        from: 2026-11-30T08:00:00Z
        until: 2026-12-01T18:00:00Z
        reason: CHG-1042
  grace: {}
  root-ops: {}
services:
  deploy-bot:
    owners: [grace, "role:leads"]
    roles: [{role: deployer, environments: [production]}]
    identity:
      aws/prod: {role: Deploy, trust: {github: {repository: acme/site, environment: production}}}
    credentials:
      corp:
        password: {rotate_after: 30d, overlap: 2d, deliver_to: [{to: vault/x, as: {user: DB, secret: PW}}]}
roles:
  everyone: {}
  leads: {environments: [production]}
  backend:
    owners: [grace]
    includes: [everyone]
    environments: [development, staging]
    grants:
      corp: {groups: [developers, "{environment}-readers"]}
      aws: {where: {product: payments}, groups: [Developers]}
  deployer: {environments: [production], grants: {aws: {policies: [Deploy]}}}
environments:
  development: {}
  staging: {}
  production: {protected: true, max_duration: 7d, needs_reason: true, standing: [leads], owners: ["role:leads"]}
targets:
  corp:
    provider: directory
    mode: full
    accounts: existing
    retention: 2w
    url: ldaps://ldap.example.com
    password: {env: LDAP_PASSWORD}
    base: {people: "ou=people", groups: "ou=groups"}
    groups: {production-readers: {environment: production, description: who reads}}
    ignore: [{address: "corp:account/guest", owner: grace, reason: kiosk, until: 2027-01-01}]
  aws:
    provider: cloud
    mode: report
    assume_role: {plan: a, apply: b}
    groups: {Developers: {policies: [Read]}, Admins: {}}
    instances:
      prod:
        account: "111111111111"
        environment: production
        labels: {product: payments}
        groups: {Admins: {policies: []}}
      test: {account: "222222222222", mode: add, environment: staging, labels: {product: payments}}
stores:
  vault: {provider: openbao, url: "https://bao.example.com", path: secret/ci}
pipelines:
  site: {branches: [main], deploys: {production: {jobs: ["deploy-*"]}}}
guardrails:
  removals: {group: 40}
  administrators: {aws: {minimum: 2, required: [root-ops]}}
  break_glass: [root-ops]
  separate: [{name: push-or-release, not_both: [{corp: {groups: [a]}}, {aws: {groups: [b]}}]}]
  acknowledgements: [{people: [linus], removals: true, reason: "team closed", until: 2026-12-15}]
records: {owner: 5f1c0a9e, journal: "s3://acme-access/journal"}
"""
"""All of the language in one sound file."""

BASE = """\
people:
  ada: {name: Ada Byron, email: ada@example.com}
  grace: {name: Grace Hopper, roles: [developer]}
roles:
  developer:
    owners: [grace]
    environments: [staging, production]
    grants: {corp: {groups: [developers]}}
  deployer:
    environments: [production]
  everyone: {}
environments:
  staging: {}
  production: {protected: true, max_duration: 7d, needs_reason: true, standing: [everyone]}
targets:
  corp:
    provider: directory
    url: ldaps://ldap.example.com
    groups: {production-readers: {environment: production}}
  aws:
    provider: cloud
    instances:
      prod: {account: "111111111111", environment: production, labels: {product: payments}}
      test: {account: "222222222222", environment: staging, labels: {product: payments}}
"""

# Each text is access/1.yaml; BASE is access/2.yaml. One line for each problem: place and code.
KINDS: dict[str, tuple[str | bytes, list[str]]] = {
    # B1: files that hold nothing
    "empty": ("", ["1.yaml:1:1 empty-file"]),
    "only-comments": ("# nothing\n\n", ["1.yaml:1:1 empty-file"]),
    "only-a-dash-line": ("---\n", ["1.yaml:1:1 empty-file"]),
    "only-null": ("~\n", ["1.yaml:1:1 empty-file"]),
    "a-list": ("- people\n", ["1.yaml:1:1 wrong-type"]),
    # B2: null where something belongs
    "null-section": ("people:\n", ["1.yaml:1:8 null-value"]),
    "null-list": ("people:\n  bob:\n    roles:\n    name: Bob\n", ["1.yaml:3:11 null-value"]),
    "null-entry": ("people:\n  bob:\n", ["1.yaml:2:7 null-value"]),
    "null-in-list": ("people:\n  bob: {was: [~]}\n", ["1.yaml:2:15 null-value"]),
    "null-required": ("services:\n  bot:\n    owners:\n", ["1.yaml:3:12 null-value"]),
    # B4: encodings
    "not-utf8": (b"people:\n  bob: {name: B\xf6b}\n", ["1.yaml:2:16 not-utf8"]),
    "utf16": ("people: {}\n".encode("utf-16"), ["1.yaml:1:1 not-utf8"]),
    "utf16-without-mark": ("people: {}\n".encode("utf-16-le"), ["1.yaml:1:1 not-utf8"]),
    "nul": (b"people: {}\n# \0\n", ["1.yaml:2:3 control-character"]),
    "byte-order-mark": (b"\xef\xbb\xbfpeople: {}\n", ["1.yaml:1:1 byte-order-mark"]),
    "byte-order-mark-keeps-columns": (b"\xef\xbb\xbfpeeple: {}\n", ["1.yaml:1:1 byte-order-mark", "1.yaml:1:1 unknown-key"]),
    # B5: YAML itself
    "tab": ("people:\n\tbob: {}\n", ["1.yaml:2:1 tab-indent"]),
    "tab-before-colon": ("people:\n  bob\t: {}\n", ["1.yaml:2:6 tab-indent"]),
    "tab-behind-colon": ("people:\n  bob:\t{}\n", ["1.yaml:2:7 tab-indent"]),
    "tab-behind-value": ("people:\n  bob: {} # a\tb\n  zoe: {}\t# a\tb\n", ["1.yaml:3:10 tab-indent"]),
    "indent": ("people:\n  bob: {}\n zoe: {}\n", ["1.yaml:3:2 yaml-syntax"]),
    "quote": ('people:\n  bob: {name: "Bob}\n', ["1.yaml:2:15 yaml-syntax"]),
    "bracket": ("people:\n  bob: {roles: [developer}\n", ["1.yaml:2:16 yaml-syntax"]),
    "open-list": ("people:\n  bob:\n    roles: [developer\n", ["1.yaml:3:12 yaml-syntax"]),
    "open-map": ("people:\n  bob: {roles: [a], name: b\n", ["1.yaml:2:8 yaml-syntax"]),
    "colon": ("people:\n  bob: {}\n  zoe: a: b\n", ["1.yaml:3:9 yaml-syntax"]),
    "at-sign": ("people:\n  bob: {name: @bob}\n", ["1.yaml:2:15 yaml-syntax"]),
    "no-colon": ("people:\n  bob\n  zoe: {}\n", ["1.yaml:3:6 yaml-syntax"]),
    # B6, B7: the same key twice
    "duplicate-key": ("people:\n  bob: {}\n  zoe: {}\n  bob: {}\n", ["1.yaml:4:3 duplicate-key"]),
    "duplicate-key-quoted": ("people:\n  bob: {}\n  'bob': {}\n", ["1.yaml:3:3 duplicate-key"]),
    "duplicate-field": ("people:\n  bob: {name: A, name: B}\n", ["1.yaml:2:18 duplicate-key"]),
    "duplicate-composed": (
        "environments:\n  staging2: {}\nroles:\n  r:\n    grants:\n      corp: {groups: []}\n      caf\u00e9: {}\n      cafe\u0301: {}\n",
        ["1.yaml:7:7 unknown-target", "1.yaml:8:7 duplicate-key", "1.yaml:8:7 not-normalised", "1.yaml:8:7 unknown-target"],
    ),
    "upper-case-id": ("people:\n  Bob: {}\n", ["1.yaml:2:3 bad-id"]),
    "id-too-long": (f"people:\n  {'b' * 64}: {{}}\n", ["1.yaml:2:3 bad-id"]),
    "id-with-dash-first": ("people:\n  -bob: {}\n", ["1.yaml:2:3 bad-id"]),
    # B8
    "role-listed-twice": ("people:\n  bob: {roles: [everyone, everyone]}\n", ["1.yaml:2:27 listed-twice"]),
    "owner-listed-twice": ("roles:\n  r: {owners: [ada, ada]}\n", ["1.yaml:2:21 listed-twice"]),
    "group-listed-twice": (
        "roles:\n  r:\n    grants: {corp: {groups: [a, b, a]}}\n",
        ["1.yaml:3:36 listed-twice"],
    ),
    # B10
    "unknown-section": ("peopel: {}\n", ["1.yaml:1:1 unknown-key"]),
    "unknown-key": ("people:\n  bob: {emial: b@example.com}\n", ["1.yaml:2:9 unknown-key"]),
    "unknown-key-of-assignment": ("people:\n  bob: {roles: [{role: everyone, untill: x}]}\n", ["1.yaml:2:34 unknown-key"]),
    "unknown-key-of-target": (
        "targets:\n  t: {provider: directory, url: ldap://x, bindn: x}\n",
        ["1.yaml:2:43 unknown-key"],
    ),
    "unknown-key-of-instance": (
        "targets:\n  t:\n    provider: cloud\n    instances:\n      a: {account: '111111111111', regoin: x}\n",
        ["1.yaml:5:36 unknown-key"],
    ),
    "unknown-key-of-grant": ("roles:\n  r: {grants: {corp: {gruops: [x]}}}\n", ["1.yaml:2:16 missing-key", "1.yaml:2:23 unknown-key"]),
    "missing-key": ("services:\n  bot: {name: Bot}\n", ["1.yaml:2:3 missing-key"]),
    "null-instances": ("targets:\n  t: {provider: cloud, instances: }\n", ["1.yaml:2:35 null-value"]),
    "missing-provider": ("targets:\n  t: {url: ldap://x}\n", ["1.yaml:2:3 missing-key"]),
    "missing-setting": ("targets:\n  t: {provider: directory}\n", ["1.yaml:2:3 missing-key"]),
    "missing-setting-of-instance": (
        "targets:\n  t: {provider: cloud, instances: {a: {}, b: {account: '111111111111'}}}\n",
        ["1.yaml:2:36 missing-key"],
    ),
    # B11
    "text-for-list": ("people:\n  bob: {roles: everyone}\n", ["1.yaml:2:16 wrong-type"]),
    "text-for-mapping": ("people:\n  bob: everyone\n", ["1.yaml:2:8 wrong-type"]),
    "list-for-mapping": ("people: [bob]\n", ["1.yaml:1:9 wrong-type"]),
    "mapping-for-text": ("people:\n  bob: {name: {first: Bob}}\n", ["1.yaml:2:15 wrong-type"]),
    "list-in-list": ("people:\n  bob: {roles: [[everyone]]}\n", ["1.yaml:2:17 wrong-type"]),
    "text-for-number": ("guardrails: {removals: {group: many}}\n", ["1.yaml:1:32 wrong-type"]),
    "number-too-big": ("guardrails: {removals: {group: 101}}\n", ["1.yaml:1:32 bad-value"]),
    "unknown-mode": ("targets:\n  t: {provider: directory, url: ldap://x, mode: ful}\n", ["1.yaml:2:49 bad-choice"]),
    "env-not-allowed": (
        "targets:\n  t: {provider: directory, url: {env: URL}}\n",
        ["1.yaml:2:33 env-not-allowed"],
    ),
    # B12
    "number-as-name": ("people:\n  bob: {accounts: {corp: {login: 249043822}}}\n", ["1.yaml:2:34 unquoted-value"]),
    "octal-as-name": ("people:\n  bob: {accounts: {corp: {login: 012}}}\n", ["1.yaml:2:34 unquoted-value"]),
    "exponent-as-name": ("people:\n  bob: {accounts: {corp: {login: 1e3}}}\n", ["1.yaml:2:34 unquoted-value"]),
    "no-as-name": ("people:\n  bob: {accounts: {corp: {login: no}}}\n", ["1.yaml:2:34 unquoted-value"]),
    "true-as-name": ("people:\n  bob: {accounts: {corp: {login: true}}}\n", ["1.yaml:2:34 unquoted-value"]),
    "date-as-name": ("people:\n  bob: {accounts: {corp: {login: 2027-01-31}}}\n", ["1.yaml:2:34 unquoted-value"]),
    "null-as-name": ("people:\n  bob: {accounts: {corp: {login: null}}}\n", ["1.yaml:2:34 null-value"]),
    "infinity-as-name": ("people:\n  bob: {accounts: {corp: {login: .inf}}}\n", ["1.yaml:2:34 unquoted-value"]),
    "nan-as-number": ("guardrails: {removals: {group: .nan}}\n", ["1.yaml:1:32 unquoted-value"]),
    "sixties-as-name": ("people:\n  bob: {accounts: {corp: {login: 12:30:45}}}\n", ["1.yaml:2:34 unquoted-value"]),
    "no-as-id": ("people:\n  no: {}\n", ["1.yaml:2:3 unquoted-value"]),
    "on-as-key": ("environments:\n  on: {}\n", ["1.yaml:2:3 unquoted-value"]),
    "number-as-id": ("people:\n  249043822: {}\n", ["1.yaml:2:3 unquoted-value"]),
    "yes-for-true": ("environments:\n  e: {protected: yes}\n", ["1.yaml:2:18 unquoted-value"]),
    "account-with-leading-zero": (
        "targets:\n  t: {provider: cloud, account: 012345678901}\n",
        ["1.yaml:2:33 unquoted-value"],
    ),
    # B13 to B16
    "tag": ("people: !!python/object:os.system {}\n", ["1.yaml:1:9 tag"]),
    "custom-tag": ("people:\n  bob: {name: !include x}\n", ["1.yaml:2:15 tag"]),
    "harmless-tag": ("people:\n  bob: {name: !!str 12}\n", ["1.yaml:2:15 tag"]),
    "unknown-alias": ("people:\n  bob: {roles: *all}\n", ["1.yaml:2:16 unknown-alias"]),
    "recursive-alias": ("people:\n  bob: &b {roles: [*b]}\n", ["1.yaml:2:20 recursive-alias"]),
    "merge-key": ("people:\n  bob: &b {name: Bob}\n  zoe: {<<: *b}\n", ["1.yaml:3:9 merge-key"]),
    "second-document": ("people: {}\n---\nroles: {}\n", ["1.yaml:2:1 second-document"]),
    "complex-key": ("people:\n  ? [bob]\n  : {}\n", ["1.yaml:2:5 complex-key"]),
    # B18
    "unknown-role": ("people:\n  bob:\n    roles:\n      - role: devloper\n", ["1.yaml:4:15 unknown-role"]),
    "unknown-environment": (
        "people:\n  bob: {roles: [{role: developer, environments: [stagin], reason: x}]}\n",
        ["1.yaml:2:50 unknown-environment"],
    ),
    "unknown-target": ("people:\n  bob: {accounts: {crop: {login: b}}}\n", ["1.yaml:2:20 unknown-target"]),
    "unknown-instance": ("people:\n  bob: {accounts: {aws/prd: {login: b}}}\n", ["1.yaml:2:20 unknown-target"]),
    "unknown-target-of-grant": ("roles:\n  r: {grants: {crop: {groups: [x]}}}\n", ["1.yaml:2:16 unknown-target"]),
    "grant-on-instance": ("roles:\n  r: {grants: {aws/prod: {groups: [x]}}}\n", ["1.yaml:2:16 unknown-target"]),
    "unknown-owner": ("roles:\n  r: {owners: [garce]}\n", ["1.yaml:2:16 unknown-owner"]),
    "unknown-owner-role": ("roles:\n  r: {owners: ['role:leeds']}\n", ["1.yaml:2:16 unknown-role"]),
    "service-as-owner": (
        "services:\n  bot: {owners: [ada]}\nroles:\n  r: {owners: [bot]}\n",
        ["1.yaml:4:16 unknown-owner"],
    ),
    "unknown-include": ("roles:\n  r: {includes: [developr]}\n", ["1.yaml:2:18 unknown-role"]),
    "unknown-standing": ("environments:\n  e: {standing: [leads]}\n", ["1.yaml:2:18 unknown-role"]),
    "unknown-label": ("targets:\n  t: {provider: directory, url: ldap://x, environment: prod}\n", ["1.yaml:2:56 unknown-environment"]),
    "unknown-label-of-group": (
        "targets:\n  t: {provider: directory, url: ldap://x, groups: {g: {environment: prod}}}\n",
        ["1.yaml:2:69 unknown-environment"],
    ),
    "unknown-break-glass": ("guardrails: {break_glass: [root-ops]}\n", ["1.yaml:1:28 unknown-person"]),
    "unknown-store": (
        "services:\n  bot:\n    owners: [ada]\n    credentials: {corp: {password: {deliver_to: [{to: vualt/x, as: KEY}]}}}\n",
        ["1.yaml:4:55 unknown-store"],
    ),
    "unknown-provider": ("targets:\n  t: {provider: directry}\n", ["1.yaml:2:17 unknown-provider"]),
    "provider-not-available": ("targets:\n  t: {provider: github}\n", ["1.yaml:2:17 provider-not-available"]),
    # B19
    "defined-twice": ("people:\n  ada: {}\n", ["2.yaml:2:3 duplicate-definition"]),
    "person-and-service": ("services:\n  ada: {owners: [grace]}\n", ["2.yaml:2:3 duplicate-definition"]),
    "person-and-service-in-one-file": ("people: {x: {}}\nservices: {x: {owners: [ada]}}\n", ["1.yaml:2:12 duplicate-definition"]),
    "service-and-person-in-one-file": ("services: {x: {owners: [ada]}}\npeople: {x: {}}\n", ["1.yaml:2:10 duplicate-definition"]),
    "records-twice": ("records: {owner: abcdef12}\n", ["records.yaml:1:1 duplicate-definition"]),
    "one-login": (
        "people:\n  bob: {accounts: {corp: {login: bee}}}\n  zoe: {accounts: {corp: {login: Bee}}}\n",
        ["1.yaml:3:34 one-login"],
    ),
    "login-of-another-id": ("people:\n  bob: {accounts: {corp: {login: grace}}}\n", ["1.yaml:2:34 one-login"]),
    "one-native-id": (
        "people:\n  bob: {accounts: {aws: {id: A1}}}\n  zoe: {accounts: {aws: {id: A1}}}\n",
        ["1.yaml:3:30 one-id"],
    ),
    "one-email": ("people:\n  bob: {email: Ada@example.com}\n", ["2.yaml:2:33 one-email"]),
    "similar-email": ("people:\n  bob: {email: ada+x@example.com}\n", ["2.yaml:2:33 similar-email"]),
    "was-living": ("people:\n  bob: {was: [grace]}\n", ["1.yaml:2:15 was-living"]),
    "was-twice": ("people:\n  bob: {was: [rob]}\n  zoe: {was: [rob]}\n", ["1.yaml:3:15 was-twice"]),
    # B22
    "bad-login": (
        "people:\n  bob: {accounts: {corp: {login: a-login-that-is-too-long}}, roles: [developer]}\n",
        ["1.yaml:2:34 bad-login"],
    ),
    # B23
    "bidi": ("people:\n  bob: {name: \"Bob \\u202e\"}\n", ["1.yaml:2:15 invisible-character"]),
    "bidi-in-comment": ("people: {}  # \u202e oh\n", ["1.yaml:1:15 invisible-character"]),
    "zero-width": ("roles:\n  r: {grants: {corp: {groups: [dev\u200bs]}}}\n", ["1.yaml:2:32 invisible-character"]),
    "control": ("roles:\n  r: {grants: {corp: {groups: [\"dev\\u0007\"]}}}\n", ["1.yaml:2:32 control-character"]),
    "raw-control": ("people:\n  bob: {name: B\x07b}\n", ["1.yaml:2:16 control-character"]),
    "line-break-in-name": ("people:\n  bob: {accounts: {corp: {login: \"a\\nb\"}}}\n", ["1.yaml:2:34 control-character"]),
    "line-break-by-block": ("people:\n  bob:\n    accounts:\n      corp:\n        login: |\n          bob\n", ["1.yaml:5:16 control-character"]),
    "mixed-script": ("roles:\n  r: {grants: {corp: {groups: [\u0430dmins]}}}\n", ["1.yaml:2:32 look-alike"]),
    "full-width": ("roles:\n  r: {grants: {corp: {groups: [\uff41dmins]}}}\n", ["1.yaml:2:32 look-alike"]),
    "only-look-alikes": ("roles:\n  r: {grants: {corp: {groups: [\u0441\u043e\u0441\u0430]}}}\n", ["1.yaml:2:32 look-alike"]),
    "not-normalised": ("roles:\n  r: {grants: {corp: {groups: [cafe\u0301]}}}\n", ["1.yaml:2:32 not-normalised"]),
    # B24
    "bad-email": ("people:\n  bob: {email: bob at example.com}\n", ["1.yaml:2:16 bad-email"]),
    "two-emails": ("people:\n  bob: {email: \"b@example.com, c@example.com\"}\n", ["1.yaml:2:16 bad-email"]),
    # B25
    "impossible-date": ("people:\n  bob: {until: 2027-02-30T00:00:00Z}\n", ["1.yaml:2:16 bad-time"]),
    "no-zone": ("people:\n  bob: {until: 2027-02-03T00:00:00}\n", ["1.yaml:2:16 time-without-zone"]),
    "day-without-zone": ("people:\n  bob: {until: 2027-02-03}\n", ["1.yaml:2:16 time-without-zone"]),
    "number-for-time": ("people:\n  bob: {until: 20270203}\n", ["1.yaml:2:16 bad-time"]),
    "time-out-of-range": ("people:\n  bob: {until: \"0001-01-01T00:00:00+05:00\"}\n", ["1.yaml:2:16 bad-time"]),
    "end-before-start": (
        "people:\n  bob: {from: 2027-02-03T00:00:00Z, until: 2027-02-03T00:00:00Z}\n",
        ["1.yaml:2:44 end-before-start"],
    ),
    "grant-ends-before-start": (
        "people:\n  bob:\n    roles:\n      - role: everyone\n        from: 2027-02-03T00:00:00Z\n        until: 2026-02-03T00:00:00Z\n",
        ["1.yaml:6:16 end-before-start"],
    ),
    "too-long": (
        "people:\n  bob:\n    roles:\n      - {role: deployer, environments: [production], reason: x,\n"
        "         from: 2027-02-01T00:00:00Z, until: 2027-02-09T00:00:00Z}\n",
        ["1.yaml:5:45 too-long"],
    ),
    "too-long-on-end": (
        "people:\n  bob:\n    roles:\n"
        "      - {role: deployer, environments: [production], reason: x,\n"
        "         from: 2999-02-05T00:00:00Z, until: 2999-02-12T00:00:00Z}\n"
        "      - {role: deployer, environments: [production], reason: x,\n"
        "         from: 2999-02-01T00:00:00Z, until: 2999-02-05T00:00:00Z}\n",
        ["1.yaml:5:45 too-long"],
    ),
    "bad-duration": ("environments:\n  e: {max_duration: 7 days}\n", ["1.yaml:2:21 bad-duration"]),
    # B26 and the rules of environments
    "missing-end": (
        "people:\n  bob: {roles: [{role: deployer, environments: [production], reason: x}]}\n",
        ["1.yaml:2:24 missing-end"],
    ),
    "too-long-from-now": (
        "people:\n  bob: {roles: [{role: deployer, environments: [production], reason: x, until: 2999-02-01T00:00:00Z}]}\n",
        ["1.yaml:2:80 too-long"],
    ),
    "missing-reason": (
        "people:\n  bob:\n    roles:\n      - {role: deployer, environments: [production],\n"
        "         from: 2027-02-01T00:00:00Z, until: 2027-02-02T00:00:00Z}\n",
        ["1.yaml:4:16 missing-reason"],
    ),
    "protected-not-named": ("people:\n  bob: {roles: [deployer]}\n", ["1.yaml:2:17 protected-not-named"]),
    "environment-not-of-role": (
        "people:\n  bob: {roles: [{role: deployer, environments: [staging]}]}\n",
        ["1.yaml:2:49 environment-not-of-role"],
    ),
    "no-environment-named": ("people:\n  bob: {roles: [{role: deployer, environments: []}]}\n", ["1.yaml:2:48 empty-value"]),
    # environments as labels
    "outside-environment-of-group": (
        "roles:\n  r: {environments: [staging], grants: {corp: {groups: [x, production-readers]}}}\n",
        ["1.yaml:2:60 outside-environment"],
    ),
    "outside-environment-by-placeholder": (
        "targets:\n  t: {provider: directory, url: ldap://x, groups: {staging-readers: {environment: production}}}\n"
        "roles:\n  r: {environments: [staging], grants: {t: {groups: ['{environment}-readers']}}}\n",
        ["1.yaml:4:54 outside-environment"],
    ),
    "outside-environment-of-target": (
        "targets:\n  t: {provider: directory, url: ldap://x, environment: production}\nroles:\n  r: {grants: {t: {groups: [x]}}}\n",
        ["1.yaml:4:16 outside-environment"],
    ),
    "outside-environment-of-every-instance": (
        "roles:\n  r: {grants: {aws: {groups: [x]}}}\n",
        ["1.yaml:2:16 outside-environment"],
    ),
    "placeholder-without-environments": (
        "roles:\n  r: {grants: {corp: {groups: ['{environment}-x']}}}\n",
        ["1.yaml:2:32 no-environments"],
    ),
    # B28, B33
    "role-cycle": (
        "roles:\n  a: {includes: [b]}\n  b: {includes: [c]}\n  c: {includes: [a]}\n",
        ["1.yaml:4:18 role-cycle"],
    ),
    "role-includes-itself": ("roles:\n  a: {includes: [a]}\n", ["1.yaml:2:18 role-cycle"]),
    "where-matches-nothing": (
        "roles:\n  r: {environments: [staging], grants: {aws: {where: {product: chat}, groups: [x]}}}\n",
        ["1.yaml:2:47 where-matches-nothing"],
    ),
    # what a provider says of its own part
    "settings-of-a-provider": ("targets:\n  t: {provider: directory, url: http://x}\n", ["1.yaml:2:28 tiny-url"]),
    "name-in-a-grant": ("roles:\n  r: {grants: {corp: {groups: [a/b]}}}\n", ["1.yaml:2:32 tiny-name"]),
    "neither-list-nor-mapping": (
        "roles:\n  r: {environments: [staging], grants: {aws: {teams: 3}}}\n",
        ["1.yaml:2:54 wrong-type"],
    ),
    "ignored-elsewhere": (
        "targets:\n  t:\n    provider: directory\n    url: ldap://x\n    ignore:\n"
        "      - {address: 'other:account/x', owner: ada, reason: r, until: 2027-01-31}\n"
        "      - {address: nonsense, owner: ada, reason: r, until: 2027-01-31}\n",
        ["1.yaml:6:19 bad-address", "1.yaml:7:19 bad-address"],
    ),
    "ignored-for-ever": (
        "targets:\n  t:\n    provider: directory\n    url: ldap://x\n    ignore:\n"
        "      - {address: 't:account/x', owner: ada, reason: r}\n",
        ["1.yaml:6:9 ignore-without-end"],
    ),
    "acknowledges-nothing": (
        "guardrails: {acknowledgements: [{reason: r, until: 2027-01-31}]}\n",
        ["1.yaml:1:33 bad-acknowledgement"],
    ),
    "acknowledges-without-a-number": (
        "guardrails: {acknowledgements: [{reason: r, until: 2027-01-31, target: corp, kind: group}]}\n",
        ["1.yaml:1:33 bad-acknowledgement"],
    ),
    "acknowledges-a-number-of-nothing": (
        "guardrails: {acknowledgements: [{reason: r, until: 2027-01-31, people: [ada], count: 3}]}\n",
        ["1.yaml:1:33 bad-acknowledgement"],
    ),
    "acknowledges-a-whole-target": (
        "guardrails: {acknowledgements: [{reason: r, until: 2027-01-31, target: corp, removals: true}]}\n",
        ["1.yaml:1:33 bad-acknowledgement"],
    ),
    "acknowledges-two-things": (
        "guardrails: {acknowledgements: [{reason: r, until: 2027-01-31, target: corp, system: x, people: [ada]}]}\n",
        ["1.yaml:1:33 bad-acknowledgement"],
    ),
    "acknowledges-no-address": (
        "guardrails: {acknowledgements: [{reason: r, until: 2027-01-31, addresses: ['corp:developers']}]}\n",
        ["1.yaml:1:76 bad-address"],
    ),
    "acknowledges-for-ever": (
        "guardrails: {acknowledgements: [{reason: r, people: [x]}]}\n",
        ["1.yaml:1:33 missing-key"],
    ),
    "owner-id": ("guardrails: {}\nrecords: {owner: Acme!}\n", ["1.yaml:2:18 bad-owner-id", "records.yaml:1:1 duplicate-definition"]),
    # Who runs a pipeline, and what its schedules run as
    "ci-people-unknown": ("pipelines:\n  site: {jenkins: {url: 'https://ci.example.com/job/x', people: corpp}}\n", ["1.yaml:2:65 unknown-target"]),
    "ci-without-url": ("pipelines:\n  site: {gitlab: {people: corp}}\n", ["1.yaml:2:10 missing-key"]),
    "scope-of-nothing": ("pipelines: {site: {scope: [deployr]}}\n", ["1.yaml:1:28 unknown-role"]),
    "scope-twice": ("roles: {a: {}}\npipelines: {site: {scope: [a, a]}}\n", ["1.yaml:2:31 listed-twice"]),
    "assume-elsewhere": ("pipelines: {site: {assume: {nowhere: Deploy}}}\n", ["1.yaml:1:29 unknown-target"]),
    "schedule-as-person": ("people: {bob: {}}\npipelines: {site: {schedules: bob}}\n", ["1.yaml:2:31 unknown-person"]),
    "account-on-no-ci": ("people:\n  bob: {accounts: {gitlab: {id: 7}}}\n", ["1.yaml:2:20 unknown-target"]),
    "account-on-a-ci": ("people:\n  bob: {accounts: {gitlab: {id: 7}}}\npipelines: {site: {gitlab: {url: 'https://x/y'}}}\n", []),
    # Grants that begin with the apply
    "merge-without-for": ("people:\n  bob:\n    roles: [{role: backend, from: merge}]\n", ["1.yaml:3:13 bad-start"]),
    "for-without-merge": ("people:\n  bob:\n    roles: [{role: backend, for: 4h}]\n", ["1.yaml:3:13 bad-start"]),
    "for-and-until": ("people:\n  bob:\n    roles: [{role: backend, from: merge, for: 4h, until: 2030-01-01T00:00:00Z}]\n", ["1.yaml:3:13 bad-start"]),
    # B51, B52
    "merge-conflict": (
        "people:\n<<<<<<< HEAD\n  bob: {}\n=======\n  zoe: {}\n>>>>>>> branch\n",
        ["1.yaml:2:1 merge-conflict"],
    ),
    "lfs": ("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", ["1.yaml:1:1 lfs-pointer"]),
    "git-crypt": (b"\0GITCRYPT\0\x01\x02", ["1.yaml:1:1 encrypted-file"]),
    "sops": ("people: ENC[AES256_GCM,data:x,type:str]\nsops:\n  mac: x\n", ["1.yaml:1:1 encrypted-file"]),
    "ansible-vault": ("$ANSIBLE_VAULT;1.1;AES256\n6638\n", ["1.yaml:1:1 encrypted-file"]),
}  # fmt: skip
