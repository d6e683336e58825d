"""Access keys of a bot: made, delivered, made anew, and the old ones ended."""

from __future__ import annotations

import os
import shutil
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from provisioner.apply.one_slot import Rotating
from provisioner.apply.retry import Waits
from provisioner.apply.rotate import Rotate
from provisioner.cli.locking import run_info
from provisioner.cli.slots import declared_slots, gone_slots
from provisioner.cli.wiring import Wanted, open_work
from provisioner.contract import Issues
from tests.credentials.rig import ACCOUNT, BOT, Company, pair, whole

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


def test_nothing_is_due_after_that_until_somebody_switches_it_off(acme: Company) -> None:
    acme.declare(LOCAL, MANAGER)
    assert acme.run("apply").status == 0
    before = acme.live()
    again = acme.run("rotate", "--due")
    assert (again.status, again.out) == (0, "Nothing is due.\n")
    assert "credential-due" not in acme.run("plan").err
    assert acme.run("apply").status == 0
    assert acme.live() == before
    (key,) = before
    acme.aws.client("iam", ACCOUNT).update_access_key(UserName=BOT, AccessKeyId=key, Status="Inactive")
    assert acme.run("rotate", "--due").status == 0
    assert acme.works(*pair(acme.in_file("bot.json"))), "a key that was switched off by hand is made anew"


def test_a_key_in_its_overlap_is_kept_where_somebody_switched_off_the_new_one(acme: Company) -> None:
    acme.declare(LOCAL)
    assert acme.run("apply").status == 0
    (first,), mine = acme.live(), pair(acme.in_file("bot.json"))
    assert acme.run("rotate", "deploy-bot").status == 0
    (second,) = set(acme.live()) - {first}
    acme.aws.client("iam", ACCOUNT).update_access_key(UserName=BOT, AccessKeyId=second, Status="Inactive")
    time.sleep(1.1)
    assert acme.run("expire").status == 0
    assert acme.live() == {first: True, second: False} and acme.works(*mine), "it is the only one that works"
    ran = acme.run("rotate", "--due")
    assert ran.status == 0 and f"{second} is deleted: somebody switched it off" in ran.out, ran.out + ran.err
    (third,) = set(acme.live()) - {first}
    assert pair(acme.in_file("bot.json"))[0] == third and acme.works(*pair(acme.in_file("bot.json")))
    assert acme.live() == {first: True, third: True}, "with an overlap of its own"


def test_a_credential_that_is_to_lie_under_another_name_is_due_and_is_put_there(acme: Company) -> None:
    acme.declare(LOCAL, MANAGER)
    assert acme.run("apply").status == 0
    (key,), mine = acme.live(), pair(acme.in_file("bot.json"))
    acme.declare(LOCAL, "{to: aws/secrets/bot, as: {user: ID, secret: KEY}}")
    told = acme.run("plan")
    assert "aws/secrets/bot does not have it as ID and KEY yet" in told.out + told.err
    ran = acme.run("apply")
    assert ran.status == 0, ran.out + ran.err
    assert acme.in_secrets_manager("bot") == {"ID": mine[0], "KEY": mine[1]} and set(acme.live()) == {key}
    assert acme.run("rotate", "--due").out == "Nothing is due.\n"
    acme.declare("{to: local/bot.json, as: KEY}")
    shutil.rmtree(acme.root / ".provision")
    assert acme.run("rotate", "--due").status == 0
    found = acme.in_file("bot.json")
    assert found is not None and "AWS_ACCESS_KEY_ID" not in found, "also where nobody knows any more what it was called"
    assert acme.works(*whole(found["KEY"]))


def test_a_credential_that_is_declared_again_after_it_was_switched_off_is_told_and_made_by_apply(acme: Company) -> None:
    acme.declare(LOCAL)
    assert acme.run("apply").status == 0
    acme.declare_no_credential()
    assert acme.run("apply").status == 0 and list(acme.live().values()) == [False]
    acme.declare(LOCAL)
    told = acme.run("plan")
    assert "it was switched off" in told.out + told.err and "due: it was switched off" in acme.run("rotate").out
    assert acme.run("apply").status == 0
    assert acme.works(*pair(acme.in_file("bot.json"))) and sorted(acme.live().values()) == [False, True]


def test_what_somebody_wrote_over_beside_its_companion_is_noticed_and_written_anew(acme: Company) -> None:
    acme.declare(LOCAL, MANAGER)
    assert acme.run("apply").status == 0
    (key,), mine, path = acme.live(), pair(acme.in_file("bot.json")), acme.local / "bot.json"
    os.utime(path, (0, 0))
    assert acme.run("rotate", "--due").out == "Nothing is due.\n", "it is the same"
    path.write_text(path.read_text().replace(mine[1], "mistyped"))
    ran = acme.run("rotate", "--due")
    assert ran.status == 0 and ran.out == f"deploy-bot: access-key on aws: {key} lies in local/bot.json\n", (
        ran.out + ran.err
    )
    assert pair(acme.in_file("bot.json")) == mine and set(acme.live()) == {key}, "read back from the other place"


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


