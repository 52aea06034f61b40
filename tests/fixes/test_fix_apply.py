from __future__ import annotations

import errno
import os
import stat

import pytest

from dartenv.errors import FixFault, UsageFault
from dartenv.facts.runner import Completed
from dartenv.fixes.acts import Hands
from dartenv.fixes.apply import apply
from dartenv.fixes.durable import Durable
from dartenv.fixes.events import EventKind
from dartenv.fixes.history import history
from dartenv.fixes.paths import sha256
from dartenv.fixes.recover import recover
from dartenv.fixes.steps import (
    DisplayOnly,
    MovePath,
    RegistryValue,
    RemoveFile,
    RunCommand,
    Safety,
    SetRegistryValue,
    WriteFile,
)


def write(bench, name, content, fix="fix.one", **more):
    return WriteFile(
        id=f"{fix}:{name}",
        fixes=(fix,),
        reason="test",
        path=str(bench.root / name),
        content=content,
        **more,
    )


def remove(bench, path, fix="fix.one"):
    digest = sha256(path.read_bytes())
    return RemoveFile(
        id=f"{fix}:rm {path.name}", fixes=(fix,), reason="test", path=str(path), old_sha256=digest
    )


class Scripted:
    """A runner with one answer for each program; remembers what was run."""

    def __init__(self, **answers):
        self.answers = answers
        self.ran = []

    def __call__(self):
        return self

    def run(self, argv, timeout, env=None, cwd=None, stdin=None):
        self.ran.append(tuple(argv))
        return self.answers.get(argv[1], Completed(argv, 0))


PROGRAM = "C:\\tools\\setup.exe" if os.name == "nt" else "/opt/tools/setup"


def command(*argv, fix="fix.one", **more):
    return RunCommand(
        id=f"{fix}:{argv[0]}", fixes=(fix,), reason="test", argv=(PROGRAM, *argv), **more
    )


