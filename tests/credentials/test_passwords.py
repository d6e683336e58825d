"""Passwords of a bot in PostgreSQL and in a directory: made, delivered, made anew, killed on the way, and ended."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.credentials.kills import OVERLAP, Point, stage_of_password
from tests.credentials.office import BOT, office
from tests.rigs.openbao import Bao
from tests.rigs.postgres import Postgres
from tests.rigs.slapd import Slapd

NOT_ANSWERED = Point("make", 1, after=True, record=False)
"""The password is set, and the run that drew it dies."""
SET = 2
"""Of the writes of a rotation where there is one at a time: after the note that nobody knows which one holds."""
IN_ONE_PLACE = Point("make", 2, after=True, record=False)


@pytest.mark.parametrize(("system", "point"), [("postgres", NOT_ANSWERED), ("slapd", IN_ONE_PLACE)])
def test_a_rotation_that_is_killed_never_leaves_a_consumer_without_a_password(
    system: str,
    point: Point,
    bao: Bao,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    server: Postgres | Slapd = request.getfixturevalue(system)
    bao.call("DELETE", "secret/metadata/ci/bot")
    with stage_of_password(tmp_path, monkeypatch, server, bao) as play:
        play.play(point)
        assert play.kills == 1 and play.most == 2
        assert len(play.there.keys()) == 1


def test_where_there_is_one_at_a_time_a_delivery_that_fails_is_told_and_the_next_run_makes_another(
    slapd: Slapd, bao: Bao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bao.call("DELETE", "secret/metadata/ci/bot")
    with stage_of_password(tmp_path, monkeypatch, slapd, bao, passwords="one") as play:
        there = play.there
        told = there.run("validate")
        assert told.status == 0 and "warning[credential-gap]" in told.out + told.err
        assert there.working() == ["local", "vault"]
        killed, _ = play.run("rotate", "deploy-bot", at=SET, after=True)
        assert killed and there.working() == [], "the password is set, and the run that drew it dies"
        play.unlock()
        assert there.run("rotate", "--due").status == 0 and there.working() == ["local", "vault"]
        first = there.keys()
        monkeypatch.setenv("BAO_TOKEN", _may_only_read(bao))
        ran = there.run("rotate", "deploy-bot")
        assert ran.status == 8 and "the one before works no more" in ran.err
        assert there.keys() == first and there.working() == []
        monkeypatch.setenv("BAO_TOKEN", bao.token)
        ran = there.run("rotate", "--due")
        assert ran.status == 0, ran.err
        assert there.working() == ["local", "vault"] and len(there.keys()) == 1
        time.sleep(OVERLAP)
        assert there.run("rotate", "--due").out == "Nothing is due.\n"


def test_a_value_that_somebody_adds_while_a_run_is_dead_is_not_called_deleted(
    slapd: Slapd, bao: Bao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bao.call("DELETE", "secret/metadata/ci/bot")
    with stage_of_password(tmp_path, monkeypatch, slapd, bao) as play:
        killed, _ = play.run("rotate", "deploy-bot", at=1)
        assert killed
        play.unlock()
        bot = f"uid={BOT},{slapd.people}"
        with slapd.connection(slapd.admin_dn, slapd.admin_password) as connection:
            connection.modify(bot, {"userPassword": [("MODIFY_ADD", ["by-hand"])]})
        ran = play.there.run("rotate", "--due")
        assert ran.status == 0 and "deleted" not in ran.out, ran.out
        assert "password-1-of-others works, and nothing shows that it is ours" in ran.err
        assert slapd.can_bind(bot, "by-hand") and play.there.working() == ["local", "vault"]


def test_a_service_whose_entry_gets_another_name_has_a_password_under_it(
    slapd: Slapd, bao: Bao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was delivered has the name to bind with in it."""
    bao.call("DELETE", "secret/metadata/ci/bot")
    with office(tmp_path, monkeypatch, slapd, bao, slapd.port) as there:
        assert there.run("apply").status == 0 and there.working() == ["local", "vault"]
        there.edit("  deploy-bot:\n", "  robot:\n    was: [deploy-bot]\n")
        assert "it was delivered with the name deploy-bot" in there.run("plan").out
        ran = there.run("apply")
        assert ran.status == 0, ran.out + ran.err
        assert there.working() == ["local", "vault"], ran.out
        user, _ = there.delivered()["vault"] or ("", "")
        assert user == f"uid=robot,{slapd.people}"
        assert there.run("rotate", "--due").status == 0 and there.working() == ["local", "vault"]


def _may_only_read(bao: Bao) -> str:
    bao.call("PUT", "sys/policies/acl/reads", {"policy": 'path "secret/*" { capabilities = ["read", "list"] }'})
    made = bao.call("POST", "auth/token/create", {"policies": ["reads"]})
    assert made is not None
    return str(made["auth"]["client_token"])
