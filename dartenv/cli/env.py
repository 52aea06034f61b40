"""``dartenv env``: the profile as files that other tools take."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

import typer

from dartenv.cli import common

app = typer.Typer(
    help="Write a profile as files for pip, conda, uv or Docker.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
FORMATS = ("requirements", "conda", "uv", "dockerfile")


@app.callback()
def _env() -> None:
    """Write a profile as files for pip, conda, uv or Docker."""


@app.command("export")
def export(
    format_name: str = typer.Option(..., "--format", help=", ".join(FORMATS) + "."),
    profile: Optional[str] = common.PROFILE,
    python: Optional[str] = typer.Option(
        None, "--python", metavar="X.Y", help="Python's minor version; the profile's first without."
    ),
    out: Optional[Path] = typer.Option(
        None, "-o", "--out", metavar="DIR", help="Folder to write into; printed without."
    ),
    force: bool = typer.Option(False, "--force", help="Write over files that are there."),
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Write what a profile installs: exact versions, hashes, indexes, as its lock has them."""
    import sys

    from dartenv.envfiles.stack import stack_of
    from dartenv.envfiles.write import printed, rendered, write
    from dartenv.errors import UsageFault
    from dartenv.report.terminal import say

    if format_name not in FORMATS:
        raise UsageFault(f"--format {format_name!r}", "one of " + ", ".join(FORMATS))
    read = common.manifests_of(manifests)
    chosen = common.target_of(read, None, None, profile).profile
    if chosen is None:
        raise UsageFault(
            "no profile was given and none fits this machine",
            "one of " + ", ".join(read.stems("profiles")),
            f"dartenv env export --format {format_name} --profile ID",
        )
    files = rendered(format_name, stack_of(read.profile(chosen), python, read), read)
    if out is None:
        sys.stdout.write(printed(files))
        return
    for path in write(files, out, force):
        say(str(path), sys.stdout)
