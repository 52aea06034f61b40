"""``dartenv manifest``: the data behind the verdicts, checked and asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, Optional

import typer

from dartenv.cli import common

SYSTEMS = ("windows", "linux")  # those that DART's stacks exist for

app = typer.Typer(
    help="Check the manifests against each other, and ask them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.command("check")
def check(manifests: Optional[List[Path]] = common.MANIFESTS) -> None:
    """Read every manifest and hold the profiles against the tables."""
    import sys

    from dartenv.every_manifest import every_problem
    from dartenv.report.terminal import say

    read = common.manifests_of(manifests)
    problems = every_problem(read)
    for problem in problems:
        say(problem.line(), sys.stdout)
    if problems:
        raise typer.Exit(1)
    locks = len(read.stems("locks"))
    profiles = len(read.profiles())
    say(f"{profiles} profiles fit the tables, {locks} locks fit the profiles", sys.stdout)


@app.command("show")
def show(
    what: str = typer.Argument(..., metavar="WHAT", help="wheels.pytorch3d, or a profile's id."),
    python: str = typer.Option("3.8", "--python", help="Python's minor version."),
    torch: str = typer.Option("2.4.1", "--torch", help="torch's version."),
    cuda: str = typer.Option("11.8", "--cuda", help="CUDA's version, or cpu."),
    system: str = typer.Option("windows", "--os", help="windows or linux."),
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Answer from the tables: which wheel fits, what a profile asks for."""
    import sys

    from dartenv.errors import UsageFault
    from dartenv.report.terminal import say

    read = common.manifests_of(manifests)
    if what == "wheels.pytorch3d":
        from dartenv.manifests.wheels import wheel_for

        for option, value in (("--python", python), ("--torch", torch)):
            if not re.match(r"\d+\.\d+", value):
                raise UsageFault(f"{option} {value!r}", "a version, as 3.8 or 2.4.1")
        system = system.lower()
        if system not in SYSTEMS:
            raise UsageFault(f"--os {system!r}", " or ".join(SYSTEMS))
        answer = wheel_for(python, torch, cuda, system, read)
        wheel = answer.wheel
        if wheel is not None:
            say(f"{answer.wanted}: pytorch3d {wheel.version}", sys.stdout)
            say(wheel.command or wheel.url or wheel.file or "", sys.stdout)
            say(f"source: {wheel.source or answer.source}", sys.stdout)
            raise typer.Exit(0)
        say(f"{answer.wanted}: none exists", sys.stdout)
        if answer.nearest is not None:
            near = answer.nearest
            differs = f" ({'; '.join(answer.differs)})" if answer.differs else ""
            say(f"nearest: pytorch3d {near.version} for Python {near.python}{differs}", sys.stdout)
            say(near.command, sys.stdout)
        raise typer.Exit(1)
    if what in read.stems("profiles"):
        import msgspec

        profile = read.profile(what)
        common.write_document(
            msgspec.json.format(msgspec.json.encode(profile), indent=2).decode("utf-8") + "\n"
        )
        return
    raise UsageFault(
        f"nothing is called {what!r}",
        "wheels.pytorch3d or a profile: " + ", ".join(read.stems("profiles")),
    )
