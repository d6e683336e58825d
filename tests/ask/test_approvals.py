"""Whose approval a change of access needs: by the owners of the base, and never whoever gains."""

from __future__ import annotations

from datetime import UTC, datetime

from provisioner.ask.approvals import Revision, approvals
from provisioner.load import load_files
from provisioner.load.contents import contents
from provisioner.model.approval import AccessChange, Approvals
from tests.load.tiny import PROVIDERS

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BASE = """\
records: {owner: 5f1c0a9e}
people:
  ada: {roles: [developer]}
  boss: {roles: [{role: leads, environments: [production]}]}
  chief: {roles: [{role: leads, environments: [production]}]}
  dora: {}
  eve: {until: 2026-11-30T11:00:00Z, roles: [{role: leads, environments: [production], reason: x}]}
  grace: {roles: [developer]}
  linus: {}
services:
  bot: {owners: [linus], roles: [developer]}
roles:
  developer: {owners: [grace], environments: [staging], grants: {corp: {groups: [developers]}}}
  deployer: {owners: [grace, ada], environments: [staging, production], grants: {corp: {groups: [deploy]}}}
  leads: {owners: ["role:leads"], environments: [production], grants: {corp: {groups: [leads]}}}
  nobodys: {grants: {corp: {groups: [x]}}}
environments:
  staging: {}
  production: {protected: true, owners: ["role:leads"]}
targets:
  corp:
    provider: directory
    url: ldaps://x
    owners: [linus]
    groups: {developers: {}, leads: {environment: production}}
pipelines:
  site: {deploys: {production: {jobs: [deploy]}}}
"""


def changed(*edits: tuple[str, str], base: str = BASE) -> Approvals:
    after = base
    for old, new in edits:
        assert after.count(old) == 1, old
        after = after.replace(old, new)
    sides = []
    for text in (base, after):
        files = {"all.yaml": text.encode()}
        loaded = load_files(files, PROVIDERS)
        assert [d for d in loaded.diagnostics if d.is_error] == []
        sides.append(Revision(loaded.declared, contents(files, "access")))
    return approvals(sides[0], sides[1], "main", NOW)


def told(found: Approvals) -> dict[str, dict[str, tuple[str, ...] | None]]:
    return {c.what: {n.of: n.approvers for n in c.needs} for c in found.changes}


def only(found: Approvals) -> AccessChange:
    (change,) = found.changes
    return change


def test_nothing_changed_however_it_is_written() -> None:
    moved = BASE.replace("  linus: {}\n", "").replace("  dora: {}\n", "  # somebody\n  linus:    {}\n  dora: {}\n")
    files = [{"all.yaml": BASE.encode()}, {"people/more.yaml": moved.encode()}]
    sides = [Revision(load_files(f, PROVIDERS).declared, contents(f, "access")) for f in files]
    assert approvals(sides[0], sides[1], "main", NOW).changes == ()


def test_a_production_grant_needs_the_owners_of_role_and_environment() -> None:
    found = changed(("  dora: {}", "  dora: {roles: [{role: deployer, environments: [production]}]}"))
    assert told(found) == {
        "dora gains deployer in production": {
            "role deployer": ("ada", "grace"),
            "environment production": ("boss", "chief"),
        }
    }
    assert str(only(found).place) == "access/all.yaml:6:18"


def test_whoever_gains_never_approves() -> None:
    found = changed(
        ("  ada: {roles: [developer]}", "  ada: {roles: [developer, {role: deployer, environments: [production]}]}")
    )
    role, environment = only(found).needs
    assert (role.approvers, role.without) == (("grace",), ("ada",))
    assert environment.approvers == ("boss", "chief")


def test_where_the_only_owner_gains_nobody_may_unless_the_guardrails_name_somebody() -> None:
    gains = ("  grace: {roles: [developer]}", "  grace: {roles: [{role: developer, until: 2027-06-01T00:00:00Z}]}")
    before = BASE.replace(gains[0], "  grace: {roles: [{role: developer, until: 2027-05-01T00:00:00Z}]}")
    again = ("2027-05-01T00:00:00Z", "2027-06-01T00:00:00Z")
    found = changed(again, base=before)
    assert told(found) == {
        "grace holds developer in staging longer, until 2027-06-01T00:00:00Z": {"role developer": ()}
    }
    assert len(list(found.missing())) == 1
    with_owners = before + "guardrails: {owners: [boss, grace]}\n"
    assert only(changed(again, base=with_owners)).needs[0].approvers == ("boss",)


