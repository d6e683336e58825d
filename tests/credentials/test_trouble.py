"""What goes wrong: a store that does not take it, keys that are not ours, accounts that are not the bot's."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from provisioner.cli.locking import run_info
from provisioner.cli.rotating import Chosen, rotate_all
from provisioner.cli.slots import slots
from provisioner.cli.wiring import Wanted, open_work
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.records.lock import Lock
from tests.credentials.rig import ACCOUNT, BOT, Company, pair

LOCAL, MANAGER = "{to: local/bot.json}", "{to: aws/secrets/bot}"


def test_a_delivery_that_fails_leaves_the_old_key_working_and_the_next_run_goes_on(acme: Company) -> None:
    acme.declare(LOCAL, MANAGER)
    assert acme.run("apply").status == 0
    (first,) = acme.live()
    client = acme.aws.client("secretsmanager", ACCOUNT)
    client.delete_secret(SecretId="bot", RecoveryWindowInDays=7)
    ran = acme.run("rotate", "deploy-bot")
    assert ran.status == 8 and "is to be deleted" in ran.err
    assert acme.live() == {first: True} and acme.works(*pair(acme.in_file("bot.json")))
    client.restore_secret(SecretId="bot")
    assert acme.run("rotate", "deploy-bot").status == 0
    (new,) = set(acme.live()) - {first}
    assert pair(acme.in_secrets_manager("bot"))[0] == pair(acme.in_file("bot.json"))[0] == new


def test_a_new_key_that_is_switched_off_before_it_lies_everywhere_goes_nowhere_else(acme: Company) -> None:
    """Whose store did not have it yet would lose the key that works."""
    acme.declare(MANAGER, LOCAL)
    assert acme.run("apply").status == 0
    (first,) = acme.live()
    in_the_way = acme.local / ".bot.json.0.new"
    in_the_way.mkdir()
    ran = acme.run("rotate", "deploy-bot")
    assert ran.status == 8 and "local/bot.json does not have" in ran.err, ran.out + ran.err
    in_the_way.rmdir()
    (second,) = set(acme.live()) - {first}
    acme.aws.client("iam", ACCOUNT).update_access_key(UserName=BOT, AccessKeyId=second, Status="Inactive")
    ran = acme.run("rotate", "--due")
    assert ran.status == 0 and f"{second} is deleted: somebody switched it off" in ran.out, ran.out + ran.err
    (third,) = set(acme.live()) - {first}
    assert pair(acme.in_secrets_manager("bot")) == pair(acme.in_file("bot.json")) and acme.live()[first]
    assert pair(acme.in_file("bot.json"))[0] == third and acme.works(*pair(acme.in_file("bot.json")))


def test_a_place_that_cannot_be_looked_at_stops_it_before_a_key_is_made(acme: Company) -> None:
    acme.declare(MANAGER, LOCAL)
    acme.local.mkdir()
    (acme.local / "bot.json").mkdir()
    ran = acme.run("apply")
    assert ran.status == 8 and "bot.json" in ran.err and acme.live() == {}
    (acme.local / "bot.json").rmdir()
    assert acme.run("rotate", "--due").status == 0
    assert len(acme.live()) == 1
    assert pair(acme.in_secrets_manager("bot")) == pair(acme.in_file("bot.json"))


def test_a_place_below_a_file_is_told_and_is_no_bug(acme: Company) -> None:
    acme.declare("{to: local/bot.json/x}")
    acme.local.mkdir()
    (acme.local / "bot.json").write_text("{}")
    ran = acme.run("apply")
    assert ran.status == 8 and "a part of its path is a file; give it another place" in ran.err and acme.live() == {}
    (acme.local / "bot.json").unlink()
    assert acme.run("rotate", "--due").status == 0 and len(acme.live()) == 1


def test_expire_leaves_alone_what_it_would_only_make(acme: Company) -> None:
    """Its job needs no way into the stores for a key that is not there yet."""
    acme.declare(LOCAL)
    acme.local.mkdir()
    (acme.local / "bot.json").mkdir()
    assert acme.run("apply").status == 8
    ran = acme.run("expire")
    assert ran.status == 0 and "not done" not in ran.err, ran.err


def test_a_key_that_nothing_shows_to_be_ours_is_never_ended_to_make_room(acme: Company) -> None:
    acme.declare(LOCAL)
    assert acme.run("apply").status == 0
    iam = acme.aws.client("iam", ACCOUNT)
    foreign = iam.create_access_key(UserName=BOT)["AccessKey"]["AccessKeyId"]
    before = acme.live()
    told = acme.run("rotate", "--due")
    assert told.status == 0 and f"found: {foreign} works" in told.err, "a key that nobody declared"
    ran = acme.run("rotate", "deploy-bot")
    assert ran.status == 8 and foreign in ran.err and "nothing shows" in ran.err
    assert acme.live() == before and acme.works(*pair(acme.in_file("bot.json")))
    files = acme.root / "access" / "all.yaml"
    files.write_text(files.read_text().replace("aws-iam, ", "aws-iam, people: {access_keys: none}, "))
    planned = acme.run("plan").out
    assert planned.count("[key-undeclared]") == 1 and "nothing shows that what was made" in planned, planned


def test_with_the_journal_lost_the_companion_says_which_key_is_ours(acme: Company) -> None:
    acme.declare(LOCAL)
    assert acme.run("apply").status == 0
    (first,) = acme.live()
    shutil.rmtree(acme.root / ".provision")
    assert acme.run("rotate", "--due").status == 0
    assert set(acme.live()) == {first}, "it is taken for what it is, and no other is made"
    assert acme.run("rotate", "deploy-bot").status == 0
    time.sleep(1.1)
    ran = acme.run("expire")
    assert ran.status == 0 and f"{first} is switched off" in ran.out
    assert acme.live()[first] is False and acme.works(*pair(acme.in_file("bot.json")))


def test_no_key_is_made_for_a_user_that_is_not_known_to_be_the_bots(acme: Company) -> None:
    acme.declare(LOCAL)
    acme.aws.client("iam", ACCOUNT).create_user(UserName=BOT)
    ran = acme.run("rotate", "--due")
    assert ran.status == 8 and "carries no mark of ours" in ran.err
    assert acme.live() == {} and acme.in_file("bot.json") is None


def test_nothing_is_made_for_a_place_on_a_target_that_is_only_told_of(acme: Company) -> None:
    acme.declare(
        LOCAL, "{to: still/secrets/bot}", more=f'  still: {{provider: aws-iam, account: "{ACCOUNT}", mode: report}}'
    )
    ran = acme.run("apply")
    assert ran.status == 0 and "[delivery-report-only]" in ran.err and acme.live() == {}, ran.out + ran.err
    assert acme.run("rotate", "--due").status == 0
    assert acme.live() == {} and acme.in_secrets_manager("bot") is None


def test_what_ends_credentials_has_nothing_to_say_of_one_that_is_still_to_be_made(acme: Company) -> None:
    """Its account is made by an apply that is to come."""
    acme.declare(LOCAL)
    ran = acme.run("expire")
    assert ran.status == 0 and "not done" not in ran.err, ran.out + ran.err
    assert acme.run("apply").status == 0 and acme.run("rotate", "deploy-bot").status == 0
    time.sleep(1.1)
    assert "is switched off" in acme.run("expire").out, "what is over is ended"


def test_a_run_that_loses_its_lock_says_what_it_had_done(acme: Company, capsys: pytest.CaptureFixture[str]) -> None:
    acme.declare(LOCAL)
    assert acme.run("apply").status == 0
    opened = open_work(Wanted(Path("access"), planning=False))
    lock, wanted = Lost(2), slots(opened.declared, opened.targets, datetime.now(UTC))
    with pytest.raises(ProvisionError):
        rotate_all(opened, wanted, run_info(opened, "rotate"), cast(Lock, lock), Chosen(anew=True))
    assert "is made" in capsys.readouterr().out and len(acme.live()) == 2
    assert acme.run("rotate", "--due").status == 0, "and the next one goes on"


@dataclass
class Lost:
    """Of a lock that somebody takes over before the intent of that number."""

    left: int

    def lost(self) -> Diagnostic | None:
        self.left -= 1
        return None if self.left > 0 else Diagnostic("lock-lost", "somebody took it over")


def test_no_process_is_started_with_a_secret_in_its_arguments_or_environment(acme: Company) -> None:
    acme.declare(LOCAL, MANAGER)
    started: list[tuple[Any, ...]] = []
    listening = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "subprocess.Popen":
            started.append(arguments)

    sys.addaudithook(hook)
    assert acme.run("apply").status == 0
    assert acme.run("rotate", "deploy-bot").status == 0
    listening = False
    acme.live()
    assert started, "git is asked about the files"
    told = repr(started)
    assert len(acme.secrets) == 2 and not [s for s in acme.secrets.values() if s in told]
    assert not [s for s in acme.secrets.values() if s in repr(dict(os.environ))]


def test_what_cannot_be_is_told_by_validate(acme: Company) -> None:
    acme.declare(
        LOCAL,
        "{to: local/bot.json}",
        "{to: local/../bot.json}",
        "{to: aws/bot}",
        "{to: aws/secrets/bot, as: {login: A}}",
    )
    ran = acme.run("validate", "--format", "json")
    codes = {d["code"] for d in json.loads(ran.out)["diagnostics"]}
    assert {"delivery-place"} <= codes and ran.status == 1
    acme.declare("{to: aws/secrets/bot, as: {login: A}}")
    assert _codes(acme) == {"delivery-names"}
    acme.declare()
    assert _codes(acme) == {"delivery-missing"}


def _codes(acme: Company) -> set[str]:
    return {d["code"] for d in json.loads(acme.run("validate", "--format", "json").out)["diagnostics"]}


def test_where_a_place_joins_that_is_only_told_of_what_is_over_is_ended_all_the_same(acme: Company) -> None:
    there = f'  still: {{provider: aws-iam, account: "{ACCOUNT}"}}'
    acme.declare(LOCAL, "{to: still/secrets/bot}", more=there)
    assert acme.run("apply").status == 0
    (first,) = acme.live()
    assert acme.run("rotate", "deploy-bot").status == 0
    acme.declare(LOCAL, "{to: still/secrets/bot}", more=there.replace("}", ", mode: report}"))
    time.sleep(1.1)
    ran = acme.run("expire")
    assert ran.status == 0 and acme.live()[first] is False, ran.out + ran.err
    assert "none is made, a place of it is in mode `report`" in acme.run("rotate").out


def test_what_may_be_all_that_works_for_a_place_is_kept_and_the_run_says_what_to_do(acme: Company) -> None:
    acme.declare(LOCAL)
    assert acme.run("apply").status == 0
    (first,) = acme.live()
    assert acme.run("rotate", "deploy-bot").status == 0
    (acme.local / "bot.json").unlink()
    time.sleep(1.1)
    ran = acme.run("rotate", "--due")
    assert ran.status == 8 and f"{first} may be all that works for local/bot.json" in ran.err, ran.out + ran.err
    assert acme.live()[first], "nobody but its owner knows whether somebody uses it"
    acme.aws.client("iam", ACCOUNT).update_access_key(UserName=BOT, AccessKeyId=first, Status="Inactive")
    time.sleep(1.1)
    while (ran := acme.run("rotate", "--due")).status == 8 and "no room" in ran.err and first in acme.live():
        time.sleep(0.5)
    assert ran.status == 0 and first not in acme.live(), ran.out + ran.err
    assert acme.works(*pair(acme.in_file("bot.json")))


def test_a_key_that_was_switched_off_does_not_go_on_working_in_what_is_said(acme: Company) -> None:
    acme.declare(LOCAL)
    assert acme.run("apply").status == 0
    (first,) = acme.live()
    acme.aws.client("iam", ACCOUNT).update_access_key(UserName=BOT, AccessKeyId=first, Status="Inactive")
    (acme.local / ".bot.json.0.new").mkdir()
    ran = acme.run("rotate", "--due")
    assert ran.status == 8 and "and there is no other that works" in ran.err, ran.out + ran.err
