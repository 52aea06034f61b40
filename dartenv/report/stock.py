"""Assets for a person: what is there, what is not, and where it comes from."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

from dartenv.assets.spec import AssetsSpec
from dartenv.fetch.remote import megabytes
from dartenv.report.terminal import Line
from dartenv.stock import Item

_STYLE = {
    "right": "green",
    "same": "green",
    "seen": "green",
    "present": "green",
    "missing": "bold red",
    "broken": "bold red",
    "wrong": "bold red",
    "changed": "bold red",
    "stand-in": "yellow",
}
_WORDS = {"elsewhere": "not here", "absent": "not needed"}


def render_list(items: Sequence[Item], spec: AssetsSpec, root: Optional[str]) -> List[Line]:
    """One block an asset, then the downloads with their pages and licences."""
    lines: List[Line] = [[(f"{spec.title}  ", "bold"), (root or "no tree was found", "")]]
    width = max(len(item.asset.id) for item in items)
    for item in items:
        lines.append(_line(item, width))
        place = item.path or item.asset.path
        if place:
            lines.append([(f"  {place}", "dim")])
        if item.why:
            lines.append([(f"  {item.why}", "yellow")])
        if item.asset.needed_by:
            lines.append([(f"  for {', '.join(item.asset.needed_by)}", "dim")])
        if item.asset.downloads:
            lines.append([(f"  from {', '.join(item.asset.downloads)}", "dim")])
    lines.append([])
    lines.append([("Downloads", "bold")])
    for one in spec.downloads:
        size = one.size or int(one.megabytes * 1e6)
        lines.append([(f"{one.id}  ", "bold"), (one.title, "")])
        about = "" if one.size and one.sure else "about "
        known = [f"{about}{megabytes(size)}"] if size else []
        known += [one.licence] if one.licence else []
        lines.append([(f"  {', '.join([one.file or one.kind, *known])}", "dim")])
        lines.append([(f"  {one.page or one.url}", "dim")])
    return lines


def render_verified(
    items: Sequence[Item], spec: AssetsSpec, root: Optional[str], seconds: float
) -> List[Line]:
    """The verdict first, then what is not right, then the rest in a line each."""
    bad = [item for item in items if item.bad]
    here = [item for item in items if item.size is not None]
    total = sum(item.size or 0 for item in here)
    counts: Dict[str, int] = {}
    for item in items:
        counts[item.state] = counts.get(item.state, 0) + 1
    verdict = f"{len(bad)} not right" if bad else "All assets are right"
    lines: List[Line] = [
        [
            (f"{verdict}: ", "bold red" if bad else "bold green"),
            (f"{len(here)} files, {total / 1e9:.2f} GB", ""),
            (f"    {seconds:.1f} s", "dim"),
        ]
    ]
    width = max(len(item.asset.id) for item in items)
    for item in [*bad, *(item for item in here if not item.bad)]:
        lines.append(_line(item, width))
        if item.bad:
            lines.append([(f"  {item.path}{': ' if item.why else ''}{item.why}", "")])
            if item.asset.downloads:
                lines.append([(f"  dartenv assets fetch {item.asset.id}", "green")])
    if counts.get("seen"):
        lines.append(
            [
                (f"{counts['seen']} had no published hash: theirs is recorded now, ", "dim"),
                ("and a later change will be told", "dim"),
            ]
        )
    return lines


def _line(item: Item, width: int) -> Line:
    size = item.size if item.size is not None else item.asset.size
    shown = megabytes(size) if size is not None else ""
    if not shown and item.asset.megabytes:
        shown = f"about {item.asset.megabytes} MB"
    state = _WORDS.get(item.state, item.state)
    digest = (item.sha256 or "")[:12]
    text = f"  {shown:>16}  {digest}".rstrip()
    return [
        (f"{item.asset.id:<{width}}  ", "bold"),
        (f"{state:<10}", _STYLE.get(item.state, "dim")),
        (text, ""),
    ]