def test_owners_are_the_bases_own() -> None:
    """A change cannot name its own approvers."""
    found = changed(
        ("deployer: {owners: [grace, ada]", "deployer: {owners: [dora]"),
        ("  dora: {}", "  dora: {roles: [{role: deployer, environments: [staging]}]}"),
    )
    assert told(found) == {
        "dora gains deployer in staging": {"role deployer": ("ada", "grace")},
        "role deployer: owners changed": {"role deployer": ("ada", "grace")},
    }


def test_holders_of_a_role_are_people_who_are_here() -> None:
    """`role:leads` is boss and chief; eve's time is over."""
    found = changed(("  dora: {}", "  dora: {roles: [{role: leads, environments: [production]}]}"))
    assert only(found).needs[0].approvers == ("boss", "chief")


def test_taking_away_needs_any_one_of_the_owners() -> None:
    found = changed(("  boss: {roles: [{role: leads, environments: [production]}]}", "  boss: {}"))
    (need,) = only(found).needs
    assert only(found).effect == "narrows"
    assert need.approvers == ("chief",)
    gone = changed(("  ada: {roles: [developer]}\n", ""), ("owners: [grace, ada]", "owners: [grace]"))
    assert [c.what for c in gone.changes] == [
        "ada leaves, and loses developer in staging",
        "role deployer: owners changed",
    ]


def test_the_last_owner_can_be_taken_out_by_anybody_else() -> None:
    alone = BASE.replace("  chief: {roles: [{role: leads, environments: [production]}]}\n", "")
    found = changed(("  boss: {roles: [{role: leads, environments: [production]}]}\n", ""), base=alone)
    (need,) = only(found).needs
    assert need.approvers is None
    assert not need.given_by(["boss"], only(found).gains)
    assert need.given_by(["dora"], only(found).gains)


def test_shorter_is_narrower_and_longer_is_wider() -> None:
    base = BASE.replace(
        "  dora: {}", "  dora: {roles: [{role: deployer, environments: [staging], until: 2027-01-01T00:00:00Z}]}"
    )
    assert only(changed(("until: 2027-01-01", "until: 2026-12-15"), base=base)).effect == "narrows"
    assert only(changed(("until: 2027-01-01", "until: 2027-02-01"), base=base)).effect == "widens"
    from_earlier = base.replace("until: 2027", "from: 2026-12-10T00:00:00Z, until: 2027")
    assert only(changed(("from: 2026-12-10", "from: 2026-12-01"), base=from_earlier)).effect == "widens"


def test_what_is_over_is_no_access() -> None:
    past = "  dora: {roles: [{role: deployer, environments: [production], until: 2026-11-01T00:00:00Z}]}"
    assert changed(("  dora: {}", past)).changes == ()


def test_two_overlapping_lines_are_one_holding() -> None:
    base = BASE.replace("  dora: {}", "  dora: {roles: [{role: deployer, environments: [staging]}]}")
    twice = "  dora: {roles: [{role: deployer, environments: [staging]}, {role: deployer, environments: [staging]}]}"
    assert changed(("  dora: {roles: [{role: deployer, environments: [staging]}]}", twice), base=base).changes == ()


def test_a_person_comes_back_from_a_suspension() -> None:
    suspended = "  ada: {suspended: {since: 2026-10-01T00:00:00Z, reason: leave}, roles: [developer]}"
    assert told(
        changed((suspended, "  ada: {roles: [developer]}"), base=BASE.replace("  ada: {roles: [developer]}", suspended))
    ) == {"ada gains developer in staging": {"role developer": ("grace",)}}
    assert only(changed(("  ada: {roles: [developer]}", suspended))).effect == "narrows"


