"""What commands that reach the systems have in common: reading with progress, and telling what is wrong with files."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from provisioner.cli.exit_codes import Exit
from provisioner.cli.feedback import annotate, summarize
from provisioner.cli.options import PlanFormat
from provisioner.cli.output import show, tell
from provisioner.report import diagnostics as report
from provisioner.report import markdown
from provisioner.report.codequality import code_quality
from provisioner.report.colour import palette
from provisioner.report.machine import json_text
from provisioner.report.progress import ProgressLine, is_live
from provisioner.report.sarif import sarif
from provisioner.report.text import COLUMNS as WIDEST

if TYPE_CHECKING:
    from typing import TextIO

    from provisioner.cli.wiring import Work
    from provisioner.load import Loaded
    from provisioner.plan.plan import Plan

_NARROWEST = 60


def progress_line() -> ProgressLine:
    """On stderr: a line that rewrites itself on a terminal, plain lines elsewhere."""
    live = is_live(sys.stderr, os.environ)
    return ProgressLine(tell, live=live, columns=shutil.get_terminal_size().columns)


def columns(stream: TextIO) -> int:
    """How wide to write: as COLUMNS says or the terminal is, and never wider than a plan is in a pipe."""
    told = os.environ.get("COLUMNS", "")
    known = int(told) if told.isdigit() else shutil.get_terminal_size().columns if stream.isatty() else WIDEST
    return min(max(known, _NARROWEST), WIDEST)


def planned(work: Work) -> Plan:
    """Reads every target and plans, telling on stderr what is read."""
    from provisioner.engine import make_plan

    line = progress_line()
    try:
        return make_plan(work.situation, lambda target, words: line(f"{target}: {words}")).plan
    finally:
        line.close()


def tell_invalid(loaded: Loaded, form: PlanFormat = PlanFormat.TEXT) -> Exit:
    """Problems of the files, where a plan was asked for: as data in the formats that machines and forges read."""
    found = loaded.diagnostics
    if form is PlanFormat.JSON:
        show(json_text(report.to_json(found)))
    elif form is PlanFormat.MARKDOWN:
        show(markdown.problems(found))
    elif form is PlanFormat.SARIF:
        show(json_text(sarif(found, "plan", nowhere=loaded.folder)))
    elif form is PlanFormat.CODE_QUALITY:
        show(json_text(code_quality(found, nowhere=loaded.folder)))
    else:
        sources = report.Sources(loaded.files, loaded.folder)
        tell(report.text(found, sources, colours=palette(sys.stderr, os.environ)))
    annotate(found)
    summarize(lambda most: markdown.problems(found, most=most))
    tell(f"{loaded.folder}: {report.count(found)}; nothing was done\n")
    return Exit.FILES
