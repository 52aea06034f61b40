"""Every format read back by a reader that is not ours."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from dartenv.checks.finding import Finding, Remedy, Status
from dartenv.facts.model import TargetFacts
from dartenv.report.files import FILES, write_reports
from dartenv.report.github import render_annotations, render_summary
from dartenv.report.jsonl import render_jsonl
from dartenv.report.junit import render_junit
from dartenv.report.model import FactChange, Metric, Regression, Report
from dartenv.report.places import places
from dartenv.report.prometheus import render_prometheus
from dartenv.report.sarif import render_sarif

FAIL = Finding(
    check="source.numpy-aliases",
    status=Status.FAIL,
    summary="numpy aliases: np.float | 50 % <b>, \x1b[31mred\x00",
    found="numpy 1.24.4",
    wanted="numpy < 1.24",
    evidence=(
        "data_loaders/humanml/common/quaternion.py:13 np.float",
        "utils/a b.py:7",
        "no place",
    ),
    why="it ends at import",
    remedy=Remedy(text="repair", commands=("dartenv fix source.numpy-aliases",)),
)
REPORT = Report(
    command="nightly",
    taken_at="2026-11-22T03:15:00+00:00",
    target=TargetFacts(dart_root="/home/李明/DART main", python="/p", profile="linux-cu118"),
    findings=(
        Finding(check="gpu.driver", status=Status.OK, summary='driver "551"'),
        FAIL,
        Finding(check="host.disk", status=Status.WARN, summary="little\nroom"),
        Finding(check="imports.torch", status=Status.SKIP, summary="not looked at"),
        Finding(check="unreal.engine", status=Status.INFO, summary="none"),
        Finding(check="pip.index", status=Status.CRASH, summary="broke"),
    ),
    metrics=(
        Metric(name="smoke.rollout.fps", value=51.5, unit="frames/s", context='quick "cpu"\\x'),
    ),
    regressions=(
        Regression(
            metric="smoke.rollout.fps",
            value=30.0,
            usual=50.0,
            spread=1.0,
            since="2026-11-20T03:00:00+00:00",
            changed=(FactChange(name="driver", before="551", after="560"),),
        ),
    ),
    stand_ins=("ViT-B-32",),
    exit_code=3,
    seconds=12.5,
)


def test_places_are_read_from_evidence() -> None:
    assert [(p.path, p.line) for p in places(FAIL)] == [
        ("data_loaders/humanml/common/quaternion.py", 13),
        ("utils/a b.py", 7),
    ]


def test_junit_is_read_by_its_own_library() -> None:
    junitparser = pytest.importorskip("junitparser")
    read = junitparser.JUnitXml.fromstring(render_junit(REPORT).encode("utf-8"))
    assert (read.tests, read.failures, read.errors, read.skipped) == (6, 1, 1, 1)
    assert sorted(suite.name for suite in read) == sorted(
        ["gpu", "source", "host", "imports", "unreal", "pip"]
    )
    (failed,) = [
        case
        for suite in read
        for case in suite
        if any(isinstance(r, junitparser.Failure) for r in case.result)
    ]
    assert (failed.classname, failed.name) == ("dartenv.source", "numpy-aliases")
    assert "quaternion.py:13" in failed.result[0].text
    assert "\x1b" not in failed.result[0].text


def test_sarif_has_what_the_standard_asks_for() -> None:
    log = json.loads(render_sarif(REPORT))
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert log["version"] == "2.1.0"
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        # 3.27.9: where kind is not "fail", level shall be "none".
        assert result.get("kind", "fail") == "fail" or result["level"] == "none"
    broken = next(r for r in run["results"] if r["ruleId"] == "source.numpy-aliases")
    place = broken["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "data_loaders/humanml/common/quaternion.py"
    assert place["region"]["startLine"] == 13
    related = broken["relatedLocations"][0]["physicalLocation"]["artifactLocation"]
    assert related["uri"] == "utils/a%20b.py"
    base = run["originalUriBaseIds"][related["uriBaseId"]]
    assert base["uri"] == "file:///home/%E6%9D%8E%E6%98%8E/DART%20main/"
    assert run["invocations"][0] == {
        "executionSuccessful": False,
        "exitCode": 3,
        "startTimeUtc": "2026-11-22T03:15:00Z",
    }


def test_sarif_is_read_by_a_model_made_from_the_standards_schema() -> None:
    model = pytest.importorskip("pydantic_sarif.model", reason="needs pydantic-sarif")
    pydantic = pytest.importorskip("pydantic")
    log = json.loads(render_sarif(REPORT))
    sarif = model.StaticAnalysisResultsFormatSarifVersion210JsonSchema
    assert len(sarif(**log).runs[0].results) == len(log["runs"][0]["results"])
    log["runs"][0]["results"][0]["level"] = "splendid"
    with pytest.raises(pydantic.ValidationError):
        sarif(**log)


def test_sarif_of_a_windows_machine_is_the_same_everywhere() -> None:
    target = TargetFacts(dart_root="D:\\演示 空间\\DART", python="C:\\p.exe", profile="windows-cpu")
    log = json.loads(render_sarif(msgspec.structs.replace(REPORT, target=target)))
    (base,) = log["runs"][0]["originalUriBaseIds"].values()
    assert base["uri"].startswith("file:///D:/")
    assert base["uri"].endswith("/DART/")


def test_annotations_keep_to_one_line_each_and_the_worst_first() -> None:
    lines = render_annotations(REPORT).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning", "::notice"]
    assert "file=data_loaders/humanml/common/quaternion.py,line=13," in lines[1]
    assert "50 %25 <b>" in lines[1]
    assert "little%0Aroom" in lines[2]


def test_the_summary_names_stand_ins_and_regressions() -> None:
    text = render_summary(REPORT)
    assert "made with stand-ins for `ViT-B-32`" in text
    assert "np.float \\| 50 % &lt;b>" in text
    assert "| -40% | 2026-11-20 |" in text


def test_prometheus_is_read_by_its_own_parser() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    families = {
        family.name: family
        for family in parser.text_string_to_metric_families(render_prometheus(REPORT))
    }
    (sample,) = families["dartenv_metric"].samples
    assert sample.value == 51.5
    assert sample.labels["context"] == 'quick "cpu"\\x'
    found = {s.labels["status"]: s.value for s in families["dartenv_findings"].samples}
    assert found == {"ok": 1, "skip": 1, "info": 1, "warn": 1, "fail": 1, "crash": 1}
    assert families["dartenv_run_timestamp_seconds"].samples[0].value == 1795317300.0


def test_json_lines_stand_alone() -> None:
    lines = [json.loads(line) for line in render_jsonl(REPORT).splitlines()]
    assert [line["type"] for line in lines].count("finding") == 6
    assert {line["taken_at"] for line in lines} == {REPORT.taken_at}
    assert lines[0]["exit_code"] == 3


def test_all_formats_are_written_as_files(tmp_path: Path) -> None:
    written = write_reports(REPORT, tmp_path / "报告" / "run")
    assert [path.name for path in written] == [name for name, _ in FILES]
    assert all(path.stat().st_size > 100 for path in written)
    assert len(list((tmp_path / "报告" / "run").iterdir())) == len(FILES)
    write_reports(REPORT, tmp_path / "own", "<!doctype html>own")
    assert (tmp_path / "own" / "report.html").read_text(encoding="utf-8") == "<!doctype html>own"
