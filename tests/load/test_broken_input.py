"""One small broken file for each kind of broken input, with the code and the exact place that it is told at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.load import limits, ordinary
from provisioner.load.nodes import Tree, read_with_care
from provisioner.model.instant import format_instant
from tests.load.kinds import BASE, KINDS
from tests.load.tiny import load, told


@pytest.mark.parametrize("kind", KINDS)
def test_broken_input_is_told_where_it_stands(kind: str) -> None:
    text, expected = KINDS[kind]
    loaded = load(text, BASE)
    assert told(loaded) == expected
    for diagnostic in loaded.diagnostics:
        assert diagnostic.message, diagnostic
        assert diagnostic.why or diagnostic.code.startswith("tiny-"), diagnostic
        assert diagnostic.fix or diagnostic.code.startswith("tiny-"), diagnostic
        assert all(c.isprintable() for c in diagnostic.message + diagnostic.why + diagnostic.fix), diagnostic


def test_the_base_of_these_tests_is_sound() -> None:
    assert told(load(BASE)) == []


OVER: dict[str, tuple[str, str, str]] = {
    "file": ("people: {}\n# " + "x" * limits.FILE_BYTES, "file-too-big", "1,048,576"),
    "depth": ("people: " + "[" * 70 + "]" * 70, "too-deep", "64"),
    "brackets": ("people: " + "[" * 100_000, "too-deep", "64"),
    "block-depth": ("people:\n" + "".join(" " * n + "a:\n" for n in range(1, 200)), "too-deep", "64"),
    "explicit-keys": ("? " * 100_000, "too-deep", "64"),
    "values": ("people: [" + "a," * 250_000 + "]", "too-many-values", "200,000"),
    "values-in-many-lists": ("people: [" + "[a,a]," * 150_000 + "]", "too-many-values", "200,000"),
    "scalar": ("people: {bob: {name: '" + "x" * 9000 + "'}}", "value-too-long", "8,192 bytes: 9,000"),
    "scalar-of-wide-characters": ("people: {bob: {name: " + "ü" * 4200 + "}}", "value-too-long", "8,192 bytes: 8,400"),
    "aliases": (
        "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
        "expands-too-far",
        "10,000",
    ),
}


@pytest.mark.parametrize("kind", OVER)
def test_what_is_over_a_limit_is_refused_and_both_numbers_are_told(kind: str) -> None:
    text, code, numbers = OVER[kind]
    (diagnostic,) = load(text).diagnostics
    assert diagnostic.code == code
    assert numbers in diagnostic.message


def test_aliases_below_the_limit_are_fine() -> None:
    loaded = load("people:\n  bob: {roles: &all [everyone]}\n  zoe: {roles: *all}\nroles:\n  everyone: {}\n")
    assert told(loaded) == []
    assert [held.role for held in loaded.declared.identities["zoe"].roles] == ["everyone"]


@pytest.mark.parametrize(
    "text",
    [
        "people:\r\n  bob: {name: Bob}\r\n",
        "people:   \n  bob: {name: Bob}   \n\n\n",
        "people:\n  bob: {name: Bob}",
        "---\npeople:\n  bob: {name: Bob}\n...\n",
        "%YAML 1.2\n---\npeople:\n  bob: {name: Bob}\n",
    ],
)
def test_line_ends_trailing_spaces_and_missing_last_line_end_are_fine(text: str) -> None:
    loaded = load(text)
    assert told(loaded) == []
    assert loaded.declared.identities["bob"].name == "Bob"


def test_two_mistakes_in_two_files_are_told_in_one_run() -> None:
    loaded = load("people:\n  bob: {roles: [developr]}\n", "people:\n  zoe: {emial: x\n", BASE)
    assert told(loaded) == ["1.yaml:2:17 unknown-role", "2.yaml:2:8 yaml-syntax"]


def test_what_a_broken_file_seems_to_declare_is_not_told_as_unknown() -> None:
    loaded = load("people:\n  bob: {roles: [tester]}\n", "roles:\n  tester: {includes: [}\n")
    assert told(loaded) == ["2.yaml:2:22 yaml-syntax"]


def test_several_mistakes_in_one_entry_are_all_told() -> None:
    text = "people:\n  bob:\n    emial: x\n    until: 2027-13-01T00:00:00Z\n    roles: [developr, 3]\n"
    assert told(load(text, BASE)) == [
        "1.yaml:3:5 unknown-key",
        "1.yaml:4:12 bad-time",
        "1.yaml:5:13 unknown-role",
        "1.yaml:5:23 unquoted-value",
    ]


def test_a_mistake_repeated_by_instances_is_told_once() -> None:
    instances = "".join(f"      i{n}: {{account: '{n:012}'}}\n" for n in range(30))
    text = f"targets:\n  t:\n    provider: cloud\n    assume_role: plan\n    instances:\n{instances}"
    assert told(load(text)) == ["1.yaml:4:18 wrong-type"]


def test_the_owner_id_is_missed() -> None:
    loaded = load("people: {}\n", records=False)
    assert told(loaded) == ["- no-owner-id"]
    assert loaded.ok


def test_references_to_a_leaver_are_warnings() -> None:
    text = "roles:\n  r: {owners: [linus, grace]}\nguardrails: {break_glass: [linus]}\n"
    assert told(load(text, BASE)) == ["1.yaml:2:16 unknown-owner", "1.yaml:3:28 unknown-person"]
    loaded = load(text, BASE, departed=["linus"])
    assert told(loaded) == ["1.yaml:2:16 departed", "1.yaml:3:28 departed"]
    assert loaded.ok


def test_an_id_with_accents_is_told_without_them() -> None:
    for name, told_id in (("Änna", "anna"), ("prodüktion", "produktion"), ("José María", "jose-maria"), ("李", "")):
        (problem,) = load(f"people: {{{name}: {{}}}}\n").diagnostics
        assert problem.code == "bad-id" and (f"`{told_id}`" in problem.fix if told_id else "`" not in problem.fix)


def test_a_person_who_is_there_is_not_called_gone_where_a_service_is_wanted() -> None:
    text = "people: {bob: {}}\npipelines: {site: {schedules: bob}}\n"
    loaded = load(text, departed=["bob"])  # the history has them, as it has everybody
    assert told(loaded) == ["1.yaml:2:31 unknown-person"]
    assert "bob is a person" in loaded.diagnostics[0].fix


def test_more_problems_than_anybody_reads_are_counted() -> None:
    text = "people:\n" + "".join(f"  p{n}: {{x: 1}}\n" for n in range(1200))
    loaded = load(text)
    assert len(loaded.diagnostics) == 1001
    assert loaded.diagnostics[-1].code == "too-many-problems"
    assert loaded.diagnostics[-1].message.startswith("200 more")


@pytest.mark.parametrize("kind", KINDS)
def test_the_quick_way_takes_no_file_that_is_refused(kind: str) -> None:
    text = KINDS[kind][0]
    if isinstance(text, bytes):
        return
    careful = Tree()
    read_with_care("x", text, careful)
    quick = ordinary.read(text)
    assert quick is None or (careful.problems == [] and quick[0] == careful.root)


def test_a_file_as_people_write_it_goes_the_quick_way() -> None:
    text = "people:\n  bob:\n    name: Bob\n    until: 2031-01-01T00:00:00Z\n    roles:\n      - a\n      - {role: b}\n"
    assert ordinary.read(text) is not None
    assert ordinary.read(text + "    nick: no\n") is None
    assert ordinary.read("a: " + "[" * 59 + "]" * 59) is not None
    assert ordinary.read("".join(" " * n + "a:\n" for n in range(70)) + " " * 70 + "a: x") is None


def test_a_grant_that_is_renewed_is_counted_from_now_and_a_gap_ends_what_is_held_on_end() -> None:
    def problems(*times: tuple[float, float]) -> list[str]:
        days = [tuple(format_instant(now + timedelta(days=day)) for day in one) for one in times]
        lines = [f"{{role: deployer, environments: [production], reason: x, from: {a}, until: {b}}}" for a, b in days]
        return [p.partition(" ")[2] for p in told(load(f"people: {{bob: {{roles: [{', '.join(lines)}]}}}}\n", BASE))]

    now = datetime.now(UTC).replace(microsecond=0)
    assert problems((-6, 1), (0, 6.9)) == []
    assert problems((-20, -13), (-13, -6), (-6, 1)) == []
    assert problems((1, 8), (8.1, 15)) == []
    assert problems((1, 8), (8, 15), (15, 22)) == ["too-long"]
    assert problems((-6, 1), (1, 8)) == ["too-long"]


def test_a_grant_without_a_start_is_counted_from_now() -> None:
    held = "people:\n  bob: {{roles: [{{role: deployer, environments: [production], reason: x, until: {}}}]}}\n"
    assert told(load(held.format("2020-01-01T00:00:00Z"), BASE)) == []
    assert told(load(held.format("2999-01-01T00:00:00Z"), BASE)) == ["1.yaml:2:80 too-long"]
