"""Assembles the command line. Command modules import what is heavy inside their functions, so
that ``dartenv --help`` starts at once; a command that is named is the only one assembled."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Optional, Sequence

import typer

from dartenv import __version__

# In the order of --help. Each is a module of this package and the function of that name in it.
COMMANDS = (
    *("doctor", "fix", "bootstrap", "smoke", "nightly", "export", "quantize", "generate", "live"),
    *("inspect", "explain", "diff", "sandbox"),
)
# These hold commands of their own.
GROUPS = ("assets", "history", "manifest", "env", "report", "unreal")
ALL = (*COMMANDS, *GROUPS)


def assemble(names: Sequence[str] = ALL) -> typer.Typer:
    """The command line with the commands and groups of ``names``."""
    app = typer.Typer(
        name="dartenv",
        help="Checks, repairs and proves a machine that runs DART (text to human motion).",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for name in names:
        module = import_module(f"dartenv.cli.{name}")
        if name in GROUPS:
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    return app


def _version(value: bool) -> None:
    if value:
        typer.echo(f"dartenv {__version__}")
        raise typer.Exit()


def _root(
    version: Optional[bool] = typer.Option(
        None, "--version", callback=_version, is_eager=True, help="Show the version and stop."
    ),
) -> None:
    """Checks, repairs and proves a machine that runs DART (text to human motion)."""


def main() -> None:
    """The console script: every ending has an exit code, none is a traceback."""
    from dartenv.cache import remember_looks
    from dartenv.cli.ending import run

    remember_looks()
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    # Putting all others together takes 13 ms, a tenth of what passes until doctor loads torch.
    sys.exit(run(assemble((first,) if first in ALL else ALL)))
