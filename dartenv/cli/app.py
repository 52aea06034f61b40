"""Assembles the command line. Command modules import what is heavy inside their functions, so
that ``dartenv --help`` starts at once."""

from __future__ import annotations

import sys
from typing import Optional

import typer

from dartenv import __version__
from dartenv.cli import (
    assets,
    bootstrap,
    diff,
    doctor,
    env,
    explain,
    export,
    fix,
    generate,
    history,
    inspect,
    live,
    manifest,
    nightly,
    quantize,
    report,
    sandbox,
    smoke,
    unreal,
)

app = typer.Typer(
    name="dartenv",
    help="Checks, repairs and proves a machine that runs DART (text to human motion).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("doctor")(doctor.doctor)
app.command("fix")(fix.fix)
app.command("bootstrap")(bootstrap.bootstrap)
app.command("smoke")(smoke.smoke)
app.command("nightly")(nightly.nightly)
app.command("export")(export.export)
app.command("quantize")(quantize.quantize)
app.command("generate")(generate.generate)
app.command("live")(live.live)
app.command("inspect")(inspect.inspect)
app.command("explain")(explain.explain)
app.command("diff")(diff.diff)
app.command("sandbox")(sandbox.sandbox)
app.add_typer(assets.app, name="assets")
app.add_typer(history.app, name="history")
app.add_typer(manifest.app, name="manifest")
app.add_typer(env.app, name="env")
app.add_typer(report.app, name="report")
app.add_typer(unreal.app, name="unreal")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"dartenv {__version__}")
        raise typer.Exit()


@app.callback()
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
    sys.exit(run(app))
