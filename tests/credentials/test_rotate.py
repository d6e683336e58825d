"""Access keys of a bot: made, delivered, made anew, and the old ones ended."""

from __future__ import annotations

import stat

from tests.credentials.rig import ACCOUNT, BOT, Company, pair

LOCAL, MANAGER = "{to: local/bot.json}", "{to: aws/secrets/bot}"


def test_a_new_service_has_its_account_its_role_and_a_working_credential_in_its_store_in_one_run(acme: Company) -> None:
    acme.declare(LOCAL, MANAGER)
    plan = acme.run("plan")
    assert plan.status == 0 and "credential-due" in plan.err + plan.out
    ran = acme.run("apply")
    assert ran.status == 0, ran.err
    (key,) = acme.live()
    assert acme.works(*pair(acme.in_file("bot.json"))) and acme.works(*pair(acme.in_secrets_manager("bot")))
    assert pair(acme.in_file("bot.json"))[0] == key
    groups = acme.aws.client("iam", ACCOUNT).list_groups_for_user(UserName=BOT)["Groups"]
    assert [g["GroupName"] for g in groups] == ["Deployers"]
    assert stat.S_IMODE((acme.local / "bot.json").stat().st_mode) == 0o600


def test_nothing_is_due_after_that(acme: Company) -> None:
    acme.declare(LOCAL, MANAGER)
    assert acme.run("apply").status == 0
    before = acme.live()
    again = acme.run("rotate", "--due")
    assert (again.status, again.out) == (0, "Nothing is due.\n")
    assert "credential-due" not in acme.run("plan").err
    assert acme.run("apply").status == 0
    assert acme.live() == before


def test_what_is_known_of_a_credential_survives_the_sums_of_later_runs_and_is_shown(acme: Company) -> None:
    acme.declare(LOCAL)
    assert acme.run("apply").status == 0
    (key,) = acme.live()
    acme.aws.client("iam", ACCOUNT).remove_user_from_group(UserName=BOT, GroupName="Deployers")
    ran = acme.run("apply")  # writes a `run` and a `converged` record, from which on the chain is read
    assert ran.status == 0 and "In order now" in ran.out, ran.out + ran.err
    told = acme.run("rotate")
    assert told.out == f"deploy-bot: access-key on aws: in order ({key})\n"
    shown = acme.run("journal", "show")
    for step in ("issue", "prove", "deliver", "verify"):
        assert f"{step} {key}" in shown.out
    assert acme.run("journal", "verify").status == 0
