"""The page without a browser: its data, its text, and that it needs nothing else."""

from __future__ import annotations

import base64
import json
import re
import struct
from html.parser import HTMLParser
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import msgspec
import pytest

from dartenv.cli.common import print_report
from dartenv.facts.model import Facts
from dartenv.history.model import DONE, Recorded, Run
from dartenv.history.store import History
from dartenv.page.build import MOST_FRAMES, motion_of, packed, trends_of
from dartenv.page.model import Page
from dartenv.page.numbers import quantity
from dartenv.page.render import ASSETS, SCRIPTS, in_script, moment, render
from dartenv.page.words import WORDS
from dartenv.report.html import render_html
from dartenv.report.model import Metric, Report
from dartenv.smoke.result import RunRecord, SmokeResult
from dartenv.smoke.runner import Outcome
from tests.page.conftest import HOSTILE, recorded


class Parsed(HTMLParser):
    """Elements with their attributes, the texts outside scripts, and the scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: List[Tuple[str, Dict[str, Optional[str]]]] = []
        self.texts: List[str] = []
        self.scripts: List[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.texts.append(data)


def test_a_motion_comes_back_in_millimetres_about_its_start() -> None:
    motion = packed(recorded(3), "walk")
    assert motion is not None
    assert motion.origin == (1000, 500, 900)  # first pelvis, lowest joint
    values = struct.unpack("<18h", base64.b64decode(motion.data))
    assert values[:6] == (0, 0, 0, 0, 0, 1000)
    assert values[12:15] == (20, 0, 0)


def test_a_long_motion_is_cut_and_a_far_one_kept_in_range() -> None:
    long = packed(recorded(MOST_FRAMES + 5), "walk")
    assert long is not None
    assert long.frames == MOST_FRAMES
    away = msgspec.structs.replace(recorded(1), goal=(10**6, 0, 900, 0, 0, 1900))
    far = packed(away, "walk")
    assert far is not None
    assert far.goal is not None
    assert far.goal[0] == 32767


def test_a_motion_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "motion.json"
    assert motion_of(path, "gone") is None
    path.write_text("{not json", encoding="utf-8")
    assert motion_of(path, "broken") is None
    odd = msgspec.structs.replace(recorded(1), frames=((1, 2),))
    path.write_bytes(msgspec.json.encode(odd))
    assert motion_of(path, "of another width") is None


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    parsed = Parsed(render(page))
    for tag, attributes in parsed.elements:
        assert tag not in ("link", "img", "iframe", "base", "object", "embed"), tag
        assert "src" not in attributes, tag
        href = attributes.get("href") or "#"
        assert href.startswith("#"), href
    (policy,) = [
        a["content"] for t, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    for name in SCRIPTS:
        text = (ASSETS / name).read_text(encoding="ascii")
        assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import)\s*\(", text), name


def test_what_a_machine_says_is_text_and_never_markup(page: Page) -> None:
    text = render(page)
    parsed = Parsed(text)
    assert HOSTILE in parsed.texts
    assert not any("window.broken" in script for script in parsed.scripts)
    assert json.loads(in_script(json.dumps(HOSTILE).encode())) == HOSTILE
    assert "<" not in in_script(json.dumps(HOSTILE).encode())


def test_the_findings_are_there_without_a_script_gravest_first(page: Page) -> None:
    text = render(page)
    places = [text.index(f"<code>{check}</code> <span") for check in ("packages.torch", "cuda.env")]
    assert places == sorted(places)
    assert 'data-copy="dartenv fix packages.torch"' in text
    for words in ("2.4.1+cpu", "2.4.1+cu118", "531.79 → 537.42", "-22%", "SMPLX_MALE"):
        assert words in text, words


def test_a_sandbox_is_called_one(report: Report) -> None:
    sandbox = msgspec.structs.replace(report, sandbox=True, stand_ins=("ViT-B-32",))
    shown = " ".join(Parsed(render_html(sandbox)).texts)
    assert WORDS["sandbox"][0] in shown
    assert "ViT-B-32" in shown
    assert WORDS["sandbox"][0] not in " ".join(Parsed(render_html(report)).texts)


def test_every_word_on_the_page_has_both_languages(page: Page) -> None:
    used = {a["data-w"] for _, a in Parsed(render(page)).elements if "data-w" in a}
    assert used <= set(WORDS)
    script = "".join((ASSETS / name).read_text(encoding="ascii") for name in SCRIPTS[1:])
    assert set(re.findall(r'say\("([a-z-]+)"\)', script)) <= set(WORDS)
    for key, (english, chinese) in WORDS.items():
        assert english, key
        assert chinese, key


def test_two_megabytes_are_not_reached_by_a_full_night(page: Page) -> None:
    motion = packed(
        msgspec.structs.replace(
            recorded(1),
            parents=tuple(range(-1, 21)),
            frames=tuple((123,) * 66 for _ in range(MOST_FRAMES)),
        ),
        "longest",
    )
    assert motion is not None
    scenes = tuple(msgspec.structs.replace(page.scenes[0], motions=(motion,) * 4) for _ in range(4))
    trends = page.trends * 40
    facts = tuple((f"package {i}", "1.0") for i in range(400))
    full = render(msgspec.structs.replace(page, scenes=scenes[:2], trends=trends, facts=facts))
    assert len(full.encode("utf-8")) < 2_000_000


def test_trends_know_since_when_a_metric_is_worse(tmp_path: Path) -> None:
    with History(tmp_path / "history.sqlite") as history:
        for night, value in enumerate([50.0, 51.0, 50.5, 50.2, 50.8, 50.4, 30.0, 31.0]):
            metric = Metric(name="fps", value=value, unit="frames/s", better="higher")
            run = Run(
                id=f"n{night}",
                machine="m",
                profile="p",
                started_at=f"2026-09-0{night + 1}T03:15:00+00:00",
            )
            history.begin(run, pid=1, born=0.0)
            done = msgspec.structs.replace(run, state=DONE)
            history.finish(Recorded(run=done, metrics=(metric,)))
        (trend,) = trends_of(history, "m")
        assert trends_of(history, "another") == []
    assert trend.values[-1] == 31.0
    assert trend.times[1] - trend.times[0] == 86400
    assert trend.regression is not None
    assert trend.regression.since_run == "n6"
    assert trend.regression.confirmed


@pytest.mark.parametrize(
    ("iso", "shown"),
    [
        ("2026-09-26T03:15:00+02:00", "2026-09-26 01:15 UTC"),
        ("2026-09-26T03:15:00Z", "2026-09-26 03:15 UTC"),
        ("last night", "last night"),
    ],
)
def test_times_are_shown_in_utc(iso: str, shown: str) -> None:
    assert moment(iso) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (2.9e9, "bytes", "2.9 GB"),
        (4.1234e-6, "m", "4.12e-6 m"),
        (312.04, "frames/s", "312 frames/s"),
        (0.0, "", "0"),
    ],
)
def test_quantities_are_read_at_a_glance(value: float, unit: str, shown: str) -> None:
    assert quantity(value, unit) == shown


def test_memory_is_drawn_in_gigabytes(tmp_path: Path) -> None:
    with History(tmp_path / "history.sqlite") as history:
        run = Run(id="n", machine="m", profile="p", started_at="2026-09-01T03:15:00+00:00")
        history.begin(run, pid=1, born=0.0)
        metric = Metric(name="memory", value=2.9e9, unit="bytes", better="lower")
        done = msgspec.structs.replace(run, state=DONE)
        history.finish(Recorded(run=done, metrics=(metric,)))
        (trend,) = trends_of(history, "m")
    assert (trend.unit, trend.values) == ("GB", (pytest.approx(2.9),))


@pytest.mark.parametrize("with_facts", [False, True])
def test_a_printed_page_has_the_motions_of_its_smoke_tests(
    with_facts: bool, report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "walk.json").write_bytes(msgspec.json.encode(recorded()))
    run = RunRecord(
        variant="history",
        command=(),
        log="",
        outcome=Outcome(end="exit", rc=0),
        motions=("walk.json",),
    )
    result = SmokeResult(
        scenario="rollout", size="quick", device="cpu", ran_on="cpu", seed=0, passed=True,
        runs=(run,), folder=str(tmp_path), tree_kind="sandbox",
    )  # fmt: skip
    facts = Facts() if with_facts else None
    print_report(report, "html", facts=facts, smokes=[result])
    parsed = Parsed(capsys.readouterr().out)
    (player,) = [a for _, a in parsed.elements if "data-motion" in a]
    assert player["data-label"] == "SANDBOX"