def test_a_credential_that_the_files_do_not_have_any_more_is_told_switched_off_and_deleted(acme: Company) -> None:
    acme.declare(LOCAL)
    assert acme.run("apply").status == 0
    (key,) = acme.live()
    mine = pair(acme.in_file("bot.json"))
    iam = acme.aws.client("iam", ACCOUNT)
    foreign = iam.create_access_key(UserName=BOT)["AccessKey"]["AccessKeyId"]
    acme.declare_no_credential()
    told = acme.run("plan")
    assert "credential-ended" in told.out + told.err and f"{key} is to be switched off" in told.out + told.err
    assert acme.run("expire").status == 0 and acme.live()[key], "what gives nothing does not follow the files"
    ran = acme.run("apply")
    assert ran.status == 0 and f"{key} is switched off" in ran.out, ran.out + ran.err
    assert acme.live() == {key: False, foreign: True} and not acme.works(*mine)
    assert f"not declared any more: {key} switched off" in acme.run("rotate").out
    assert acme.run("expire").status == 0 and foreign in acme.live(), "its day is not over"
    assert later(timedelta(hours=25)) == [f"{key} is deleted: the files have no such credential any more"]
    assert acme.live() == {foreign: True}
    assert "credential-ended" not in acme.run("plan").out and acme.run("rotate").out.startswith("No service has")


def test_a_key_is_not_called_gone_because_the_account_that_is_asked_for_now_does_not_have_it(acme: Company) -> None:
    """The target says `accounts: existing`, and one change takes the credential out and names another account."""
    iam = acme.aws.client("iam", ACCOUNT)
    iam.create_user(UserName=BOT)
    acme.declare(LOCAL)
    _edit(acme, f'account: "{ACCOUNT}"', f'account: "{ACCOUNT}", accounts: existing')
    assert acme.run("apply").status == 0
    (key,), mine = acme.live(), pair(acme.in_file("bot.json"))
    acme.declare_no_credential()
    _edit(acme, f'account: "{ACCOUNT}"', f'account: "{ACCOUNT}", accounts: existing')
    _edit(
        acme,
        "    owners: [grace]\n    roles",
        "    owners: [grace]\n    accounts: {aws: {login: deploybot}}\n    roles",
    )
    ran = acme.run("rotate", "--due")
    assert ran.status == 8 and f"{key} works on {BOT}, for which it was made" in ran.err, ran.out + ran.err
    assert acme.works(*mine) and later(timedelta(hours=25), "deploybot") == []
    assert "credential-ended" in acme.run("plan").out
    iam.delete_access_key(UserName=BOT, AccessKeyId=key)
    later(timedelta(hours=25), "deploybot")
    assert "credential-ended" not in acme.run("plan").out


def test_a_service_that_gets_another_name_in_an_overlap_keeps_what_is_known_of_its_keys(acme: Company) -> None:
    acme.declare(LOCAL)
    assert acme.run("apply").status == 0
    (first,) = acme.live()
    assert acme.run("rotate", "deploy-bot").status == 0
    (second,), (user, secret) = set(acme.live()) - {first}, pair(acme.in_file("bot.json"))
    _edit(acme, "  deploy-bot:\n", "  robot:\n    was: [deploy-bot]\n    accounts: {aws: {login: deploy-bot}}\n")
    for told in (acme.run("plan"), acme.run("rotate")):
        assert "no credential" not in told.out + told.err, "it has one, under the name that it had"
    ran = acme.run("apply")
    assert ran.status == 0 and "found:" not in ran.err, ran.out + ran.err
    assert acme.live() == {first: True, second: True} and acme.works(user, secret)
    time.sleep(1.1)
    ran = acme.run("expire")
    assert ran.status == 0 and f"{first} is switched off" in ran.out, ran.out + ran.err
    assert acme.live() == {first: False, second: True} and pair(acme.in_file("bot.json")) == (user, secret)
    assert f"called {BOT}" in acme.run("journal", "show").out


def test_without_a_place_to_go_to_none_is_made_and_none_ended(acme: Company) -> None:
    """Two keys: one that works in its place, and an older one whose overlap is over."""
    acme.declare(LOCAL)
    assert acme.run("apply").status == 0 and acme.run("rotate", "deploy-bot").status == 0
    before = acme.live()
    opened = open_work(Wanted(Path("access"), planning=False))
    (slot,) = declared_slots(opened.declared)
    connection = opened.connections[slot.target]
    assert isinstance(connection.provider, Issues)
    issuer = connection.provider.open_issuer(connection.target, os.environ, slot.kind, connection.owner)
    of = Rotating(run_info(opened, "rotate"), lambda: datetime.now(UTC) + timedelta(days=1), Waits(), time.sleep)
    for anew in (False, True):
        told = Rotate(slot, BOT, issuer, (), opened.journal.chain(slot.target), of, anew=anew).go()
        assert told.failed and not told.done and acme.live() == before and len(before) == 2


def _edit(acme: Company, old: str, new: str) -> None:
    path = acme.root / "access" / "all.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    acme.git("commit", "--quiet", "--all", "--message", "change")


def later(by: timedelta, login: str = BOT) -> list[str]:
    """What a run does by then with what the files do not have any more."""
    opened = open_work(Wanted(Path("access"), planning=False))
    (slot,) = gone_slots(opened.declared, opened.targets, opened.journal)
    connection = opened.connections[slot.target]
    assert isinstance(connection.provider, Issues)
    issuer = connection.provider.open_issuer(connection.target, os.environ, slot.kind, connection.owner)
    of = Rotating(run_info(opened, "rotate"), lambda: datetime.now(UTC) + by, Waits(), time.sleep)
    rotate = Rotate(slot, login, issuer, (), opened.journal.chain(slot.target), of, gone=True)
    return rotate.go().done
