"""The whole loop on a small tree of our own, with the running interpreter as target."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import msgspec
import psutil
import pytest

from dartenv.errors import UsageFault
from dartenv.manifests.loader import Manifests
from dartenv.report.smoke import render_smoke
from dartenv.smoke import SmokeResult, load_scenario, run_scenario, scenario_ids, to_findings
from dartenv.smoke.api import PYTHON_PATH_VARIABLE
from dartenv.smoke.group import Group
from dartenv.smoke.scenario import ErrorTable, Need, Scenario, StandInDefaults

Run = Callable[..., SmokeResult]


@pytest.fixture
def run(tree: Path, scenario: Scenario, tmp_path: Path) -> Run:
    def go(fault: str = "", **changes: Any) -> SmokeResult:
        arguments: Dict[str, Any] = {
            "scenario": scenario,
            "state_dir": str(tmp_path / "state"),
            "cache_dir": str(tmp_path / "缓存 cache"),
            "device": "cpu",
            "env": {"FAULT": fault},
            **changes,
        }
        return run_scenario(str(tree), sys.executable, **arguments)

    return go


def test_a_run_writes_motion_and_leaves_the_tree_untouched(first_run: Any) -> None:
    result, base, before, after = first_run
    assert result.passed, to_findings(result)
    assert before == after
    assert list((base / "缓存 cache" / "smoke").iterdir()) == []
    assert {judged.name: judged.value for judged in result.judged}["frames"] == 26.0
    assert result.metrics["fps"] == 32.0  # 8 frames a primitive, 4 primitives a second
    assert result.versions["python"] == ".".join(str(n) for n in sys.version_info[:3])


def test_the_missing_args_make_it_plumbing(first_run: Any) -> None:
    result = first_run.result
    assert [stand_in.id for stand_in in result.stand_ins] == ["args.denoiser", "args.vae"]
    assert result.kind == "plumbing"
    assert result.verdict == "PLUMBING PASS"
    assert {judged.name: judged.passed for judged in result.judged}["path"] is None


def test_the_record_and_the_log_stay(first_run: Any) -> None:
    result = first_run.result
    record = Path(result.folder) / "result.json"
    assert msgspec.json.decode(record.read_bytes(), type=SmokeResult) == result
    assert "[Done]" in Path(result.runs[0].log).read_text(encoding="utf-8")
    command = result.runs[0].command
    assert command[1:3] == ("-m", "mld.walk")
    assert command[command.index("--seed") + 1] == "7"


def test_with_everything_there_it_is_genuine_and_quality_counts(run: Run, tree: Path) -> None:
    defaults = Manifests().read("scenarios", "standins", StandInDefaults)
    for folder, role in (("weights/run", "denoiser"), ("mvae/mvae_fps_clip", "vae")):
        path = tree.joinpath(*folder.split("/")) / "args.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(defaults.args[role], encoding="utf-8")
    result = run()
    assert result.passed
    assert result.verdict == "PASS"
    assert {judged.name: judged.passed for judged in result.judged}["path"] is True


def test_without_stand_ins_what_is_missing_is_listed_and_nothing_runs(run: Run) -> None:
    result = run(stand_ins=False)
    assert not result.passed
    assert result.runs == ()
    assert result.failure is not None
    assert result.failure.check == "assets.args"
    assert "args.denoiser, args.vae" in result.failure.sentence


def test_bad_motion_fails_although_the_program_is_content(run: Run) -> None:
    result = run("nan")
    assert not result.passed
    assert result.runs[0].outcome.ok
    assert "finite" in [judged.name for judged in result.judged if judged.passed is False]


def test_success_without_motion_is_a_failure(run: Run) -> None:
    result = run("silent")
    assert not result.passed
    assert result.failure is not None
    assert "wrote no motion" in result.failure.sentence


def test_a_crash_after_writing_is_a_failure_with_its_cause(run: Run) -> None:
    result = run("after")
    assert not result.passed
    assert result.failure is not None
    assert result.failure.check == "host.code-page", result.failure
    assert "after it had written motion" in result.failure.sentence
    assert result.failure.where is not None
    assert result.failure.where.startswith("mld/walk.py:")


def test_a_program_that_crashed_is_told_by_the_name_of_its_crash(run: Run) -> None:
    failure = run("crash").failure
    assert failure is not None
    windows = "access violation (0xC0000005)"
    named = windows if sys.platform == "win32" else "abort (SIGABRT)"
    assert named in failure.sentence, failure


def test_a_run_that_writes_through_a_link_is_found_out(run: Run, tree: Path) -> None:
    result = run("overwrites")
    through = (tree / "weights" / "big.bin").read_bytes().startswith(b"changed")
    assert result.passed is not through
    assert bool(result.tree_changes) is through


def test_a_missing_file_that_nothing_can_replace(run: Run, tree: Path) -> None:
    (tree / "weights" / "big.bin").unlink()
    stages: List[str] = []
    result = run(stage=stages.append)
    assert stages == ["copying the tree"]
    assert result.failure is not None
    assert result.failure.check == "assets.checkpoints"
    assert "cannot be stood in for" in result.failure.sentence


def test_a_time_limit_ends_the_run(run: Run, scenario: Scenario, tree: Path) -> None:
    hang = "import os, sys; print('1/2 [00:01<00:01, 1.0it/s]'); r, w = os.pipe(); os.read(r, 1)\n"
    (tree / "mld" / "walk.py").write_text(hang, encoding="utf-8")
    short = msgspec.structs.replace(scenario.sizes["quick"], time_limit=2.0)
    result = run(scenario=msgspec.structs.replace(scenario, sizes={"quick": short}))
    assert result.failure is not None
    assert result.failure.sentence.startswith("ended by us after 2 s")


def test_ctrl_c_leaves_neither_processes_nor_a_workspace(
    run: Run, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang = "import os; r, w = os.pipe(); os.read(r, 1)\n"
    (tree / "mld" / "walk.py").write_text(hang, encoding="utf-8")
    started = []

    def interrupted(self: Group) -> int:
        started.append(self.process.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(Group, "resident", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert list((tmp_path / "缓存 cache" / "smoke").iterdir()) == []
    assert not psutil.pid_exists(started[0]) or (
        psutil.Process(started[0]).status() == psutil.STATUS_ZOMBIE
    )


def test_a_kept_workspace_is_named(run: Run) -> None:
    result = run(keep=True)
    assert result.workspace is not None
    written = list(Path(result.workspace).glob("weights/run/checkpoint_1/rollout/*/sample_0.pkl"))
    assert len(written) == 1
    shown = ["".join(text for text, _ in line).strip() for line in render_smoke([result])]
    assert f"kept    {result.workspace}" in shown
    assert f"kept: {result.workspace}" in to_findings(result)[0].evidence


def test_extra_python_path_comes_first_and_is_recorded(
    run: Run, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    (stubs / "only_here.py").write_text("", encoding="utf-8")
    program = tree / "mld" / "walk.py"
    program.write_text("import only_here\n" + program.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setenv(PYTHON_PATH_VARIABLE, str(stubs))
    result = run()
    assert result.passed
    assert result.extra_python_path == (str(stubs),)


def test_a_stand_in_for_clip_reaches_the_program_unnoticed(
    run: Run, scenario: Scenario, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of that name that checks its cache is told a file instead."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    stubs = tmp_path / "stubs"
    (stubs / "clip").mkdir(parents=True)
    (stubs / "clip" / "__init__.py").write_text("from .clip import *\n", encoding="utf-8")
    (stubs / "clip" / "clip.py").write_text(
        "def load(name, device=None, jit=False):\n"
        "    if name == 'Tiny/1':\n"
        "        raise RuntimeError('the SHA256 checksum does not not match')\n"
        "    return open(name, 'rb').read()\n",
        encoding="utf-8",
    )
    # torch makes the real stand-in; here the cache already holds one.
    from dartenv.smoke import prepare

    monkeypatch.setattr(prepare, "_make", lambda plan, *rest: _written(plan))
    program = tree / "mld" / "walk.py"
    first = "import clip; assert clip.load('Tiny/1', device='cpu') == b'weights'\n"
    program.write_text(first + program.read_text(encoding="utf-8"), encoding="utf-8")
    need = Need(id="CLIP", kind="clip", path="~/.cache/clip/Tiny.pt", check="assets.clip")
    changed = msgspec.structs.replace(scenario, needs=(*scenario.needs, need), clip_name="Tiny/1")
    result = run(scenario=changed, extra_python_path=[str(stubs)])
    assert result.passed, to_findings(result)
    assert "CLIP" in [stand_in.id for stand_in in result.stand_ins]
    assert "-m" not in result.runs[0].command
    assert not (tmp_path / ".cache").exists()


def _written(plan: Any) -> None:
    for planned in plan.files:
        Path(planned.cached).parent.mkdir(parents=True, exist_ok=True)
        Path(planned.cached).write_bytes(b"weights")


def test_every_variant_runs_and_is_judged(run: Run, scenario: Scenario) -> None:
    variants = tuple(
        msgspec.structs.replace(scenario.variants[0], id=name, values={"text": name})
        for name in ("one", "two")
    )
    outputs = msgspec.structs.replace(
        scenario.outputs, samples="{checkpoint_stem}/rollout/{text}/sample_*.pkl"
    )
    result = run(scenario=msgspec.structs.replace(scenario, variants=variants, outputs=outputs))
    assert result.passed, to_findings(result)
    assert [record.variant for record in result.runs] == ["one", "two"]
    assert {judged.run for judged in result.judged} == {"one", "two"}
    assert result.runs[0].digests == result.runs[1].digests


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": "huge"}, "no size 'huge'"),
        ({"device": "tpu"}, "device 'tpu'"),
        ({"values": {"denoiser_checkpoint": "../elsewhere/c.pt"}}, "outside"),
    ],
)
def test_wrong_arguments_are_refused(run: Run, changes: Dict[str, Any], words: str) -> None:
    with pytest.raises(UsageFault, match=words):
        run(**changes)


def test_neither_tree_nor_interpreter_is_taken_on_trust(
    scenario: Scenario, tree: Path, tmp_path: Path
) -> None:
    def go(root: Path, python: str) -> None:
        run_scenario(str(root), python, scenario, state_dir=str(tmp_path), cache_dir=str(tmp_path))

    with pytest.raises(UsageFault, match="no such folder"):
        go(tmp_path / "none", sys.executable)
    with pytest.raises(UsageFault, match="a file"):
        go(tree / "mld" / "walk.py", sys.executable)
    with pytest.raises(UsageFault, match="no such interpreter"):
        go(tree, str(tmp_path / "python"))


def test_an_interpreter_that_is_none_is_a_result(
    scenario: Scenario, tree: Path, tmp_path: Path
) -> None:
    fake = tmp_path / "python.exe"
    fake.write_bytes(b"not a program")
    result = run_scenario(
        str(tree), str(fake), scenario, state_dir=str(tmp_path), cache_dir=str(tmp_path / "c")
    )
    assert not result.passed
    assert result.failure is not None
    assert result.failure.check == "python.version"


def test_the_scenarios_of_the_package_are_whole(errors: ErrorTable) -> None:
    assert set(scenario_ids()) >= {"rollout", "inbetween"}
    for scenario_id in scenario_ids():
        scenario = load_scenario(scenario_id)
        assert {"quick", "full"} <= set(scenario.sizes)
        assert {need.check.split(".")[0] for need in scenario.needs} == {"assets", "source"}
    assert len({rule.id for rule in errors.rules}) == len(errors.rules)
    for rule in errors.rules:
        asked = set(re.findall(r"\{(\w+)\}", rule.sentence))
        assert asked <= set(re.compile(rule.pattern).groupindex), rule.id
    with pytest.raises(UsageFault, match="no scenario 'errors'"):
        load_scenario("errors")
