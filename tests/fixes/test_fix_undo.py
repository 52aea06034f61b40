from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dartenv.errors import FixFault, UsageFault
from dartenv.fixes.acts import Hands
from dartenv.fixes.durable import Durable
from dartenv.fixes.history import history
from dartenv.fixes.paths import sha256
from dartenv.fixes.steps import MovePath, RemoveFile, RunCommand, WriteFile
from dartenv.fixes.undo import UndoRefused

NAMES = st.sampled_from(["a.py", "b b.py", "深/c.py", "x/y/z.bin"])


@settings(
    max_examples=6 if os.name == "nt" else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    old=st.dictionaries(NAMES, st.binary(max_size=300), min_size=1),
    new=st.dictionaries(NAMES, st.binary(max_size=300)),
    removed=st.sets(NAMES),
    mode=st.sampled_from([0o644, 0o600, 0o755, 0o640]),
)
def test_undo_after_fix_is_identity_for_any_bytes(new_bench, old, new, removed, mode):
    bench = new_bench()
    for name, data in old.items():
        bench.put(name, data, mode)
    before = bench.files()
    steps = []
    for name in sorted({*old, *new}):
        path = str(bench.root / name)
        common = {"id": name, "fixes": ("f",), "reason": "", "path": path}
        if name in old and name in removed:
            steps.append(RemoveFile(old_sha256=sha256(old[name]), **common))
        elif name in new:
            digest = sha256(old[name]) if name in old else None
            steps.append(WriteFile(old_sha256=digest, content=new[name], **common))
    report = bench.apply(*steps, verify=bench.passes)
    after = {name: found[0] for name, found in bench.files().items() if found[1] != 0}
    wanted = {k: v for k, v in {**old, **new}.items() if not (k in old and k in removed)}
    assert after == wanted
    if report.run is not None and history(bench.state)[-1].can_undo:
        bench.undo()
    assert bench.files() == before


def written(bench):
    """A run with an edit, a new file in new folders, a removal and a move."""
    edited = bench.put("edit.py", b"old\r\n", 0o640)
    gone = bench.put("gone.bin", bytes(range(256)), 0o600)
    bench.put("from/inner/x", b"x")
    steps = [
        bench.edit(edited, b"new\r\n"),
        WriteFile(
            id="w", fixes=("f",), reason="", path=str(bench.root / "n/e/w.txt"), content=b"made"
        ),
        RemoveFile(
            id="r", fixes=("g",), reason="", path=str(gone), old_sha256=sha256(gone.read_bytes())
        ),
        MovePath(
            id="m",
            fixes=("h",),
            reason="",
            path=str(bench.root / "from"),
            destination=str(bench.root / "into/to"),
        ),
    ]
    before = bench.files()
    return before, bench.apply(*steps, verify=bench.passes)


def test_undo_restores_content_mode_time_and_takes_made_folders_away(bench):
    before, report = written(bench)
    undone = bench.undo()
    assert bench.files() == before
    assert undone.run == report.run
    assert undone.fixes == ("fix.one", "f", "g", "h")
    assert len(undone.restored) == 4
    assert [run.state for run in history(bench.state)] == ["undone"]


def test_a_second_undo_finds_nothing(bench):
    written(bench)
    bench.undo()
    with pytest.raises(UsageFault, match="no run to undo"):
        bench.undo()
    with pytest.raises(UsageFault, match="undone"):
        bench.undo(history(bench.state)[0].run)


def test_made_folders_that_hold_something_else_now_stay(bench):
    before, _ = written(bench)
    bench.put("n/e/users.txt", b"mine")
    bench.undo()
    after = bench.files()
    assert after.pop("n/e/users.txt")[0] == b"mine"
    assert {name for name in after if name not in before} == {"n", "n/e"}


def test_an_edited_file_is_shown_in_three_versions_and_nothing_at_all_is_changed(bench):
    written(bench)
    (bench.root / "edit.py").write_bytes(b"my own\n")
    (bench.root / "n/e/w.txt").write_bytes(b"mine too")
    before = bench.files()
    with pytest.raises(UndoRefused) as caught:
        bench.undo()
    assert bench.files() == before
    found = {Path(c.path).name: c for c in caught.value.conflicts}
    edit, made = found["edit.py"], found["w.txt"]
    assert (edit.before, edit.wrote, edit.now) == (b"old\r\n", b"new\r\n", b"my own\n")
    assert (made.before, made.wrote, made.now) == (None, b"made", b"mine too")
    assert caught.value.exit_code == 4
    assert history(bench.state)[0].can_undo


