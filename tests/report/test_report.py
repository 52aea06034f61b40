"""The report value: exit codes, waivers, JSON and its schema, and the golden console text."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Tuple

import jsonschema
import pytest

from dartenv.checks.finding import Finding, Remedy, Status
from dartenv.errors import UsageFault
from dartenv.facts.model import ProbeFailure, ProbeTiming, TargetFacts
from dartenv.report.console import WIDTH, render_console
from dartenv.report.json import render_json, report_schema
from dartenv.report.model import Report, apply_ignores, exit_code, parse_ignores
from dartenv.report.terminal import plain

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
PUBLISHED = HERE.parents[1] / "dartenv" / "report" / "report.schema.json"


def one(status: Status, check: str = "a.b", **more: object) -> Finding:
    fields = {"check": check, "status": status, "summary": f"{check} is {status.value}"}
    fields.update(more)
    return Finding(doc=f"dartenv explain {check}", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "level", "code"),
    [
        (Status.FAIL, "fail", 1),
        (Status.WARN, "fail", 0),
        (Status.WARN, "warn", 1),
        (Status.INFO, "warn", 0),
        (Status.INFO, "info", 1),
        (Status.SKIP, "info", 0),
        (Status.FAIL, "never", 0),
        (Status.CRASH, "never", 3),
        (Status.OK, "info", 0),
    ],
)
def test_exit_codes(status: Status, level: str, code: int) -> None:
    assert exit_code([one(Status.OK), one(status)], level) == code


def test_an_ignored_finding_leaves_the_verdict_but_stays_visible() -> None:
    kept, ignored = apply_ignores(
        [one(Status.FAIL, "host.disk"), one(Status.OK, "host.os")],
        {"host.disk": "a shared disk", "host.os": "never matters"},
    )
    assert [f.check for f in kept] == ["host.os"]
    assert [(i.check, i.reason, i.status) for i in ignored] == [
        ("host.disk", "a shared disk", Status.FAIL)
    ]
    text = plain(render_console(Report(findings=tuple(kept), ignored=tuple(ignored))))
    assert "host.disk" in text
    assert "a shared disk" in text


@pytest.mark.parametrize("value", ["host.disk", "host.disk=", "host.disk=  "])
def test_a_waiver_needs_a_reason(value: str) -> None:
    with pytest.raises(UsageFault, match="gives no reason"):
        parse_ignores([value], ["host.disk"])


def test_a_waiver_of_nothing_is_refused() -> None:
    with pytest.raises(UsageFault, match="which is no check"):
        parse_ignores(["host.dusk=x"], ["host.disk"])


def broken_machine() -> Report:
    """The machine of LOOK's sketch: a CPU-only torch, PosixPath loaders, half a CLIP."""
    findings: Tuple[Finding, ...] = (
        one(
            Status.FAIL,
            "packages.torch",
            found="torch 2.4.1+cpu in C:\\Users\\李明\\anaconda3\\envs\\dart",
            wanted="2.4.1+cu118",
            source="profile windows-cu118",
            why="pip took the plain index, whose Windows wheel has no CUDA",
            remedy=Remedy(text="downloads 2.7 GB", fix="packages.torch"),
        ),
        one(
            Status.FAIL,
            "source.posixpath",
            found="save_dir: PosixPath in mld_denoiser/mld_fps_clip_repeat_euler/args.yaml",
            evidence=("mld/rollout_demo.py:95", "mld/rollout_mld.py:93"),
            why="checkpoints were written on Linux; Windows refuses PosixPath",
            remedy=Remedy(text="2 files, can be undone", fix="source.posixpath"),
        ),
        one(
            Status.FAIL,
            "assets.clip",
            found="C:\\Users\\李明\\.cache\\clip\\ViT-B-32.pt, 141.2 of 354.0 MB",
            why="an earlier download stopped; clip will start over every time",
            remedy=Remedy(text="delete it and let clip download it again", commands=("del X",)),
        ),
        one(
            Status.WARN,
            "cuda.env",
            summary="CUDA_PATH is v12.4, CUDA_HOME is v11.8: torch takes 11.8, others 12.4",
        ),
        one(Status.INFO, "source.patched", summary="3 of 5 patches are needed"),
        one(Status.OK, "host.os"),
        one(Status.SKIP, "imports.torch", cause="packages.torch"),
        one(Status.SKIP, "ort.providers", cause="packages.torch"),
    )
    return Report(
        taken_at="2026-11-22T03:15:00Z",
        dartenv="0.1.0",
        target=TargetFacts(profile="windows-cu118", dart_root="D:\\DART-main"),
        headline=("conda env dart (Python 3.8.8)", "GPU: NVIDIA GeForce RTX 4090, driver 551.61"),
        findings=findings,
        probe_failures=(ProbeFailure(probe="gpu", reason="nvidia-smi: no answer within 8 s"),),
        timings=(ProbeTiming(probe="gpu", seconds=8.0),),
        seconds=2.94,
        fixes=("packages.torch", "source.posixpath"),
        exit_code=1,
    )


def healthy_machine() -> Report:
    return Report(
        dartenv="0.1.0",
        target=TargetFacts(profile="windows-cu118", dart_root="D:\\DART-main"),
        headline=(
            "conda env dart (Python 3.8.8)",
            "GPU: NVIDIA GeForce RTX 4090, driver 551.61",
            "torch 2.4.1+cu118, pytorch3d 0.7.8+pt2.4.1cu118, numpy 1.24.4",
        ),
        findings=(one(Status.OK, "host.os"), one(Status.SKIP, "ort.package")),
        seconds=2.0,
    )


@pytest.mark.parametrize("name", ["broken_machine", "healthy_machine"])
def test_the_console_report_is_the_golden_one(name: str) -> None:
    text = plain(render_console(globals()[name](), timing=name == "broken_machine"))
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("DARTENV_WRITE_GOLDEN"):
        path.write_bytes(text.encode("utf-8"))
    assert text == path.read_bytes().decode("utf-8")


def test_lines_stay_within_the_width_unless_one_word_is_longer() -> None:
    for line in plain(render_console(broken_machine())).splitlines():
        assert len(line) <= WIDTH or max(len(word) for word in line.split()) > WIDTH // 2


def test_the_json_form_fits_the_published_schema() -> None:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    document = json.loads(render_json(broken_machine()))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["findings"][0]["found"].endswith("李明\\anaconda3\\envs\\dart")
    document["findings"][0]["status"] = "splendid"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(document)


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == report_schema()
