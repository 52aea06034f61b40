"""``dartenv report``: what was written by many machines, read together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import List, Optional

import typer

from dartenv.cli import common

app = typer.Typer(
    help="Read the reports of many machines together.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def _report() -> None:
    """Read the reports of many machines together."""


@app.command("merge")
def merge(
    reports: List[str] = typer.Argument(
        ...,
        metavar="[NAME=]RUN.json...",
        help="Reports of doctor --format json or of nightly, and what their machines are called.",
    ),
    html: Optional[Path] = typer.Option(None, "--html", metavar="FILE", help="Write a page."),
    format_name: str = common.FORMAT,
) -> None:
    """Say which machines are ready, what each has to repair, and who differs from the others."""
    import msgspec

    from dartenv.errors import EXIT_FINDINGS, EXIT_OK, EXIT_USAGE, UsageFault
    from dartenv.report.merge import merge as merged
    from dartenv.report.merge import named, render_fleet
    from dartenv.report.terminal import say, write

    common.check_format(format_name)
    given = [named(text) for text in reports]
    fleet = merged([path for _, path in given], {path: name for name, path in given if name})
    if html is not None:
        from dartenv import __version__
        from dartenv.page.model import Page
        from dartenv.page.render import render

        healthy = all(machine.exit_code == 0 for machine in fleet.machines)
        page = Page(command="report", dartenv=__version__, healthy=healthy, fleet=fleet)
        part = html.with_name(html.name + ".part")
        try:
            part.write_text(render(page), encoding="utf-8")
            part.replace(html)
        except OSError as error:
            raise UsageFault(f"{html}: {error.strerror or error}", "a file to write") from None
        say(f"dartenv report: wrote {html}", sys.stderr)
    if format_name == "json":
        document = {"schema": 1, **msgspec.to_builtins(fleet)}
        common.write_document(
            msgspec.json.format(msgspec.json.encode(document), indent=2).decode("utf-8") + "\n"
        )
    else:
        write(render_fleet(fleet), sys.stdout)
    if any("older report" not in line for line in fleet.unread):
        raise typer.Exit(EXIT_USAGE)
    bad = any(machine.exit_code != 0 for machine in fleet.machines)
    raise typer.Exit(EXIT_FINDINGS if bad else EXIT_OK)
