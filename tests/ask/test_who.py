"""Who holds a thing, declared and live."""

from __future__ import annotations

from dataclasses import replace

from provisioner.ask import Question, who
from provisioner.ask.who import things
from provisioner.model.answer import Holders, Live
from provisioner.report.answers import holders as in_words
from provisioner.report.answers_json import holders_json
from tests.ask.stories import asked, company
from tests.worlds import a_role, a_target, a_world, account, files, group, held, someone


def answered(question: Question, *arguments: object) -> Holders:
    where, planned = asked(*arguments)  # type: ignore[arg-type]
    unread = {n: v.failed for n, v in planned.plan.targets.items() if v.failed is not None}
    return who(question, where.declared, planned.sides, unread)


def said(found: Holders) -> list[str]:
    return [f"{r.address} {r.live.value} {'asked' if r.asked else 'not asked'}" for r in found.rows]


def test_declared_and_live_holders_stand_side_by_side() -> None:
    a_world(accounts={"ada": account("ada", mark="ada"), "old": account("old")}, groups={"dev": group("ada", "old")})
    found = answered(Question("dev"), company())
    assert said(found) == ["mem:membership/dev/ada yes asked", "mem:membership/dev/old yes not asked"]
    text = in_words(found)
    assert "member of dev: 2 holders" in text and "not known to the files" not in text.split("old")[0]


def test_a_declared_holder_who_is_not_there_yet_is_listed() -> None:
    a_world()
    found = answered(Question("membership/dev"), company())
    assert said(found) == ["mem:membership/dev/ada no asked"]
    assert found.rows[0].live is Live.NO


def test_a_role_keeps_what_is_held_because_of_it() -> None:
    a_world()
    found = answered(Question(role="developer"), company())
    assert said(found) == ["mem:membership/dev/ada no asked", "mem:membership/staff/ada no asked"]


def test_an_environment_keeps_what_is_labelled_with_it() -> None:
    a_world()
    target = a_target(objects={"groups": {"vault": {}}}, object_environments={("groups", "vault"): "prod"})
    roles = [a_role("guard", ["vault", "staff"], environments=("prod",))]
    found = answered(Question(environment="prod"), files([someone("ada", held("guard", ["prod"]))], roles, [target]))
    assert said(found) == ["mem:membership/vault/ada no asked"]


def test_the_source_that_a_person_came_from_is_named_and_which_role_it_gave() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"dev": group("ada"), "staff": group("ada")})
    ada = replace(someone("ada", held("developer")._replace(source="corp"), "everyone"), sources=("corp",))
    found = answered(Question("dev"), company(ada, someone("mia", "developer")))
    text = in_words(found)
    assert "known from corp; developer (from corp) (" in text
    assert text.count("from corp") == 2 and "mia" in text
    told = {h["identity"]: (h["known_from"], [b["from"] for b in h["because"]]) for h in holders_json(found)["holders"]}
    assert told == {"ada": (["corp"], ["corp"]), "mia": ([], [None])}


def test_without_a_thing_accounts_are_listed_too() -> None:
    a_world(accounts={"stray": account("stray")})
    text = in_words(answered(Question(), company()))
    assert "account: 3" in text and "? stray  nobody declares it" in text


def test_a_target_that_is_down_is_named_and_not_nobody() -> None:
    a_world(down=True)
    found = answered(Question("dev"), company())
    assert holders_json(found)["incomplete"].keys() == {"mem"}
    assert "mem was not read completely" in in_words(found)


def test_what_a_short_reading_does_not_show_is_unknown_and_not_absent() -> None:
    a_world(groups={f"g{n}": group() for n in range(6)}, cut_after=2)
    where, planned = asked(company())
    unproven = {name: replace(side, proven_absent=frozenset()) for name, side in planned.sides.items()}
    assert [r.live for r in who(Question("dev"), where.declared, planned.sides, {}).rows] == [Live.NO]  # looked up
    found = who(Question("dev"), where.declared, unproven, {})
    assert [r.live for r in found.rows] == [Live.UNKNOWN]
    assert "whether it is there could not be read" in in_words(found)


def test_things_are_what_a_typo_is_held_against() -> None:
    a_world(groups={"hand-made": group()})
    _, planned = asked(company())
    assert {"dev", "staff", "hand-made"} <= things(planned.sides)