def test_a_rename_is_no_gain_but_who_it_is_must_be_approved() -> None:
    found = changed(
        ("  ada: {roles: [developer]}", "  ada-b: {was: [ada], roles: [developer]}"),
        ("owners: [grace, ada]", "owners: [grace, ada-b]"),
    )
    assert told(found) == {
        "ada-b: was changed": {"role developer": ("grace",)},
        "role deployer: owners changed": {"role deployer": ("ada", "grace")},
    }


def test_taking_somebodys_place_is_no_rename() -> None:
    """dora was there before: ada leaves, and whose accounts become dora's is for the owners of what ada held."""
    found = changed(
        ("  ada: {roles: [developer]}\n", ""),
        ("  dora: {}", "  dora: {was: [ada]}"),
        ("owners: [grace, ada]", "owners: [grace]"),
    )
    assert told(found) == {
        "ada leaves, and loses developer in staging": {"role developer": ("grace",)},
        "dora: was changed": {"role developer": ("grace",)},
        "role deployer: owners changed": {"role deployer": ("ada", "grace")},
    }


def test_a_login_decides_whose_account_it_is() -> None:
    found = changed(("  ada: {roles: [developer]}", "  ada: {roles: [developer], accounts: {corp: {login: root}}}"))
    assert told(found) == {"ada: accounts changed": {"role developer": ("grace",)}}
    assert changed(("  ada: {roles", "  ada: {name: Ada, roles")).changes == ()


def test_a_service_is_its_owners() -> None:
    found = changed(("  bot: {owners: [linus]", "  bot: {owners: [dora]"))
    assert told(found) == {"bot: owners changed": {"service bot": ("linus",)}}


def test_whom_a_service_trusts_in_place_of_a_key_is_for_the_owners_of_all_that_it_holds() -> None:
    """Another repository would have it."""
    roles = "roles: [developer, {role: deployer, environments: [production]}]"
    keyless = roles + ", identity: {corp: {trust: {github: {repository: acme/site, environment: production}}}}"
    base = BASE.replace("  bot: {owners: [linus], roles: [developer]", f"  bot: {{owners: [linus], {keyless}")
    assert told(changed(("acme/site", "evil/site"), base=base)) == {
        "bot: identity changed": {
            "service bot": ("linus",),
            "role developer": ("grace",),
            "role deployer": ("ada", "grace"),
            "environment production": ("boss", "chief"),
        }
    }


def test_what_a_role_gives_is_for_its_owners_the_targets_and_the_environments() -> None:
    found = changed(("groups: [deploy]", "groups: [deploy, admins]"))
    assert told(found) == {
        "role deployer: grants changed": {
            "role deployer": ("ada", "grace"),
            "environment production": ("boss", "chief"),
            "target corp": ("linus",),
        }
    }


def test_a_role_that_reaches_another_environment_or_role() -> None:
    assert told(
        changed(
            (
                "developer: {owners: [grace], environments: [staging]",
                "developer: {owners: [grace], environments: [staging, production]",
            )
        )
    ) == {
        "role developer: environments changed": {
            "role developer": ("grace",),
            "environment production": ("boss", "chief"),
        }
    }
    included = changed(("developer: {owners: [grace], ", "developer: {owners: [grace], includes: [leads], "))
    assert told(included)["role developer: includes changed"]["role leads"] == ("boss", "chief")


def test_owners_who_hold_the_role_may_change_it_where_there_is_no_other() -> None:
    """grace owns developer and holds it: or nobody could ever change it."""
    found = changed(("groups: [developers]", "groups: [developers, more]"))
    needs = {n.of: n for n in only(found).needs}
    assert needs["role developer"].approvers == ("grace",)
    strict = changed(
        ("groups: [developers]", "groups: [developers, more]"), base=BASE + "guardrails: {owners: [boss]}\n"
    )
    assert {n.of: n for n in only(strict).needs}["role developer"].approvers == ("boss",)


def test_a_new_role_is_for_those_whose_things_it_gives() -> None:
    new = "roles:\n  fresh: {owners: [dora], environments: [production], grants: {corp: {groups: [leads]}}}\n"
    assert told(changed(("roles:\n", new))) == {
        "role fresh is new": {"environment production": ("boss", "chief"), "target corp": ("linus",)}
    }


