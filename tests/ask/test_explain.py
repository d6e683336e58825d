"""Why somebody has something: down to the line, with its end, and what nobody asks for."""

from __future__ import annotations

from datetime import timedelta

from provisioner.ask import explain
from provisioner.model.answer import Explanation, Live
from provisioner.report.answers import explanation as in_words
from provisioner.report.answers_json import explanation_json
from tests.ask.stories import asked, company
from tests.builders import NOW
from tests.worlds import a_role, a_world, account, files, group, held, someone


def told(who: str, *arguments: object, **more: object) -> Explanation:
    where, planned = asked(*arguments, **more)  # type: ignore[arg-type]
    unread = {n: v.failed for n, v in planned.plan.targets.items() if v.failed is not None}
    found = explain(who, where.declared, planned.sides, planned.plan, unread)
    assert found is not None
    return found


def test_each_membership_names_the_path_of_roles_and_both_lines() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"dev": group("ada"), "staff": group()})
    found = told("ada", company())
    rows = {str(h.address): h for h in found.targets[0].holdings}
    assert rows["mem:membership/staff/ada"].because[0].path == ("developer", "everyone")
    assert rows["mem:membership/dev/ada"].live is Live.YES and rows["mem:membership/staff/ada"].live is Live.NO
    text = " ".join(in_words(found).split())
    assert "developer > everyone (access/people/ada.yaml:5:5, access/roles/everyone.yaml:4:7)" in text
    assert "not there yet" in text


def test_what_is_held_and_nobody_asks_for_is_listed() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"dev": group("ada"), "hand-made": group("ada")})
    found = told("ada", company())
    rows = {str(h.address): h for h in found.targets[0].holdings}
    assert not rows["mem:membership/hand-made/ada"].asked
    assert "? member of hand-made" in in_words(found)


def test_an_end_and_a_later_start_are_told() -> None:
    a_world()
    soon, later = NOW + timedelta(days=2), NOW + timedelta(days=9)
    person = someone("ada", held("everyone", until=soon), held("developer", starts=later))
    found = told("ada", company(person))
    text = in_words(found)
    assert "until 2026-11-24 09:00 UTC" in text
    assert "member of dev    begins 2026-12-01 09:00 UTC" in text


def test_a_leaver_is_explained_by_what_they_still_hold() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"dev": group("ada")})
    found = told("ada", company(someone("mia", "everyone")), company())
    assert not found.declared
    text = in_words(found)
    assert "Not declared any more (last in rev1)." in text and "they have left: the next apply removes it" in text


def test_a_target_that_could_not_be_read_is_never_no_access() -> None:
    a_world(down=True)
    found = told("ada", company())
    assert not found.complete
    assert "whether they have an account cannot be told" in in_words(found)
    assert explanation_json(found)["targets"]["mem"]["incomplete"]


def test_another_persons_account_of_that_login_is_not_theirs() -> None:
    a_world(accounts={"ada": account("ada", email="other@example.com")}, groups={"hand-made": group("ada")})
    found = told("ada", company())
    assert found.targets[0].account is None
    assert "mem:membership/hand-made/ada" not in {str(h.address) for h in found.targets[0].holdings}


def test_nobody_is_explained_who_is_nowhere_known() -> None:
    a_world()
    where, planned = asked(company())
    assert explain("zoe", where.declared, planned.sides, planned.plan, {}) is None


def test_an_included_role_in_environments_says_which() -> None:
    a_world()
    roles = [a_role("watcher", ["{environment}-readers"], environments=("dev", "prod"))]
    found = told("ada", files([someone("ada", held("watcher", ["dev"]))], roles))
    assert "watcher in dev" in in_words(found)