def test_a_file_deleted_since_is_a_conflict_and_a_new_one_deleted_since_is_none(bench):
    written(bench)
    (bench.root / "n/e/w.txt").unlink()
    (bench.root / "edit.py").unlink()
    with pytest.raises(UndoRefused) as caught:
        bench.undo()
    (conflict,) = caught.value.conflicts
    assert (conflict.wrote, conflict.now) == (b"new\r\n", None)


def test_a_file_put_back_by_hand_is_no_conflict(bench):
    written(bench)
    (bench.root / "edit.py").write_bytes(b"old\r\n")
    time_of_hand = (bench.root / "edit.py").stat().st_mtime_ns
    bench.undo()
    assert (bench.root / "edit.py").stat().st_mtime_ns == time_of_hand
    assert (bench.root / "gone.bin").exists()


def test_something_in_the_place_of_a_moved_folder_is_a_conflict(bench):
    written(bench)
    bench.put("from/new", b"")
    before = bench.files()
    with pytest.raises(UndoRefused, match="nothing was changed"):
        bench.undo()
    assert bench.files() == before


def test_an_older_run_can_be_undone_where_later_ones_left_its_files_alone(bench):
    one, two = bench.put("1", b"1"), bench.put("2", b"2")
    first = bench.apply(bench.edit(one, b"A")).run
    second = bench.apply(bench.edit(two, b"B")).run
    third = bench.apply(bench.edit(two, b"C")).run
    with pytest.raises(UndoRefused, match=third):
        bench.undo(second)
    assert two.read_bytes() == b"C"
    assert bench.undo(first[:6]).run == first
    assert one.read_bytes() == b"1"
    bench.undo(third)
    bench.undo(second)
    assert two.read_bytes() == b"2"
    assert [run.state for run in history(bench.state)] == ["undone"] * 3


def test_a_file_in_a_folder_that_a_later_run_moved_counts_as_touched(bench):
    path = bench.put("d/a", b"1")
    first = bench.apply(bench.edit(path, b"2")).run
    later = bench.apply(
        MovePath(
            id="m",
            fixes=("f",),
            reason="",
            path=str(bench.root / "d"),
            destination=str(bench.root / "e"),
        )
    ).run
    with pytest.raises(UndoRefused, match=later):
        bench.undo(first)


@pytest.mark.parametrize("wanted", ["zz", ""])
def test_an_unknown_or_ambiguous_run_is_wrong_usage(bench, wanted):
    path = bench.put("1", b"1")
    bench.apply(bench.edit(path, b"2"))
    bench.apply(bench.edit(path, b"3"))
    with pytest.raises(UsageFault, match="one of"):
        bench.undo(wanted)


def test_an_undo_that_fails_in_the_middle_puts_everything_back(bench):
    written(bench)
    before = bench.files()

    def hook(label):
        if label == "replace edit.py":
            raise PermissionError(13, "Permission denied")

    with pytest.raises(FixFault, match="nothing was changed"):
        bench.undo(hands=Hands(Durable(hook)))
    assert bench.files() == before
    assert history(bench.state)[0].can_undo
    bench.undo()
    assert "n" not in bench.files()


def test_a_damaged_backup_stops_undo_before_anything_is_changed(bench):
    written(bench)
    before = bench.files()
    (backup,) = bench.state.glob("runs/*/backups/0001.before")
    backup.write_bytes(b"rotten")
    with pytest.raises(FixFault, match="damaged"):
        bench.undo()
    assert bench.files() == before


def test_what_cannot_be_undone_is_named_and_the_rest_is_undone(bench):
    class Runner:
        def run(self, argv, timeout, env=None, cwd=None, stdin=None):
            from dartenv.facts.runner import Completed

            return Completed(argv, 0)

    path = bench.put("a", b"1")
    program = str(path.resolve())
    step = RunCommand(id="c", fixes=("c",), reason="", argv=(program, "x"), undoable=False)
    bench.apply(step, bench.edit(path, b"2"), hands=Hands(runner=Runner))
    undone = bench.undo(hands=Hands(runner=Runner))
    assert undone.left == (f"{program} x",)
    assert path.read_bytes() == b"1"


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no permission bits")
def test_undo_puts_back_the_mode_even_if_it_was_changed_since(bench):
    path = bench.put("a", b"1", 0o640)
    bench.apply(bench.edit(path, b"2"))
    path.chmod(0o444)
    bench.undo()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "nt", reason="the read-only attribute of Windows")
def test_undo_of_a_file_made_read_only_since(bench):
    path = bench.put("a", b"1")
    bench.apply(bench.edit(path, b"2"))
    path.chmod(stat.S_IREAD)
    bench.undo()
    assert path.read_bytes() == b"1"
    assert path.stat().st_mode & stat.S_IWRITE


def test_history_of_nothing_is_empty_and_makes_nothing(bench):
    assert history(bench.state) == ()
    assert not bench.state.exists()
