"""Only regular files that lie in the access folder themselves are read; everything else is told."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from provisioner.load import Loaded, limits, load_access
from provisioner.load.files import find_top
from tests.load.repository import Repository
from tests.load.tiny import PROVIDERS

PEOPLE = "people:\n  ada: {}\nrecords: {owner: 5f1c0a9e}\n"


@pytest.fixture
def access(tmp_path: Path) -> Path:
    folder = tmp_path / "repo" / "access"
    folder.mkdir(parents=True)
    (folder.parent / ".git").mkdir()
    (folder / "people.yaml").write_text(PEOPLE)
    return folder


def _load(access: Path) -> Loaded:
    return load_access(access, providers=PROVIDERS)


def _told(access: Path) -> list[str]:
    return [f"{d.location.file if d.location else '-'} {d.code}" for d in _load(access).diagnostics]


def test_the_base_of_these_tests_is_sound(access: Path) -> None:
    loaded = _load(access)
    assert loaded.diagnostics == ()
    assert loaded.folder == "access"
    assert loaded.files == {"people.yaml": PEOPLE.encode()}


def test_any_folder_below_is_read(access: Path) -> None:
    (access / "teams" / ".hidden").mkdir(parents=True)
    (access / "teams" / ".hidden" / "bob.yaml").write_text("people: {bob: {}}\n")
    assert set(_load(access).declared.identities) == {"ada", "bob"}


def test_places_are_told_from_the_top_of_the_repository(access: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(access)
    loaded = load_access(Path(), providers=PROVIDERS)
    assert str(loaded.declared.identities["ada"].location) == "access/people.yaml:2:3"
    monkeypatch.chdir(access.parent)
    loaded = load_access(Path("access"), providers=PROVIDERS)
    assert str(loaded.declared.identities["ada"].location) == "access/people.yaml:2:3"
    assert find_top(Path("access")) == access.parent


def test_the_whole_repository_can_be_access_files(access: Path) -> None:
    (access / ".git").mkdir()
    loaded = _load(access)
    assert str(loaded.declared.identities["ada"].location) == "people.yaml:2:3"
    assert loaded.line(loaded.declared.identities["ada"].location) == "  ada: {}"


def test_the_line_of_a_place_can_be_shown(access: Path) -> None:
    loaded = _load(access)
    place = loaded.declared.identities["ada"].location
    assert loaded.line(place) == "  ada: {}"
    assert loaded.line(place._replace(line=99)) is None
    assert loaded.line(place._replace(file="access/other.yaml")) is None


@pytest.mark.parametrize("target", ["/etc/passwd", "people.yaml", "nowhere", "../../x.yaml", "/dev/zero"])
def test_links_are_refused(access: Path, target: str) -> None:
    (access / "link.yaml").symlink_to(target)
    assert _told(access) == ["access/link.yaml symlink"]


def test_linked_folders_are_refused(access: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "bob.yaml").write_text("people: {bob: {}}\n")
    (access / "more").symlink_to(tmp_path / "elsewhere")
    loaded = _load(access)
    assert [d.code for d in loaded.diagnostics] == ["symlink"]
    assert set(loaded.declared.identities) == {"ada"}


def test_a_linked_access_folder_is_refused(access: Path) -> None:
    link = access.parent / "linked"
    link.symlink_to(access)
    assert [d.code for d in _load(link).diagnostics][:1] == ["symlink"]


def test_an_access_folder_behind_a_link_in_the_repository_is_refused(access: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "access").mkdir(parents=True)
    (access.parent / "sub").symlink_to(tmp_path / "elsewhere")
    loaded = load_access(access.parent / "sub" / "access", root=access.parent, providers=PROVIDERS)
    assert [d.code for d in loaded.diagnostics][:1] == ["symlink"]


def test_a_repository_behind_a_link_is_fine(access: Path, tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to(access.parent)
    assert _load(tmp_path / "home" / "access").diagnostics == ()


def test_a_pipe_is_refused_and_not_waited_for(access: Path) -> None:
    os.mkfifo(access / "pipe.yaml")
    assert _told(access) == ["access/pipe.yaml not-a-file"]


def test_a_socket_is_refused(access: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(access)  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.yaml")
        assert _told(access) == ["access/s.yaml not-a-file"]


def test_a_submodule_is_refused(access: Path) -> None:
    inner = Repository.at(access / "module")
    inner.write("bob.yaml", "people: {bob: {}}\n")
    inner.commit()
    assert _told(access) == ["access/module submodule"]


def test_names_that_are_one_where_case_is_ignored_are_refused(access: Path) -> None:
    (access / "People.yaml").write_text("people: {bob: {}}\n")
    (access / "Teams").mkdir()
    (access / "teams").mkdir()
    assert _told(access) == ["access/people.yaml path-clash", "access/teams path-clash"]


def test_names_that_are_one_when_composed_are_refused(access: Path) -> None:
    (access / "caf\u00e9.yaml").write_text("people: {bob: {}}\n")
    (access / "cafe\u0301.yaml").write_text("people: {zoe: {}}\n")
    assert _told(access) == ["access/caf\u00e9.yaml path-clash"]


@pytest.mark.parametrize("name", ["a\nb.yaml", "a\u202eb.yaml", "a\u200bb.yaml"])
def test_paths_that_mislead_are_refused_and_shown_escaped(access: Path, name: str) -> None:
    (access / name).write_text("people: {bob: {}}\n")
    loaded = _load(access)
    assert [d.code for d in loaded.diagnostics] == ["bad-path"]
    place = loaded.diagnostics[0].location
    assert place is not None
    assert place.file.isprintable()
    assert set(loaded.declared.identities) == {"ada"}


def test_a_path_that_is_not_utf8_is_refused(access: Path) -> None:
    with open(os.fsencode(access) + b"/b\xf6b.yaml", "w") as file:  # noqa: PTH123 - a name in bytes
        file.write("people: {bob: {}}\n")
    assert [d.code for d in _load(access).diagnostics] == ["bad-path"]


@pytest.mark.parametrize("name", ["bob.yml", "bob.YAML", "bob.Yml"])
def test_another_ending_is_told_with_the_right_one(access: Path, name: str) -> None:
    (access / name).write_text("people: {bob: {}}\n")
    (diagnostic,) = _load(access).diagnostics
    assert diagnostic.code == "wrong-extension"
    assert "`bob.yaml`" in diagnostic.fix


def test_other_files_are_left_alone(access: Path) -> None:
    (access / "README.md").write_text("# who may what\n")
    (access / "CODEOWNERS").write_bytes(b"\xff\xfe")
    assert _told(access) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_told(access: Path) -> None:
    (access / "people.yaml").chmod(0)
    assert _told(access)[0] == "access/people.yaml unreadable-file"


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert _told(tmp_path / "access")[0] == "- no-access-folder"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "access").write_text("people: {}\n")
    assert _told(tmp_path / "access")[0] == "- no-access-folder"


def test_an_empty_folder_never_means_that_all_is_removed(tmp_path: Path) -> None:
    (tmp_path / "access" / "people").mkdir(parents=True)
    assert _told(tmp_path / "access")[-1] == "access nothing-declared"
    assert not _load(tmp_path / "access").ok


def test_a_huge_file_is_refused_unread(access: Path) -> None:
    with (access / "huge.yaml").open("wb") as file:
        file.truncate(1 << 33)
    loaded = _load(access)
    assert [d.code for d in loaded.diagnostics] == ["file-too-big"]
    assert "8,589,934,592" in loaded.diagnostics[0].message


def test_a_folder_over_the_limit_is_refused(access: Path) -> None:
    with (access / "film.bin").open("wb") as file:
        file.truncate(limits.TREE_BYTES + 1)
    assert _told(access)[0] == "access tree-too-big"


def test_folders_nested_too_deep_are_refused(access: Path) -> None:
    (access / "/".join(["d"] * 40)).mkdir(parents=True)
    assert [d.code for d in _load(access).diagnostics] == ["too-deep"]
