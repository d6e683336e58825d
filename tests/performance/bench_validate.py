"""`validate` beside the least that any such tool must do: CSafeLoader and pydantic over the same files.

    python tests/performance/bench_validate.py [--people 10000] [--repeat 7] [--folder DIR]

Writes a tree of one file a person, then runs both, one after the other and each in a fresh process, and prints the
medians and their ratio. The reference reads, parses and validates with models of the same shape; it keeps no positions,
takes duplicate keys, and looks at no second file. Ours does all that `provision validate` does but printing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROLES, TEAMS = 40, 200


def person(number: int) -> str:
    """About fifteen lines, as people write them."""
    name = f"p{number:06d}"
    account = f"\n      code: {{login: dev-{number}, id: {100000 + number}}}" if number % 3 == 0 else ""
    return f"""\
people:
  {name}:
    name: Ada Byron {number}
    email: {name}@example.com{f"{chr(10)}    until: 2031-01-{1 + number % 28:02d}T17:00:00Z" if number % 5 == 0 else ""}
    accounts:
      cloud: {{login: {name}-x}}{account}
    roles:
      - everyone
      - role-{number % ROLES}
      - role-{(number * 7 + 1) % ROLES}
      - role: deployer
        environments: [production]
        from: 2030-02-0{1 + number % 6}T08:00:00Z
        until: 2030-02-0{1 + number % 6}T18:00:00Z
        reason: CHG-{number}
"""


def common() -> str:
    """Roles, environments and targets, once."""
    lines = ["roles:", "  everyone: {grants: {corp: {groups: [everyone]}}}"]
    lines.append("  deployer: {environments: [production], grants: {cloud: {groups: [Deployers]}}}")
    for n in range(ROLES):
        lines.append(f"  role-{n}:")
        lines.append("    includes: [everyone]")
        lines.append("    environments: [staging, production]")
        lines.append(f"    grants: {{corp: {{groups: [team-{n}, team-{n + ROLES}]}}, code: {{groups: [g{n}]}}}}")
    lines.append("environments:")
    lines.append("  staging: {}")
    lines.append("  production: {protected: true, max_duration: 7d, needs_reason: true}")
    lines.append("targets:")
    lines.append("  corp: {provider: directory, url: ldaps://ldap.example.com}")
    lines.append("  code: {provider: directory, url: ldaps://code.example.com}")
    lines.append("  cloud: {provider: cloud, account: '111111111111'}")
    lines.append("records: {owner: 5f1c0a9e}")
    return "\n".join(lines) + "\n"


def generate(folder: Path, people: int) -> None:
    """The tree, spread over 256 folders; kept if it is there already."""
    stamp = folder / "stamp.json"
    if stamp.exists() and json.loads(stamp.read_text()) == people:
        return
    for shard in range(256):
        (folder / "access" / "people" / f"{shard:02x}").mkdir(parents=True, exist_ok=True)
    for number in range(people):
        (folder / "access" / "people" / f"{number % 256:02x}" / f"p{number:06d}.yaml").write_text(person(number))
    (folder / "access" / "common.yaml").write_text(common())
    stamp.write_text(json.dumps(people))


def reference(folder: Path) -> int:
    """Bare CSafeLoader, then models of the same shape. The collector is left as Python has it, as in any script."""
    import yaml

    from tests.performance import bench_models as models

    shapes: dict[str, Any] = {
        "people": models.Person,
        "roles": models.Role,
        "environments": models.Environment,
        "targets": models.Target,
    }
    kept: list[Any] = []
    for path in sorted((folder / "access").rglob("*.yaml")):
        tree = yaml.load(path.read_bytes(), yaml.CSafeLoader)
        for section, body in tree.items():
            if section == "records":
                kept.append(models.Records.model_validate(body))
            else:
                kept.extend(map(shapes[section].model_validate, body.values()))
    return len(kept)


def ours(folder: Path) -> int:
    """All checks, all positions."""
    from provisioner.load import load_access
    from tests.load.tiny import PROVIDERS

    loaded = load_access(folder / "access", root=folder, providers=PROVIDERS)
    if loaded.diagnostics:
        raise SystemExit(f"the generated tree is not sound: {loaded.diagnostics[0]}")
    return len(loaded.declared.identities)


def measure(which: str, folder: Path) -> tuple[float, float, float]:
    """Seconds of the whole process by the clock, its seconds of CPU, and its peak memory in MiB."""
    code = (
        "import json, sys, resource; sys.path.insert(0, sys.argv[1]);"
        "from pathlib import Path; from tests.performance import bench_validate as b;"
        "n = getattr(b, sys.argv[2])(Path(sys.argv[3])); u = resource.getrusage(resource.RUSAGE_SELF);"
        "print(json.dumps([u.ru_utime + u.ru_stime, u.ru_maxrss / 1024, n]))"
    )
    top = str(Path(__file__).resolve().parents[2])
    began = time.perf_counter()
    out = subprocess.run(
        [sys.executable, "-c", code, top, which, str(folder)], check=True, capture_output=True, text=True
    )
    whole = time.perf_counter() - began
    cpu, memory, _ = json.loads(out.stdout)
    return whole, cpu, memory


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--people", type=int, default=10_000)
    options.add_argument("--repeat", type=int, default=7)
    options.add_argument("--folder", type=Path, help="keep the files here between runs")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        generate(folder, chosen.people)
        found: dict[str, list[tuple[float, float, float]]] = {"reference": [], "ours": []}
        for turn in range(chosen.repeat + 1):
            for which, results in found.items():
                result = measure(which, folder)
                if turn:  # the first warms the disk cache
                    results.append(result)
    medians = {w: [statistics.median(r[i] for r in rs) for i in range(3)] for w, rs in found.items()}
    print(f"{chosen.people:,} people, median of {chosen.repeat}")  # noqa: T201 - a script
    for which, (whole, cpu, memory) in medians.items():
        print(f"{which:10} {whole:7.3f} s  CPU {cpu:7.3f} s  peak {memory:6.0f} MiB")  # noqa: T201
    wall, cpu = (medians["ours"][i] / medians["reference"][i] for i in (0, 1))
    print(f"ratio      {wall:7.2f}    CPU {cpu:7.2f}    (aim: at most 0.75)")  # noqa: T201


if __name__ == "__main__":
    main()
