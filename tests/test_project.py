"""The frame of the project: what the wheel carries, what the lock pins, what CI may do, which imports are refused."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import provisioner
from provisioner.sandbox.schemes import EXAMPLES
from tests.rigs.need import need

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- the wheel ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    unpacked = folder / "site"
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_wheel_carries_the_sample_tree_and_finds_it(wheel: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from provisioner.sandbox.sample import sample_tree; print(sample_tree())"],
        cwd=wheel.parent,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = Path(result.stdout.strip())
    assert found == wheel / "provisioner" / "sample_access"
    assert files_below(found) == files_below(ROOT / "access") != {}


def test_wheel_carries_the_worked_examples_and_finds_them(wheel: Path) -> None:
    for name in EXAMPLES:
        look = f"from provisioner.sandbox.sample import example_tree; print(example_tree({name!r}))"
        result = subprocess.run(
            [sys.executable, "-c", look],
            cwd=wheel.parent,
            env={**os.environ, "PYTHONPATH": str(wheel)},
            capture_output=True,
            text=True,
            check=True,
        )
        found = Path(result.stdout.strip())
        assert found == wheel / "provisioner" / "examples" / name
        assert files_below(found) == files_below(ROOT / "docs" / "examples" / name) != {}


def test_wheel_carries_the_package_its_license_and_nothing_else(wheel: Path) -> None:
    assert (wheel / "provisioner" / "py.typed").is_file()
    assert list(wheel.glob("*.dist-info/licenses/LICENSE"))
    assert {p.name for p in wheel.iterdir() if not p.name.endswith(".dist-info")} == {"provisioner"}


def test_versions_agree(wheel: Path) -> None:
    metadata = Parser().parsestr(next(wheel.glob("*.dist-info/METADATA")).read_text(encoding="utf-8"))
    changelog = re.search(r"^## (\S+)", (ROOT / "docs/changelog.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert changelog is not None
    assert metadata["Version"] == provisioner.__version__ == changelog[1]


# --- the lock ----------------------------------------------------------------------------------------------------


def locked() -> dict[str, tuple[str, list[str]]]:
    """Package -> version and hashes, as `requirements.lock` has them (one record for each requirement)."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, tuple[str, list[str]]] = {}
    for line in text.splitlines():
        if line and not line.lstrip().startswith("#"):
            requirement, *hashes = line.split("--hash=")
            pin = Requirement(requirement.strip())
            (specifier,) = pin.specifier
            assert specifier.operator == "=="
            found[canonicalize_name(pin.name)] = (specifier.version, [h.strip() for h in hashes])
    return found


def test_every_locked_package_has_hashes_and_the_lock_names_no_host() -> None:
    assert all(hashes and all(h.startswith("sha256:") for h in hashes) for _, hashes in locked().values())
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host|@ ", _lock_text())


def _lock_text() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_lock_fits_the_ranges_of_every_extra() -> None:
    project = pyproject()["project"]
    extras = project["optional-dependencies"]
    wanted = [Requirement(r) for r in (*project["dependencies"], *(r for rs in extras.values() for r in rs))]
    versions = {name: version for name, (version, _) in locked().items()}
    outside = [
        str(r)
        for r in wanted
        if r.name != project["name"] and not r.specifier.contains(versions.get(canonicalize_name(r.name), "0"))
    ]
    assert outside == [], "run `bash .ci/lock`"


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    project = pyproject()["project"]
    extras = project["optional-dependencies"]
    wanted = [Requirement(r) for r in (*project["dependencies"], *(r for rs in extras.values() for r in rs))]
    own = [r for r in wanted if r.name == project["name"]]
    assert all({s.operator for s in r.specifier} == {">=", "<"} for r in wanted if r not in own)
    assert {e for r in own for e in r.extras} <= set(extras)


# --- set-up and CI -----------------------------------------------------------------------------------------------


