"""`provision check-pipeline`: the CI configuration of a repository against the access files, offline."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, CheckFormat

if TYPE_CHECKING:
    from provisioner.diagnostics import Diagnostic
    from provisioner.load import Loaded
    from provisioner.model.access import DeclaredAccess


def check_pipeline(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A file, or the folder of a repository.", show_default=False)
    ] = Path(),
    access: Access = DEFAULT_ACCESS,
    pipeline: Annotated[
        str | None,
        typer.Option(
            "--pipeline",
            metavar="P",
            help="Which entry of `pipelines` it is; by default the only one, or the one named like the folder.",
        ),
    ] = None,
    form: Annotated[CheckFormat, typer.Option("--format", help="How problems are told.")] = CheckFormat.TEXT,
) -> int:
    """Check CircleCI and GitHub Actions configuration against the access files."""
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.files import blocking, read_files
    from provisioner.cli.output import show, tell
    from provisioner.pipelines import check
    from provisioner.report import diagnostics as report
    from provisioner.report.annotations import github
    from provisioner.report.codequality import code_quality
    from provisioner.report.colour import palette
    from provisioner.report.machine import json_text
    from provisioner.report.sarif import sarif

    loaded = read_files(access)
    declared = blocking(loaded)
    if declared:
        return _not_valid(loaded, declared)
    checked = check(path, loaded.declared, _chosen(loaded.declared, pipeline, path))
    found = checked.diagnostics
    if form is CheckFormat.JSON:
        show(json_text(report.to_json(found)))
    elif form is CheckFormat.SARIF:
        show(json_text(sarif(found, "check-pipeline")))
    elif form is CheckFormat.CODE_QUALITY:
        show(json_text(code_quality(found)))
    else:
        show(report.text(found, report.Sources(checked.files, "."), colours=palette(sys.stdout, os.environ)))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        tell(github(found))
    read = len(checked.files)
    tell(f"{report.count(found)}; {read:,} file{'' if read == 1 else 's'} of CI configuration read\n")
    return Exit.DONE if checked.ok else Exit.FILES


def _not_valid(loaded: Loaded, found: list[Diagnostic]) -> int:
    """Nothing is checked against access files that are wrong themselves."""
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.output import tell
    from provisioner.report import diagnostics as report
    from provisioner.report.colour import palette

    colours = palette(sys.stderr, os.environ)
    tell(report.text(found, report.Sources(loaded.files, loaded.folder), colours=colours))
    tell(f"{loaded.folder}: {report.count(found)}; the pipeline was not checked\n")
    return Exit.FILES


def _chosen(access: DeclaredAccess, pipeline: str | None, path: Path) -> str | None:
    """The pipeline that is meant; None where the files declare none."""
    from provisioner.diagnostics import Diagnostic, ProvisionError
    from provisioner.load.display import several, show
    from provisioner.load.suggest import did_you_mean

    known = sorted(access.pipelines.data)
    if pipeline is not None:
        if pipeline in known:
            return pipeline
        raise ProvisionError(
            Diagnostic(
                "unknown-pipeline",
                f"no pipeline named {show(pipeline)} is declared",
                why="what deploys where is declared under `pipelines:`",
                fix=did_you_mean(pipeline, known) or "declare it, or leave `--pipeline` out",
            )
        )
    if len(known) < 2:
        return known[0] if known else None
    folder = path.absolute().resolve()
    near = [p.name for p in (folder, *folder.parents) if p.name in known]
    if near:
        return near[0]
    raise ProvisionError(
        Diagnostic(
            "which-pipeline",
            f"{several(known)} are declared, and it is not said which one this is",
            why="each has jobs and contexts of its own",
            fix=f"say it: `--pipeline {known[0]}`",
        )
    )
