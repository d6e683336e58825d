"""`provision schema`: JSON Schema of access files, for editors that complete and check while one writes."""

from __future__ import annotations

from provisioner.cli.options import DEFAULT_ACCESS, Access


def schema(access: Access = DEFAULT_ACCESS) -> int:  # noqa: ARG001 every command takes it; the schema is the same for all
    """Print JSON Schema of access files, for editors."""
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.output import show
    from provisioner.load.editor_schema import editor_schema
    from provisioner.providers.catalog import all_providers
    from provisioner.report.machine import json_text

    show(json_text(editor_schema(all_providers())))
    return Exit.DONE
