"""Options that several commands share, and the way a document reaches stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Sequence, Tuple

import typer

if TYPE_CHECKING:
    from dartenv.examine import Examined, Request
    from dartenv.facts.head_start import HeadStart
    from dartenv.facts.model import Facts
    from dartenv.manifests.loader import Manifests
    from dartenv.report.model import Report
    from dartenv.smoke.result import SmokeResult
    from dartenv.target import Target

DART_ROOT = typer.Option(None, "--dart-root", metavar="DIR", help="The DART tree to look at.")
PYTHON = typer.Option(
    None, "--python", metavar="EXE", help="The interpreter that runs DART, or its environment."
)
PROFILE = typer.Option(
    None, "--profile", metavar="ID", help="The stack to judge by, as windows-cu118."
)
MANIFESTS = typer.Option(
    None, "--manifests", metavar="DIR", help="A folder of manifests laid over the packaged ones."
)
FORMAT = typer.Option("console", "--format", help="console or json.")
# Documents that a report can be printed as, and the function that makes each.
REPORT_FORMATS = {
    "json": "json:render_json",
    "jsonl": "jsonl:render_jsonl",
    "junit": "junit:render_junit",
    "sarif": "sarif:render_sarif",
    "prometheus": "prometheus:render_prometheus",
    "github": "github:render_annotations",
    "markdown": "github:render_summary",
    "html": "html:render_html",
}
REPORT_FORMAT = typer.Option(
    "console", "--format", help="console, " + ", ".join(REPORT_FORMATS) + "."
)
SELECT = typer.Option(
    None, "--select", metavar="IDS", help="Only these checks or groups, separated by commas."
)
IGNORE = typer.Option(
    None, "--ignore", metavar="ID=REASON", help="Waive a check; it stays visible with the reason."
)
FAIL_LEVEL = typer.Option(
    None, "--fail-level", help="Exit 1 from this level on: fail (default), warn, info or never."
)


def manifests_of(folders: Optional[List[Path]]) -> Manifests:
    """The packaged manifests with the given folders laid over them."""
    from dartenv.extensions import manifest_folders
    from dartenv.manifests.loader import Manifests

    brought, _ = manifest_folders()
    return Manifests([*brought, *(folders or [])])


def target_of(
    manifests: Manifests,
    dart_root: Optional[str],
    python: Optional[str],
    profile: Optional[str],
) -> Target:
    """The target from the options, dartenv.toml and what the machine shows."""
    from dartenv.target import find_target

    if profile is not None:
        manifests.profile(profile)  # an unknown one ends the run before anything is probed
    return find_target(manifests, dart_root=dart_root, python=python, profile=profile)


def begin_imports(manifests: Manifests, target: Target) -> Optional[HeadStart]:
    """Begin to load the target's torch: the longest part of an examination, so the first."""
    from dartenv.facts.head_start import begin
    from dartenv.target import tree_at

    tree = tree_at(manifests, target.dart_root or None)
    profile = manifests.profile(target.profile) if target.profile else None
    return begin(target.python, target.dart_root, tree, profile, manifests)


def request_of(
    manifests: Manifests,
    target: Target,
    select: Optional[List[str]],
    ignore: Optional[List[str]],
    fail_level: Optional[str],
    shallow: bool = False,
    begun: Optional[HeadStart] = None,
) -> Request:
    """A request for an examination; wrong values end the run with exit code 2."""
    from dartenv.checks import all_checks
    from dartenv.checks.registry import REGISTRY
    from dartenv.errors import UsageFault
    from dartenv.examine import Request
    from dartenv.report.model import FAIL_LEVELS, parse_ignores

    all_checks()
    level = fail_level or target.config.fail_level or "fail"
    if level not in FAIL_LEVELS:
        raise UsageFault(f"--fail-level {level!r}", "one of: " + ", ".join(FAIL_LEVELS))
    ignores: Dict[str, str] = dict(target.config.ignore)
    ignores.update(parse_ignores(ignore or [], list(REGISTRY.checks)))
    return Request(
        manifests=manifests,
        target=target,
        select=split(select),
        ignores=ignores,
        fail_level=level,
        shallow=shallow,
        begun=begun,
    )


def split(values: Optional[List[str]]) -> Tuple[str, ...]:
    """``["a,b", "c"]`` as ``("a", "b", "c")``."""
    return tuple(
        part.strip() for value in values or [] for part in value.split(",") if part.strip()
    )


def check_format(value: str, known: Tuple[str, ...] = ("console", "json")) -> None:
    """UsageFault for a format that no renderer has."""
    from dartenv.errors import UsageFault

    if value not in known:
        raise UsageFault(f"--format {value!r}", "one of: " + ", ".join(known))


def _renderer(format_name: str) -> Optional[Callable[[Report], str]]:
    """What makes a document of a report; None for the console."""
    import importlib

    name = REPORT_FORMATS.get(format_name)
    if name is None:
        return None
    module, _, function = name.partition(":")
    found: Callable[[Report], str] = getattr(
        importlib.import_module(f"dartenv.report.{module}"), function
    )
    return found


def print_report(
    report: Report,
    format_name: str,
    *,
    timing: bool = False,
    verbose: bool = False,
    facts: Optional[Facts] = None,
    smokes: Sequence[SmokeResult] = (),
) -> None:
    """The report on stdout, in the chosen format; the page shows ``facts`` and motions as well."""
    if format_name == "html":
        from dartenv.history.keyfacts import key_facts
        from dartenv.page.build import page_of
        from dartenv.page.render import render as render_page

        known = key_facts(facts) if facts is not None else None
        write_document(render_page(page_of(report, facts=known, smokes=smokes)))
        return
    render = _renderer(format_name)
    if render is not None:
        write_document(render(report))
        return
    from dartenv.report.console import render_console
    from dartenv.report.terminal import write

    write(render_console(report, timing=timing, verbose=verbose), sys.stdout)


def write_document(text: str) -> None:
    """A document on stdout: as it is where stdout can say it all, else with its own escapes."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        text = _escaped(text)
    sys.stdout.write(text)
    sys.stdout.flush()


def _escaped(text: str) -> str:
    """ASCII that means the same: JSON's escapes, XML's and HTML's references, or a readable rest."""
    if text.lstrip().startswith("<"):
        return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=True) + "\n"
    except ValueError:
        return text.encode("ascii", "backslashreplace").decode("ascii")


def is_terminal() -> bool:
    """Whether a person can be asked."""
    try:
        return sys.stdin.isatty() and sys.stdout.isatty()
    except ValueError:
        return False


def progress_to_stderr() -> bool:
    """Whether there is a person watching stderr."""
    try:
        return sys.stderr.isatty()
    except ValueError:
        return False


def examine_with_progress(request: Request) -> Examined:
    """Examine, naming on a terminal's stderr the probes still under way."""
    from dartenv.examine import examine

    if not progress_to_stderr():
        return examine(request)
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("looking at this machine") as status:
        done: List[str] = []

        def on_probe(name: str) -> None:
            done.append(name)
            status.update(f"looking at this machine ({', '.join(done)} done)")

        return examine(request, on_probe=on_probe)
