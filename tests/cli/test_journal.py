"""`provision journal`: what was done and by whom, and proof that nobody edited it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.records.folder import FolderStore
from provisioner.records.journal import Journal
from provisioner.records.run import RunInfo
from tests.builders import NOW
from tests.cli.conftest import Repository
from tests.cli.test_help import shown_in_docs
from tests.cli.test_locking import other

T = "corp-ldap"


@pytest.fixture
def history(repository: Repository) -> Repository:
    """Two people came, one left."""
    assert repository.run("apply").status == 0
    repository.leave("ada")
    repository.commit()
    assert repository.run("apply").status == 0
    return repository


def chain(repository: Repository) -> Path:
    return repository.root / ".provision/journal" / T


def records(repository: Repository) -> list[Path]:
    return sorted(chain(repository).glob("*.json"))


def test_show_tells_run_by_run_what_became_of_every_change(history: Repository) -> None:
    told = history.run("journal", "show")
    assert told.status == 0 and told.err == ""
    assert told.out.count("`apply` of ") == 2
    assert "done         create corp-ldap:account/grace of grace" in told.out
    assert "done         revoke corp-ldap:membership/developers/ada of ada" in told.out
    assert "in order     corp-ldap: nothing was left to do" in told.out
    assert "no outcome" not in told.out


def test_show_by_person(history: Repository) -> None:
    told = history.run("journal", "show", "--person", "ada").out
    assert "membership/developers/ada" in told and "grace of grace" not in told
    assert history.run("journal", "show", "--person", "nobody").out == "The journal has nothing of that.\n"


def test_show_by_time_and_target(history: Repository) -> None:
    assert history.run("journal", "show", "--until", "2020-01-01").out == "The journal has nothing of that.\n"
    assert "account/grace" in history.run("journal", "show", "--since", "2020-01-01T00:00:00Z", "--target", T).out
    wrong = history.run("journal", "show", "--target", "corp")
    assert wrong.status == 64 and "the chains are corp-ldap" in wrong.err
    assert history.run("journal", "show", "--since", "yesterday").status == 64


def test_show_as_json(history: Repository) -> None:
    told = json.loads(history.run("journal", "show", "--format", "json", "--person", "ada").out)
    assert told["format"] == "provision.journal-show/1"
    kinds = {r["kind"] for r in told["records"]}
    assert kinds == {"intent", "outcome"}
    assert all(c["identity"] == "ada" for r in told["records"] for c in [*r.get("changes", []), *r.get("results", [])])
    assert {"run", "who", "trigger", "revision", "tree", "plan", "hash"} <= set(told["records"][0])


def test_an_intent_without_an_outcome_is_told(history: Repository) -> None:
    records(history)[-1].unlink()  # in order
    records(history)[-1].unlink()  # the last outcome
    assert "no outcome   " in history.run("journal", "show").out


def test_verify_proves_the_chain_and_that_its_end_is_there(history: Repository) -> None:
    number, head = Journal(FolderStore(history.root / ".provision")).chain(T).head()
    told = history.run("journal", "verify", "--head", str(head))
    assert told.status == 0 and told.err == ""
    assert f"{T}: {number} records, 1 to {number}, hold together" in told.out
    assert f"the head that was asked for is record {number}\n" in told.out
    records(history)[-1].unlink()
    assert history.run("journal", "verify").status == 0  # a cut tail does not show by itself
    told = history.run("journal", "verify", "--head", str(head))
    assert told.status == 1 and "error[journal-cut]" in told.err


def test_verify_reads_a_copy_without_access_files(history: Repository, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (history.root / ".provision").rename(copy)
    history.env.chdir(tmp_path)
    assert history.run("journal", "verify", "--journal", str(copy)).status == 0
    assert "account/grace" in history.run("journal", "show", "--journal", "copy").out


def test_verify_goes_on_beside_a_run(history: Repository) -> None:
    with other(history):
        assert history.run("journal", "verify").status == 0
        assert history.run("journal", "show").status == 0


def test_verify_names_the_record_that_is_missing(history: Repository) -> None:
    records(history)[2].unlink()
    told = history.run("journal", "verify")
    assert told.status == 1 and "record 3 of corp-ldap" in told.err and "it is missing" in told.err
    assert "cannot be trusted" in told.out


def test_verify_names_the_record_that_is_in_the_wrong_place(history: Repository) -> None:
    third, fourth = records(history)[2:4]
    third.write_bytes(fourth.read_bytes())
    told = history.run("journal", "verify")
    assert told.status == 1 and "record 3 of" in told.err and "in the wrong place" in told.err


def test_verify_names_the_record_that_was_made_anew(history: Repository) -> None:
    """Whole and consistent in itself, but not what stood there."""
    place = records(history)[2]
    place.unlink()
    forged = Journal(FolderStore(history.root / "forged")).chain(T)
    for _ in range(3):
        forged.append("outcome", {"step": "write", "results": []}, run=RunInfo("r", "eve"), at=NOW)
    place.write_bytes((history.root / f"forged/journal/{T}/00000003.json").read_bytes())
    told = history.run("journal", "verify")
    assert told.status == 1 and "record 3 of" in told.err and "does not follow" in told.err


def test_verify_tells_a_torn_end_and_a_lost_beginning(history: Repository) -> None:
    last = records(history)[-1]
    last.write_bytes(last.read_bytes()[:-20])
    told = history.run("journal", "verify")
    assert told.status == 0 and "warning[journal-torn]" in told.err
    for place in records(history)[:2]:
        place.unlink()
    assert history.run("journal", "verify").status == 0  # archived: a later record carries the sum
    for place in records(history)[:-2]:
        place.unlink()
    told = history.run("journal", "verify")
    assert told.status == 1 and "begins with record" in told.err


def test_recover_without_doubts_says_so_and_takes_the_lock(history: Repository) -> None:
    told = history.run("journal", "recover")
    assert (told.status, told.out) == (0, "No change is in doubt.\n")
    with other(history):
        assert history.run("journal", "recover").status == 6


def test_recover_settles_what_a_run_that_died_had_begun(history: Repository) -> None:
    records(history)[-1].unlink()
    records(history)[-1].unlink()
    told = history.run("journal", "recover")
    assert told.status == 0, told.err
    assert "settled, 0 left open" in told.out and "looked: done" in told.err
    assert "no outcome" not in history.run("journal", "show").out
    assert history.run("journal", "recover").out == "No change is in doubt.\n"


def test_what_cannot_be_looked_at_is_left_open(history: Repository) -> None:
    records(history)[-1].unlink()
    records(history)[-1].unlink()
    history.env.setenv("LDAP_URL", "ldap://127.0.0.1:9")
    told = history.run("journal", "recover")
    assert told.status == 5 and "stay in doubt" in told.err


@pytest.mark.parametrize("command", ["show", "verify", "recover", "export"])
def test_each_part_is_documented(command: str, repository: Repository) -> None:
    told = repository.run("journal", command, "--help")
    assert told.status == 0 and shown_in_docs(f"provision journal {command} --help") == told.out


def test_a_slip_of_the_pen_in_the_place_is_not_an_empty_journal(history: Repository) -> None:
    for command in ("verify", "show", "export"):
        told = history.run("journal", command, "--journal", "/nonexistent/journal")
        assert told.status == 64 and "there is no journal in /nonexistent/journal" in told.err
    assert history.run("journal", "verify", "--journal", str(history.root / ".provision")).status == 0


@pytest.mark.parametrize("head", ["12", "sha256:12", "f" * 64, "latest"])
def test_what_is_no_hash_is_wrong_usage(history: Repository, head: str) -> None:
    ran = history.run("journal", "verify", "--head", head)
    assert ran.status == 64 and "is not the hash of a record" in ran.err
