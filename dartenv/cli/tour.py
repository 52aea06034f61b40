"""``dartenv doctor --sandbox``: everything, start to end, on a project of our own.

A sandbox is written to a temporary folder, examined, repaired, examined again, moved, and the
repair is taken back. State and cache are temporary too: the tour leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, List, Optional, Sequence

from dartenv.cli import common

if TYPE_CHECKING:
    from dartenv.examine import Request
    from dartenv.manifests.loader import Manifests
    from dartenv.report.model import Report
    from dartenv.smoke.result import SmokeResult

# What the tour looks at: the machine around it is doctor's business, not the sandbox's.
SHOWN = ("python", "packages", "source", "assets")
SCENARIOS = ("rollout",)
# What the tour repairs; on Linux some of it is harmless, and shown all the same.
GROUP = "source"


def tour(python: Optional[str], format_name: str, manifests: Manifests) -> int:
    """Run the tour; its exit code is that of the last report."""
    with _temporary_folder() as folder, _variables(folder):
        return _Tour(folder, python or sys.executable, format_name, manifests).run()


class _Tour:
    def __init__(self, folder: Path, python: str, format_name: str, manifests: Manifests) -> None:
        self._root = folder / "sandbox"
        self._python = python
        self._format = format_name
        self._manifests = manifests
        self._state = folder / "state"

    def run(self) -> int:
        from dartenv.sandbox.writer import write_sandbox

        info = write_sandbox(self._root)
        self._say(f"1  sandbox written to {info.root}: our own small project, not DART")
        self._say("2  dartenv doctor: what is wrong with it")
        self._print(self._examine())
        self._say("3  dartenv fix --yes: repair it")
        self._fix()
        self._say("4  dartenv doctor: the same checks again")
        after = self._examine()
        self._print(after)
        if self._hindered(after):
            return self._end(after, [])
        self._say("5  dartenv smoke: it moves")
        results = self._smoke()
        self._say("6  dartenv fix --undo: every byte as it was")
        self._undo()
        return self._end(after, results)

    def _request(self) -> Request:
        from dartenv.target import Target

        target = Target(dart_root=str(self._root), python=self._python, profile="sandbox")
        return common.request_of(self._manifests, target, list(SHOWN), None, None)

    def _examine(self) -> Report:
        return common.examine_with_progress(self._request()).report

    def _hindered(self, report: Report) -> bool:
        from dartenv.prove import hindered

        return hindered(report) is not None

    def _fix(self) -> None:
        from dartenv.fixes.apply import apply
        from dartenv.fixes.consent import decide
        from dartenv.repair import plan_for, verify, wanted_fixes
        from dartenv.report.plan import render_applied
        from dartenv.report.terminal import write

        request = self._request()
        examined = common.examine_with_progress(request)
        fixes, skipped = wanted_fixes(examined, [GROUP])
        plan = plan_for(request, examined, fixes)
        consent = decide(
            plan.steps, yes=True, unsafe_ids=(), is_terminal=False, ask=lambda steps: True
        )
        report = apply(
            plan,
            consent.chosen,
            state=self._state,
            skipped=consent.skipped,
            verify=lambda ids: verify(request, ids),
        )
        if self._format == "console":
            write(render_applied(report, skipped), sys.stdout)

    def _smoke(self) -> List[SmokeResult]:
        from dartenv.prove import SmokeOptions, run_smokes
        from dartenv.report.smoke import render_smoke
        from dartenv.report.terminal import write

        results = run_smokes(self._request(), SmokeOptions(names=SCENARIOS))
        if self._format == "console":
            write(render_smoke(results), sys.stdout)
        return results

    def _undo(self) -> None:
        from dartenv.fixes.undo import undo
        from dartenv.report.plan import render_undo
        from dartenv.report.terminal import write

        report = undo(self._state)
        if self._format == "console":
            write(render_undo(report), sys.stdout)

    def _end(self, report: Report, results: Sequence[SmokeResult]) -> int:
        from dartenv.prove import with_results

        last = with_results(report, results, {})
        if self._format != "console":
            common.print_report(last, self._format, smokes=results)
        return last.exit_code

    def _print(self, report: Report) -> None:
        if self._format == "console":
            common.print_report(report, "console")

    def _say(self, text: str) -> None:
        from dartenv.report.terminal import say

        talk = sys.stdout if self._format == "console" else sys.stderr
        say(f"\n== {text}", talk)


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A temporary folder whose removal never hides the tour's own ending."""
    folder = tempfile.mkdtemp(prefix="dartenv-")
    try:
        yield Path(os.path.realpath(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _variables(folder: Path) -> Iterator[None]:
    """DARTENV_STATE_DIR and DARTENV_CACHE_DIR below ``folder`` for the length of the tour."""
    new = {
        "DARTENV_STATE_DIR": str(folder / "state"),
        "DARTENV_CACHE_DIR": str(folder / "cache"),
    }
    old = {name: os.environ.get(name) for name in new}
    os.environ.update(new)
    try:
        yield
    finally:
        for name, value in old.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
