"""The Typer app behind `main`, and nothing else. It knows the commands by name and loads each from its own file."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from provisioner.cli.commands import ABOUT, names, page
from provisioner.cli.output import show

_CONTEXT = {"help_option_names": ["-h", "--help"]}


def _help(ctx: Any, param: Any, value: Any) -> None:  # noqa: ARG001
    """A help page is data as any other: what cannot be written is told, and is no bug."""
    if value and not ctx.resilient_parsing:
        show(f"{ctx.get_help()}\n")
        ctx.exit()


class _Helps:
    """What commands and groups of them have in common."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.callback = _help
        return option


class _Command(_Helps, TyperCommand): ...


class _Group(_Helps, TyperGroup): ...


class _Commands(_Group):
    """Commands that are imported when they are asked for, and a help page that needs none of them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return names()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        return load(cmd_name) if cmd_name in names() else None

    def get_help(self, ctx: Any) -> str:  # noqa: ARG002
        return page().rstrip("\n")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known: Any = dict.fromkeys(names())
        self.commands = known  # what "did you mean" chooses from
        return super().resolve_command(ctx, args)


def load(name: str) -> Any:
    """One command, from the function of the same name in its own file; with the SUBCOMMANDS of that file, if any."""
    python_name = name.replace("-", "_")
    module = import_module(f"provisioner.cli.{python_name}")
    function, parts = getattr(module, python_name), getattr(module, "SUBCOMMANDS", None)
    if parts is None:
        alone = _app()
        alone.command(name, cls=_Command, context_settings=_CONTEXT)(function)
        return get_command(alone)
    shown = {"subcommand_metavar": "COMMAND [OPTIONS]", "options_metavar": ""}
    group = _app(name=name, cls=_Group, context_settings=_CONTEXT, **shown)
    group.callback()(function)
    for part, does in parts.items():
        group.command(part, cls=_Command, context_settings=_CONTEXT, options_metavar="[OPTIONS]")(does)
    return get_command(group)


def command() -> Any:
    """The whole command line, as Typer runs it. A command's function gives its exit status."""
    app = _app(cls=_Commands, context_settings=_CONTEXT, subcommand_metavar="COMMAND [OPTIONS]", options_metavar="")
    app.callback(help=ABOUT)(_nothing)
    return get_command(app)


def _app(**more: Any) -> typer.Typer:
    """Without rich, which costs half of the start, and without Typer's own tracebacks."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, **more)


def _nothing() -> None:
    """There are no options before the command."""
