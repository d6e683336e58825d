"""`plan --change`: what a merge would do, planned from git's objects, with nothing of the change on the disk."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import COMMON, Repository

LATER = COMMON.replace("roles:\n", "roles:\n  auditor: {owners: [grace]}\n")


@pytest.fixture
def reviewed(repository: Repository) -> Repository:
    """Applied as it is; a branch `change` with `zoe`, and `main` checked out again."""
    assert repository.run("apply").status == 0
    repository.git("checkout", "--quiet", "-b", "change")
    repository.person("zoe")
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    return repository


def addresses(repository: Repository, *more: str) -> set[str]:
    ran = repository.run("plan", "--change", "change", "--format", "json", *more)
    assert ran.status == 0, ran.err
    return {c["address"] for c in json.loads(ran.out)["changes"]}


ZOE = {"corp-ldap:account/zoe", "corp-ldap:membership/developers/zoe"}


def test_a_branch_is_planned_from_git_and_the_working_folder_stays_as_it_is(reviewed: Repository) -> None:
    assert addresses(reviewed) == ZOE
    assert not (reviewed.root / "access/people/zoe.yaml").exists()
    assert reviewed.git("status", "--porcelain", "--", "access") == ""


def test_the_plan_names_the_commit_of_the_change_and_the_tree_of_the_merge(reviewed: Repository) -> None:
    found = json.loads(reviewed.run("plan", "--change", "change", "--format", "json").out)
    assert found["revision"] == reviewed.git("rev-parse", "change")
    assert found["tree"] == reviewed.git("rev-parse", "change:access")


def test_what_was_merged_meanwhile_is_not_taken_back(reviewed: Repository) -> None:
    reviewed.person("mia")
    reviewed.commit()
    assert reviewed.run("apply").status == 0
    assert addresses(reviewed) == ZOE  # and not: mia leaves, whom the branch does not have


def test_who_left_on_the_branch_leaves(reviewed: Repository) -> None:
    reviewed.git("checkout", "--quiet", "change")
    reviewed.leave("ada")
    reviewed.commit()
    reviewed.git("checkout", "--quiet", "main")
    assert {"corp-ldap:account/ada", "corp-ldap:membership/developers/ada"} <= addresses(reviewed)


def test_a_change_that_git_cannot_merge_says_so(reviewed: Repository) -> None:
    reviewed.write("access/people/zoe.yaml", "people: {zoe: {name: Other, email: o@example.com, roles: []}}\n")
    reviewed.commit()
    ran = reviewed.run("plan", "--change", "change")
    assert (ran.status, "error[change-not-merged]" in ran.err) == (1, True)


def test_a_change_that_is_not_here_says_how_to_get_it(reviewed: Repository) -> None:
    ran = reviewed.run("plan", "--change", "4" * 40)
    assert (ran.status, "error[unknown-revision]" in ran.err) == (1, True)


def test_mistakes_of_the_change_are_told_with_their_lines(reviewed: Repository) -> None:
    reviewed.git("checkout", "--quiet", "change")
    reviewed.person("zoe", roles="[develper]")
    reviewed.commit()
    reviewed.git("checkout", "--quiet", "main")
    ran = reviewed.run("plan", "--change", "change")
    assert ran.status == 1
    assert "access/people/zoe.yaml:5:13: error[unknown-role]" in ran.err


@pytest.mark.parametrize("kind", ["link to a file", "link to a folder", "submodule"])
def test_what_is_no_plain_file_is_refused_as_in_a_checkout(reviewed: Repository, kind: str) -> None:
    secret = reviewed.root.parent / "secret.yaml"
    secret.write_text("people: {eve: {name: Eve, email: e@example.com, roles: [developer]}}\n")
    reviewed.git("checkout", "--quiet", "change")
    place = reviewed.root / "access/people/extra.yaml"
    if kind == "submodule":
        reviewed.git("update-index", "--add", "--cacheinfo", f"160000,{'4' * 40},access/people/extra")
    else:
        place.symlink_to(secret if kind == "link to a file" else secret.parent)
        reviewed.git("add", "--all")
    reviewed.git("commit", "--quiet", "--message", "extra")
    reviewed.git("checkout", "--quiet", "--force", "main")
    ran = reviewed.run("plan", "--change", "change")
    assert ran.status == 1
    assert ("error[submodule]" if kind == "submodule" else "error[symlink]") in ran.err
    assert "eve" not in ran.err + ran.out


def test_nothing_that_the_change_configures_for_git_takes_part(reviewed: Repository, tmp_path: Path) -> None:
    trace = tmp_path / "called"
    reviewed.git("config", "filter.evil.smudge", f"touch {trace}; cat")
    reviewed.git("config", "filter.evil.clean", "cat")
    reviewed.git("checkout", "--quiet", "change")
    reviewed.write(".gitattributes", "access/** filter=evil\n")
    reviewed.commit()
    reviewed.git("checkout", "--quiet", "main")
    trace.unlink(missing_ok=True)
    assert addresses(reviewed) == ZOE
    assert not trace.exists()


def test_a_change_that_points_a_target_at_its_authors_server_does_not_reach_it(reviewed: Repository) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port, called, over = server.getsockname()[1], [], threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connection, peer = server.accept()
                except TimeoutError:
                    continue
                called.append(peer)
                connection.close()

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            reviewed.git("checkout", "--quiet", "change")
            here = f'"ldap://127.0.0.1:{port}"'
            new = COMMON.partition("targets:\n")[2].replace("corp-ldap", "new-ldap")
            reviewed.write("access/new.yaml", "targets:\n" + new.replace("{env: LDAP_URL}", here))
            reviewed.write("access/common.yaml", COMMON.replace("{env: LDAP_URL}", here))
            reviewed.commit()
            reviewed.git("checkout", "--quiet", "main")
            ran = reviewed.run("plan", "--change", "change")
        finally:
            over.set()
            listener.join()
    assert ran.status == 0, ran.err
    assert "note[connection-of-base]" in ran.out
    assert "note[planned-after-merge]" in ran.out
    assert called == []


def test_guardrails_are_those_of_the_base(reviewed: Repository) -> None:
    assert reviewed.run("apply").status == 0
    for name in ("kim", "lea", "max"):
        reviewed.person(name)
    reviewed.commit()
    assert reviewed.run("apply").status == 0
    reviewed.git("checkout", "--quiet", "change")
    reviewed.git("merge", "--quiet", "main")
    for name in ("kim", "lea", "max", "ada"):
        reviewed.leave(name)
    reviewed.write("access/guardrails.yaml", "guardrails: {removals: {group: 100, target: 100}}\n")
    reviewed.commit()
    reviewed.git("checkout", "--quiet", "main")
    ran = reviewed.run("plan", "--change", "change")
    assert ran.status == 3