def setup(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(ROOT / ".ci/setup"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_readme_has_the_two_commands_and_ci_runs_the_second() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert "bash .ci/setup demo\n" in blocks
    assert "bash .ci/setup test\n" in blocks
    assert (ROOT / ".ci/run").read_text(encoding="utf-8").endswith("export CI=true\nexec bash .ci/setup test\n")


def test_setup_refuses_a_python_that_is_too_old_or_missing(tmp_path: Path) -> None:
    old = tmp_path / "python3.10"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    for python in (str(old), str(tmp_path / "absent")):
        result = setup("demo", PYTHON=python)
        assert result.returncode == 1
        assert f"PYTHON={python} is not a Python 3.11 or later" in result.stderr


def test_setup_without_a_task_says_how_it_is_used() -> None:
    result = setup()
    assert result.returncode == 64
    assert "usage: bash .ci/setup demo | bash .ci/setup test" in result.stderr


def test_missing_service_fails_in_ci_and_skips_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="slapd is not here"):
        need("slapd is not here")
    need(None)
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="slapd is not here"):
        need("slapd is not here")


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").glob("*.y*ml")), ids=lambda p: p.name)
def test_workflow_starts_with_no_permission_and_pins_every_action(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())
    uses = re.findall(r"uses:\s*(.*)", text)
    assert uses
    ours = [use for use in uses if use.startswith("$/")]
    assert all((ROOT / use[2:] / "action.yml").is_file() for use in ours)
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use) for use in uses if use not in ours)


def test_every_page_is_listed_in_the_index() -> None:
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text(encoding="utf-8")
    pages = {str(p.relative_to(docs)) for p in docs.rglob("*.md")} - {"index.md"}
    assert pages == {link for link in re.findall(r"\]\(([^)#]+\.md)", index) if not link.startswith("..")}


# --- imports -----------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the package and its import contracts, to be broken."""
    shutil.copytree(ROOT / "provisioner", tmp_path / "provisioner", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [str(SCRIPTS / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("model/wrong.py", "import yaml", "no SDK, HTTP or YAML BROKEN"),
        ("plan/wrong.py", "def f():\n    import boto3", "no SDK, HTTP or YAML BROKEN"),
        ("model/wrong.py", "import provisioner.plan", "rooms on one line do not know each other BROKEN"),
        ("resolve/wrong.py", "import provisioner.plan", "rooms on one line do not know each other BROKEN"),
        ("providers/ldap/wrong.py", "import provisioner.providers.aws_iam", "No provider knows another BROKEN"),
        ("plan/wrong.py", "import provisioner.providers.catalog", "Only cli picks providers BROKEN"),
        ("sandbox/wrong.py", "import provisioner.model", "shares no code with the converter it tests BROKEN"),
        ("utils.py", "", "is marked as 'exhaustive'"),
    ],
)
def test_a_wrong_import_is_refused(checkout: Path, module: str, line: str, contract: str) -> None:
    path = checkout / "provisioner" / module
    path.write_text(line + "\n", encoding="utf-8")
    result = lint_imports(checkout)
    assert result.returncode == 1
    output = " ".join(result.stdout.split())
    assert contract in output
    assert path.stem in output


@pytest.mark.parametrize("contract", ["pure", "sandbox"])
def test_every_room_that_exists_is_under_its_contract(contract: str) -> None:
    """A forbidden contract cannot name a room that is not there yet, so this one asks for it once it is."""
    contracts = {c["id"]: c for c in pyproject()["tool"]["importlinter"]["contracts"]}
    rooms = {"pure": ("model", "resolve", "plan", "guardrails"), "sandbox": ("sandbox",)}[contract]
    there = {f"provisioner.{room}" for room in rooms if (ROOT / "provisioner" / room).is_dir()}
    assert there <= set(contracts[contract]["source_modules"])


def test_every_folder_of_code_is_a_package() -> None:
    """import-linter does not see modules in a folder without `__init__.py`, so no contract would hold them."""
    folders = {p.parent for p in (ROOT / "provisioner").rglob("*.py")}
    assert [str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").is_file()] == []
