"""``dartenv smoke``: DART moves, and here is the proof."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable, List, Optional, Tuple

import typer

from dartenv.cli import common

if TYPE_CHECKING:
    from dartenv.examine import Examined, Request
    from dartenv.report.model import Report
    from dartenv.smoke.progress import Progress, Step
    from dartenv.smoke.result import SmokeResult

SIZES = ("quick", "full")


def smoke(
    names: Optional[List[str]] = typer.Argument(
        None, metavar="[NAME]...", help="Scenarios, as rollout; without any, all."
    ),
    dart_root: Optional[str] = common.DART_ROOT,
    python: Optional[str] = common.PYTHON,
    size: str = typer.Option("quick", "--size", help="quick (minutes on a CPU) or full."),
    device: str = typer.Option("auto", "--device", help="auto, cpu or cuda."),
    seed: int = typer.Option(0, "--seed", help="The seed of the run."),
    stand_ins: bool = typer.Option(
        True, "--stand-ins/--no-stand-ins", help="Replace what is missing, labelled; or fail."
    ),
    keep: bool = typer.Option(False, "--keep", help="Keep the shadow workspace."),
    open_pictures: bool = typer.Option(False, "--open", help="Show the motion when it is done."),
    fail_level: Optional[str] = common.FAIL_LEVEL,
    format_name: str = common.REPORT_FORMAT,
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Run DART itself in a shadow workspace and judge the motion that comes out."""
    import time

    from dartenv.errors import UsageFault
    from dartenv.facts.model import TargetFacts
    from dartenv.prove import SmokeOptions, run_smokes, with_results
    from dartenv.report.model import Report

    common.check_format(format_name, ("console", *common.REPORT_FORMATS))
    if size not in SIZES:
        raise UsageFault(f"--size {size!r}", "one of: " + ", ".join(SIZES))
    read = common.manifests_of(manifests)
    target = common.target_of(read, dart_root, python, None)
    request = common.request_of(read, target, None, None, fail_level)
    options = SmokeOptions(
        names=tuple(names or ()),
        size=size,
        device=device,
        seed=seed,
        stand_ins=stand_ins,
        keep=keep,
    )
    started = time.monotonic()
    with _Bar() as bar:
        results = run_smokes(request, options, bar.update, bar.stage)
    from dartenv.prove import is_sandbox

    empty = Report(
        command="smoke",
        target=TargetFacts(dart_root=target.dart_root, python=target.python),
        fail_level=request.fail_level,
        seconds=time.monotonic() - started,
        sandbox=is_sandbox(request),
    )
    report = with_results(empty, results, request.ignores)
    print_smoke(report, results, format_name)
    if open_pictures:
        show(results)
    raise typer.Exit(report.exit_code)


def show(results: List[SmokeResult]) -> None:
    """Open the moving pictures with whatever this system opens files with."""
    from dartenv.report.terminal import say

    pictures = [p for result in results for run in result.runs for p in run.pictures]
    moving = [p for p in pictures if p.endswith(".gif")]
    if not moving:
        say("dartenv: there is no picture to open", sys.stderr)
    for path in moving:
        typer.launch(path)


def with_smoke(
    request: Request, examined: Examined, *, stand_ins: bool
) -> Tuple[Report, List[SmokeResult]]:
    """The examination's report with the smoke tests' findings added, and their results."""
    import time

    import msgspec

    from dartenv.checks.finding import Finding, Status
    from dartenv.prove import SmokeOptions, hindered, programs, run_smokes, with_results

    report = examined.report
    hindrance = hindered(report)
    if hindrance is not None:
        skipped = Finding(
            check="smoke.rollout",
            status=Status.SKIP,
            summary=f"not run: {hindrance.check} comes first",
            cause=hindrance.check,
            doc="dartenv explain smoke.rollout",
        )
        return msgspec.structs.replace(report, findings=(*report.findings, skipped)), []
    started = time.monotonic()
    with _Bar() as bar:
        options = SmokeOptions(names=programs(request.manifests), stand_ins=stand_ins)
        results = run_smokes(request, options, bar.update, bar.stage, examined.facts)
    seconds = (report.seconds or 0.0) + time.monotonic() - started
    report = msgspec.structs.replace(report, seconds=seconds)
    return with_results(report, results, request.ignores), results


def print_smoke(report: Report, results: List[SmokeResult], format_name: str) -> None:
    """The results for a person; or the report in the chosen format."""
    if format_name != "console":
        common.print_report(report, format_name, smokes=results)
        return
    from dartenv.report.smoke import render_smoke
    from dartenv.report.terminal import write

    write(render_smoke(results), sys.stdout)


class _Bar:
    """A progress bar on a terminal's stderr; a line a scenario elsewhere."""

    def __init__(self) -> None:
        self._live = common.progress_to_stderr()
        self._progress: object = None

    def __enter__(self) -> _Bar:
        if self._live:
            from rich.console import Console
            from rich.progress import Progress, TimeElapsedColumn

            bar = Progress(
                *Progress.get_default_columns(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            bar.start()
            self._progress = bar
            self._task = bar.add_task("starting the target", total=None)
        return self

    def __exit__(self, *unused: object) -> None:
        if self._progress is not None:
            self._progress.stop()  # type: ignore[attr-defined]

    @property
    def update(self) -> Optional[Progress]:
        """The callback that the runner calls with what is done."""
        if self._progress is None:
            return None

        def callback(step: Step) -> None:
            self._progress.update(  # type: ignore[attr-defined]
                self._task, completed=step.done, total=step.total, description="running DART"
            )

        return callback

    @property
    def stage(self) -> Optional[Callable[[str], None]]:
        """The callback that is told what is being done before the program runs."""
        if self._progress is None:
            return None

        def callback(text: str) -> None:
            self._progress.update(self._task, description=text)  # type: ignore[attr-defined]

        return callback
