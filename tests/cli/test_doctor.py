"""``dartenv doctor`` from the outside: verdicts, formats, exit codes, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import jsonschema
import pytest

from dartenv.checks import all_checks
from dartenv.checks.registry import REGISTRY
from dartenv.report.json import report_schema


def findings(document: str) -> Dict[str, Any]:
    return {item["check"]: item for item in json.loads(document)["findings"]}


def test_the_sandbox_has_the_known_faults(cli: Any, sandbox: Path) -> None:
    done = cli("doctor", "--dart-root", sandbox, "--select", "source", "--format", "json")
    found = findings(done.out)
    assert done.code == 1
    assert found["source.root"]["status"] == "ok"
    places = " ".join(found["source.numpy-aliases"]["evidence"])
    assert "data_loaders/humanml/common/quaternion.py" in places
    for check in ("posixpath", "prompt-filenames", "dataclass-defaults", "torch-load"):
        one = found[f"source.{check}"]
        assert one["status"] in ("info", "warn", "fail")
        assert one["evidence"]
        assert one["remedy"]["fix"] == f"source.{check}"
    assert found["source.body-model-dir"]["status"] == "fail"


def test_json_fits_the_schema_and_nothing_else_is_on_stdout(cli: Any, sandbox: Path) -> None:
    done = cli("doctor", "--dart-root", sandbox, "--select", "source,assets", "--format", "json")
    document = json.loads(done.out)
    jsonschema.Draft202012Validator(report_schema()).validate(document)
    assert document["sandbox"] is True


@pytest.mark.parametrize("level", ["fail", "warn", "info", "never"])
def test_both_formats_end_with_the_same_code(cli: Any, sandbox: Path, level: str) -> None:
    options = ["doctor", "--dart-root", sandbox, "--select", "source", "--fail-level", level]
    assert cli(*options).code == cli(*options, "--format", "json").code == int(level != "never")


def test_the_sandbox_is_always_named_as_such(cli: Any, sandbox: Path) -> None:
    done = cli("doctor", "--dart-root", sandbox, "--select", "source")
    assert "not DART itself" in done.out


def test_saved_facts_give_the_same_findings(cli: Any, sandbox: Path, tmp_path: Path) -> None:
    options = ["doctor", "--select", "host,gpu,source,assets,conda,git"]
    saved = tmp_path / "事实.json"
    live = cli(*options, "--dart-root", sandbox, "--save", saved, "--format", "json")
    again = cli(*options, "--from", saved, "--format", "json")
    assert again.code == live.code
    # the words may differ where a path held the user's name, which is not saved
    verdicts = [
        [(f["check"], f["status"], len(f["evidence"])) for f in json.loads(run.out)["findings"]]
        for run in (live, again)
    ]
    assert verdicts[0] == verdicts[1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p / "nothing", "does not exist"),
        (lambda p: (p / "file.txt", (p / "file.txt").write_text("x"))[0], "is a file"),
        (lambda p: (p / "empty", (p / "empty").mkdir())[0], "without mld/rollout_mld.py"),
    ],
)
def test_what_is_no_dart_tree_is_a_finding(cli: Any, tmp_path: Path, make: Any, words: str) -> None:
    done = cli("doctor", "--dart-root", make(tmp_path), "--select", "source,assets")
    assert done.code == 1
    assert words in " ".join(done.out.split())
    assert "Traceback" not in done.out + done.err
    assert "skipped until then" in done.out


def test_an_interpreter_that_is_not_python_is_a_finding(
    cli: Any, sandbox: Path, tmp_path: Path
) -> None:
    junk = tmp_path / "python.exe"
    junk.write_bytes(b"\x00 not a program")
    junk.chmod(0o755)
    done = cli(
        "doctor",
        "--dart-root",
        sandbox,
        "--python",
        junk,
        "--select",
        "python,packages",
        "--format",
        "json",
    )
    found = findings(done.out)
    assert done.code == 1
    assert found["python.version"]["status"] == "fail"
    assert found["packages.torch"]["status"] == "skip"
    assert found["packages.torch"]["cause"] == "python.version"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--profile", "windows-cu811"], "windows-cu118"),
        (["--select", "sauce"], "no check is called 'sauce'"),
        (["--ignore", "host.os"], "gives no reason"),
        (["--ignore", "host.so=x"], "which is no check"),
        (["--fail-level", "loud"], "fail, never"),
        (["--format", "xml"], "console, json"),
        (["--from", "nowhere.json"], "cannot be read"),
        (["--manifests", "nowhere"], "no such folder"),
        (["--smoke", "--from", "x.json"], "--smoke"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(cli: Any, options: List[str], words: str) -> None:
    done = cli("doctor", *options)
    assert done.code == 2
    assert words in done.err
    assert done.out == ""
    assert len(done.err.strip().splitlines()) == 1


def test_a_bad_config_file_is_named(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "dartenv.toml").write_text("dart_root = 3\n", encoding="utf-8")
    done = cli("doctor")
    assert done.code == 2
    assert "dartenv.toml" in done.err


def test_the_config_file_names_the_target_and_waives(
    cli: Any, sandbox: Path, tmp_path: Path
) -> None:
    text = f"dart_root = {json.dumps(str(sandbox))}\n[ignore]\n"
    text += '"source.body-model-dir" = "the bodies are elsewhere on purpose"\n'
    (tmp_path / "dartenv.toml").write_text(text, encoding="utf-8")
    done = cli("doctor", "--select", "source")
    assert "ignored because the bodies are elsewhere on purpose" in " ".join(done.out.split())


def test_every_check_has_a_page_and_every_page_is_known(cli: Any) -> None:
    all_checks()
    for check_id in REGISTRY.checks:
        done = cli("explain", check_id)
        assert done.code == 0, check_id
        assert done.out.startswith(f"# {check_id}")
        for part in ("What it looks at", "Why it matters for DART", "Verdicts", "Repair", "Source"):
            assert f"## {part}\n" in done.out, (check_id, part)
    listed = cli("explain", "--list").out.split()
    assert set(REGISTRY.checks) <= set(listed)


def test_an_unknown_page_names_the_nearest(cli: Any) -> None:
    done = cli("explain", "source.posixpaths")
    assert done.code == 2
    assert "source.posixpath" in done.err


def test_a_fault_of_our_own_is_one_line_and_exit_code_3(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*unused: object) -> None:
        raise KeyError("inside")

    monkeypatch.setattr("dartenv.cli.common.target_of", broken)
    done = cli("doctor")
    assert done.code == 3
    assert "a fault of dartenv itself" in done.err
    assert "Traceback" not in done.err


def test_ctrl_c_ends_with_130(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*unused: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dartenv.cli.common.target_of", interrupted)
    assert cli("doctor").code == 130


def test_help_names_every_command(cli: Any) -> None:
    done = cli("--help")
    assert done.code == 0
    for command in ("doctor", "fix", "smoke", "explain", "diff", "sandbox", "manifest"):
        assert command in done.out


def test_a_sandbox_is_not_written_over_something_else(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.txt").write_text("keep", encoding="utf-8")
    done = cli("sandbox", tmp_path / "x")
    assert done.code == 2
    assert (tmp_path / "x" / "mine.txt").read_text(encoding="utf-8") == "keep"
    done = cli("sandbox", tmp_path / "y")
    assert done.code == 0
    assert (tmp_path / "y" / "DARTENV_SANDBOX").is_file()


@pytest.mark.parametrize(
    ("options", "begins"),
    [((), True), (("--shallow",), False), (("--select", "source"), False)],
)
def test_torch_is_loaded_early_only_where_it_is_wanted(
    cli: Any, sandbox: Path, monkeypatch: pytest.MonkeyPatch, options: Any, begins: bool
) -> None:
    asked: List[Any] = []
    monkeypatch.setattr("dartenv.facts.head_start.begin", lambda *given: asked.append(given))
    place = str(sandbox / "no-python")
    cli("doctor", "--dart-root", sandbox, "--python", place, *options)
    early = [given for given in asked if given[0] == place]
    assert bool(early) is begins


def test_a_report_is_no_facts_for_diff_and_from(cli: Any, sandbox: Path, tmp_path: Path) -> None:
    done = cli("doctor", "--dart-root", sandbox, "--select", "source", "--format", "json")
    report = tmp_path / "report.json"
    report.write_text(done.out, encoding="utf-8")
    for command in (("doctor", "--from", report), ("diff", report, report)):
        refused = cli(*command)
        assert refused.code == 2
        assert "a report" in refused.err
        assert "dartenv doctor --save" in refused.err


def test_diff_names_the_profile_that_judges(cli: Any, sandbox: Path, tmp_path: Path) -> None:
    facts = tmp_path / "a.json"
    cli("doctor", "--dart-root", sandbox, "--select", "source", "--save", facts)
    done = cli("diff", facts, facts)
    assert done.code == 0
    assert "0 differences" in done.out
    assert "profile sandbox" in done.out


def test_a_root_too_long_for_the_system_is_no_fault_of_ours(cli: Any) -> None:
    done = cli("doctor", "--dart-root", "/" + "a" * 5000, "--python", "nowhere", "--format", "json")
    assert done.code == 1, done.err
    assert findings(done.out)["source.root"]["status"] == "fail"
