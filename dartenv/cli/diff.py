"""``dartenv diff A.json B.json``: two machines, or two days of one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

import typer

from dartenv.cli import common


def diff(
    before: Path = typer.Argument(..., metavar="A.json", help="Facts of doctor --save."),
    after: Path = typer.Argument(..., metavar="B.json", help="Facts of doctor --save."),
    profile: Optional[str] = common.PROFILE,
    format_name: str = common.FORMAT,
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Say what differs between two saved machines, and which finding that explains."""
    import msgspec

    from dartenv.checks import all_checks
    from dartenv.diff import TOGETHER, explained_differences
    from dartenv.examine import Request, choose_profile
    from dartenv.facts.store import load_facts
    from dartenv.report.terminal import Line, write
    from dartenv.target import Target

    common.check_format(format_name)
    read = common.manifests_of(manifests)
    if profile is not None:
        read.profile(profile)
    all_checks()
    request = Request(manifests=read, target=Target(profile=profile))
    first, second = load_facts(before), load_facts(after)
    found = explained_differences(request, first, second)
    judged = choose_profile(request, first).id
    if format_name == "json":
        document: Dict[str, Any] = {
            "schema": 1,
            "before": str(before),
            "after": str(after),
            "profile": judged,
        }
        document["differences"] = found
        common.write_document(
            msgspec.json.format(msgspec.json.encode(document), indent=2).decode("utf-8") + "\n"
        )
        return
    real = [d for d in found if d.path != TOGETHER]
    matter = [d for d in found if d.explains]
    rest = [d for d in found if not d.explains]
    lines: List[Line] = [
        [
            (
                f"{len(real)} differences, {len([d for d in real if d.explains])} change a finding",
                "bold",
            ),
            (f"  both judged by profile {judged}", "dim"),
        ],
    ]
    for item in (*matter, *rest):
        lines.append([])
        lines.append([(item.path, "bold" if item.explains else "")])
        if item.path != TOGETHER:
            lines.append([("   before  ", "dim"), (item.before, "")])
            lines.append([("   after   ", "dim"), (item.after, "")])
        for text in item.explains:
            lines.append([("   changes ", "dim"), (text, "yellow")])
    write(lines, sys.stdout)
