"""`provision run`: a command with credentials for whoever set this run going, no wider than what they and the pipeline
both have, and ended with it.

Which files count, and who it is, is found as `gate` finds it. Refuses where nothing is shared, or a system cannot be
narrowed to what is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, check_said

_Command = Annotated[
    list[str] | None, typer.Argument(metavar="-- CMD", help="What to run, after `--`.", show_default=False)
]
_Environment = Annotated[
    str | None, typer.Option("--environment", metavar="E", help="Where it is done.", show_default=False)
]
_Role = Annotated[str | None, typer.Option("--role", metavar="R", help="Only what this role gives them there.")]
_Target = Annotated[str | None, typer.Option("--target", metavar="T", help="Only this target, or all instances of it.")]
_Length = Annotated[
    str | None,
    typer.Option("--for", metavar="TIME", help="At most so long; by default 15m, or less where the pipeline has less."),
]
_Journal = Annotated[
    str | None,
    typer.Option("--journal", metavar="PLACE", help="The journal that `apply` writes; or PROVISION_JOURNAL."),
]
_Person = Annotated[str | None, typer.Option("--person", metavar="P", help="Outside of a CI: who it is for, as said.")]
_Pipeline = Annotated[
    str | None, typer.Option("--pipeline", metavar="ID", help="Outside of a CI: the entry under `pipelines:`.")
]
_SealedFor = Annotated[
    str | None,
    typer.Option("--sealed-for", metavar="KEY", help="No CMD: seal the credentials for another job's public key."),
]
_Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where the sealed ones go.")]
_Sealed = Annotated[Path | None, typer.Option("--sealed", metavar="FILE", help="Run CMD with what another job sealed.")]
_Key = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="The private key to open it; the file is removed.")
]
_NewKey = Annotated[
    Path | None, typer.Option("--new-key", metavar="FILE", help="Only make a private key; prints the public one.")
]
_End = Annotated[
    str | None, typer.Option("--end", metavar="RUN", help="Only end what a run was given, by the id it printed.")
]
_Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait to be stopped, once refused.")
]


def run(
    command: _Command = None,
    environment: _Environment = None,
    role: _Role = None,
    target: _Target = None,
    length: _Length = None,
    journal: _Journal = None,
    person: _Person = None,
    pipeline: _Pipeline = None,
    access: Access = DEFAULT_ACCESS,
    sealed_for: _SealedFor = None,
    out: _Out = None,
    sealed: _Sealed = None,
    key: _Key = None,
    new_key: _NewKey = None,
    end: _End = None,
    wait: _Wait = 60.0,
) -> int:
    """Run CMD with credentials no wider than what whoever set this run going and the pipeline both have."""
    from provisioner.cli import minting

    words = tuple(command or ())
    chosen = [
        o
        for o, v in (("--sealed-for", sealed_for), ("--sealed", sealed), ("--new-key", new_key), ("--end", end))
        if v is not None
    ]
    check_said(environment=environment, role=role, target=target, person=person, pipeline=pipeline)
    if len(chosen) > 1:
        raise typer.BadParameter(f"{' and '.join(chosen)} are different things to do")
    if new_key is not None:
        return minting.make_key(new_key)
    if sealed is not None:
        if key is None or not words:
            raise typer.BadParameter("--sealed FILE goes with --key FILE and -- CMD")
        _check_alone(
            "--sealed: who has what for how long was decided when it was sealed",
            environment=environment,
            role=role,
            target=target,
            person=person,
            pipeline=pipeline,
            out=out,
            **{"for": length},
        )
        return minting.run_sealed(sealed, key, words)
    place = minting.Place(journal, access)
    if end is not None:
        return minting.end(end, place)
    if environment is None:
        raise typer.BadParameter("--environment E is missing: it says where it is done")
    if sealed_for is None and not words and out is None:
        raise typer.BadParameter("what to run is missing: -- CMD behind the options; or --sealed-for KEY --out FILE")
    if sealed_for is not None and words:
        raise typer.BadParameter("-- CMD and --sealed-for are different things to do: another job runs CMD then")
    if (sealed_for is None) != (out is None):
        raise typer.BadParameter("--sealed-for KEY goes with --out FILE")
    wanted = minting.Wanted(environment, role, target, minting.duration(length), person, pipeline, wait)
    if sealed_for is not None and out is not None:
        return minting.seal(wanted, place, sealed_for, out)
    return minting.run_here(wanted, place, words)


def _check_alone(why: str, **others: object) -> None:
    """Options that would be left out of account."""
    given = [f"--{name}" for name, value in others.items() if value is not None]
    if given:
        raise typer.BadParameter(f"{' and '.join(given)} cannot be said with {why}")
