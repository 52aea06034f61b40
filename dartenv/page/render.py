"""The page's data as one HTML file: template, style, scripts and data in it, nothing outside it."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import jinja2
import msgspec
from markupsafe import Markup

from dartenv.checks.finding import Status
from dartenv.page.model import Page
from dartenv.page.numbers import number, quantity
from dartenv.page.words import WORDS
from dartenv.report.model import Regression

ASSETS = Path(__file__).resolve().parent / "assets"
SCRIPTS = ("uPlot.iife.min.js", "words.js", "filter.js", "player.js", "trends.js")
STYLES = ("uPlot.min.css", "page.css")
# Gravest first, as a person has to act.
ORDER = (Status.CRASH, Status.FAIL, Status.WARN, Status.INFO, Status.OK, Status.SKIP)
OPEN = (Status.CRASH, Status.FAIL, Status.WARN)


def render(page: Page) -> str:
    """One self-contained document."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(ASSETS)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = moment
    environment.filters["number"] = number
    environment.filters["quantity"] = quantity
    environment.globals["w"] = word
    return environment.get_template("page.html").render(
        page=page,
        title=" ".join(part for part in ("dartenv", page.command, page.machine) if part),
        styles=Markup("\n".join(_asset(name) for name in STYLES)),
        scripts=[Markup(_asset(name)) for name in SCRIPTS],
        data=Markup(in_script(_data(page))),
        statuses=_statuses(page),
        findings=sorted(page.findings, key=lambda one: ORDER.index(one.status)),
        open_by_default=[status.value for status in OPEN],
        status_word=_status_word,
        change=_change,
        grid=_grid(page),
    )


def word(key: str, tag: str = "span", id: str = "") -> Markup:
    """A word of the page, in English, that the script can turn into Chinese."""
    name = Markup(' id="{}"').format(id) if id else ""
    text = WORDS[key][0]
    return Markup('<{t}{n} data-w="{k}">{x}</{t}>').format(t=Markup(tag), n=name, k=key, x=text)


def moment(iso: str) -> str:
    """``2026-11-28 03:15 UTC`` of an ISO time; what is none is shown as it is."""
    try:
        parsed = datetime.datetime.fromisoformat(iso.replace("Z", "+00:00"))
    except ValueError:
        return iso
    if parsed.tzinfo is not None:
        parsed = parsed.astimezone(datetime.timezone.utc)
    return f"{parsed:%Y-%m-%d %H:%M} UTC"


def in_script(data: bytes) -> str:
    """JSON that ends no script element, whatever is in it; ASCII, so that any encoding carries it."""
    text = json.dumps(json.loads(data), ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _data(page: Page) -> bytes:
    motions = [motion for scene in page.scenes for motion in scene.motions]
    return msgspec.json.encode({"words": WORDS, "motions": motions, "trends": page.trends})


def _statuses(page: Page) -> List[Tuple[str, int]]:
    """Every status with a finding, gravest first, and how many."""
    counts: Dict[str, int] = {}
    for one in page.findings:
        counts[one.status.value] = counts.get(one.status.value, 0) + 1
    return [(status.value, counts[status.value]) for status in ORDER if status.value in counts]


def _status_word(status: Any) -> str:
    value = str(getattr(status, "value", status))
    return "skip-status" if value == "skip" else value


def _change(one: Regression) -> str:
    return f"{one.change:+.0%}"


def _grid(page: Page) -> List[Tuple[str, List[str]]]:
    """For a fleet: each check that is not fine everywhere, and its status on each machine."""
    if page.fleet is None:
        return []
    machines = page.fleet.machines
    checks = sorted({check for machine in machines for check in machine.statuses})
    rows = [(check, [machine.statuses.get(check, "") for machine in machines]) for check in checks]
    fine = {"ok", "skip", "info", ""}
    return [(check, row) for check, row in rows if not set(row) <= fine or len(set(row)) > 1]
