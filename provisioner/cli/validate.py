"""`provision validate`: the files alone, offline, all problems in one run."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, CheckFormat

if TYPE_CHECKING:
    from provisioner.diagnostics import Diagnostic
    from provisioner.model.access import DeclaredAccess


def validate(
    access: Access = DEFAULT_ACCESS,
    form: Annotated[CheckFormat, typer.Option("--format", help="How problems are told.")] = CheckFormat.TEXT,
) -> int:
    """Check the access files: offline, all problems in one run."""
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.files import read_files
    from provisioner.cli.output import show, tell
    from provisioner.diagnostics import in_order
    from provisioner.report import diagnostics as report
    from provisioner.report.annotations import github
    from provisioner.report.codequality import code_quality
    from provisioner.report.colour import palette
    from provisioner.report.machine import json_text
    from provisioner.report.sarif import sarif

    loaded = read_files(access)
    found = loaded.diagnostics
    ok = loaded.ok
    if ok:
        found = in_order([*found, *_guarded(loaded.declared)])
        ok = not any(d.is_error for d in found)
    if form is CheckFormat.JSON:
        show(json_text(report.to_json(found)))
    elif form is CheckFormat.SARIF:
        show(json_text(sarif(found, "validate")))
    elif form is CheckFormat.CODE_QUALITY:
        show(json_text(code_quality(found)))
    else:
        sources = report.Sources(loaded.files, loaded.folder)
        show(report.text(found, sources, colours=palette(sys.stdout, os.environ)))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        tell(github(found))
    tell(f"{loaded.folder}: {report.count(found)}{_declared(loaded.declared) if loaded.ok else ''}\n")
    return Exit.DONE if ok else Exit.FILES


def _guarded(access: DeclaredAccess) -> list[Diagnostic]:
    """What guardrails say of the files alone: whom they give two things that nobody may hold both of, and what they
    open to everybody."""
    from provisioner.cli.wiring import now
    from provisioner.guardrails import declared_conflicts, declared_exposures
    from provisioner.providers import catalog
    from provisioner.resolve.desired import desire

    providers = catalog.all_providers()
    declares = {name: providers[t.provider].declare(t) for name, t in access.targets.items()}
    found = list(declared_exposures(access, declares))
    if access.rules.separate:
        found += declared_conflicts(access, declares, desire(access, declares, now()))
    return found


def _declared(access: DeclaredAccess) -> str:
    """`; 12 people, 3 services, 6 roles, 3 environments, 4 targets`."""
    from provisioner.model.identity import IdentityKind
    from provisioner.report.words import plural

    people = sum(i.kind is IdentityKind.PERSON for i in access.identities.values())
    told = [plural(people, "person", "people"), plural(len(access.identities) - people, "service")]
    told += [plural(len(access.roles), "role"), plural(len(access.environments), "environment")]
    return "; " + ", ".join([*told, plural(len(access.targets), "target")])