def test_every_kind_of_step_is_done_and_verified(bench):
    edited = bench.put("edit.py", b"a\r\n")
    gone = bench.put("gone.bin", b"\0\1")
    bench.put("from/x", b"x")
    steps = [
        bench.edit(edited, b"b\r\n"),
        write(bench, "new/deep/file.sh", b"run", mode=0o755),
        remove(bench, gone),
        MovePath(
            id="mv",
            fixes=("fix.one",),
            reason="",
            path=str(bench.root / "from"),
            destination=str(bench.root / "to" / "here"),
        ),
    ]
    report = bench.apply(*steps, verify=bench.passes)
    assert bench.outcomes(report) == {"fix.one": "repaired"}
    assert report.exit_code == 0
    assert (
        bench.results(report)["fix.one"].changed
        == tuple(
            str(bench.root / name) for name in ("edit.py", "new/deep/file.sh", "gone.bin", "from")
        )
        or os.name == "nt"
    )
    files = bench.files()
    assert files["edit.py"][0] == b"b\r\n"
    assert files["new/deep/file.sh"][0] == b"run"
    assert files["to/here/x"][0] == b"x"
    assert "gone.bin" not in files
    assert "from" not in files
    if os.name != "nt":
        assert stat.S_IMODE(files["new/deep/file.sh"][1]) == 0o755


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no permission bits")
def test_an_edited_file_keeps_its_mode(bench):
    path = bench.put("run.sh", b"a", mode=0o754)
    bench.apply(bench.edit(path, b"b"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o754


def test_a_failed_step_takes_back_its_fix_and_the_others_go_on(bench):
    one, two, three = (bench.put(name, name.encode()) for name in ("1", "2", "3"))
    before = bench.files()
    runner = Scripted(bad=Completed(["x"], 3, err=b"warning\nno such package\n"))
    report = bench.apply(
        bench.edit(one, b"A", "first"),
        bench.edit(two, b"B", "second"),
        write(bench, "made/by/second", b"", "second"),
        command("bad", fix="second"),
        bench.edit(three, b"C", "third"),
        hands=Hands(runner=runner),
        verify=bench.passes,
    )
    assert bench.outcomes(report) == {"first": "repaired", "second": "failed", "third": "repaired"}
    failed = bench.results(report)["second"]
    assert "exit code 3: no such package" in failed.why
    assert set(failed.restored) == {str(two), str(bench.root / "made/by/second")}
    assert report.exit_code == 4
    after = bench.files()
    assert after["2"] == before["2"]
    assert "made" not in after
    assert (after["1"][0], after["3"][0]) == (b"A", b"C")
    (run,) = history(bench.state)
    assert run.state == "applied"
    assert run.fixes == {"first": "done", "second": "failed", "third": "done"}


def test_a_check_that_still_fails_means_failed_and_taken_back(bench):
    path, other = bench.put("a.py", b"old"), bench.put("b.py", b"old")
    before = bench.files()

    def verify(fixes):
        assert fixes == ("useless", "good")
        assert path.read_bytes() == b"new"  # it is asked after the act
        return {"useless": (False, "np.float is still there"), "good": (True, "")}

    report = bench.apply(
        bench.edit(path, b"new", "useless"), bench.edit(other, b"new", "good"), verify=verify
    )
    assert bench.outcomes(report) == {"useless": "failed", "good": "repaired"}
    assert bench.results(report)["useless"].why == "np.float is still there"
    assert bench.files()["a.py"] == before["a.py"]
    assert other.read_bytes() == b"new"


def test_a_finished_fix_is_not_rolled_back_where_that_cannot_be_recorded(bench):
    """Half of such a rollback would look like a finished fix to the next command."""
    path, full = bench.put("a.py", b"old"), []

    def hook(label):
        if full and label.startswith("append"):
            raise OSError(errno.ENOSPC, "full")

    def verify(fixes):
        full.append(True)
        return dict.fromkeys(fixes, (False, "still broken"))

    report = bench.apply(bench.edit(path, b"new"), verify=verify, hands=Hands(Durable(hook)))
    failed = bench.results(report)["fix.one"]
    assert failed.outcome.value == "failed"
    assert "stays as it is" in failed.left[0]
    assert path.read_bytes() == b"new"
    bench.undo()
    assert path.read_bytes() == b"old"


def test_a_check_that_cannot_tell_or_breaks_leaves_the_change(bench):
    path = bench.put("a.py", b"old")

    def breaks(fixes):
        raise RuntimeError("probe broke")

    report = bench.apply(bench.edit(path, b"new"), verify=breaks)
    assert bench.outcomes(report) == {"fix.one": "applied"}
    assert "probe broke" in bench.results(report)["fix.one"].why
    assert path.read_bytes() == b"new"
    report = bench.apply(bench.edit(path, b"newer"), verify=lambda fixes: {"fix.one": (None, "?")})
    assert bench.outcomes(report) == {"fix.one": "applied"}


def test_a_file_changed_after_planning_skips_its_fix_alone(bench):
    one, two = bench.put("1", b"1"), bench.put("2", b"2")
    plan = bench.plan(bench.edit(one, b"A", "first"), bench.edit(two, b"B", "second"))
    one.write_bytes(b"edited meanwhile")
    report = apply(plan, ["first:1", "second:2"], state=bench.state, verify=bench.passes)
    assert bench.outcomes(report) == {"first": "skipped", "second": "repaired"}
    assert "changed since the plan was made" in bench.results(report)["first"].why
    assert one.read_bytes() == b"edited meanwhile"


def test_one_plan_applied_again_after_its_undo_is_a_run_of_its_own(bench):
    path = bench.put("a.py", b"old")
    plan = bench.plan(bench.edit(path, b"new"))
    first = apply(plan, ["fix.one:a.py"], state=bench.state).run
    assert first == plan.run
    assert apply(plan, ["fix.one:a.py"], state=bench.state).run is None  # no longer fits
    bench.undo()
    second = apply(plan, ["fix.one:a.py"], state=bench.state).run
    assert second not in (None, first)
    assert bench.undo(second).run == second
    assert path.read_bytes() == b"old"


def test_a_file_changed_between_the_check_and_the_act_is_not_overwritten(bench):
    path = bench.put("a.py", b"old")

    def hook(label):
        if label.startswith("write .dartenv-"):
            path.write_bytes(b"just edited")

    report = bench.apply(bench.edit(path, b"new"), hands=Hands(Durable(hook)))
    assert bench.outcomes(report) == {"fix.one": "failed"}
    assert path.read_bytes() == b"just edited"
    assert sorted(bench.files()) == ["a.py"]


def test_fixes_that_share_a_file_fall_together_and_the_innocent_one_is_planned_anew(bench):
    shared, other = bench.put("shared.py", b"0"), bench.put("other.py", b"0")
    plan = bench.plan(bench.edit(shared, b"both", "good", "bad"), bench.edit(other, b"x", "bad"))
    asked = []

    def verify(fixes):
        asked.append(fixes)
        return {fix: (fix != "bad", "still broken") for fix in fixes}

    def replan(fixes):
        assert fixes == ("good",)
        assert shared.read_bytes() == b"0"  # rolled back by now
        return bench.plan(bench.edit(shared, b"good alone", "good"))

    report = apply(
        plan, [step.id for step in plan.steps], state=bench.state, verify=verify, replan=replan
    )
    assert bench.outcomes(report) == {"good": "repaired", "bad": "failed"}
    assert asked == [("good", "bad"), ("good",)]
    assert shared.read_bytes() == b"good alone"
    assert other.read_bytes() == b"0"
    assert len(history(bench.state)) == 1
    bench.undo()
    assert shared.read_bytes() == b"0"


def test_without_a_new_plan_the_innocent_fix_is_named_as_fallen_with_the_other(bench):
    shared, other = bench.put("shared.py", b"0"), bench.put("other.py", b"0")
    steps = [bench.edit(shared, b"1", "good", "bad"), bench.edit(other, b"x", "bad")]
    other.write_bytes(b"changed")
    report = bench.apply(*steps)
    assert bench.outcomes(report) == {"good": "skipped", "bad": "skipped"}
    assert "shares a file with bad" in bench.results(report)["good"].why


def test_what_was_not_chosen_is_not_done_and_says_so(bench):
    path, other = bench.put("a.py", b"old"), bench.put("b.py", b"old")
    hand = DisplayOnly(id="h", fixes=("hand",), reason="", text="do it", safety=Safety.DISPLAY_ONLY)
    plan = bench.plan(
        bench.edit(path, b"new", "declined"), hand, bench.edit(other, b"new", "unnamed")
    )
    report = apply(plan, [], state=bench.state, skipped={"declined": "you said no"})
    assert bench.outcomes(report) == {
        "declined": "skipped",
        "hand": "skipped",
        "unnamed": "skipped",
    }
    assert bench.results(report)["declined"].why == "you said no"
    assert report.run is None
    assert not (bench.state / "runs").exists()
    assert path.read_bytes() == b"old"


def test_half_of_a_fix_is_never_done(bench):
    one, two = bench.put("1", b"1"), bench.put("2", b"2")
    plan = bench.plan(bench.edit(one, b"A"), bench.edit(two, b"B"))
    report = apply(plan, ["fix.one:1"], state=bench.state)
    assert bench.outcomes(report) == {"fix.one": "skipped"}
    assert "fix.one:2" in bench.results(report)["fix.one"].why
    assert one.read_bytes() == b"1"


def test_writing_what_is_there_already_does_not_touch_the_file(bench):
    path = bench.put("a", b"same")
    before = bench.files()
    bench.apply(write(bench, "a", b"same", old_sha256=sha256(b"same")))
    assert bench.files() == before
    assert path.exists()


def test_a_failed_command_is_undone_too_because_it_may_have_done_half(bench):
    runner = Scripted(install=Completed(["x"], None, failure="timeout"))
    report = bench.apply(
        command("install", undo_argv=(PROGRAM, "remove"), timeout=7.0), hands=Hands(runner=runner)
    )
    assert runner.ran == [(PROGRAM, "install"), (PROGRAM, "remove")]
    assert "7 s" in bench.results(report)["fix.one"].why


def test_a_command_that_cannot_be_taken_back_is_named(bench):
    path = bench.put("a", b"1")
    runner = Scripted(bad=Completed(["x"], 1))
    report = bench.apply(
        command("forever"), command("bad"), bench.edit(path, b"2"), hands=Hands(runner=runner)
    )
    left = bench.results(report)["fix.one"].left
    assert any("cannot be taken back" in text and "forever" in text for text in left)
    assert history(bench.state)[0].state == "rolled back"


def test_a_registry_value_without_a_registry_is_one_line(bench):
    step = SetRegistryValue(
        id="r",
        fixes=("host.long-paths",),
        reason="",
        hive="HKEY_CURRENT_USER",
        key="x",
        name="y",
        value=RegistryValue(type=4, number=1),
    )
    report = bench.apply(step, hands=Hands(registry=None))
    assert "no registry" in bench.results(report)["host.long-paths"].why


@pytest.mark.parametrize("times", [1, 2])
def test_an_interruption_takes_back_the_fix_in_the_middle_and_keeps_the_finished_one(bench, times):
    one, two = bench.put("1", b"1"), bench.put("2", b"2")
    left = [times]  # the second time it hits the way back

    def hook(label):
        if label in ("replaced 2", "replace 2") and two.read_bytes() == b"B" and left[0]:
            left[0] -= 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.apply(
            bench.edit(one, b"A", "first"),
            bench.edit(two, b"B", "second"),
            hands=Hands(Durable(hook)),
        )
    assert (one.read_bytes(), two.read_bytes()) == (b"A", b"2" if times == 1 else b"B")
    recover(bench.state)
    assert two.read_bytes() == b"2"
    (run,) = history(bench.state)
    assert (run.state, run.can_undo) == ("interrupted", True)
    bench.undo()
    assert one.read_bytes() == b"1"


def test_events_tell_the_story_and_a_broken_listener_stops_nothing(bench):
    path = bench.put("a", b"1")
    told = []

    def listen(event):
        told.append(event.kind)
        raise BrokenPipeError

    bench.apply(bench.edit(path, b"2"), on_event=listen, verify=bench.passes)
    assert told == [
        EventKind.STEP,
        EventKind.STEP_DONE,
        EventKind.VERIFYING,
        EventKind.REPAIRED,
    ]
    assert path.read_bytes() == b"2"


def test_a_state_folder_that_cannot_be_is_wrong_usage_and_nothing_is_changed(bench, tmp_path):
    path = bench.put("a", b"1")
    bench.state = tmp_path / "file"
    bench.state.write_bytes(b"")
    with pytest.raises(UsageFault, match="DARTENV_STATE_DIR"):
        bench.apply(bench.edit(path, b"2"))
    assert path.read_bytes() == b"1"


def test_the_backup_and_the_intention_are_on_the_disk_before_the_act(bench, monkeypatch):
    """The order of forced writes is what survives a power cut; a kill alone does not show it."""
    path = bench.put("a.py", b"old")
    order = []
    real_fsync = os.fsync

    def fsync(handle):
        folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        order.append("forced folder" if folder else "forced file")
        real_fsync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    bench.apply(bench.edit(path, b"new"), hands=Hands(Durable(order.append)))
    kinds = {"copy": "copied", "append": "appended", "write": "wrote", "replace": "replaced"}
    acts = []  # each operation with what it forced to the disk
    for i, label in enumerate(order):
        word = label.split()[0]
        if word in kinds:
            end = next(j for j in range(i, len(order)) if order[j].startswith(kinds[word]))
            acts.append((label, set(order[i + 1 : end])))
    folder = set() if os.name == "nt" else {"forced folder"}
    assert [(label.split()[0], forced) for label, forced in acts] == [
        ("write", {"forced file"}),  # the plan
        ("append", {"forced file"}),  # run started
        ("append", {"forced file"}),  # group started
        ("copy", {"forced file"} | folder),  # the backup
        ("append", {"forced file"}),  # the intention
        ("write", {"forced file"}),  # the new content, beside the old
        ("replace", folder),
        ("append", {"forced file"}),  # done
        ("append", {"forced file"}),  # group done
        ("append", {"forced file"}),  # verified
        ("append", {"forced file"}),  # closed
    ]


def test_an_interrupted_run_that_is_stuck_stops_the_next_one(bench):
    path, other = bench.put("a", b"1"), bench.put("b", b"1")

    def hook(label):
        if label == "replaced a":
            raise OSError(5, "Input/output error")
        if label.startswith("replace a") and path.read_bytes() == b"2":
            raise PermissionError(13, "open elsewhere")

    report = bench.apply(bench.edit(path, b"2"), hands=Hands(Durable(hook)))
    assert bench.outcomes(report) == {"fix.one": "failed"}
    assert "0001.before" in bench.results(report)["fix.one"].left[0]
    assert history(bench.state)[0].state == "interrupted"
    with pytest.raises(FixFault, match="not restored yet"):
        bench.apply(bench.edit(other, b"2"), hands=Hands(Durable(hook)))
    assert other.read_bytes() == b"1"
    report = bench.apply(bench.edit(other, b"2"))  # the obstacle is gone
    assert report.recovered[0].restored == (str(path),)
    assert (path.read_bytes(), other.read_bytes()) == (b"1", b"2")
