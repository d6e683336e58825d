"""Offboarding edits exactly one file, and only as far as it must."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from provisioner.diagnostics import ProvisionError
from provisioner.files import offboard
from provisioner.load import Loaded, load_access
from provisioner.providers.memory import PROVIDER

ROLES = "roles:\n  developer:\n    owners: [ada]\n"
SEVERAL = "people:\n  ada:\n    name: Ada\n  mia:\n    name: Mia  # stays\n"


def loaded(root: Path, **files: str) -> Loaded:
    for name, text in files.items():
        path = root / "access" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    return load_access(root / "access", root=root, providers={"memory": PROVIDER})


def told(error: pytest.ExceptionInfo[ProvisionError]) -> str:
    (diagnostic,) = error.value.diagnostics
    return f"{diagnostic.message} {diagnostic.fix}"


def test_a_file_of_their_own_is_deleted(tmp_path: Path) -> None:
    files = loaded(tmp_path, ada="# Ada\npeople:\n  ada:\n    name: Ada\n", roles=ROLES)
    edit = offboard(files, tmp_path / "access", "ada")
    edit.write()
    assert not (tmp_path / "access" / "ada.yaml").exists()
    assert edit.diff()[1] == "+++ /dev/null"
    assert (tmp_path / "access" / "roles.yaml").read_text() == ROLES  # who owns it now is for people to say


def test_a_shared_file_keeps_everybody_else_and_its_mode(tmp_path: Path) -> None:
    files = loaded(tmp_path, people=SEVERAL, roles=ROLES)
    path = tmp_path / "access" / "people.yaml"
    path.chmod(0o640)
    edit = offboard(files, tmp_path / "access", "ada")
    assert edit.diff() == [
        "--- a/access/people.yaml",
        "+++ b/access/people.yaml",
        "@@ -1,5 +1,3 @@",
        " people:",
        "-  ada:",
        "-    name: Ada",
        "   mia:",
        "     name: Mia  # stays",
    ]
    edit.write()
    assert path.read_text() == "people:\n  mia:\n    name: Mia  # stays\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in path.parent.iterdir() if p.name.startswith(".")] == []


def test_a_service_leaves_too(tmp_path: Path) -> None:
    files = loaded(tmp_path, all=SEVERAL + "services:\n  bot:\n    owners: [mia]\n")
    offboard(files, tmp_path / "access", "bot").write()
    assert (tmp_path / "access" / "all.yaml").read_text() == SEVERAL


def test_somebody_unknown_is_answered_with_whom_it_could_be(tmp_path: Path) -> None:
    files = loaded(tmp_path, people=SEVERAL, roles=ROLES)
    with pytest.raises(ProvisionError) as error:
        offboard(files, tmp_path / "access", "adda")
    assert "did you mean `ada` (access/people.yaml:2:3)?" in told(error)


def test_what_cannot_be_cut_is_left_with_a_place_to_go_to(tmp_path: Path) -> None:
    text = "people:\n  ada:\n    roles: &usual [developer]\n  mia:\n    roles: *usual\n"
    files = loaded(tmp_path, people=text, roles=ROLES)
    with pytest.raises(ProvisionError) as error:
        offboard(files, tmp_path / "access", "ada")
    assert "&usual" in told(error)
    assert str(error.value.diagnostics[0].location) == "access/people.yaml:2:3"


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    files = loaded(tmp_path, people=SEVERAL, roles=ROLES)
    edit = offboard(files, tmp_path / "access", "ada")
    path = tmp_path / "access" / "people.yaml"
    path.write_text(SEVERAL + "  zoe: {}\n")
    with pytest.raises(ProvisionError):
        edit.write()
    assert path.read_text() == SEVERAL + "  zoe: {}\n"
