"""The worked examples of docs/examples, as they are or with one thing changed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from provisioner.load import Loaded, load_access
from provisioner.pipelines import Checked, check
from provisioner.providers import catalog

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@dataclass
class Example:
    """A copy of an example in a folder of its own."""

    root: Path

    def change(self, file: str, old: str, new: str) -> None:
        """Changes the one place where `old` stands."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def line(self, file: str, text: str, nth: int = 1) -> int:
        """The number of the line that holds `text`."""
        lines = (self.root / file).read_text(encoding="utf-8").splitlines()
        found = [number for number, line in enumerate(lines, 1) if text in line]
        assert len(found) >= nth, f"{file} has no line with {text!r}"
        return found[nth - 1]

    def access(self) -> Loaded:
        providers = catalog.all_providers()
        return load_access(self.root / "access", root=self.root, providers=providers, planned=catalog.PLANNED)

    def checked(self, path: str = ".") -> Checked:
        loaded = self.access()
        wrong = [d for d in loaded.diagnostics if d.is_error and d.code != "provider-not-available"]
        assert wrong == []
        declared = loaded.declared
        return check(self.root / path, declared, next(iter(declared.pipelines.data), None))

    def told(self, path: str = ".") -> list[str]:
        """Each problem as `file:line code`."""
        return [
            f"{d.location and d.location.file}:{d.location and d.location.line} {d.code}"
            for d in self.checked(path).diagnostics
        ]


def copy_of(name: str, to: Path) -> Example:
    root = to / name
    shutil.copytree(EXAMPLES / name, root)
    return Example(root)