def test_a_thing_that_is_labelled_needs_its_environments_owner_too() -> None:
    assert told(
        changed(("leads: {environment: production}", "leads: {environment: production, description: words}"))
    ) == {"target corp: groups changed": {"target corp": ("linus",), "environment production": ("boss", "chief")}}
    assert told(changed(("developers: {},", "developers: {description: words},"))) == {
        "target corp: groups changed": {"target corp": ("linus",)}
    }
    assert (
        "environment production"
        in told(changed(("leads: {environment: production}", "leads: {}")))["target corp: groups changed"]
    )


def test_who_adds_to_the_scope_of_a_pipeline_asks_the_owners_of_what_its_runs_may_then_use() -> None:
    entry, leads = "site: {deploys: {production: {jobs: [deploy]}}}", ("boss", "chief")
    scoped = BASE.replace(entry, "site: {scope: [developer]}")
    found = told(changed(("scope: [developer]", "scope: [developer, deployer], assume: {corp: Deploy}"), base=scoped))
    assert found == {
        "pipeline site: assume and scope changed": {
            "pipeline site": None,
            "role deployer": ("ada", "grace"),
            "environment production": leads,
            "target corp": ("linus",),
        }
    }
    narrower = told(changed(("scope: [developer]", "scope: []"), base=scoped))
    assert narrower == {"pipeline site: scope changed": {"pipeline site": None}}
    for more in ("repository: other", "workflow: a.yml"):  # whose code it is that gets it
        found = told(changed(("scope: [developer]", f"scope: [developer], {more}"), base=scoped))
        (needs,) = found.values()
        assert {"pipeline site", "role developer"} <= set(needs), more
    bot = told(changed(("scope: [developer]", "scope: [developer], schedules: bot"), base=scoped))
    assert "service bot" in bot["pipeline site: schedules changed"]


def test_environments_pipelines_and_guardrails() -> None:
    assert told(changed(("{protected: true, owners", "{owners"))) == {
        "environment production: protected changed": {"environment production": ("boss", "chief")}
    }
    assert told(changed(("jobs: [deploy]", "jobs: [other]"))) == {
        "pipeline site: deploys changed": {"pipeline site": None, "environment production": ("boss", "chief")}
    }
    rails = changed(
        ("removals: {group: 50}", "removals: {group: 90}"),
        base=BASE + "guardrails: {owners: [boss], removals: {group: 50}}\n",
    )
    assert told(rails) == {"guardrails: removals changed": {"guardrails": ("boss",)}}
    assert told(changed(("owner: 5f1c0a9e", "owner: 5f1c0a9f"))) == {"records: owner changed": {"guardrails": None}}


def test_what_nobody_owns_anybody_else_may_approve() -> None:
    found = changed(("  dora: {}", "  dora: {roles: [nobodys]}"))
    (need,) = only(found).needs
    assert need.approvers is None
    assert need.given_by(["ada"], only(found).gains)
    assert not need.given_by(["dora"], only(found).gains)


def test_what_is_missing_is_told_by_whose_it_is() -> None:
    from dataclasses import replace

    found = changed(("  dora: {}", "  dora: {roles: [{role: deployer, environments: [production]}]}"))
    for approved, missing in (
        ((), ["role deployer", "environment production"]),
        (("linus",), ["role deployer", "environment production"]),  # a peer who owns neither
        (("dora",), ["role deployer", "environment production"]),  # who gains
        (("grace",), ["environment production"]),
        (("grace", "chief"), []),
    ):
        assert [n.of for _, n in replace(found, approved=approved).missing()] == missing


def test_an_owner_counts_though_todays_rules_refuse_the_entry() -> None:
    """What an older version took: whose it is does not become nobody's by an update."""
    old = BASE.replace("    provider: directory\n", "")
    sides = []
    for text in (old, BASE):
        files = {"all.yaml": text.encode()}
        sides.append(Revision(load_files(files, PROVIDERS).declared, contents(files, "access")))
    assert sides[0].declared.targets == {}
    found = told(approvals(sides[0], sides[1], "main", NOW))
    assert found["target corp: provider changed"]["target corp"] == ("linus",)
